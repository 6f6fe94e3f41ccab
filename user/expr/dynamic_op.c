// SPDX-License-Identifier: GPL-2.0-only
/* Operators: what is known of the operands' types before the hit is said before the hit. */
#include <errno.h>
#include <string.h>

#include "expr/dynamic.h"

static const char *const type_names[] = {
	[LP_DYN_ANY] = "object",    [LP_DYN_INT] = "int", [LP_DYN_BOOL] = "bool",
	[LP_DYN_FLOAT] = "float",   [LP_DYN_STR] = "str", [LP_DYN_BYTES] = "bytes",
	[LP_DYN_NONE] = "NoneType",
};

bool lp_dyn_is_compare(enum lp_operator op)
{
	return op >= LP_OPER_EQ && op <= LP_OPER_GE;
}

bool lp_dyn_is_arithmetic(enum lp_operator op)
{
	return op >= LP_OPER_BIT_OR && op <= LP_OPER_POW;
}

static bool is_number(enum lp_dyn_type t)
{
	return t == LP_DYN_INT || t == LP_DYN_BOOL || t == LP_DYN_FLOAT;
}

static bool is_text(enum lp_dyn_type t)
{
	return t == LP_DYN_STR || t == LP_DYN_BYTES;
}

static void *does_not_apply(struct lp_dyn_check *c, const struct lp_node *n, const struct lp_dyn *a,
			    const struct lp_dyn *b)
{
	const char *op = lp_operators[n->op].text;

	if (!b)
		return lp_check_fail(&c->base, n, "'%s' does not apply to '%s'", op,
				     type_names[a->type]);
	return lp_check_fail(&c->base, n, "'%s' does not apply to '%s' and '%s'", op,
			     type_names[a->type], type_names[b->type]);
}

/* Computed now, where nothing but constants is in it. */
static struct lp_dyn *fold(struct lp_dyn_check *c, const struct lp_node *n, const struct lp_dyn *a,
			   const struct lp_dyn *b)
{
	struct lp_eval ea = { .kind = LP_EVAL_CONSTANT, .is_python = true },
		       eb = { .kind = LP_EVAL_CONSTANT, .is_python = true },
		       e = { .kind = b ? LP_EVAL_BINARY : LP_EVAL_UNARY,
			     .is_python = true,
			     .op = n->op,
			     .a = &ea,
			     .b = &eb };
	struct lp_value v;

	ea.constant = a->constant;
	if (b)
		eb.constant = b->constant;
	lp_eval_run(&e, NULL, c->base.arena, &v);
	if (v.kind == LP_VAL_ERROR)
		return lp_check_fail(&c->base, n, "%s", v.str);
	return lp_dyn_constant(c, n, &v);
}

static bool is_context(const struct lp_dyn *t)
{
	return t->kind == LP_DYN_META;
}

static bool is_negative(const struct lp_value *v)
{
	return v->kind == LP_VAL_BIGINT ? v->str[0] == '-' : v->kind == LP_VAL_INT && v->s < 0;
}

static bool is_fractional(const struct lp_node *n, const struct lp_dyn *a, const struct lp_dyn *b)
{
	return n->op == LP_OPER_DIV || a->type == LP_DYN_FLOAT || (b && b->type == LP_DYN_FLOAT) ||
	       (n->op == LP_OPER_POW && b->kind == LP_DYN_CONST && is_negative(&b->constant));
}

/* The kernel has whole numbers of 64 bits. */
static bool can_be_in_condition(struct lp_dyn_check *c, const struct lp_node *n,
				const struct lp_dyn *a, const struct lp_dyn *b)
{
	if (!c->base.in_condition)
		return true;
	if (is_fractional(n, a, b))
		lp_check_fail(&c->base, n,
			      "%s in a condition: the kernel has no floating-point arithmetic: a "
			      "condition can only compare such values%s, a template can compute",
			      n->op == LP_OPER_DIV ? "a fraction" : "a float sum",
			      n->op == LP_OPER_DIV ? " ('//' divides whole numbers)" : "");
	else if (is_text(a->type) || (b && is_text(b->type)))
		lp_check_fail(&c->base, n,
			      "strings are not joined in a condition: compare each of them");
	return !c->base.status;
}

struct lp_dyn *lp_dyn_check_unary(struct lp_dyn_check *c, const struct lp_node *n)
{
	struct lp_dyn t = lp_dyn_node(LP_DYN_UNARY, n, LP_DYN_BOOL);

