// SPDX-License-Identifier: GPL-2.0-only
/* Who awaits a task: by what it calls when it is done, which leads to another task, and that task's own
 * word that it waits for this one.
 */
#include <errno.h>
#include <string.h>

#include "lp/pybody.h"
#include "python/tasks_impl.h"

/* Modules/_asynciomodule.c, FutureObj_HEAD: the same in all versions */
#define FUTURE_CALLBACK0 24
#define FUTURE_CALLBACKS 40 /* more of them: a list of tuples, or None */

#define PARTIAL_ARGS 24 /* Modules/_functoolsmodule.c, partialobject.args */

#define DEPTH_MAX      6  /* objects on the way to another task */
#define CANDIDATES_MAX 16 /* tasks at their ends */
#define ITEMS_MAX      16 /* of one of those objects */

struct search {
	const struct lp_py_task_reader *r;
	struct lp_memory *m;
	const struct lp_py_layout *l;
	uint64_t type_future; /* of C; 0 */
	uint64_t task;	      /* whose awaiters are wanted */
	uint64_t found[CANDIDATES_MAX];
	size_t n;
};

static void follow(struct search *s, uint64_t object, int depth);

static void add(struct search *s, uint64_t task)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->found[i] == task)
			return;
	if (s->n < CANDIDATES_MAX && task != s->task)
		s->found[s->n++] = task;
}

/* A word of an object. */
static void follow_at(struct search *s, uint64_t addr, int depth)
{
	uint64_t object;

	if (lp_py_u64(s->m, addr, &object) == 0 && object)
		follow(s, object, depth);
}

static void follow_items(struct search *s, uint64_t object, int depth)
{
	uint64_t items, n;

	if (lp_py_items(s->m, s->l, object, &items, &n) < 0)
		return;
	for (uint64_t i = 0; i < n && i < ITEMS_MAX; i++)
		follow_at(s, items + 8 * i, depth);
}

/* What a future calls when it is done. */
static void follow_callbacks(struct search *s, uint64_t future, int depth)
{
	follow_at(s, future + FUTURE_CALLBACK0, depth);
	follow_at(s, future + FUTURE_CALLBACKS, depth);
}

/* func_closure: the third word behind func_code, the fourth up to 3.9 (Include/cpython/funcobject.h) */
static uint64_t closure_of(const struct search *s, uint64_t function)
{
	return function + s->l->func_code + (s->l->minor <= 9 ? 32 : 24);
}

/* TaskGroup wakes its parent when its last task is done. */
static void follow_self(struct search *s, uint64_t self)
{
	static const char *const names[] = { "_parent_task" };
	uint64_t parent = 0;

	if (lp_py_is_c_task(s->r, self))
		add(s, self);
	else if (lp_py_attributes(s->r->py, self, names, 1, &parent) == 0 && parent &&
		 lp_py_is_c_task(s->r, parent))
		add(s, parent);
}

static void follow_named(struct search *s, uint64_t object, int depth)
{
	char name[64];
	uint64_t self;

	lp_py_type_name(s->m, s->l, object, name);
	if (!strcmp(name, "functools.partial"))
		follow_at(s, object + PARTIAL_ARGS, depth);
	else if (!strcmp(name, "TaskWakeupMethWrapper") &&
		 lp_py_u64(s->m, object + LP_PY_FIRST_MEMBER, &self) == 0 &&
		 lp_py_is_c_task(s->r, self))
		add(s, self);
}

static void follow(struct search *s, uint64_t object, int depth)
{
	const struct lp_py_runtime *rt = &s->r->py->runtime;
	uint64_t type, at;

	if (depth == 0 || object == rt->none || lp_py_type(s->m, s->l, object, &type) < 0)
		return;
	if (type == rt->type_cfunction || type == rt->type_method) {
		at = type == rt->type_method ? LP_PY_METHOD_SELF : LP_PY_CFUNC_SELF;
		if (lp_py_u64(s->m, object + at, &at) == 0 && at)
			follow_self(s, at);
	} else if (type == rt->type_function) {
		follow_at(s, closure_of(s, object), depth - 1);
	} else if (type == rt->type_cell) {
		follow_at(s, object + s->l->cell_ref, depth - 1);
	} else if (type == rt->type_tuple || type == rt->type_list) {
		follow_items(s, object, depth - 1);
	} else if (object != s->task && lp_py_is_made_from(s->m, s->l, object, s->type_future)) {
		follow_callbacks(s, object, depth - 1);
	} else {
		follow_named(s, object, depth - 1);
	}
}

static bool awaits(const struct lp_py_task *t, uint64_t task)
{
	for (size_t i = 0; i < t->n_awaits; i++)
		if (t->awaits[i] == task)
			return true;
	return false;
}

int lp_python_awaiter(struct lp_python *py, uint64_t task, struct lp_arena *arena,
		      struct lp_py_task *ret)
{
	static const struct lp_py_threads none;
	const struct lp_py_task_reader r = {
		.py = py, .threads = &none, .arena = arena, .type_task = py->runtime.type_task
	};
	struct search s = {
		.r = &r, .m = &py->memory.memory, .l = &py->runtime.layout, .task = task
	};
	uint32_t state;

	if (!lp_py_is_c_task(&r, task) || lp_py_u32(s.m, task + s.l->task_state, &state) < 0 ||
	    state)
		return -ESTALE;
	if (lp_py_u64(s.m, r.type_task + s.l->tp_base, &s.type_future) < 0)
		s.type_future = 0;
	follow_callbacks(&s, task, DEPTH_MAX);
	for (size_t i = 0; i < s.n; i++) {
		struct lp_py_task t = { 0 };
		int e = lp_py_task_read(&r, s.found[i], &t);

		if (e == 0 && awaits(&t, task)) {
			*ret = t;
			return 0;
		}
		lp_py_stack_done(&t.stack);
		if (e == -ENOMEM)
			return e;
	}
	return -ENOENT;
}
