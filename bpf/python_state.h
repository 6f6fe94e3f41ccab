/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/python_state.h
 *
 * python_state - what a hit of a Python site needs beside the common machine (state.h).
 */
#ifndef LP_BPF_PYTHON_STATE_H
#define LP_BPF_PYTHON_STATE_H

#include "lp/python.h"

enum lp_pyvm_kind {
	LP_KIND_OTHER, /* an object of a class that is none of these */
	LP_KIND_NONE,
	LP_KIND_INT, /* bool, too */
	LP_KIND_FLOAT,
	LP_KIND_STR,
	LP_KIND_BYTES, /* bytearray, too */
	LP_KIND_TUPLE,
	LP_KIND_LIST,
	LP_KIND_DICT,
	LP_KIND_SET, /* frozenset, too */
	LP_KIND_COUNT
};

/* Where what `addr` of a view leads to lies. */
enum lp_pyvm_memory {
	LP_IN_TARGET,
	LP_IN_CODE,	 /* the site's program: a constant; addr: byte in it */
	LP_IN_NAME,	 /* vm->py.name */
	LP_IN_REGISTERS, /* addr: their numbers, 4 bits each */
	LP_IN_RECORD,	 /* vm->rec */
};

/* An operand, taken apart. */
struct lp_pyvm_view {
	__u64 obj;   /* 0: not an object but a value of the program */
	__u64 type;  /* PyTypeObject; of values, too */
	__u64 flags; /* tp_flags where !exact */
	__u64 bits;  /* INT: the value, FLOAT: the bits */
	__u64 addr;  /* text, items, digits; a constant's text: byte in the site's program */
	__u64 len;   /* of text in units, of items, of digits, of entries */
	__u64 hash;  /* of a str or bytes; -1: not known */
	__u64 next;  /* byte of a constant's text that is read next */
	__u8 kind;   /* enum lp_pyvm_kind */
	__u8 exact;  /* the builtin type itself, no subclass */
	__u8 big;    /* INT: beyond 64 bits, digits at addr */
	__u8 negative;
	__u8 width;    /* bytes of one unit of text; 0: UTF-8, a constant's */
	__u8 constant; /* enum lp_pyvm_memory */
	__u8 is_bool;
	__u8 mutable; /* bytearray */
};

/* Operands, and what is compared with them: an item, its item. */
#define LP_PYVM_VIEWS 8
enum {
	LP_VIEW_A,
	LP_VIEW_B,
	LP_VIEW_ITEM,
	LP_VIEW_OTHER,
	LP_VIEW_SUB,
	LP_VIEW_SUB_OTHER,
	LP_VIEW_NAME
};

/* How two values stand to each other. */
enum lp_pyvm_relation {
	LP_REL_EQUAL,
	LP_REL_LESS,
	LP_REL_GREATER,
	LP_REL_UNEQUAL,	  /* there is no order: TypeError */
	LP_REL_SAME,	  /* equal, and there is no order */
	LP_REL_UNORDERED, /* a NaN: all comparisons but != are false */
	LP_REL_ITEMS,	  /* the items decide: two tuples, two lists */
};

/* A look-up in a hash table. */
struct lp_pyvm_probe {
	__u64 indices; /* of a dict */
	__u64 values;  /* array of values of a split dict; 0: in the entries */
	__u64 entries; /* address of the first entry */
	__u64 count;   /* entries there are */
	__u64 hash, perturb, mask;
	__u64 at;    /* where the probing is */
	__u64 index; /* entry that is looked at */
	__u64 key, value;
	__s64 result; /* 1 found, 0 not, < 0 -status */
	__u32 entry_size, index_size;
	__u32 probes;	   /* of a set: entries in a row that are left */
	__u32 view;	   /* what is looked for */
	__u32 in_turn;	   /* the hash is not known: every entry */
	__u32 by_identity; /* only the very object */
};

/* What PY_ATTR found for a class, while that is what it was: as LOAD_ATTR's own caches. */
struct lp_pyvm_cache {
	__u64 type; /* 0: nothing */
	__u32 version, insn, pid;
	__u8 how; /* enum lp_pyvm_how */
	__u8 pad[3];
	__u64 key;   /* DICT: the str in its entry */
	__u64 index; /* MEMBER: offset and type; TUPLE: of the item; else the entry's number */
	__u64 flags; /* of the class: tp_flags, which tell where instances have their attributes, */
	__u64 place; /* with this: lp_pyvm_class_place() */
};

