/* SPDX-License-Identifier: GPL-2.0-only */
/* include/lp/stacks.h
 *
 * stacks - what `logpoint stacks` learns of threads from the kernel.
 */
#ifndef LP_STACKS_H
#define LP_STACKS_H

#ifndef __bpf__
#include <linux/types.h>
#endif
#include "lp/limits.h"

/* A thread. */
struct lp_thread_regs {
	__u32 tid;	 /* in our PID namespace */
	__u32 is_on_cpu; /* or has just been: the registers say nothing */
	__u64 switches;	 /* how often it has left a CPU */
	__u64 fsbase;	 /* pthread_self() */
	__u64 regs[LP_MACH_REGS];
};
_Static_assert(sizeof(struct lp_thread_regs) == 24 + 8 * LP_MACH_REGS, "no padding");

enum lp_sample_state { LP_SAMPLE_NONE, LP_SAMPLE_WANTED, LP_SAMPLE_TAKEN };

struct lp_stack_sample {
	__u32 state; /* enum lp_sample_state */
	__u32 len;   /* bytes of stack, from the stack pointer on */
	__u64 regs[LP_MACH_REGS];
	__u8 stack[LP_STACK_MAX];
};
_Static_assert(sizeof(struct lp_stack_sample) == 8 + 8 * LP_MACH_REGS + LP_STACK_MAX, "no padding");

#endif
