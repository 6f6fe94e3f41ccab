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

/* row is the one for the instruction in regs. */
enum lp_unwind_result lp_unwind_step(Dwarf_Frame *row, const struct lp_unwind_regs *regs,
				     struct lp_memory *memory, struct lp_unwind_regs *ret);

#endif
