// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "expr/crash.h"
#include "expr/suggest.h"
#include "expr/tree.h"

static bool is_at_function(const struct lp_check *c)
{
	return c->location == LP_AT_RETURN || c->location == LP_AT_CALL;
}

/* Where names are looked up: at the return, the function's frame is gone. */
static struct lp_scope *scope_of(const struct lp_check *c)
{
	return c->location == LP_AT_RETURN && c->leave ? c->leave : c->entry;
}

static int add_any(const struct lp_var *v, void *arg)
{
	if (v->name)
		lp_suggest_add(arg, v->name, false);
	return 0;
}

static int add_near(const struct lp_var *v, void *arg)
{
	if (v->name)
		lp_suggest_add(arg, v->name, true);
	return 0;
}

static void *unknown_name(struct lp_check *c, const struct lp_node *n)
{
	lp_auto(lp_buf_done) struct lp_buf list = { 0 };
	struct lp_scope *scope = scope_of(c);
	struct lp_suggest s = { .wanted = n->name, .len = n->len };

	if (c->location != LP_AT_RETURN)
		scope->ops->each(scope, LP_EACH_ARGUMENTS | LP_EACH_LOCALS, add_any, &s);
	scope->ops->each(scope, LP_EACH_GLOBALS, add_near, &s);
	lp_suggest_print(&s, &list);
	return lp_check_fail_at(
		c, ENOENT, n->at_col, n->at_width, "unknown name '%.*s' (in scope: %s)",
		n->len > 100 ? 100 : (int)n->len, n->name, list.len ? list.data : "nothing");
}

static bool is_of_frame(const struct lp_var *v)
{
	return v->kind == LP_VAR_ARGUMENT || v->kind == LP_VAR_LOCAL || v->kind == LP_VAR_MEMBER;
}

/* 0, -ENOENT without an error, or an error in c. */
static int lookup(struct lp_check *c, const struct lp_node *n, const char *name, size_t len,
		  struct lp_var *ret)
{
	struct lp_scope *scope = scope_of(c);
	int r = scope->ops->lookup(scope, name, len, ret, c->err);

	if (r == -ENOENT && c->location == LP_AT_RETURN)
		r = c->entry->ops->lookup(c->entry, name, len, ret, c->err);
	if (r < 0) {
		if (r != -ENOENT)
			c->status = r;
		return r;
	}
	if (c->location == LP_AT_RETURN && is_of_frame(ret)) {
		lp_check_fail_at(c, EINVAL, n->col, n->width,
				 "'%.*s' is gone when the function returns: use 'call', which has "
				 "the arguments as they were at entry",
				 (int)len, name);
		return -EINVAL;
	}
	return 0;
}

static const struct lp_tree *find_member(struct lp_check *c, const struct lp_node *n,
					 const struct lp_tree *whole, const char *name, size_t len);

static const struct lp_tree *member_of_this(struct lp_check *c, const struct lp_node *n,
					    const struct lp_var *v)
{
	struct lp_var self;

	if (lookup(c, n, "this", strlen("this"), &self) < 0)
		return c->status ? NULL : lp_check_fail(c, n, "there is no 'this' here");

	const struct lp_tree *t = lp_check_var(c, scope_of(c), &self);
	t = t ? lp_check_deref(c, n, t) : NULL;
	return t ? find_member(c, n, t, v->name, strlen(v->name)) : NULL;
}

static const struct lp_tree *var_tree(struct lp_check *c, const struct lp_node *n,
				      const struct lp_var *v)
{
	if (v->kind == LP_VAR_CONSTANT)
		return lp_tree_int(c, n, v->type, lp_int_cut(v->type, (uint64_t)v->constant));
	if (v->kind == LP_VAR_MEMBER)
		return member_of_this(c, n, v);

	struct lp_tree *t = lp_tree_new(c, LP_TREE_VAR, n, v->type);
	if (!t)
		return NULL;
	t->var = *v;
	t->scope = scope_of(c);
	t->needs = t->scope == c->leave ? LP_NEEDS_LEAVE : LP_NEEDS_ENTRY;
	if (lp_redacted(c->limits->redact, n->name, n->len))
		t->redacted = n;
	return t;
}

