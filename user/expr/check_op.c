// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "expr/tree.h"

static bool is_float(const struct lp_type *t)
{
	return lp_type_strip(t)->kind == LP_TYPE_FLOAT;
}

static bool is_int(const struct lp_tree *t, uint64_t value)
{
	return t->kind == LP_TREE_INT && t->value == value;
}

static const struct lp_type *pointed_to(const struct lp_type *pointer)
{
	pointer = lp_type_strip(pointer);
	lp_type_complete(pointer, NULL);
	return pointer->target ? pointer->target : &lp_type_void;
}

const struct lp_tree *lp_check_value(struct lp_check *c, const struct lp_node *n,
				     const struct lp_tree *t)
{
	const struct lp_type *type = lp_type_strip(t->type);

	if (t->kind == LP_TREE_META)
		return lp_check_fail(c, n, "this can only be shown by itself");
	if (t->kind == LP_TREE_STRING || t->kind == LP_TREE_COMM || t->kind == LP_TREE_SLICE)
		return lp_check_fail(c, n, "a string can be compared and shown, not computed with");
	if (lp_type_is_scalar(type)) {
		if (type->size <= 8 || type->kind == LP_TYPE_FLOAT)
			return t;
		return lp_check_fail(c, n, "'%s' can be shown, but not computed with", type->name);
	}
	if (type->kind != LP_TYPE_ARRAY && type->kind != LP_TYPE_FUNCTION)
		return lp_check_fail(c, n, "'%s' is no number and no pointer", t->type->name);
	if (!lp_tree_is_object(t))
		return lp_check_fail(c, n, "this array has no address");

	lp_type_complete(type, NULL);
	const struct lp_type *element = type->kind == LP_TYPE_ARRAY ? type->target : type;
	const struct lp_type *pointer =
		element ? lp_check_pointer_to(c, element) : &lp_type_void_ptr;
	return pointer ? lp_tree_over(c, LP_TREE_ADDRESS, n, pointer, t, NULL, NULL) : NULL;
}

const struct lp_type *lp_check_promoted(const struct lp_tree *t)
{
	const struct lp_type *type = lp_type_strip(t->type);

	if (type->kind == LP_TYPE_FLOAT)
		return type->size == 4 ? &lp_type_float : type->size == 8 ? &lp_type_double : type;
	if (type->kind == LP_TYPE_POINTER)
		return type;
	/* a bit field that an int can hold is an int */
	if (type->size < 4 || (t->bit_size && t->bit_size < 32))
		return &lp_type_int;
	if (type->size == 4)
		return type->is_signed ? &lp_type_int : &lp_type_uint;
	return type->is_signed ? &lp_type_long : &lp_type_ulong;
}

const struct lp_type *lp_check_common(struct lp_check *c, const struct lp_node *n,
				      const struct lp_tree *a, const struct lp_tree *b)
{
	const struct lp_type *ta = lp_check_promoted(a), *tb = lp_check_promoted(b);

	if (ta->kind == LP_TYPE_POINTER || tb->kind == LP_TYPE_POINTER) {
		if (is_float(ta) || is_float(tb))
			return lp_check_fail(c, n, "a pointer and a '%s' have nothing in common",
					     is_float(ta) ? ta->name : tb->name);
		return &lp_type_ulong;
	}
	if (is_float(ta) || is_float(tb)) {
		const struct lp_type *wide =
			!is_float(tb) || (is_float(ta) && ta->size > tb->size) ? ta : tb;
		if (wide->size > 8)
			return lp_check_fail(c, n, "'%s' can be shown, but not computed with",
					     wide->name);
		return wide;
	}
	if (ta->size != tb->size)
		return ta->size > tb->size ? ta : tb;
	return ta->is_signed ? tb : ta;
}

static const struct lp_tree *fold_convert(struct lp_check *c, const struct lp_node *n,
					  const struct lp_type *type, const struct lp_tree *t)
{
	bool from_signed = lp_type_strip(t->type)->is_signed;

	if (t->kind == LP_TREE_INT && !is_float(type))
		return lp_tree_int(c, n, type, lp_int_cut(type, t->value));

	struct lp_tree *f = lp_tree_new(c, LP_TREE_FLOAT, n, type);
	if (!f)
		return NULL;
	f->f = t->kind == LP_TREE_FLOAT ? t->f
	       : from_signed		? (double)(int64_t)t->value
					: (double)t->value;
	if (lp_type_strip(type)->size == 4)
		f->f = (float)f->f;
	return f;
}

