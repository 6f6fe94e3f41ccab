/* SPDX-License-Identifier: GPL-2.0-only */
/* user/python/tasks_impl.h
 *
 * tasks_impl - one task of asyncio, read while it may run: its state, its coroutines, whom it
 * awaits.
 */
#ifndef LP_PYTHON_TASKS_IMPL_H
#define LP_PYTHON_TASKS_IMPL_H

#include "python/code.h"
#include "python/stacks_impl.h"

#define LP_PY_TASK_TRIES 8

struct lp_py_task_reader {
	struct lp_python *py;
	const struct lp_py_threads *threads;
	struct lp_arena *arena;
	uint64_t type_task; /* _asyncio.Task; 0 */
};

/* A task as it was at one look: two that are the same are the truth. */
struct lp_py_task_look {
	uint64_t addr;
	uint64_t coro, waiter, loop, name;
	enum lp_py_task_state state;
	struct lp_py_stack stack;
	uint64_t object;   /* that the innermost coroutine is suspended in */
	bool is_running;   /* no frames of its own */
	const char *title; /* what `name` is */
	char waits_for[64];
	uint64_t awaits[LP_PY_AWAIT_MAX];
	size_t n_awaits;
};

void lp_py_task_look_done(struct lp_py_task_look *l);
LP_CLEANUP_DONE(struct lp_py_task_look, lp_py_task_look_done)

/* -EINVAL: no task (any more); -EFAULT: it changed; -ENOMEM. */
int lp_py_task_look(const struct lp_py_task_reader *r, uint64_t addr, struct lp_py_task_look *ret);
bool lp_py_task_is_same(const struct lp_py_task_look *a, const struct lp_py_task_look *b);
/* What two looks have confirmed. -ENOMEM. */
int lp_py_task_take(const struct lp_py_task_reader *r, struct lp_py_task_look *look,
		    struct lp_py_task *ret);

/* Looks until it stayed, or a few times. -EINVAL: no task (any more); -ENOMEM. */
int lp_py_task_read(const struct lp_py_task_reader *r, uint64_t addr, struct lp_py_task *ret);

#endif
