// SPDX-License-Identifier: GPL-2.0-only
#include "session/internal.h"

#include <string.h>

static const struct lp_mapping *mapping_at(struct lp_session *s, pid_t pid, uint64_t addr)
{
	const struct lp_proc *p = lp_inventory_process(&s->inv, pid);
	const struct lp_mapping *m = p ? lp_proc_mapping(p, addr) : NULL;

	return m && m->file->module ? m : NULL;
}

static const char *symbol(void *arg, pid_t pid, uint64_t addr)
{
	const struct lp_mapping *m = mapping_at(arg, pid, addr);
	uint64_t offset;

	return m ? lp_module_symbol(m->file->module, lp_mapping_vaddr(m, addr), &offset) : NULL;
}

static const struct lp_py_info *python_of(void *arg, pid_t pid)
{
	struct interp *in = session_interp(arg, pid);
	struct interp *root = in ? session_interp_root(in) : NULL;

	return root && root->py ? &root->info : NULL;
}

struct space {
	struct lp_session *s;
	pid_t pid;
};

static struct lp_module *find_module(void *arg, uint64_t addr, uint64_t *ret_bias)
{
	struct space *space = arg;
	const struct lp_mapping *m = mapping_at(space->s, space->pid, addr);

	if (!m)
		return NULL;
	*ret_bias = addr - lp_mapping_vaddr(m, addr);
	return m->file->module;
}

static bool is_hidden(const struct lp_session *s, const struct lp_frame *f)
{
	return f->is_loop || (f->is_library && !s->opts->limits.all_frames);
}

/* Frames that will not be shown need no more than what tells so. */
static bool is_plain(void *arg, uint64_t addr)
{
	const struct space *space = arg;
	struct lp_frame f = { 0 };

	session_classify_native(space->s, space->pid, addr, &f);
	return is_hidden(space->s, &f);
}

static bool is_redacted(void *arg, const char *name)
{
	const struct lp_session *s = arg;

	return lp_redacted(s->opts->limits.redact, name, strlen(name));
}

static void read_locals(struct lp_session *s, const struct lp_unwind_frame *from,
			struct lp_frame *to)
{
	const struct lp_limits *max = &s->opts->limits;
	struct lp_reader reader = {
		.arena = &s->frames,
		.max_string = max->string,
		.max_items = max->items,
		.max_depth = max->depth,
	};
	struct lp_unwind_local *locals = NULL;

	size_t n = lp_unwind_locals(s->unwinder, from, &reader, is_redacted, s, &locals);
	struct lp_named *named = lp_arena_array(&s->frames, struct lp_named, n);
	for (size_t i = 0; named && i < n; i++)
		named[i] = (struct lp_named){ .name = locals[i].name, .value = locals[i].value };
	to->locals = named;
	to->n_locals = named ? n : 0;
	to->has_locals = true;
}

static size_t unwind(void *arg, pid_t pid, const uint64_t *regs, uint64_t sp, const void *stack,
		     size_t len, bool locals, struct lp_frame *ret, size_t max, bool *ret_cut)
{
	struct lp_session *s = arg;
	struct space where = { .s = s, .pid = pid };
	struct lp_unwind_space space = { .find = find_module, .is_plain = is_plain, .arg = &where };

	lp_arena_reset(&s->frames);
	struct lp_unwind_frame *found = lp_arena_array(&s->frames, struct lp_unwind_frame, max);
	if (!found)
		return 0;
	size_t n = lp_unwind(s->unwinder, &space, regs, sp, stack, len, found, max, ret_cut);
	for (size_t i = 0; i < n; i++) {
		ret[i] = (struct lp_frame){
			.function = found[i].function,
			.file = found[i].file,
			.line = found[i].line,
			.addr = found[i].addr,
			.module = found[i].module,
		};
		bool is_first = found[i].addr == found[0].addr;
		session_classify_native(s, pid, found[i].addr - !is_first, &ret[i]);
		if (locals && (is_first || !is_hidden(s, &ret[i])))
			read_locals(s, &found[i], &ret[i]);
	}
	return n;
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
	struct interp *in = session_interp(arg, pid);
	struct lp_python *py = in ? session_interp_root(in)->py : NULL;

	if (!py || !lp_python_frame(py, frame, &ret->function, &ret->file, &ret->line))
		return false;
	session_classify_python(py, ret);
	return true;
}

static void classify(void *arg, pid_t pid, struct lp_frame *f)
{
	struct interp *in = session_interp(arg, pid);
	struct lp_python *py = in ? session_interp_root(in)->py : NULL;

	if (py)
		session_classify_python(py, f);
}

int session_symbolizer(struct lp_session *s, struct lp_symbolizer *ret, struct lp_err *err)
{
	*ret = (struct lp_symbolizer){ .symbol = symbol,
				       .unwind = unwind,
				       .python = python_of,
				       .awaiters = session_awaiters,
				       .memory = memory_of,
				       .python_frame = python_frame,
				       .classify = classify,
				       .arg = s };
	return lp_unwinder_new(&s->unwinder, err);
}
