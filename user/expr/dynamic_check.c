// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "expr/dynamic.h"

struct lp_dyn lp_dyn_node(enum lp_dyn_kind kind, const struct lp_node *at, enum lp_dyn_type type)
{
	return (struct lp_dyn){
		.kind = kind, .type = type, .col = at ? at->col : 0, .width = at ? at->width : 0
	};
}

static bool same_text(const char *a, size_t la, const char *b, size_t lb)
{
	return la == lb && (la == 0 || memcmp(a, b, la) == 0);
}

static bool same_constant(const struct lp_value *a, const struct lp_value *b)
{
	return a->kind == b->kind && a->u == b->u && same_text(a->str, a->len, b->str, b->len);
}

static bool is_same(const struct lp_dyn *a, const struct lp_dyn *b)
{
	if (a->kind != b->kind || a->op != b->op || a->a != b->a || a->b != b->b || a->c != b->c ||
	    a->n_items != b->n_items || a->ctx != b->ctx || a->meta != b->meta ||
	    a->who != b->who || a->scope != b->scope)
		return false;
	for (size_t i = 0; i < a->n_items; i++)
		if (a->items[i] != b->items[i])
			return false;
	return same_text(a->name, a->len, b->name, b->len) &&
	       same_constant(&a->constant, &b->constant);
}

static unsigned int hash_of(const struct lp_dyn *t)
{
	const uint64_t words[] = { (uint64_t)t->kind, (uint64_t)t->op, (uintptr_t)t->a,
				   (uintptr_t)t->b,   (uintptr_t)t->c, t->n_items,
				   t->constant.u };
	uint64_t h = 14695981039346656037ull;

	for (size_t i = 0; i < LP_ARRAY_SIZE(words); i++)
		h = (h ^ words[i]) * 1099511628211ull;
	for (size_t i = 0; i < t->len; i++)
		h = (h ^ (unsigned char)t->name[i]) * 1099511628211ull;
	return (unsigned int)(h >> 32) % LP_DYN_BUCKETS;
}

static void inherit(struct lp_dyn *t, const struct lp_dyn *kid)
{
	t->needs |= kid->needs;
	if (!t->redacted)
		t->redacted = kid->redacted;
}

/* Text that nodes keep lives as long as the template. */
static bool own_text(struct lp_dyn_check *c, struct lp_dyn *t)
{
	struct lp_arena *a = c->base.arena;

	if (t->name)
		t->name = lp_arena_strndup(a, t->name, t->len);
	if (t->constant.str)
		t->constant.str = lp_arena_strndup(a, t->constant.str, t->constant.len);
	if (t->n_items)
		t->items = lp_arena_dup(a, t->items, t->n_items * sizeof(struct lp_dyn *));
	return (!t->len || t->name) && (!t->n_items || t->items) &&
	       (!t->constant.len || t->constant.str);
}

struct lp_dyn *lp_dyn_share(struct lp_dyn_check *c, struct lp_dyn *t)
{
	unsigned int h = hash_of(t);
	struct lp_dyn *const kids[] = { t->a, t->b, t->c };

	for (struct lp_dyn *old = c->buckets[h]; old; old = old->same_hash)
		if (is_same(old, t))
			return old;
	for (size_t i = 0; i < LP_ARRAY_SIZE(kids); i++)
		if (kids[i]) {
			inherit(t, kids[i]);
			kids[i]->refs++;
		}
	for (size_t i = 0; i < t->n_items; i++) {
		inherit(t, t->items[i]);
		t->items[i]->refs++;
	}

	struct lp_dyn *own = own_text(c, t) ? lp_arena_dup(c->base.arena, t, sizeof(*t)) : NULL;
	if (!own) {
		c->base.status = lp_err_nomem(c->base.err);
		return NULL;
	}
	own->same_hash = c->buckets[h];
	c->buckets[h] = own;
	own->older = c->latest;
	c->latest = own;
	return own;
}

struct lp_dyn *lp_dyn_constant(struct lp_dyn_check *c, const struct lp_node *at,
			       const struct lp_value *v)
{
	static const enum lp_dyn_type types[] = {
		[LP_VAL_NULL] = LP_DYN_NONE,  [LP_VAL_BOOL] = LP_DYN_BOOL,
		[LP_VAL_INT] = LP_DYN_INT,    [LP_VAL_UINT] = LP_DYN_INT,
		[LP_VAL_BIGINT] = LP_DYN_INT, [LP_VAL_FLOAT] = LP_DYN_FLOAT,
		[LP_VAL_STRING] = LP_DYN_STR, [LP_VAL_BYTES] = LP_DYN_BYTES,
	};
	struct lp_dyn t = lp_dyn_node(LP_DYN_CONST, at, types[v->kind]);

	t.constant = *v;
	t.constant.is_python = true;
	return lp_dyn_share(c, &t);
}

