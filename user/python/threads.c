// SPDX-License-Identifier: GPL-2.0-only
/* The threads of all interpreters of a process: who they are, who has the GIL. */
#include <errno.h>
#include <string.h>

#include "python/stacks_impl.h"

#define TRIES 16

void lp_py_threads_done(struct lp_py_threads *t)
{
	lp_vec_each (t, thread)
		lp_py_stack_done(&thread->stack);
	lp_vec_done(t);
}

/* What an interpreter's threads need to know of it. */
struct interp {
	struct lp_memory *m;
	const struct lp_py_layout *l;
	uint64_t addr, holder; /* the PyThreadState that has the GIL; 0 */
	int64_t id;
};

/* -ENOENT: nobody has it. */
static int read_gil(struct lp_python *py, uint64_t interp, uint64_t *ret)
{
	const struct lp_py_layout *l = &py->runtime.layout;
	struct lp_memory *m = &py->memory.memory;
	uint64_t gil = py->runtime.runtime + l->runtime_gil;
	uint32_t locked;

	if (l->interp_gil != LP_PY_NONE && lp_py_u64(m, interp + l->interp_gil, &gil) < 0)
		return -EFAULT;
	if (lp_py_u32(m, gil + l->gil_locked, &locked) < 0 || locked != 1)
		return -ENOENT;
	return lp_py_u64(m, gil + l->gil_holder, ret);
}

static int read_thread(const struct interp *in, uint64_t tstate, struct lp_py_thread *ret)
{
	const struct lp_py_layout *l = in->l;
	uint64_t of, native = 0;

	*ret = (struct lp_py_thread){ .tstate = tstate, .interp = in->addr, .interpreter = in->id };
	if (lp_py_u64(in->m, tstate + l->tstate_interp, &of) < 0 || of != in->addr ||
	    lp_py_u64(in->m, tstate + l->tstate_thread_id, &ret->ident) < 0)
		return -EFAULT;
	if (l->tstate_native_id != LP_PY_NONE &&
	    lp_py_u64(in->m, tstate + l->tstate_native_id, &native) < 0)
		return -EFAULT;
	ret->tid = native <= INT32_MAX ? (pid_t)native : 0;
	ret->has_gil = in->holder && in->holder == tstate;
	return 0;
}

static int read_interp(const struct interp *in, struct lp_py_threads *ret)
{
	uint64_t tstate;
	int r = lp_py_u64(in->m, in->addr + in->l->interp_threads, &tstate);

	while (r == 0 && tstate) {
		struct lp_py_thread t;

		if (ret->len == LP_PY_THREADS_MAX) {
			ret->cut = true;
			break;
		}
		r = read_thread(in, tstate, &t);
		if (r == 0)
			r = lp_vec_push(ret, t);
		if (r == 0)
			r = lp_py_u64(in->m, tstate + in->l->tstate_next, &tstate);
	}
	return r;
}

static int read_all(struct lp_python *py, struct lp_py_threads *ret)
{
	struct interp in = { .m = &py->memory.memory, .l = &py->runtime.layout };
	uint64_t next;
	int r = lp_py_u64(in.m, py->runtime.runtime + in.l->runtime_interpreters, &next);

	ret->len = 0;
	for (int i = 0; r == 0 && next && i < LP_PY_INTERPS_MAX; i++) {
		in.addr = next;
		in.holder = 0;
		read_gil(py, in.addr, &in.holder);
		r = lp_py_u64(in.m, in.addr + in.l->interp_id, (uint64_t *)&in.id);
		if (r == 0)
			r = read_interp(&in, ret);
		if (r == 0)
			r = lp_py_u64(in.m, in.addr + in.l->interp_next, &next);
	}
	ret->cut |= r == 0 && next;
	return r;
}

static bool are_same(const struct lp_py_threads *a, const struct lp_py_threads *b)
{
	if (a->len != b->len)
		return false;
	for (size_t i = 0; i < a->len; i++)
		if (a->data[i].tstate != b->data[i].tstate ||
		    a->data[i].ident != b->data[i].ident || a->data[i].tid != b->data[i].tid)
			return false;
	return true;
}

/* --- names, loops --- */

struct naming {
	struct lp_python *py;
	struct lp_arena *arena;
	struct lp_py_threads *threads;
	uint64_t interp;
};

static int name_thread(uint64_t key, uint64_t value, void *arg)
{
	static const char *const names[] = { "_name" };
	struct naming *n = arg;
	int64_t ident;
	uint64_t name;

	if (lp_py_int(&n->py->memory.memory, &n->py->runtime.layout, key, &ident) < 0)
		return 0;
	lp_vec_each (n->threads, t)
		if (t->ident == (uint64_t)ident && t->interp == n->interp &&
		    lp_py_attributes(n->py, value, names, 1, &name) == 0)
			t->name = lp_py_name_of(n->py, name, n->arena);
	return 0;
}

