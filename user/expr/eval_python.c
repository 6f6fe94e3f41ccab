// SPDX-License-Identifier: GPL-2.0-only
/* Python's arithmetic on captured values. Integers are exact within 128 bits; what is beyond, what
 * was cut, and what Python would run code for is an error in place of the value.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "expr/eval_number.h"

#define TEXT_MAX LP_RECORD_MAX

/* Values whose type's operators are not Python's own. */
static bool runs_code(const struct lp_value *v)
{
	return v->overrides || v->kind == LP_VAL_OBJECT || v->kind == LP_VAL_STRUCT ||
	       v->kind == LP_VAL_ENUM || v->kind == LP_VAL_DEEPER || v->kind == LP_VAL_COMPLEX;
}

static void refuse(const struct lp_eval *e, const struct lp_value *x, const struct lp_value *y,
		   struct lp_arena *a, struct lp_value *ret)
{
	bool is_sized = x->kind >= LP_VAL_LIST && x->kind <= LP_VAL_MAP;
	const char *text = NULL;

	if (runs_code(x) || (y && runs_code(y)))
		text = lp_arena_fmt(a, "would run code: %s", lp_operators[e->op].text);
	else if (is_sized || (y && y->kind >= LP_VAL_LIST && y->kind <= LP_VAL_MAP) ||
		 (e->op == LP_OPER_MOD && (x->kind == LP_VAL_STRING || x->kind == LP_VAL_BYTES)))
		text = lp_arena_fmt(a, "not computed: %s", lp_operators[e->op].text);
	lp_number_error(ret, text ? text : "wrong type");
}

/* Two texts or two collections of one kind. Where the first was cut, so is the whole. */
static bool join(const struct lp_value *x, const struct lp_value *y, struct lp_arena *a,
		 struct lp_value *ret)
{
	bool is_text = x->kind == LP_VAL_STRING || x->kind == LP_VAL_BYTES;

	if (x->kind != y->kind || x->type_name || y->type_name ||
	    (!is_text && x->kind != LP_VAL_LIST && x->kind != LP_VAL_TUPLE))
		return false;
	*ret = *x;
	if (x->cut)
		return true;

	size_t size = is_text ? 1 : sizeof(*x->items);
	char *both = lp_arena_alloc(a, (x->len + y->len) * size + 1);
	if (!both) {
		lp_number_error(ret, "out of memory");
		return true;
	}
	if (x->len)
		memcpy(both, is_text ? x->str : (const char *)x->items, x->len * size);
	if (y->len)
		memcpy(both + x->len * size, is_text ? y->str : (const char *)y->items,
		       y->len * size);
	ret->len = x->len + y->len;
	ret->cut = y->cut;
	if (is_text)
		ret->str = both;
	else
		ret->items = (struct lp_value *)(void *)both;
	return true;
}

/* "ab" * 3 */
static bool repeat(const struct lp_value *x, const struct lp_number *times, struct lp_arena *a,
		   struct lp_value *ret)
{
	if ((x->kind != LP_VAL_STRING && x->kind != LP_VAL_BYTES) || times->kind != LP_NUM_INT)
		return false;
	*ret = *x;
	if (times->i <= 0)
		ret->len = 0, ret->cut = false;
	if (times->i <= 1 || x->cut || !x->len)
		return true;

	size_t most = TEXT_MAX / x->len;
	bool cut = times->i > (lp_wide)most;
	size_t n = cut ? most : (size_t)times->i;
	char *text = n ? lp_arena_alloc(a, n * x->len + 1) : NULL;
	if (!text) {
		lp_number_error(ret, "too big");
		return true;
	}
	for (size_t i = 0; i < n; i++)
		memcpy(text + i * x->len, x->str, x->len);
	ret->str = text;
	ret->len = n * x->len;
	ret->cut = cut;
	return true;
}

static void arithmetic(const struct lp_eval *e, const struct lp_value *x, const struct lp_value *y,
		       struct lp_arena *a, struct lp_value *ret)
{
	struct lp_number nx, ny;

