/* SPDX-License-Identifier: GPL-2.0-only */
/* user/expr/eval.h
 *
 * eval - the part of a template's expression that the collector computes: what the kernel side has
 * no arithmetic for. Leaves are fields that were captured, and constants.
 */
#ifndef LP_EXPR_EVAL_H
#define LP_EXPR_EVAL_H

#include "expr/tree.h"

enum lp_eval_kind {
	LP_EVAL_FIELD,
	LP_EVAL_CONSTANT,
	LP_EVAL_CONVERT, /* a */
	LP_EVAL_UNARY,	 /* op a */
	LP_EVAL_BINARY,	 /* a op b */
	LP_EVAL_COND,	 /* a ? b : c */
	LP_EVAL_STEP,	 /* every b-th item of a; constant: of all; Python's alone */
};

struct lp_eval {
	enum lp_eval_kind kind;
	bool is_python;		     /* Python's meaning, of values as they come */
	const struct lp_eval *truth; /* of a field: whether it is true, found out at the hit */
	enum lp_operator op;
	const struct lp_type *type;
	const struct lp_eval *a, *b, *c;
	uint32_t field;
	struct lp_value constant;
};

/* A constant of the tree's type as a value; t is INT, FLOAT or STRING. */
void lp_value_of_constant(const struct lp_tree *t, struct lp_arena *a, struct lp_value *ret);

/* The same for Python: kinds as above, but CONVERT. */
void lp_eval_python(const struct lp_eval *e, const struct lp_value *fields, struct lp_arena *a,
		    struct lp_value *ret);

#endif
