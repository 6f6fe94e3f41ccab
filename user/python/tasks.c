// SPDX-License-Identifier: GPL-2.0-only
/* The tasks that asyncio knows: where each version keeps them (asyncio/tasks.py, Modules/_asynciomodule.c). */
#include <errno.h>
#include <string.h>

#include "python/tasks_impl.h"

#define ENTRIES 256 /* of a set, read at once */

struct registry {
	struct lp_python *py;
	struct lp_memory *m;
	const struct lp_py_layout *l;
	uint64_t interp, type_task; /* _asyncio.Task of this interpreter; 0 */
	struct lp_py_addrs *found;
	bool is_weak; /* the set has weak references */
	bool cut;
};

void lp_py_tasks_done(struct lp_py_tasks *t)
{
	lp_vec_each (t, task)
		lp_py_stack_done(&task->stack);
	lp_vec_done(t);
}

static int add(struct registry *reg, uint64_t task)
{
	if (!task || task == reg->py->runtime.none)
		return 0;
	if (reg->found->len >= LP_PY_TASKS_MAX) {
		reg->cut = true;
		return 0;
	}
	return lp_vec_push(reg->found, task);
}

/* A key of a set that has been deleted has the hash -1. */
static int add_entry(struct registry *reg, uint64_t key, uint64_t hash)
{
	if (!key || hash == UINT64_MAX)
		return 0;
	if (reg->is_weak && lp_py_u64(reg->m, key + LP_PY_FIRST_MEMBER, &key) < 0)
		return 0;
	return add(reg, key);
}

static int add_set(struct registry *reg, uint64_t set)
{
	const struct lp_py_runtime *rt = &reg->py->runtime;
	uint64_t mask, table, entries[ENTRIES][2];

	if (!lp_py_is(reg->m, reg->l, set, rt->type_set) ||
	    lp_py_u64(reg->m, set + reg->l->set_mask, &mask) < 0 ||
	    lp_py_u64(reg->m, set + reg->l->set_table, &table) < 0 || mask >= LP_PY_TASKS_MAX * 8)
		return -EFAULT;
	for (uint64_t i = 0; i <= mask; i += ENTRIES) {
		const size_t n = mask + 1 - i < ENTRIES ? mask + 1 - i : ENTRIES;

		if (reg->m->read(reg->m, table + i * sizeof(*entries), entries,
				 n * sizeof(*entries)) < 0)
			return -EFAULT;
		for (size_t k = 0; k < n; k++)
			if (add_entry(reg, entries[k][0], entries[k][1]) < 0)
				return -ENOMEM;
	}
	return 0;
}

/* weakref.WeakSet: its `data` is a set of references. */
static int add_weak_set(struct registry *reg, uint64_t object)
{
	static const char *const names[] = { "data" };
	uint64_t set;
	int r = lp_py_attributes(reg->py, object, names, 1, &set);

	reg->is_weak = true;
	if (r == 0)
		r = add_set(reg, set);
	reg->is_weak = false;
	return r;
}

/* 3.14: struct llist_node { next, prev }, in a ring around its head. */
static int add_ring(struct registry *reg, uint64_t head)
{
	uint64_t node;
	int r = lp_py_u64(reg->m, head, &node);

	for (size_t i = 0; r == 0 && node && node != head && i < LP_PY_TASKS_MAX; i++) {
		const uint64_t task = node - reg->l->task_node;

		if (!lp_py_is_made_from(reg->m, reg->l, task, reg->type_task))
			return -EFAULT;
		r = add(reg, task);
		if (r == 0)
			r = lp_py_u64(reg->m, node, &node);
	}
	return r;
}

static int add_rings(struct registry *reg, const struct lp_py_threads *threads)
{
	int r = add_ring(reg, reg->interp + reg->l->interp_tasks);

	lp_vec_each (threads, t)
		if (r == 0 && t->interp == reg->interp)
			r = add_ring(reg, t->tstate + reg->l->tstate_tasks);
	return r;
}

static int find_once(struct registry *reg, const struct lp_py_threads *threads, uint64_t asyncio)
{
	static const char *const names[] = { "_all_tasks", "_scheduled_tasks", "_eager_tasks" };
	uint64_t sets[LP_ARRAY_SIZE(names)];
	int r = lp_py_dict_find_all(reg->m, reg->l, asyncio, names, LP_ARRAY_SIZE(names), sets);

	reg->found->len = 0;
	for (size_t i = 0; r == 0 && i < 2; i++)
		if (sets[i])
			r = add_weak_set(reg, sets[i]);
	if (r == 0 && sets[2])
		r = add_set(reg, sets[2]);
	if (r == 0 && reg->l->interp_tasks != LP_PY_NONE && reg->type_task)
		r = add_rings(reg, threads);
	lp_py_addrs_sort(reg->found);
	return r;
}

/* --- of one interpreter --- */

struct pass {
	struct registry *reg;
	const struct lp_py_task_reader *reader;
	uint64_t asyncio;
	struct lp_py_addrs found;
	struct lp_py_task_look *looks; /* of each found */
	bool *is_there;
};

static void pass_done(struct pass *p)
{
	for (size_t i = 0; p->looks && i < p->found.len; i++)
		lp_py_task_look_done(&p->looks[i]);
	free(p->looks);
	free(p->is_there);
	lp_vec_done(&p->found);
}
LP_CLEANUP_DONE(struct pass, pass_done)