	if (x->overrides || y->overrides) {
		refuse(e, x, y, a, ret);
		return;
	}
	if (!lp_number_of(x, &nx, ret) || !lp_number_of(y, &ny, ret))
		return;
	if (nx.kind != LP_NUM_NONE && ny.kind != LP_NUM_NONE)
		lp_number_arithmetic(e->op, &nx, &ny, a, ret);
	else if (!(e->op == LP_OPER_ADD && join(x, y, a, ret)) &&
		 !(e->op == LP_OPER_MUL && (repeat(x, &ny, a, ret) || repeat(y, &nx, a, ret))))
		refuse(e, x, y, a, ret);
}

/* UTF-8 sorts as its characters do. False: what was cut off decides. */
static bool compare_text(const struct lp_value *x, const struct lp_value *y, enum lp_relation *ret)
{
	size_t shorter = x->len < y->len ? x->len : y->len;
	int order = shorter ? memcmp(x->str, y->str, shorter) : 0;

	if (order) {
		*ret = lp_relation_of(order < 0, false);
		return true;
	}
	if ((x->cut && x->len <= y->len) || (y->cut && y->len <= x->len))
		return false;
	*ret = lp_relation_of(x->len < y->len, x->len == y->len);
	return true;
}

static bool holds(enum lp_operator op, enum lp_relation r)
{
	switch (op) {
	case LP_OPER_EQ:
		return r == LP_EQUAL;
	case LP_OPER_NE:
		return r != LP_EQUAL;
	case LP_OPER_LT:
		return r == LP_LESS;
	case LP_OPER_LE:
		return r == LP_LESS || r == LP_EQUAL;
	case LP_OPER_GT:
		return r == LP_GREATER;
	default:
		return r == LP_GREATER || r == LP_EQUAL;
	}
}

static bool is_plain(const struct lp_value *v)
{
	return v->kind <= LP_VAL_FLOAT || v->kind == LP_VAL_STRING || v->kind == LP_VAL_BYTES;
}

static void compare(const struct lp_eval *e, const struct lp_value *x, const struct lp_value *y,
		    struct lp_arena *a, struct lp_value *ret)
{
	struct lp_number nx, ny;
	enum lp_relation r;

	if (x->overrides || y->overrides) {
		refuse(e, x, y, a, ret);
		return;
	}
	if (!lp_number_of(x, &nx, ret) || !lp_number_of(y, &ny, ret))
		return;
	if (nx.kind != LP_NUM_NONE && ny.kind != LP_NUM_NONE) {
		lp_number_bool(ret, holds(e->op, lp_number_compare(&nx, &ny)));
	} else if (x->kind == y->kind && (x->kind == LP_VAL_STRING || x->kind == LP_VAL_BYTES)) {
		if (compare_text(x, y, &r))
			lp_number_bool(ret, holds(e->op, r));
		else
			lp_number_error(ret, "truncated");
	} else if (is_plain(x) && is_plain(y) && (e->op == LP_OPER_EQ || e->op == LP_OPER_NE)) {
		bool same = x->kind == LP_VAL_NULL && y->kind == LP_VAL_NULL;

		lp_number_bool(ret, same == (e->op == LP_OPER_EQ));
	} else {
		refuse(e, x, y, a, ret);
	}
}

/* Is a value true, by itself or as it was found out at the hit? False: an error is in *ret. */
static bool truth_of(const struct lp_eval *e, const struct lp_value *v,
		     const struct lp_value *fields, struct lp_arena *a, bool *ret_truth,
		     struct lp_value *ret)
{
	struct lp_value found;
	struct lp_number n;

	if (e->truth) {
		lp_eval_run(e->truth, fields, a, &found);
		v = &found;
	}
	if (v->kind == LP_VAL_ERROR) {
		*ret = *v;
		return false;
	}
	if (v->overrides) {
		lp_number_error(ret, "would run code: bool");
		return false;
	}
	if (v->kind == LP_VAL_BIGINT) {
		*ret_truth = true;
		return true;
	}
	lp_number_of(v, &n, ret);
	if (n.kind != LP_NUM_NONE) {
		*ret_truth = n.kind == LP_NUM_FLOAT ? fpclassify(n.f) != FP_ZERO : n.i != 0;
		return true;
	}
	if (runs_code(v)) {
		lp_number_error(ret, "would run code: bool");
		return false;
	}
	*ret_truth = v->kind != LP_VAL_NULL && (v->len || v->cut);
	return true;
}

