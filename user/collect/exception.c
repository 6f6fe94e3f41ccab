// SPDX-License-Identifier: GPL-2.0-only
/* The exception of a hit with its chain: blocks of LP_SLOT_PYEXC to a tree, and that as a line of text. */
#include <string.h>

#include "base/show.h"
#include "collect/plan.h"
#include "python/value.h"

/* An exception that is met again is not shown again, as traceback does it. */
struct chain {
	struct lp_exception *all; /* by number */
	struct link {
		struct lp_py_exc exc;
		bool seen;
	} * links;
	size_t n;
};

static void read_frames(const struct lp_py_reader *r, uint32_t pid, const struct lp_symbolizer *sym,
			struct lp_scratch *scratch, const struct lp_py_exc *exc,
			const struct lp_block *b, struct lp_exception *ret)
{
	size_t n = (b->len - sizeof(*exc)) / sizeof(struct lp_py_frame);

	if (n > exc->n_frames)
		n = exc->n_frames;
	struct lp_frame *frames = lp_arena_array(r->arena, struct lp_frame, n + 1);
	ret->stack = frames;
	ret->n_stack = frames ? n : 0;
	ret->stack_cut = exc->flags & LP_PY_EXC_FRAMES_CUT;
	/* tracebacks are outermost first, stacks are not */
	for (size_t i = 0; i < ret->n_stack; i++) {
		struct lp_frame *to = &frames[n - 1 - i];
		struct lp_py_frame f;

		memcpy(&f, (const char *)(b + 1) + sizeof(*exc) + i * sizeof(f), sizeof(f));
		*to = (struct lp_frame){ .addr = f.code };
		lp_places_find(&scratch->places, r, pid, sym, &f, to);
	}
}

static void read_notes(const struct lp_value *notes, struct lp_arena *a, struct lp_exception *ret)
{
	bool is_list = notes->kind == LP_VAL_LIST || notes->kind == LP_VAL_TUPLE;
	size_t n = is_list ? notes->len : notes->kind != LP_VAL_NULL;
	struct lp_value *all = lp_arena_array(a, struct lp_value, n + 1);

	for (size_t i = 0; all && i < n; i++)
		all[i] = is_list ? notes->items[i] : *notes;
	ret->notes = all;
	ret->n_notes = all ? n : 0;
}

static void read_one(const struct lp_py_reader *r, const struct lp_py_exc *exc,
		     struct lp_exception *ret)
{
	struct lp_py_exception read;

	lp_py_read_exception(r, exc, &read);
	ret->type = read.type;
	ret->message = read.message;
	ret->args = read.args;
	ret->members = read.members;
	read_notes(&read.notes, r->arena, ret);
}

/* One is linked to from where it is met first, cause before context. */
static struct lp_exception *link_up(struct chain *c, uint32_t number)
{
	if (!number || number > c->n || c->links[number - 1].seen)
		return NULL;

	struct link *at = &c->links[number - 1];
	struct lp_exception *e = &c->all[number - 1];
	at->seen = true;
	e->cause = link_up(c, at->exc.cause);
	e->context = at->exc.flags & LP_PY_EXC_SUPPRESS ? NULL : link_up(c, at->exc.context);
	e->chain_cut = at->exc.flags & LP_PY_EXC_CHAIN_CUT;
	return e;
}

const struct lp_exception *lp_plan_exception(const struct lp_py_reader *r,
					     const struct lp_decoded *d,
					     const struct lp_symbolizer *sym,
					     struct lp_scratch *scratch)
{
	struct chain c = { .n = d->exceptions.len };

	if (c.n > LP_PY_EXC_MAX)
		c.n = LP_PY_EXC_MAX;
	c.all = lp_arena_array(r->arena, struct lp_exception, c.n + 1);
	c.links = lp_arena_array(r->arena, struct link, c.n + 1);
	if (!c.all || !c.links)
		return NULL;
	for (size_t i = 0; i < c.n; i++) {
		const struct lp_block *b = d->exceptions.data[i];

		c.all[i] = (struct lp_exception){ .type = "?" };
		c.links[i] = (struct link){ .seen = b->len < sizeof(struct lp_py_exc) };
		if (c.links[i].seen)
			continue;
		memcpy(&c.links[i].exc, b + 1, sizeof(struct lp_py_exc));
		read_one(r, &c.links[i].exc, &c.all[i]);
		read_frames(r, d->rec->pid, sym, scratch, &c.links[i].exc, b, &c.all[i]);
	}
	return link_up(&c, 1);
}

/* --- text --- */

static void put_message(struct lp_buf *out, const struct lp_exception *e)
{
	lp_buf_str(out, e->type);
	if (e->message.kind == LP_VAL_ERROR) {
		lp_buf_fmt(out, ": <%s> ", e->message.str ? e->message.str : "unknown");
		lp_show(out, &e->args, false);
	} else if (e->message.len) {
		lp_buf_str(out, ": ");
		lp_buf_add(out, e->message.str, e->message.len);
	}
	for (size_t i = 0; i < e->n_notes; i++) {
		lp_buf_str(out, i ? ", " : " (note: ");
		lp_show(out, &e->notes[i], true);
	}
	if (e->n_notes)
		lp_buf_char(out, ')');
	if (e->members.kind == LP_VAL_TUPLE) {
		struct lp_value list = e->members;

		list.kind = LP_VAL_LIST;
		lp_buf_char(out, ' ');
		lp_show(out, &list, false);
	}
}

static void put_place(struct lp_buf *out, const struct lp_exception *e)
{
	const struct lp_frame *f = e->n_stack ? &e->stack[0] : NULL;

	if (!f || !f->file)
		return;
	lp_buf_fmt(out, " (%s", basename(f->file));
	if (f->line > 0)
		lp_buf_fmt(out, ":%d", f->line);
	lp_buf_char(out, ')');
}

static void put_chain(struct lp_buf *out, const struct lp_exception *e)
{
	const struct {
		const char *how;
		const struct lp_exception *to;
	} links[] = { { " <- from ", e->cause }, { " <- while handling ", e->context } };

	for (size_t i = 0; i < LP_ARRAY_SIZE(links); i++) {
		if (!links[i].to)
			continue;
		lp_buf_str(out, links[i].how);
		put_message(out, links[i].to);
		put_place(out, links[i].to);
		put_chain(out, links[i].to);
	}
	if (e->chain_cut)
		lp_buf_str(out, " <- ...");
}

void lp_plan_show_exception(struct lp_buf *out, const struct lp_exception *e)
{
	put_message(out, e);
	put_chain(out, e);
}
