// SPDX-License-Identifier: GPL-2.0-only
/* What a hit in Python brings: values of its own kind, its thread's and its task's name, frames. */
#include <errno.h>
#include <string.h>

#include "collect/plan.h"
#include "python/value.h"

/* Whose frames a value may show: those of suspended generators. */
struct frames_of {
	const struct lp_symbolizer *sym;
	pid_t pid;
};

static bool line_of(void *arg, const struct lp_py_frame *frame, const char **ret_function,
		    const char **ret_file, int *ret_line)
{
	const struct frames_of *of = arg;
	struct lp_frame found = { 0 };

	if (!of->sym || !of->sym->python_frame ||
	    !of->sym->python_frame(of->sym->arg, of->pid, frame, &found))
		return false;
	*ret_function = found.function;
	*ret_file = found.file;
	*ret_line = found.line;
	return true;
}

static struct lp_py_reader reader_of(const struct lp_plan *p, const struct lp_py_info *python,
				     struct lp_decoded *d, struct frames_of *of, struct lp_arena *a)
{
	const struct lp_symbolizer *sym = of->sym;
	const struct lp_site_info *info = p->info;

	return (struct lp_py_reader){
		.memory = &d->memory,
		.live = sym && sym->memory ? sym->memory(sym->arg, (pid_t)d->rec->pid) : NULL,
		.arena = a,
		.runtime = python->runtime,
		.types = python->types,
		.max_string = info->max_string,
		.max_items = info->max_items,
		.max_depth = info->max_depth,
		.redact = python->redact,
		.is_redacted = python->is_redacted,
		.line_of = line_of,
		.line_of_arg = of,
	};
}

void lp_plan_read_python(const struct lp_plan *p, struct lp_decoded *d,
			 const struct lp_symbolizer *sym, const struct lp_blocks *span,
			 bool in_enter, struct lp_arena *a, struct lp_value *ret)
{
	struct frames_of of = { .sym = sym, .pid = (pid_t)d->rec->pid };
	struct lp_py_reader reader = reader_of(p, p->info->python, d, &of, a);
	const struct lp_block *b = span->first;
	struct lp_py_value v;

	if (b->status != LP_ST_OK) {
		const char *why =
			lp_template_reason(p->info->template, in_enter, b->status, b->addr, a);

		lp_status_text(b->status, b->addr, a, ret);
		if (why)
			ret->str = why;
		else if (b->status == LP_ST_UNREADABLE) /* the block has no address */
			ret->str = "unreadable";
		return;
	}
	if (b->len < sizeof(v)) {
		*ret = (struct lp_value){ .kind = LP_VAL_ERROR, .str = "truncated" };
		return;
	}
	memcpy(&v, b + 1, sizeof(v));
	lp_py_read_value(&reader, &v, ret);
}

/* A name that is no str, or could not be read, is none. */
static bool read_name(const struct lp_plan *p, struct lp_decoded *d,
		      const struct lp_symbolizer *sym, const struct lp_blocks *span,
		      struct lp_arena *a, struct lp_value *ret)
{
	if (!span->n || span->first->status != LP_ST_OK)
		return false;
	lp_plan_read_python(p, d, sym, span, false, a, ret);
	return ret->kind == LP_VAL_STRING;
}

/* asyncio gives tasks numbers, and makes names of them only when somebody asks. */
static const char *task_name(const struct lp_value *v, struct lp_arena *a)
{
	if (v->kind == LP_VAL_STRING)
		return lp_arena_strndup(a, v->str, v->len);
	if (v->kind == LP_VAL_INT)
		return lp_arena_fmt(a, "Task-%lld", (long long)v->s);
	return NULL;
}

/* A frame as a record has it; how many loops end with it. */
static uint8_t take_frame(const void *from, struct lp_py_frame *ret)
{
	memcpy(ret, from, sizeof(*ret));
	uint8_t n_loops = ret->code & LP_PY_FRAME_LOOPS;
	ret->code &= ~(uint64_t)LP_PY_FRAME_LOOPS;
	return n_loops;
}

/* An exception is raised where its first frame is: of its traceback, as far as it has one. */
static void read_place(const struct lp_py_reader *r, const struct lp_decoded *d,
		       const struct lp_symbolizer *sym, struct lp_scratch *scratch,
		       struct lp_who *ret)
{
	const struct lp_block *b = d->py_stack.n ? d->py_stack.first : NULL;
	struct lp_frame frame = { 0 };
	struct lp_py_frame f;

	if (ret->exception && ret->exception->n_stack) {
		frame = ret->exception->stack[0];
	} else if (b && b->status == LP_ST_OK && b->len >= sizeof(f)) {
		take_frame(b + 1, &f);
		lp_places_find(&scratch->places, r, d->rec->pid, sym, &f, &frame);
	} else {
		return;
	}
	ret->function = frame.function;
	ret->file = frame.file;
	ret->line = frame.line;
}

