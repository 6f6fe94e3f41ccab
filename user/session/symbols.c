// SPDX-License-Identifier: GPL-2.0-only
#include "session/internal.h"

static const char *symbol(void *arg, pid_t pid, uint64_t addr)
{
	struct lp_session *s = arg;
	const struct lp_proc *p = lp_inventory_process(&s->inv, pid);
	const struct lp_mapping *m = p ? lp_proc_mapping(p, addr) : NULL;
	uint64_t offset;

	return m && m->file->module
		       ? lp_module_symbol(m->file->module, lp_mapping_vaddr(m, addr), &offset)
		       : NULL;
}

static struct lp_python *python_at(struct lp_session *s, pid_t pid)
{
	struct interp *in = session_interp(s, pid);

	return in ? session_interp_root(in)->py : NULL;
}

static const struct lp_py_info *python_of(void *arg, pid_t pid)
{
	struct interp *in = session_interp(arg, pid);
	struct interp *root = in ? session_interp_root(in) : NULL;

	return root && root->py ? &root->info : NULL;
}

static size_t unwind(void *arg, pid_t pid, const uint64_t *regs, uint64_t sp, const void *stack,
		     size_t len, bool locals, uint64_t within, struct lp_frame *ret, size_t max,
		     bool *ret_cut)
{
	struct lp_session *s = arg;
	const struct framing f = { .proc = lp_inventory_process(&s->inv, pid),
				   .py = python_at(s, pid),
				   .unwinder = s->unwinder,
				   .limits = &s->opts->limits,
				   .arena = &s->frames,
				   .locals = locals,
				   .shows_first = true,
				   .within = within };
	size_t n = 0;

	lp_arena_reset(&s->frames);
	return session_unwind(&f, regs, sp, stack, len, ret, max, &n, ret_cut) < 0 ? 0 : n;
}

static struct lp_memory *memory_of(void *arg, pid_t pid)
{
	struct lp_session *s = arg;
	struct lp_proc *p = lp_inventory_process(&s->inv, pid);

	return p ? &p->memory.memory : NULL;
}

static bool python_frame(void *arg, pid_t pid, const struct lp_py_frame *frame,
			 struct lp_frame *ret)
{
	struct lp_python *py = python_at(arg, pid);

	return py && session_name_python(py, frame, ret);
}

static void classify(void *arg, pid_t pid, struct lp_frame *f)
{
	struct lp_python *py = python_at(arg, pid);

	if (py)
		session_classify_python(py, f);
}

int session_symbolizer(struct lp_session *s, struct lp_symbolizer *ret, struct lp_err *err)
{
	*ret = (struct lp_symbolizer){ .symbol = symbol,
				       .unwind = unwind,
				       .python = python_of,
				       .memory = memory_of,
				       .python_frame = python_frame,
				       .classify = classify,
				       .arg = s };
	return lp_unwinder_new(&s->unwinder, err);
}
