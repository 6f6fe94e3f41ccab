// SPDX-License-Identifier: GPL-2.0-only
#include "session/stacks.h"

#include <errno.h>
#include <string.h>

#include "collect/mixed.h"
#include "session/internal.h"
#include "session/stacks_impl.h"

#define NATIVE_MAX 512 /* frames of one stack */

void stacks_finish(struct stacks *s, struct lp_frame *frames, size_t n, bool changed, bool cut,
		   struct lp_stack *ret)
{
	const size_t max = s->o->limits.frames;

	if (!s->o->limits.all_frames)
		n = lp_frames_fold(frames, n, 0);
	*ret = (struct lp_stack){
		.frames = frames, .n = n < max ? n : max, .changed = changed, .cut = cut || n > max
	};
}

static const char *kept(struct stacks *s, const char *text)
{
	return text ? lp_arena_strdup(s->arena, text) : NULL;
}

static int unwind(struct stacks *s, const struct os_thread *t, struct lp_frame *ret,
		  struct lp_stack_parts *parts)
{
	const struct framing f = { .proc = s->proc,
				   .py = s->py,
				   .unwinder = s->unwinder,
				   .limits = &s->o->limits,
				   .arena = s->arena,
				   .locals = s->o->locals };

	int r = session_unwind(&f, t->regs, t->regs[LP_MACH_SP], t->stack, t->len, ret, NATIVE_MAX,
			       &parts->n_native, &parts->native_cut);
	/* the unwinder's own live until the next thread's turn */
	for (size_t i = 0; r >= 0 && i < parts->n_native; i++) {
		ret[i].function = kept(s, ret[i].function);
		ret[i].file = kept(s, ret[i].file);
	}
	return r;
}

/* The frames of one thread: python, native (NULL) or both. */
static int put_stack(struct stacks *s, const struct os_thread *t, struct lp_py_thread *py,
		     struct lp_stack *ret)
{
	struct lp_stack_parts parts = { .has_native = t && t->has_native, .native = s->native };
	struct lp_frame *python = NULL, *merged;
	bool cut = false;
	int r = py ? stacks_python(s, &py->stack, &python, &parts.n_python) : 0;

	if (r < 0)
		return -ENOMEM;
	if (parts.has_native)
		r = unwind(s, t, s->native, &parts);
	merged = lp_arena_array(s->arena, struct lp_frame,
				parts.n_native + parts.n_python + LP_MIXED_SPARE);
	if (r < 0 || !merged)
		return -ENOMEM;
	parts.python = python;
	parts.python_cut = py && py->stack.cut;
	parts.loops_adjoin = py && lp_python_runtime(s->py)->layout.minor >= LP_LOOPS_ADJOIN;
	const size_t n = lp_frames_merge(&parts, merged, &cut);
	stacks_finish(s, merged, n, py ? py->stack.changed : s->registers && !n, cut, ret);
	return 0;
}

static int put_thread(struct stacks *s, const struct os_thread *t, struct lp_py_thread *py,
		      struct lp_thread_stack *ret)
{
	*ret = (struct lp_thread_stack){ 0 };
	if (py) {
		ret->is_python = true;
		ret->has_gil = py->has_gil;
		ret->interpreter = py->interpreter;
		ret->name = py->name;
	}
	if (t) {
		ret->tid = t->tid;
		ret->state = t->state;
		ret->comm = lp_arena_strdup(s->arena, t->comm);
	}
	return put_stack(s, t, py, &ret->stack);
}

static int put_threads(struct stacks *s, struct lp_process_stacks *ret)
{
	int r = 0;

	ret->threads =
		lp_arena_array(s->arena, struct lp_thread_stack, s->threads.len + s->os.len + 1);
	if (!ret->threads)
		return -ENOMEM;
	lp_vec_each (&s->os, t)
		if (r == 0)
			r = put_thread(s, t, t->python, &ret->threads[ret->n_threads++]);
	lp_vec_each (&s->threads, py) {
		if (r < 0 || stacks_has_thread(s, py))
			continue;
		r = put_thread(s, NULL, py, &ret->threads[ret->n_threads]);
		ret->threads[ret->n_threads++].tid = py->tid;
	}
	ret->cut = s->threads.cut;
	return r;
}

/* --- */

static int read_python(struct stacks *s, struct lp_process_stacks *ret, struct lp_err *err)
{
	int r = lp_python_skip_scan(s->py, err);

	if (r == 0)
		r = lp_python_threads(s->py, s->arena, &s->threads, err);
	if (r == 0) {
		ret->python = lp_python_version(s->py);
		s->types = lp_py_types_new();
	}
	return r;
}

static void stacks_done(struct stacks *s)
{
	lp_vec_each (&s->os, t)
		free(t->stack);
	lp_vec_done(&s->os);
	lp_py_threads_done(&s->threads);
	lp_py_types_free(s->types);
	lp_unwinder_free(s->unwinder);
	free(s->native);
}
LP_CLEANUP_DONE(struct stacks, stacks_done)

int lp_stacks_read(struct lp_proc *p, struct lp_python *py, struct lp_registers *registers,
		   const struct lp_stacks_opts *o, struct lp_arena *arena,
		   struct lp_process_stacks *ret, struct lp_err *err)
{
	lp_auto(stacks_done) struct stacks s = {
		.proc = p, .py = py, .registers = registers, .o = o, .arena = arena
	};
	struct lp_err why = { 0 };
	int r = stacks_list_threads(p->info.pid, &s.os, err);

	*ret = (struct lp_process_stacks){ .pid = p->info.pid, .comm = p->info.comm };
	if (r == 0)
		r = lp_unwinder_new(&s.unwinder, err);
	if (r < 0)
		return r;
	s.native = reallocarray(NULL, NATIVE_MAX, sizeof(*s.native));
	if (!s.native)
		return lp_err_nomem(err);
	if (py && read_python(&s, ret, &why) < 0)
		ret->why = lp_arena_strdup(arena, why.msg);
	if (stacks_settle(&s, &why) < 0)
		return lp_err_nomem(err);
	if (registers && !s.registers)
		ret->no_native = lp_arena_strdup(arena, why.msg);
	r = put_threads(&s, ret);
	if (r == 0 && ret->python && stacks_tasks(&s, ret, &why) < 0)
		ret->why = lp_arena_strdup(arena, why.msg);
	return r < 0 ? lp_err_nomem(err) : 0;
}
