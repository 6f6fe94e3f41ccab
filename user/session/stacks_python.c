// SPDX-License-Identifier: GPL-2.0-only
/* Python's frames as those of a stack; tasks. */
#include <errno.h>
#include <string.h>

#include "session/internal.h"
#include "session/stacks_impl.h"

static bool line_of(void *arg, const struct lp_py_frame *frame, const char **ret_function,
		    const char **ret_file, int *ret_line)
{
	return lp_python_frame(arg, frame, ret_function, ret_file, ret_line);
}

static int read_locals(struct stacks *s, const struct lp_py_stack_frame *from, struct lp_frame *to)
{
	const struct lp_limits *max = &s->o->limits;
	const struct lp_py_reader reader = {
		.memory = lp_python_memory(s->py),
		.live = lp_python_memory(s->py),
		.arena = s->arena,
		.runtime = lp_python_runtime(s->py),
		.types = s->types,
		.max_string = max->string,
		.max_items = max->items,
		.max_depth = max->depth,
		.redact = max->redact,
		.is_redacted = lp_redacted,
		.line_of = line_of,
		.line_of_arg = s->py,
	};
	struct lp_named *locals = NULL;
	int r = lp_python_locals(s->py, from, &reader, &locals, &to->n_locals);

	to->locals = locals;
	to->has_locals = r == 0;
	return r;
}

/* The frame was there, its variables are others' by now. */
static int put_lost_locals(struct stacks *s, struct lp_frame *f)
{
	struct lp_named *why = lp_arena_new(s->arena, struct lp_named);

	if (!why)
		return -ENOMEM;
	why->name = "*";
	why->value = (struct lp_value){ .kind = LP_VAL_ERROR, .str = "changed while read" };
	f->locals = why;
	f->n_locals = 1;
	f->has_locals = true;
	return 0;
}

static int put_frame(struct stacks *s, const struct lp_py_stack_frame *f, struct lp_frame *ret)
{
	int r = 0;

	if (!session_put_python(s->py, f, ret))
		return 0;
	if (s->o->locals && (s->o->limits.all_frames || !ret->is_library)) {
		r = read_locals(s, f, ret);
		if (r < 0 && r != -ENOMEM)
			r = put_lost_locals(s, ret);
	}
	return r;
}

int stacks_python(struct stacks *s, struct lp_py_stack *stack, struct lp_frame **ret, size_t *ret_n)
{
	const size_t n = stack->frames.len;
	int r = 0;

	*ret = lp_arena_array(s->arena, struct lp_frame, n + 1);
	if (!*ret)
		return -ENOMEM;
	for (size_t i = 0; i < n && r == 0; i++)
		r = put_frame(s, &stack->frames.data[i], &(*ret)[i]);
	*ret_n = n;
	return r;
}

/* --- tasks --- */

static const char *const states[] = { [LP_PY_TASK_PENDING] = "pending",
				      [LP_PY_TASK_RUNNING] = "running",
				      [LP_PY_TASK_DONE] = "done" };

static pid_t tid_of(const struct stacks *s, const struct lp_py_task *t)
{
	lp_vec_each (&s->threads, thread)
		if (t->loop && thread->loop == t->loop)
			return thread->tid;
	return 0;
}

static int put_task(struct stacks *s, struct lp_py_task *t, struct lp_task_stack *ret)
{
	struct lp_frame *frames;
	const char *file;
	size_t n;
	int line;

	*ret = (struct lp_task_stack){ .id = t->addr,
				       .name = t->name,
				       .state = states[t->state],
				       .waits_for = t->waits_for,
				       .tid = tid_of(s, t),
				       .awaits = t->awaits,
				       .n_awaits = t->n_awaits };
	if (t->stack.frames.len && t->state == LP_PY_TASK_PENDING &&
	    !lp_python_frame(s->py, &t->stack.frames.data[0].at, &ret->function, &file, &line))
		ret->function = NULL;
	int r = stacks_python(s, &t->stack, &frames, &n);
	if (r == 0)
		stacks_finish(s, frames, n, t->stack.changed, t->stack.cut, &ret->stack);
	return r;
}

static void name_running(struct stacks *s, const struct lp_py_tasks *tasks,
			 struct lp_process_stacks *ret)
{
	lp_vec_each (&s->threads, thread)
		lp_vec_each (tasks, t)
			for (size_t i = 0; thread->task == t->addr && i < ret->n_threads; i++)
				if (ret->threads[i].tid && ret->threads[i].tid == thread->tid)
					ret->threads[i].task = t->name;
}

int stacks_tasks(struct stacks *s, struct lp_process_stacks *ret, struct lp_err *err)
{
	lp_auto(lp_py_tasks_done) struct lp_py_tasks tasks = { 0 };
	int r = lp_python_tasks(s->py, &s->threads, s->arena, &tasks, err);

	if (r < 0)
		return r;
	ret->tasks = lp_arena_array(s->arena, struct lp_task_stack, tasks.len + 1);
	if (!ret->tasks)
		return lp_err_nomem(err);
	lp_vec_each (&tasks, t)
		if (r == 0)
			r = put_task(s, t, &ret->tasks[ret->n_tasks++]);
	ret->cut |= tasks.cut;
	name_running(s, &tasks, ret);
	return r < 0 ? lp_err_nomem(err) : 0;
}