static void unary(const struct lp_eval *e, const struct lp_value *fields, struct lp_arena *a,
		  struct lp_value *ret)
{
	struct lp_value v;
	struct lp_number n;
	bool truth;

	lp_eval_run(e->a, fields, a, &v);
	if (e->op == LP_OPER_NOT) {
		if (truth_of(e->a, &v, fields, a, &truth, ret))
			lp_number_bool(ret, !truth);
		return;
	}
	if (v.kind == LP_VAL_ERROR)
		*ret = v;
	else if (v.overrides)
		refuse(e, &v, NULL, a, ret);
	else if (!lp_number_of(&v, &n, ret))
		return;
	else if (n.kind == LP_NUM_NONE || (n.kind == LP_NUM_FLOAT && e->op == LP_OPER_INV))
		refuse(e, &v, NULL, a, ret);
	else if (n.kind == LP_NUM_FLOAT)
		lp_number_float_value(ret, e->op == LP_OPER_NEG ? -n.f : n.f);
	else if (e->op == LP_OPER_NEG && __builtin_sub_overflow((lp_wide)0, n.i, &n.i))
		lp_number_error(ret, "too big");
	else
		lp_number_int(ret, e->op == LP_OPER_INV ? ~n.i : n.i, a);
}

static void binary(const struct lp_eval *e, const struct lp_value *fields, struct lp_arena *a,
		   struct lp_value *ret)
{
	struct lp_value x, y;
	bool truth;

	lp_eval_run(e->a, fields, a, &x);
	if (e->op == LP_OPER_AND || e->op == LP_OPER_OR) {
		if (!truth_of(e->a, &x, fields, a, &truth, ret))
			return;
		if (truth == (e->op == LP_OPER_OR))
			*ret = x;
		else
			lp_eval_run(e->b, fields, a, ret);
		return;
	}
	lp_eval_run(e->b, fields, a, &y);
	if (x.kind == LP_VAL_ERROR || y.kind == LP_VAL_ERROR)
		*ret = x.kind == LP_VAL_ERROR ? x : y;
	else if (e->op >= LP_OPER_EQ && e->op <= LP_OPER_GE)
		compare(e, &x, &y, a, ret);
	else
		arithmetic(e, &x, &y, a, ret);
}

static void step(const struct lp_eval *e, const struct lp_value *fields, struct lp_arena *a,
		 struct lp_value *ret)
{
	struct lp_value v, by;
	struct lp_number n;

	lp_eval_run(e->a, fields, a, &v);
	lp_eval_run(e->b, fields, a, &by);
	if (v.kind == LP_VAL_ERROR || by.kind == LP_VAL_ERROR)
		*ret = v.kind == LP_VAL_ERROR ? v : by;
	else if (by.kind == LP_VAL_NULL)
		lp_eval_step(&v, 1, a, ret);
	else if (!lp_number_of(&by, &n, ret))
		return;
	else if (n.kind != LP_NUM_INT)
		lp_number_error(ret, runs_code(&by) ? "would run code: a step" : "wrong type");
	else if (n.i == 0)
		lp_number_error(ret, "a slice's step is 0");
	else if (n.i < 0 && !e->constant.s)
		lp_number_error(ret, "not computed: backwards between ends");
	else if (n.i > INT64_MAX || n.i < -INT64_MAX)
		lp_number_error(ret, "too big");
	else
		lp_eval_step(&v, (int64_t)n.i, a, ret);
}

void lp_eval_python(const struct lp_eval *e, const struct lp_value *fields, struct lp_arena *a,
		    struct lp_value *ret)
{
	struct lp_value v;
	bool truth;

	switch (e->kind) {
	case LP_EVAL_FIELD:
		*ret = fields[e->field];
		break;
	case LP_EVAL_CONSTANT:
		*ret = e->constant;
		break;
	case LP_EVAL_STEP:
		step(e, fields, a, ret);
		break;
	case LP_EVAL_UNARY:
		unary(e, fields, a, ret);
		break;
	case LP_EVAL_COND:
		lp_eval_run(e->a, fields, a, &v);
		if (truth_of(e->a, &v, fields, a, &truth, ret))
			lp_eval_run(truth ? e->b : e->c, fields, a, ret);
		break;
	default:
		binary(e, fields, a, ret);
		break;
	}
}
