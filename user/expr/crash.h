/* SPDX-License-Identifier: GPL-2.0-only */
/* user/expr/crash.h
 *
 * crash - what a logpoint can name where a signal ends a process, wherever that is: the signal. No
 * code is known there, so no variable has a name; those of the stack come with the record.
 */
#ifndef LP_EXPR_CRASH_H
#define LP_EXPR_CRASH_H

#include "expr/scope.h"

/* $signal, and $code, whose numbers are LP_SIGNAL_REASON(): codes of two signals are different. */
extern const struct lp_type lp_type_signal, lp_type_signal_code;

/* For lp_compile(). NULL: out of memory. */
struct lp_scope *lp_crash_scope(void);

/* What is sent when `crash` names no signal: faults and abort(). */
#define LP_CRASH_SIGNALS                                                                           \
	(LP_SIGNAL_BIT(SIGSEGV) | LP_SIGNAL_BIT(SIGBUS) | LP_SIGNAL_BIT(SIGFPE) |                  \
	 LP_SIGNAL_BIT(SIGILL) | LP_SIGNAL_BIT(SIGABRT))

#endif
