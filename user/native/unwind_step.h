/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/unwind_step.h
 *
 * unwind_step - one frame up: the registers of a caller from those of a callee, by a row of call
 * frame information. Reads memory only through the lp_memory it is given.
 * Facts: DWARF 5, sections 2.5 and 6.4; the System V ABI for x86-64 for what stays the same.
 */
#ifndef LP_NATIVE_UNWIND_STEP_H
#define LP_NATIVE_UNWIND_STEP_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/memory.h"
#include "lp/limits.h"
#include "native/cfi.h"

#define LP_UNWIND_IP (LP_MACH_REGS - 1)

struct lp_unwind_regs {
	uint64_t value[LP_MACH_REGS]; /* DWARF numbers; the last is the instruction pointer */
	uint32_t known;		      /* bit by number */
	bool exact; /* the instruction pointer is of what runs next, not what a call returns to */
};

/* A DWARF expression as libdw parses it. cfa may be NULL. False: not understood, or a register or
 * memory that it needs is not known. *ret_is_value: the result is the value itself, not where it
 * lies.
 */
bool lp_unwind_eval(const Dwarf_Op *ops, size_t n, const struct lp_unwind_regs *regs,
		    const uint64_t *cfa, struct lp_memory *memory, uint64_t *ret,
		    bool *ret_is_value);

enum lp_unwind_result {
	LP_UNWIND_CALLER, /* *ret is the caller */
	LP_UNWIND_OUTER,  /* there is none: this is the outermost frame */
	LP_UNWIND_LOST,	  /* it can't be known */
};

/* How a register of the caller is found. */
struct lp_unwind_rule {
	enum lp_unwind_how {
		LP_UNWIND_UNKNOWN,
		LP_UNWIND_UNDEFINED,
		LP_UNWIND_SAME,	   /* the callee left it as it was */
		LP_UNWIND_CFA,	   /* offset from the CFA */
		LP_UNWIND_AT_CFA,  /* in memory there */
		LP_UNWIND_COMPUTE, /* by lp_cfi_register()'s operations */
	} how;
	int64_t offset;
};

/* A row of call frame information, read once for all the stacks that it is met in. */
struct lp_unwind_row {
	struct lp_cfi cfi; /* frame NULL: there is none */
	bool is_usable;
	unsigned int cfa_reg; /* LP_MACH_REGS: computed */
	int64_t cfa_offset;
	struct lp_unwind_rule rules[LP_MACH_REGS];
};

void lp_unwind_row_init(struct lp_unwind_row *row, struct lp_module *m, uint64_t vaddr);
void lp_unwind_row_done(struct lp_unwind_row *row);

/* row is the one for the instruction in regs. */
enum lp_unwind_result lp_unwind_step(const struct lp_unwind_row *row,
				     const struct lp_unwind_regs *regs, struct lp_memory *memory,
				     struct lp_unwind_regs *ret);

#endif