static struct lp_dyn *check_int(struct lp_dyn_check *c, const struct lp_node *n)
{
	struct lp_value v = { .kind = n->value > INT64_MAX ? LP_VAL_UINT : LP_VAL_INT,
			      .size = 8,
			      .u = n->value };
	const char *text = c->text ? c->text + n->col - 1 + n->parens : "";

	if (text[0] == '0' && text[1] >= '0' && text[1] <= '9')
		return lp_check_fail(&c->base, n,
				     "Python has no such number: an octal one begins with 0o");
	return lp_dyn_constant(c, n, &v);
}

static struct lp_dyn *check_float(struct lp_dyn_check *c, const struct lp_node *n)
{
	struct lp_value v = { .kind = LP_VAL_FLOAT, .size = 8, .f = n->f };

	return lp_dyn_constant(c, n, &v);
}

static struct lp_dyn *check_string(struct lp_dyn_check *c, const struct lp_node *n)
{
	struct lp_value v = { .kind = n->is_bytes ? LP_VAL_BYTES : LP_VAL_STRING,
			      .str = n->name,
			      .len = n->len };

	if (n->c_escapes && !n->is_bytes)
		return lp_check_fail(&c->base, n,
				     "this escape means a byte in C and a character in Python: "
				     "write the character itself");
	return lp_dyn_constant(c, n, &v);
}

static struct lp_dyn *check_null(struct lp_dyn_check *c, const struct lp_node *n)
{
	struct lp_value v = { .kind = LP_VAL_NULL, .size = 8 };

	return lp_dyn_constant(c, n, &v);
}

static struct lp_dyn *check_bool(struct lp_dyn_check *c, const struct lp_node *n)
{
	struct lp_value v = { .kind = LP_VAL_BOOL, .size = 1, .u = n->value };

	return lp_dyn_constant(c, n, &v);
}

static struct lp_dyn *check_numbered(struct lp_dyn_check *c, const struct lp_node *n)
{
	return lp_check_fail(&c->base, n,
			     "numbered arguments are those of static probes: Python's have names");
}

static struct lp_dyn *check_list(struct lp_dyn_check *c, const struct lp_node *n)
{
	return lp_check_fail(&c->base, n,
			     n->is_tuple
				     ? "a tuple can only be a key, or compared: nothing is made "
				       "in the program"
				     : "a list can only be right of 'in': nothing is made in "
				       "the program");
}

static struct lp_dyn *check_cast(struct lp_dyn_check *c, const struct lp_node *n)
{
	return lp_check_fail(&c->base, n,
			     "a cast is C's: Python's objects know their types themselves");
}

static struct lp_dyn *check_sizeof(struct lp_dyn_check *c, const struct lp_node *n)
{
	return lp_check_fail(&c->base, n, "sizeof is C's: 'len' is how long a Python object is");
}

bool lp_dyn_is_loaded(struct lp_dyn_check *c, const struct lp_node *n, const struct lp_dyn *t)
{
	if (t->kind == LP_DYN_META) {
		lp_check_fail(&c->base, n, "this can only be shown, compared and computed with");
		return false;
	}
	if (t->computes && !c->base.in_condition) {
		lp_check_fail(
			&c->base, n,
			"this is computed after the hit, when the program's objects are gone: "
			"nothing of it can be looked up");
		return false;
	}
	return true;
}

/* Objects of the entry may be gone or changed when the function returns. */
static bool is_of_one_half(struct lp_dyn_check *c, const struct lp_node *n, const struct lp_dyn *t)
{
	if (!t || t->needs != (LP_NEEDS_ENTRY | LP_NEEDS_LEAVE))
		return true;
	lp_check_fail(&c->base, n,
		      "one operand is of the entry, the other of the return: these can be compared "
		      "and computed with, not looked up in each other");
	return false;
}

static struct lp_dyn *share_loaded(struct lp_dyn_check *c, const struct lp_node *n,
				   struct lp_dyn *t)
{
	struct lp_dyn *own = c->base.status ? NULL : lp_dyn_share(c, t);

