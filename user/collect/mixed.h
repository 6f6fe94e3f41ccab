/* SPDX-License-Identifier: GPL-2.0-only */
/* user/collect/mixed.h
 *
 * mixed - one list of what is on a thread's stack: Python's frames in their place among the native
 * ones, and those of libraries folded. The innermost frame first.
 */
#ifndef LP_COLLECT_MIXED_H
#define LP_COLLECT_MIXED_H

#include "collect/event.h"

/* Either list may be empty. */
struct lp_stack_parts {
	const struct lp_frame *native, *python;
	size_t n_native, n_python;
	bool has_native; /* registers and stack were copied */
	bool native_cut, python_cut;
	bool in_python; /* the hit is in Python: the innermost frame is Python's */
	bool in_native; /* the hit is in native code: the innermost frame is shown, even the loop's */
	bool loops_adjoin; /* one call of the evaluation loop can be several frames in a row */
};
#define LP_LOOPS_ADJOIN 14 /* 3.minor: from then on its handlers may call each other */

/* Room for all of both and LP_MIXED_SPARE. *ret_cut: there are more beyond the last. How many. */
#define LP_MIXED_SPARE 2
size_t lp_frames_merge(const struct lp_stack_parts *p, struct lp_frame *ret, bool *ret_cut);

/* In place: but for the first `keep` frames, those of libraries in a row become one; the interpreter's
 * own go. How many are left.
 */
size_t lp_frames_fold(struct lp_frame *frames, size_t n, size_t keep);

#endif
