// SPDX-License-Identifier: GPL-2.0-only
#include "expr/eval.h"

#include <string.h>

static bool is_float(const struct lp_type *t)
{
	return lp_type_strip(t)->kind == LP_TYPE_FLOAT;
}

static void error(struct lp_value *ret, const char *why)
{
	*ret = (struct lp_value){ .kind = LP_VAL_ERROR, .str = why, .len = strlen(why) };
}

static void int_value(const struct lp_type *type, uint64_t v, struct lp_arena *a,
		      struct lp_value *ret)
{
	*ret = (struct lp_value){ .type_name = type->name };
	lp_type_value(lp_type_strip(type), v, a, ret);
}

static void float_value(const struct lp_type *type, double f, struct lp_value *ret)
{
	*ret = (struct lp_value){ .kind = LP_VAL_FLOAT,
				  .size = (uint8_t)lp_type_strip(type)->size,
				  .type_name = type->name,
				  .f = f };
	if (ret->size == 4)
		ret->f = (float)f;
}

void lp_value_of_constant(const struct lp_tree *t, struct lp_arena *a, struct lp_value *ret)
{
	if (t->kind == LP_TREE_STRING)
		*ret = (struct lp_value){ .kind = LP_VAL_STRING, .str = t->str, .len = t->len };
	else if (t->kind == LP_TREE_FLOAT)
		float_value(t->type, t->f, ret);
	else
		int_value(t->type, t->value, a, ret);
}

struct number {
	bool is_float;
	uint64_t i; /* extended */
	double f;
};

/* False, and an error in *ret, where the value is none. */
static bool number_of(const struct lp_value *v, struct number *n, struct lp_value *ret)
{
	*n = (struct number){ 0 };
	switch (v->kind) {
	case LP_VAL_NULL:
		return true;
	case LP_VAL_BOOL:
	case LP_VAL_UINT:
	case LP_VAL_CHAR:
	case LP_VAL_POINTER:
		n->i = v->u;
		return true;
	case LP_VAL_INT:
	case LP_VAL_ENUM:
		n->i = (uint64_t)v->s;
		return true;
	case LP_VAL_FLOAT:
		n->is_float = true;
		n->f = v->f;
		return true;
	case LP_VAL_ERROR:
		*ret = *v;
		return false;
	default:
		error(ret, "not a number");
		return false;
	}
}

static void convert(const struct lp_eval *e, const struct lp_value *v, struct lp_arena *a,
		    struct lp_value *ret)
{
	const struct lp_type *to = lp_type_strip(e->type);
	struct number n;

	if (!number_of(v, &n, ret))
		return;
	if (is_float(to)) {
		double f = n.is_float				  ? n.f
			   : lp_type_strip(e->a->type)->is_signed ? (double)(int64_t)n.i
								  : (double)n.i;
		float_value(e->type, f, ret);
		return;
	}
	if (n.is_float && to->kind == LP_TYPE_BOOL) {
		int_value(e->type, n.f != 0, a, ret);
		return;
	}
	if (n.is_float) {
		/* what C leaves undefined has no value */
		if (!(n.f > -9223372036854775809.0 && n.f < 18446744073709551616.0)) {
			error(ret, "out of range");
			return;
		}
		n.i = n.f >= 9223372036854775808.0 ? (uint64_t)n.f : (uint64_t)(int64_t)n.f;
	}
	int_value(e->type, lp_int_cut(to, n.i), a, ret);
}

static void unary(const struct lp_eval *e, const struct lp_value *v, struct lp_arena *a,
		  struct lp_value *ret)
{
	struct number n;

	if (!number_of(v, &n, ret))
		return;
	if (e->op == LP_OPER_NOT)
		int_value(&lp_type_bool, n.is_float ? n.f == 0 : n.i == 0, a, ret);
	else if (n.is_float)
		float_value(e->type, -n.f, ret);
	else
		int_value(e->type, lp_int_cut(e->type, e->op == LP_OPER_NEG ? -n.i : ~n.i), a, ret);
}