	return is_of_one_half(c, n, own) ? own : NULL;
}

static struct lp_dyn *check_loaded(struct lp_dyn_check *c, const struct lp_node *n)
{
	struct lp_dyn *t = lp_dyn_check_expr(c, n);

	return t && lp_dyn_is_loaded(c, n, t) ? t : NULL;
}

/* What has no attributes and items, whatever the program does. */
static bool has_parts(struct lp_dyn_check *c, const struct lp_node *n, const struct lp_dyn *t,
		      const char *what)
{
	static const char *const names[] = { [LP_DYN_INT] = "an int",
					     [LP_DYN_BOOL] = "a bool",
					     [LP_DYN_FLOAT] = "a float",
					     [LP_DYN_NONE] = "None" };

	if (t->type >= LP_ARRAY_SIZE(names) || !names[t->type])
		return true;
	lp_check_fail(&c->base, n, "this is %s: it has no %s", names[t->type], what);
	return false;
}

static struct lp_dyn *check_member(struct lp_dyn_check *c, const struct lp_node *n)
{
	struct lp_dyn t = lp_dyn_node(LP_DYN_ATTR, n, LP_DYN_ANY);
	struct lp_scope *scope = c->base.leave ? c->base.leave : c->base.entry;
	lp_auto(lp_free) char *mangled = NULL;

	t.a = check_loaded(c, n->a);
	if (!t.a || !has_parts(c, n->a, t.a, "attributes that a program reads"))
		return NULL;
	if (memchr(n->name, ':', n->len))
		return lp_check_fail_at(&c->base, EINVAL, n->at_col, n->at_width,
					"'::' is C++'s: Python's names have '.'");
	t.name = n->name;
	t.len = n->len;
	if (scope->dynamic->mangle) {
		t.name = mangled = scope->dynamic->mangle(scope, n->name, n->len);
		if (!mangled) {
			c->base.status = lp_err_nomem(c->base.err);
			return NULL;
		}
		t.len = strlen(mangled);
	}
	if (lp_redacted(c->base.limits->redact, n->name, n->len))
		t.redacted = n;
	return share_loaded(c, n, &t);
}

static struct lp_dyn *check_index(struct lp_dyn_check *c, const struct lp_node *n)
{
	struct lp_dyn t = lp_dyn_node(LP_DYN_ITEM, n, LP_DYN_ANY);

	t.a = check_loaded(c, n->a);
	t.b = t.a && has_parts(c, n->a, t.a, "items") ? lp_dyn_check_key(c, n->b) : NULL;
	if (!t.b)
		return NULL;
	if (t.b->kind == LP_DYN_META)
		return lp_dyn_is_loaded(c, n->b, t.b) ? t.b : NULL;
	if (t.b->computes && (t.b->type == LP_DYN_STR || t.b->type == LP_DYN_FLOAT))
		return lp_check_fail(&c->base, n->b,
				     "the kernel adds whole numbers only: no key can be made here");
	if (n->b->kind == LP_NODE_STRING &&
	    lp_redacted(c->base.limits->redact, n->b->name, n->b->len))
		t.redacted = n->b;
	return share_loaded(c, n, &t);
}

static bool check_end(struct lp_dyn_check *c, const struct lp_node *n, struct lp_dyn **ret)
{
	if (!n)
		return true;
	*ret = lp_dyn_check_expr(c, n);
	if (!*ret)
		return false;
	if ((*ret)->type != LP_DYN_ANY && (*ret)->type != LP_DYN_INT && (*ret)->type != LP_DYN_BOOL)
		lp_check_fail(&c->base, n, "a slice's ends and step are ints");
	else if ((*ret)->kind == LP_DYN_META)
		lp_dyn_is_loaded(c, n, *ret);
	return !c->base.status;
}

/* The kernel side takes the slice, the collector every so many items of it. */
static struct lp_dyn *check_step(struct lp_dyn_check *c, const struct lp_node *n,
				 struct lp_dyn *slice)
{
	struct lp_dyn t = lp_dyn_node(LP_DYN_STEP, n, LP_DYN_ANY);
	const bool is_whole = !n->b && !n->c;

