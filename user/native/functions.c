// SPDX-License-Identifier: GPL-2.0-only
#include "native/functions.h"

#include <dwarf.h>
#include <string.h>

#include "base/buf.h"
#include "native/die.h"
#include "native/mention.h"
#include "native/scope_die.h"

#define FEW_NAMES 2  /* for which all units are looked through */
#define FEW_SCANS 16 /* and for which their bytes are: lp_naming_of() */

/* A function that stands in a namespace or class. */
struct scoped {
	const void *die;
	const char *scope; /* "ns::Cls::" */
};

struct lp_function_walk {
	struct lp_module *m;
	struct lp_unit *unit;
	struct lp_buf scope;
	size_t lengths[LP_DIE_DEPTH + 2]; /* of scope, outside of each DIE that we are in */
	unsigned int depth;
	struct lp_unit *walked;	      /* the unit that the following is of; NULL: none */
	LP_VEC(Dwarf_Die) dies;	      /* of its functions */
	LP_VEC(const char *) names;   /* of these, NULL where one has none */
	LP_VEC(uint32_t) hashes;      /* of the names, once one of them is looked for */
	LP_VEC(struct scoped) scoped; /* those in a scope, by address */
	struct lp_arena arena;	      /* of the scopes' names */
	const char *current;	      /* the scope as it is now, in the arena; NULL: not made yet */
};

static const char *current_scope(struct lp_function_walk *w)
{
	if (!w->current)
		w->current = lp_arena_strndup(&w->arena, w->scope.data ? w->scope.data : "",
					      w->scope.len);
	return w->current;
}

static int enter_scope(struct lp_function_walk *w, Dwarf_Die *die, int tag)
{
	const char *name = dwarf_diename(die);

	w->lengths[w->depth++] = w->scope.len;
	if (!name && tag == DW_TAG_namespace)
		name = "(anonymous namespace)";
	if (!name || tag == DW_TAG_lexical_block)
		return 1;
	lp_buf_str(&w->scope, name);
	lp_buf_str(&w->scope, "::");
	w->current = NULL;
	return 1;
}

static int take(struct lp_function_walk *w, Dwarf_Die *die)
{
	if (w->scope.len > 0) {
		const struct scoped s = { die->addr, current_scope(w) };

		if (!s.scope || lp_vec_push(&w->scoped, s) < 0)
			return -ENOMEM;
	}
	return lp_vec_push(&w->dies, *die);
}

static int enter(Dwarf_Die *die, int tag, void *arg)
{
	struct lp_function_walk *w = arg;

	if (tag == DW_TAG_subprogram && take(w, die) < 0)
		return -ENOMEM;
	/* classes and functions in functions; Rust's enumerations have methods */
	if (tag != DW_TAG_subprogram && tag != DW_TAG_lexical_block &&
	    tag != DW_TAG_enumeration_type && !lp_tag_is_scope(tag))
		return 0;
	return dwarf_haschildren(die) > 0 ? enter_scope(w, die, tag) : 0;
}

static void leave(Dwarf_Die *die, int tag, void *arg)
{
	struct lp_function_walk *w = arg;
	const size_t len = w->lengths[--w->depth];

	(void)die;
	(void)tag;
	if (len == w->scope.len)
		return;
	w->scope.len = len;
	w->scope.data[len] = '\0';
	w->current = NULL;
}

/* The names of what a declaration stands in are known only after the whole unit. */
static int walk_unit(struct lp_function_walk *w, struct lp_unit *unit)
{
	const struct lp_die_visitor v = { enter, leave, w };

	if (w->walked == unit)
		return 0;
	w->walked = NULL;
	w->unit = unit;
	w->dies.len = w->names.len = w->hashes.len = w->scoped.len = 0;
	w->current = NULL;
	lp_arena_reset(&w->arena);
	int r = lp_die_walk(lp_unit_die(unit), &v);
	for (size_t i = 0; r == 0 && i < w->dies.len; i++)
		r = lp_vec_push(&w->names, dwarf_diename(&w->dies.data[i]));
	if (r == 0)
		w->walked = unit;
	return w->scope.failed ? -ENOMEM : r;
}

static int hash_names(struct lp_function_walk *w)
{
	if (w->hashes.len == w->names.len)
		return 0;
	if (lp_vec_reserve(&w->hashes, w->names.len) < 0)
		return -ENOMEM;
	lp_vec_each (&w->names, name)
		w->hashes.data[w->hashes.len++] = *name ? lp_name_hash(*name) : 0;
	return 0;
}

