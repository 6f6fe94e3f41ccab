// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "expr/crash.h"
#include "expr/suggest.h"
#include "expr/tree.h"

/* Items of one `in` list. */
#define LIST_MAX 256

static void *unknown_enumerator(struct lp_check *c, const struct lp_node *n,
				const struct lp_type *type)
{
	lp_auto(lp_buf_done) struct lp_buf list = { 0 };
	struct lp_suggest s = { .wanted = n->name, .len = n->len };

	for (size_t i = 0; i < type->n_enumerators; i++)
		lp_suggest_add(&s, type->enumerators[i].name, false);
	lp_suggest_print(&s, &list);
	return lp_check_fail_at(c, ENOENT, n->col, n->width, "unknown name '%.*s' ('%s' has: %s)",
				n->len > 100 ? 100 : (int)n->len, n->name, type->name,
				list.len ? list.data : "nothing");
}

const struct lp_tree *lp_check_beside(struct lp_check *c, const struct lp_node *n,
				      const struct lp_type *type)
{
	type = lp_type_strip(type);
	if (n->kind != LP_NODE_NAME || type->kind != LP_TYPE_ENUM)
		return lp_check_expr(c, n);

	struct lp_check probe = *c;
	probe.err = NULL;
	const struct lp_tree *t = lp_check_expr(&probe, n);
	if (t)
		return t;

	const char *name = n->name;
	size_t len = n->len;
	for (size_t i = 0; i + 2 < n->len; i++)
		if (n->name[i] == ':') {
			name = n->name + i + 1;
			len = n->len - i - 1;
		}
	lp_type_complete(type, NULL);
	for (size_t i = 0; i < type->n_enumerators; i++)
		if (strlen(type->enumerators[i].name) == len &&
		    memcmp(type->enumerators[i].name, name, len) == 0)
			return lp_tree_int(c, n, type,
					   lp_int_cut(type, (uint64_t)type->enumerators[i].value));
	return probe.status == -ENOENT ? unknown_enumerator(c, n, type) : lp_check_expr(c, n);
}

static const struct lp_tree *negated(struct lp_check *c, const struct lp_node *n,
				     const struct lp_tree *a)
{
	if (!a || a->kind == LP_TREE_INT)
		return a ? lp_tree_int(c, n, &lp_type_bool, !a->value) : NULL;

	struct lp_tree *t = lp_tree_over(c, LP_TREE_UNARY, n, &lp_type_bool, a, NULL, NULL);
	if (t)
		t->op = LP_OPER_NOT;
	return t;
}

/* 'a' beside a string is a string of one. */
static const struct lp_tree *as_string(struct lp_check *c, const struct lp_tree *t)
{
	if (t->kind != LP_TREE_INT || t->type != &lp_type_char)
		return t;

	char byte = (char)t->value;
	struct lp_tree *s = lp_tree_new(c, LP_TREE_STRING, NULL, &lp_type_char_ptr);
	if (!s)
		return NULL;
	s->col = t->col;
	s->width = t->width;
	s->str = lp_arena_strndup(c->arena, &byte, 1);
	s->len = 1;
	return s;
}

size_t lp_tree_max_len(const struct lp_tree *t)
{
	if (t->kind == LP_TREE_STRING)
		return t->len;
	if (t->kind == LP_TREE_COMM)
		return LP_COMM_LEN;
	if (t->kind == LP_TREE_SLICE)
		return t->b->kind == LP_TREE_INT ? t->b->value : SIZE_MAX;

	const struct lp_type *type = lp_type_strip(t->type);
	if (type->kind == LP_TYPE_ARRAY && type->count != LP_TYPE_COUNT_UNKNOWN)
		return type->count;
	return SIZE_MAX;
}

static bool fold_strings(enum lp_strop strop, enum lp_operator op, const struct lp_tree *a,
			 const struct lp_tree *b, uint64_t *ret)
{
	size_t shorter = a->len < b->len ? a->len : b->len;
	int order = memcmp(a->str, b->str, shorter);

	switch (strop) {
	case LP_STR_PREFIX:
		*ret = order == 0 && b->len <= a->len;
		return true;
	case LP_STR_SUFFIX:
		*ret = b->len <= a->len && memcmp(a->str + a->len - b->len, b->str, b->len) == 0;
		return true;
	case LP_STR_HAS:
		*ret = memmem(a->str, a->len, b->str, b->len) != NULL;
		return true;
	case LP_STR_COMPARE:
		break;
	}
	if (!order)
		order = a->len < b->len ? -1 : a->len > b->len;
	return lp_int_binary(op, &lp_type_long, (uint64_t)(int64_t)order, 0, ret);
}