const struct lp_tree *lp_check_convert(struct lp_check *c, const struct lp_node *n,
				       const struct lp_type *type, const struct lp_tree *t)
{
	if (lp_type_strip(type) == lp_type_strip(t->type) && !t->bit_size)
		return t;
	if (lp_type_strip(type)->size > 8 || lp_type_strip(t->type)->size > 8)
		return lp_check_fail(c, n, "'%s' can be shown, but not converted",
				     lp_type_strip(type)->size > 8 ? type->name : t->type->name);
	if (t->kind == LP_TREE_INT || (t->kind == LP_TREE_FLOAT && is_float(type)))
		return fold_convert(c, n, type, t);
	return lp_tree_over(c, LP_TREE_CONVERT, n, type, t, NULL, NULL);
}

static bool is_truth(const struct lp_tree *t)
{
	if (t->kind == LP_TREE_STRCMP || t->kind == LP_TREE_ANY_OF)
		return true;
	if (t->kind == LP_TREE_UNARY)
		return t->op == LP_OPER_NOT;
	return t->kind == LP_TREE_BINARY &&
	       (lp_operators[t->op].precedence == lp_operators[LP_OPER_EQ].precedence ||
		t->op == LP_OPER_AND || t->op == LP_OPER_OR);
}

const struct lp_tree *lp_check_truth(struct lp_check *c, const struct lp_node *n,
				     const struct lp_tree *t)
{
	if (is_truth(t))
		return t;
	t = lp_check_value(c, n, t);
	if (!t)
		return NULL;
	if (t->kind == LP_TREE_INT)
		return lp_tree_int(c, n, &lp_type_int, t->value != 0);
	return lp_check_compare(c, n, LP_OPER_NE, t, lp_tree_int(c, n, &lp_type_int, 0));
}

const struct lp_tree *lp_check_deref(struct lp_check *c, const struct lp_node *n,
				     const struct lp_tree *t)
{
	const struct lp_tree *p = lp_check_value(c, n, t);

	if (!p)
		return NULL;
	if (!lp_tree_is_pointer(p))
		return lp_check_fail(c, n, "'%s' is no pointer", t->type->name);
	if (lp_tree_needs_eval(p))
		return lp_check_fail(c, n, "an address cannot depend on floating-point arithmetic");

	const struct lp_type *type = pointed_to(p->type);
	if (lp_type_strip(type)->kind == LP_TYPE_VOID)
		return lp_check_fail(c, n,
				     "a 'void *' points to nothing known: cast it, as in "
				     "(char *)p");
	return lp_tree_over(c, LP_TREE_DEREF, n, type, p, NULL, NULL);
}

static const struct lp_tree *check_address(struct lp_check *c, const struct lp_node *n,
					   const struct lp_tree *a)
{
	if (!lp_tree_is_object(a))
		return lp_check_fail(c, n, "only what lies in memory has an address");
	if (a->bit_size)
		return lp_check_fail(c, n, "a bit field has no address");

	const struct lp_type *type = lp_check_pointer_to(c, a->type);
	struct lp_tree *t = type ? lp_tree_over(c, LP_TREE_ADDRESS, n, type, a, NULL, NULL) : NULL;
	/* the address of a secret is none */
	if (t && (a->kind != LP_TREE_DEREF || !a->a->redacted) &&
	    (a->kind != LP_TREE_MEMBER || !a->a->redacted))
		t->redacted = NULL;
	return t;
}

static const struct lp_tree *fold_unary(struct lp_check *c, const struct lp_node *n,
					const struct lp_type *type, const struct lp_tree *a)
{
	if (a->kind == LP_TREE_INT)
		return lp_tree_int(c, n, type,
				   lp_int_cut(type, n->op == LP_OPER_NEG ? -a->value : ~a->value));

	struct lp_tree *t = lp_tree_new(c, LP_TREE_FLOAT, n, type);
	if (t)
		t->f = -a->f;
	return t;
}