static int look_at_all(struct pass *p)
{
	int r = 0;

	p->looks = calloc(p->found.len + 1, sizeof(*p->looks));
	p->is_there = calloc(p->found.len + 1, sizeof(*p->is_there));
	if (!p->looks || !p->is_there)
		return -ENOMEM;
	for (size_t i = 0; r != -ENOMEM && i < p->found.len; i++) {
		r = lp_py_task_look(p->reader, p->found.data[i], &p->looks[i]);
		p->is_there[i] = r == 0;
	}
	return r == -ENOMEM ? r : 0;
}

/* Their memory is read once, page by page. -EFAULT: the lists moved each time. */
static int first_pass(struct pass *p)
{
	struct lp_process_memory *memory = &p->reg->py->memory;
	int r = lp_process_memory_keep(memory);

	p->reg->found = &p->found;
	if (r == 0)
		r = find_once(p->reg, p->reader->threads, p->asyncio);
	lp_process_memory_forget(memory);
	for (int i = 0; r == -EFAULT && i < LP_PY_TASK_TRIES; i++)
		r = find_once(p->reg, p->reader->threads, p->asyncio);
	if (r == 0)
		r = lp_process_memory_keep(memory);
	if (r == 0)
		r = look_at_all(p);
	lp_process_memory_forget(memory);
	return r;
}

static int second_pass(struct pass *p, const struct pass *first)
{
	struct lp_process_memory *memory = &p->reg->py->memory;
	int r = lp_process_memory_keep(memory);

	for (size_t i = 0; r == 0 && i < first->found.len; i++)
		r = lp_vec_push(&p->found, first->found.data[i]);
	if (r == 0)
		r = look_at_all(p);
	lp_process_memory_forget(memory);
	return r;
}

static int take_tasks(struct pass *first, struct pass *second, struct lp_py_tasks *ret)
{
	int r = lp_vec_reserve(ret, ret->len + first->found.len + 1);

	for (size_t i = 0; r == 0 && i < first->found.len; i++) {
		struct lp_py_task_look *look = &first->looks[i];
		const bool stayed = first->is_there[i] && second->is_there[i] &&
				    lp_py_task_is_same(look, &second->looks[i]);
		struct lp_py_task t = { 0 };

		r = stayed ? lp_py_task_take(first->reader, look, &t)
			   : lp_py_task_read(first->reader, first->found.data[i], &t);
		if (r == 0)
			ret->data[ret->len++] = t;
		else if (r != -ENOMEM)
			r = 0; /* it is none any more */
	}
	return r;
}

static int read_interp(struct lp_python *py, uint64_t interp, const struct lp_py_threads *threads,
		       struct lp_arena *arena, struct lp_py_tasks *ret)
{
	static const char *const modules[] = { "asyncio.tasks", "_asyncio" };
	struct registry reg = {
		.py = py, .m = &py->memory.memory, .l = &py->runtime.layout, .interp = interp
	};
	uint64_t dicts[LP_ARRAY_SIZE(modules)];

	if (lp_py_interp_modules(py, interp, modules, LP_ARRAY_SIZE(modules), dicts) < 0 ||
	    !dicts[0])
		return 0;
	if (dicts[1] && lp_py_dict_find(reg.m, reg.l, dicts[1], "Task", NULL, &reg.type_task) < 0)
		reg.type_task = 0;

	const struct lp_py_task_reader reader = {
		.py = py, .threads = threads, .arena = arena, .type_task = reg.type_task
	};
	lp_auto(pass_done) struct pass first = { .reg = &reg,
						 .reader = &reader,
						 .asyncio = dicts[0] };
	lp_auto(pass_done) struct pass second = { .reg = &reg, .reader = &reader };
	int r = first_pass(&first);

	if (r == 0)
		r = second_pass(&second, &first);
	if (r == 0)
		r = take_tasks(&first, &second, ret);
	ret->cut |= reg.cut;
	return r;
}

static int compare_names(const void *a, const void *b)
{
	const struct lp_py_task *x = a, *y = b;
	int order = strverscmp(x->name ? x->name : "", y->name ? y->name : "");

	return order ? order : x->addr < y->addr ? -1 : x->addr > y->addr;
}

int lp_python_tasks(struct lp_python *py, const struct lp_py_threads *threads,
		    struct lp_arena *arena, struct lp_py_tasks *ret, struct lp_err *err)
{
	lp_auto(lp_py_tasks_done) struct lp_py_tasks tasks = { 0 };
	uint64_t seen = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < threads->len; i++) {
		const uint64_t interp = threads->data[i].interp;

		if (interp != seen)
			r = read_interp(py, interp, threads, arena, &tasks);
		seen = interp;
	}
	if (r == -ENOMEM)
		return lp_err_nomem(err);
	if (r < 0)
		return lp_err_set(
			err, EFAULT,
			"process %d: the list of its asyncio tasks changed each time it was "
			"read",
			(int)py->pid);
	if (tasks.len)
		qsort(tasks.data, tasks.len, sizeof(*tasks.data), compare_names);
	*ret = tasks;
	tasks = (struct lp_py_tasks){ 0 };
	return 0;
}
