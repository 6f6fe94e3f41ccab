/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/scope_abi.h
 *
 * abi - how values are passed on x86-64: System V ABI, 3.2.3, and the Itanium C++ ABI for classes
 * that must not be copied bitwise.
 */
#ifndef LP_NATIVE_SCOPE_ABI_H
#define LP_NATIVE_SCOPE_ABI_H

#include "native/types.h"

enum lp_abi_kind {
	LP_ABI_UNKNOWN,
	LP_ABI_NOTHING,		 /* an empty class: not passed at all */
	LP_ABI_REGS,		 /* n registers of 8 bytes each */
	LP_ABI_STACK,		 /* at offset from the CFA */
	LP_ABI_POINTER,		 /* regs[0] points to it */
	LP_ABI_POINTER_ON_STACK, /* what lies at offset from the CFA points to it */
};

#define LP_ABI_VECTOR 0xff /* in regs: an SSE or x87 register */

struct lp_abi_value {
	enum lp_abi_kind kind;
	unsigned int n;
	uint8_t regs[2]; /* DWARF numbers, or LP_ABI_VECTOR */
	int64_t offset;
};

/* Where the caller put the index-th formal parameter of a subprogram. */
struct lp_abi_value lp_abi_parameter(struct lp_types *ts, Dwarf_Die *function, size_t index);

/* Where the result is right after the return. */
struct lp_abi_value lp_abi_result(const struct lp_type *t);

#endif