static const struct lp_tree *check_not(struct lp_check *c, const struct lp_node *n,
				       const struct lp_tree *a)
{
	a = lp_check_truth(c, n->a, a);
	if (!a)
		return NULL;
	if (a->kind == LP_TREE_INT)
		return lp_tree_int(c, n, &lp_type_bool, !a->value);

	struct lp_tree *t = lp_tree_over(c, LP_TREE_UNARY, n, &lp_type_bool, a, NULL, NULL);
	if (t)
		t->op = LP_OPER_NOT;
	return t;
}

const struct lp_tree *lp_check_unary(struct lp_check *c, const struct lp_node *n)
{
	const struct lp_tree *a = lp_check_expr(c, n->a);

	if (!a)
		return NULL;
	if (n->op == LP_OPER_DEREF)
		return lp_check_deref(c, n, a);
	if (n->op == LP_OPER_ADDRESS)
		return check_address(c, n, a);
	if (n->op == LP_OPER_NOT)
		return check_not(c, n, a);

	a = lp_check_value(c, n->a, a);
	if (!a)
		return NULL;
	if (lp_tree_is_pointer(a) || (n->op == LP_OPER_INV && is_float(a->type)))
		return lp_check_fail(c, n, "'%s' does not apply to '%s'", lp_operators[n->op].text,
				     a->type->name);

	const struct lp_type *type = lp_check_promoted(a);
	a = lp_check_convert(c, n, type, a);
	if (!a || n->op == LP_OPER_PLUS)
		return a;
	if (type->size > 8)
		return lp_check_fail(c, n, "'%s' can be shown, but not computed with", type->name);
	if (a->kind == LP_TREE_INT || a->kind == LP_TREE_FLOAT)
		return fold_unary(c, n, type, a);

	struct lp_tree *t = lp_tree_over(c, LP_TREE_UNARY, n, type, a, NULL, NULL);
	if (t)
		t->op = n->op;
	return t;
}

static const struct lp_tree *new_binary(struct lp_check *c, const struct lp_node *n,
					enum lp_operator op, const struct lp_type *type,
					const struct lp_tree *a, const struct lp_tree *b)
{
	struct lp_tree *t = a && b ? lp_tree_over(c, LP_TREE_BINARY, n, type, a, b, NULL) : NULL;

	if (t)
		t->op = op;
	return t;
}

static const struct lp_tree *check_logic(struct lp_check *c, const struct lp_node *n,
					 const struct lp_tree *a, const struct lp_tree *b)
{
	bool is_or = n->op == LP_OPER_OR;

	a = lp_check_truth(c, n->a, a);
	b = a ? lp_check_truth(c, n->b, b) : NULL;
	if (!b)
		return NULL;
	if (a->kind == LP_TREE_INT)
		return (a->value != 0) == is_or ? a : b;
	return new_binary(c, n, n->op, &lp_type_bool, a, b);
}

/* The integer i as bytes from a pointer on. */
static const struct lp_tree *scaled(struct lp_check *c, const struct lp_node *n,
				    const struct lp_type *pointer, const struct lp_tree *i)
{
	const struct lp_type *element = pointed_to(pointer);
	uint64_t size = lp_type_strip(element)->size;

	/* GNU C: a byte */
	if (lp_type_strip(element)->kind == LP_TYPE_VOID)
		size = 1;
	if (!size)
		return lp_check_fail(c, n, "the size of '%s' is not known here", element->name);
	i = lp_check_convert(c, n, &lp_type_long, i);
	if (!i || size == 1)
		return i;
	if (i->kind == LP_TREE_INT)
		return lp_tree_int(c, n, &lp_type_long, i->value * size);
	return new_binary(c, n, LP_OPER_MUL, &lp_type_long, i,
			  lp_tree_int(c, n, &lp_type_long, size));
}

static const struct lp_tree *pointer_plus(struct lp_check *c, const struct lp_node *n,
					  enum lp_operator op, const struct lp_tree *p,
					  const struct lp_tree *i)
{
	if (!lp_type_is_integer(i->type))
		return lp_check_fail(c, n, "a pointer can only be moved by an integer, not '%s'",
				     i->type->name);
	i = scaled(c, n, p->type, i);
	if (!i)
		return NULL;
	if (i->kind == LP_TREE_INT && op == LP_OPER_SUB) {
		i = lp_tree_int(c, n, &lp_type_long, -i->value);
		op = LP_OPER_ADD;
	}
	if (i && is_int(i, 0))
		return p;
	return new_binary(c, n, op, p->type, p, i);
}