/* There is one pair of string buffers. */
static bool uses_buffers(const struct lp_tree *t)
{
	return t && (t->kind == LP_TREE_STRCMP || uses_buffers(t->a) || uses_buffers(t->b) ||
		     uses_buffers(t->c));
}

const struct lp_tree *lp_check_strop(struct lp_check *c, const struct lp_node *n,
				     enum lp_strop strop, enum lp_operator op,
				     const struct lp_tree *a, const struct lp_tree *b)
{
	a = as_string(c, a);
	b = a ? as_string(c, b) : NULL;
	if (!b)
		return NULL;

	const struct lp_tree *odd = !lp_tree_is_string(a) ? a : !lp_tree_is_string(b) ? b : NULL;
	if (odd)
		return lp_check_fail_at(c, EINVAL, odd->col, odd->width,
					"'%s' is no string: a 'char *', a 'char []' or a slice of "
					"bytes is (or cast it, as in (char *)p)",
					odd->type->name);

	if (lp_tree_needs_eval(a) || lp_tree_needs_eval(b))
		return lp_check_fail(c, n, "a choice between strings can be shown, not compared");
	if (uses_buffers(a) || uses_buffers(b))
		return lp_check_fail(c, n, "a string cannot depend on comparing others");

	size_t la = lp_tree_max_len(a), lb = lp_tree_max_len(b);
	if (strop == LP_STR_COMPARE && la < lb)
		lb = la;
	if (lb > LP_STRBUF_MAX - (strop == LP_STR_COMPARE))
		return lp_check_fail(c, n,
				     "one side of a string comparison must be a literal or an "
				     "array of at most %d bytes",
				     LP_STRBUF_MAX - (strop == LP_STR_COMPARE));

	uint64_t v;
	if (a->kind == LP_TREE_STRING && b->kind == LP_TREE_STRING &&
	    fold_strings(strop, op, a, b, &v))
		return lp_tree_int(c, n, &lp_type_bool, v);

	struct lp_tree *t = lp_tree_over(c, LP_TREE_STRCMP, n, &lp_type_bool, a, b, NULL);
	if (!t)
		return NULL;
	t->strop = strop;
	t->op = op;
	return t;
}

static bool is_text(const struct lp_tree *t, const struct lp_tree *beside)
{
	return lp_tree_is_text(t) ||
	       (t->kind == LP_TREE_INT && t->type == &lp_type_char && lp_tree_is_string(beside));
}

/* Content is compared where one side is more than a pointer; pointers alone compare as in C. */
static bool compares_text(const struct lp_tree *a, const struct lp_tree *b)
{
	bool null = (a->kind == LP_TREE_INT && lp_tree_is_pointer(a)) ||
		    (b->kind == LP_TREE_INT && lp_tree_is_pointer(b));

	return !null && (is_text(a, b) || is_text(b, a));
}

static const struct lp_tree *compare_floats(struct lp_check *c, const struct lp_node *n,
					    enum lp_operator op, const struct lp_tree *a,
					    const struct lp_tree *b)
{
	double x = a->f, y = b->f;

	bool v = op == LP_OPER_EQ   ? x == y
		 : op == LP_OPER_NE ? x != y
		 : op == LP_OPER_LT ? x < y
		 : op == LP_OPER_LE ? x <= y
		 : op == LP_OPER_GT ? x > y
				    : x >= y;
	return lp_tree_int(c, n, &lp_type_bool, v);
}

static void *enum_and_string(struct lp_check *c, const struct lp_node *n, const struct lp_tree *e)
{
	const struct lp_type *type = lp_type_strip(e->type);

	lp_type_complete(type, NULL);
	return lp_check_fail(c, n, "'%s' is compared with its enumerators, without quotes%s%s",
			     e->type->name, type->n_enumerators ? ", as " : "",
			     type->n_enumerators ? type->enumerators[0].name : "");
}

