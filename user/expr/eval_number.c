// SPDX-License-Identifier: GPL-2.0-only
#include "expr/eval_number.h"

#include <math.h>
#include <string.h>

typedef unsigned __int128 uwide;

void lp_number_error(struct lp_value *ret, const char *why)
{
	*ret = (struct lp_value){ .kind = LP_VAL_ERROR, .str = why, .len = strlen(why) };
}

void lp_number_bool(struct lp_value *ret, bool b)
{
	*ret = (struct lp_value){ .kind = LP_VAL_BOOL, .is_python = true, .size = 8, .u = b };
}

void lp_number_float_value(struct lp_value *ret, double f)
{
	*ret = (struct lp_value){ .kind = LP_VAL_FLOAT, .is_python = true, .size = 8, .f = f };
}

void lp_number_int(struct lp_value *ret, lp_wide v, struct lp_arena *a)
{
	char digits[48], *p = digits + sizeof(digits);
	uwide u = v < 0 ? -(uwide)v : (uwide)v;

	*ret = (struct lp_value){ .kind = LP_VAL_INT, .is_python = true, .size = 8 };
	if (v >= INT64_MIN && v <= INT64_MAX) {
		ret->s = (int64_t)v;
		return;
	}
	do
		*--p = (char)('0' + (int)(u % 10));
	while (u /= 10);
	if (v < 0)
		*--p = '-';

	size_t len = (size_t)(digits + sizeof(digits) - p);
	const char *text = lp_arena_strndup(a, p, len);
	ret->kind = LP_VAL_BIGINT;
	ret->str = text;
	ret->len = len;
	if (!text)
		lp_number_error(ret, "out of memory");
}

/* False: beyond 128 bits. */
static bool parse_big(const struct lp_value *v, lp_wide *ret)
{
	bool negative = v->str[0] == '-';
	lp_wide n = 0;

	for (size_t i = negative; v->str[i]; i++)
		if (v->str[i] < '0' || v->str[i] > '9' ||
		    __builtin_mul_overflow(n, (lp_wide)10, &n) ||
		    __builtin_sub_overflow(n, (lp_wide)(v->str[i] - '0'), &n))
			return false;
	return negative ? (*ret = n, true) : !__builtin_sub_overflow((lp_wide)0, n, ret);
}

/* False, and an error in *ret, where it is a number that cannot be computed with. */
bool lp_number_of(const struct lp_value *v, struct lp_number *n, struct lp_value *ret)
{
	*n = (struct lp_number){ .kind = LP_NUM_INT };
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
			lp_number_error(ret, "too big");
			return false;
		}
		break;
	case LP_VAL_FLOAT:
		n->kind = LP_NUM_FLOAT;
		n->f = v->f;
		break;
	case LP_VAL_ENUM: /* an IntEnum */
		n->kind = !v->overrides && v->len == 1 && v->items[0].kind == LP_VAL_INT
				  ? LP_NUM_INT
				  : LP_NUM_NONE;
		n->i = v->s;
		break;
	case LP_VAL_OBJECT:
		/* an int of so many digits that none were made */
		if (v->type_name && !strcmp(v->type_name, "int")) {
			lp_number_error(ret, "too big");
			return false;
		}
		n->kind = LP_NUM_NONE;
		break;
	default:
		n->kind = LP_NUM_NONE;
		break;
	}
	return true;
}

static double double_of(const struct lp_number *n)
{
	return n->kind == LP_NUM_FLOAT ? n->f : (double)n->i;
}

/* a // b and a % b: the quotient towards minus infinity, the sign of the divisor */
static lp_wide floor_divide(lp_wide a, lp_wide b, lp_wide *ret_rest)
{
	lp_wide q = a / b, r = a % b;

	if (r && (r < 0) != (b < 0)) {
		q--;
		r += b;
	}
	*ret_rest = r;
	return q;
}

static bool shift(enum lp_operator op, lp_wide a, lp_wide b, lp_wide *ret, const char **ret_why)
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
	*ret = (lp_wide)((uwide)a << b);
	return *ret >> b == a;
}

/* Of a base and an exponent that are whole. */
static bool int_power(lp_wide a, lp_wide b, lp_wide *ret)
{
	*ret = 1;
	if (a == 0 || a == 1 || a == -1)
		b = !b ? 0 : b & 1 ? 1 : 2;
	if (b > 127)
		return false;
	for (; b; b--)
		if (__builtin_mul_overflow(*ret, a, ret))
			return false;
	return true;
}