enum lp_pyvm_how { LP_HOW_VALUES = 1, LP_HOW_DICT, LP_HOW_MEMBER, LP_HOW_TUPLE };

/* What is known of a thread, by its number. */
struct lp_pyvm_thread {
	__u64 start;	       /* of the thread: its number may have been another's */
	__u64 tstate;	       /* PyThreadState */
	__u64 frame, unit, ip; /* of its latest hit */
	__u64 named;	       /* when its name was last sent */
};

/* What a slot remembers of the thread that it has last served, and of its process. */
struct lp_pyvm_known {
	__u64 pid_tgid, start; /* whose it is */
	__u64 tstate, named;   /* as of lp_pyvm_thread */
	__u32 tgid;	       /* the process; 0: none */
	__u32 runtime;	       /* number + 1, while lp_live.lives is `lives` */
	__u32 lives;
	__u32 pad;
};

/* The latest hit of a line in a frame, where that matters. */
struct lp_pyvm_latest {
	__u64 unit, code;
	__u32 flags; /* of the site */
	__u32 pad;
};

/* A store that the machine code has yet to do. */
struct lp_pyvm_late {
	__u64 addr, value;
	__u64 mask; /* of its bytes; 0: the value is not known */
	__u64 size;
};

/* Where CAP_PYAWAIT is (python_await.h). */
struct lp_pyvm_await {
	__u64 task;   /* whose awaiter is wanted */
	__u64 by;     /* the first task that awaits it; 0 */
	__u64 future; /* whose callbacks are looked at */
	__u64 first;  /* of these, or 0; the others are in a list: */
	__u64 items;
	__u64 cells;		    /* of a callback's closure: items of a tuple */
	__u64 who, waits_for;	    /* a task, if it waits for that */
	__u64 object;		    /* coroutine whose turn it is, or what the latest one awaits */
	__u64 of, value;	    /* a member of an object */
	__u64 name;		    /* of `by` */
	__u64 ways[LP_PY_WAYS_MAX]; /* the task, and futures that are done when it is */
	__u64 chain[LP_PY_AWAITERS_MAX];
	__u32 n_ways, way;
	__u32 n_items, item;
	__u32 n_cells, cell;
	__u32 n_chain;
	__u32 n_frames;
	__u32 which; /* member: enum lp_pyvm_own */
	__u32 phase; /* enum lp_pyvm_await_phase */
	__u32 steps;
	__u32 start;	     /* of the latest block */
	__u32 codes_at;	     /* its frames whose code is not looked at yet */
	__u32 flags, others; /* of it */
	__u8 asks;	     /* the member is wanted */
	__u8 is_c;	     /* its object is of C's class */
	__u8 is_cut;	     /* something could not be looked at */
	__u8 is_last;
};

/* The exception has left no frame since it was raised; what it has may be of an earlier time. */
#define LP_PYVM_NO_TB 1ull

#define LP_PYVM_PLACES 8 /* a power of two */

/* What was found for a watched byte and the instruction that reads it, while `is` is vm->rt_is. */
struct lp_pyvm_place {
	__u64 addr, ip;
	__u64 is;
	__u32 first; /* site, + 1 */
	__u32 flags; /* LP_PY_FETCH_* */
};

/* direct.h: words that are read at once, */
#define LP_DIRECT_WORDS 7
struct lp_direct_line {
	__u64 word[LP_DIRECT_WORDS];
};

/* and by what. */
#define LP_DIRECT_LAST 4 /* a power of two */
struct lp_direct_tables {
	__u64 tables; /* the process's; 0: it is not read so */
	/* what tables of pages that were used are for, and where they are: by the low bits of the former */
	__u64 last_of[LP_DIRECT_LAST], last[LP_DIRECT_LAST];
};

/* resident.h: the entries that lead to a page, by level of their tables; of a large one one is there twice. */
#define LP_PT_LEVELS 5
struct lp_way {
	__u64 at[LP_PT_LEVELS], entry[LP_PT_LEVELS];
};

#define LP_PYVM_WINDOWS 4   /* a power of two */
#define LP_PYVM_WINDOW	56u /* bytes read at once where few are asked for */