/* The numbers of codes are the program's own: a name is what can be meant. */
static bool is_code_and_other(struct lp_check *c, const struct lp_node *n, const struct lp_tree *a,
			      const struct lp_tree *b)
{
	if (a->type != &lp_type_signal_code || b->type == a->type)
		return false;
	lp_check_fail(c, n, "$code is compared with a name, as in '$code == SEGV_MAPERR'");
	return true;
}

const struct lp_tree *lp_check_compare(struct lp_check *c, const struct lp_node *n,
				       enum lp_operator op, const struct lp_tree *a,
				       const struct lp_tree *b)
{
	if (is_code_and_other(c, n, a, b))
		return NULL;
	if (lp_type_strip(a->type)->kind == LP_TYPE_ENUM && b->kind == LP_TREE_STRING)
		return enum_and_string(c, n, a);
	if (compares_text(a, b))
		return lp_check_strop(c, n, LP_STR_COMPARE, op, a, b);

	a = lp_check_value(c, n->a ? n->a : n, a);
	b = a ? lp_check_value(c, n->b ? n->b : n, b) : NULL;
	const struct lp_type *type = b ? lp_check_common(c, n, a, b) : NULL;
	/* a float and an integer: as double, which is exact for more integers than C's float */
	if (type == &lp_type_float && (lp_type_is_integer(a->type) || lp_type_is_integer(b->type)))
		type = &lp_type_double;
	a = type ? lp_check_convert(c, n, type, a) : NULL;
	b = a ? lp_check_convert(c, n, type, b) : NULL;
	if (!b)
		return NULL;

	uint64_t v;
	if (a->kind == LP_TREE_FLOAT && b->kind == LP_TREE_FLOAT)
		return compare_floats(c, n, op, a, b);
	if (a->kind == LP_TREE_INT && b->kind == LP_TREE_INT &&
	    lp_int_binary(op, type, a->value, b->value, &v))
		return lp_tree_int(c, n, &lp_type_bool, v);

	struct lp_tree *t = lp_tree_over(c, LP_TREE_BINARY, n, &lp_type_bool, a, b, NULL);
	if (t)
		t->op = op;
	return t;
}

/* All items constants of one type: they are compared with a value that is read once. */
static const struct lp_tree *any_of(struct lp_check *c, const struct lp_node *n,
				    const struct lp_tree *a, const struct lp_tree *const *items,
				    size_t n_items)
{
	const struct lp_type *type = NULL;

	if (!lp_type_is_scalar(a->type) || lp_type_strip(a->type)->kind == LP_TYPE_FLOAT ||
	    lp_type_strip(a->type)->size > 8 || a->kind == LP_TREE_STRING ||
	    a->kind == LP_TREE_COMM || n_items == 0)
		return NULL;
	for (size_t i = 0; i < n_items; i++) {
		if (items[i]->kind != LP_TREE_INT || (type && compares_text(a, items[i])))
			return NULL;
		const struct lp_type *common = lp_check_common(c, n, a, items[i]);
		if (!common || (type && type != common))
			return NULL;
		type = common;
	}

	uint64_t *values = lp_arena_array(c->arena, uint64_t, n_items);
	a = lp_check_convert(c, n, type, a);
	if (!a || !values || a->kind == LP_TREE_INT)
		return NULL;
	for (size_t i = 0; i < n_items; i++)
		values[i] = lp_int_cut(type, items[i]->value);

	struct lp_tree *t = lp_tree_over(c, LP_TREE_ANY_OF, n, &lp_type_bool, a, NULL, NULL);
	if (!t)
		return NULL;
	t->values = values;
	t->n_values = n_items;
	return t;
}

static const struct lp_tree *in_list(struct lp_check *c, const struct lp_node *n,
				     const struct lp_tree *a)
{
	const struct lp_tree *items[LIST_MAX];
	const struct lp_node *list = n->b;

	if (list->n_items > LIST_MAX)
		return lp_check_fail(c, list, "a list has at most %d items", LIST_MAX);
	for (size_t i = 0; i < list->n_items; i++)
		if (!(items[i] = lp_check_beside(c, list->items[i], a->type)) ||
		    is_code_and_other(c, list->items[i], a, items[i]))
			return NULL;

	const struct lp_tree *t = any_of(c, n, a, items, list->n_items);
	if (t || c->status)
		return t;

	t = lp_tree_int(c, n, &lp_type_bool, 0);
	for (size_t i = 0; t && i < list->n_items; i++) {
		const struct lp_tree *same = lp_check_compare(c, n, LP_OPER_EQ, a, items[i]);

		if (!same || (same->kind == LP_TREE_INT && !same->value))
			continue;
		if (same->kind == LP_TREE_INT)
			return same;
		if (t->kind == LP_TREE_INT) {
			t = same;
			continue;
		}
		struct lp_tree *either =
			lp_tree_over(c, LP_TREE_BINARY, n, &lp_type_bool, t, same, NULL);
		if (either)
			either->op = LP_OPER_OR;
		t = either;
	}
	return c->status ? NULL : t;
}

