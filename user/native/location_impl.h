/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/location_impl.h
 *
 * location_impl - the stack machine of DWARF expressions, between location*.c alone.
 * Items are known as far as they can be: a constant, a register plus an offset. Only what
 * remains becomes code.
 */
#ifndef LP_NATIVE_LOCATION_IMPL_H
#define LP_NATIVE_LOCATION_IMPL_H

#include "native/location.h"

#define LP_LOC_STACK_MAX 64
#define LP_LOC_STEPS_MAX 1024
#define LP_LOC_DEPTH_MAX 4 /* of frame bases in expressions in frame bases */
#define LP_LOC_FORKS_MAX 8 /* branches, one behind the other, that a hit decides */

enum lp_item_kind {
	LP_ITEM_CONST, /* k */
	LP_ITEM_MACH,  /* machine[reg] + k */
	LP_ITEM_LINK,  /* load bias + k */
	LP_ITEM_VREG,  /* virtual register reg + k */
};

struct lp_item {
	enum lp_item_kind kind;
	uint8_t reg;
	uint8_t size; /* of its type: 1, 2, 4, 8; held extended to 64 bits */
	bool is_signed;
	bool typed; /* else DWARF's generic type: 8 bytes, signed where it matters to division */
	int64_t k;
};

enum lp_part_kind {
	LP_PART_EMPTY, /* nowhere */
	LP_PART_MEM,
	LP_PART_VALUE,
	LP_PART_REG,
	LP_PART_BYTES,
	LP_PART_POINTEE,
};

/* A simple location: all of an expression, or one of its pieces. */
struct lp_part {
	enum lp_part_kind kind;
	struct lp_item item; /* MEM, VALUE */
	unsigned int reg;
	const void *bytes;
	size_t len;
	const struct lp_var *pointee;
	int64_t disp;
};

struct lp_eval_dwarf {
	const struct lp_loc_at *at;
	struct lp_emit *emit;
	Dwarf_Attribute *attr; /* that the operations are of; NULL: call frame information */
	struct lp_item stack[LP_LOC_STACK_MAX];
	size_t depth;
	uint32_t owned; /* virtual registers that the stack may hold */
	int nesting, forks;
	size_t steps;	    /* operations done */
	enum lp_status why; /* of the failure */
	bool nomem;
};

/* The expression that holds at the place: 1, 0: none does, -1: no such list. */
int lp_location_find(const struct lp_loc_at *at, Dwarf_Die *die, Dwarf_Attribute *attr,
		     Dwarf_Op **ret, size_t *ret_n);

/* All return false and set why where the expression can't be evaluated. */
bool lp_eval_fail(struct lp_eval_dwarf *ev, enum lp_status why);
bool lp_eval_push(struct lp_eval_dwarf *ev, struct lp_item item);
bool lp_eval_pop(struct lp_eval_dwarf *ev, struct lp_item *ret);

/* A virtual register; the stack owns it. */
bool lp_eval_reg(struct lp_eval_dwarf *ev, uint8_t *ret);

/* The item's value in a virtual register. */
bool lp_eval_load(struct lp_eval_dwarf *ev, const struct lp_item *item, uint8_t *ret);
void lp_eval_drop(struct lp_eval_dwarf *ev, const struct lp_item *item);

/* One operation that only works on the stack. false with why == LP_ST_OK: not one of these. */
bool lp_eval_stack_op(struct lp_eval_dwarf *ev, const Dwarf_Op *op);

/* Arithmetic, comparisons, DW_OP_deref; as lp_eval_stack_op(). */
bool lp_eval_arith_op(struct lp_eval_dwarf *ev, const Dwarf_Op *op);

/* One operation that needs to know what it is about: registers, frames, types, TLS; likewise. */
bool lp_eval_context_op(struct lp_eval_dwarf *ev, const Dwarf_Op *op);

/* What DW_OP_entry_value and DW_OP_GNU_parameter_ref ask for. */
bool lp_eval_push_entry_value(struct lp_eval_dwarf *ev, const Dwarf_Op *op);
bool lp_eval_push_parameter(struct lp_eval_dwarf *ev, const Dwarf_Op *op);

/* The canonical frame address. */
bool lp_eval_push_cfa(struct lp_eval_dwarf *ev);

/* A machine register's value plus k. */
bool lp_eval_push_register(struct lp_eval_dwarf *ev, uint64_t reg, int64_t k);

/* Runs up to a piece or the end, from *index on; leaves *index there. */
bool lp_eval_part(struct lp_eval_dwarf *ev, const Dwarf_Op *ops, size_t n, size_t *index,
		  struct lp_part *ret);

/* DW_OP_skip and DW_OP_bra at *index. Leaves *index before the operation to go on with, or, with
 * *ret_done, at the end of the part: both ways from here have been written and are in *ret.
 */
bool lp_eval_jump(struct lp_eval_dwarf *ev, const Dwarf_Op *ops, size_t n, size_t *index,
		  bool *ret_done, struct lp_part *ret);

/* Runs a whole expression that must end with one value or register on an own stack. at: where. */
bool lp_eval_nested(struct lp_eval_dwarf *ev, const struct lp_loc_at *at, Dwarf_Attribute *attr,
		    const Dwarf_Op *ops, size_t n, struct lp_item *ret);

#endif
