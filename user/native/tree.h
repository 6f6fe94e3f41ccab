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

/* Where a function or an inlined copy is entered. False: it has no code. */
bool lp_die_entry(struct lp_module *m, Dwarf_Die *die, uint64_t *ret);

/* "ns::Cls::method" of a function's DIE; NULL: it has no name. The module's. */
const char *lp_die_qualified_name(struct lp_module *m, Dwarf_Die *die);

/* The same of a DIE without an origin that is known to stand in a scope: "ns::Cls::", or "". */
const char *lp_die_name_in(struct lp_module *m, Dwarf_Die *die, const char *scope);

#define LP_DIE_DEPTH 200 /* nested DIEs below this are not looked at */

/* What a DIE stands in, the unit first; ret[n] is the DIE itself. Returns n; -ENOENT: its unit does not
 * have it, so deep.
 */
int lp_die_path(Dwarf_Die *die, Dwarf_Die ret[LP_DIE_DEPTH]);

/* Visits a DIE's descendants. enter() returns 1 to go below a DIE, and leave() is then called
 * after that; 0 to pass it by; negative stops and is returned. leave may be NULL.
 */
struct lp_die_visitor {
	int (*enter)(Dwarf_Die *die, int tag, void *arg);
	void (*leave)(Dwarf_Die *die, int tag, void *arg);
	void *arg;
};
int lp_die_walk(Dwarf_Die *die, const struct lp_die_visitor *v);

#endif
