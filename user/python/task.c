// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "python/stacks_impl.h"
#include "python/tasks_impl.h"

#define ITEMS_MAX 1024 /* of a collection of tasks */

/* A task of C: enum { STATE_PENDING, STATE_CANCELLED, STATE_FINISHED } */
static int read_c(struct lp_memory *m, const struct lp_py_layout *l, uint64_t addr,
		  struct lp_py_task_look *ret)
{
	uint32_t state;

	if (lp_py_u32(m, addr + l->task_state, &state) < 0 || state > 2 ||
	    lp_py_u64(m, addr + l->task_coro, &ret->coro) < 0 ||
	    lp_py_u64(m, addr + l->task_waiter, &ret->waiter) < 0 ||
	    lp_py_u64(m, addr + l->task_loop, &ret->loop) < 0 ||
	    lp_py_u64(m, addr + l->task_name, &ret->name) < 0)
		return -EINVAL;
	ret->state = state ? LP_PY_TASK_DONE : LP_PY_TASK_PENDING;
	return 0;
}

/* One written in Python has the same as attributes. */
static int read_python(struct lp_python *py, uint64_t addr, struct lp_py_task_look *ret)
{
	static const char *const names[] = { "_state", "_coro", "_fut_waiter", "_loop", "_name" };
	uint64_t v[LP_ARRAY_SIZE(names)];
	int r = lp_py_attributes(py, addr, names, LP_ARRAY_SIZE(names), v);

	if (r < 0 || !v[1] || !v[2])
		return r == -ENOMEM ? r : -EINVAL;
	/* while it is pending that is the class's attribute */
	ret->state =
		!v[0] || lp_py_text_is(&py->memory.memory, &py->runtime.layout, v[0], "PENDING")
			? LP_PY_TASK_PENDING
			: LP_PY_TASK_DONE;
	ret->coro = v[1] == py->runtime.none ? 0 : v[1];
	ret->waiter = v[2] == py->runtime.none ? 0 : v[2];
	ret->loop = v[3];
	ret->name = v[4];
	return 0;
}

/* One of _asyncio.Task, not of Python's. */
static bool is_c_task(const struct lp_py_task_reader *r, uint64_t object)
{
	return lp_py_is_made_from(&r->py->memory.memory, &r->py->runtime.layout, object,
				  r->type_task);
}

static int take_snap(const struct lp_py_task_reader *r, uint64_t addr, struct lp_py_task_look *ret)
{
	struct lp_memory *m = &r->py->memory.memory;
	const struct lp_py_runtime *rt = &r->py->runtime;
	int e = is_c_task(r, addr) ? read_c(m, &rt->layout, addr, ret)
				   : read_python(r->py, addr, ret);

	if (e < 0 || ret->state == LP_PY_TASK_DONE || !ret->coro)
		return e;
	e = lp_py_await_chain(m, rt, ret->coro, &ret->stack, &ret->object);
	if (e == -EBUSY) {
		ret->is_running = true;
		ret->stack.frames.len = 0;
		e = 0;
	}
	return e;
}

/* --- whom it awaits --- */

static bool is_task(const struct lp_py_task_reader *r, uint64_t object)
{
	static const char *const names[] = { "_coro", "_fut_waiter" };
	uint64_t found[LP_ARRAY_SIZE(names)];

	return is_c_task(r, object) ||
	       (lp_py_attributes(r->py, object, names, LP_ARRAY_SIZE(names), found) == 0 &&
		found[0] && found[1]);
}

static void add_awaited(const struct lp_py_task_reader *r, struct lp_py_task_look *to,
			uint64_t object)
{
	if (to->n_awaits < LP_PY_AWAIT_MAX && object && is_task(r, object))
		to->awaits[to->n_awaits++] = object;
}