	if (n->op == LP_OPER_DEREF || n->op == LP_OPER_ADDRESS)
		return lp_check_fail(&c->base, n,
				     "'%s' is C's: in Python every name is a reference already",
				     lp_operators[n->op].text);
	t.op = n->op;
	t.a = lp_dyn_check_expr(c, n->a);
	if (!t.a)
		return NULL;
	if (n->op != LP_OPER_NOT) {
		if (is_text(t.a->type) || t.a->type == LP_DYN_NONE ||
		    (n->op == LP_OPER_INV && t.a->type == LP_DYN_FLOAT))
			return does_not_apply(c, n, t.a, NULL);
		t.type = t.a->type == LP_DYN_BOOL ? LP_DYN_INT : t.a->type;
	}
	if (t.a->kind == LP_DYN_CONST && t.a->constant.kind == LP_VAL_BIGINT &&
	    n->op == LP_OPER_NEG)
		return lp_dyn_negate_big(c, n, &t.a->constant);
	if (t.a->kind == LP_DYN_CONST)
		return fold(c, n, t.a, NULL);
	if (n->op != LP_OPER_NOT && !can_be_in_condition(c, n, t.a, NULL))
		return NULL;
	t.computes = n->op != LP_OPER_NOT || t.a->computes || is_context(t.a);
	return lp_dyn_share(c, &t);
}

/* Types that are known not to go together; ANY goes with all. */
static bool arithmetic_fits(enum lp_operator op, enum lp_dyn_type a, enum lp_dyn_type b)
{
	if (a == LP_DYN_NONE || b == LP_DYN_NONE)
		return false;
	/* formatting: Python would run code */
	if (op == LP_OPER_MOD && is_text(a))
		return false;
	if (is_text(a) || is_text(b)) {
		bool joins = op == LP_OPER_ADD && (a == b || a == LP_DYN_ANY || b == LP_DYN_ANY);
		bool repeats = op == LP_OPER_MUL && !(is_text(a) && is_text(b)) &&
			       a != LP_DYN_FLOAT && b != LP_DYN_FLOAT;

		return joins || repeats;
	}
	bool is_bits = op <= LP_OPER_SHR;
	return !is_bits || (a != LP_DYN_FLOAT && b != LP_DYN_FLOAT);
}

static enum lp_dyn_type arithmetic_type(enum lp_operator op, enum lp_dyn_type a, enum lp_dyn_type b)
{
	if (is_text(a) || is_text(b))
		return is_text(a) ? a : b;
	if (!is_number(a) || !is_number(b))
		return LP_DYN_ANY;
	if (op == LP_OPER_POW) /* with a negative exponent a float, or even a complex */
		return LP_DYN_ANY;
	if (op == LP_OPER_DIV || a == LP_DYN_FLOAT || b == LP_DYN_FLOAT)
		return LP_DYN_FLOAT;
	if (a == LP_DYN_BOOL && b == LP_DYN_BOOL && op <= LP_OPER_BIT_AND)
		return LP_DYN_BOOL;
	return LP_DYN_INT;
}

static bool divides(enum lp_operator op)
{
	return op == LP_OPER_DIV || op == LP_OPER_MOD || op == LP_OPER_FLOORDIV;
}

static struct lp_dyn *check_arithmetic(struct lp_dyn_check *c, const struct lp_node *n,
				       struct lp_dyn *t)
{
	const struct lp_dyn *a = t->a, *b = t->b;

	if (!arithmetic_fits(n->op, a->type, b->type))
		return does_not_apply(c, n, a, b);
	if (a->kind == LP_DYN_CONST && b->kind == LP_DYN_CONST)
		return fold(c, n, a, b);
	if (!can_be_in_condition(c, n, a, b))
		return NULL;
	if (b->kind == LP_DYN_CONST && divides(n->op) && is_number(b->type) && b->constant.u == 0)
		return lp_check_fail(&c->base, n, "division by zero");
	t->type = arithmetic_type(n->op, a->type, b->type);
	t->computes = true;
	return lp_dyn_share(c, t);
}

static bool order_fits(enum lp_dyn_type a, enum lp_dyn_type b)
{
	if (a == LP_DYN_NONE || b == LP_DYN_NONE)
		return false;
	return a == LP_DYN_ANY || b == LP_DYN_ANY || a == b || (is_number(a) && is_number(b));
}

/* What the collector computes has no tuples of the text. */
static bool tuples_fit(struct lp_dyn_check *c, const struct lp_node *n, const struct lp_dyn *t)
{
	bool has_tuple = t->a->kind == LP_DYN_TUPLE || (t->b && t->b->kind == LP_DYN_TUPLE);

	for (size_t i = 0; i < t->n_items; i++)
		has_tuple |= t->items[i]->kind == LP_DYN_TUPLE;
	if (has_tuple && t->computes && !c->base.in_condition)
		lp_check_fail(&c->base, n,
			      "a tuple can be compared with what the program has, not with what "
			      "is computed after the hit");
	return !c->base.status;
}

static struct lp_dyn *check_compare(struct lp_dyn_check *c, const struct lp_node *n,
				    struct lp_dyn *t)
{
	if (n->op != LP_OPER_EQ && n->op != LP_OPER_NE && !order_fits(t->a->type, t->b->type))
		return does_not_apply(c, n, t->a, t->b);
	if (t->a->kind == LP_DYN_CONST && t->b->kind == LP_DYN_CONST)
		return fold(c, n, t->a, t->b);
	t->computes = t->a->computes || t->b->computes || is_context(t->a) || is_context(t->b) ||
		      (t->a->needs | t->b->needs) == (LP_NEEDS_ENTRY | LP_NEEDS_LEAVE);
	return tuples_fit(c, n, t) ? lp_dyn_share(c, t) : NULL;
}

