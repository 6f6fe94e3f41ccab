// SPDX-License-Identifier: GPL-2.0-only
#include "collect/plan.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "base/show.h"
#include "collect/format.h"
#include "collect/mixed.h"

static atomic_uint_fast64_t n_plans; /* made up to now */

static size_t slots_of(const struct lp_template *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n_fields; i++) {
		const struct lp_field *f = &t->fields[i];
		bool reads = f->kind == LP_FIELD_VALUE ||
			     (f->kind == LP_FIELD_META && f->meta == LP_META_CALLER);

		if (reads && f->slot < LP_SLOT_MAX && f->slot >= n)
			n = f->slot + 1u;
	}
	return n;
}

/* The same expression twice is one value. */
static bool is_named(const struct lp_plan *p, size_t from, const char *name)
{
	for (size_t i = from; i < p->n_values + p->n_locals; i++)
		if (!strcmp(p->named[i].name, name))
			return true;
	return false;
}

/* Which fields the event names: values first, then locals; the result apart. */
static void name_fields(struct lp_plan *p, const struct lp_template *t)
{
	for (int locals = 0; locals < 2; locals++) {
		for (size_t i = 0; i < t->n_fields; i++) {
			const struct lp_field *f = &t->fields[i];
			size_t at = p->n_values + p->n_locals;

			if (f->is_result && !locals)
				p->result = &p->values[i];
			if (f->hidden || !f->text || f->is_local != (bool)locals)
				continue;
			p->named[at].name = f->text;
			if (is_named(p, locals ? p->n_values : 0, p->named[at].name))
				continue;
			p->named_field[at] = (uint32_t)i;
			locals ? p->n_locals++ : p->n_values++;
		}
	}
}

int lp_plan_new(const struct lp_site_info *info, struct lp_plan **ret, struct lp_err *err)
{
	static const struct lp_template none;
	const struct lp_template *t = info->template ? info->template : &none;
	lp_auto(lp_plan_free) struct lp_plan *p = calloc(1, sizeof(*p));

	if (!p)
		return lp_err_nomem(err);
	p->info = info;
	p->number = atomic_fetch_add(&n_plans, 1) + 1;
	p->n_slots = slots_of(t);
	p->values = calloc(t->n_fields + 1, sizeof(*p->values));
	p->named = calloc(t->n_fields + 1, sizeof(*p->named));
	p->named_field = calloc(t->n_fields + 1, sizeof(*p->named_field));
	p->absent = calloc(t->n_fields + 1, sizeof(*p->absent));
	p->shown = calloc(t->n_fields + 1, sizeof(*p->shown));
	p->part_plain = calloc(t->n_parts + 1, sizeof(*p->part_plain));
	if (!p->values || !p->named || !p->named_field || !p->absent || !p->shown || !p->part_plain)
		return lp_err_nomem(err);

	name_fields(p, t);
	p->wants_stack = t->with_stack || p->n_locals || (t->with_locals && t->has_exception);
	for (size_t i = 0; i < t->n_parts; i++)
		p->part_plain[i] = lp_format_is_plain(&t->parts[i].format);
	*ret = lp_take(p);
	return 0;
}

void lp_plan_free(struct lp_plan *p)
{
	if (!p)
		return;
	free(p->values);
	free(p->named);
	free(p->named_field);
	free(p->absent);
	free(p->shown);
	free(p->part_plain);
	free(p);
}

/* named[from, to) to shown[at...]; how many of them this record has. */
static size_t show(struct lp_plan *p, size_t from, size_t to, size_t at)
{
	size_t n = 0;

	for (size_t i = from; i < to; i++) {
		uint32_t field = p->named_field[i];

		if (!p->absent[field])
			p->shown[at + n++] =
				(struct lp_named){ p->named[i].name, p->values[field] };
	}
	return n;
}

static void render(const struct lp_plan *p, const struct lp_who *who, struct lp_scratch *s)
{
	const struct lp_template *t = p->info->template;

	lp_buf_clear(&s->message);
	if (t && t->shows_exception && who->exception)
		lp_plan_show_exception(&s->message, who->exception);
	for (size_t i = 0; t && i < t->n_parts; i++) {
		const struct lp_part *part = &t->parts[i];
		bool is_of_field = !part->literal || part->optional;

		if (is_of_field && part->field < t->n_fields && p->absent[part->field])
			continue;
		if (part->optional && !s->message.len && part->len)
			lp_buf_add(&s->message, part->literal + 1, part->len - 1);
		else if (part->literal)
			lp_buf_add(&s->message, part->literal, part->len);
		else if (part->field >= t->n_fields)
			continue;
		else if (p->part_plain[i])
			lp_show(&s->message, &p->values[part->field], !part->quoted);
		else
			lp_format_value(&s->message, &s->text, &part->format,
					&p->values[part->field], !part->quoted);
	}
}

/* The frames that an exception has left: the thread's own are those of who was told. */
static int traceback(const struct lp_plan *p, const struct lp_exception *e, struct lp_scratch *s,
		     size_t max, size_t *ret, bool *ret_cut)
{
	size_t n = e->n_stack;

	if (lp_scratch_frames(s, n) < 0)
		return -ENOMEM;
	memcpy(s->frames, e->stack, n * sizeof(*s->frames));
	if (!p->info->all_frames)
		n = lp_frames_fold(s->frames, n, 1);
	*ret = n < max ? n : max;
	*ret_cut = n > max || e->stack_cut;
	return 0;
}

