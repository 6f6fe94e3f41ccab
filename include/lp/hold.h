/* SPDX-License-Identifier: GPL-2.0-only */
/* include/lp/hold.h
 *
 * hold - where the kernel side stops a command that we have started ourselves, so that what it is
 * about to run is armed before it runs: at an exec, and when Python has made the code object of a
 * module that can be what a logpoint means. No other process is ever stopped.
 *
 * A module is executed once all its code is made, its own code object last: that is where to stop.
 */
#ifndef LP_HOLD_H
#define LP_HOLD_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#define LP_HOLD_WORDS 4 /* the end of a text that is compared */
#define LP_HOLD_BYTES (LP_HOLD_WORDS * 8)
#define LP_HOLD_NAMES 16 /* more: each module is one */

/* The end of a file's path, or a function's whole name. */
struct lp_hold_name {
	__u64 text[LP_HOLD_WORDS], mask[LP_HOLD_WORDS];
	__u32 len; /* of a name; 0: of a path, which only ends so */
	__u32 pad;
};

struct lp_hold {
	__u32 tgid;  /* 0: nobody */
	__u32 execs; /* so many to come need no stop: what they lead to is armed already */
	__u32 held;  /* by the kernel side: stops until now */
	__u32 due;   /* by the kernel side: a function of a wanted name was made since */
	__u32 every; /* each module is wanted */
	__u32 maps; /* stops where libraries are loaded, too: it may end before they are looked at */
	__u32 n;
	/* Of the interpreter, as struct lp_py_layout has them; code_name 0: it is not known. */
	__u16 code_name, code_filename, str_length, str_state, str_ascii;
	__u16 ascii_bit; /* of state */
	struct lp_hold_name names[LP_HOLD_NAMES];
};

#endif
