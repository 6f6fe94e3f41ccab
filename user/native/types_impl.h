/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/types_impl.h
 *
 * types_impl - how types are made; between types*.c alone.
 */
#ifndef LP_NATIVE_TYPES_IMPL_H
#define LP_NATIVE_TYPES_IMPL_H

#include "base/arena.h"
#include "native/scope_die.h"
#include "native/scope_names.h"
#include "native/types.h"

struct lp_types {
	Dwarf *dwarf; /* NULL: none */
	struct lp_names *names;
	struct lp_arena arena;
	struct lp_ptrmap by_die;   /* address of a DIE: struct lp_type_node */
	struct lp_ptrmap pointers; /* struct lp_type: the node of a pointer to it */
	int depth;		   /* of types being made */
};

struct lp_type_node {
	struct lp_type t; /* first: its provider is the node */
	struct lp_types *types;
	Dwarf_Die die;	   /* addr NULL: made without one */
	size_t declarator; /* where "*" or a name goes into t.name; 0: behind it */
};

/* Zeroed, complete, without a name; NULL when out of memory. */
struct lp_type_node *lp_types_node(struct lp_types *ts);

/* The name with its namespaces and, in C, its `struct`, `union`, `enum` (tag). */
const char *lp_types_qualified(struct lp_type_node *n, const char *tag);

/* Each sets at least kind, size and name; a name that stays NULL means out of memory. */
void lp_types_make_base(struct lp_type_node *n, const char *name, unsigned int encoding,
			uint64_t size);
void lp_types_make_array(struct lp_type_node *n);
void lp_types_make_struct(struct lp_type_node *n);
void lp_types_make_enum(struct lp_type_node *n);

#endif
