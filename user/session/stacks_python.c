// SPDX-License-Identifier: GPL-2.0-only
/* Python's frames as those of a stack; tasks. */
#include <errno.h>
#include <string.h>

#include "expr/compile.h"
#include "session/stacks_impl.h"

static bool is_redacted(const char *const *names, const char *name, size_t len)
{
	return lp_redacted(names, name, len);
}

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
		.is_redacted = is_redacted,
		.line_of = line_of,
		.line_of_arg = s->py,
	};
	struct lp_py_local *locals = NULL;
	size_t n = 0;
	int r = lp_python_locals(s->py, from, &reader, &locals, &n);

	if (r < 0)
		return r;
	struct lp_named *named = lp_arena_array(s->arena, struct lp_named, n + 1);
	if (!named)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		named[i] = (struct lp_named){ .name = locals[i].name, .value = locals[i].value };
	to->locals = named;
	to->n_locals = n;
	to->has_locals = true;
	return 0;
}

static int add_note(struct stacks_entries *e, const char *note)
{
	return lp_vec_push(e, ((struct lp_stack_entry){ .note = note }));
}

static int add_frame(struct stacks *s, struct lp_py_stack_frame *f, struct stacks_entries *e)
{
	struct lp_stack_entry entry = { .frame.addr = f->addr };
	int r = 0;

	if (!lp_python_frame(s->py, &f->at, &entry.frame.function, &entry.frame.file,
			     &entry.frame.line))
		return add_note(e, "changed while read");
	if (!f->is_begun || entry.frame.line <= 0)
		entry.frame.line = (int)f->at.firstlineno;
	if (s->o->locals)
		r = read_locals(s, f, &entry.frame);
	if (r == -ENOMEM)
		return r;
	if (r < 0) { /* the frame was there, its variables are others' by now */
		struct lp_named *why = lp_arena_new(s->arena, struct lp_named);

		if (!why)
			return -ENOMEM;
		why->name = "*";
		why->value = (struct lp_value){ .kind = LP_VAL_ERROR, .str = "changed while read" };
		entry.frame.locals = why;
		entry.frame.n_locals = 1;
		entry.frame.has_locals = true;
	}
	return lp_vec_push(e, entry);
}

int stacks_python(struct stacks *s, struct lp_py_stack *stack, struct lp_stack *ret)
{
	struct stacks_entries e = { 0 };
	int r = stack->changed ? add_note(&e, "changed while read") : 0;

	lp_vec_each (&stack->frames, f)
		if (r == 0)
			r = add_frame(s, f, &e);
	if (r == 0 && stack->cut)
		r = add_note(&e, "...");
	if (r == 0)
		r = stacks_finish(s, &e, ret);
	lp_vec_done(&e);
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
	const char *file;
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
	return stacks_python(s, &t->stack, &ret->stack);
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