/* Whether two equal numbers or strings are one object is the interpreter's secret. */
static struct lp_dyn *check_is(struct lp_dyn_check *c, const struct lp_node *n, struct lp_dyn *t)
{
	const struct lp_dyn *kids[] = { t->a, t->b };
	struct lp_node *const from[] = { n->a, n->b };

	for (int i = 0; i < 2; i++) {
		if (kids[i]->type != LP_DYN_ANY && kids[i]->type != LP_DYN_NONE &&
		    kids[i]->type != LP_DYN_BOOL)
			return lp_check_fail(&c->base, from[i],
					     "'is' asks for the same object: compare '%s' with %s",
					     type_names[kids[i]->type],
					     n->op == LP_OPER_IS ? "'=='" : "'!='");
		if (!lp_dyn_is_loaded(c, from[i], kids[i]))
			return NULL;
	}
	if ((t->a->needs | t->b->needs) == (LP_NEEDS_ENTRY | LP_NEEDS_LEAVE))
		return lp_check_fail(&c->base, n,
				     "an object of the entry may be another one at the return: "
				     "compare them with '=='");
	return lp_dyn_share(c, t);
}

static struct lp_dyn *check_logic(struct lp_dyn_check *c, struct lp_dyn *t)
{
	t->type = t->a->type == t->b->type ? t->a->type : LP_DYN_ANY;
	t->computes = t->a->computes || t->b->computes || is_context(t->a) || is_context(t->b) ||
		      (t->a->needs | t->b->needs) == (LP_NEEDS_ENTRY | LP_NEEDS_LEAVE);
	return lp_dyn_share(c, t);
}

/* x in (a, b) */
static struct lp_dyn *check_any_of(struct lp_dyn_check *c, const struct lp_node *n,
				   struct lp_dyn *t)
{
	uint8_t needs = t->a->needs;

	t->kind = LP_DYN_ANY_OF;
	t->computes = t->a->computes || is_context(t->a);
	t->items = lp_arena_array(c->base.arena, struct lp_dyn *, n->b->n_items + 1);
	if (!t->items) {
		c->base.status = lp_err_nomem(c->base.err);
		return NULL;
	}
	for (size_t i = 0; i < n->b->n_items; i++) {
		struct lp_dyn *item = lp_dyn_check_key(c, n->b->items[i]);

		if (!item)
			return NULL;
		t->items[t->n_items++] = item;
		t->computes |= item->computes || is_context(item);
		needs |= item->needs;
	}
	t->computes |= needs == (LP_NEEDS_ENTRY | LP_NEEDS_LEAVE);
	return tuples_fit(c, n, t) ? lp_dyn_share(c, t) : NULL;
}

static struct lp_dyn *check_in(struct lp_dyn_check *c, const struct lp_node *n, struct lp_dyn *t)
{
	t->a = lp_dyn_check_key(c, n->a);
	if (!t->a)
		return NULL;
	if (n->b->kind == LP_NODE_LIST)
		return check_any_of(c, n, t);
	t->b = lp_dyn_check_expr(c, n->b);
	if (!t->b)
		return NULL;
	if (is_number(t->b->type) || t->b->type == LP_DYN_NONE)
		return lp_check_fail(&c->base, n->b, "nothing is in '%s'", type_names[t->b->type]);
	if (!lp_dyn_is_loaded(c, n->a, t->a) || !lp_dyn_is_loaded(c, n->b, t->b))
		return NULL;
	if ((t->a->needs | t->b->needs) == (LP_NEEDS_ENTRY | LP_NEEDS_LEAVE))
		return lp_check_fail(&c->base, n,
				     "one operand is of the entry, the other of the return: "
				     "these can be compared, not looked up in each other");
	return lp_dyn_share(c, t);
}

struct lp_dyn *lp_dyn_check_binary(struct lp_dyn_check *c, const struct lp_node *n)
{
	struct lp_dyn t = lp_dyn_node(LP_DYN_BINARY, n, LP_DYN_BOOL);

	t.op = n->op;
	if (n->op == LP_OPER_IN || n->op == LP_OPER_NOT_IN)
		return check_in(c, n, &t);

	struct lp_dyn *(*check)(struct lp_dyn_check * c, const struct lp_node *n) =
		lp_dyn_is_compare(n->op) ? lp_dyn_check_key : lp_dyn_check_expr;
	t.a = check(c, n->a);
	t.b = t.a ? check(c, n->b) : NULL;
	if (!t.b)
		return NULL;
	if (lp_dyn_is_arithmetic(n->op))
		return check_arithmetic(c, n, &t);
	if (lp_dyn_is_compare(n->op))
		return check_compare(c, n, &t);
	if (n->op == LP_OPER_AND || n->op == LP_OPER_OR)
		return check_logic(c, &t);
	return check_is(c, n, &t);
}