const struct lp_tree *lp_check_name(struct lp_check *c, const struct lp_node *n)
{
	struct lp_var v;

	if (lookup(c, n, n->name, n->len, &v) == 0)
		return var_tree(c, n, &v);
	return c->status ? NULL : unknown_name(c, n);
}

/* Go's and Rust's "package.name", where no variable is called package. */
static const struct lp_tree *dotted_name(struct lp_check *c, const struct lp_node *n)
{
	char name[256];
	struct lp_var v;

	if (n->a->kind != LP_NODE_NAME || n->a->len + n->len + 2 > sizeof(name))
		return NULL;
	if (lookup(c, n, n->a->name, n->a->len, &v) != -ENOENT || c->status)
		return NULL;

	int len = snprintf(name, sizeof(name), "%.*s.%.*s", (int)n->a->len, n->a->name, (int)n->len,
			   n->name);
	return lookup(c, n, name, (size_t)len, &v) == 0 ? var_tree(c, n, &v) : NULL;
}

struct found {
	const struct lp_member *member;
	uint64_t bit_offset;
	const struct lp_type *virtual_base; /* it lies in there, or nowhere */
};

static bool is_named(const struct lp_member *m, const char *name, size_t len)
{
	return m->name && strlen(m->name) == len && memcmp(m->name, name, len) == 0;
}

/* In the type itself, its anonymous members and its bases. */
static bool search(const struct lp_type *t, const char *name, size_t len, int depth,
		   struct found *ret)
{
	t = lp_type_strip(t);
	if (depth > LP_NESTING_MAX || (t->kind != LP_TYPE_STRUCT && t->kind != LP_TYPE_UNION))
		return false;
	lp_type_complete(t, NULL);
	for (size_t i = 0; i < t->n_members; i++)
		if (!t->members[i].is_base && is_named(&t->members[i], name, len)) {
			ret->member = &t->members[i];
			ret->bit_offset += t->members[i].bit_offset;
			return true;
		}
	for (size_t i = 0; i < t->n_members; i++) {
		const struct lp_member *m = &t->members[i];

		if ((m->name && !m->is_base) || !search(m->type, name, len, depth + 1, ret))
			continue;
		ret->bit_offset += m->bit_offset;
		if (m->is_virtual)
			ret->virtual_base = m->type;
		return true;
	}
	return false;
}

static void add_members(struct lp_suggest *s, const struct lp_type *t, int depth)
{
	t = lp_type_strip(t);
	if (depth > 8)
		return;
	for (size_t i = 0; i < t->n_members; i++) {
		const struct lp_member *m = &t->members[i];

		if (m->name && !m->is_artificial && !m->is_base)
			lp_suggest_add(s, m->name, false);
		else if (!m->name || m->is_base)
			add_members(s, m->type, depth + 1);
	}
}

static void *unknown_member(struct lp_check *c, const struct lp_node *n, const struct lp_type *t,
			    const char *name, size_t len)
{
	lp_auto(lp_buf_done) struct lp_buf list = { 0 };
	struct lp_suggest s = { .wanted = name, .len = len };

	add_members(&s, t, 0);
	lp_suggest_print(&s, &list);
	return lp_check_fail_at(c, ENOENT, n->at_col, n->at_width,
				"'%s' has no member '%.*s' (its members: %s)", t->name,
				len > 100 ? 100 : (int)len, name, list.len ? list.data : "none");
}