int lp_plan_read_who(const struct lp_plan *p, struct lp_decoded *d, const struct lp_symbolizer *sym,
		     struct lp_scratch *scratch, struct lp_who *ret)
{
	const struct lp_record *rec = d->rec;
	struct lp_value v;

	*ret = (struct lp_who){ .function = p->info->function,
				.file = p->info->file,
				.line = p->info->line };
	if (!p->info->python)
		return 0;
	if (p->info->template && p->info->template->has_exception) {
		struct frames_of of = { .sym = sym, .pid = (pid_t)rec->pid };
		struct lp_py_reader reader = reader_of(p, p->info->python, d, &of, &scratch->arena);

		ret->exception = lp_plan_exception(p->info->template, &reader, d, sym, scratch);
		read_place(&reader, d, sym, scratch, ret);
	}
	if (read_name(p, d, sym, &d->py_thread, &scratch->arena, &v) &&
	    lp_threads_set(&scratch->threads, rec->pid, rec->tid, v.str, v.len) < 0)
		return -ENOMEM;
	ret->thread = lp_threads_get(&scratch->threads, rec->pid, rec->tid);
	v = (struct lp_value){ 0 };
	read_name(p, d, sym, &d->py_task, &scratch->arena, &v);
	ret->task = task_name(&v, &scratch->arena);
	return 0;
}

size_t lp_plan_python_stack(const struct lp_decoded *d, const struct lp_symbolizer *sym,
			    struct lp_frame *ret, size_t max, bool *ret_cut)
{
	const struct lp_block *b = d->py_stack.n ? d->py_stack.first : NULL;
	size_t n = 0, have = b && b->status == LP_ST_OK ? b->len / sizeof(struct lp_py_frame) : 0;

	*ret_cut = !have || have > max || (b->flags & LP_BLKF_CUT);
	for (; n < have && n < max; n++) {
		struct lp_py_frame f;

		uint8_t n_loops = take_frame((const char *)(b + 1) + n * sizeof(f), &f);
		ret[n] = (struct lp_frame){ .n_loops = n_loops };
		ret[n].addr = f.code;
		if (sym->python_frame && !d->signal.n)
			sym->python_frame(sym->arg, (pid_t)d->rec->pid, &f, &ret[n]);
	}
	return n;
}

void lp_plan_meet_frames(const struct lp_record *rec, const struct lp_symbolizer *sym)
{
	if (!sym->python_frame)
		return;
	for (const struct lp_block *b = NULL; (b = lp_record_next(rec, b));) {
		const size_t from = b->slot == LP_SLOT_PYEXC	 ? sizeof(struct lp_py_exc)
				    : b->slot == LP_SLOT_PYAWAIT ? sizeof(struct lp_py_await)
								 : 0;

		if ((!from && b->slot != LP_SLOT_PYSTACK) || b->status != LP_ST_OK)
			continue;
		for (size_t at = from; at + sizeof(struct lp_py_frame) <= b->len;
		     at += sizeof(struct lp_py_frame)) {
			struct lp_frame found = { 0 };
			struct lp_py_frame f;

			take_frame((const char *)(b + 1) + at, &f);
			sym->python_frame(sym->arg, (pid_t)rec->pid, &f, &found);
		}
	}
}

/* Frames that are being made. */
struct frames_out {
	struct lp_frame *to;
	size_t n, max;
	bool cut;
};

static void put(struct frames_out *out, struct lp_frame f)
{
	if (out->n < out->max)
		out->to[out->n++] = f;
	else
		out->cut = true;
}

/* What the process has now has its qualified name; what the record has is there when that is gone. */
static struct lp_frame coroutine(const struct lp_py_reader *r, pid_t pid,
				 const struct lp_symbolizer *sym, struct lp_scratch *s,
				 const struct lp_py_frame *f)
{
	struct lp_frame recorded = { .addr = f->code }, live = { .addr = f->code };

	lp_places_find(&s->places, r, (uint32_t)pid, sym, f, &recorded);
	if (sym->python_frame && sym->python_frame(sym->arg, pid, f, &live)) {
		if (live.line <= 0)
			live.line = recorded.line;
		return live;
	}
	if (!recorded.function)
		recorded.kind = LP_FRAME_GAP;
	else if (recorded.file && sym->classify)
		sym->classify(sym->arg, pid, &recorded);
	return recorded;
}

