/* SPDX-License-Identifier: GPL-2.0-only */
/* include/lp/record.h
 *
 * record - what the kernel side writes to the ring, and the maps that both sides see.
 *
 * A record is a header and, for LP_REC_HIT, blocks: each an aligned struct lp_block and its bytes.
 * Blocks with the same slot follow each other in order and are one value in pieces. Byte order is
 * the machine's. A reader must not trust a length: everything is checked against the record's end. What the
 * ring has may be longer than the record.
 */
#ifndef LP_RECORD_H
#define LP_RECORD_H

#ifndef __bpf__
#include <linux/types.h>
#endif
#include "lp/limits.h"

enum lp_rec_kind {
	LP_REC_HIT = 1,
	LP_REC_COND_ERROR, /* first condition of a logpoint that could not be evaluated: one block */
	LP_REC_RETIRED,	   /* `max` is reached: the logpoint can be taken out */
	LP_REC_FORK,	   /* pid: the child, arg: the parent */
	LP_REC_EXEC,	   /* pid runs another program now */
	LP_REC_EXIT,	   /* pid is gone; arg: it runs another program, which is no target */
	LP_REC_MAPS,	   /* pid has loaded or unloaded a library */
	LP_REC_CODE,	   /* pid's interpreter has made a code object: its address is in hit */
};

struct lp_record {
	__u16 kind;  /* enum lp_rec_kind */
	__u16 flags; /* LP_RECF_* */
	__u32 len;   /* bytes, header included */
	__u32 site;
	__u32 point;
	__u64 time; /* CLOCK_MONOTONIC, ns */
	__u64 hit;  /* which of the hits whose condition held, from 1 */
	__u32 pid;  /* thread group, as the tracer's PID namespace numbers it */
	__u32 tid;
	__u32 cpu;
	__u32 arg;
	__u64 elapsed; /* return halves: ns since entry */
	char comm[LP_COMM_LEN];
};
_Static_assert(sizeof(struct lp_record) == 72, "lp_record has no padding");

#define LP_RECF_CUT	0x1u /* a block did not fit: the record is full */
#define LP_RECF_ELAPSED 0x2u /* elapsed is valid */
#define LP_RECF_HELD	0x4u /* the process was stopped: lp/hold.h */

struct lp_block {
	__u16 slot;  /* value number or enum lp_slot_id */
	__u8 status; /* enum lp_status; the address that failed is in addr */
	__u8 flags;  /* LP_BLKF_* */
	__u32 len;   /* bytes that follow; the next block starts at the next multiple of 8 */
	__u64 addr; /* where the bytes lie in the target; 0 for a computed value; of CAP_HOLE, which
		       * has no bytes, how many there should be */
};
_Static_assert(sizeof(struct lp_block) == 16, "lp_block has no padding");

#define LP_BLKF_CUT  0x1u /* there was more; a string: no terminator within the limit */
#define LP_BLKF_NULL 0x2u /* a string that is unreadable because the pointer to it is null */

/* What kills a process, LP_SLOT_SIGNAL. */
struct lp_signal {
	__u32 number;
	__s32 code;   /* si_code */
	__u64 addr;   /* that could not be read, written or executed, or the instruction */
	__u32 sender; /* process, as the dying one's PID namespace numbers it */
	__u32 has;    /* LP_SIGNAL_HAS_* */
};
_Static_assert(sizeof(struct lp_signal) == 24, "lp_signal has no padding");

#define LP_SIGNAL_HAS_CODE   0x1u
#define LP_SIGNAL_HAS_ADDR   0x2u
#define LP_SIGNAL_HAS_SENDER 0x4u

/* What codes of different signals are told apart by: code as it is where it is the same for all. */
#define LP_SIGNAL_REASON(number, code)                                                             \
	((code) > 0 && (code) < 0x80 ? (__u64)(number) << 8 | (__u64)(code) : (__u64)(__s64)(code))

#define LP_SIGNAL_BIT(number) (1ull << (((number)-1) & 63))

#define LP_ALIGN(n) (((n) + 7u) & ~7u)

/* why a hit was lost */
#define LP_LOSSES(X)                                                                               \
	X(RING, "ring buffer full")                                                                \
	X(BUSY, "too many hits at once on one CPU")                                                \
	X(STASH, "too many calls in progress")                                                     \
	X(DEPTH, "recursion deeper than the kernel follows returns")                               \
	X(STEPS, "program too long")                                                               \
	X(UNSEEN, "while the kernel was busy with another program")

enum lp_loss {
#define LP_LOSS_ENUM(name, text) LP_LOSS_##name,
	LP_LOSSES(LP_LOSS_ENUM)
#undef LP_LOSS_ENUM
		LP_LOSS_COUNT
};

