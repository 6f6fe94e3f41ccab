// SPDX-License-Identifier: GPL-2.0-only
#include "native/scope_names.h"

#include <string.h>

#include "base/arena.h"
#include "base/vec.h"
#include "native/scope_die.h"

#define NESTING_MAX 32 /* of namespaces and classes */
#define IMPORTS_MAX 64 /* depth of partial units that import others */
#define BUILDS_MAX  64 /* depth of units whose names lie in others */

#define ENTRY_DECLARATION 0x1u
#define ENTRY_LOCATED	  0x2u
#define ENTRY_EXTERNAL	  0x4u
#define ENTRY_OF_ORIGIN	  0x8u /* name and scope are another DIE's: `origin` */

struct entry {
	uint64_t hash; /* of the qualified name */
	Dwarf_Off off;
	const void *origin; /* address of the DIE that names it */
	Dwarf_Off parent;   /* of an enumerator */
	uint32_t scope;
	uint8_t kind, flags;
};

struct unit {
	Dwarf_Die cudie;
	Dwarf *dwarf;
	bool in_types; /* .debug_types of DWARF 4 */
	bool is_c;
	bool building, built;
	uint32_t visit; /* of the search that saw it last */
	LP_VEC(struct entry) by_hash, by_off;
	LP_VEC(const char *) scopes;
	LP_VEC(struct unit *) imports;
};

struct lp_names {
	Dwarf *dwarf;
	struct lp_arena arena;
	struct lp_ptrmap units; /* by Dwarf_CU */
	LP_VEC(struct unit *) all;
	bool all_known;
	uint32_t visit;
	int depth; /* of units that are built because another needs their names */
};

struct lp_names *lp_names_new(Dwarf *dwarf)
{
	struct lp_names *n = calloc(1, sizeof(*n));

	if (n)
		n->dwarf = dwarf;
	return n;
}

void lp_names_free(struct lp_names *n)
{
	if (!n)
		return;
	lp_vec_each (&n->all, u) {
		lp_vec_done(&(*u)->by_hash);
		lp_vec_done(&(*u)->by_off);
		lp_vec_done(&(*u)->scopes);
		lp_vec_done(&(*u)->imports);
	}
	lp_vec_done(&n->all);
	lp_ptrmap_done(&n->units);
	lp_arena_done(&n->arena);
	free(n);
}

static uint64_t hash_add(uint64_t h, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)s[i]) * 0x100000001b3ull;
	return h;
}

static uint64_t hash_of(const char *scope, const char *name, size_t len)
{
	uint64_t h = 0xcbf29ce484222325ull;

	if (scope[0]) {
		h = hash_add(h, scope, strlen(scope));
		h = hash_add(h, "::", 2);
	}
	return hash_add(h, name, len);
}

static struct unit *unit_of_cu(struct lp_names *n, Dwarf_CU *cu)
{
	struct unit *u = lp_ptrmap_get(&n->units, cu);
	Dwarf_Half version;
	uint8_t type;

	if (u)
		return u;
	u = lp_arena_new(&n->arena, struct unit);
	if (!u || dwarf_cu_info(cu, &version, &type, &u->cudie, NULL, NULL, NULL, NULL) != 0 ||
	    lp_vec_push(&n->all, u) < 0)
		return NULL;
	u->dwarf = dwarf_cu_getdwarf(cu);
	u->in_types = version < 5 && type == DW_UT_type;
	u->is_c = lp_lang_is_c(lp_die_lang(&u->cudie));
	if (lp_ptrmap_put(&n->units, cu, u) < 0)
		return NULL;
	return u;
}

static bool entry_die(const struct unit *u, const struct entry *e, Dwarf_Die *ret)
{
	return u->in_types ? dwarf_offdie_types(u->dwarf, e->off, ret) != NULL
			   : dwarf_offdie(u->dwarf, e->off, ret) != NULL;
}

struct walk {
	struct lp_names *names;
	struct unit *unit;
	bool failed;
};

static uint32_t new_scope(struct walk *w, uint32_t in, const char *name)
{
	struct unit *u = w->unit;
	const char *outer = u->scopes.data[in];

	if (!name)
		return in;

	const char *s = outer[0] ? lp_arena_fmt(&w->names->arena, "%s::%s", outer, name)
				 : lp_arena_strdup(&w->names->arena, name);
	if (!s || lp_vec_push(&u->scopes, s) < 0) {
		w->failed = true;
		return in;
	}
	return (uint32_t)u->scopes.len - 1;
}

