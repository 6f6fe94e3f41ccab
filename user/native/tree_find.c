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

static int compare_span(const void *a, const void *b)
{
	const struct lp_func_tree_span *x = a, *y = b;

	if (x->range.start != y->range.start)
		return x->range.start < y->range.start ? -1 : 1;
	return x->node < y->node ? -1 : x->node > y->node;
}

static int sort_spans(struct lp_func_tree *t)
{
	uint64_t until = 0;

	if (lp_vec_reserve(&t->spans, t->ranges.len) < 0)
		return -ENOMEM;
	for (uint32_t node = 0; node < t->nodes.len; node++) {
		const struct lp_func_tree_node *n = &t->nodes.data[node];

		for (uint32_t i = 0; i < n->n_ranges; i++)
			t->spans.data[t->spans.len++] = (struct lp_func_tree_span){
				.range = t->ranges.data[n->first_range + i],
				.node = node,
			};
	}
	if (t->spans.len)
		qsort(t->spans.data, t->spans.len, sizeof(*t->spans.data), compare_span);
	lp_vec_each (&t->spans, span) {
		until = span->range.end > until ? span->range.end : until;
		span->until = until;
	}
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

/* How many spans begin at the address or before it. */
static size_t spans_up_to(const struct lp_func_tree *t, uint64_t vaddr)
{
	size_t low = 0, high = t->spans.len;

	while (low < high) {
		const size_t mid = low + (high - low) / 2;

		if (t->spans.data[mid].range.start <= vaddr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

uint32_t lp_func_tree_at(struct lp_func_tree *t, uint64_t vaddr)
{
	uint32_t found = LP_FUNC_TREE_NO_NODE;

	if (t->looks < FEW_LOOKS) {
		t->looks++;
		return look_through(t, vaddr);
	}
	if (!t->spans.len && sort_spans(t) < 0)
		return look_through(t, vaddr);
	for (size_t i = spans_up_to(t, vaddr); i > 0 && t->spans.data[i - 1].until > vaddr; i--) {
		const struct lp_func_tree_span *span = &t->spans.data[i - 1];

		if (span->range.end > vaddr &&
		    (found == LP_FUNC_TREE_NO_NODE || span->node > found) &&
		    is_reached(t, span->node, vaddr))
			found = span->node;
	}
	return found;
}