/* Tasks in a list, a tuple or a set. */
static void add_items(const struct lp_py_task_reader *r, struct lp_py_task_look *to,
		      uint64_t object)
{
	struct lp_memory *m = &r->py->memory.memory;
	const struct lp_py_runtime *rt = &r->py->runtime;
	const struct lp_py_layout *l = &rt->layout;
	uint64_t type, n, items, word;

	if (lp_py_type(m, l, object, &type) < 0)
		return;
	const bool is_set = type == rt->type_set || type == rt->type_frozenset;
	if (is_set) {
		if (lp_py_u64(m, object + l->set_mask, &n) < 0 ||
		    lp_py_u64(m, object + l->set_table, &items) < 0)
			return;
		n++;
	} else if (lp_py_items(m, l, object, &items, &n) < 0) {
		return;
	}
	for (uint64_t i = 0; i < n && i < ITEMS_MAX; i++)
		if (lp_py_u64(m, items + i * (is_set ? 16 : 8), &word) == 0)
			add_awaited(r, to, word);
}

/* Functions of asyncio that wait for a future of their own until tasks are done that a variable has. */
static const struct {
	const char *function, *file, *variable, *attribute;
} waiters[] = {
	{ "wait_for", "/asyncio/tasks.py", "fut", NULL },
	{ "_wait", "/asyncio/tasks.py", "fs", NULL },
	{ "__aexit__", "/asyncio/taskgroups.py", "self", "_tasks" },
	{ "_aexit", "/asyncio/taskgroups.py", "self", "_tasks" },
};

static bool ends_in(struct lp_memory *m, const struct lp_py_layout *l, uint64_t str,
		    const char *end)
{
	lp_auto(lp_buf_done) struct lp_buf text = { 0 };
	const size_t n = strlen(end);

	return lp_py_text(m, l, str, PATH_MAX, &text) == 0 && text.len >= n &&
	       !memcmp(text.data + text.len - n, end, n);
}

static void add_of_frame(const struct lp_py_task_reader *r, struct lp_py_task_look *to,
			 const struct lp_py_stack_frame *f)
{
	struct lp_python *py = r->py;
	struct lp_memory *m = &py->memory.memory;
	const struct lp_py_layout *l = &py->runtime.layout;
	uint64_t value;

	for (size_t i = 0; i < LP_ARRAY_SIZE(waiters); i++) {
		if (!lp_py_text_is(m, l, f->at.name, waiters[i].function) ||
		    !ends_in(m, l, f->at.filename, waiters[i].file) ||
		    lp_py_frame_local(py, f, waiters[i].variable, &value) < 0)
			continue;
		if (waiters[i].attribute &&
		    lp_py_attributes(py, value, &waiters[i].attribute, 1, &value) < 0)
			continue;
		add_awaited(r, to, value);
		add_items(r, to, value);
		return;
	}
}

/* gather() waits for a future that has the list of the others. */
static void find_awaited(const struct lp_py_task_reader *r, struct lp_py_task_look *to)
{
	static const char *const children[] = { "_children" };
	struct lp_python *py = r->py;
	const uint64_t future = to->waiter ? to->waiter : to->object;
	uint64_t list;

	if (!future)
		return;
	lp_py_type_name(&py->memory.memory, &py->runtime.layout, future, to->waits_for);
	add_awaited(r, to, future);
	if (!to->n_awaits && !strcmp(to->waits_for, "_GatheringFuture") &&
	    lp_py_attributes(py, future, children, 1, &list) == 0 && list)
		add_items(r, to, list);
	if (!to->n_awaits && to->stack.frames.len)
		add_of_frame(r, to, &to->stack.frames.data[0]);
}

/* --- */

void lp_py_task_look_done(struct lp_py_task_look *l)
{
	lp_py_stack_done(&l->stack);
}

int lp_py_task_look(const struct lp_py_task_reader *r, uint64_t addr, struct lp_py_task_look *ret)
{
	*ret = (struct lp_py_task_look){ .addr = addr };
	int e = take_snap(r, addr, ret);

	if (e == 0)
		ret->title = lp_py_name_of(r->py, ret->name, r->arena);
	if (e == 0 && ret->state == LP_PY_TASK_PENDING && !ret->is_running)
		find_awaited(r, ret);
	return e;
}

