// SPDX-License-Identifier: GPL-2.0-only
/* Names, and what $ gives. */
#include <errno.h>
#include <string.h>

#include "expr/dynamic.h"
#include "expr/suggest.h"

/* At the return, the frame is still there: names have the values of that moment. */
static struct lp_scope *scope_of(const struct lp_dyn_check *c)
{
	return c->base.location == LP_AT_RETURN && c->base.leave ? c->base.leave : c->base.entry;
}

static int add_any(const struct lp_dynamic_name *n, void *arg)
{
	lp_suggest_add(arg, n->name, false);
	return 0;
}

static int add_near(const struct lp_dynamic_name *n, void *arg)
{
	lp_suggest_add(arg, n->name, true);
	return 0;
}

static void *unknown_name(struct lp_dyn_check *c, const struct lp_node *n)
{
	lp_auto(lp_buf_done) struct lp_buf list = { 0 };
	struct lp_scope *scope = scope_of(c);
	struct lp_suggest s = { .wanted = n->name, .len = n->len };

	scope->dynamic->each(scope, LP_EACH_ARGUMENTS | LP_EACH_LOCALS, add_any, &s);
	scope->dynamic->each(scope, LP_EACH_GLOBALS, add_near, &s);
	lp_suggest_print(&s, &list);
	return lp_check_fail_at(
		&c->base, ENOENT, n->at_col, n->at_width, "unknown name '%.*s' (in scope: %s)",
		n->len > 100 ? 100 : (int)n->len, n->name, list.len ? list.data : "nothing");
}

/* 0 where there is such a name; the code itself is written later. */
static int try_load(struct lp_dyn_check *c, struct lp_scope *scope, const char *name, size_t len,
		    bool *ret_cheap)
{
	struct lp_emit e = { 0 };
	uint8_t reg;
	int r = scope->dynamic->load(scope, name, len, &e, &reg, c->base.err);

	*ret_cheap = r == 0 && e.code.len == 1 && e.code.data[0].op == LP_OP_PY_FAST;
	lp_emit_done(&e);
	return r;
}

struct lp_dyn *lp_dyn_check_name(struct lp_dyn_check *c, const struct lp_node *n)
{
	struct lp_dyn t = lp_dyn_node(LP_DYN_NAME, n, LP_DYN_ANY);
	struct lp_scope *scope = scope_of(c);

	if (memchr(n->name, ':', n->len))
		return lp_check_fail_at(&c->base, EINVAL, n->at_col, n->at_width,
					"'::' is C++'s: Python's names have '.'");

	int r = try_load(c, scope, n->name, n->len, &t.is_cheap);
	if (r == -ENOENT)
		return unknown_name(c, n);
	if (r < 0) {
		c->base.status = r;
		return NULL;
	}
	t.name = n->name;
	t.len = n->len;
	t.scope = scope;
	t.needs = scope == c->base.leave ? LP_NEEDS_LEAVE : LP_NEEDS_ENTRY;
	if (lp_redacted(c->base.limits->redact, n->name, n->len))
		t.redacted = n;
	return lp_dyn_share(c, &t);
}

struct lp_dyn *lp_dyn_check_named(struct lp_dyn_check *c, const char *name)
{
	struct lp_node *n = lp_arena_new(c->base.arena, struct lp_node);

	if (!n) {
		c->base.status = lp_err_nomem(c->base.err);
		return NULL;
	}
	n->name = name;
	n->len = strlen(name);
	return lp_dyn_check_name(c, n);
}

static struct lp_dyn *share_context(struct lp_dyn_check *c, const struct lp_node *n,
				    enum lp_ctx ctx, enum lp_meta meta)
{
	struct lp_dyn t = lp_dyn_node(LP_DYN_CTX, n, LP_DYN_INT);

	t.ctx = ctx;
	t.meta = meta;
	if (ctx == LP_CTX_ELAPSED || ctx == LP_CTX_HIT)
		t.needs = LP_NEEDS_LEAVE;
	return lp_dyn_share(c, &t);
}

static struct lp_dyn *share_meta(struct lp_dyn_check *c, const struct lp_node *n, enum lp_meta meta,
				 enum lp_dyn_type type)
{
	struct lp_dyn t = lp_dyn_node(LP_DYN_META, n, type);

	t.meta = meta;
	return lp_dyn_share(c, &t);
}

/* Text of the place, known now. */
static struct lp_dyn *share_text(struct lp_dyn_check *c, const struct lp_node *n, const char *s,
				 enum lp_meta meta)
{
	struct lp_value v = { .kind = LP_VAL_STRING, .str = s ? s : "", .len = s ? strlen(s) : 0 };

	if (c->base.in_condition)
		return lp_dyn_constant(c, n, &v);
	return share_meta(c, n, meta, LP_DYN_STR);
}

static struct lp_dyn *check_pid(struct lp_dyn_check *c, const struct lp_node *n)
{
	return share_context(c, n, LP_CTX_PID, LP_META_PID);
}

static struct lp_dyn *check_tid(struct lp_dyn_check *c, const struct lp_node *n)
{
	return share_context(c, n, LP_CTX_TID, LP_META_TID);
}

static struct lp_dyn *check_cpu(struct lp_dyn_check *c, const struct lp_node *n)
{
	return share_context(c, n, LP_CTX_CPU, LP_META_CPU);
}

static struct lp_dyn *check_hit(struct lp_dyn_check *c, const struct lp_node *n)
{
	if (c->base.in_condition)
		return lp_check_fail(&c->base, n,
				     "a condition is evaluated before hits are counted: use the "
				     "clause 'hit', as in 'hit > 10' or 'hit %% 100'");
	return share_context(c, n, LP_CTX_HIT, LP_META_HIT);
}