/* hash: of the name of those that are wanted; NULL: all. */
static int each_in_unit(struct lp_function_walk *w, struct lp_unit *unit, const uint32_t *hash,
			int (*fn)(const struct lp_function *f, void *arg), void *arg)
{
	int r = walk_unit(w, unit);

	if (r == 0 && hash)
		r = hash_names(w);
	for (size_t i = 0; r == 0 && i < w->dies.len; i++) {
		const struct lp_function f = {
			.die = w->dies.data[i],
			.unit = unit,
			.last = w->names.data[i],
			.m = w->m,
			.walk = w,
		};

		if (f.last && (!hash || *hash == w->hashes.data[i]))
			r = fn(&f, arg);
	}
	return r;
}

static void walk_done(struct lp_function_walk *w)
{
	lp_buf_done(&w->scope);
	lp_vec_done(&w->dies);
	lp_vec_done(&w->names);
	lp_vec_done(&w->hashes);
	lp_vec_done(&w->scoped);
	lp_arena_done(&w->arena);
}
LP_CLEANUP_DONE(struct lp_function_walk, walk_done)

int lp_functions_each(struct lp_module *m, int (*fn)(const struct lp_function *f, void *arg),
		      void *arg)
{
	struct lp_module_index *index = lp_module_units(m);
	lp_auto(walk_done) struct lp_function_walk w = { .m = m };
	int r = 0;

	if (!index)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < index->units.len; i++)
		r = each_in_unit(&w, &index->units.data[i], NULL, fn, arg);
	return r;
}

/* A unit has a function of some name. */
struct named {
	uint32_t hash; /* of the name */
	uint32_t unit;
};

/* Which units have functions of which names, once several names have been looked for. */
struct lp_function_names {
	unsigned int asked; /* how often */
	bool is_complete;
	LP_VEC(struct named) all;     /* sorted */
	struct lp_function_walk walk; /* of the unit last looked into */
};

void lp_function_names_free(struct lp_function_names *n)
{
	if (!n)
		return;
	lp_vec_done(&n->all);
	walk_done(&n->walk);
	free(n);
}

static int compare_named(const void *a, const void *b)
{
	const struct named *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->unit < y->unit ? -1 : x->unit > y->unit;
}

struct gathering {
	struct lp_module_index *index;
	struct lp_function_names *names;
};

static int gather(const struct lp_function *f, void *arg)
{
	struct gathering *g = arg;
	const struct named new = { lp_name_hash(f->last),
				   (uint32_t)(f->unit - g->index->units.data) };

	return lp_vec_push(&g->names->all, new);
}

static int gather_all(struct lp_module *m, struct lp_module_index *index,
		      struct lp_function_names *n)
{
	struct gathering g = { index, n };
	size_t kept = 0;

	n->all.len = 0;
	int r = lp_functions_each(m, gather, &g);
	if (r < 0)
		return r;
	if (n->all.len)
		qsort(n->all.data, n->all.len, sizeof(*n->all.data), compare_named);
	lp_vec_each (&n->all, each)
		if (!kept || compare_named(&n->all.data[kept - 1], each))
			n->all.data[kept++] = *each;
	n->all.len = kept;
	n->is_complete = true;
	return 0;
}

static size_t first_of(const struct lp_function_names *n, uint32_t hash)
{
	return lp_partition_point(n->all.len, i, n->all.data[i].hash < hash);
}

/* NULL: out of memory. */
static struct lp_function_names *names_of(struct lp_module *m, struct lp_module_index *index)
{
	if (!index->functions)
		index->functions = calloc(1, sizeof(*index->functions));
	if (index->functions)
		index->functions->walk.m = m;
	return index->functions;
}

/* Those in units that have more of them than declarations; or those in the others. */
static int each_named(struct lp_module *m, struct lp_module_index *index,
		      const struct lp_naming *naming, bool declared,
		      int (*fn)(const struct lp_function *f, void *arg), void *arg)
{
	struct lp_function_names *n = names_of(m, index);
	int r = n ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < index->units.len; i++) {
		struct lp_unit *unit = &index->units.data[i];
		const struct lp_named_unit *named = lp_naming_find(naming, unit->offset);

		if (named && named->declared == declared)
			r = each_in_unit(&n->walk, unit, NULL, fn, arg);
	}
	return r;
}