bool lp_py_task_is_same(const struct lp_py_task_look *a, const struct lp_py_task_look *b)
{
	if (a->coro != b->coro || a->waiter != b->waiter || a->state != b->state ||
	    a->name != b->name || a->object != b->object || a->is_running != b->is_running ||
	    a->n_awaits != b->n_awaits || a->stack.frames.len != b->stack.frames.len ||
	    memcmp(a->awaits, b->awaits, a->n_awaits * sizeof(*a->awaits)) != 0)
		return false;
	return !a->stack.frames.len || !memcmp(a->stack.frames.data, b->stack.frames.data,
					       a->stack.frames.len * sizeof(*a->stack.frames.data));
}

/* Of a task that runs: the frames of its thread, up to its coroutine's. */
static int take_frames(const struct lp_py_task_reader *r, const struct lp_py_task_look *look,
		       struct lp_py_task *ret)
{
	enum lp_py_gen_state state;
	uint64_t frame;

	ret->state = LP_PY_TASK_RUNNING;
	ret->stack.changed = true;
	if (lp_py_gen_state(&r->py->memory.memory, &r->py->runtime.layout, look->coro, &state,
			    &frame) < 0)
		return 0;
	lp_vec_each (r->threads, t) {
		const struct lp_py_stack *stack = &t->stack;
		size_t n = 0;

		while (n < stack->frames.len && stack->frames.data[n].addr != frame)
			n++;
		if (t->task != ret->addr || n == stack->frames.len)
			continue;
		for (size_t i = 0; i <= n; i++)
			if (lp_vec_push(&ret->stack.frames, stack->frames.data[i]) < 0)
				return -ENOMEM;
		ret->stack.changed = stack->changed;
	}
	return 0;
}

int lp_py_task_take(const struct lp_py_task_reader *r, struct lp_py_task_look *look,
		    struct lp_py_task *ret)
{
	const char *dot = strrchr(look->waits_for, '.');

	*ret = (struct lp_py_task){
		.addr = look->addr, .state = look->state, .loop = look->loop, .name = look->title
	};
	if (look->is_running)
		return take_frames(r, look, ret);
	ret->stack = look->stack;
	look->stack = (struct lp_py_stack){ 0 };
	if (*look->waits_for)
		ret->waits_for = lp_arena_strdup(r->arena, dot ? dot + 1 : look->waits_for);
	if (look->n_awaits)
		ret->awaits = lp_arena_dup(r->arena, look->awaits,
					   look->n_awaits * sizeof(*look->awaits));
	ret->n_awaits = ret->awaits ? look->n_awaits : 0;
	return 0;
}

int lp_py_task_read(const struct lp_py_task_reader *r, uint64_t addr, struct lp_py_task *ret)
{
	int e = 0;

	for (int i = 0; i < LP_PY_TASK_TRIES; i++) {
		lp_auto(lp_py_task_look_done) struct lp_py_task_look one = { 0 }, two = { 0 };

		e = lp_py_task_look(r, addr, &one);
		if (e == 0)
			e = lp_py_task_look(r, addr, &two);
		if (e == -ENOMEM || e == -EINVAL)
			return e;
		if (e < 0 || (!lp_py_task_is_same(&one, &two) && i + 1 < LP_PY_TASK_TRIES))
			continue;

		const size_t same = lp_py_stack_common(&two.stack, &one.stack);
		if (!lp_py_task_is_same(&one, &two)) { /* the outer coroutines stayed */
			lp_py_stack_keep(&one.stack, same);
			one.stack.changed = true;
			one.n_awaits = 0;
			*one.waits_for = '\0';
		}
		return lp_py_task_take(r, &one, ret);
	}
	/* it is there, but runs all the time */
	*ret = (struct lp_py_task){ .addr = addr, .stack.changed = true };
	return 0;
}
