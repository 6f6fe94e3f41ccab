/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/state.h
 *
 * state - all that one hit needs while it is being worked on. It lives in map memory, so that the
 * kernel's verifier has nothing to follow from one instruction to the next.
 */
#ifndef LP_BPF_STATE_H
#define LP_BPF_STATE_H

#include "lp/program.h"
#include "lp/record.h"
#include "python_state.h"

#define lp_inline    static inline __attribute__((always_inline))
/* A function that the kernel verifies once, on its own, whoever calls it. */
#ifdef __bpf__
#define lp_global __attribute__((noinline))
#else
#define lp_global static
#endif
#define lp_opaque(x) __asm__ volatile("" : "+r"(x))

#define LP_PAGE	       4096u
#define LP_WINDOW      32u	    /* bytes read at once where few are asked for */
#define LP_NO_WINDOW   (1ull << 63) /* no window starts there: no user space either */
#define LP_MACH_SP     7
#define LP_MACH_IP     16
#define LP_MACH_ROOM   32u /* LP_MACH_REGS rounded up to a power of two */
#define LP_STRBUF_ROOM (LP_STRBUF_MAX + 24)
/* a block that starts below LP_RECORD_MAX and is as long as a read can be */
#define LP_REC_ROOM (LP_RECORD_MAX + sizeof(struct lp_block) + LP_READ_MAX + 16)

/* Eight bytes anywhere. BPF must not hear of alignment: it would read bytes one by one. */
#ifdef __bpf__
typedef __u64 lp_word;
#else
typedef __u64 __attribute__((aligned(1), may_alias)) lp_word;
#endif

enum lp_outcome {
	LP_OUT_NONE, /* still running */
	LP_OUT_DONE,
	LP_OUT_FILTERED,
	LP_OUT_COND_ERROR, /* filtered, too */
	LP_OUT_LIMITED,
};

/* What goes from the entry of a call to its return; a body of blocks follows. */
struct lp_carry {
	__u64 tid; /* whose it is; first, so that a reused entry is noticed */
	__u64 sp;
	__u64 time;
	__u64 bias;
	__u64 keep[LP_VM_KEEP];
	__u64 fault; /* error_addr of a condition */
	__u32 len;   /* of the body */
	__u8 outcome, status;
	__u16 flags; /* LP_RECF_* */
	__u8 tags[LP_VM_KEEP]; /* of keep: enum lp_py_tag */
};

struct lp_vm {
	__u64 busy; /* 1: owned by a hit */
	__u64 id;   /* number of the slot */
	__u64 reg[LP_VM_REGS];
	__u64 mach[LP_MACH_ROOM];
	__u64 bias, elapsed, hit, time, pid_tgid;
	__u64 window_at[2];
	__u8 window[2][LP_WINDOW + 8]; /* room for a word at any offset */
	__u64 fault;		       /* address that could not be read */
	__u64 from;		       /* of the stack copy */
	__u32 todo;
	__u32 site, point;
	__u32 code, ninsn, pc;
	__u32 resume; /* TRY */
	__u16 slot;   /* TRY */
	__u8 outcome; /* enum lp_outcome */
	__u8 status;  /* of COND_ERROR */
	__u8 ticket;  /* one of `max` is taken */
	__u32 off;    /* of a comparison */
	__u8 window_next;
	__u8 found;  /* of a search */
	__u16 flags; /* LP_RECF_* */
	__u32 len;   /* bytes of rec in use */
	__u32 room;  /* bytes of rec that may be used */
	__u32 klen[2];
	char k[2][LP_STRBUF_ROOM];
	struct lp_py py;       /* Python sites only */
	struct lp_carry carry; /* directly before rec: stored as one */
	__u8 rec[LP_REC_ROOM] __attribute__((aligned(8)));
};

/* What a callback of lp_loop() gets. */
struct lp_step {
	struct lp_vm *vm;
	const struct lp_insn *code; /* of all sites */
};

#endif
