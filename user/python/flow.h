/* SPDX-License-Identifier: GPL-2.0-only */
/* user/python/flow.h
 *
 * flow - the instructions of a code object and how control goes from one to the other, and from
 * that where a line starts to be executed.
 *
 * What "a line starts" means is what sys.settrace() of the same version reports as a `line` event:
 * up to 3.9 the first unit of an entry of the line table, or any jump back; from 3.10 on any step to
 * another line than that of the instruction before, or a jump back; from 3.11 on never RESUME, the
 * first step after it always; from 3.14 on no step to where neither a jump leads nor, in the order
 * of the code, another line begins. (Python/ceval.c maybe_call_line_trace(), Python/instrumentation.c.)
 *
 * But one execution of a statement is one start. Where a `line` event comes at a unit S2 and
 *
 *	every way from the function's begin to S2 passes another unit S1 of the line where an event
 *	comes, and every way from S2 back to S2 passes S1,
 *
 * it is the statement that began at S1 which goes on: the end of a `with`, the call behind
 * arguments on lines of their own, what tidies up after `except E as e`. S2 is no start then. A
 * `for` that takes its next item, the test at the end of a `while`, the copies of a `finally` are.
 * A way is whatever may be: any instruction may raise, as a signal's handler may there.
 */
#ifndef LP_PYTHON_FLOW_H
#define LP_PYTHON_FLOW_H

#include <stdbool.h>

#include "base/auto.h"
#include "base/vec.h"
#include "python/lines.h"
#include "python/opcode.h"

#define LP_PY_NOWHERE UINT32_MAX

/* One instruction, with the EXTENDED_ARG before it and without the caches behind. */
struct lp_py_instr {
	uint32_t unit;	  /* its first: where jumps go */
	uint32_t op_unit; /* behind EXTENDED_ARG */
	uint32_t oparg;
	int line; /* 0: none */
	uint8_t kind;
	uint8_t op;	  /* behind EXTENDED_ARG; a specialised form as what it stands for */
	uint32_t handler; /* where its exceptions go, LP_PY_NOWHERE: to the caller */
	bool first; /* up to 3.9: lp_py_line.first of the unit; from 3.14 on: a line can start here */
	bool reached;		      /* from the function's begin */
	uint32_t first_edge, n_edges; /* that lead on from here */
	uint32_t first_in, n_in;      /* in flow.in: those that lead here */
};

struct lp_py_edge {
	uint32_t from,
		to; /* indices of instructions; from LP_PY_NOWHERE: the function is entered */
	bool raises;
	bool starts; /* a line begins by this step */
};

struct lp_py_flow {
	int minor;
	LP_VEC(struct lp_py_instr) instrs;
	LP_VEC(struct lp_py_edge)
	edges;		/* of instructions that are reached; the first is the entry */
	uint32_t *in;	/* indices of edges, by where they lead */
	uint32_t begin; /* where a function's body starts to run */
};

/* -ENOMEM, -EINVAL: no code that can be understood. */
int lp_py_flow_init(struct lp_py_flow *f, const struct lp_py_bytecode *b);
void lp_py_flow_done(struct lp_py_flow *f);
LP_CLEANUP_DONE(struct lp_py_flow, lp_py_flow_done)

/* A unit to be watched for a line. */
struct lp_py_start {
	uint32_t unit;
	uint32_t flags; /* LP_PY_SITE_* */
};

struct lp_py_starts {
	LP_VEC(struct lp_py_start);
};

/* Where a line starts, as few units as possible. None: the line has no code here.
 * *ret_exact: each start is one hit, whatever way the program takes (exceptions that an instruction
 * cannot raise aside); may be NULL. -ENOMEM.
 */
int lp_py_flow_starts(const struct lp_py_flow *f, int line, struct lp_py_starts *ret,
		      bool *ret_exact);

#define LP_PY_RUN_MAX 16

/* The instructions that are executed, once each and in this order, whenever that at index `first` is,
 * and at each of which all is still as it was there: up to the first that may call, raise, let another
 * thread run, or change a variable. How many; the first is `first`. n_arguments: locals that are bound
 * where the function begins; UINT32_MAX: any may be.
 */
size_t lp_py_flow_run(const struct lp_py_flow *f, uint32_t first, uint32_t n_arguments,
		      uint32_t ret[LP_PY_RUN_MAX]);

#endif
