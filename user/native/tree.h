/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/tree.h
 *
 * tree - the functions of one unit that have code, and the copies inlined in them, in the order
 * of their DIEs: which ones contain an address.
 */
#ifndef LP_NATIVE_TREE_H
#define LP_NATIVE_TREE_H

#include "native/index.h"

#define LP_FUNC_TREE_NO_NODE UINT32_MAX

struct lp_func_tree_node {
	Dwarf_Off die;	 /* a subprogram or inlined_subroutine with code */
	uint64_t entry;	 /* where it is entered */
	uint32_t parent; /* the one that it lies in; LP_FUNC_TREE_NO_NODE: none */
	uint32_t end;	 /* of what lies in it: the index after */
	uint32_t first_range, n_ranges;
	bool inlined;
};

struct lp_func_tree {
	LP_VEC(struct lp_func_tree_node) nodes; /* a parent before what lies in it */
	LP_VEC(struct lp_range) ranges;
	LP_VEC(struct lp_owned_range) by_address; /* owners: nodes; once several were looked for */
	unsigned int looks;
};

/* The unit's tree, made once; NULL when out of memory. */
struct lp_func_tree *lp_unit_tree(struct lp_module *m, struct lp_unit *unit);
void lp_func_tree_free(struct lp_func_tree *t);
LP_CLEANUP(struct lp_func_tree *, lp_func_tree_free)

bool lp_func_tree_contains(const struct lp_func_tree *t, uint32_t node, uint64_t vaddr);

/* The innermost node that contains an address. */
uint32_t lp_func_tree_at(struct lp_func_tree *t, uint64_t vaddr);

#endif
