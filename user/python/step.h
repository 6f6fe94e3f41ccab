/* SPDX-License-Identifier: GPL-2.0-only */
/* user/python/step.h
 *
 * step - where the machine code of the evaluation loop begins an instruction: what can be probed where
 * no hardware watchpoint is to be had. Each execution of that kind of instruction in the whole
 * process runs into such a probe; which code unit it executes is in a register.
 *
 * A place can be probed at its first instruction, or at one that is executed whenever that is, with
 * nothing in between that could raise, call, let another thread run or change a variable
 * (lp_py_flow_run()): hits and values are the same. Not at one that may be executed as a part of
 * what precedes it (pairs of loads and stores, 3.11 and 3.12): 3.11 may lose the hit of a line that
 * raises UnboundLocalError by its first name.
 *
 * Up to 3.10 a function has no instruction of its own where it begins. One that begins with a loop is
 * probed where the loop's function is called to execute it: before its first instruction, also where a
 * signal's handler or a trace function then raises instead.
 */
#ifndef LP_PYTHON_STEP_H
#define LP_PYTHON_STEP_H

#include "python/python.h"

#define LP_PY_STEP_CALLS                                                                           \
	0 /* in place of an opcode, which up to 3.10 none is: functions are called */

struct lp_py_step {
	struct lp_py_site site; /* as the place's, but for unit, unit_register, unit_delta, flags */
	uint8_t op;
	bool returns;
	const char *name;	  /* of the instruction: "LOAD_ATTR" */
	unsigned int weight;	  /* how often it is executed, typically: of 1,000 instructions */
	LP_VEC(uint64_t) offsets; /* in lp_python_file(), of all its forms */
};

/* In order of execution, no instruction twice. */
struct lp_py_steps {
	LP_VEC(struct lp_py_step);
};

void lp_py_step_done(struct lp_py_step *s);
LP_CLEANUP_DONE(struct lp_py_step, lp_py_step_done)
void lp_py_steps_done(struct lp_py_steps *steps);
LP_CLEANUP_DONE(struct lp_py_steps, lp_py_steps_done)

/* Finds out, once, what all places need; else the first place does. */
int lp_python_prepare_steps(struct lp_python *py, struct lp_err *err);

/* Where a place can be probed: at least one. -ENOTSUP: this interpreter's loop is not as it is known
 * to be, or none of the place's instructions is always begun; -ESRCH: the code is gone.
 */
int lp_python_steps(struct lp_python *py, const struct lp_py_place *place, struct lp_py_steps *ret,
		    struct lp_err *err);

#endif