	if (c->base.in_condition)
		return lp_check_fail(&c->base, n->d, "a slice with a step is for templates");
	if (!check_end(c, n->d, &t.b))
		return NULL;
	if (t.b->kind == LP_DYN_CONST && t.b->constant.kind == LP_VAL_INT && !t.b->constant.s)
		return lp_check_fail(&c->base, n->d, "a slice's step is not 0");
	if (t.b->kind == LP_DYN_CONST && t.b->constant.s < 0 && !is_whole)
		return lp_check_fail(&c->base, n->d,
				     "backwards only the whole can be taken here: [::%lld]",
				     (long long)t.b->constant.s);
	t.a = slice;
	t.constant = (struct lp_value){ .kind = LP_VAL_BOOL, .s = is_whole };
	t.computes = true;
	return lp_dyn_share(c, &t);
}

static struct lp_dyn *check_slice(struct lp_dyn_check *c, const struct lp_node *n)
{
	struct lp_dyn t = lp_dyn_node(LP_DYN_SLICE, n, LP_DYN_ANY);

	t.a = check_loaded(c, n->a);
	if (!t.a || !has_parts(c, n->a, t.a, "items") || !check_end(c, n->b, &t.b) ||
	    !check_end(c, n->c, &t.c))
		return NULL;

	struct lp_dyn *slice = share_loaded(c, n, &t);
	return slice && n->d ? check_step(c, n, slice) : slice;
}

/* len(x), type(x) */
static struct lp_dyn *check_call(struct lp_dyn_check *c, const struct lp_node *n)
{
	bool is_len = n->name[0] == 'l';
	struct lp_dyn t =
		lp_dyn_node(is_len ? LP_DYN_LEN : LP_DYN_TYPE, n, is_len ? LP_DYN_INT : LP_DYN_ANY);

	t.a = check_loaded(c, n->a);
	if (!t.a || (is_len && !has_parts(c, n->a, t.a, "length")))
		return NULL;
	return share_loaded(c, n, &t);
}

static struct lp_dyn *check_class(struct lp_dyn_check *c, const struct lp_node *n)
{
	if (n->type_name && (n->type_name->stars || strpbrk(n->name, " <:")))
		return lp_check_fail(&c->base, n, "'%.100s' is a type of C: Python's are classes",
				     n->name);
	return check_loaded(c, n);
}

/* x in (a, b), and the like: each item checked. */
static bool check_items(struct lp_dyn_check *c, const struct lp_node *list, struct lp_dyn *t,
			struct lp_dyn *(*check)(struct lp_dyn_check *c, const struct lp_node *n))
{
	struct lp_node *const *from = list->kind == LP_NODE_LIST ? list->items : NULL;
	size_t n = from ? list->n_items : 1;

	t->items = lp_arena_array(c->base.arena, struct lp_dyn *, n + 1);
	if (!t->items) {
		c->base.status = lp_err_nomem(c->base.err);
		return false;
	}
	if (list->kind == LP_NODE_LIST && !list->n_items)
		n = 0;
	for (size_t i = 0; i < n; i++) {
		t->items[i] = check(c, from ? from[i] : list);
		if (!t->items[i])
			return false;
	}
	t->n_items = n;
	return true;
}

static struct lp_dyn *check_isinstance(struct lp_dyn_check *c, const struct lp_node *n)
{
	struct lp_dyn t = lp_dyn_node(LP_DYN_ISINSTANCE, n, LP_DYN_BOOL);

	t.a = check_loaded(c, n->a);
	return t.a && check_items(c, n->b, &t, check_class) ? share_loaded(c, n, &t) : NULL;
}

static struct lp_dyn *check_affix(struct lp_dyn_check *c, const struct lp_node *n)
{
	struct lp_dyn *t = check_loaded(c, n);

	if (t && t->type != LP_DYN_ANY && t->type != LP_DYN_STR && t->type != LP_DYN_BYTES)
		return lp_check_fail(&c->base, n, "this is no str");
	return t;
}

static struct lp_dyn *check_method(struct lp_dyn_check *c, const struct lp_node *n)
{
	struct lp_dyn t =
		lp_dyn_node(n->name[0] == 's' ? LP_DYN_STARTS : LP_DYN_ENDS, n, LP_DYN_BOOL);

	t.a = check_loaded(c, n->a);
	if (!t.a || !has_parts(c, n->a, t.a, "beginning and end") ||
	    !check_items(c, n->b, &t, check_affix))
		return NULL;
	return share_loaded(c, n, &t);
}

static struct lp_dyn *check_cond(struct lp_dyn_check *c, const struct lp_node *n)
{
	struct lp_dyn t = lp_dyn_node(LP_DYN_COND, n, LP_DYN_ANY);

