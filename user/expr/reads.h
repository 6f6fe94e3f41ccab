/* SPDX-License-Identifier: GPL-2.0-only */
/* user/expr/reads.h
 *
 * reads - what of the machine a program looks at when it runs: rather too much than too little.
 */
#ifndef LP_EXPR_READS_H
#define LP_EXPR_READS_H

#include "base/machine.h"
#include "lp/program.h"

/* Of a stack's registers `stack_regs` count: a bit for each. */
void lp_program_reads(const struct lp_insn *code, size_t n, uint32_t stack_regs,
		      struct lp_reads *ret);

#endif
