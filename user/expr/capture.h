/* SPDX-License-Identifier: GPL-2.0-only */
/* user/expr/capture.h
 *
 * capture - code that copies a value of the target into the record: scalars, strings, whole
 * structs and arrays, and the strings that these point to. Nothing redacted is copied.
 */
#ifndef LP_EXPR_CAPTURE_H
#define LP_EXPR_CAPTURE_H

#include "expr/gen.h"

struct lp_capture {
	uint16_t slot;
	const struct lp_limits *limits;
	/* `{p:s}`: bytes as a string; `{s:p}`: a string's address */
	bool want_string, want_pointer;
	/* what was captured */
	const struct lp_type *type;
	bool as_string;
};

/* Can it be captured at all? A struct that is only declared, or void, cannot: why not. NULL: yes. */
const char *lp_capture_refused(const struct lp_tree *t);

void lp_capture_tree(struct lp_gen *g, const struct lp_tree *t, struct lp_capture *cap);

#endif