/* A character in a literal: its bytes are a list. */
static const struct lp_tree *in_literal(struct lp_check *c, const struct lp_node *n,
					const struct lp_tree *a, const struct lp_tree *literal)
{
	const struct lp_tree *items[LIST_MAX];

	if (literal->len > LIST_MAX)
		return lp_check_fail(c, n->b, "a list has at most %d items", LIST_MAX);
	for (size_t i = 0; i < literal->len; i++)
		if (!(items[i] = lp_tree_int(
			      c, n, &lp_type_int,
			      lp_int_cut(a->type, (uint64_t)(unsigned char)literal->str[i]))))
			return NULL;
	if (!literal->len)
		return lp_tree_int(c, n, &lp_type_bool, 0);
	return any_of(c, n, a, items, literal->len);
}

static const struct lp_tree *check_in(struct lp_check *c, const struct lp_node *n)
{
	const struct lp_tree *a = lp_check_expr(c, n->a);

	if (!a)
		return NULL;
	if (n->b->kind == LP_NODE_LIST)
		return in_list(c, n, a);

	const struct lp_tree *b = lp_check_expr(c, n->b);
	if (!b)
		return NULL;
	a = lp_tree_is_string(b) ? as_string(c, a) : a;
	if (a && lp_tree_is_string(b) && lp_tree_is_string(a))
		return lp_check_strop(c, n, LP_STR_HAS, LP_OPER_EQ, b, a);
	if (a && b->kind == LP_TREE_STRING && lp_type_is_byte(a->type))
		return in_literal(c, n, a, b);
	return lp_check_fail(c, n->b, "'in' wants a list, as in (1, 2), or a string to search in");
}

const struct lp_tree *lp_check_in(struct lp_check *c, const struct lp_node *n)
{
	const struct lp_tree *t = check_in(c, n);

	return n->op == LP_OPER_NOT_IN ? negated(c, n, t) : t;
}

/* A bound of a slice as a long, at most max. */
static const struct lp_tree *bound(struct lp_check *c, const struct lp_node *n, uint64_t max)
{
	const struct lp_tree *t = lp_check_expr(c, n);

	t = t ? lp_check_value(c, n, t) : NULL;
	if (!t)
		return NULL;
	if (!lp_type_is_integer(t->type))
		return lp_check_fail(c, n, "a bound of a slice is an integer, not '%s'",
				     t->type->name);
	if (lp_tree_needs_eval(t))
		return lp_check_fail(c, n, "a bound cannot depend on floating-point arithmetic");
	t = lp_check_convert(c, n, &lp_type_long, t);
	if (t && t->kind == LP_TREE_INT && (int64_t)t->value < 0)
		return lp_check_fail(c, n, "a bound of a native slice is not negative");
	if (!t || max == LP_TYPE_COUNT_UNKNOWN)
		return t;

	const struct lp_tree *end = lp_tree_int(c, n, &lp_type_long, max);
	if (!end || t->kind == LP_TREE_INT)
		return end && t->value > max ? end : t;
	const struct lp_tree *over = lp_check_compare(c, n, LP_OPER_GT, t, end);
	return over ? lp_tree_over(c, LP_TREE_COND, n, &lp_type_long, over, end, t) : NULL;
}