static const struct lp_tree *pointer_difference(struct lp_check *c, const struct lp_node *n,
						const struct lp_tree *a, const struct lp_tree *b)
{
	uint64_t size = lp_type_strip(pointed_to(a->type))->size;
	uint64_t other = lp_type_strip(pointed_to(b->type))->size;

	if (size != other)
		return lp_check_fail(c, n, "'%s' and '%s' point to different types", a->type->name,
				     b->type->name);
	const struct lp_tree *d = new_binary(c, n, LP_OPER_SUB, &lp_type_long, a, b);
	if (size <= 1 || !d)
		return d;
	return new_binary(c, n, LP_OPER_DIV, &lp_type_long, d,
			  lp_tree_int(c, n, &lp_type_long, size));
}

static const struct lp_tree *fold_float(struct lp_check *c, const struct lp_node *n,
					const struct lp_type *type, double a, double b)
{
	struct lp_tree *t = lp_tree_new(c, LP_TREE_FLOAT, n, type);

	if (!t)
		return NULL;
	t->f = n->op == LP_OPER_ADD   ? a + b
	       : n->op == LP_OPER_SUB ? a - b
	       : n->op == LP_OPER_MUL ? a * b
				      : a / b;
	if (type->size == 4)
		t->f = (float)t->f;
	return t;
}

static const struct lp_tree *check_arithmetic(struct lp_check *c, const struct lp_node *n,
					      const struct lp_tree *a, const struct lp_tree *b)
{
	bool is_shift = n->op == LP_OPER_SHL || n->op == LP_OPER_SHR;
	const struct lp_type *type = lp_check_common(c, n, a, b);

	if (!type)
		return NULL;
	if (is_float(type) && lp_operators[n->op].precedence < lp_operators[LP_OPER_ADD].precedence)
		return lp_check_fail(c, n, "'%s' does not apply to '%s'", lp_operators[n->op].text,
				     type->name);
	if (is_float(type) && n->op == LP_OPER_MOD)
		return lp_check_fail(c, n, "'%%' does not apply to '%s'", type->name);
	if (is_shift)
		type = lp_check_promoted(a);
	a = lp_check_convert(c, n->a, type, a);
	b = a ? lp_check_convert(c, n->b, is_shift ? lp_check_promoted(b) : type, b) : NULL;
	if (!b)
		return NULL;

	if (a->kind == LP_TREE_FLOAT && b->kind == LP_TREE_FLOAT)
		return fold_float(c, n, type, a->f, b->f);
	if (a->kind == LP_TREE_INT && b->kind == LP_TREE_INT) {
		uint64_t v;

		if (!lp_int_binary(n->op, type, a->value, b->value, &v))
			return lp_check_fail(c, n, "division by zero");
		return lp_tree_int(c, n, type, v);
	}
	return new_binary(c, n, n->op, type, a, b);
}

const struct lp_tree *lp_check_binary(struct lp_check *c, const struct lp_node *n)
{
	if (n->is_chain)
		return lp_check_fail_at(
			c, EINVAL, n->at_col, n->at_width,
			"comparisons in a chain mean one thing in C and another in Python: "
			"join two of them with 'and'");
	if (n->op == LP_OPER_POW)
		return lp_check_fail_at(c, EINVAL, n->at_col, n->at_width,
					"'**' is a power in Python: to multiply by what a pointer "
					"leads to, write '* *'");
	if (n->op == LP_OPER_IN || n->op == LP_OPER_NOT_IN)
		return lp_check_in(c, n);

	const struct lp_tree *a = lp_check_expr(c, n->a);
	const struct lp_tree *b = a ? lp_check_beside(c, n->b, a->type) : NULL;
	if (!b)
		return NULL;
	if (n->op == LP_OPER_AND || n->op == LP_OPER_OR)
		return check_logic(c, n, a, b);
	if (n->op == LP_OPER_FLOORDIV)
		return lp_check_fail_at(c, EINVAL, n->at_col, n->at_width,
					"'//' divides in Python: here it is '/', which truncates");
	if (n->op == LP_OPER_IS || n->op == LP_OPER_IS_NOT)
		return lp_check_compare(c, n, n->op == LP_OPER_IS ? LP_OPER_EQ : LP_OPER_NE, a, b);
	if (lp_operators[n->op].precedence == lp_operators[LP_OPER_EQ].precedence)
		return lp_check_compare(c, n, n->op, a, b);

	a = lp_check_value(c, n->a, a);
	b = a ? lp_check_value(c, n->b, b) : NULL;
	if (!b)
		return NULL;
	bool pa = lp_tree_is_pointer(a), pb = lp_tree_is_pointer(b);
	if (pa && pb && n->op == LP_OPER_SUB)
		return pointer_difference(c, n, a, b);
	if (pa && !pb && (n->op == LP_OPER_ADD || n->op == LP_OPER_SUB))
		return pointer_plus(c, n, n->op, a, b);
	if (pb && !pa && n->op == LP_OPER_ADD)
		return pointer_plus(c, n, n->op, b, a);
	if (pa || pb)
		return lp_check_fail(c, n, "'%s' does not apply to '%s' and '%s'",
				     lp_operators[n->op].text, a->type->name, b->type->name);
	return check_arithmetic(c, n, a, b);
}