static void add(struct walk *w, Dwarf_Die *die, uint32_t scope, unsigned int kind, Dwarf_Off parent)
{
	const char *name = dwarf_diename(die);
	struct entry e = {
		.off = dwarf_dieoffset(die),
		.origin = die->addr,
		.parent = parent,
		.scope = scope,
		.kind = (uint8_t)kind,
	};
	Dwarf_Die origin;

	if (!name)
		return;
	lp_die_origin(die, &origin);
	if (origin.addr != die->addr) {
		e.flags |= ENTRY_OF_ORIGIN;
		e.origin = origin.addr;
	}
	if (dwarf_hasattr(die, DW_AT_declaration))
		e.flags |= ENTRY_DECLARATION;
	if (kind == LP_NAME_VARIABLE && lp_die_has_location(die))
		e.flags |= ENTRY_LOCATED;
	if (kind == LP_NAME_VARIABLE && lp_die_flag(die, DW_AT_external))
		e.flags |= ENTRY_EXTERNAL;
	e.hash = hash_of(w->unit->scopes.data[scope], name, strlen(name));
	if (lp_vec_push(&w->unit->by_off, e) < 0)
		w->failed = true;
}

static void walk_children(struct walk *w, Dwarf_Die *parent, uint32_t scope, int depth);

static void add_enum(struct walk *w, Dwarf_Die *die, uint32_t scope)
{
	const char *name = dwarf_diename(die);
	uint32_t inner = name && !w->unit->is_c ? new_scope(w, scope, name) : scope;
	Dwarf_Die c;

	add(w, die, scope, LP_NAME_TAG, 0);
	for (bool ok = lp_die_first(die, &c); ok; ok = lp_die_next(&c)) {
		if (dwarf_tag(&c) != DW_TAG_enumerator)
			continue;
		if (!lp_die_flag(die, DW_AT_enum_class))
			add(w, &c, scope, LP_NAME_ENUMERATOR, dwarf_dieoffset(die));
		if (inner != scope)
			add(w, &c, inner, LP_NAME_ENUMERATOR, dwarf_dieoffset(die));
	}
}

static void add_namespace(struct walk *w, Dwarf_Die *die, uint32_t scope, int depth)
{
	walk_children(w, die, new_scope(w, scope, dwarf_diename(die)), depth);
	/* an inline namespace's names are its parent's too; one such level, or a hostile nesting
	 * would double the work with each
	 */
	if (dwarf_diename(die) && dwarf_hasattr(die, DW_AT_export_symbols) && depth < 4)
		walk_children(w, die, scope, NESTING_MAX - 2);
}

static void add_import(struct walk *w, Dwarf_Die *die)
{
	Dwarf_Die to;
	struct unit *u;

	if (!lp_die_ref(die, DW_AT_import, &to))
		return;
	u = unit_of_cu(w->names, to.cu);
	if (u && lp_vec_push(&w->unit->imports, u) < 0)
		w->failed = true;
}

static void walk_one(struct walk *w, Dwarf_Die *die, uint32_t scope, int depth)
{
	switch (dwarf_tag(die)) {
	case DW_TAG_namespace:
	case DW_TAG_module:
		add_namespace(w, die, scope, depth);
		break;
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
	case DW_TAG_interface_type:
		add(w, die, scope, LP_NAME_TAG, 0);
		if (!w->unit->is_c)
			walk_children(w, die, new_scope(w, scope, dwarf_diename(die)), depth);
		break;
	case DW_TAG_enumeration_type:
		add_enum(w, die, scope);
		break;
	case DW_TAG_typedef:
	case DW_TAG_base_type:
	case DW_TAG_unspecified_type:
		add(w, die, scope, LP_NAME_TYPE, 0);
		break;
	case DW_TAG_member:
		/* a static member; others have no name outside of an object */
		if (!dwarf_hasattr(die, DW_AT_external))
			break;
		add(w, die, scope, LP_NAME_VARIABLE, 0);
		break;
	case DW_TAG_variable:
		add(w, die, scope, LP_NAME_VARIABLE, 0);
		break;
	case DW_TAG_subprogram:
		/* one without code only tells where its definition belongs */
		add(w, die, scope,
		    dwarf_hasattr(die, DW_AT_low_pc) || dwarf_hasattr(die, DW_AT_ranges)
			    ? LP_NAME_FUNCTION
			    : 0,
		    0);
		break;
	case DW_TAG_imported_unit:
		add_import(w, die);
		break;
	}
}

static void walk_children(struct walk *w, Dwarf_Die *parent, uint32_t scope, int depth)
{
	Dwarf_Die c;

	if (depth >= NESTING_MAX)
		return;
	for (bool ok = lp_die_first(parent, &c); ok && !w->failed; ok = lp_die_next(&c))
		walk_one(w, &c, scope, depth + 1);
}

