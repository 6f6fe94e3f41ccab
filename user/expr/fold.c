// SPDX-License-Identifier: GPL-2.0-only
#include "expr/tree.h"

uint64_t lp_int_cut(const struct lp_type *type, uint64_t v)
{
	type = lp_type_strip(type);
	if (type->kind == LP_TYPE_BOOL)
		return v != 0;
	if (type->size == 0 || type->size >= 8)
		return v;

	unsigned int drop = 64 - 8 * (unsigned int)type->size;
	return type->is_signed ? (uint64_t)((int64_t)(v << drop) >> drop) : v << drop >> drop;
}

static bool divide(enum lp_operator op, bool is_signed, uint64_t a, uint64_t b, uint64_t *ret)
{
	if (b == 0)
		return false;
	if (!is_signed)
		*ret = op == LP_OPER_DIV ? a / b : a % b;
	else if (b == UINT64_MAX) /* INT64_MIN / -1 wraps */
		*ret = op == LP_OPER_DIV ? -a : 0;
	else
		*ret = (uint64_t)(op == LP_OPER_DIV ? (int64_t)a / (int64_t)b
						    : (int64_t)a % (int64_t)b);
	return true;
}

static uint64_t shift_right(bool is_signed, uint64_t a, uint64_t b)
{
	if (!is_signed)
		return b > 63 ? 0 : a >> b;
	return (uint64_t)((int64_t)a >> (b > 63 ? 63 : b));
}

static bool compare(enum lp_operator op, bool is_signed, uint64_t a, uint64_t b, uint64_t *ret)
{
	bool less = is_signed ? (int64_t)a < (int64_t)b : a < b;

	switch (op) {
	case LP_OPER_EQ:
		*ret = a == b;
		return true;
	case LP_OPER_NE:
		*ret = a != b;
		return true;
	case LP_OPER_LT:
		*ret = less;
		return true;
	case LP_OPER_LE:
		*ret = less || a == b;
		return true;
	case LP_OPER_GT:
		*ret = !less && a != b;
		return true;
	case LP_OPER_GE:
		*ret = !less;
		return true;
	default:
		return false;
	}
}

bool lp_int_binary(enum lp_operator op, const struct lp_type *type, uint64_t a, uint64_t b,
		   uint64_t *ret)
{
	bool is_signed = type->is_signed;
	uint64_t v;

	switch (op) {
	case LP_OPER_ADD:
		v = a + b;
		break;
	case LP_OPER_SUB:
		v = a - b;
		break;
	case LP_OPER_MUL:
		v = a * b;
		break;
	case LP_OPER_DIV:
	case LP_OPER_MOD:
		if (!divide(op, is_signed, a, b, &v))
			return false;
		break;
	case LP_OPER_BIT_AND:
		v = a & b;
		break;
	case LP_OPER_BIT_OR:
		v = a | b;
		break;
	case LP_OPER_BIT_XOR:
		v = a ^ b;
		break;
	case LP_OPER_SHL:
		v = b > 63 ? 0 : a << b;
		break;
	case LP_OPER_SHR:
		v = shift_right(is_signed, a, b);
		break;
	default:
		return compare(op, is_signed, a, b, ret);
	}
	*ret = lp_int_cut(type, v);
	return true;
}
