/* SPDX-License-Identifier: GPL-2.0-only */
/* user/probe/registers.h
 *
 * registers - those of the threads of a process as they are now, without stopping any.
 */
#ifndef LP_PROBE_REGISTERS_H
#define LP_PROBE_REGISTERS_H

#include <sys/types.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/vec.h"
#include "lp/stacks.h"

struct lp_registers;

struct lp_registers_list {
	LP_VEC(struct lp_thread_regs);
};

/* Loads the kernel side. -EPERM; -ENOTSUP: this kernel can't. */
int lp_registers_open(struct lp_registers **ret, struct lp_err *err);
void lp_registers_free(struct lp_registers *r);
LP_CLEANUP(struct lp_registers *, lp_registers_free)

/* Of all threads of a process. One whose count of switches is the same later, and that is on no CPU then,
 * has not run meanwhile.
 */
int lp_registers_read(struct lp_registers *r, pid_t pid, struct lp_registers_list *ret,
		      struct lp_err *err);

/* Registers and stack of a thread that runs, at a tick of a clock of its own. -EAGAIN: it did not run
 * long enough; *ret is good until the next call.
 */
int lp_registers_sample(struct lp_registers *r, pid_t tid, const struct lp_stack_sample **ret);

#endif
