// SPDX-License-Identifier: GPL-2.0-only
/* Python's arithmetic on captured values. Integers are exact within 128 bits; what is beyond, what
 * was cut, and what Python would run code for is an error in place of the value.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "expr/eval.h"

typedef __int128 wide;
typedef unsigned __int128 uwide;

#define TEXT_MAX LP_RECORD_MAX

enum kind {
	NONE, /* no number */
	INT,
	FLOAT,
};

struct number {
	enum kind kind;
	bool is_bool;
	wide i;
	double f;
};

static void error(struct lp_value *ret, const char *why)
{
	*ret = (struct lp_value){ .kind = LP_VAL_ERROR, .str = why, .len = strlen(why) };
}

static void bool_value(struct lp_value *ret, bool b)
{
	*ret = (struct lp_value){ .kind = LP_VAL_BOOL, .size = 1, .u = b };
}

static void float_value(struct lp_value *ret, double f)
{
	*ret = (struct lp_value){ .kind = LP_VAL_FLOAT, .size = 8, .f = f };
}

static void int_value(struct lp_value *ret, wide v, struct lp_arena *a)
{
	char digits[48], *p = digits + sizeof(digits);
	uwide u = v < 0 ? -(uwide)v : (uwide)v;

	if (v >= INT64_MIN && v <= INT64_MAX) {
		*ret = (struct lp_value){ .kind = LP_VAL_INT, .size = 8, .s = (int64_t)v };
		return;
	}
	do
		*--p = (char)('0' + (int)(u % 10));
	while (u /= 10);
	if (v < 0)
		*--p = '-';

	size_t len = (size_t)(digits + sizeof(digits) - p);
	const char *text = lp_arena_strndup(a, p, len);
	if (text)
		*ret = (struct lp_value){ .kind = LP_VAL_BIGINT, .str = text, .len = len };
	else
		error(ret, "out of memory");
}

/* False: beyond 128 bits. */
static bool parse_big(const struct lp_value *v, wide *ret)
{
	bool negative = v->len && v->str[0] == '-';
	wide n = 0;

	for (size_t i = negative; i < v->len; i++)
		if (v->str[i] < '0' || v->str[i] > '9' || __builtin_mul_overflow(n, (wide)10, &n) ||
		    __builtin_sub_overflow(n, (wide)(v->str[i] - '0'), &n))
			return false;
	return negative ? (*ret = n, true) : !__builtin_sub_overflow((wide)0, n, ret);
}

/* False, and an error in *ret, where it is a number that cannot be computed with. */
static bool number_of(const struct lp_value *v, struct number *n, struct lp_value *ret)
{
	*n = (struct number){ .kind = INT };
	switch (v->kind) {
	case LP_VAL_BOOL:
		n->is_bool = true;
		n->i = v->u != 0;
		break;
	case LP_VAL_INT:
		n->i = v->s;
		break;
	case LP_VAL_UINT:
		n->i = v->u;
		break;
	case LP_VAL_BIGINT:
		if (v->cut || !parse_big(v, &n->i)) {
			error(ret, "too big");
			return false;
		}
		break;
	case LP_VAL_FLOAT:
		n->kind = FLOAT;
		n->f = v->f;
		break;
	default:
		n->kind = NONE;
		break;
	}
	return true;
}

static double double_of(const struct number *n)
{
	return n->kind == FLOAT ? n->f : (double)n->i;
}

/* Values whose type's operators are not Python's own. */
static bool runs_code(const struct lp_value *v)
{
	return v->kind == LP_VAL_OBJECT || v->kind == LP_VAL_STRUCT || v->kind == LP_VAL_ENUM ||
	       v->kind == LP_VAL_DEEPER || v->kind == LP_VAL_COMPLEX;
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
	error(ret, text ? text : "wrong type");
}

/* a // b and a % b: the quotient towards minus infinity, the sign of the divisor */
static wide floor_divide(wide a, wide b, wide *ret_rest)
{
	wide q = a / b, r = a % b;

	if (r && (r < 0) != (b < 0)) {
		q--;
		r += b;
	}
	*ret_rest = r;
	return q;
}

