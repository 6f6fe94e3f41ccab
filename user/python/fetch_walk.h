/* SPDX-License-Identifier: GPL-2.0-only */
/* user/python/fetch_walk.h
 *
 * fetch_walk - what fetch.c asks of the machine code: from an instruction on to the jumps that begin the
 * next handler, along all ways on which nothing is called.
 */
#ifndef LP_PYTHON_FETCH_WALK_H
#define LP_PYTHON_FETCH_WALK_H

#include "python/machine.h"

#define LP_WALK_STORES 12

/* A value, as of the start: a register and another one's part; what a word in memory was; something not far
 * from a register; the way's choice.
 */
enum lp_walk_what { LP_WALK_UNKNOWN, LP_WALK_SUM, LP_WALK_WORD, LP_WALK_NEAR, LP_WALK_CHOICE };

struct lp_walk_value {
	uint8_t what, reg;	    /* LP_PY_NO_REGISTER: 0 */
	uint8_t index, shift, part; /* SUM: to be added; as in lp_py_late */
	uint8_t tags;		    /* bits that no pointer has, set in it, from 3.14 on */
	int64_t disp;		    /* WORD: at reg + disp */
	int64_t add;
};

/* What the flag for equality is about, as of the start. */
struct lp_walk_test {
	bool is_known, is_word; /* WORD: at left + disp */
	uint8_t left, right;
	int64_t disp;
	uint64_t mask, right_or;
};

/* A register that got another value if the test was equal, or if not. */
struct lp_walk_choice {
	struct lp_walk_test test;
	struct lp_walk_value plain, other;
	bool if_equal;
};

/* Registers and stores on one way. */
struct lp_way {
	struct lp_walk_value reg[16];
	struct lp_walk_test test;
	struct lp_walk_choice choice; /* of one register; the last one's */
	uint16_t start;		      /* the register of what the start has read */
	uint16_t from_start;	      /* registers that depend on what the start has read */
	uint16_t from_below;	      /* on the byte before it */
	size_t above; /* the instruction that has read the byte behind it; 0: none */
	size_t first; /* the first that reads `wanted` */
	struct lp_py_late late[LP_WALK_STORES];
	uint32_t n;
	bool is_kept; /* what the start has read is still in its register */
	bool is_blind;
	bool stacks; /* something goes to a place on the value stack that is not known */
};

struct lp_walk {
	const struct lp_machine *code;
	uint64_t table;	 /* of the handlers */
	bool has_switch; /* beside the table */
	uint16_t tags;	 /* such bits */
	uint8_t stack;	 /* register of the value stack's end */
	bool is_part;	 /* the start reads an operand for the handler that it is in */
	uint8_t base;	 /* wanted: a read of the byte at base + wanted; LP_MACHINE_NONE: none */
	int64_t wanted;
	/* called at each jump to the next handler */
	void (*at_end)(struct lp_walk *w, const struct lp_way *way,
		       const struct lp_machine_insn *jump);
	void *arg;
};

/* From the instruction behind code[start], which is a load; start == SIZE_MAX: from `first` on. */
void lp_walk_run(struct lp_walk *w, size_t start, size_t first);

#endif
