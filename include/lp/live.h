/* SPDX-License-Identifier: GPL-2.0-only */
/* include/lp/live.h
 *
 * live - what user space tells the programs: before they are loaded (constants of the verifier, which
 * leaves out what they exclude), and while they run.
 */
#ifndef LP_LIVE_H
#define LP_LIVE_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#define LP_DIRECT_CALL 0x6c70 /* bpf/mapping.h: the number of a helper that there is none of */
/* bpf/python_world.h: stands for the address of the one value of `code`, as no number of the programs' does */
#define LP_CODE_ADDRESS 0x6c70636f64653a40

/* What a run of bpf/mapping.bpf.c is given, and says. */
struct lp_mapping_ask {
	__u64 addr;    /* of words that nobody writes meanwhile, LP_MAPPING_WORDS */
	__u64 mapping; /* found and proved: as in lp_live */
	__u32 in_vain; /* to ask again */
	__u32 pad;
};
_Static_assert(sizeof(struct lp_mapping_ask) == 24, "no padding");
#define LP_MAPPING_WORDS 7

struct lp_fixed {
	__u64 exe_ino; /* processes that exec this file become targets; 0: none */
	__u32 exe_dev; /* as the kernel has it: major << 20 | minor */
	__u32 record_max;
	__u32 max_points;
	__u32 max_code;
	__u32 pidns;	 /* inode of our PID namespace; 0: the initial one */
	__u32 by_cgroup; /* LP_FILTER_CGROUP; 0: by target */
	__u32 follow;	 /* children become targets */
	__u32 n_rings;	 /* groups of CPUs that have one each */
};
_Static_assert(sizeof(struct lp_fixed) == 40, "no padding");

/* Sites by the end of their instruction's address, which is that of the file offset wherever the file is mapped: their
 * number + 1; 0: none. What was a site's once stays so.
 */
#define LP_NEAR_SITES	2048u /* a power of two, not above a page */
#define LP_NEAR_SEVERAL 0xffffffffu

struct lp_live {
	__u64 cgroup;	   /* LP_FILTER_CGROUP; 0: it does not exist now */
	__u64 mapping;	   /* where the kernel has all memory; 0: not known (yet) */
	__u32 sleeping;	   /* the reader waits for a wake-up */
	__u32 cost_tgid;   /* our own child, on which costs are measured; 0: none */
	__u32 only_tgid;   /* the only target there is; 0: look into `targets` */
	__u32 watch_twice; /* threads may have two events for one watched byte */
	__u32 n_sites;	   /* numbers given out */
	__u32 n_windows;   /* that were in use: lp/fault.h */
	__u32 faulted;	   /* an instruction has failed in one, and a handler was called */
	__u32 lives;	   /* counts changes in `targets`; additions may not be among them */
	__u32 near[LP_NEAR_SITES];
};
_Static_assert(sizeof(struct lp_live) == 48 + 4 * LP_NEAR_SITES, "no padding");

#endif