/* Outermost first in the record. */
static void put_coroutines(struct frames_out *out, const struct lp_py_reader *r, pid_t pid,
			   const struct lp_symbolizer *sym, struct lp_scratch *s,
			   const struct lp_block *b, const struct lp_py_await *await)
{
	size_t n = (b->len - sizeof(*await)) / sizeof(struct lp_py_frame);

	if (n > await->n_frames)
		n = await->n_frames;
	if (await->flags & LP_PY_AWAIT_FRAMES_CUT)
		put(out, (struct lp_frame){ .kind = LP_FRAME_GAP });
	while (n-- > 0) {
		struct lp_py_frame f;

		memcpy(&f, (const char *)(b + 1) + sizeof(*await) + n * sizeof(f), sizeof(f));
		put(out, coroutine(r, pid, sym, s, &f));
	}
}

/* " and 2 others" */
static const char *others_text(const struct lp_py_await *await, struct lp_arena *a)
{
	const bool is_many = await->flags & LP_PY_AWAIT_MANY;

	if (!await->others)
		return is_many ? " and maybe others" : "";
	return lp_arena_fmt(a, " and %u%s other%s", await->others, is_many ? " or more" : "",
			    await->others == 1 && !is_many ? "" : "s");
}

size_t lp_plan_awaiters(const struct lp_plan *p, struct lp_decoded *d,
			const struct lp_symbolizer *sym, struct lp_scratch *s, struct lp_frame *ret,
			size_t max, bool *ret_cut)
{
	struct frames_of of = { .sym = sym, .pid = (pid_t)d->rec->pid };
	struct frames_out out = { .to = ret, .max = max };
	const char *name = s->task;

	if (!p->info->python || !d->awaiters.len)
		return 0;
	const struct lp_py_reader reader = reader_of(p, p->info->python, d, &of, &s->arena);
	lp_vec_each (&d->awaiters, block) {
		const struct lp_block *b = *block;
		struct lp_value v = { 0 };
		struct lp_py_await await;

		if (b->len < sizeof(await))
			continue;
		memcpy(&await, b + 1, sizeof(await));
		if (!await.task) {
			put(&out, (struct lp_frame){ .kind = LP_FRAME_GAP });
			continue;
		}
		lp_py_read_value(&reader, &await.name, &v);
		const char *by = task_name(&v, &s->arena);
		const char *said =
			lp_arena_fmt(&s->arena, "task %s awaited by %s%s", name ? name : "?",
				     by ? by : "?", others_text(&await, &s->arena));
		put(&out,
		    (struct lp_frame){ .kind = LP_FRAME_TASK, .function = said ? said : "task" });
		put_coroutines(&out, &reader, of.pid, sym, s, b, &await);
		name = by;
	}
	*ret_cut |= out.cut;
	return out.n;
}

/* Where these frames are, by the record alone. */
static void read_codes(const struct lp_py_reader *r, const struct lp_decoded *d,
		       const struct lp_symbolizer *sym, struct lp_frame *frames, size_t n)
{
	const struct lp_block *b = d->py_stack.first;

	for (size_t i = 0; i < n; i++) {
		struct lp_frame *to = &frames[i];
		lp_auto(lp_buf_done) struct lp_buf table = { 0 };
		struct lp_py_frame f;

		take_frame((const char *)(b + 1) + i * sizeof(f), &f);
		if (!lp_py_code_in(r, &f, &to->function, &to->file, &table))
			continue;
		to->line = lp_py_line_in(r->runtime->layout.minor, &f, &table);
		if (to->file && sym->classify)
			sym->classify(sym->arg, (pid_t)d->rec->pid, to);
	}
}

int lp_plan_read_frames(const struct lp_plan *p, const struct lp_py_info *info,
			struct lp_decoded *d, const struct lp_symbolizer *sym,
			struct lp_frame *frames, size_t n, struct lp_arena *a)
{
	struct frames_of of = { .sym = sym, .pid = (pid_t)d->rec->pid };
	const struct lp_py_reader reader = reader_of(p, info, d, &of, a);

	const struct lp_template *t = p->info->template;
	/* those of a line's own frame are values */
	const struct lp_frame_list list = { .frames = frames,
					    .n = n,
					    .from = p->info->python && !t->has_exception,
					    .to = t->with_locals ? n : 0 };

	if (d->signal.n)
		read_codes(&reader, d, sym, frames, n);
	return lp_plan_python_locals(&reader, d, &list);
}

void lp_plan_python_caller(const struct lp_decoded *d, const struct lp_symbolizer *sym,
			   struct lp_value *ret)
{
	struct lp_frame frames[2];
	bool cut;
	size_t n = sym ? lp_plan_python_stack(d, sym, frames, 2, &cut) : 0;
	const char *why = n == 1 ? "no caller" : "caller not known";

	if (n == 2 && frames[1].function)
		*ret = (struct lp_value){ .kind = LP_VAL_STRING,
					  .is_python = true,
					  .str = frames[1].function,
					  .len = strlen(frames[1].function) };
	else
		*ret = (struct lp_value){ .kind = LP_VAL_ERROR, .str = why };
}
