/* SPDX-License-Identifier: GPL-2.0-only */
/* include/lp/fault.h
 *
 * fault - windows: what lies between a place and its probe, where an instruction of it can fail. The hit
 * is taken there then.
 */
#ifndef LP_FAULT_H
#define LP_FAULT_H

#ifndef __bpf__
#include <linux/types.h>
#endif
#include "lp/limits.h"

#define LP_FAULT_NONE 0xffffffffu

struct lp_fault_step {
	__u8 at; /* bytes from the place on */
	__u8 pad;
	__s16 sp; /* is added to the stack pointer there, for what it is at the place */
};

struct lp_fault_window {
	__u64 ino;
	__u64 offset; /* of the place, in the file */
	__u32 dev;    /* as the kernel has it: major << 20 | minor */
	__u32 site;   /* LP_FAULT_NONE: not in use */
	__u32 len;    /* bytes from the place to the probe */
	__u32 n_steps;
	struct lp_fault_step steps[LP_WINDOW_STEPS]; /* the last is that of the probe */
	__u32 pad;
	__u64 code[LP_WINDOW_MAX / 8];
	__u64 mask[LP_WINDOW_MAX / 8]; /* the upper bit of each byte that is the window's */
};
_Static_assert(sizeof(struct lp_fault_window) == 392, "lp_fault_window has no padding");

/* An execution of a place that has had its hit where an instruction failed, by the stack pointer at the
 * place.
 */
struct lp_faulted_key {
	__u64 sp;
	__u32 tid; /* in the initial PID namespace */
	__u32 site;
};

struct lp_faulted {
	__u64 start;   /* of the thread: its number may have been another's */
	__u64 meant;   /* run-time address of the place */
	__u64 ip;      /* of what has failed */
	__u64 goes_on; /* the handler has returned: the probe may still be reached */
};

#endif