static bool shift(enum lp_operator op, wide a, wide b, wide *ret, const char **ret_why)
{
	if (b < 0) {
		*ret_why = "negative shift count";
		return false;
	}
	if (op == LP_OPER_SHR) {
		*ret = b > 127 ? (a < 0 ? -1 : 0) : a >> b;
		return true;
	}
	*ret = a;
	if (a == 0)
		return true;
	*ret_why = "too big";
	if (b > 126)
		return false;
	*ret = (wide)((uwide)a << b);
	return *ret >> b == a;
}

static bool int_arithmetic(enum lp_operator op, wide a, wide b, wide *ret, const char **ret_why)
{
	wide rest;

	*ret_why = "too big";
	switch (op) {
	case LP_OPER_BIT_OR:
		*ret = a | b;
		return true;
	case LP_OPER_BIT_XOR:
		*ret = a ^ b;
		return true;
	case LP_OPER_BIT_AND:
		*ret = a & b;
		return true;
	case LP_OPER_SHL:
	case LP_OPER_SHR:
		return shift(op, a, b, ret, ret_why);
	case LP_OPER_ADD:
		return !__builtin_add_overflow(a, b, ret);
	case LP_OPER_SUB:
		return !__builtin_sub_overflow(a, b, ret);
	case LP_OPER_MUL:
		return !__builtin_mul_overflow(a, b, ret);
	default:
		break;
	}
	if (b == 0) {
		*ret_why = "division by zero";
		return false;
	}
	/* the one quotient that does not fit */
	if (b == -1 && a == (wide)((uwide)1 << 127))
		return false;
	*ret = floor_divide(a, b, &rest);
	if (op == LP_OPER_MOD)
		*ret = rest;
	return true;
}

static unsigned int bits_of(uwide u)
{
	unsigned int n = 0;

	while (u >> n && n < 127)
		n++;
	return n;
}

/* a / b rounded once, as Python does it: 55 bits of quotient and whether there is a rest. */
static bool true_divide(wide a, wide b, double *ret)
{
	bool negative = (a < 0) != (b < 0);
	uwide ua = a < 0 ? -(uwide)a : (uwide)a, ub = b < 0 ? -(uwide)b : (uwide)b;
	int up = 63 + (int)bits_of(ub) - (int)bits_of(ua);

	if (ua >> 64 || ub >> 63)
		return false;
	if (up > 0)
		ua <<= up;
	else
		up = 0;

	uint64_t q = (uint64_t)(ua / ub) | (ua % ub != 0);
	*ret = ldexp((double)q, -up);
	if (negative)
		*ret = -*ret;
	return true;
}

static void float_arithmetic(const struct lp_eval *e, double a, double b, struct lp_value *ret)
{
	bool divides = e->op == LP_OPER_DIV || e->op == LP_OPER_MOD || e->op == LP_OPER_FLOORDIV;
	double mod, div;

	if (divides && fpclassify(b) == FP_ZERO) {
		error(ret, "division by zero");
		return;
	}
	switch (e->op) {
	case LP_OPER_ADD:
		float_value(ret, a + b);
		return;
	case LP_OPER_SUB:
		float_value(ret, a - b);
		return;
	case LP_OPER_MUL:
		float_value(ret, a * b);
		return;
	case LP_OPER_DIV:
		float_value(ret, a / b);
		return;
	case LP_OPER_MOD:
	case LP_OPER_FLOORDIV:
		break;
	default:
		error(ret, "wrong type");
		return;
	}
	/* Objects/floatobject.c: _float_div_mod() */
	mod = fmod(a, b);
	div = (a - mod) / b;
	if (fpclassify(mod) == FP_ZERO) {
		mod = copysign(0, b);
	} else if ((b < 0) != (mod < 0)) {
		mod += b;
		div -= 1;
	}
	if (fpclassify(div) == FP_ZERO) {
		div = copysign(0, a / b);
	} else {
		double whole = floor(div);

		div = div - whole > 0.5 ? whole + 1 : whole;
	}
	float_value(ret, e->op == LP_OPER_MOD ? mod : div);
}

