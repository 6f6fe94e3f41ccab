/* SPDX-License-Identifier: GPL-2.0-only */
/* include/lp/crash.h
 *
 * crash - what the record of a crash has beside what other records have, where the process may be gone
 * before anybody can look at it.
 */
#ifndef LP_CRASH_H
#define LP_CRASH_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#define LP_CRASH_MAPS_MAX  16	/* mappings of one record; a power of two */
#define LP_CRASH_WORDS_MAX 1024 /* of the stack, that can be addresses of code */

#define LP_SLOT_MAPS 0xff12 /* struct lp_crash_map each */

/* A mapping that the instruction pointer or a word of the stack leads to. */
struct lp_crash_map {
	__u64 start, end;
	__u64 offset; /* of start, in the file */
	__u64 ino;    /* 0: no file */
	__u32 dev;    /* as the kernel has it: major << 20 | minor */
	__u32 exec;
};
_Static_assert(sizeof(struct lp_crash_map) == 40, "lp_crash_map has no padding");

#endif
