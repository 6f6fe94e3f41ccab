// SPDX-License-Identifier: GPL-2.0-only
/* Threads, frames, coroutines and tasks in damaged memory that changes while it is read: every walk ends,
 * within its limits. The first bytes choose the version and how often the memory changes, the rest is
 * the memory, over and over.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "python/stacks_impl.h"
#include "python/tasks_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define BASE  0x1000u
#define SPAN  0x10000u /* readable addresses from BASE on */
#define READS 20000u   /* then the process has ended */
#define HEAD  4

static struct {
	const uint8_t *data;
	size_t len, reads;
	uint8_t period; /* a bit is another after so many readings; 0: never */
} damaged;

static const struct lp_py_layout layouts[] = {
#define LAYOUT(member, v8, v9, v10, v11, v12, v13, v14)                                            \
	[0].member = v8, [1].member = v10, [2].member = v11, [3].member = v12, [4].member = v13,   \
	[5].member = v14,
#define PUBLISHED(...)
#include "python/layouts.inc"
#undef LAYOUT
#undef PUBLISHED
};

static int damaged_read(struct lp_memory *memory, uint64_t addr, void *buf, size_t len)
{
	uint8_t *out = buf;

	(void)memory;
	if (++damaged.reads > READS || (addr % 7 == 3 && len > 64))
		return -EFAULT;
	for (size_t i = 0; i < len; i++)
		out[i] = damaged.data[(addr + i) % SPAN % damaged.len];
	if (damaged.period && damaged.reads % damaged.period == 0)
		out[len / 2] ^= 8;
	return 0;
}

static long damaged_string(struct lp_memory *memory, uint64_t addr, char *buf, size_t max,
			   int *ret_cut)
{
	if (damaged_read(memory, addr, buf, max) < 0)
		return -EFAULT;
	*ret_cut = !memchr(buf, '\0', max);
	return (long)strnlen(buf, max);
}

static void check_stack(const struct lp_py_stack *s)
{
	if (s->frames.len > LP_PY_WALK_MAX)
		abort();
	lp_vec_each (&s->frames, f)
		if (!f->addr || !f->at.code)
			abort();
}

static void read_locals(struct lp_python *py, const struct lp_py_stack *s, struct lp_arena *arena)
{
	const struct lp_py_reader reader = {
		.memory = &py->memory.memory,
		.live = &py->memory.memory,
		.arena = arena,
		.runtime = &py->runtime,
		.max_string = 16,
		.max_items = 4,
		.max_depth = 2,
	};
	struct lp_named *locals;
	size_t n;

	for (size_t i = 0; i < s->frames.len && i < 4; i++)
		lp_python_locals(py, &s->frames.data[i], &reader, &locals, &n);
}

static void read_all(struct lp_python *py, struct lp_arena *arena)
{
	lp_auto(lp_py_threads_done) struct lp_py_threads threads = { 0 };
	lp_auto(lp_py_tasks_done) struct lp_py_tasks tasks = { 0 };
	lp_auto(lp_py_task_look_done) struct lp_py_task_look look = { 0 };
	lp_auto(lp_py_stack_done) struct lp_py_stack chain = { 0 };
	struct lp_py_task_reader reader = {
		.py = py, .threads = &threads, .arena = arena, .type_task = py->runtime.type_task
	};
	uint64_t object;

	if (lp_py_await_chain(&py->memory.memory, &py->runtime, BASE, &chain, &object) == 0)
		check_stack(&chain);
	lp_py_task_look(&reader, BASE, &look);
	lp_python_threads(py, arena, &threads, NULL);
	if (threads.len > LP_PY_THREADS_MAX)
		abort();
	lp_vec_each (&threads, t) {
		lp_python_thread_stack(py, t, LP_PY_LOOKS_RUNNING);
		check_stack(&t->stack);
		read_locals(py, &t->stack, arena);
	}
	lp_python_tasks(py, &threads, arena, &tasks, NULL);
	lp_vec_each (&tasks, t)
		check_stack(&t->stack);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	lp_auto(lp_arena_done) struct lp_arena arena = { 0 };
	struct lp_python py = { .memory.memory = { damaged_read, damaged_string },
				.memory.file = lp_memfile_of(0) };
	struct lp_py_runtime *rt = &py.runtime;

	if (len < HEAD + 8)
		return 0;
	damaged.data = data + HEAD;
	damaged.len = len - HEAD;
	damaged.reads = 0;
	damaged.period = data[1];
	rt->layout = layouts[data[0] % LP_ARRAY_SIZE(layouts)];
	rt->runtime = BASE + data[2] * 8u;
	/* types that are few bytes in memory: they are met */
	rt->type_type = BASE;
	rt->type_code = BASE + 8;
	rt->type_coroutine = BASE + 16;
	rt->type_generator = BASE + 24;
	rt->type_set = BASE + 32;
	rt->type_dict = BASE + 40;
	rt->type_tuple = BASE + 48;
	rt->type_cell = BASE + 56;
	rt->type_task = BASE + 64;
	read_all(&py, &arena);
	lp_py_types_free(py.types);
	lp_process_memory_done(&py.memory);
	return 0;
}
