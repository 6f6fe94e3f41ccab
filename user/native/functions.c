// SPDX-License-Identifier: GPL-2.0-only
#include "native/functions.h"

#include <dwarf.h>

#include "base/buf.h"
#include "native/scope_die.h"

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
	LP_VEC(Dwarf_Die) dies;	      /* of the functions of this unit */
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

	switch (tag) {
	case DW_TAG_subprogram:
		if (take(w, die) < 0)
			return -ENOMEM;
		__attribute__((fallthrough)); /* classes and functions in functions */
	case DW_TAG_namespace:
	case DW_TAG_module:
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
	case DW_TAG_interface_type:
	case DW_TAG_enumeration_type: /* Rust's have methods */
	case DW_TAG_lexical_block:
		return dwarf_haschildren(die) > 0 ? enter_scope(w, die, tag) : 0;
	}
	return 0;
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
static int each_in_unit(struct lp_function_walk *w,
			int (*fn)(const struct lp_function *f, void *arg), void *arg)
{
	const struct lp_die_visitor v = { enter, leave, w };
	int r;

	w->dies.len = w->scoped.len = 0;
	w->current = NULL;
	lp_arena_reset(&w->arena);
	r = lp_die_walk(&w->unit->die, &v);
	for (size_t i = 0; r == 0 && i < w->dies.len; i++) {
		Dwarf_Die *die = &w->dies.data[i];
		const struct lp_function f = {
			.die = *die,
			.unit = w->unit,
			.last = dwarf_diename(die),
			.m = w->m,
			.walk = w,
		};

		r = f.last ? fn(&f, arg) : 0;
	}
	return r;
}

int lp_functions_each(struct lp_module *m, int (*fn)(const struct lp_function *f, void *arg),
		      void *arg)
{
	struct lp_module_index *index = lp_module_units(m);
	struct lp_function_walk w = { .m = m };
	int r = 0;

	if (!index)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < index->units.len; i++) {
		w.unit = &index->units.data[i];
		r = each_in_unit(&w, fn, arg);
	}
	if (w.scope.failed)
		r = -ENOMEM;
	lp_buf_done(&w.scope);
	lp_vec_done(&w.dies);
	lp_vec_done(&w.scoped);
	lp_arena_done(&w.arena);
	return r;
}

static const char *scope_of(const struct lp_function_walk *w, const void *die)
{
	size_t low = 0, high = w->scoped.len;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if ((uintptr_t)w->scoped.data[mid].die < (uintptr_t)die)
			low = mid + 1;
		else
			high = mid;
	}
	return low < w->scoped.len && w->scoped.data[low].die == die ? w->scoped.data[low].scope
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

static int each_inlined_of(struct lp_module *m, const struct lp_tree *t,
			   int (*fn)(uint64_t entry, Dwarf_Off die, const void *key, void *arg),
			   void *arg)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < t->nodes.len; i++) {
		const struct lp_tree_node *n = &t->nodes.data[i];
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
		const struct lp_tree *t = lp_unit_tree(m, unit);
		r = t ? each_inlined_of(m, t, fn, arg) : -ENOMEM;
		/* the trees of a whole program are more than is worth keeping */
		if (!had_tree)
			lp_tree_free(lp_take(unit->tree));
	}
	return r;
}