static const struct lp_tree *find_member(struct lp_check *c, const struct lp_node *n,
					 const struct lp_tree *whole, const char *name, size_t len)
{
	const struct lp_type *t = lp_type_strip(whole->type);
	struct found found = { 0 };

	if (t->kind == LP_TYPE_UNKNOWN)
		return lp_check_fail(c, n->a ? n->a : n,
				     "'%s' is only declared here: its members are not known",
				     t->name);
	if (t->kind != LP_TYPE_STRUCT && t->kind != LP_TYPE_UNION)
		return lp_check_fail_at(c, EINVAL, n->at_col, n->at_width,
					"'%s' is no struct: it has no member '%.*s'",
					whole->type->name, len > 100 ? 100 : (int)len, name);
	if (lp_type_complete(t, NULL) < 0)
		return lp_check_fail(c, n->a ? n->a : n,
				     "'%s' is only declared here: its members "
				     "are not known",
				     t->name);
	if (!search(t, name, len, 0, &found))
		return unknown_member(c, n, t, name, len);
	if (found.virtual_base)
		return lp_check_fail(c, n,
				     "'%.*s' lies in the virtual base '%s', whose place is "
				     "known only to the running program",
				     (int)len, name, found.virtual_base->name);

	struct lp_tree *m =
		lp_tree_over(c, LP_TREE_MEMBER, n, found.member->type, whole, NULL, NULL);
	if (!m)
		return NULL;
	m->bit_offset = found.bit_offset;
	m->bit_size = found.member->bit_size;
	if (!m->redacted && lp_redacted(c->limits->redact, name, len))
		m->redacted = n;
	return m;
}

const struct lp_tree *lp_check_member(struct lp_check *c, const struct lp_node *n)
{
	const struct lp_tree *a = dotted_name(c, n);

	if (a || c->status)
		return a;
	a = lp_check_expr(c, n->a);
	if (a && lp_tree_is_pointer(a))
		a = lp_check_deref(c, n->a, a);
	if (!a)
		return NULL;
	if (!lp_tree_is_object(a))
		return lp_check_fail_at(c, EINVAL, n->at_col, n->at_width,
					"'%s' is no struct: it has no member '%.*s'", a->type->name,
					n->len > 100 ? 100 : (int)n->len, n->name);
	return find_member(c, n, a, n->name, n->len);
}

/* By itself in a template, it is known without a capture. */
static const struct lp_tree *with_meta(const struct lp_tree *t, enum lp_meta meta)
{
	struct lp_tree *own = (struct lp_tree *)t;

	if (own) {
		own->has_meta = true;
		own->meta = meta;
	}
	return own;
}

/* Known when the program is written: text that can be compared. */
static const struct lp_tree *place_text(struct lp_check *c, const struct lp_node *n, const char *s)
{
	struct lp_tree *t = lp_tree_new(c, LP_TREE_STRING, n, &lp_type_char_ptr);

	if (!t)
		return NULL;
	t->str = s ? s : "";
	t->len = strlen(t->str);
	return t;
}

static const struct lp_tree *ctx_tree(struct lp_check *c, const struct lp_node *n, enum lp_ctx ctx,
				      const struct lp_type *type)
{
	struct lp_tree *t = lp_tree_new(c, LP_TREE_CTX, n, type);

	if (!t)
		return NULL;
	t->ctx = ctx;
	if (ctx == LP_CTX_ELAPSED || ctx == LP_CTX_HIT)
		t->needs = LP_NEEDS_LEAVE;
	return t;
}

static const struct lp_tree *check_pid(struct lp_check *c, const struct lp_node *n)
{
	return with_meta(ctx_tree(c, n, LP_CTX_PID, &lp_type_int), LP_META_PID);
}

static const struct lp_tree *check_tid(struct lp_check *c, const struct lp_node *n)
{
	return with_meta(ctx_tree(c, n, LP_CTX_TID, &lp_type_int), LP_META_TID);
}

static const struct lp_tree *check_cpu(struct lp_check *c, const struct lp_node *n)
{
	return with_meta(ctx_tree(c, n, LP_CTX_CPU, &lp_type_int), LP_META_CPU);
}