/* Into s->frames, where there is room for one at least. -ENOMEM. */
static int read_stack(const struct lp_plan *p, struct lp_decoded *d,
		      const struct lp_symbolizer *sym, const struct lp_who *who,
		      struct lp_scratch *s, const struct lp_frame *own, size_t *ret, bool *ret_cut)
{
	const struct lp_template *t = p->info->template;
	const struct lp_exception *e = who->exception;
	size_t max = p->info->max_frames ? p->info->max_frames : LP_FRAMES_DEFAULT;

	if (t->with_stack && e && e->n_stack)
		return traceback(p, e, s, max, ret, ret_cut);
	if (t->with_stack)
		return lp_plan_stack(p, d, sym, s, own, max, ret, ret_cut);
	if (lp_scratch_frames(s, 1) < 0)
		return -ENOMEM;
	if (!t->has_exception)
		return 0;
	/* the frame that has raised it: its variables are no fields */
	s->frames[0] = e && e->n_stack ? e->stack[0] : *own;
	*ret = 1;
	return e && e->n_stack
		       ? 0
		       : lp_plan_read_frames(p, p->info->python, d, sym, s->frames, 1, &s->arena);
}

/* The stack. A function that has returned is no longer on it but belongs to it, and the frame of
 * the logpoint itself is known also where nothing could be unwound.
 */
static int put_stack(struct lp_plan *p, struct lp_decoded *d, const struct lp_symbolizer *sym,
		     const struct lp_who *who, struct lp_scratch *s, struct lp_event *ev,
		     struct lp_err *err)
{
	const struct lp_frame own = { .function = who->function,
				      .file = who->file,
				      .line = who->line };
	size_t n = 0;

	if (read_stack(p, d, sym, who, s, &own, &n, &ev->stack_cut) < 0)
		return lp_err_nomem(err);
	if (!own.function && p->info->template->has_exception) /* it was never raised */
		return 0;
	if (n == 0)
		s->frames[n++] = own;
	/* several lines can begin at one instruction: this one was asked for */
	if (own.line > 0 && own.function && !s->frames[0].function)
		s->frames[0].function = own.function;
	if (own.line > 0 && own.function && !strcmp(own.function, s->frames[0].function)) {
		s->frames[0].file = own.file;
		s->frames[0].line = own.line;
	}

	/* a message that shows all locals leaves none for here */
	if (p->n_locals) {
		size_t first = p->n_values;

		s->frames[0].locals = p->shown + first;
		s->frames[0].n_locals = show(p, first, first + p->n_locals, first);
		s->frames[0].has_locals = true;
	}
	ev->stack = s->frames;
	ev->n_stack = n;
	return 0;
}

/* Is it where the logpoint is? */
static bool is_own_place(const struct lp_site_info *info, const struct lp_who *who)
{
	return who->file == info->file && who->function == info->function &&
	       who->line == info->line;
}

/* The place of a crash is the program's own, not that of abort() in a library. */
static void put_crash_place(struct lp_event *ev)
{
	const struct lp_frame *at = ev->stack;

	for (size_t i = 0; i < ev->n_stack; i++) {
		const struct lp_frame *f = &ev->stack[i];

		if (f->kind == LP_FRAME_CALL && f->line && !f->is_library) {
			at = f;
			break;
		}
	}
	ev->plan = 0;
	ev->function = at->function;
	ev->file = at->file;
	ev->line = at->line;
}

int lp_plan_event(struct lp_plan *p, struct lp_decoded *d, const struct lp_symbolizer *sym,
		  uint64_t realtime, struct lp_scratch *s, struct lp_event *ret, struct lp_err *err)
{
	const struct lp_record *rec = d->rec;
	const struct lp_site_info *info = p->info;

	struct lp_who who;

	lp_arena_reset(&s->arena);
	if (lp_plan_read_who(p, d, sym, s, &who) < 0)
		return lp_err_nomem(err);
	s->task = who.task;
	const struct lp_crash *crash =
		lp_plan_read_crash(d, &s->arena, &s->crash) ? &s->crash : NULL;
	lp_plan_read_fields(p, d, sym, &who, crash, &s->arena);
	render(p, &who, s);
	if (s->message.failed)
		return lp_err_nomem(err);
	size_t n_values = show(p, 0, p->n_values, 0);
	memcpy(s->comm, rec->comm, LP_COMM_LEN);

	/* all members: what some are left out of is cleared first, which costs more than the rest */
	*ret = (struct lp_event){
		.time = realtime,
		.logpoint = info->logpoint,
		.point = rec->point,
		.plan = is_own_place(info, &who) ? p->number : 0,
		.hit = rec->hit,
		.pid = (pid_t)rec->pid,
		.tid = (pid_t)rec->tid,
		.comm = s->comm,
		.thread = who.thread,
		.task = who.task,
		.file = who.file,
		.line = who.line,
		.function = who.function,
		.message = s->message.data ? s->message.data : "",
		.message_len = s->message.len,
		.values = p->shown,
		.n_values = n_values,
		.result = p->result,
		.has_elapsed = info->is_return && (rec->flags & LP_RECF_ELAPSED),
		.elapsed = rec->elapsed,
		.exception = who.exception,
		.stack = NULL,
		.n_stack = 0,
		.stack_cut = false,
		.crash = crash,
		.cut = rec->flags & LP_RECF_CUT,
	};
	if (!p->wants_stack)
		return 0;
	int r = put_stack(p, d, sym, &who, s, ret, err);
	if (r >= 0 && crash && ret->n_stack)
		put_crash_place(ret);
	return r;
}
