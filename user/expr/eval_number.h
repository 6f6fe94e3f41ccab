/* SPDX-License-Identifier: GPL-2.0-only */
/* user/expr/eval_number.h
 *
 * eval_number - Python's numbers, computed: whole ones exact within 128 bits, floats as C's double.
 * Results are values; what has none is an LP_VAL_ERROR that says why.
 */
#ifndef LP_EXPR_EVAL_NUMBER_H
#define LP_EXPR_EVAL_NUMBER_H

#include "expr/eval.h"

typedef __int128 lp_wide;

enum lp_number_kind {
	LP_NUM_NONE, /* no number */
	LP_NUM_INT,
	LP_NUM_FLOAT,
};

struct lp_number {
	enum lp_number_kind kind;
	bool is_bool;
	lp_wide i;
	double f;
};

enum lp_relation { LP_LESS, LP_EQUAL, LP_GREATER, LP_UNORDERED };

/* False, and an error in *ret, where it is a number that cannot be computed with. */
bool lp_number_of(const struct lp_value *v, struct lp_number *n, struct lp_value *ret);
void lp_number_arithmetic(enum lp_operator op, const struct lp_number *x, const struct lp_number *y,
			  struct lp_arena *a, struct lp_value *ret);
enum lp_relation lp_number_compare(const struct lp_number *x, const struct lp_number *y);
enum lp_relation lp_relation_of(bool less, bool equal);

/* v[::step] */
void lp_eval_step(const struct lp_value *v, int64_t step, struct lp_arena *a, struct lp_value *ret);

void lp_number_error(struct lp_value *ret, const char *why);
void lp_number_bool(struct lp_value *ret, bool b);
void lp_number_float_value(struct lp_value *ret, double f);
void lp_number_int(struct lp_value *ret, lp_wide v, struct lp_arena *a);

#endif