struct lp_pyvm {
	struct lp_direct_tables direct;
	struct lp_way way;
	__u64 window_at[LP_PYVM_WINDOWS];
	__u8 window[LP_PYVM_WINDOWS][LP_PYVM_WINDOW + 8]; /* room for a word at any offset */
	__u32 window_next;
	__u32 pad4;
	/* the thread and the frame of the hit */
	__u64 tstate, frame, code, thread_id;
	__u64 start; /* of the thread */
	__u64 unit; /* address of the code unit that was read; 0: of none, the hit is in native code */
	__u64 units; /* of the first one */
	__u64 task;  /* of asyncio, that runs; 0 */
	__u32 stack_base;
	__u32 pc; /* of the instruction that runs */
	__u32 n;  /* its operands */
	__u64 imm;
	__u8 op, a, b, tag; /* tag: of the result */
	__u8 pad[4];
	__u64 out, out_from, out_to; /* the result */
	/* registers beside vm->reg */
	__u64 from[LP_VM_REGS], to[LP_VM_REGS];
	__u8 tags[LP_VM_REGS];
	/* what functions hand each other */
	__u64 word;
	__u64 owner; /* class in which an attribute was found */
	__u64 top;   /* of a big int: its first 64 bits */
	__u64 rest;  /* and whether there is more */
	__u64 limit; /* units that are compared */
	__u64 from_unit;
	__u64 count;
	__s64 relation; /* enum lp_pyvm_relation, or < 0 */
	__u32 index;
	__u32 work;  /* steps that the hit may still take in loops */
	__u32 pair;  /* views: low byte and the next */
	__u32 next;  /* site whose turn is next, + 1; 0: none */
	__u32 kind;  /* of the site that runs: enum lp_site_kind */
	__u32 stash; /* its pair */
	__u32 steps; /* it has taken */
	__u8 running;
	__u8 is_alone; /* the other sites of the unit have probes of their own */
	__u8 is_fresh; /* what the frame's latest hit was is not looked at yet */
	__u8 pad2;
	__u8 hooked; /* the thread has a profile or trace function, in 3.10 and 3.11 */
	__u8 pad6[7];
	__u64 before;	/* the word before an object's head that says where its attributes are */
	__u32 fetched;	/* LP_PY_FETCH_* of the instruction that has read the unit */
	__u32 n_late;	/* of late */
	__u32 n_hidden; /* of those, whose value is not known */
	struct lp_pyvm_late late[LP_PY_LATE_MAX];
	struct lp_pyvm_latest latest;
	__u32 any;
	__u32 n_frames; /* of vm->frames */
	__s64 found;	/* in a class: 1, 0 or < 0 */
	__u32 scope;	/* enum lp_pyvm_scope */
	struct lp_pyvm_view view[LP_PYVM_VIEWS];
	struct lp_pyvm_probe probe;
	/* of an exception */
	__u64 raised; /* the exception; of one that is not made yet, of what it is to be made */
	__u64 raised_type; /* its class */
	__u64 raised_tb; /* its traceback, where it is not in the exception itself; LP_PYVM_NO_TB */
	__u64 wanted;	 /* bits of the sites that want it */
	__u64 name_hash; /* of a class's full name, from its end up to where that is read */
	__u32 name_len;	 /* of a part of it: characters, and their width, in vm->k */
	__u8 name_width;
	__u8 is_flow; /* no failure */
	__u8 is_raw;  /* it is not made yet */
	__u8 pad3;
	__u64 chain[LP_PY_EXC_MAX]; /* of CAP_PYEXC: found up to now */
	__u64 chain_notes;	    /* __notes__ of the one whose turn it is */
	__u32 chain_n, chain_i, chain_phase;
	__u32 chain_frames;
	__u32 frames_at;   /* in the record: those of the latest block */
	__u32 n_codes;	   /* of frames, that are still to be copied */
	__u32 locals_turn; /* of CAP_PYLOCALS: 0 the stack's, n the n-th exception's */
	__u32 locals_at;   /* in the record: its block */
	__u32 locals_full; /* no more frames have room */
	__u32 locals_room; /* where in the record that ends */
	__u64 last_code;
	struct lp_pyvm_await await;
	__u64 base;	    /* a type, a frame, a thread state: where a walk is */
	__u64 place_how;    /* where an attribute was: for the cache */
	__u64 object, type; /* whose attribute is wanted */
	/* text of view NAME, and of what is compared with it */
	char name[LP_PY_NAME_TEXT_MAX], other[LP_PY_NAME_TEXT_MAX + 8];
};

#endif