static void number_arithmetic(const struct lp_eval *e, const struct number *x,
			      const struct number *y, struct lp_arena *a, struct lp_value *ret)
{
	const char *why = "division by zero";
	double f;
	wide v;

	if (x->kind == FLOAT || y->kind == FLOAT) {
		float_arithmetic(e, double_of(x), double_of(y), ret);
	} else if (e->op == LP_OPER_DIV) {
		if (y->i && true_divide(x->i, y->i, &f))
			float_value(ret, f);
		else
			error(ret, y->i ? "too big" : why);
	} else if (!int_arithmetic(e->op, x->i, y->i, &v, &why)) {
		error(ret, why);
	} else if (x->is_bool && y->is_bool && e->op <= LP_OPER_BIT_AND) {
		bool_value(ret, v != 0);
	} else {
		int_value(ret, v, a);
	}
}

/* Two texts or two collections of one kind. Where the first was cut, so is the whole. */
static bool join(const struct lp_value *x, const struct lp_value *y, struct lp_arena *a,
		 struct lp_value *ret)
{
	bool is_text = x->kind == LP_VAL_STRING || x->kind == LP_VAL_BYTES;

	if (x->kind != y->kind || (!is_text && x->kind != LP_VAL_LIST && x->kind != LP_VAL_TUPLE))
		return false;
	*ret = *x;
	if (x->cut)
		return true;

