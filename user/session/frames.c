// SPDX-License-Identifier: GPL-2.0-only
/* Frames as they are shown, from what was read of a stack: at a hit, or of a thread as it is now. */
#include "session/internal.h"

#include <errno.h>
#include <string.h>

#include "python/stacks.h"

#define NEAR_MAX 4 /* mappings that the frames of a stack most often alternate between */

/* One stack that is unwound: mappings that its frames were found in, as the next will be. */
struct stack {
	const struct framing *f;
	struct near {
		const struct lp_mapping *m;
		uint64_t bias;
	} near[NEAR_MAX];
	size_t next;
};

static const struct near *near_of(struct stack *s, uint64_t addr)
{
	for (size_t i = 0; i < NEAR_MAX; i++) {
		const struct lp_mapping *m = s->near[i].m;

		if (m && addr >= m->start && addr < m->end)
			return &s->near[i];
	}

	const struct lp_mapping *m = s->f->proc ? lp_proc_mapping(s->f->proc, addr) : NULL;
	struct near *n = &s->near[s->next++ % NEAR_MAX];
	if (!m)
		return NULL;
	*n = (struct near){ m, m->file->module ? addr - lp_mapping_vaddr(m, addr) : 0 };
	return n;
}

static struct lp_module *find_module(void *arg, uint64_t addr, uint64_t *ret_bias)
{
	const struct near *n = near_of(arg, addr);

	if (!n || !n->m->file->module)
		return NULL;
	*ret_bias = n->bias;
	return n->m->file->module;
}

static void classify(struct stack *s, uint64_t addr, struct lp_frame *f)
{
	const struct near *n = near_of(s, addr);

	if (n)
		session_classify(s->f->proc, s->f->py, n->m, addr, f);
}

static bool hides(const struct framing *f, const struct lp_frame *frame)
{
	return frame->is_loop || (frame->is_library && !f->limits->all_frames);
}

static bool is_hidden(void *arg, uint64_t addr)
{
	struct stack *s = arg;
	struct lp_frame frame = { 0 };

	classify(s, addr, &frame);
	return hides(s->f, &frame);
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
	struct stack s = { .f = f };
	const struct lp_unwind_space space = { .find = find_module,
					       .is_hidden = is_hidden,
					       .asks_first = !f->shows_first,
					       .within = f->within,
					       .arg = &s };
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
		classify(&s, found[i].addr - !is_first, &ret[i]);
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
	*ret = (struct lp_frame){ .addr = from->at.code, .n_loops = from->n_loops };
	if (!session_name_python(py, &from->at, ret)) {
		ret->kind = LP_FRAME_GAP;
		return false;
	}
	if (!from->is_begun || ret->line <= 0)
		ret->line = (int)from->at.firstlineno;
	return true;
}
