/* SPDX-License-Identifier: GPL-2.0-only */
/* user/python/opcode.h
 *
 * opcode - what the code units of each version of CPython mean for the order in which they are
 * executed, and how many cache entries follow. Specialised and instrumented forms, which replace an
 * instruction in memory, are as what they stand for.
 *
 * Source: Include/opcode.h, opcode_ids.h, internal/pycore_opcode*.h of each version; opcodes.inc is
 * written by tools/pyopcodes.
 */
#ifndef LP_PYTHON_OPCODE_H
#define LP_PYTHON_OPCODE_H

#include <stdint.h>

#include "lp/python.h"

enum lp_py_opkind {
	LP_PYOP_BAD,	      /* no instruction */
	LP_PYOP_PLAIN,	      /* the next one follows, or an exception */
	LP_PYOP_SAFE,	      /* raises none of its own */
	LP_PYOP_END,	      /* the same, of a loop or an await: no line starts there */
	LP_PYOP_QUIET,	      /* nor does it run code or change anything outside of the frame */
	LP_PYOP_FAST,	      /* LOAD_FAST: quiet where the local is bound */
	LP_PYOP_EXTENDED,     /* EXTENDED_ARG: part of the next one */
	LP_PYOP_RESUME,	      /* a function's begin, or after a suspension */
	LP_PYOP_JUMP,	      /* forward */
	LP_PYOP_JUMP_TO,      /* to an absolute offset */
	LP_PYOP_JUMP_BACK,    /* backward */
	LP_PYOP_JUMP_WAIT,    /* backward, to wait on: no line starts there */
	LP_PYOP_BRANCH,	      /* forward or on */
	LP_PYOP_BRANCH_TO,    /* to an absolute offset, or on */
	LP_PYOP_BRANCH_BACK,  /* backward or on */
	LP_PYOP_FOR,	      /* FOR_ITER: on, or forward over END_FOR where that version does so */
	LP_PYOP_SETUP,	      /* begin of a block with a handler forward from here */
	LP_PYOP_POP_BLOCK,    /* its end */
	LP_PYOP_CALL_FINALLY, /* 3.8: forward; on when that comes back */
	LP_PYOP_END_FINALLY,  /* 3.8: there it comes back, or goes on */
	LP_PYOP_RETURN,	      /* of the value on the stack */
	LP_PYOP_RETURN_CONST, /* of a constant */
	LP_PYOP_RAISE,	      /* never the next one */
	LP_PYOP_RERAISE,      /* the same; with an argument, as if at the place of the first time */
	LP_PYOP_HIDDEN_LINE,  /* INSTRUMENTED_LINE: what it stands for is kept elsewhere */
	LP_PYOP_HIDDEN_SINGLE, /* INSTRUMENTED_INSTRUCTION */
	LP_PYOP_HIDDEN,	       /* ENTER_EXECUTOR and the like: not to be read from outside */
};

struct lp_py_opcode {
	uint8_t kind;	 /* enum lp_py_opkind */
	uint8_t caches;	 /* units that follow and are no instructions */
	uint8_t base;	 /* the opcode that this is a form of; 0: it is no form of another */
	uint8_t still;	 /* quiet, and neither allocates nor changes a local nor lets others run */
	uint16_t weight; /* of 1,000 instructions that are executed, roughly */
	const char *name;
};

extern const struct lp_py_opcode lp_py_opcodes[LP_PY_MINOR_MAX - LP_PY_MINOR_MIN + 1][256];

#endif
