/* SPDX-License-Identifier: GPL-2.0-only */
/* include/lp/limits.h
 *
 * limits - every size that a user, a target or a file can drive, by name.
 * Seen by the kernel side and the user side alike.
 */
#ifndef LP_LIMITS_H
#define LP_LIMITS_H

#define LP_VM_REGS	 16   /* virtual registers; a power of two */
#define LP_VM_KEEP	 8    /* r8..r15 survive from `call` entry to return */
#define LP_VM_STEPS_MAX	 4096 /* instructions a hit may execute: a whole site; jumps go forward */
#define LP_MACH_REGS	 17   /* machine registers in a hit: DWARF numbers 0..15 and the IP */
#define LP_MACH_SP	 7    /* the stack pointer among them */
#define LP_MACH_IP	 16
#define LP_CODE_MAX	 (1u << 20) /* instructions in one session, all sites together */
#define LP_SITE_CODE_MAX 4096	    /* instructions of one site */
#define LP_RINGS_MAX	 64	    /* rings: groups of CPUs that have one each */
#define LP_POINTS_MAX	 65536	    /* logpoints in one session */
#define LP_SITES_MAX	 (1u << 18) /* probed addresses in one session */
#define LP_TARGETS_MAX	 65536	    /* processes followed at once */

#define LP_WINDOW_MAX	128  /* bytes from a place to its probe, where what is between can fail */
#define LP_WINDOW_STEPS 25   /* instructions there, with that of the probe */
#define LP_WINDOWS_MAX	1024 /* such places in one session */
#define LP_FAULTED_MAX                                                                             \
	4096 /* executions of them that are remembered, from a failure to the probe */

#define LP_RECORD_MAX	   65536 /* bytes of one record, header included */
#define LP_READ_MAX	   4096	 /* bytes of one read of the target's memory */
#define LP_STRBUF_MAX	   256	 /* bytes of one side of a string comparison */
#define LP_STASH_MAX	   1024	 /* bytes that `call` can carry from entry to return */
#define LP_STASH_COUNT	   8192	 /* calls in progress at once */
#define LP_SLOTS_PER_CPU   4	 /* hits that can be inside our program on one CPU at once */
#define LP_STACK_MAX	   32768 /* bytes of stack copied for `with stack`, at most */
#define LP_FRAME_USUAL	   128	 /* bytes of it copied for each frame that may be shown */
#define LP_FRAME_PYTHON	   256	 /* the same at a hit in Python: the interpreter's are larger */
#define LP_COMM_LEN	   16	 /* TASK_COMM_LEN */
#define LP_CRASHES_MAX	   16	 /* logpoints `crash` in one session */
#define LP_CRASH_PAGES	   256	 /* unreadable pages that a stack may begin with */
#define LP_CRASH_PENDING   32	 /* signals looked through for the one that kills */
#define LP_CRASH_SEEN_MAX  4096	 /* dying processes that are remembered */
#define LP_ABORT_MAX	   1024	 /* bytes of the message of abort and assert */
#define LP_URETPROBE_DEPTH 64	 /* kernel: MAX_URETPROBE_DEPTH, deeper returns are not seen */

#define LP_PY_WORK_MAX	    32768 /* steps of all loops of one hit: comparisons, look-ups */
#define LP_PY_NAME_TEXT_MAX 128	  /* bytes of a name that is looked up */
#define LP_PY_MRO_MAX	    32	  /* classes that an attribute is looked for in */
#define LP_PY_PROBES_MAX    512	  /* entries of a dict or set that one look-up compares */
#define LP_PY_ITEMS_MAX	    1024  /* items of a list or tuple that `in` and comparisons look at */
#define LP_PY_TEXT_MAX	    16384 /* bytes of one side of a comparison of str or bytes */
#define LP_PY_TUPLE_MAX	    16	  /* items of a tuple that is a key, or of types, prefixes */
#define LP_PY_INTERPS_MAX   256	  /* interpreters of a process that are looked through */
#define LP_PY_THREADS_MAX   1024  /* Python threads of a process that are looked through */
#define LP_PY_FRAMES_MAX    256	  /* Python frames of one stack; a power of two */
#define LP_PY_LOCALS_MAX    256	  /* variables of one frame */
#define LP_PY_NAMES_MAX	    8192  /* of all frames of a stack */
#define LP_PY_EXC_MAX	    8	  /* exceptions of a chain of causes and contexts */
#define LP_PY_AWAITERS_MAX  16	  /* tasks of a chain of who awaits whom */
#define LP_PY_WAYS_MAX	    8	  /* futures through which one task is awaited */
#define LP_PY_CALLBACKS_MAX 32	  /* of one future, that are looked at */
#define LP_PY_CORO_MAX	    64	  /* frames of one awaiting task */
#define LP_PY_AWAIT_STEPS   1024  /* objects looked at for one chain */
#define LP_PY_TRAPS_MAX	    64	  /* logpoints on exceptions in one session */
#define LP_PYVM_CACHES	    256	  /* attributes whose place is remembered, a CPU */
#define LP_PY_CHAIN_MAX	    16	  /* logpoints on one code unit */
#define LP_PY_FETCHES_MAX   512	  /* instructions of an interpreter that read code units */
#define LP_PY_RUNTIMES_MAX  256	  /* interpreters logged at once */

#define LP_STRING_DEFAULT 256 /* bytes of a string shown (--max-string) */
#define LP_ITEMS_DEFAULT  32  /* items of a collection shown (--max-items) */
#define LP_DEPTH_DEFAULT  3   /* nesting shown (--max-depth) */
#define LP_FRAMES_DEFAULT 64  /* stack frames shown (--max-frames) */

/* What one hit copies of CPython's objects at most, all values together */
#define LP_PY_STEPS_MAX	 4096  /* pointers looked at */
#define LP_PY_SEEN_MAX	 1024  /* objects known not to need a second copy; a power of two */
#define LP_PY_RUNS_MAX	 256   /* arrays that wait for their turn; a power of two */
#define LP_PY_TYPES_MAX	 32    /* classes that are not the interpreter's own; a power of two */
#define LP_PY_BASES_MAX	 12    /* classes from an object's own to `object` */
#define LP_PY_SLOTS_MAX	 24    /* names in one class's __slots__ */
#define LP_PY_DIGITS_MAX 512   /* digits of an int, 30 bits each */
#define LP_PY_SCAN_MAX	 4096  /* entries of a dict's or set's table looked at */
#define LP_PY_LINES_MAX	 16384 /* bytes of a code object's table of lines */
#define LP_PY_DEPTH_MAX	 64    /* objects within objects */
#define LP_PY_NAME_MAX	 64 /* characters of a name that is compared with those not to be shown */

#define LP_TYPES_MAX   64    /* classes of exceptions that one logpoint names */
#define LP_TEXT_MAX    65536 /* bytes of one logpoint as typed */
#define LP_NESTING_MAX 64    /* depth of an expression */
#define LP_WIDTH_MAX   1024  /* width and precision of a format */

#endif