/* to - from, at least 0. */
static const struct lp_tree *slice_len(struct lp_check *c, const struct lp_node *n,
				       const struct lp_tree *from, const struct lp_tree *to)
{
	const struct lp_tree *len = to, *zero = lp_tree_int(c, n, &lp_type_long, 0);

	if (!zero)
		return NULL;
	if (from->kind == LP_TREE_INT && to->kind == LP_TREE_INT)
		return lp_tree_int(c, n, &lp_type_long,
				   to->value > from->value ? to->value - from->value : 0);
	if (from->kind != LP_TREE_INT || from->value != 0) {
		struct lp_tree *d =
			lp_tree_over(c, LP_TREE_BINARY, n, &lp_type_long, to, from, NULL);
		if (!d)
			return NULL;
		d->op = LP_OPER_SUB;
		len = d;
	}
	const struct lp_tree *under = lp_check_compare(c, n, LP_OPER_LT, len, zero);
	return under ? lp_tree_over(c, LP_TREE_COND, n, &lp_type_long, under, zero, len) : NULL;
}

static const struct lp_type *slice_type(struct lp_check *c, const struct lp_type *element,
					const struct lp_tree *len)
{
	struct lp_type *t = lp_arena_new(c->arena, struct lp_type);
	bool fixed = len->kind == LP_TREE_INT;
	char *name = fixed ? lp_arena_fmt(c->arena, "%s[%llu]", element->name,
					  (unsigned long long)len->value)
			   : lp_arena_fmt(c->arena, "%s[]", element->name);

	if (!t || !name) {
		c->status = lp_err_nomem(c->err);
		return NULL;
	}
	t->kind = LP_TYPE_ARRAY;
	t->complete = true;
	t->name = name;
	t->target = element;
	t->count = fixed ? len->value : LP_TYPE_COUNT_UNKNOWN;
	if (fixed)
		__builtin_mul_overflow(len->value, lp_type_strip(element)->size, &t->size);
	return t;
}

/* The pointer moved by `from` items. */
static const struct lp_tree *slice_start(struct lp_check *c, const struct lp_node *n,
					 const struct lp_tree *p, const struct lp_tree *from,
					 uint64_t size)
{
	if (from->kind == LP_TREE_INT && from->value == 0)
		return p;

	struct lp_tree *offset = lp_tree_over(c, LP_TREE_BINARY, n, &lp_type_long, from,
					      lp_tree_int(c, n, &lp_type_long, size), NULL);
	if (!offset)
		return NULL;
	offset->op = LP_OPER_MUL;
	if (from->kind == LP_TREE_INT) {
		offset->kind = LP_TREE_INT;
		offset->value = from->value * size;
	}

	struct lp_tree *start = lp_tree_over(c, LP_TREE_BINARY, n, p->type, p, offset, NULL);
	if (start)
		start->op = LP_OPER_ADD;
	return start;
}

const struct lp_tree *lp_check_slice(struct lp_check *c, const struct lp_node *n)
{
	const struct lp_tree *a = lp_check_expr(c, n->a);
	const struct lp_tree *p = a ? lp_check_value(c, n->a, a) : NULL;

	if (!p)
		return NULL;
	if (!lp_tree_is_pointer(p))
		return lp_check_fail(c, n->a, "'%s' has no elements: only arrays and pointers do",
				     a->type->name);

	const struct lp_type *whole = lp_type_strip(a->type);
	uint64_t max = whole->kind == LP_TYPE_ARRAY ? whole->count : LP_TYPE_COUNT_UNKNOWN;
	const struct lp_type *element = lp_type_strip(p->type)->target;
	uint64_t size = element ? lp_type_strip(element)->size : 0;
	if (!size)
		return lp_check_fail(c, n->a, "the size of what '%s' points to is not known",
				     p->type->name);
	if (n->d)
		return lp_check_fail(c, n->d, "a slice has two ends and no step here");
	if (!n->c && max == LP_TYPE_COUNT_UNKNOWN)
		return lp_check_fail(c, n, "a slice of a pointer needs an end, as in p[:len]");

	const struct lp_tree *from =
		n->b ? bound(c, n->b, max) : lp_tree_int(c, n, &lp_type_long, 0);
	const struct lp_tree *to = !from  ? NULL
				   : n->c ? bound(c, n->c, max)
					  : lp_tree_int(c, n, &lp_type_long, max);
	const struct lp_tree *len = to ? slice_len(c, n, from, to) : NULL;
	const struct lp_type *type = len ? slice_type(c, element, len) : NULL;
	p = type ? slice_start(c, n, p, from, size) : NULL;
	return p ? lp_tree_over(c, LP_TREE_SLICE, n, type, p, len, NULL) : NULL;
}