static struct lp_dyn *check_time(struct lp_dyn_check *c, const struct lp_node *n)
{
	if (c->base.in_condition)
		return lp_check_fail(&c->base, n,
				     "$time is for templates: limit a logpoint in time with "
				     "--duration or the clause 'rate'");
	return share_meta(c, n, LP_META_TIME, LP_DYN_INT);
}

/* A condition asks at the hit; a record has it anyway. */
static struct lp_dyn *share_who(struct lp_dyn_check *c, const struct lp_node *n, enum lp_py_who who,
				enum lp_meta meta)
{
	/* where no task runs, there is None */
	enum lp_dyn_type type = who == LP_PY_TASK ? LP_DYN_ANY : LP_DYN_STR;
	struct lp_dyn t = lp_dyn_node(LP_DYN_WHO, n, type);

	if (!c->base.in_condition)
		return share_meta(c, n, meta, type);
	t.who = who;
	return lp_dyn_share(c, &t);
}

static struct lp_dyn *check_comm(struct lp_dyn_check *c, const struct lp_node *n)
{
	return share_who(c, n, LP_PY_COMM, LP_META_COMM);
}

static struct lp_dyn *check_thread(struct lp_dyn_check *c, const struct lp_node *n)
{
	return share_who(c, n, LP_PY_THREAD, LP_META_THREAD);
}

static struct lp_dyn *check_task(struct lp_dyn_check *c, const struct lp_node *n)
{
	return share_who(c, n, LP_PY_TASK, LP_META_TASK);
}

static struct lp_dyn *check_caller(struct lp_dyn_check *c, const struct lp_node *n)
{
	return share_who(c, n, LP_PY_CALLER, LP_META_CALLER);
}

static struct lp_dyn *check_exc(struct lp_dyn_check *c, const struct lp_node *n)
{
	struct lp_dyn t = lp_dyn_node(LP_DYN_EXC, n, LP_DYN_ANY);

	if (!lp_at_exception(c->base.location))
		return lp_check_fail(&c->base, n,
				     "$exc is the exception of 'raise' and 'uncaught'");
	return lp_dyn_share(c, &t);
}

/* Exceptions are raised wherever they are. */
static struct lp_dyn *check_func(struct lp_dyn_check *c, const struct lp_node *n)
{
	if (lp_at_exception(c->base.location))
		return share_who(c, n, LP_PY_FUNC, LP_META_FUNC);
	return share_text(c, n, c->base.entry->function, LP_META_FUNC);
}

static struct lp_dyn *check_file(struct lp_dyn_check *c, const struct lp_node *n)
{
	if (lp_at_exception(c->base.location))
		return share_who(c, n, LP_PY_FILE, LP_META_FILE);
	return share_text(c, n, c->base.entry->file, LP_META_FILE);
}

static struct lp_dyn *check_line(struct lp_dyn_check *c, const struct lp_node *n)
{
	struct lp_value v = { .kind = LP_VAL_INT, .size = 8, .s = c->base.entry->line };

	if (c->base.in_condition && lp_at_exception(c->base.location))
		return lp_check_fail(&c->base, n,
				     "in which line an exception is raised is worked out after the "
				     "hit: $line is for templates here");
	if (c->base.in_condition)
		return lp_dyn_constant(c, n, &v);
	return share_meta(c, n, LP_META_LINE, LP_DYN_INT);
}

struct lp_dyn *lp_dyn_check_result(struct lp_dyn_check *c, const struct lp_node *n)
{
	struct lp_dyn t = lp_dyn_node(LP_DYN_RESULT, n, LP_DYN_ANY);
	struct lp_scope *leave = c->base.leave;
	struct lp_err err = { 0 };
	struct lp_emit e = { 0 };
	uint8_t reg;

	if (!leave)
		return lp_check_fail(&c->base, n,
				     "$return is there in 'return FUNCTION' and 'call FUNCTION' "
				     "only");

	int r = leave->dynamic->result(leave, &e, &reg, &err);
	lp_emit_done(&e);
	if (r < 0)
		return lp_check_fail_at(&c->base, -r, n ? n->col : 0, n ? n->width : 0, "%s",
					err.msg[0] ? err.msg : "nothing is returned here");
	t.scope = leave;
	t.needs = LP_NEEDS_LEAVE;
	return lp_dyn_share(c, &t);
}

static struct lp_dyn *check_elapsed(struct lp_dyn_check *c, const struct lp_node *n)
{
	if (!c->base.leave)
		return lp_check_fail(&c->base, n,
				     "$elapsed is there in 'return FUNCTION' and 'call FUNCTION' "
				     "only");
	c->uses_elapsed = true;
	return share_context(c, n, LP_CTX_ELAPSED, LP_META_ELAPSED);
}

static const struct {
	const char *name;
	struct lp_dyn *(*check)(struct lp_dyn_check *c, const struct lp_node *n);
} dollars[] = {
	{ "pid", check_pid },	      { "tid", check_tid },	  { "comm", check_comm },
	{ "thread", check_thread },   { "task", check_task },	  { "cpu", check_cpu },
	{ "time", check_time },	      { "hit", check_hit },	  { "func", check_func },
	{ "file", check_file },	      { "line", check_line },	  { "return", lp_dyn_check_result },
	{ "elapsed", check_elapsed }, { "caller", check_caller }, { "exc", check_exc },
};

struct lp_dyn *lp_dyn_check_dollar(struct lp_dyn_check *c, const struct lp_node *n)
{
	int i = lp_check_pick_dollar(&c->base, n, dollars, sizeof(*dollars), LP_ARRAY_SIZE(dollars),
				     "");

	return i < 0 ? NULL : dollars[i].check(c, n);
}