static const struct lp_tree *check_hit(struct lp_check *c, const struct lp_node *n)
{
	if (c->in_condition)
		return lp_check_fail(c, n,
				     "a condition is evaluated before hits are counted: use the "
				     "clause 'hit', as in 'hit > 10' or 'hit %% 100'");
	return with_meta(ctx_tree(c, n, LP_CTX_HIT, &lp_type_ulong), LP_META_HIT);
}

static const struct lp_tree *check_time(struct lp_check *c, const struct lp_node *n)
{
	if (c->in_condition)
		return lp_check_fail(c, n,
				     "$time is for templates: limit a logpoint in time with "
				     "--duration or the clause 'rate'");
	return with_meta(lp_tree_new(c, LP_TREE_META, n, &lp_type_ulong), LP_META_TIME);
}

static const struct lp_tree *check_comm(struct lp_check *c, const struct lp_node *n)
{
	return with_meta(lp_tree_new(c, LP_TREE_COMM, n, &lp_type_char_ptr), LP_META_COMM);
}

/* A native thread's name is what the kernel calls it. */
static const struct lp_tree *check_thread(struct lp_check *c, const struct lp_node *n)
{
	return with_meta(lp_tree_new(c, LP_TREE_COMM, n, &lp_type_char_ptr), LP_META_THREAD);
}

static const struct lp_tree *check_task(struct lp_check *c, const struct lp_node *n)
{
	return lp_check_fail(c, n,
			     "$task is the asyncio task of Python code; here it is native code "
			     "($thread is the thread's name)");
}

static const struct lp_tree *check_exc(struct lp_check *c, const struct lp_node *n)
{
	return lp_check_fail(c, n, "$exc is the exception of 'raise' and 'uncaught'");
}

static const struct lp_tree *of_signal(struct lp_check *c, const struct lp_node *n, enum lp_ctx ctx,
				       const struct lp_type *type, enum lp_meta meta)
{
	if (c->location != LP_AT_CRASH)
		return lp_check_fail(c, n, "$%.*s is there in 'crash' only", (int)n->len, n->name);
	return with_meta(ctx_tree(c, n, ctx, type), meta);
}

static const struct lp_tree *check_signal(struct lp_check *c, const struct lp_node *n)
{
	return of_signal(c, n, LP_CTX_SIGNAL, &lp_type_signal, LP_META_SIGNAL);
}

static const struct lp_tree *check_code(struct lp_check *c, const struct lp_node *n)
{
	return of_signal(c, n, LP_CTX_CODE, &lp_type_signal_code, LP_META_CODE);
}

static const struct lp_tree *check_addr(struct lp_check *c, const struct lp_node *n)
{
	return of_signal(c, n, LP_CTX_ADDR, &lp_type_ulong, LP_META_ADDR);
}

static const struct lp_tree *check_sender(struct lp_check *c, const struct lp_node *n)
{
	return of_signal(c, n, LP_CTX_SENDER, &lp_type_int, LP_META_SENDER);
}

static const struct lp_tree *check_func(struct lp_check *c, const struct lp_node *n)
{
	return with_meta(place_text(c, n, c->entry->function), LP_META_FUNC);
}

static const struct lp_tree *check_file(struct lp_check *c, const struct lp_node *n)
{
	return with_meta(place_text(c, n, c->entry->file), LP_META_FILE);
}

static const struct lp_tree *check_line(struct lp_check *c, const struct lp_node *n)
{
	return with_meta(lp_tree_int(c, n, &lp_type_int, (uint64_t)c->entry->line), LP_META_LINE);
}

static const struct lp_tree *check_return(struct lp_check *c, const struct lp_node *n)
{
	struct lp_err err = { 0 };
	struct lp_var v;

	if (!c->leave)
		return lp_check_fail(c, n,
				     "$return is there in 'return FUNCTION' and 'call "
				     "FUNCTION' only");
	int r = c->leave->ops->result(c->leave, &v, &err);
	if (r < 0)
		return lp_check_fail_at(c, -r, n->col, n->width, "%s",
					err.msg[0] ? err.msg : "nothing is returned here");

	struct lp_tree *t = lp_tree_new(c, LP_TREE_VAR, n, v.type);
	if (!t)
		return NULL;
	t->var = v;
	t->scope = c->leave;
	t->needs = LP_NEEDS_LEAVE;
	return t;
}

