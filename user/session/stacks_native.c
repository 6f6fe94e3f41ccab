// SPDX-License-Identifier: GPL-2.0-only
/* Native frames, from registers and a copy of the stack. */
#include <errno.h>
#include <string.h>

#include "session/internal.h"
#include "session/stacks_impl.h"

static const struct lp_mapping *mapping_at(const struct stacks *s, uint64_t addr)
{
	const struct lp_mapping *m = lp_proc_mapping(s->proc, addr);

	return m && m->file->module ? m : NULL;
}

static struct lp_module *find_module(void *arg, uint64_t addr, uint64_t *ret_bias)
{
	const struct lp_mapping *m = mapping_at(arg, addr);

	if (!m)
		return NULL;
	*ret_bias = addr - lp_mapping_vaddr(m, addr);
	return m->file->module;
}

static bool is_hidden(const struct stacks *s, const struct lp_frame *f)
{
	return f->is_loop || (f->is_library && !s->o->limits.all_frames);
}

/* Frames that will not be shown need no more than what tells so. */
static bool is_plain(void *arg, uint64_t addr)
{
	const struct stacks *s = arg;
	struct lp_frame f = { 0 };

	session_classify(s->proc, s->py, addr, &f);
	return is_hidden(s, &f);
}

static bool is_redacted(void *arg, const char *name)
{
	const struct stacks *s = arg;

	return lp_redacted(s->o->limits.redact, name, strlen(name));
}

static int read_locals(struct stacks *s, const struct lp_unwind_frame *from, struct lp_frame *to)
{
	const struct lp_limits *max = &s->o->limits;
	const struct lp_reader reader = {
		.arena = s->arena,
		.max_string = max->string,
		.max_items = max->items,
		.max_depth = max->depth,
	};
	struct lp_unwind_local *locals = NULL;
	size_t n = lp_unwind_locals(s->unwinder, from, &reader, is_redacted, s, &locals);
	struct lp_named *named = lp_arena_array(s->arena, struct lp_named, n + 1);

	if (!named)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		named[i] = (struct lp_named){ .name = locals[i].name, .value = locals[i].value };
	to->locals = named;
	to->n_locals = n;
	to->has_locals = true;
	return 0;
}

int stacks_unwind(struct stacks *s, const struct os_thread *t, struct lp_frame *ret, size_t *ret_n,
		  bool *ret_cut)
{
	const struct lp_unwind_space space = {
		.find = find_module, .is_plain = is_plain, .asks_first = true, .arg = s
	};
	struct lp_unwind_frame *found = calloc(STACKS_NATIVE_MAX, sizeof(*found));
	int r = 0;

	if (!found)
		return -ENOMEM;
	*ret_n = lp_unwind(s->unwinder, &space, t->regs, t->regs[LP_MACH_SP], t->stack, t->len,
			   found, STACKS_NATIVE_MAX, ret_cut);
	for (size_t i = 0; i < *ret_n && r == 0; i++) {
		const bool is_first = found[i].addr == found[0].addr;

		ret[i] = (struct lp_frame){
			.function = found[i].function,
			.file = found[i].file,
			.line = found[i].line,
			.addr = found[i].addr,
			.module = found[i].module,
		};
		session_classify(s->proc, s->py, found[i].addr - !is_first, &ret[i]);
		if (s->o->locals && !is_hidden(s, &ret[i]))
			r = read_locals(s, &found[i], &ret[i]);
	}
	free(found);
	return r;
}
