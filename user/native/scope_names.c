// SPDX-License-Identifier: GPL-2.0-only
#include "native/scope_names.h"

#include <string.h>

#include "native/abbrevs.h"
#include "native/die.h"
#include "native/mention.h"
#include "native/pieces.h"
#include "native/scope_names_impl.h"

#define IMPORTS_MAX 64 /* depth of partial units that import others */
#define FEW_PATHS   32 /* of a unit, for which it need not be indexed */
#define FEW_SCANS   16 /* names for which all units' bytes are searched: lp_naming_of() */

struct lp_names *lp_names_new(struct lp_module *m)
{
	struct lp_names *n = calloc(1, sizeof(*n));

	if (n) {
		n->module = m;
		n->dwarf = lp_module_dwarf(m);
	}
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

/* While a unit is being built and not sorted yet, it has no answer. */
static const struct lp_names_entry *entry_of(struct lp_names *n, Dwarf_Die *die,
					     struct lp_names_unit **ret_unit)
{
	struct lp_names_unit *u = lp_names_unit_of(n, die->cu);
	const Dwarf_Off off = dwarf_dieoffset(die);

	if (!u)
		return NULL;
	lp_names_build(n, u, 0);
	*ret_unit = u;

	const size_t at = lp_partition_point(u->by_off.len, i, u->by_off.data[i].off < off);
	return at < u->by_off.len && u->by_off.data[at].off == off ? &u->by_off.data[at] : NULL;
}

/* As the index of the unit has it, but by looking for what is around the DIE. */
static const char *scope_by_path(struct lp_names *n, Dwarf_Die *die)
{
	Dwarf_Die path[LP_DIE_DEPTH];
	const int depth = lp_die_path(die, path);
	const char *scope = "";

	for (int i = 1; i < depth && scope; i++) {
		const char *name = dwarf_diename(&path[i]);

		if (!lp_tag_is_scope(dwarf_tag(&path[i])))
			return ""; /* within a function */
		if (name)
			scope = lp_arena_fmt(&n->arena, "%s%s%s", scope, scope[0] ? "::" : "",
					     name);
	}
	return scope ? scope : "";
}

/* What is defined outside of its class or namespace is named where it is declared. */
static const char *scope_by_origin(struct lp_names *n, Dwarf_Die *die)
{
	Dwarf_Die origin;

	lp_die_origin(die, &origin);
	const char *scope = scope_by_path(n, &origin);
	return scope[0] || origin.addr == die->addr ? scope : scope_by_path(n, die);
}

const char *lp_names_scope(struct lp_names *n, Dwarf_Die *die)
{
	struct lp_names_unit *u = lp_names_unit_of(n, die->cu);

	/* in C there is none, and the unit need not be looked at for that */
	if (u && lp_names_is_c(u))
		return "";
	if (u && !u->built && !u->building && u->paths++ < FEW_PATHS)
		return scope_by_origin(n, die);
	const struct lp_names_entry *e = entry_of(n, die, &u);
	return e ? u->scopes.data[e->scope] : "";
}

bool lp_names_enumeration(struct lp_names *n, Dwarf_Die *enumerator, Dwarf_Die *ret)
{
	struct lp_names_unit *u;
	const struct lp_names_entry *e = entry_of(n, enumerator, &u);
	struct lp_names_entry parent = { 0 };

	if (!e || e->kind != LP_NAME_ENUMERATOR)
		return false;
	parent.off = e->parent;
	return lp_names_die(u, &parent, ret);
}

static int compare_hash(const void *a, const void *b)
{
	const struct lp_names_entry *x = a, *y = b;

	return x->hash < y->hash ? -1 : x->hash > y->hash ? 1 : lp_names_compare_off(a, b);
}

/* Only who looks for names needs them by name. */
static void sort_by_hash(struct lp_names_unit *u)
{
	if (u->sorted || u->building)
		return;
	u->sorted = true;
	if (u->by_off.len == 0 || lp_vec_reserve(&u->by_hash, u->by_off.len) < 0)
		return;
	memcpy(u->by_hash.data, u->by_off.data, u->by_off.len * sizeof(struct lp_names_entry));
	u->by_hash.len = u->by_off.len;
	qsort(u->by_hash.data, u->by_hash.len, sizeof(struct lp_names_entry), compare_hash);
}

/* How good a match is: a definition with a place, any definition, a declaration. */
static int rank(const struct lp_names_entry *e)
{
	return e->flags & ENTRY_DECLARATION				    ? 1
	       : e->kind == LP_NAME_VARIABLE && !(e->flags & ENTRY_LOCATED) ? 2
									    : 3;
}

static size_t lower_bound(struct lp_names_unit *u, uint64_t hash)
{
	sort_by_hash(u);

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

/* In the unit itself. */
static void search_one(struct lp_names *n, struct lp_names_unit *u, struct search *s)
{
	lp_names_build(n, u, s->kinds);
	for (size_t i = lower_bound(u, s->hash); i < u->by_hash.len; i++) {
		const struct lp_names_entry *e = &u->by_hash.data[i];
		Dwarf_Die die;

		if (e->hash != s->hash)
			break;
		if (!(e->kind & s->kinds) || rank(e) <= s->best || !lp_names_die(u, e, &die))
			continue;
		if (s->foreign && e->kind == LP_NAME_VARIABLE && !(e->flags & ENTRY_EXTERNAL))
			continue;
		const char *name = dwarf_diename(&die);
		if (!name || strlen(name) != s->len || memcmp(name, s->name, s->len) != 0)
			continue;
		s->best = rank(e);
		*s->ret = die;
	}
}

static void search_unit(struct lp_names *n, struct lp_names_unit *u, struct search *s, int depth)
{
	if (u->visit == n->visit || depth > IMPORTS_MAX)
		return;
	u->visit = n->visit;
	search_one(n, u, s);
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
		.hash = lp_names_hash("", name, len), .len = len, .kinds = kinds, .ret = ret
	};

	s.name = last_component(name, &s.len);
	return s;
}

bool lp_names_in_unit(struct lp_names *n, Dwarf_Die *in, const char *name, size_t len,
		      unsigned int kinds, Dwarf_Die *ret)
{
	struct lp_names_unit *u = lp_names_unit_of(n, in->cu);
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
		lp_names_unit_of(n, cu);
}

static uint64_t tags_of(unsigned int kinds)
{
	static const struct {
		unsigned int kind;
		uint64_t tags;
	} table[] = {
		{ LP_NAME_VARIABLE, LP_NAMING_VARIABLES },
		{ LP_NAME_FUNCTION, LP_NAMING_FUNCTIONS },
		{ LP_NAME_TYPE, LP_NAMING_TYPES },
		{ LP_NAME_TAG, LP_NAMING_STRUCTS },
		{ LP_NAME_ENUMERATOR, LP_NAMING_ENUMERATORS },
	};
	uint64_t tags = 0;

	for (size_t i = 0; i < LP_ARRAY_SIZE(table); i++)
		if (kinds & table[i].kind)
			tags |= table[i].tags;
	return tags;
}

/* NULL: all units can have it. */
static const struct lp_naming *naming_of(struct lp_names *n, const char *name, size_t len,
					 uint64_t tags)
{
	lp_auto(lp_free) char *text = strndup(name, len);
	struct lp_name_pattern p;

	if (!text || n->scans >= FEW_SCANS)
		return NULL;
	n->scans++;
	lp_name_pattern_init(&p, text);
	return lp_naming_of(n->module, &p, tags);
}

/* Of type units and other files (dwz, .dwo) nothing is known beforehand. */
static bool can_have(const struct lp_names *n, const struct lp_names_unit *u,
		     const struct lp_naming *naming)
{
	return !naming || u->in_types || u->dwarf != n->dwarf ||
	       lp_naming_find(naming, dwarf_dieoffset((Dwarf_Die *)&u->cudie));
}

bool lp_names_anywhere(struct lp_names *n, const char *name, size_t len, unsigned int kinds,
		       Dwarf_Die *ret)
{
	struct search s = search_for(name, len, kinds, ret);

	know_all(n);
	const struct lp_naming *naming = naming_of(n, name, len, tags_of(kinds));
	s.best = 1; /* declarations do not count */
	s.foreign = true;
	/* what a unit imports is a unit, too */
	for (size_t i = 0; i < n->all.len && s.best < 3; i++)
		if (can_have(n, n->all.data[i], naming))
			search_one(n, n->all.data[i], &s);
	return s.best > 1;
}

/* An entry of u that is the place of the variable `declared`. */
static bool defines(const struct lp_names_unit *u, const struct lp_names_entry *e,
		    const Dwarf_Die *declared, bool external, Dwarf_Die *ret)
{
	if (e->kind != LP_NAME_VARIABLE || !(e->flags & ENTRY_LOCATED) ||
	    (e->flags & ENTRY_DECLARATION))
		return false;
	if (e->origin != declared->addr && !(external && (e->flags & ENTRY_EXTERNAL)))
		return false;
	return lp_names_die(u, e, ret);
}

static void note_far(uint64_t tag, uint64_t attr, uint64_t form, void *arg)
{
	bool *far = arg;

	if ((tag != DW_TAG_variable && tag != DW_TAG_member) ||
	    (attr != DW_AT_abstract_origin && attr != DW_AT_specification))
		return;
	*far |= form != DW_FORM_ref1 && form != DW_FORM_ref2 && form != DW_FORM_ref4 &&
		form != DW_FORM_ref8 && form != DW_FORM_ref_udata;
}

bool lp_names_have_far_variables(struct lp_span abbrevs, bool all)
{
	bool far = false;

	return abbrevs.len > 0 && (!lp_abbrevs_each(abbrevs, all, note_far, &far) || far);
}

static bool has_far_variables(struct lp_names *n, struct lp_names_unit *u)
{
	Dwarf_Off at = 0;

	if (!n->abbrevs_known) {
		n->abbrevs_known = true;
		if (!lp_digest_is_near(&n->module->digest))
			n->abbrevs = lp_section_named(dwarf_getelf(n->dwarf), ".debug_abbrev");
		if (!lp_names_have_far_variables(n->abbrevs, true))
			n->abbrevs.len = 0;
	}
	if (n->abbrevs.len == 0)
		return false;
	if (!dwarf_cu_die(u->cudie.cu, &(Dwarf_Die){ 0 }, NULL, &at, NULL, NULL, NULL, NULL) ||
	    at >= n->abbrevs.len)
		return true;
	const struct lp_span table = { n->abbrevs.data + at, n->abbrevs.len - at };
	return lp_names_have_far_variables(table, false);
}

/* A variable that is not external is defined in its own unit, or as one that says so: those are few, where they are known. */
static bool can_define(struct lp_names *n, struct lp_names_unit *u, const Dwarf_Die *declared,
		       bool external, const struct lp_naming *naming)
{
	if (u->built || u->in_types || u->dwarf != n->dwarf || u->cudie.cu == declared->cu)
		return true;
	return external || naming ? can_have(n, u, naming) : has_far_variables(n, u);
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

	uint64_t hash = lp_names_hash(lp_names_scope(n, &origin), name, strlen(name));
	const struct lp_naming *naming =
		external || lp_digest_is_far(&n->module->digest)
			? naming_of(n, name, strlen(name), LP_NAMING_VARIABLES)
			: NULL;
	if (external || !lp_digest_is_near(&n->module->digest))
		know_all(n);
	for (size_t i = 0; i < n->all.len; i++) {
		struct lp_names_unit *u = n->all.data[i];

		if (!can_define(n, u, &origin, external, naming))
			continue;
		lp_names_build(n, u, LP_NAME_VARIABLE);
		for (size_t k = lower_bound(u, hash); k < u->by_hash.len; k++) {
			const struct lp_names_entry *e = &u->by_hash.data[k];
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
	struct lp_names_unit *u = lp_names_unit_of(n, in->cu);

	if (!u)
		return 0;
	lp_names_build(n, u, LP_NAME_VARIABLE);
	for (size_t i = 0; i < u->by_off.len; i++) {
		const struct lp_names_entry *e = &u->by_off.data[i];
		Dwarf_Die die;

		if (e->kind != LP_NAME_VARIABLE || !lp_names_die(u, e, &die))
			continue;
		int r = fn(&die, u->scopes.data[e->scope], arg);
		if (r)
			return r;
	}
	return 0;
}