/* An element of an array whose place is known: a member, wherever the array lies. */
static const struct lp_tree *fixed_element(struct lp_check *c, const struct lp_node *n,
					   const struct lp_tree *array, uint64_t i)
{
	const struct lp_type *type = lp_type_strip(array->type);
	uint64_t size = type->target ? lp_type_strip(type->target)->size : 0;

	if (!size || i > INT32_MAX || size > INT32_MAX)
		return NULL;
	struct lp_tree *t = lp_tree_over(c, LP_TREE_MEMBER, n, type->target, array, NULL, NULL);
	if (t)
		t->bit_offset = i * size * 8;
	return t;
}

const struct lp_tree *lp_check_index(struct lp_check *c, const struct lp_node *n)
{
	const struct lp_tree *a = lp_check_expr(c, n->a);
	const struct lp_tree *i = a ? lp_check_expr(c, n->b) : NULL;

	i = i ? lp_check_value(c, n->b, i) : NULL;
	if (!i)
		return NULL;
	if (!lp_type_is_integer(i->type))
		return lp_check_fail(c, n->b, "an index is an integer, not '%s'", i->type->name);

	const struct lp_type *type = lp_type_strip(a->type);
	if (type->kind == LP_TYPE_ARRAY && lp_tree_is_object(a)) {
		lp_type_complete(type, NULL);
		if (i->kind == LP_TREE_INT && type->count != LP_TYPE_COUNT_UNKNOWN &&
		    type->count > 0 && i->value >= type->count)
			return lp_check_fail(c, n->b, "'%s' ends at index %llu", type->name,
					     (unsigned long long)type->count - 1);
		const struct lp_tree *t =
			i->kind == LP_TREE_INT ? fixed_element(c, n, a, i->value) : NULL;
		if (t || c->status)
			return t;
	}
	const struct lp_tree *p = lp_check_value(c, n->a, a);
	if (!p)
		return NULL;
	if (!lp_tree_is_pointer(p))
		return lp_check_fail(c, n->a, "'%s' has no elements: only arrays and pointers do",
				     a->type->name);
	p = pointer_plus(c, n, LP_OPER_ADD, p, i);
	return p ? lp_check_deref(c, n, p) : NULL;
}

const struct lp_tree *lp_tree_needs_eval(const struct lp_tree *t)
{
	if (!t || lp_tree_is_object(t) || t->kind == LP_TREE_STRCMP)
		return NULL;

	bool to_float = lp_type_strip(t->type)->kind == LP_TYPE_FLOAT;
	if ((t->kind == LP_TREE_BINARY || t->kind == LP_TREE_UNARY) && to_float)
		return t;
	if (t->kind == LP_TREE_CONVERT) {
		bool from_float = is_float(t->a->type);

		if ((from_float && !to_float) || (to_float && lp_type_strip(t->type)->size == 4))
			return t;
	}
	if (t->kind == LP_TREE_COND && (lp_tree_is_text(t->b) || lp_tree_is_text(t->c)))
		return t;
	const struct lp_tree *e = lp_tree_needs_eval(t->a);
	e = e ? e : lp_tree_needs_eval(t->b);
	return e ? e : lp_tree_needs_eval(t->c);
}