static void float_binary(const struct lp_eval *e, double x, double y, struct lp_arena *a,
			 struct lp_value *ret)
{
	switch (e->op) {
	case LP_OPER_ADD:
		float_value(e->type, x + y, ret);
		break;
	case LP_OPER_SUB:
		float_value(e->type, x - y, ret);
		break;
	case LP_OPER_MUL:
		float_value(e->type, x * y, ret);
		break;
	case LP_OPER_DIV:
		float_value(e->type, x / y, ret);
		break;
	case LP_OPER_EQ:
		int_value(e->type, x == y, a, ret);
		break;
	case LP_OPER_NE:
		int_value(e->type, x != y, a, ret);
		break;
	case LP_OPER_LT:
		int_value(e->type, x < y, a, ret);
		break;
	case LP_OPER_LE:
		int_value(e->type, x <= y, a, ret);
		break;
	case LP_OPER_GT:
		int_value(e->type, x > y, a, ret);
		break;
	case LP_OPER_GE:
		int_value(e->type, x >= y, a, ret);
		break;
	default:
		error(ret, "not a number");
		break;
	}
}

static void binary(const struct lp_eval *e, const struct lp_value *fields, struct lp_arena *a,
		   struct lp_value *ret)
{
	struct lp_value x, y;
	struct number nx, ny;
	uint64_t v;

	lp_eval_run(e->a, fields, a, &x);
	if (!number_of(&x, &nx, ret))
		return;
	if (e->op == LP_OPER_AND || e->op == LP_OPER_OR) {
		bool is_or = e->op == LP_OPER_OR;

		if ((nx.is_float ? nx.f != 0 : nx.i != 0) == is_or) {
			int_value(&lp_type_bool, is_or, a, ret);
			return;
		}
		lp_eval_run(e->b, fields, a, &y);
		if (number_of(&y, &ny, ret))
			int_value(&lp_type_bool, ny.is_float ? ny.f != 0 : ny.i != 0, a, ret);
		return;
	}
	lp_eval_run(e->b, fields, a, &y);
	if (!number_of(&y, &ny, ret))
		return;
	if (nx.is_float && ny.is_float)
		float_binary(e, nx.f, ny.f, a, ret);
	else if (lp_int_binary(e->op, lp_type_strip(e->a->type), nx.i, ny.i, &v))
		int_value(e->type, v, a, ret);
	else
		error(ret, "division by zero");
}

static void cond(const struct lp_eval *e, const struct lp_value *fields, struct lp_arena *a,
		 struct lp_value *ret)
{
	struct lp_value v;
	struct number n;

	lp_eval_run(e->a, fields, a, &v);
	if (number_of(&v, &n, ret))
		lp_eval_run(n.i || (n.is_float && n.f != 0) ? e->b : e->c, fields, a, ret);
}

void lp_eval_run(const struct lp_eval *e, const struct lp_value *fields, struct lp_arena *a,
		 struct lp_value *ret)
{
	struct lp_value v;

	if (e->is_python) {
		lp_eval_python(e, fields, a, ret);
		return;
	}
	switch (e->kind) {
	case LP_EVAL_FIELD:
		*ret = fields[e->field];
		break;
	case LP_EVAL_CONSTANT:
		*ret = e->constant;
		break;
	case LP_EVAL_CONVERT:
		lp_eval_run(e->a, fields, a, &v);
		convert(e, &v, a, ret);
		break;
	case LP_EVAL_UNARY:
		lp_eval_run(e->a, fields, a, &v);
		unary(e, &v, a, ret);
		break;
	case LP_EVAL_BINARY:
		binary(e, fields, a, ret);
		break;
	case LP_EVAL_COND:
		cond(e, fields, a, ret);
		break;
	case LP_EVAL_STEP:
		break;
	}
}
