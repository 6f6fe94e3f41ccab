/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/tree_impl.h - how a unit's tree is made: from its bytes (tree_read.c), else by libdw (tree.c). */
#ifndef LP_NATIVE_TREE_IMPL_H
#define LP_NATIVE_TREE_IMPL_H

#include "native/tree.h"
#include "native/die.h"

struct lp_func_tree_walk {
	struct lp_module *m;
	struct lp_func_tree *tree;
	uint32_t parents[LP_DIE_DEPTH + 2]; /* of the functions that we are in; the first is none */
	unsigned int depth;
};
#define LP_FUNC_TREE_WALK(module, made)                                                            \
	{                                                                                          \
		.m = (module), .tree = (made), .parents = { LP_FUNC_TREE_NO_NODE }                 \
	}

/* Can functions with code stand below a DIE of another kind? */
bool lp_func_tree_has_functions(uint64_t tag);

/* A function, or an inlined copy, whose ranges have been added from first_range on; entry UINT64_MAX: none that is in
 * code. What comes now lies in it, until lp_func_tree_leave().
 */
int lp_func_tree_add(struct lp_func_tree_walk *w, Dwarf_Off die, bool inlined, size_t first_range,
		     uint64_t entry);
int lp_func_tree_add_die(struct lp_func_tree_walk *w, Dwarf_Die *die, bool inlined);
void lp_func_tree_leave(struct lp_func_tree_walk *w);

/* -ENOTSUP, -EBADMSG: the bytes can't be read; there may be a part of the tree then. */
int lp_func_tree_read(struct lp_module *m, struct lp_unit *unit, struct lp_func_tree *tree);

/* By libdw. */
int lp_func_tree_walk_dies(struct lp_module *m, struct lp_unit *unit, struct lp_func_tree *tree);

#endif
