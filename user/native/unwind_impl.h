/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/unwind_impl.h
 *
 * unwind_impl - what unwind.c remembers of the latest stack for unwind_locals.c.
 */
#ifndef LP_NATIVE_UNWIND_IMPL_H
#define LP_NATIVE_UNWIND_IMPL_H

#include "base/arena.h"
#include "base/memory.h"
#include "native/unwind.h"
#include "native/unwind_step.h"

struct lp_unwind_named;

/* The copy of the stack. */
struct lp_unwind_stack {
	struct lp_memory memory;
	uint64_t start;
	const void *data;
	size_t len;
};

struct lp_unwinder {
	struct lp_arena arena;
	struct lp_unwind_named *slots; /* open addressing; module NULL: free */
	size_t used, size;	       /* size: a power of two */
	struct lp_unwind_stack stack;
	uint64_t sp; /* what is between that and the copy could not be read */
	LP_VEC(struct lp_unwind_regs) regs; /* by lp_unwind_frame.regs */
};

#endif
