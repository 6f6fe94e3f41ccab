/* SPDX-License-Identifier: GPL-2.0-only */
/* user/python/tasks_impl.h
 *
 * tasks_impl - one task of asyncio, read while it may run: its state, its coroutines, whom it
 * awaits.
 */
#ifndef LP_PYTHON_TASKS_IMPL_H
#define LP_PYTHON_TASKS_IMPL_H

#include "python/code.h"
#include "python/stacks.h"

#define LP_PY_TASK_TRIES 8

struct lp_py_task_reader {
	struct lp_python *py;
	const struct lp_py_threads *threads;
	struct lp_arena *arena;
	uint64_t type_task; /* _asyncio.Task; 0 */
};

/* -EINVAL: no task (any more); -ENOMEM. */
int lp_py_task_read(struct lp_py_task_reader *r, uint64_t addr, struct lp_py_task *ret);

#endif