static int compare_off(const void *a, const void *b)
{
	Dwarf_Off x = ((const struct entry *)a)->off, y = ((const struct entry *)b)->off;

	return x < y ? -1 : x > y;
}

static int compare_hash(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->hash < y->hash ? -1 : x->hash > y->hash ? 1 : compare_off(a, b);
}

/* A definition outside of its class or namespace is named where it is declared. */
static void name_by_origin(struct walk *w, struct entry *e)
{
	Dwarf_Die die, origin;

	if (!(e->flags & ENTRY_OF_ORIGIN) || !entry_die(w->unit, e, &die))
		return;
	lp_die_origin(&die, &origin);

	const char *scope = lp_names_scope(w->names, &origin), *name = dwarf_diename(&die);
	if (!scope[0] || !name || lp_vec_push(&w->unit->scopes, scope) < 0)
		return;
	e->scope = (uint32_t)w->unit->scopes.len - 1;
	e->hash = hash_of(scope, name, strlen(name));
}

static void build(struct lp_names *n, struct unit *u)
{
	struct walk w = { .names = n, .unit = u };

	if (u->built || u->building || n->depth >= BUILDS_MAX)
		return;
	u->building = true;
	n->depth++;
	if (lp_vec_push(&u->scopes, "") == 0)
		walk_children(&w, &u->cudie, 0, 0);
	if (u->by_off.len)
		qsort(u->by_off.data, u->by_off.len, sizeof(struct entry), compare_off);
	lp_vec_each (&u->by_off, e)
		name_by_origin(&w, e);

	if (u->by_off.len && lp_vec_reserve(&u->by_hash, u->by_off.len) == 0) {
		memcpy(u->by_hash.data, u->by_off.data, u->by_off.len * sizeof(struct entry));
		u->by_hash.len = u->by_off.len;
		qsort(u->by_hash.data, u->by_hash.len, sizeof(struct entry), compare_hash);
	}
	n->depth--;
	u->building = false;
	u->built = true;
}

/* While a unit is being built and not sorted yet, it has no answer. */
static const struct entry *entry_of(struct lp_names *n, Dwarf_Die *die, struct unit **ret_unit)
{
	struct unit *u = unit_of_cu(n, die->cu);
	struct entry key = { .off = dwarf_dieoffset(die) };

	if (!u)
		return NULL;
	build(n, u);
	*ret_unit = u;
	return u->by_off.len
		       ? bsearch(&key, u->by_off.data, u->by_off.len, sizeof(key), compare_off)
		       : NULL;
}

const char *lp_names_scope(struct lp_names *n, Dwarf_Die *die)
{
	struct unit *u;
	const struct entry *e = entry_of(n, die, &u);

	return e ? u->scopes.data[e->scope] : "";
}

bool lp_names_enumeration(struct lp_names *n, Dwarf_Die *enumerator, Dwarf_Die *ret)
{
	struct unit *u;
	const struct entry *e = entry_of(n, enumerator, &u);
	struct entry parent = { 0 };

	if (!e || e->kind != LP_NAME_ENUMERATOR)
		return false;
	parent.off = e->parent;
	return entry_die(u, &parent, ret);
}

/* How good a match is: a definition with a place, any definition, a declaration. */
static int rank(const struct entry *e)
{
	return e->flags & ENTRY_DECLARATION				    ? 1
	       : e->kind == LP_NAME_VARIABLE && !(e->flags & ENTRY_LOCATED) ? 2
									    : 3;
}

