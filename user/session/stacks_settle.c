// SPDX-License-Identifier: GPL-2.0-only
/* A thread that has not been on a CPU between two looks has not changed its stack meanwhile. What runs all
 * the time is sampled by the kernel; Python's frames of it are read until they stay.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "session/stacks_impl.h"

#define ROUNDS	 4
#define COPY_MAX (256u << 10) /* bytes of a stack */

/* pthread_self() is the address of struct pthread, whose `tid` lies there: glibc (nptl/descr.h), x86-64. */
#define PTHREAD_TID 0x2d0

/* Up to 3.10 only the C library, and the kernel, know the number. */
static struct os_thread *thread_of(struct stacks *s, const struct lp_py_thread *py)
{
	struct lp_memory *m = &s->proc->memory.memory;
	int32_t tid = py->tid;

	if (!tid && m->read(m, py->ident + PTHREAD_TID, &tid, sizeof(tid)) < 0)
		return NULL;
	lp_vec_each (&s->os, t)
		if (tid > 0 && t->own_tid == tid)
			return t;
	return NULL;
}

/* One thread can be in several interpreters: it runs what the first of them, the youngest, runs. */
static void pair(struct stacks *s)
{
	lp_vec_each (&s->threads, py) {
		struct os_thread *t = thread_of(s, py);

		py->tid = t ? t->tid : 0;
		if (t && !t->python)
			t->python = py;
	}
}

bool stacks_has_thread(const struct stacks *s, const struct lp_py_thread *py)
{
	lp_vec_each (&s->os, t)
		if (t->python == py)
			return true;
	return false;
}

static uint64_t end_of_mapping(const struct lp_maps *maps, uint64_t addr)
{
	lp_vec_each (&maps->all, m)
		if (addr >= m->start && addr < m->end)
			return m->end;
	return addr;
}

/* What there is of the stack, from the stack pointer up. */
static int copy_stack(struct stacks *s, struct os_thread *t, const struct lp_maps *maps)
{
	struct lp_process_memory *m = &s->proc->memory;
	const uint64_t sp = t->regs[LP_MACH_SP], room = end_of_mapping(maps, sp) - sp;
	const size_t size = room < COPY_MAX ? room : COPY_MAX;
	char *stack = realloc(t->stack, size + 1);

	if (!stack)
		return -ENOMEM;
	t->stack = stack;
	const ssize_t got = lp_memfile_read(&m->file, sp, stack, size);
	t->len = got > 0 ? (size_t)got : 0;
	return 0;
}

static const struct lp_thread_regs *regs_of(const struct lp_registers_list *list, pid_t tid)
{
	lp_vec_each (list, r)
		if ((pid_t)r->tid == tid)
			return r;
	return NULL;
}

static int read_still(struct stacks *s, const struct lp_registers_list *list)
{
	lp_auto(lp_maps_done) struct lp_maps maps = { 0 };
	struct lp_err gone;
	int r = lp_maps_read(s->proc->info.pid, &maps, &gone);

	if (r < 0)
		return r == -ENOMEM ? r : 0;

	lp_vec_each (&s->os, t) {
		const struct lp_thread_regs *regs = regs_of(list, t->tid);

		if (t->is_settled)
			continue;
		t->has_native = regs && !regs->is_on_cpu;
		if (!t->has_native)
			continue;
		memcpy(t->regs, regs->regs, sizeof(t->regs));
		r = copy_stack(s, t, &maps);
		if (r == 0 && t->python)
			r = lp_python_thread_stack(s->py, t->python, LP_PY_LOOKS_STILL);
		if (r < 0)
			break;
	}
	return r;
}

static bool settle(struct stacks *s, const struct lp_registers_list *before,
		   const struct lp_registers_list *after)
{
	bool all = true;

	lp_vec_each (&s->os, t) {
		const struct lp_thread_regs *a = regs_of(before, t->tid),
					    *b = regs_of(after, t->tid);

		if (!t->is_settled)
			t->is_settled = t->has_native && a && b && !b->is_on_cpu &&
					a->switches == b->switches;
		all &= t->is_settled;
	}
	return all;
}

static int settle_by_registers(struct stacks *s, struct lp_err *err)
{
	struct lp_registers_list before = { 0 }, after = { 0 };
	const pid_t pid = s->proc->info.pid;
	bool all = false;
	int r = 0;

	for (int i = 0; i < ROUNDS && r == 0 && !all; i++) {
		r = lp_registers_read(s->registers, pid, &before, err);
		if (r == 0 && lp_python_keep(s->py) == 0 && read_still(s, &before) < 0)
			r = lp_err_nomem(err);
		lp_python_forget(s->py);
		if (r == 0)
			r = lp_registers_read(s->registers, pid, &after, err);
		if (r == 0)
			all = settle(s, &before, &after);
	}
	lp_vec_done(&before);
	lp_vec_done(&after);
	return r;
}

/* Without registers /proc tells whether a thread has run. */
static int settle_python(struct stacks *s)
{
	int r = 0;

	lp_vec_each (&s->os, t) {
		for (int i = 0; t->python && r == 0 && i < ROUNDS && !t->is_settled; i++) {
			if (t->state == 'R')
				break;
			r = lp_python_thread_stack(s->py, t->python, LP_PY_LOOKS_STILL);
			t->is_settled = r == 0 && stacks_slept(s->proc->info.pid, t);
		}
	}
	return r;
}

/* Of one that runs: what the kernel has seen of it at a tick. */
static int sample(struct stacks *s, struct os_thread *t)
{
	const struct lp_stack_sample *found;

	t->has_native = s->registers && lp_registers_sample(s->registers, t->tid, &found) == 0;
	if (!t->has_native)
		return 0;
	memcpy(t->regs, found->regs, sizeof(t->regs));
	free(t->stack);
	t->stack = malloc(found->len + 1);
	if (!t->stack)
		return -ENOMEM;
	memcpy(t->stack, found->stack, found->len);
	t->len = found->len;
	return 0;
}

int stacks_settle(struct stacks *s, struct lp_err *err)
{
	int r = 0;

	pair(s);
	if (s->registers)
		r = settle_by_registers(s, err);
	if (r < 0 && r != -ENOMEM)
		s->registers = NULL; /* err says why */
	if (r == -ENOMEM || (!s->registers && settle_python(s) < 0))
		return lp_err_nomem(err);
	lp_vec_each (&s->os, t) {
		if (t->is_settled)
			continue;
		t->has_native = false;
		/* Python's frames at the tick are not those that can be read now */
		r = t->python ? lp_python_thread_stack(s->py, t->python, LP_PY_LOOKS_RUNNING)
			      : sample(s, t);
		if (r < 0)
			return lp_err_nomem(err);
	}
	lp_vec_each (&s->threads, py)
		if (!stacks_has_thread(s, py) &&
		    lp_python_thread_stack(s->py, py, LP_PY_LOOKS_RUNNING) < 0)
			return lp_err_nomem(err);
	return 0;
}
