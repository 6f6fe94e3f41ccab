/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/state.h
 *
 * state - all that one hit needs while it is being worked on. It lives in map memory, so that the
 * kernel's verifier has nothing to follow from one instruction to the next.
 */
#ifndef LP_BPF_STATE_H
#define LP_BPF_STATE_H

#include "lp/crash.h"
#include "lp/program.h"
#include "lp/python.h"
#include "lp/record.h"
#include "python_state.h"

#define lp_inline    static inline __attribute__((always_inline))
#define lp_opaque(x) __asm__ volatile("" : "+r"(x))

/* What the verifier knows of a number ends here, so that it follows one way from here on and not one for each that
 * leads here.
 */
#define lp_blur(vm, x)                                                                             \
	({                                                                                         \
		(vm)->passed = (x);                                                                \
		(x) = (__typeof__(x))(vm)->passed;                                                 \
	})

/* The smaller of both. Compiled code may compare one copy of a number and then use another, of which
 * kernels before 6.13 do not know that it is the same.
 */
#ifdef __bpf__
#define lp_at_most(x, max)                                                                         \
	({                                                                                         \
		__u64 v_ = (x);                                                                    \
		__asm__ volatile("if %0 <= %1 goto +1; %0 = %1" : "+r"(v_) : "i"(max));            \
		v_;                                                                                \
	})
#else
#define lp_at_most(x, max) ((__u64)(x) < (__u64)(max) ? (__u64)(x) : (__u64)(max))
#endif

/* Where ways meet whose difference is over: the verifier compares them at jumps, and follows one. */
#ifdef __bpf__
#define lp_meet(pointer) __asm__ volatile("if %0 == 0 goto +0" : : "r"(pointer) : "memory")
#else
#define lp_meet(pointer) ((void)(pointer))
#endif

#define LP_PAGE	       4096u
#define LP_WINDOW      32u	    /* bytes read at once where few are asked for */
#define LP_NO_WINDOW   (1ull << 63) /* no window starts there: no user space either */
#define LP_MACH_ROOM   32u	    /* LP_MACH_REGS rounded up to a power of two */
#define LP_STRBUF_ROOM (LP_STRBUF_MAX + 24)
/* a block that starts below LP_RECORD_MAX and is as long as a read can be */
#define LP_REC_ROOM (LP_RECORD_MAX + sizeof(struct lp_block) + LP_READ_MAX + 16)

/* Bytes from addr to the end of its page. */
lp_inline __u32 lp_page_left(__u64 addr)
{
	return LP_PAGE - ((__u32)addr & (LP_PAGE - 1));
}

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

/* A function that the kernel verifies once, by itself. Its pointers may be null, it says. */
#ifdef __bpf__
#define lp_global __attribute__((noinline))
#else
#define lp_global      static __attribute__((unused))
#define lp_loop_seldom lp_loop
#define lp_may_go_on() 1 /* as world.h has it */
#define lp_goes_on     0 /* as python_maps.h has it */
#endif

/* Pointers in the record that lead to objects not copied yet. */
struct lp_py_run {
	__u64 addr;   /* of the next chunk: array, table, block, text */
	__u64 extra;  /* KEYS: the values of an instance, which lie apart; python_locals.h: kinds */
	__u32 at;     /* in the record */
	__u32 n, i;   /* elements of this chunk, and which is next */
	__u32 values; /* in the record: the values of split keys; python_locals.h: names */
	__u32 left;   /* elements, bytes behind this chunk */
	__u32 used;   /* items found up to now; of DEQUE: where in the block the next are */
	__u8 what;    /* enum lp_py_what */
	__u8 depth;   /* of what is pointed to */
	__u8 stride, key_at; /* of an element, in bytes */
	__u32 type;	     /* SLOTS: index of the class */
};

struct lp_py_seen {
	__u64 addr;
	__u32 serial;	 /* of the hit */
	__u32 text;	 /* in the record: the characters; 0: no str */
	__u8 left;	 /* levels that were left below it, and one; 0xff: it leads nowhere */
	__u8 width, len; /* of a character; characters in the record */
	__u8 pad0;
	__u32 pad;
};

/* A class as the walk needs it. */
struct lp_py_class {
	__u64 addr;
	__u64 keys; /* of its instances' split dicts */
	/* a bit for each word of an instance behind the header that is shown; of a named tuple for
	 * each item that is not
	 */
	__u64 slots;
	__s64 dictoffset;
	__u32 basicsize, itemsize;
	__u32 flags; /* low half of tp_flags */
	__u8 kind;
	__u8 is_python; /* made by a class statement */
	__u8 is_leaf;	/* shown whole below the depth limit: an enum, a UUID, a path */
	__u8 pad;
	__u32 serial; /* of the hit */
	__u32 pad2;
};

enum lp_py_whole {
	LP_WHOLE_NOT,
	LP_WHOLE_EXCEPTIONS, /* all that str() shows of an exception */
	LP_WHOLE_CODE,	     /* the value is a code object: its names and lines */
};

#define LP_PY_HEAD 56u	/* bytes of an object that are read before it is known */
#define LP_PY_TYPE 384u /* bytes of a type that are looked at */