static size_t lower_bound(const struct unit *u, uint64_t hash)
{
	size_t lo = 0, hi = u->by_hash.len;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (u->by_hash.data[mid].hash < hash)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct search {
	uint64_t hash;
	const char *name; /* the last component */
	size_t len;
	unsigned int kinds;
	bool foreign; /* static variables of other units are not in scope */
	int best;
	Dwarf_Die *ret;
};

static void search_unit(struct lp_names *n, struct unit *u, struct search *s, int depth)
{
	if (u->visit == n->visit || depth > IMPORTS_MAX)
		return;
	u->visit = n->visit;
	build(n, u);

	for (size_t i = lower_bound(u, s->hash); i < u->by_hash.len; i++) {
		const struct entry *e = &u->by_hash.data[i];
		Dwarf_Die die;

		if (e->hash != s->hash)
			break;
		if (!(e->kind & s->kinds) || rank(e) <= s->best || !entry_die(u, e, &die))
			continue;
		if (s->foreign && e->kind == LP_NAME_VARIABLE && !(e->flags & ENTRY_EXTERNAL))
			continue;
		const char *name = dwarf_diename(&die);
		if (!name || strlen(name) != s->len || memcmp(name, s->name, s->len) != 0)
			continue;
		s->best = rank(e);
		*s->ret = die;
	}
	for (size_t i = 0; i < u->imports.len && s->best < 3; i++)
		search_unit(n, u->imports.data[i], s, depth + 1);
}

/* The part behind the last "::" that is not within template arguments. */
static const char *last_component(const char *name, size_t *len)
{
	int depth = 0;

	for (size_t i = *len; i-- > 1;) {
		if (name[i] == '>')
			depth++;
		else if (name[i] == '<')
			depth--;
		else if (depth == 0 && name[i] == ':' && name[i - 1] == ':') {
			*len -= i + 1;
			return name + i + 1;
		}
	}
	return name;
}

static struct search search_for(const char *name, size_t len, unsigned int kinds, Dwarf_Die *ret)
{
	struct search s = {
		.hash = hash_of("", name, len), .len = len, .kinds = kinds, .ret = ret
	};

	s.name = last_component(name, &s.len);
	return s;
}

bool lp_names_in_unit(struct lp_names *n, Dwarf_Die *in, const char *name, size_t len,
		      unsigned int kinds, Dwarf_Die *ret)
{
	struct unit *u = unit_of_cu(n, in->cu);
	struct search s = search_for(name, len, kinds, ret);

	n->visit++;
	if (u)
		search_unit(n, u, &s, 0);
	return s.best > 0;
}

/* Every unit of the file; they stay where they are in `all`. */
static void know_all(struct lp_names *n)
{
	Dwarf_CU *cu = NULL;

	if (n->all_known)
		return;
	n->all_known = true;
	while (dwarf_get_units(n->dwarf, cu, &cu, NULL, NULL, NULL, NULL) == 0)
		unit_of_cu(n, cu);
}

bool lp_names_anywhere(struct lp_names *n, const char *name, size_t len, unsigned int kinds,
		       Dwarf_Die *ret)
{
	struct search s = search_for(name, len, kinds, ret);

	know_all(n);
	n->visit++;
	s.best = 1; /* declarations do not count */
	s.foreign = true;
	for (size_t i = 0; i < n->all.len && s.best < 3; i++)
		search_unit(n, n->all.data[i], &s, 0);
	return s.best > 1;
}

/* An entry of u that is the place of the variable `declared`. */
static bool defines(const struct unit *u, const struct entry *e, const Dwarf_Die *declared,
		    bool external, Dwarf_Die *ret)
{
	if (e->kind != LP_NAME_VARIABLE || !(e->flags & ENTRY_LOCATED) ||
	    (e->flags & ENTRY_DECLARATION))
		return false;
	if (e->origin != declared->addr && !(external && (e->flags & ENTRY_EXTERNAL)))
		return false;
	return entry_die(u, e, ret);
}

bool lp_names_definition(struct lp_names *n, Dwarf_Die *declared, Dwarf_Die *ret)
{
	const char *name = dwarf_diename(declared);
	bool external = lp_die_flag(declared, DW_AT_external);
	Dwarf_Die origin, found;
	bool any = false;

	if (!name)
		return false;
	lp_die_origin(declared, &origin);

	uint64_t hash = hash_of(lp_names_scope(n, &origin), name, strlen(name));
	know_all(n);
	for (size_t i = 0; i < n->all.len; i++) {
		struct unit *u = n->all.data[i];
		build(n, u);
		for (size_t k = lower_bound(u, hash); k < u->by_hash.len; k++) {
			const struct entry *e = &u->by_hash.data[k];
			if (e->hash != hash)
				break;
			if (!defines(u, e, &origin, external, &found))
				continue;
			*ret = found;
			any = true;
			if (e->origin == origin.addr)
				return true;
		}
	}
	return any;
}

int lp_names_each_variable(struct lp_names *n, Dwarf_Die *in,
			   int (*fn)(Dwarf_Die *die, const char *scope, void *arg), void *arg)
{
	struct unit *u = unit_of_cu(n, in->cu);

	if (!u)
		return 0;
	build(n, u);
	for (size_t i = 0; i < u->by_off.len; i++) {
		const struct entry *e = &u->by_off.data[i];
		Dwarf_Die die;

		if (e->kind != LP_NAME_VARIABLE || !entry_die(u, e, &die))
			continue;
		int r = fn(&die, u->scopes.data[e->scope], arg);
		if (r)
			return r;
	}
	return 0;
}