static const struct lp_tree *check_elapsed(struct lp_check *c, const struct lp_node *n)
{
	if (!is_at_function(c))
		return lp_check_fail(c, n,
				     "$elapsed is there in 'return FUNCTION' and 'call FUNCTION' "
				     "only");
	return with_meta(ctx_tree(c, n, LP_CTX_ELAPSED, &lp_type_ulong), LP_META_ELAPSED);
}

static const struct lp_tree *check_caller(struct lp_check *c, const struct lp_node *n)
{
	struct lp_tree *t = lp_tree_new(c, LP_TREE_CALLER, n, &lp_type_ulong);

	if (!t)
		return NULL;
	t->scope = scope_of(c);
	t->needs = t->scope == c->leave ? LP_NEEDS_LEAVE : LP_NEEDS_ENTRY;
	return with_meta(t, LP_META_CALLER);
}

static const struct {
	const char *name;
	const struct lp_tree *(*check)(struct lp_check *c, const struct lp_node *n);
} dollars[] = {
	{ "pid", check_pid },	      { "tid", check_tid },	  { "comm", check_comm },
	{ "thread", check_thread },   { "task", check_task },	  { "cpu", check_cpu },
	{ "time", check_time },	      { "hit", check_hit },	  { "func", check_func },
	{ "file", check_file },	      { "line", check_line },	  { "return", check_return },
	{ "elapsed", check_elapsed }, { "caller", check_caller }, { "exc", check_exc },
	{ "signal", check_signal },   { "code", check_code },	  { "addr", check_addr },
	{ "sender", check_sender },
};

int lp_check_pick_dollar(struct lp_check *c, const struct lp_node *n, const void *rows, size_t size,
			 size_t len, const char *more)
{
	lp_auto(lp_buf_done) struct lp_buf list = { 0 };
	struct lp_suggest s = { .wanted = n->name, .len = n->len };

	for (size_t i = 0; i < len; i++) {
		const char *name = *(const char *const *)((const char *)rows + i * size);

		if (strlen(name) == n->len && memcmp(name, n->name, n->len) == 0)
			return (int)i;
		lp_suggest_add(&s, name, false);
	}
	lp_suggest_print(&s, &list);
	lp_check_fail_at(c, ENOENT, n->col, n->width, "unknown '$%.*s' (there are: %s%s)",
			 n->len > 100 ? 100 : (int)n->len, n->name, list.len ? list.data : "",
			 more);
	return -1;
}

const struct lp_tree *lp_check_dollar(struct lp_check *c, const struct lp_node *n)
{
	int i = lp_check_pick_dollar(c, n, dollars, sizeof(*dollars), LP_ARRAY_SIZE(dollars),
				     ", and the arguments $1...");

	return i < 0 ? NULL : dollars[i].check(c, n);
}

const struct lp_tree *lp_check_numbered(struct lp_check *c, const struct lp_node *n)
{
	struct lp_scope *scope = scope_of(c);
	struct lp_err err = { 0 };
	struct lp_var v;
	int r = scope->ops->numbered(scope, (unsigned int)n->value, &v, &err);

	if (r < 0)
		return lp_check_fail_at(c, -r, n->col, n->width, "%s",
					err.msg[0] ? err.msg : "no such argument");

	struct lp_tree *t = lp_tree_new(c, LP_TREE_VAR, n, v.type);
	if (!t)
		return NULL;
	t->var = v;
	t->scope = scope;
	t->needs = scope == c->leave ? LP_NEEDS_LEAVE : LP_NEEDS_ENTRY;
	if (v.name && lp_redacted(c->limits->redact, v.name, strlen(v.name)))
		t->redacted = n;
	return t;
}