/* Per logpoint and slot (a hit's working memory, LP_SLOTS_PER_CPU a CPU). Each hit has one outcome:
 * hits == logged + filtered + limited + the sum of lost, and only lp_kernel_counts() adds it up.
 */
struct lp_counts {
	__u64 hits;
	__u64 logged;
	__u64 filtered;	   /* condition, hit clause, after, max */
	__u64 limited;	   /* rate */
	__u64 cond_errors; /* of the filtered: the condition could not be evaluated */
	__u64 quick;	   /* filtered without a slot: added atomically by all on one CPU */
	__u64 lost[LP_LOSS_COUNT];
};

/* Per watched byte and CPU: how often its program has run, and how often for a hit that it had seen. */
struct lp_watch_runs {
	__u64 all, twice;
};

/* Where those of a byte are to be found soon, if no other one has that place. */
struct lp_watch_near {
	__u64 key; /* as of watch_runs; 0: nobody's */
	struct lp_watch_runs runs;
};

#define LP_WATCH_NEAR	      64u /* a power of two */
#define LP_WATCH_NEAR_OF(key) ((__u32)((key) ^ (key) >> 6 ^ (key) >> 12) & (LP_WATCH_NEAR - 1))

/* In place of a byte's address, with the site's number: a probe in the evaluation loop. */
#define LP_STEP_RUNS (1ull << 63)

/* hit clause: `hit N` is EQ */
enum lp_hit_op {
	LP_HIT_ANY,
	LP_HIT_EQ,
	LP_HIT_GT,
	LP_HIT_GE,
	LP_HIT_LT,
	LP_HIT_LE,
	LP_HIT_MOD, /* every Nth: hit % N == 0 */
};

#define LP_POINT_NONE 0xffffffffu

/* one logpoint: what GATE asks, and what it remembers */
struct lp_point {
	__u64 hit_n;
	__u64 max;  /* records; 0: no limit */
	__u64 rate; /* records a second; 0: no limit */
	__u32 hit_op;
	__u32 after; /* point that must have logged; LP_POINT_NONE */
	/* the kernel side's, zero at first */
	__u64 passed;	/* hits whose condition held */
	__u64 tickets;	/* records admitted, of max */
	__u64 window;	/* second << 32 | records admitted in it */
	__u32 logged;	/* what `after` asks: records sent where there is a max, else 1 */
	__u32 reported; /* 1: COND_ERROR was sent */
};
_Static_assert(sizeof(struct lp_point) == 64, "lp_point has no padding");

enum lp_site_kind {
	LP_SITE_PLAIN, /* a line, an entry, a static probe, an address */
	LP_SITE_ENTER, /* entry half of `return` and `call`: fills the stash */
	LP_SITE_LEAVE, /* return half: takes the stash, logs */
};

/* What a condition comes to in the usual case: a machine register, followed through some pointers,
 * bits of what is there, one comparison. Nothing but a short cut: the program has the condition too.
 */
#define LP_QUICK_READS 3 /* pointers followed at most */

struct lp_quick {
	__u8 test; /* enum lp_quick_test and flags; LP_QUICK_NONE: the program only */
	__u8 reg;  /* machine register */
	__u8 reads;
	__u8 up, down; /* shift left, then right: bits of the last word */
	__u8 pad[3];
	__s32 offset[LP_QUICK_READS]; /* of each read; without one, [0] is added to the register */
	__u32 pad2;
	__u64 mask; /* and then and-ed */
	__u64 constant;
};
_Static_assert(sizeof(struct lp_quick) == 40, "lp_quick has no padding of the compiler's");

enum lp_quick_test {
	LP_QUICK_NONE,
	LP_QUICK_TRUTH, /* not zero */
	LP_QUICK_EQ,
	LP_QUICK_LTS,
	LP_QUICK_LTU,
	LP_QUICK_TEST = 0x0f,
	LP_QUICK_NOT = 0x10,	/* holds if the test does not */
	LP_QUICK_SIGNED = 0x20, /* shift right with the sign */
};

/* one probed address; its index is the cookie of the probe */
struct lp_site {
	__u32 point;
	__u32 kind; /* enum lp_site_kind */
	__u32 code; /* first instruction in the code map */
	__u32 ninsn;
	__u64 vaddr; /* link address of the place: bias = IP - vaddr */
	__u32 pair;  /* ENTER and LEAVE of one function share it: the key of the stash */
	/* the probe may be at another instruction: what is added there, for what is at vaddr */
	__s16 ip_shift, sp_shift;
	struct lp_quick quick; /* LP_SITE_PLAIN only */
	__u32 goes_on; /* the kernel side's: an execution may come that has had its hit, see lp/fault.h */
	__u32 pad;
};
_Static_assert(sizeof(struct lp_site) == 80, "lp_site has no padding");

#endif
