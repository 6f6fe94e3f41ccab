// SPDX-License-Identifier: GPL-2.0-only
/* What a unit has outside of functions. */
#include <string.h>

#include "native/scope_names_impl.h"

#define NESTING_MAX 32 /* of namespaces and classes */
#define BUILDS_MAX  64 /* depth of units whose names lie in others */

static uint64_t hash_add(uint64_t h, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)s[i]) * 0x100000001b3ull;
	return h;
}

uint64_t lp_names_hash(const char *scope, const char *name, size_t len)
{
	uint64_t h = 0xcbf29ce484222325ull;

	if (scope[0]) {
		h = hash_add(h, scope, strlen(scope));
		h = hash_add(h, "::", 2);
	}
	return hash_add(h, name, len);
}

struct lp_names_unit *lp_names_unit_of(struct lp_names *n, Dwarf_CU *cu)
{
	struct lp_names_unit *u = lp_ptrmap_get(&n->units, cu);
	Dwarf_Half version;
	uint8_t type;

	if (u)
		return u;
	u = lp_arena_new(&n->arena, struct lp_names_unit);
	if (!u || dwarf_cu_info(cu, &version, &type, &u->cudie, NULL, NULL, NULL, NULL) != 0 ||
	    lp_vec_push(&n->all, u) < 0)
		return NULL;
	u->dwarf = dwarf_cu_getdwarf(cu);
	u->in_types = version < 5 && type == DW_UT_type;
	if (lp_ptrmap_put(&n->units, cu, u) < 0)
		return NULL;
	return u;
}

bool lp_names_is_c(struct lp_names_unit *u)
{
	if (!u->lang_known)
		u->is_c = lp_lang_is_c(lp_die_lang(&u->cudie));
	u->lang_known = true;
	return u->is_c;
}

bool lp_names_die(const struct lp_names_unit *u, const struct lp_names_entry *e, Dwarf_Die *ret)
{
	return u->in_types ? dwarf_offdie_types(u->dwarf, e->off, ret) != NULL
			   : dwarf_offdie(u->dwarf, e->off, ret) != NULL;
}

struct walk {
	struct lp_names *names;
	struct lp_names_unit *unit;
	bool failed;
};

