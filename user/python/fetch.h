/* SPDX-License-Identifier: GPL-2.0-only */
/* user/python/fetch.h
 *
 * fetch - which instructions of the evaluation loop's machine code read a code unit in order to execute
 * it, and what each has not stored yet that comes before: compilers read the next unit first where
 * they can. What else reads units, to specialise or to look ahead, is none of them.
 */
#ifndef LP_PYTHON_FETCH_H
#define LP_PYTHON_FETCH_H

#include "python/python.h"

struct lp_py_fetch_at {
	uint64_t ip; /* behind the instruction: what a watchpoint tells */
	struct lp_py_fetch fetch;
};

struct lp_py_fetches {
	LP_VEC(struct lp_py_fetch_at);
};

void lp_py_fetches_done(struct lp_py_fetches *f);
LP_CLEANUP_DONE(struct lp_py_fetches, lp_py_fetches_done)

/* -ENOTSUP: this interpreter's loop is not as it is known to be. */
int lp_python_fetches(struct lp_python *py, struct lp_py_fetches *ret, struct lp_err *err);

#endif