/* What runs in the thread, by its dict up to 3.12. */
static void find_loop(struct lp_python *py, struct lp_py_thread *t)
{
	struct lp_memory *m = &py->memory.memory;
	const struct lp_py_layout *l = &py->runtime.layout;
	uint64_t dict, loop = 0;

	if (l->tstate_task != LP_PY_NONE && lp_py_u64(m, t->tstate + l->tstate_task, &t->task) < 0)
		t->task = 0;
	if (l->tstate_loop != LP_PY_NONE) {
		if (lp_py_u64(m, t->tstate + l->tstate_loop, &loop) < 0)
			loop = 0;
	} else if (lp_py_u64(m, t->tstate + l->tstate_dict, &dict) < 0 || !dict ||
		   lp_py_dict_find(m, l, dict, "__asyncio_running_event_loop__", NULL, &loop) < 0 ||
		   (l->holder_loop != LP_PY_NONE &&
		    lp_py_u64(m, loop + l->holder_loop, &loop) < 0)) {
		loop = 0;
	}
	t->loop = loop == py->runtime.none ? 0 : loop;
}

static int find_task(uint64_t key, uint64_t value, void *arg)
{
	const struct naming *n = arg;

	lp_vec_each (n->threads, t)
		if (t->loop == key && t->interp == n->interp)
			t->task = value;
	return 0;
}

static void name_interp(struct naming *n)
{
	static const char *const modules[] = { "threading", "asyncio.tasks" };
	struct lp_memory *m = &n->py->memory.memory;
	const struct lp_py_layout *l = &n->py->runtime.layout;
	uint64_t dicts[LP_ARRAY_SIZE(modules)], dict;

	if (lp_py_interp_modules(n->py, n->interp, modules, LP_ARRAY_SIZE(modules), dicts) < 0)
		return;
	if (dicts[0] && lp_py_dict_find(m, l, dicts[0], "_active", NULL, &dict) == 0)
		lp_py_dict_each(m, l, dict, name_thread, n);
	lp_vec_each (n->threads, t)
		if (dicts[1] && t->interp == n->interp)
			find_loop(n->py, t);
	if (dicts[1] && l->tstate_task == LP_PY_NONE &&
	    lp_py_dict_find(m, l, dicts[1], "_current_tasks", NULL, &dict) == 0)
		lp_py_dict_each(m, l, dict, find_task, n);
}

static void name_all(struct lp_python *py, struct lp_arena *arena, struct lp_py_threads *threads)
{
	struct naming n = { .py = py, .arena = arena, .threads = threads };

	lp_vec_each (threads, t) {
		if (t->interp == n.interp)
			continue;
		n.interp = t->interp;
		name_interp(&n);
	}
}

int lp_python_threads(struct lp_python *py, struct lp_arena *arena, struct lp_py_threads *ret,
		      struct lp_err *err)
{
	lp_auto(lp_py_threads_done) struct lp_py_threads threads = { 0 }, again = { 0 };
	bool same = false;
	int r = 0;

	for (int i = 0; i < TRIES && !same && r != -ENOMEM; i++) {
		r = read_all(py, &threads);
		if (r == 0)
			r = read_all(py, &again);
		same = r == 0 && are_same(&threads, &again);
	}
	if (r == -ENOMEM)
		return lp_err_nomem(err);
	if (!same)
		return lp_err_set(err, EFAULT,
				  "process %d: the list of its Python threads changed each time it "
				  "was read",
				  (int)py->pid);
	if (lp_process_memory_keep(&py->memory) < 0)
		return lp_err_nomem(err);
	name_all(py, arena, &threads);
	lp_process_memory_forget(&py->memory);
	*ret = threads;
	threads = (struct lp_py_threads){ 0 };
	return 0;
}

/* --- their stacks --- */

static int innermost(struct lp_py_walk *w, uint64_t *ret)
{
	const struct lp_py_layout *l = &w->runtime->layout;
	uint64_t at = w->arg + l->tstate_frame;
	int r = 0;

	if (l->cframe_frame != LP_PY_NONE) { /* 3.11, 3.12 */
		r = lp_py_u64(w->memory, at, &at);
		at += l->cframe_frame;
	}
	return r < 0 ? r : lp_py_u64(w->memory, at, ret);
}

int lp_python_keep(struct lp_python *py)
{
	return py ? lp_process_memory_keep(&py->memory) : 0;
}

void lp_python_forget(struct lp_python *py)
{
	if (py)
		lp_process_memory_forget(&py->memory);
}

int lp_python_thread_stack(struct lp_python *py, struct lp_py_thread *t, unsigned int looks)
{
	struct lp_py_walk w = { .memory = &py->memory.memory,
				.runtime = &py->runtime,
				.innermost = innermost,
				.arg = t->tstate };

	lp_py_stack_done(&t->stack);
	return lp_py_stack_read(&w, looks, &t->stack);
}