	size_t size = is_text ? 1 : sizeof(*x->items);
	char *both = lp_arena_alloc(a, (x->len + y->len) * size + 1);
	if (!both) {
		error(ret, "out of memory");
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
static bool repeat(const struct lp_value *x, const struct number *times, struct lp_arena *a,
		   struct lp_value *ret)
{
	if ((x->kind != LP_VAL_STRING && x->kind != LP_VAL_BYTES) || times->kind != INT)
		return false;
	*ret = *x;
	if (times->i <= 0)
		ret->len = 0, ret->cut = false;
	if (times->i <= 1 || x->cut || !x->len)
		return true;

	size_t most = TEXT_MAX / x->len;
	bool cut = times->i > (wide)most;
	size_t n = cut ? most : (size_t)times->i;
	char *text = n ? lp_arena_alloc(a, n * x->len + 1) : NULL;
	if (!text) {
		error(ret, "too big");
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
	struct number nx, ny;

	if (!number_of(x, &nx, ret) || !number_of(y, &ny, ret))
		return;
	if (nx.kind != NONE && ny.kind != NONE)
		number_arithmetic(e, &nx, &ny, a, ret);
	else if (!(e->op == LP_OPER_ADD && join(x, y, a, ret)) &&
		 !(e->op == LP_OPER_MUL && (repeat(x, &ny, a, ret) || repeat(y, &nx, a, ret))))
		refuse(e, x, y, a, ret);
}

enum relation { LESS, EQUAL, GREATER, UNORDERED };

static enum relation relation_of(bool less, bool equal)
{
	return less ? LESS : equal ? EQUAL : GREATER;
}

/* An int and a float, without rounding the int. */
static enum relation int_to_float(wide i, double f)
{
	if (isnan(f))
		return UNORDERED;
	if (f >= 0x1p127)
		return LESS;
	if (f < -0x1p127)
		return GREATER;

	double whole = floor(f);
	wide w = (wide)whole;
	return i != w ? relation_of(i < w, false) : whole < f ? LESS : EQUAL;
}

static enum relation compare_numbers(const struct number *x, const struct number *y)
{
	if (x->kind == INT && y->kind == INT)
		return relation_of(x->i < y->i, x->i == y->i);
	if (x->kind == INT)
		return int_to_float(x->i, y->f);
	if (y->kind == INT) {
		enum relation r = int_to_float(y->i, x->f);

		return r == LESS ? GREATER : r == GREATER ? LESS : r;
	}
	if (isnan(x->f) || isnan(y->f))
		return UNORDERED;
	return relation_of(x->f < y->f, !(x->f < y->f) && !(x->f > y->f));
}

/* UTF-8 sorts as its characters do. False: what was cut off decides. */
static bool compare_text(const struct lp_value *x, const struct lp_value *y, enum relation *ret)
{
	size_t shorter = x->len < y->len ? x->len : y->len;
	int order = shorter ? memcmp(x->str, y->str, shorter) : 0;

	if (order) {
		*ret = relation_of(order < 0, false);
		return true;
	}
	if ((x->cut && x->len <= y->len) || (y->cut && y->len <= x->len))
		return false;
	*ret = relation_of(x->len < y->len, x->len == y->len);
	return true;
}

static bool holds(enum lp_operator op, enum relation r)
{
	switch (op) {
	case LP_OPER_EQ:
		return r == EQUAL;
	case LP_OPER_NE:
		return r != EQUAL;
	case LP_OPER_LT:
		return r == LESS;
	case LP_OPER_LE:
		return r == LESS || r == EQUAL;
	case LP_OPER_GT:
		return r == GREATER;
	default:
		return r == GREATER || r == EQUAL;
	}
}

static bool is_plain(const struct lp_value *v)
{
	return v->kind <= LP_VAL_FLOAT || v->kind == LP_VAL_STRING || v->kind == LP_VAL_BYTES;
}

static void compare(const struct lp_eval *e, const struct lp_value *x, const struct lp_value *y,
		    struct lp_arena *a, struct lp_value *ret)
{
	struct number nx, ny;
	enum relation r;

	if (!number_of(x, &nx, ret) || !number_of(y, &ny, ret))
		return;
	if (nx.kind != NONE && ny.kind != NONE) {
		bool_value(ret, holds(e->op, compare_numbers(&nx, &ny)));
	} else if (x->kind == y->kind && (x->kind == LP_VAL_STRING || x->kind == LP_VAL_BYTES)) {
		if (compare_text(x, y, &r))
			bool_value(ret, holds(e->op, r));
		else
			error(ret, "truncated");
	} else if (is_plain(x) && is_plain(y) && (e->op == LP_OPER_EQ || e->op == LP_OPER_NE)) {
		bool same = x->kind == LP_VAL_NULL && y->kind == LP_VAL_NULL;

		bool_value(ret, same == (e->op == LP_OPER_EQ));
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
	struct number n;

	if (e->truth) {
		lp_eval_run(e->truth, fields, a, &found);
		v = &found;
	}
	if (v->kind == LP_VAL_ERROR) {
		*ret = *v;
		return false;
	}
	if (v->kind == LP_VAL_BIGINT) {
		*ret_truth = true;
		return true;
	}
	number_of(v, &n, ret);
	if (n.kind != NONE) {
		*ret_truth = n.kind == FLOAT ? fpclassify(n.f) != FP_ZERO : n.i != 0;
		return true;
	}
	if (runs_code(v)) {
		error(ret, "would run code: bool");
		return false;
	}
	*ret_truth = v->kind != LP_VAL_NULL && (v->len || v->cut);
	return true;
}

static void unary(const struct lp_eval *e, const struct lp_value *fields, struct lp_arena *a,
		  struct lp_value *ret)
{
	struct lp_value v;
	struct number n;
	bool truth;

	lp_eval_run(e->a, fields, a, &v);
	if (e->op == LP_OPER_NOT) {
		if (truth_of(e->a, &v, fields, a, &truth, ret))
			bool_value(ret, !truth);
		return;
	}
	if (v.kind == LP_VAL_ERROR)
		*ret = v;
	else if (!number_of(&v, &n, ret))
		return;
	else if (n.kind == NONE || (n.kind == FLOAT && e->op == LP_OPER_INV))
		refuse(e, &v, NULL, a, ret);
	else if (n.kind == FLOAT)
		float_value(ret, e->op == LP_OPER_NEG ? -n.f : n.f);
	else if (e->op == LP_OPER_NEG && __builtin_sub_overflow((wide)0, n.i, &n.i))
		error(ret, "too big");
	else
		int_value(ret, e->op == LP_OPER_INV ? ~n.i : n.i, a);
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
