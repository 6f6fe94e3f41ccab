/* SPDX-License-Identifier: GPL-2.0-only */
/* user/expr/uses.h
 *
 * uses - which instructions a logpoint's program can have, told by its text alone: the
 * kernel side is loaded with those while the names are still being looked up. More than there will
 * be is harmless; what is missing shows in the program.
 */
#ifndef LP_EXPR_USES_H
#define LP_EXPR_USES_H

#include "expr/logpoint.h"
#include "lp/program.h"

/* Bits: LP_PY_USE() */
uint64_t lp_logpoint_uses(const struct lp_logpoint *lp);
/* Of a program that is there. */
uint64_t lp_program_uses(const struct lp_insn *code, size_t n);

/* A native one: can it do without strings that are compared, floats, stacks (lp_kernel_conf.lean)? */
bool lp_logpoint_sounds_lean(const struct lp_logpoint *lp);

#endif
