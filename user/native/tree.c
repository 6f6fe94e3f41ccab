// SPDX-License-Identifier: GPL-2.0-only
#include "native/tree.h"

#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>

#include "native/die.h"
#include "native/scope_die.h"
#include "native/tree_impl.h"

int lp_func_tree_add(struct lp_func_tree_walk *w, Dwarf_Off die, bool inlined, size_t first_range,
		     uint64_t entry)
{
	const struct lp_func_tree_node node = {
		.die = die,
		.entry = entry,
		.parent = inlined ? w->parents[w->depth] : LP_FUNC_TREE_NO_NODE,
		.first_range = (uint32_t)first_range,
		.n_ranges = (uint32_t)(w->tree->ranges.len - first_range),
		.inlined = inlined,
	};
	uint32_t id = LP_FUNC_TREE_NO_NODE;

	if (node.n_ranges > 0 && entry != UINT64_MAX) {
		id = (uint32_t)w->tree->nodes.len;
		if (lp_vec_push(&w->tree->nodes, node) < 0)
			return -ENOMEM;
	}
	w->parents[++w->depth] = id;
	return 0;
}

int lp_func_tree_add_die(struct lp_func_tree_walk *w, Dwarf_Die *die, bool inlined)
{
	const size_t first = w->tree->ranges.len;
	struct lp_range range;
	uint64_t entry = UINT64_MAX;
	Dwarf_Addr base;
	ptrdiff_t next = 0;

	while ((next = dwarf_ranges(die, next, &base, &range.start, &range.end)) > 0)
		if (range.start < range.end && lp_module_is_code(w->m, range.start) &&
		    lp_vec_push(&w->tree->ranges, range) < 0)
			return -ENOMEM;
	if (w->tree->ranges.len > first && !lp_die_entry(w->m, die, &entry))
		entry = UINT64_MAX;
	return lp_func_tree_add(w, dwarf_dieoffset(die), inlined, first, entry);
}

void lp_func_tree_leave(struct lp_func_tree_walk *w)
{
	if (w->parents[w->depth] != LP_FUNC_TREE_NO_NODE)
		w->tree->nodes.data[w->parents[w->depth]].end = (uint32_t)w->tree->nodes.len;
	w->depth--;
}

bool lp_func_tree_has_functions(uint64_t tag)
{
	return lp_tag_is_scope((int)tag) || tag == DW_TAG_lexical_block ||
	       tag == DW_TAG_try_block || tag == DW_TAG_catch_block;
}

static bool is_function(int tag)
{
	return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine;
}

static int enter_tree(Dwarf_Die *die, int tag, void *arg)
{
	if (!is_function(tag))
		return lp_func_tree_has_functions((uint64_t)tag);
	const int r = lp_func_tree_add_die(arg, die, tag == DW_TAG_inlined_subroutine);
	return r < 0 ? r : 1;
}

static void leave_tree(Dwarf_Die *die, int tag, void *arg)
{
	(void)die;
	if (is_function(tag))
		lp_func_tree_leave(arg);
}

int lp_func_tree_walk_dies(struct lp_module *m, struct lp_unit *unit, struct lp_func_tree *tree)
{
	struct lp_func_tree_walk w = LP_FUNC_TREE_WALK(m, tree);
	const struct lp_die_visitor visitor = { enter_tree, leave_tree, &w };

	return lp_die_walk(lp_unit_die(unit), &visitor);
}

struct lp_func_tree *lp_unit_tree(struct lp_module *m, struct lp_unit *unit)
{
	if (unit->tree)
		return unit->tree;

	lp_auto(lp_func_tree_free) struct lp_func_tree *tree = calloc(1, sizeof(*tree));
	if (!tree)
		return NULL;
	int r = lp_func_tree_read(m, unit, tree);
	if (r < 0 && r != -ENOMEM) {
		tree->nodes.len = tree->ranges.len = 0;
		r = lp_func_tree_walk_dies(m, unit, tree);
	}
	if (r < 0)
		return NULL;
	return unit->tree = lp_take(tree);
}

void lp_func_tree_free(struct lp_func_tree *t)
{
	if (!t)
		return;
	lp_vec_done(&t->nodes);
	lp_vec_done(&t->ranges);
	lp_vec_done(&t->by_address);
	free(t);
}
