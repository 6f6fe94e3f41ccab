/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/unwind_impl.h
 *
 * unwind_impl - what unwind.c remembers for unwind_locals.c: of the latest stack, and of addresses
 * that were met in one.
 */
#ifndef LP_NATIVE_UNWIND_IMPL_H
#define LP_NATIVE_UNWIND_IMPL_H

#include "base/arena.h"
#include "base/memory.h"
#include "native/unwind.h"
#include "native/unwind_step.h"

struct lp_unwind_named;

struct lp_unwind_var {
	struct lp_var var;
	struct lp_loc loc;
	bool is_located;
	size_t size; /* bytes that are taken of it */
};

/* Variables of a function, or of a copy of it, at one address, and where they are. */
struct lp_unwind_vars {
	struct lp_module *module;
	struct lp_place place;
	struct lp_scope *scope; /* NULL: nobody has asked yet, or it can't be had */
	struct lp_unwind_var *all;
	size_t n;
	struct lp_unwind_vars *next; /* that has a scope */
};

/* The bytes of one variable as they come together. */
#define LP_UNWIND_BYTES_MAX 16384u
#define LP_UNWIND_HOLES_MAX 32
struct lp_unwind_bytes {
	char data[LP_UNWIND_BYTES_MAX];
	size_t len, want;
	uint64_t addr;
	struct lp_hole holes[LP_UNWIND_HOLES_MAX];
	size_t n_holes;
	bool not_copied;     /* in memory that is not in the copy */
	uint64_t unreadable; /* of which this could not be read; 0: it was not tried */
};

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
	struct lp_unwind_vars *opened;
	size_t n_opened;
	struct lp_unwind_bytes bytes;
};

/* Scopes of all vars. */
void lp_unwind_close(struct lp_unwinder *u);

#endif