int lp_functions_declared(struct lp_module *m, const struct lp_name_pattern *p,
			  int (*fn)(const struct lp_function *f, void *arg), void *arg)
{
	struct lp_module_index *index = lp_module_units(m);
	const struct lp_naming *naming = lp_naming_of(m, p, LP_NAMING_FUNCTIONS);
	const bool partial = naming && naming->partial;

	if (!index)
		return -ENOMEM;
	naming = lp_naming_declared_of(m, p, LP_NAMING_FUNCTIONS);
	if (!naming && partial)
		return lp_functions_each(m, fn, arg);
	return naming ? each_named(m, index, naming, true, fn, arg) : 0;
}

int lp_functions_named(struct lp_module *m, const struct lp_name_pattern *p,
		       int (*fn)(const struct lp_function *f, void *arg), void *arg)
{
	struct lp_module_index *index = lp_module_units(m);
	struct lp_function_names *n = index ? names_of(m, index) : NULL;
	const uint32_t hash = lp_name_hash(p->last);
	int r = 0;

	if (!n)
		return -ENOMEM;
	const struct lp_naming *naming =
		n->asked < FEW_SCANS ? lp_naming_of(m, p, LP_NAMING_FUNCTIONS) : NULL;
	n->asked++;
	if (naming)
		return each_named(m, index, naming, false, fn, arg);
	if (p->glob || p->linkage || !strcspn(p->last, "<") || n->asked <= FEW_NAMES)
		return lp_functions_each(m, fn, arg);
	if (!n->is_complete && (r = gather_all(m, index, n)) < 0)
		return r;
	for (size_t i = first_of(n, hash); r == 0 && i < n->all.len && n->all.data[i].hash == hash;
	     i++)
		r = each_in_unit(&n->walk, &index->units.data[n->all.data[i].unit], &hash, fn, arg);
	return r;
}

static const char *scope_of(const struct lp_function_walk *w, const void *die)
{
	const size_t at = lp_partition_point(w->scoped.len, i,
					     (uintptr_t)w->scoped.data[i].die < (uintptr_t)die);

	return at < w->scoped.len && w->scoped.data[at].die == die ? w->scoped.data[at].scope
								   : NULL;
}

const char *lp_function_name(const struct lp_function *f)
{
	Dwarf_Die die = f->die, origin;

	lp_die_origin(&die, &origin);
	const char *scope = scope_of(f->walk, origin.addr);
	/* of this unit, all that are in a scope are known */
	if (!scope && origin.cu == die.cu)
		scope = "";
	return lp_die_name_in(f->m, &origin, scope);
}

const void *lp_function_key(const struct lp_function *f)
{
	Dwarf_Die die = f->die, origin;

	lp_die_origin(&die, &origin);
	return origin.addr;
}

bool lp_function_may_be_inlined(const struct lp_function *f)
{
	Dwarf_Die die = f->die;

	return dwarf_func_inline(&die) > 0 ||
	       (!f->unit->has_code && !dwarf_hasattr(&die, DW_AT_declaration));
}

static int each_inlined_of(struct lp_module *m, const struct lp_func_tree *t,
			   int (*fn)(uint64_t entry, Dwarf_Off die, const void *key, void *arg),
			   void *arg)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < t->nodes.len; i++) {
		const struct lp_func_tree_node *n = &t->nodes.data[i];
		Dwarf_Die die, origin;

		if (!n->inlined || !dwarf_offdie(m->dwarf, n->die, &die))
			continue;
		lp_die_origin(&die, &origin);
		r = fn(n->entry, n->die, origin.addr, arg);
	}
	return r;
}

int lp_inlined_each(struct lp_module *m, bool (*wanted)(const struct lp_unit *unit, void *arg),
		    int (*fn)(uint64_t entry, Dwarf_Off die, const void *key, void *arg), void *arg)
{
	struct lp_module_index *index = lp_module_units(m);
	int r = 0;

	if (!index)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < index->units.len; i++) {
		struct lp_unit *unit = &index->units.data[i];
		const bool had_tree = unit->tree != NULL;

		if (!unit->has_code || (wanted && !wanted(unit, arg)))
			continue;
		const struct lp_func_tree *t = lp_unit_tree(m, unit);
		r = t ? each_inlined_of(m, t, fn, arg) : -ENOMEM;
		/* the trees of a whole program are more than is worth keeping */
		if (!had_tree)
			lp_func_tree_free(lp_take(unit->tree));
	}
	return r;
}
