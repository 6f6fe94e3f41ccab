// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "python/stacks_impl.h"
#include "python/tasks_impl.h"

/* A task as of one moment. */
struct snap {
	uint64_t coro, waiter, loop, name;
	enum lp_py_task_state state;
	struct lp_py_stack stack;
	uint64_t object; /* that the innermost coroutine is suspended in */
	bool is_running; /* no frames of its own */
};

static void snap_done(struct snap *s)
{
	lp_py_stack_done(&s->stack);
}
LP_CLEANUP_DONE(struct snap, snap_done)

/* A task of C: enum { STATE_PENDING, STATE_CANCELLED, STATE_FINISHED } */
static int read_c(struct lp_memory *m, const struct lp_py_layout *l, uint64_t addr,
		  struct snap *ret)
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
static int read_python(struct lp_python *py, uint64_t addr, struct snap *ret)
{
	static const char *const names[] = { "_state", "_coro", "_fut_waiter", "_loop", "_name" };
	uint64_t v[LP_ARRAY_SIZE(names)];
	int r = lp_py_attributes(py, addr, names, LP_ARRAY_SIZE(names), v);

	if (r < 0 || !v[0] || !v[1])
		return r == -ENOMEM ? r : -EINVAL;
	ret->state = lp_py_text_is(&py->memory.memory, &py->runtime.layout, v[0], "PENDING")
			     ? LP_PY_TASK_PENDING
			     : LP_PY_TASK_DONE;
	ret->coro = v[1] == py->runtime.none ? 0 : v[1];
	ret->waiter = v[2] == py->runtime.none ? 0 : v[2];
	ret->loop = v[3];
	ret->name = v[4];
	return 0;
}

static bool is_c_task(const struct lp_py_task_reader *r, uint64_t object)
{
	return lp_py_is_made_from(&r->py->memory.memory, &r->py->runtime.layout, object,
				  r->type_task);
}

static int take_snap(struct lp_py_task_reader *r, uint64_t addr, struct snap *ret)
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
	static const char *const names[] = { "_coro", "_state" };
	uint64_t found[LP_ARRAY_SIZE(names)];

	if (is_c_task(r, object))
		return true;
	if (r->type_task) /* what is no _asyncio.Future is none, but for classes of others */
		return lp_py_attributes(r->py, object, names, LP_ARRAY_SIZE(names), found) == 0 &&
		       found[0] && found[1];
	return lp_py_attributes(r->py, object, names, LP_ARRAY_SIZE(names), found) == 0 && found[0];
}

struct awaits {
	const struct lp_py_task_reader *r;
	uint64_t addr[LP_PY_AWAIT_MAX];
	size_t n;
};

static void add_awaited(struct awaits *a, uint64_t object)
{
	if (a->n < LP_PY_AWAIT_MAX && object && is_task(a->r, object))
		a->addr[a->n++] = object;
}

/* Tasks in a list, a tuple or a set. */
static void add_items(struct awaits *a, uint64_t object)
{
	struct lp_memory *m = &a->r->py->memory.memory;
	const struct lp_py_runtime *rt = &a->r->py->runtime;
	const struct lp_py_layout *l = &rt->layout;
	uint64_t type, n = 0, items = object + l->tuple_items, word;

	if (lp_py_type(m, l, object, &type) < 0)
		return;
	const bool is_set = type == rt->type_set || type == rt->type_frozenset;
	if (is_set) {
		if (lp_py_u64(m, object + l->set_mask, &n) < 0 ||
		    lp_py_u64(m, object + l->set_table, &items) < 0)
			return;
		n++;
	} else if (lp_py_length(m, l, object, &n) < 0 ||
		   (type != rt->type_tuple && lp_py_u64(m, object + l->list_items, &items) < 0)) {
		return;
	}
	for (uint64_t i = 0; i < n && i < LP_PY_AWAIT_MAX * 8 && a->n < LP_PY_AWAIT_MAX; i++)
		if (lp_py_u64(m, items + i * (is_set ? 16 : 8), &word) == 0)
			add_awaited(a, word);
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

static void add_of_frame(struct awaits *a, const struct lp_py_stack_frame *f)
{
	struct lp_python *py = a->r->py;
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
		add_awaited(a, value);
		add_items(a, value);
		return;
	}
}