/* One walk through a value's objects (pywalk.h). */
struct lp_py_walk {
	struct lp_py_value value;   /* set by the caller, as the next one */
	__u32 serial;		    /* of the hit: what another has seen is not seen */
	__u32 string, items, depth; /* limits */
	__u32 from, to;		    /* items of the object that are wanted */
	__u32 runs_in, runs_out;
	__u32 head_len; /* bytes of head that could be read */
	__u32 text;	/* of the latest str, as in lp_py_seen */
	__u8 width, len;
	__u8 whole; /* enum lp_py_whole */
	__u8 pad;
	__u64 hash;		    /* of a name up to now */
	__u64 slots, slot_bit;	    /* words that __slots__ names; of the next name */
	__u32 slot_at, slot_left;   /* in the record; how many */
	__u32 fields;		    /* of the object that is a named tuple: its class, + 1; 0 */
	__u32 attr_n, attr_stride;  /* entries of a class's dict that are looked through */
	__u32 attr_name;	    /* enum lp_py_attr that is wanted */
	__u64 attr_at, attr_value;  /* entries; what was found */
	__u64 type;		    /* of the object whose class is wanted */
	__u64 base;		    /* the next class towards `object`; 0: done */
	__u64 again;		    /* an object that is to be looked at once more; 0: none */
	__u32 again_depth, want;    /* its; what it wants before, enum lp_py_want */
	__u32 key_seen, pad2;	    /* the key of the entry whose turn it is was looked at */
	__u64 head[8];		    /* the first LP_PY_HEAD bytes of the object */
	__u64 body[LP_PY_TYPE / 8]; /* of a type */
	char name[64];		    /* its tp_name */
	struct lp_py_class types[LP_PY_TYPES_MAX];
	struct lp_py_run runs[LP_PY_RUNS_MAX];
	struct lp_py_seen seen[LP_PY_SEEN_MAX + 1]; /* the last: where there is no room */
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
	__u16 flags;	       /* LP_RECF_* */
	__u8 tags[LP_VM_KEEP]; /* of keep: enum lp_py_tag */
};

/* Where an instruction has failed (fault.h). */
struct lp_fault {
	__u64 ip, sp;
	__u64 ino, offset; /* of the place that it follows, as lp_fault_window has them */
	__u32 dev;
	__u32 n;	  /* windows that it may be in */
	__u8 is_unsure;	  /* the mapping tells */
	__u8 is_several;  /* they are not all of one place */
	__u8 has_handler; /* it may be executed again */
	__u8 pad[5];
};

struct lp_vm {
	__u64 busy;	       /* 1: owned by a hit */
	volatile __u64 passed; /* of lp_blur() */
	__u64 id;	       /* number of the slot */
	__u64 reg[LP_VM_REGS];
	__u64 mach[LP_MACH_ROOM];
	__u64 bias, elapsed, hit, time, pid_tgid;
	char comm[LP_COMM_LEN];
	struct lp_signal signal; /* of `crash` */
	struct lp_fault at;	 /* of fault.h */
	__u64 window_at[2];
	__u8 window[2][LP_WINDOW + 8]; /* room for a word at any offset */
	__u64 fault;		       /* address that could not be read */
	__u64 tables;		       /* of the process's pages; 0: not known */
	__u64 word;		       /* what lp_alone_word() has read */
	__u64 from;		       /* of the stack copy */
	__u64 stack_at;		       /* where that begins: the stack pointer, or above it */
	__u32 todo;
	__u32 site, point;
	__u32 code, ninsn, pc;
	__u32 resume; /* TRY */
	__u16 slot;   /* TRY */
	__u8 outcome; /* enum lp_outcome */
	__u8 status;  /* of COND_ERROR */
	__u8 ticket;  /* one of `max` is taken */
	__u8 is_over; /* the program */
	__u32 off;    /* of a comparison */
	__u8 window_next;
	__u8 found;  /* of a search */
	__u16 flags; /* LP_RECF_* */
	__u32 len;   /* bytes of rec in use */
	__u32 room;  /* bytes of rec that may be used */
	__u32 klen[2];
	char k[2][LP_STRBUF_ROOM];
	/* Python sites only; within 32 KiB, which an instruction of BPF reaches */
	struct lp_pyvm py;
	struct lp_py_runtime rt;
	__u64 rt_is;				     /* which one that is, as python_world.h says */
	struct lp_pyvm_place places[LP_PYVM_PLACES]; /* the latest ones */
	struct lp_pyvm_known known;
	struct lp_crash_map maps[LP_CRASH_MAPS_MAX]; /* of `crash` */
	__u64 n_maps;
	struct lp_py_walk walk;
	__u64 frames[LP_PY_FRAMES_MAX]; /* of CAP_PYSTACK */
	struct lp_carry carry;		/* directly before rec: stored as one */
	__u8 rec[LP_REC_ROOM] __attribute__((aligned(8)));
};

/* What a callback of lp_loop_seldom() gets. */
struct lp_step {
	struct lp_vm *vm;
	const struct lp_insn *code; /* of all sites */
};

#endif