	t.a = lp_dyn_check_expr(c, n->a);
	t.b = t.a ? lp_dyn_check_expr(c, n->b) : NULL;
	t.c = t.b ? lp_dyn_check_expr(c, n->c) : NULL;
	if (!t.c)
		return NULL;
	if (t.b->type == t.c->type)
		t.type = t.b->type;

	const struct lp_dyn *kids[] = { t.a, t.b, t.c };
	uint8_t needs = 0;
	for (size_t i = 0; i < LP_ARRAY_SIZE(kids); i++) {
		t.computes |= kids[i]->computes || kids[i]->kind == LP_DYN_META;
		needs |= kids[i]->needs;
	}
	t.computes |= needs == (LP_NEEDS_ENTRY | LP_NEEDS_LEAVE);
	return lp_dyn_share(c, &t);
}

typedef struct lp_dyn *check_fn(struct lp_dyn_check *c, const struct lp_node *n);

static check_fn *const checks[] = {
	[LP_NODE_NAME] = lp_dyn_check_name,
	[LP_NODE_DOLLAR] = lp_dyn_check_dollar,
	[LP_NODE_NUMBERED] = check_numbered,
	[LP_NODE_INT] = check_int,
	[LP_NODE_BIG] = lp_dyn_check_big,
	[LP_NODE_FLOAT] = check_float,
	[LP_NODE_CHAR] = check_string,
	[LP_NODE_STRING] = check_string,
	[LP_NODE_NULL] = check_null,
	[LP_NODE_BOOL] = check_bool,
	[LP_NODE_LIST] = check_list,
	[LP_NODE_UNARY] = lp_dyn_check_unary,
	[LP_NODE_BINARY] = lp_dyn_check_binary,
	[LP_NODE_COND] = check_cond,
	[LP_NODE_MEMBER] = check_member,
	[LP_NODE_INDEX] = check_index,
	[LP_NODE_SLICE] = check_slice,
	[LP_NODE_CAST] = check_cast,
	[LP_NODE_SIZEOF] = check_sizeof,
	[LP_NODE_ISINSTANCE] = check_isinstance,
	[LP_NODE_CALL] = check_call,
	[LP_NODE_METHOD] = check_method,
};

struct lp_dyn *lp_dyn_check_expr(struct lp_dyn_check *c, const struct lp_node *n)
{
	const struct lp_node *meant = n->slices ? n->slices : n;
	struct lp_dyn *t = checks[meant->kind](c, meant);

	return c->base.status ? NULL : t;
}

/* The kernel side makes it of registers: its items are loaded or computed there. */
static struct lp_dyn *check_tuple(struct lp_dyn_check *c, const struct lp_node *n)
{
	struct lp_dyn t = lp_dyn_node(LP_DYN_TUPLE, n, LP_DYN_ANY);

	if (n->n_items > LP_DYN_TUPLE_MAX)
		return lp_check_fail(&c->base, n, "a tuple has at most %d items here",
				     LP_DYN_TUPLE_MAX);
	if (!check_items(c, n, &t, lp_dyn_check_expr))
		return NULL;
	for (size_t i = 0; i < t.n_items; i++) {
		const struct lp_dyn *item = t.items[i];

		if (item->kind == LP_DYN_META && !lp_dyn_is_loaded(c, n->items[i], item))
			return NULL;
		if (item->computes && (item->type == LP_DYN_STR || item->type == LP_DYN_FLOAT))
			return lp_check_fail(
				&c->base, n->items[i],
				"the kernel adds whole numbers only: no key can be made here");
	}
	return lp_dyn_share(c, &t);
}

struct lp_dyn *lp_dyn_check_key(struct lp_dyn_check *c, const struct lp_node *n)
{
	if (n->kind != LP_NODE_LIST || !n->is_tuple)
		return lp_dyn_check_expr(c, n);

	struct lp_dyn *t = check_tuple(c, n);
	return c->base.status ? NULL : t;
}

struct lp_dyn *lp_dyn_check_condition(struct lp_dyn_check *c, const struct lp_node *n)
{
	c->base.in_condition = true;

	struct lp_dyn *t = lp_dyn_check_expr(c, n);
	c->base.in_condition = false;
	if (!t)
		return NULL;
	t->refs++;
	if (t->redacted) {
		const struct lp_node *name = t->redacted;

		return lp_check_fail(&c->base, name,
				     "'%.*s' is redacted: a condition cannot read it "
				     "(--no-redact %.*s)",
				     (int)name->len, name->name, (int)name->len, name->name);
	}
	return t;
}