static uint32_t new_scope(struct walk *w, uint32_t in, const char *name)
{
	struct lp_names_unit *u = w->unit;
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

/* What a DIE says of itself, all at once: libdw looks for each attribute from the first one on. */
struct said {
	const char *name;
	bool of_origin, declaration, located, external;
};

static int note_said(Dwarf_Attribute *attr, void *arg)
{
	struct said *s = arg;

	switch (dwarf_whatattr(attr)) {
	case DW_AT_name:
		s->name = dwarf_formstring(attr);
		break;
	case DW_AT_abstract_origin:
	case DW_AT_specification:
		s->of_origin = true;
		break;
	case DW_AT_declaration:
		s->declaration = true;
		break;
	case DW_AT_location:
	case DW_AT_const_value:
		s->located = true;
		break;
	case DW_AT_external:
		dwarf_formflag(attr, &s->external);
		break;
	}
	return DWARF_CB_OK;
}

/* What it doesn't say can be its origin's. *ret_origin is the DIE itself where it has none. */
static struct said said_of(Dwarf_Die *die, Dwarf_Die *ret_origin)
{
	struct said s = { 0 };

	*ret_origin = *die;
	if (dwarf_getattrs(die, note_said, &s, 0) < 0)
		return (struct said){ 0 };
	if (s.of_origin) {
		lp_die_origin(die, ret_origin);
		s.name = dwarf_diename(die);
		s.located = lp_die_has_location(die);
		s.external = lp_die_flag(die, DW_AT_external);
	}
	return s;
}

static void add(struct walk *w, Dwarf_Die *die, uint32_t scope, unsigned int kind, Dwarf_Off parent)
{
	Dwarf_Die origin;
	const struct said s = said_of(die, &origin);
	struct lp_names_entry e = {
		.off = dwarf_dieoffset(die),
		.origin = origin.addr,
		.parent = parent,
		.scope = scope,
		.kind = (uint8_t)kind,
	};

	if (!s.name)
		return;
	if (origin.addr != die->addr)
		e.flags |= ENTRY_OF_ORIGIN;
	if (s.declaration)
		e.flags |= ENTRY_DECLARATION;
	if (kind == LP_NAME_VARIABLE && s.located)
		e.flags |= ENTRY_LOCATED;
	if (kind == LP_NAME_VARIABLE && s.external)
		e.flags |= ENTRY_EXTERNAL;
	e.hash = lp_names_hash(w->unit->scopes.data[scope], s.name, strlen(s.name));
	if (lp_vec_push(&w->unit->by_off, e) < 0)
		w->failed = true;
}

static void walk_children(struct walk *w, Dwarf_Die *parent, uint32_t scope, int depth);

static void add_enum(struct walk *w, Dwarf_Die *die, uint32_t scope)
{
	const char *name = dwarf_diename(die);
	uint32_t inner = name && !lp_names_is_c(w->unit) ? new_scope(w, scope, name) : scope;
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
	struct lp_names_unit *u;

	if (!lp_die_ref(die, DW_AT_import, &to))
		return;
	u = lp_names_unit_of(w->names, to.cu);
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
		if (!lp_names_is_c(w->unit))
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
		if (w->unit->functionless)
			break;
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

/* What an inline namespace has is there twice: first with its name. */
int lp_names_compare_off(const void *a, const void *b)
{
	const struct lp_names_entry *x = a, *y = b;

	if (x->off != y->off)
		return x->off < y->off ? -1 : 1;
	return x->scope > y->scope ? -1 : x->scope < y->scope;
}

/* They come so, but for what an inline namespace has. */
static void sort_by_off(struct lp_names_unit *u)
{
	for (size_t i = 1; i < u->by_off.len; i++)
		if (u->by_off.data[i - 1].off > u->by_off.data[i].off) {
			qsort(u->by_off.data, u->by_off.len, sizeof(struct lp_names_entry),
			      lp_names_compare_off);
			return;
		}
}

/* A definition outside of its class or namespace is named where it is declared. */
static void name_by_origin(struct walk *w, struct lp_names_entry *e)
{
	Dwarf_Die die, origin;

	if (!(e->flags & ENTRY_OF_ORIGIN) || !lp_names_die(w->unit, e, &die))
		return;
	lp_die_origin(&die, &origin);

	const char *scope = lp_names_scope(w->names, &origin), *name = dwarf_diename(&die);
	if (!scope[0] || !name || lp_vec_push(&w->unit->scopes, scope) < 0)
		return;
	e->scope = (uint32_t)w->unit->scopes.len - 1;
	e->hash = lp_names_hash(scope, name, strlen(name));
}

void lp_names_build(struct lp_names *n, struct lp_names_unit *u, unsigned int kinds)
{
	struct walk w = { .names = n, .unit = u };

	if ((u->built && !(u->functionless && (kinds & LP_NAME_FUNCTION))) || u->building ||
	    n->depth >= BUILDS_MAX)
		return;
	/* functions of C stand in nothing and enclose nothing, so that they need not be known for others */
	u->functionless = lp_names_is_c(u) && !(kinds & LP_NAME_FUNCTION);
	u->by_off.len = u->by_hash.len = u->scopes.len = u->imports.len = 0;
	u->sorted = false;
	u->building = true;
	n->depth++;
	if (lp_vec_push(&u->scopes, "") == 0)
		walk_children(&w, &u->cudie, 0, 0);
	sort_by_off(u);
	lp_vec_each (&u->by_off, e)
		name_by_origin(&w, e);
	n->depth--;
	u->building = false;
	u->built = true;
}
