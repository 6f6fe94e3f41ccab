// SPDX-License-Identifier: GPL-2.0-only
/* Frames as they are shown, from what was read of a stack: at a hit, or of a thread as it is now. */
#include "session/internal.h"

#include <errno.h>
#include <string.h>

#include "python/stacks.h"

static struct lp_module *find_module(void *arg, uint64_t addr, uint64_t *ret_bias)
{
	const struct framing *f = arg;
	const struct lp_mapping *m = f->proc ? lp_proc_mapping(f->proc, addr) : NULL;

	if (!m || !m->file->module)
		return NULL;
	*ret_bias = addr - lp_mapping_vaddr(m, addr);
	return m->file->module;
}

static bool hides(const struct framing *f, const struct lp_frame *frame)
{
	return frame->is_loop || (frame->is_library && !f->limits->all_frames);
}

static bool is_hidden(void *arg, uint64_t addr)
{
	const struct framing *f = arg;
	struct lp_frame frame = { 0 };

	session_classify(f->proc, f->py, addr, &frame);
	return hides(f, &frame);
}

static bool is_redacted(void *arg, const char *name)
{
	const struct framing *f = arg;

	return lp_redacted(f->limits->redact, name, strlen(name));
}

static void read_locals(const struct framing *f, const struct lp_unwind_frame *from,
			struct lp_frame *to)
{
	const struct lp_reader reader = {
		.arena = f->arena,
		.max_string = f->limits->string,
		.max_items = f->limits->items,
		.max_depth = f->limits->depth,
	};
	struct lp_named *locals = NULL;

	to->n_locals =
		lp_unwind_locals(f->unwinder, from, &reader, is_redacted, (void *)f, &locals);
	to->locals = locals;
	to->has_locals = true;
}

int session_unwind(const struct framing *f, const uint64_t *regs, uint64_t sp, const void *stack,
		   size_t len, struct lp_frame *ret, size_t max, size_t *ret_n, bool *ret_cut)
{
	const struct lp_unwind_space space = { .find = find_module,
					       .is_hidden = is_hidden,
					       .asks_first = !f->shows_first,
					       .within = f->within,
					       .arg = (void *)f };
	lp_auto(lp_free) struct lp_unwind_frame *found = malloc(max * sizeof(*found));

	if (!found)
		return -ENOMEM;
	*ret_n = lp_unwind(f->unwinder, &space, regs, sp, stack, len, found, max, ret_cut);
	for (size_t i = 0; i < *ret_n; i++) {
		const bool is_first = found[i].addr == found[0].addr;

		ret[i] = (struct lp_frame){
			.function = found[i].function,
			.file = found[i].file,
			.line = found[i].line,
			.addr = found[i].addr,
			.module = found[i].module,
		};
		session_classify(f->proc, f->py, found[i].addr - !is_first, &ret[i]);
		if (f->locals && ((f->shows_first && is_first) || !hides(f, &ret[i])))
			read_locals(f, &found[i], &ret[i]);
	}
	return 0;
}

bool session_name_python(struct lp_python *py, const struct lp_py_frame *frame,
			 struct lp_frame *ret)
{
	if (!lp_python_frame(py, frame, &ret->function, &ret->file, &ret->line))
		return false;
	session_classify_python(py, ret);
	return true;
}

bool session_put_python(struct lp_python *py, const struct lp_py_stack_frame *from,
			struct lp_frame *ret)
{
	*ret = (struct lp_frame){ .addr = from->at.code, .is_entered = from->is_entered };
	if (!session_name_python(py, &from->at, ret)) {
		ret->kind = LP_FRAME_GAP;
		return false;
	}
	if (!from->is_begun || ret->line <= 0)
		ret->line = (int)from->at.firstlineno;
	return true;
}
