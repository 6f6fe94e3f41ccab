// SPDX-License-Identifier: GPL-2.0-only
/* What of a unit's tree has code at an address. */
#include <errno.h>
#include <stdlib.h>

#include "native/tree.h"

#define FEW_LOOKS 8 /* for which the nodes are looked through */

bool lp_func_tree_contains(const struct lp_func_tree *t, uint32_t node, uint64_t vaddr)
{
	const struct lp_func_tree_node *n = &t->nodes.data[node];

	for (uint32_t i = 0; i < n->n_ranges; i++) {
		const struct lp_range *r = &t->ranges.data[n->first_range + i];

		if (vaddr >= r->start && vaddr < r->end)
			return true;
	}
	return false;
}

/* Copies lie within what they are inlined in; functions in functions do not. */
static uint32_t look_through(const struct lp_func_tree *t, uint64_t vaddr)
{
	uint32_t found = LP_FUNC_TREE_NO_NODE;

	for (uint32_t i = 0; i < t->nodes.len;) {
		const struct lp_func_tree_node *n = &t->nodes.data[i];
		const bool inside = lp_func_tree_contains(t, i, vaddr);

		if (inside)
			found = i;
		if (!inside && n->parent != LP_FUNC_TREE_NO_NODE)
			i = n->end;
		else
			i++;
	}
	return found;
}

static int sort_ranges(struct lp_func_tree *t)
{
	if (lp_vec_reserve(&t->by_address, t->ranges.len) < 0)
		return -ENOMEM;
	for (uint32_t node = 0; node < t->nodes.len; node++) {
		const struct lp_func_tree_node *n = &t->nodes.data[node];

		for (uint32_t i = 0; i < n->n_ranges; i++)
			t->by_address.data[t->by_address.len++] = (struct lp_owned_range){
				.range = t->ranges.data[n->first_range + i],
				.owner = node,
			};
	}
	lp_ranges_sort(t->by_address.data, t->by_address.len);
	return 0;
}

/* Do all copies that it lies in contain the address, as they should? */
static bool is_reached(const struct lp_func_tree *t, uint32_t node, uint64_t vaddr)
{
	while ((node = t->nodes.data[node].parent) != LP_FUNC_TREE_NO_NODE &&
	       t->nodes.data[node].parent != LP_FUNC_TREE_NO_NODE)
		if (!lp_func_tree_contains(t, node, vaddr))
			return false;
	return true;
}

uint32_t lp_func_tree_at(struct lp_func_tree *t, uint64_t vaddr)
{
	uint32_t found = LP_FUNC_TREE_NO_NODE;

	if (t->looks < FEW_LOOKS) {
		t->looks++;
		return look_through(t, vaddr);
	}
	if (!t->by_address.len && sort_ranges(t) < 0)
		return look_through(t, vaddr);
	for (const struct lp_owned_range *r = NULL;
	     (r = lp_range_before(t->by_address.data, t->by_address.len, vaddr, r));)
		if ((found == LP_FUNC_TREE_NO_NODE || r->owner > found) &&
		    is_reached(t, (uint32_t)r->owner, vaddr))
			found = (uint32_t)r->owner;
	return found;
}