/* gather() waits for a future that has the list of the others. */
static void find_awaited(struct awaits *a, const struct snap *s, struct lp_py_task *ret)
{
	static const char *const children[] = { "_children" };
	struct lp_python *py = a->r->py;
	const uint64_t future = s->waiter ? s->waiter : s->object;
	char name[64];
	uint64_t list;

	if (!future)
		return;
	lp_py_type_name(&py->memory.memory, &py->runtime.layout, future, name);
	const char *dot = strrchr(name, '.');
	ret->waits_for = lp_arena_strdup(a->r->arena, dot ? dot + 1 : name);
	add_awaited(a, future);
	if (!a->n && !strcmp(name, "_GatheringFuture") &&
	    lp_py_attributes(py, future, children, 1, &list) == 0 && list)
		add_items(a, list);
	if (!a->n && s->stack.frames.len)
		add_of_frame(a, &s->stack.frames.data[0]);
}

/* --- */

static bool are_same(const struct snap *a, const struct snap *b)
{
	if (a->coro != b->coro || a->waiter != b->waiter || a->state != b->state ||
	    a->name != b->name || a->object != b->object || a->is_running != b->is_running ||
	    a->stack.frames.len != b->stack.frames.len)
		return false;
	return !a->stack.frames.len || !memcmp(a->stack.frames.data, b->stack.frames.data,
					       a->stack.frames.len * sizeof(*a->stack.frames.data));
}

/* Of a task that runs: the frames of its thread, up to its coroutine's. */
static int take_frames(struct lp_py_task_reader *r, const struct snap *s, struct lp_py_task *ret)
{
	enum lp_py_gen_state state;
	uint64_t frame;

	ret->state = LP_PY_TASK_RUNNING;
	ret->stack.changed = true;
	if (lp_py_gen_state(&r->py->memory.memory, &r->py->runtime.layout, s->coro, &state,
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

static int finish(struct lp_py_task_reader *r, struct snap *s, bool stayed, struct lp_py_task *ret)
{
	ret->state = s->state;
	ret->loop = s->loop;
	ret->name = lp_py_name_of(r->py, s->name, r->arena);
	if (s->is_running)
		return take_frames(r, s, ret);
	ret->stack = s->stack;
	ret->stack.changed = !stayed;
	s->stack = (struct lp_py_stack){ 0 };
	return 0;
}

int lp_py_task_read(struct lp_py_task_reader *r, uint64_t addr, struct lp_py_task *ret)
{
	lp_auto(lp_py_stack_done) struct lp_py_stack kept = { 0 };
	int e = -EINVAL;

	for (int i = 0; i < LP_PY_TASK_TRIES; i++) {
		lp_auto(snap_done) struct snap one = { 0 }, two = { 0 };
		struct awaits a = { .r = r };

		*ret = (struct lp_py_task){ .addr = addr };
		e = take_snap(r, addr, &one);
		if (e == -ENOMEM || e == -EINVAL)
			return e;
		if (e < 0)
			continue;
		if (one.state == LP_PY_TASK_PENDING && !one.is_running)
			find_awaited(&a, &one, ret);
		e = take_snap(r, addr, &two);
		if (e == -ENOMEM)
			return e;
		const bool stayed = e == 0 && are_same(&one, &two);
		if (!stayed && i + 1 < LP_PY_TASK_TRIES)
			continue;
		if (!stayed) { /* the outer coroutines that are still there */
			size_t same = e == 0 ? lp_py_stack_common(&two.stack, &one.stack) : 0;

			memmove(one.stack.frames.data,
				one.stack.frames.data + one.stack.frames.len - same,
				same * sizeof(*one.stack.frames.data));
			one.stack.frames.len = same;
			ret->waits_for = NULL;
			a.n = 0;
		}
		ret->awaits = lp_arena_dup(r->arena, a.addr, a.n * sizeof(*a.addr));
		ret->n_awaits = ret->awaits ? a.n : 0;
		return finish(r, &one, stayed, ret);
	}
	/* never readable: it is there, but runs all the time */
	*ret = (struct lp_py_task){ .addr = addr, .stack.changed = true };
	return e == -ENOMEM || e == -EINVAL ? e : 0;
}
