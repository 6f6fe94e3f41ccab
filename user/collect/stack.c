// SPDX-License-Identifier: GPL-2.0-only
/* The stack of a record: native frames by unwinding, Python's as they were found, in one list. */
#include <errno.h>
#include <string.h>

#include "collect/mixed.h"
#include "collect/plan.h"
#include "python/value.h"

#define NATIVE_FACTOR 4 /* frames that are unwound for each that may be shown: most are folded */

/* Registers and stack as the record has them, unwound. */
static size_t unwind(const struct lp_plan *p, struct lp_decoded *d, const struct lp_symbolizer *sym,
		     struct lp_frame *ret, size_t max, bool *ret_cut)
{
	const struct lp_block *regs = d->regs.n ? d->regs.first : NULL;
	const struct lp_block *stack = d->stack.n ? d->stack.first : NULL;
	uint64_t words[LP_MACH_REGS];

	*ret_cut = true;
	if (!sym->unwind || !regs || regs->status != LP_ST_OK || regs->len < sizeof(words))
		return 0;
	memcpy(words, regs + 1, sizeof(words));
	/* after the return the next instruction is the caller's: the call is before it */
	if (p->info->is_return && !p->info->python)
		words[LP_MACH_REGS - 1]--;

	bool have = stack && stack->status == LP_ST_OK;
	return sym->unwind(sym->arg, (pid_t)d->rec->pid, words, have ? stack->addr : 0,
			   have ? stack + 1 : NULL, have ? stack->len : 0,
			   p->info->template->with_locals, ret, max, ret_cut);
}

int lp_scratch_frames(struct lp_scratch *s, size_t n)
{
	struct lp_frame *frames;

	if (n <= s->n_frames)
		return 0;
	frames = reallocarray(s->frames, n, sizeof(*frames));
	if (!frames)
		return -ENOMEM;
	s->frames = frames;
	s->n_frames = n;
	return 0;
}

static int read_python(const struct lp_plan *p, struct lp_decoded *d,
		       const struct lp_symbolizer *sym, struct lp_scratch *s,
		       struct lp_frame *frames, struct lp_stack_parts *ret)
{
	const pid_t pid = (pid_t)d->rec->pid;
	const struct lp_py_info *info = p->info->python;

	if (!info && d->py_stack.n && sym->python)
		info = sym->python(sym->arg, pid);
	ret->python = frames;
	ret->n_python = lp_plan_python_stack(d, sym, frames, LP_PY_FRAMES_MAX, &ret->python_cut);
	if (!p->info->python && !d->py_stack.n)
		ret->python_cut = false; /* no Python runs there */
	if (!info || !ret->n_python)
		return 0;
	ret->loops_adjoin = info->runtime->layout.minor >= LP_LOOPS_ADJOIN;
	return lp_plan_read_frames(p, info, d, sym, frames, ret->n_python, &s->arena);
}

/* Behind the n frames of the thread: the tasks that await the one that runs. */
static size_t put_awaiters(const struct lp_plan *p, const struct lp_decoded *d,
			   const struct lp_symbolizer *sym, struct lp_scratch *s, size_t n,
			   size_t max)
{
	const struct lp_block *b = d->py_task.n ? d->py_task.first : NULL;
	struct lp_py_value task;

	if (!b || b->status != LP_ST_OK || b->len < sizeof(task) || !sym->awaiters)
		return 0;
	memcpy(&task, b + 1, sizeof(task));
	if (!task.from)
		return 0;
	size_t more = sym->awaiters(sym->arg, (pid_t)d->rec->pid, task.from, s->task, max - n,
				    &s->arena, s->frames + n);
	if (p->info->all_frames || !more)
		return more;
	return lp_frames_fold(s->frames + n, more, 1);
}

int lp_plan_stack(const struct lp_plan *p, struct lp_decoded *d, const struct lp_symbolizer *sym,
		  struct lp_scratch *s, const struct lp_frame *own, size_t max, size_t *ret,
		  bool *ret_cut)
{
	const size_t native = max * NATIVE_FACTOR, python = LP_PY_FRAMES_MAX;
	/* a function that has returned is no longer on the stack but belongs to it */
	const size_t first = p->info->is_return && !p->info->python;
	const size_t merged = first + native + python + LP_MIXED_SPARE;
	struct lp_stack_parts parts = { .in_python = p->info->python,
					.has_native = d->regs.n || !p->info->python };

	/* the list, then what it is made of */
	if (lp_scratch_frames(s, merged + native + python) < 0)
		return -ENOMEM;
	if (read_python(p, d, sym, s, s->frames + merged + native, &parts) < 0)
		return -ENOMEM;
	parts.native = s->frames + merged;
	parts.n_native = unwind(p, d, sym, s->frames + merged, native, &parts.native_cut);
	if (first)
		s->frames[0] = *own;
	size_t n = first + lp_frames_merge(&parts, s->frames + first, ret_cut);
	if (!p->info->all_frames)
		n = lp_frames_fold(s->frames, n, 1);
	*ret_cut = *ret_cut || n > max;
	n = n < max ? n : max;
	*ret = n + put_awaiters(p, d, sym, s, n, max);
	return 0;
}
