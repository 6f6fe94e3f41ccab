// SPDX-License-Identifier: GPL-2.0-only
/* Who awaits the task that has hit: read from the live process, a moment later. What is shown was so then,
 * twice in a row; a task that has ended meanwhile has nobody to wait for it any more, which is said.
 */
#include "session/internal.h"

#include <errno.h>

#include "python/stacks.h"

#define CHAIN_MAX 16 /* tasks */

static struct lp_frame note(const char *text)
{
	return (struct lp_frame){ .kind = LP_FRAME_TASK, .function = text ? text : "task" };
}

static const char *or_unknown(const char *name)
{
	return name ? name : "?";
}

static size_t put_task(struct lp_python *py, const struct lp_py_stack *stack, size_t max,
		       struct lp_frame *ret)
{
	size_t n = 0;

	if (stack->changed && n < max)
		ret[n++] = (struct lp_frame){ .kind = LP_FRAME_GAP };
	for (size_t i = 0; i < stack->frames.len && n < max; i++)
		session_put_python(py, &stack->frames.data[i], &ret[n++]);
	return n;
}

size_t session_awaiters(void *session, pid_t pid, uint64_t task, const char *name, size_t max,
			struct lp_arena *a, struct lp_frame *ret)
{
	struct interp *in = session_interp(session, pid);
	struct lp_python *py = in && in->py ? in->py : NULL;
	size_t n = 0;

	for (int i = 0; py && i < CHAIN_MAX && n + 1 < max; i++) {
		struct lp_py_task by = { 0 };
		int r = lp_python_awaiter(py, task, a, &by);

		if (r == -ESTALE)
			ret[n++] = note(
				lp_arena_fmt(a, "task %s has ended meanwhile", or_unknown(name)));
		if (r < 0)
			break;
		ret[n++] = note(lp_arena_fmt(a, "task %s awaited by %s", or_unknown(name),
					     or_unknown(by.name)));
		n += put_task(py, &by.stack, max - n, ret + n);
		lp_vec_done(&by.stack.frames);
		task = by.addr;
		name = by.name;
	}
	return n;
}