static bool int_arithmetic(enum lp_operator op, lp_wide a, lp_wide b, lp_wide *ret,
			   const char **ret_why)
{
	lp_wide rest;

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
	case LP_OPER_POW:
		return int_power(a, b, ret);
	default:
		break;
	}
	if (b == 0) {
		*ret_why = "division by zero";
		return false;
	}
	/* the one quotient that does not fit */
	if (b == -1 && a == (lp_wide)((uwide)1 << 127))
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
static bool true_divide(lp_wide a, lp_wide b, double *ret)
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

/* Objects/floatobject.c: float_pow() */
static void float_power(double a, double b, struct lp_value *ret)
{
	double v = pow(a, b);

	if (fpclassify(a) == FP_ZERO && b < 0)
		lp_number_error(ret, "division by zero");
	else if (isfinite(a) && isfinite(b) && a < 0 && b != floor(b))
		lp_number_error(ret, "not computed: a complex number");
	else if (isfinite(a) && isfinite(b) && isinf(v))
		lp_number_error(ret, "too big");
	else
		lp_number_float_value(ret, v);
}

static void float_arithmetic(enum lp_operator op, double a, double b, struct lp_value *ret)
{
	bool divides = op == LP_OPER_DIV || op == LP_OPER_MOD || op == LP_OPER_FLOORDIV;
	double mod, div;

	if (divides && fpclassify(b) == FP_ZERO) {
		lp_number_error(ret, "division by zero");
		return;
	}
	switch (op) {
	case LP_OPER_ADD:
		lp_number_float_value(ret, a + b);
		return;
	case LP_OPER_SUB:
		lp_number_float_value(ret, a - b);
		return;
	case LP_OPER_MUL:
		lp_number_float_value(ret, a * b);
		return;
	case LP_OPER_DIV:
		lp_number_float_value(ret, a / b);
		return;
	case LP_OPER_POW:
		float_power(a, b, ret);
		return;
	case LP_OPER_MOD:
	case LP_OPER_FLOORDIV:
		break;
	default:
		lp_number_error(ret, "wrong type");
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
	lp_number_float_value(ret, op == LP_OPER_MOD ? mod : div);
}

void lp_number_arithmetic(enum lp_operator op, const struct lp_number *x, const struct lp_number *y,
			  struct lp_arena *a, struct lp_value *ret)
{
	const char *why = "division by zero";
	double f;
	lp_wide v;

	if (x->kind == LP_NUM_FLOAT || y->kind == LP_NUM_FLOAT || (op == LP_OPER_POW && y->i < 0)) {
		float_arithmetic(op, double_of(x), double_of(y), ret);
	} else if (op == LP_OPER_DIV) {
		if (y->i && true_divide(x->i, y->i, &f))
			lp_number_float_value(ret, f);
		else
			lp_number_error(ret, y->i ? "too big" : why);
	} else if (!int_arithmetic(op, x->i, y->i, &v, &why)) {
		lp_number_error(ret, why);
	} else if (x->is_bool && y->is_bool && op <= LP_OPER_BIT_AND) {
		lp_number_bool(ret, v != 0);
	} else {
		lp_number_int(ret, v, a);
	}
}

enum lp_relation lp_relation_of(bool less, bool equal)
{
	return less ? LP_LESS : equal ? LP_EQUAL : LP_GREATER;
}

/* An int and a float, without rounding the int. */
static enum lp_relation int_to_float(lp_wide i, double f)
{
	if (isnan(f))
		return LP_UNORDERED;
	if (f >= 0x1p127)
		return LP_LESS;
	if (f < -0x1p127)
		return LP_GREATER;

	double whole = floor(f);
	lp_wide w = (lp_wide)whole;
	return i != w ? lp_relation_of(i < w, false) : whole < f ? LP_LESS : LP_EQUAL;
}

enum lp_relation lp_number_compare(const struct lp_number *x, const struct lp_number *y)
{
	if (x->kind == LP_NUM_INT && y->kind == LP_NUM_INT)
		return lp_relation_of(x->i < y->i, x->i == y->i);
	if (x->kind == LP_NUM_INT)
		return int_to_float(x->i, y->f);
	if (y->kind == LP_NUM_INT) {
		enum lp_relation r = int_to_float(y->i, x->f);

		return r == LP_LESS ? LP_GREATER : r == LP_GREATER ? LP_LESS : r;
	}
	if (isnan(x->f) || isnan(y->f))
		return LP_UNORDERED;
	return lp_relation_of(x->f < y->f, !(x->f < y->f) && !(x->f > y->f));
}
