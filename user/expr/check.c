// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "expr/tree.h"

void *lp_check_fail_at(struct lp_check *c, int code, int col, int width, const char *fmt, ...)
{
	char msg[sizeof(c->err->msg)];
	va_list ap;

	if (c->status)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	c->status = lp_err_at(c->err, code, col, width, "%s", msg);
	return NULL;
}

void *lp_check_fail(struct lp_check *c, const struct lp_node *n, const char *fmt, ...)
{
	char msg[sizeof(c->err->msg)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	return lp_check_fail_at(c, EINVAL, n ? n->col : 0, n ? n->width : 0, "%s", msg);
}

struct lp_tree *lp_tree_new(struct lp_check *c, enum lp_tree_kind kind, const struct lp_node *at,
			    const struct lp_type *type)
{
	struct lp_tree *t = lp_arena_new(c->arena, struct lp_tree);

	if (!t) {
		c->status = lp_err_nomem(c->err);
		return NULL;
	}
	t->kind = kind;
	t->type = type;
	t->col = at ? at->col : 0;
	t->width = at ? at->width : 0;
	return t;
}

struct lp_tree *lp_tree_over(struct lp_check *c, enum lp_tree_kind kind, const struct lp_node *at,
			     const struct lp_type *type, const struct lp_tree *a,
			     const struct lp_tree *b, const struct lp_tree *cc)
{
	struct lp_tree *t = lp_tree_new(c, kind, at, type);
	const struct lp_tree *kids[] = { a, b, cc };

	if (!t)
		return NULL;
	t->a = a;
	t->b = b;
	t->c = cc;
	for (size_t i = 0; i < LP_ARRAY_SIZE(kids); i++) {
		if (!kids[i])
			continue;
		t->needs |= kids[i]->needs;
		if (!t->redacted)
			t->redacted = kids[i]->redacted;
	}
	return t;
}

const struct lp_tree *lp_tree_int(struct lp_check *c, const struct lp_node *at,
				  const struct lp_type *type, uint64_t value)
{
	struct lp_tree *t = lp_tree_new(c, LP_TREE_INT, at, type);

	if (t)
		t->value = value;
	return t;
}

bool lp_tree_is_object(const struct lp_tree *t)
{
	return t->kind == LP_TREE_VAR || t->kind == LP_TREE_MEMBER || t->kind == LP_TREE_DEREF;
}

bool lp_tree_is_pointer(const struct lp_tree *t)
{
	return lp_type_strip(t->type)->kind == LP_TYPE_POINTER;
}

bool lp_type_is_byte(const struct lp_type *t)
{
	t = lp_type_strip(t);
	return t->size == 1 && (t->kind == LP_TYPE_CHAR || t->kind == LP_TYPE_INT);
}

static bool leads_to_bytes(const struct lp_type *t, enum lp_type_kind kind)
{
	t = lp_type_strip(t);
	if (t->kind != kind)
		return false;
	lp_type_complete(t, NULL);
	return t->target && lp_type_is_byte(t->target);
}

bool lp_tree_is_text(const struct lp_tree *t)
{
	return t->kind == LP_TREE_STRING || t->kind == LP_TREE_COMM ||
	       leads_to_bytes(t->type, LP_TYPE_ARRAY);
}

bool lp_tree_is_string(const struct lp_tree *t)
{
	return lp_tree_is_text(t) || leads_to_bytes(t->type, LP_TYPE_POINTER);
}

const struct lp_type *lp_check_pointer_to(struct lp_check *c, const struct lp_type *t)
{
	const struct lp_type *p = c->entry->ops->pointer_to(c->entry, t);

	if (!p && !c->status)
		c->status = lp_err_nomem(c->err);
	return p;
}

/* A reference is what it refers to. */
static const struct lp_tree *follow_reference(struct lp_check *c, const struct lp_node *n,
					      const struct lp_tree *t)
{
	if (!t || c->status || lp_type_strip(t->type)->kind != LP_TYPE_REFERENCE)
		return t;

	const struct lp_type *ref = lp_type_strip(t->type);
	lp_type_complete(ref, NULL);
	if (!ref->target)
		return lp_check_fail(c, n, "'%s' refers to an unknown type", ref->name);

	const struct lp_type *pointer = lp_check_pointer_to(c, ref->target);
	if (!pointer)
		return NULL;
	struct lp_tree *value = lp_arena_dup(c->arena, t, sizeof(*t));
	if (!value) {
		c->status = lp_err_nomem(c->err);
		return NULL;
	}
	value->type = pointer;
	return lp_tree_over(c, LP_TREE_DEREF, n, ref->target, value, NULL, NULL);
}

static const struct lp_tree *check_literal(struct lp_check *c, const struct lp_node *n)
{
	switch (n->kind) {
	case LP_NODE_INT:
		return lp_tree_int(c, n, n->literal_type, n->value);
	case LP_NODE_CHAR:
		return lp_tree_int(c, n, &lp_type_char, n->value);
	case LP_NODE_BOOL:
		return lp_tree_int(c, n, &lp_type_bool, n->value);
	case LP_NODE_NULL:
		return lp_tree_int(c, n, &lp_type_void_ptr, 0);
	default:
		break;
	}

	bool is_float = n->kind == LP_NODE_FLOAT;
	struct lp_tree *t = lp_tree_new(c, is_float ? LP_TREE_FLOAT : LP_TREE_STRING, n,
					is_float ? n->literal_type : &lp_type_char_ptr);
	if (!t)
		return NULL;
	t->f = n->f;
	t->str = n->name;
	t->len = n->len;
	return t;
}

/* Text that the program does not have in its memory. */
static bool has_no_place(const struct lp_tree *t)
{
	return t->kind == LP_TREE_STRING || t->kind == LP_TREE_COMM;
}

static const struct lp_tree *check_text_cond(struct lp_check *c, const struct lp_node *n,
					     const struct lp_tree *cond, const struct lp_tree *yes,
					     const struct lp_tree *no)
{
	if (c->in_condition)
		return lp_check_fail(c, n,
				     "a condition cannot choose between strings: compare "
				     "each of them");
	if (!lp_tree_is_string(yes) || !lp_tree_is_string(no))
		return lp_check_fail(c, n, "one branch is a string, the other '%s'",
				     lp_tree_is_string(yes) ? no->type->name : yes->type->name);
	return lp_tree_over(c, LP_TREE_COND, n, &lp_type_char_ptr, cond, yes, no);
}

static const struct lp_tree *check_cond(struct lp_check *c, const struct lp_node *n)
{
	const struct lp_tree *cond = lp_check_expr(c, n->a);
	const struct lp_tree *yes = cond ? lp_check_expr(c, n->b) : NULL;
	const struct lp_tree *no = yes ? lp_check_expr(c, n->c) : NULL;

	cond = no ? lp_check_truth(c, n->a, cond) : NULL;
	if (!cond)
		return NULL;
	if (cond->kind == LP_TREE_INT)
		return cond->value ? yes : no;
	if (has_no_place(yes) || has_no_place(no))
		return check_text_cond(c, n, cond, yes, no);

	yes = lp_check_value(c, n->b, yes);
	no = yes ? lp_check_value(c, n->c, no) : NULL;
	if (!no)
		return NULL;
	const struct lp_type *type = yes->type;
	if (lp_tree_is_pointer(yes) && lp_tree_is_pointer(no)) {
		/* beside a null pointer, the other's */
		if (yes->kind == LP_TREE_INT)
			type = no->type;
	} else if (lp_type_strip(type) != lp_type_strip(no->type)) {
		type = lp_check_common(c, n, yes, no);
		yes = type ? lp_check_convert(c, n->b, type, yes) : NULL;
		no = yes ? lp_check_convert(c, n->c, type, no) : NULL;
	}
	return no ? lp_tree_over(c, LP_TREE_COND, n, type, cond, yes, no) : NULL;
}

static const struct lp_tree *check_cast(struct lp_check *c, const struct lp_node *n)
{
	const struct lp_type *type = lp_check_type_name(c, n->type_name, true);
	const struct lp_tree *a = type ? lp_check_expr(c, n->a) : NULL;

	a = a ? lp_check_value(c, n->a, a) : NULL;
	if (!a)
		return NULL;
	if (!lp_type_is_scalar(type))
		return lp_check_fail(c, n, "cannot cast to '%s': only to numbers and pointers",
				     type->name);
	if (lp_type_strip(a->type)->kind == LP_TYPE_FLOAT &&
	    lp_type_strip(type)->kind == LP_TYPE_POINTER)
		return lp_check_fail(c, n, "cannot cast '%s' to '%s'", a->type->name, type->name);
	return lp_check_convert(c, n, type, a);
}

static const struct lp_tree *check_sizeof(struct lp_check *c, const struct lp_node *n)
{
	const struct lp_type *type = NULL;

	if (!n->a) {
		type = lp_check_type_name(c, n->type_name, true);
	} else {
		/* a name can be a variable's or, failing that, a type's */
		struct lp_check probe = *c;

		probe.err = NULL;
		const struct lp_tree *a = lp_check_expr(n->type_name ? &probe : c, n->a);
		if (a)
			type = a->kind == LP_TREE_STRING ? NULL : a->type;
		else if (n->type_name)
			type = lp_check_type_name(c, n->type_name, false);
		if (!type && !c->status)
			lp_check_expr(c, n->a);
	}
	if (!type)
		return c->status ? NULL : lp_check_fail(c, n, "this has no size");
	lp_type_complete(lp_type_strip(type), NULL);
	if (!lp_type_strip(type)->size)
		return lp_check_fail(c, n, "the size of '%s' is not known here", type->name);
	return lp_tree_int(c, n, &lp_type_ulong, lp_type_strip(type)->size);
}

static bool derives_from(const struct lp_type *t, const struct lp_type *base, int depth)
{
	t = lp_type_strip(t);
	if (t == base || (strcmp(t->name, base->name) == 0 && t->kind == base->kind))
		return true;
	if (depth > LP_NESTING_MAX || t->kind != LP_TYPE_STRUCT)
		return false;
	lp_type_complete(t, NULL);
	for (size_t i = 0; i < t->n_members; i++)
		if (t->members[i].is_base && derives_from(t->members[i].type, base, depth + 1))
			return true;
	return false;
}

static const struct lp_type *class_type(struct lp_check *c, const struct lp_node *n)
{
	if (n->type_name)
		return lp_check_type_name(c, n->type_name, true);
	return lp_check_fail(c, n, "this is no type here: types of native code have no '.'");
}

static bool is_instance(const struct lp_type *t, const struct lp_type *type)
{
	t = lp_type_strip(t);
	type = lp_type_strip(type);
	while ((t->kind == LP_TYPE_POINTER && t->target) && type->kind != LP_TYPE_POINTER) {
		lp_type_complete(t, NULL);
		t = lp_type_strip(t->target);
	}
	return derives_from(t, type, 0);
}

static const struct lp_tree *check_isinstance(struct lp_check *c, const struct lp_node *n)
{
	const struct lp_tree *a = lp_check_expr(c, n->a);
	struct lp_node *const *types = n->b->kind == LP_NODE_LIST ? n->b->items : &n->b;
	size_t n_types = n->b->kind == LP_NODE_LIST ? n->b->n_items : 1;
	bool is = false;

	for (size_t i = 0; a && i < n_types; i++) {
		const struct lp_type *type = class_type(c, types[i]);

		if (!type)
			return NULL;
		is = is || is_instance(a->type, type);
	}
	return a ? lp_tree_int(c, n, &lp_type_bool, is) : NULL;
}

/* len(x), type(x) */
static const struct lp_tree *check_call(struct lp_check *c, const struct lp_node *n)
{
	const struct lp_tree *a = lp_check_expr(c, n->a);

	if (!a)
		return NULL;
	if (strcmp(n->name, "type") == 0) {
		struct lp_tree *t = lp_tree_new(c, LP_TREE_STRING, n, &lp_type_char_ptr);

		if (!t)
			return NULL;
		t->str = a->type->name;
		t->len = strlen(t->str);
		return t;
	}

	const struct lp_type *type = lp_type_strip(a->type);
	if (a->kind == LP_TREE_STRING)
		return lp_tree_int(c, n, &lp_type_ulong, a->len);
	if (a->kind == LP_TREE_SLICE)
		return lp_check_convert(c, n, &lp_type_ulong, a->b);
	if (type->kind == LP_TYPE_ARRAY && type->count != LP_TYPE_COUNT_UNKNOWN)
		return lp_tree_int(c, n, &lp_type_ulong, type->count);
	if (a->kind != LP_TREE_COMM && lp_tree_is_string(a))
		return lp_tree_over(c, LP_TREE_STRLEN, n, &lp_type_ulong, a, NULL, NULL);
	return lp_check_fail(c, n->a, "'%s' has no length: arrays, slices and C strings have one",
			     type->name);
}

static const struct lp_tree *check_method(struct lp_check *c, const struct lp_node *n)
{
	const struct lp_tree *a = lp_check_expr(c, n->a);
	const struct lp_tree *b = a ? lp_check_expr(c, n->b) : NULL;

	if (!b)
		return NULL;
	return lp_check_strop(c, n, n->name[0] == 's' ? LP_STR_PREFIX : LP_STR_SUFFIX, LP_OPER_EQ,
			      a, b);
}

static const struct lp_tree *check_big(struct lp_check *c, const struct lp_node *n)
{
	return lp_check_fail(c, n, "number does not fit in 64 bits");
}

static const struct lp_tree *check_list(struct lp_check *c, const struct lp_node *n)
{
	return lp_check_fail(c, n, "a list can only be right of 'in'");
}

typedef const struct lp_tree *check_fn(struct lp_check *c, const struct lp_node *n);

static check_fn *const checks[] = {
	[LP_NODE_NAME] = lp_check_name,
	[LP_NODE_DOLLAR] = lp_check_dollar,
	[LP_NODE_NUMBERED] = lp_check_numbered,
	[LP_NODE_INT] = check_literal,
	[LP_NODE_BIG] = check_big,
	[LP_NODE_FLOAT] = check_literal,
	[LP_NODE_CHAR] = check_literal,
	[LP_NODE_STRING] = check_literal,
	[LP_NODE_NULL] = check_literal,
	[LP_NODE_BOOL] = check_literal,
	[LP_NODE_LIST] = check_list,
	[LP_NODE_UNARY] = lp_check_unary,
	[LP_NODE_BINARY] = lp_check_binary,
	[LP_NODE_COND] = check_cond,
	[LP_NODE_MEMBER] = lp_check_member,
	[LP_NODE_INDEX] = lp_check_index,
	[LP_NODE_SLICE] = lp_check_slice,
	[LP_NODE_CAST] = check_cast,
	[LP_NODE_SIZEOF] = check_sizeof,
	[LP_NODE_ISINSTANCE] = check_isinstance,
	[LP_NODE_CALL] = check_call,
	[LP_NODE_METHOD] = check_method,
};

const struct lp_tree *lp_check_expr(struct lp_check *c, const struct lp_node *n)
{
	const struct lp_tree *t = checks[n->kind](c, n);

	return c->status ? NULL : follow_reference(c, n, t);
}

const struct lp_tree *lp_check_var(struct lp_check *c, struct lp_scope *scope,
				   const struct lp_var *v)
{
	struct lp_node *n = lp_arena_new(c->arena, struct lp_node);
	struct lp_tree *t = n ? lp_tree_new(c, LP_TREE_VAR, NULL, v->type) : NULL;

	if (!t) {
		c->status = lp_err_nomem(c->err);
		return NULL;
	}
	n->name = v->name;
	n->len = v->name ? strlen(v->name) : 0;
	t->var = *v;
	t->scope = scope;
	t->needs = scope == c->leave ? LP_NEEDS_LEAVE : LP_NEEDS_ENTRY;
	if (v->name && lp_redacted(c->limits->redact, v->name, strlen(v->name)))
		t->redacted = n;
	return follow_reference(c, NULL, t);
}

const struct lp_tree *lp_check_condition(struct lp_check *c, const struct lp_node *n)
{
	c->in_condition = true;

	const struct lp_tree *t = lp_check_expr(c, n);
	t = t ? lp_check_truth(c, n, t) : NULL;
	if (!t)
		return NULL;

	if (t->redacted) {
		const struct lp_node *name = t->redacted;

		return lp_check_fail(c, name,
				     "'%.*s' is redacted: a condition cannot read it "
				     "(--no-redact %.*s)",
				     (int)name->len, name->name, (int)name->len, name->name);
	}
	const struct lp_tree *e = lp_tree_needs_eval(t);
	if (e)
		return lp_check_fail_at(c, EINVAL, e->col, e->width,
					"the kernel has no floating-point arithmetic: a condition "
					"can only compare such values, a template can compute");
	return t;
}
