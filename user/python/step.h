/* SPDX-License-Identifier: GPL-2.0-only */
/* user/python/step.h
 *
 * step - where the machine code of the evaluation loop begins an instruction: what can be probed where
 * no hardware watchpoint is to be had. Each execution of that kind of instruction in the whole
 * process runs into such a probe; which code unit it executes is in a register.
 *
 * Which instruction: the line's first, or one behind it that nothing but loads of locals and constants
 * comes before, where the first is executed as a part of what precedes it (3.11, 3.12).
 */
#ifndef LP_PYTHON_STEP_H
#define LP_PYTHON_STEP_H

#include "python/python.h"

struct lp_py_step {
	struct lp_py_site site;	  /* as the place's, but for unit, unit_register, unit_delta */
	LP_VEC(uint64_t) offsets; /* in lp_python_file() */
};

void lp_py_step_done(struct lp_py_step *s);
LP_CLEANUP_DONE(struct lp_py_step, lp_py_step_done)

/* Finds out, once, what all places need; else the first place does. */
int lp_python_prepare_steps(struct lp_python *py, struct lp_err *err);

/* -ENOTSUP: this interpreter's loop is not as it is known to be. */
int lp_python_step(struct lp_python *py, const struct lp_py_place *place, struct lp_py_step *ret,
		   struct lp_err *err);

#endif
