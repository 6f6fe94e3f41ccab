// SPDX-License-Identifier: GPL-2.0-only
/* Variables of a frame of a live process. A variable's value belongs to it as long as the frame still has
 * the object that was read: nothing else keeps that alive.
 */
#include <errno.h>
#include <string.h>

#include "python/code.h"
#include "python/stacks_impl.h"

#define LOCALS_MAX 4096
#define NAME_CHARS 256
#define TRIES	   8

/* Names that one tuple of a code object has. */
struct names {
	uint64_t tuple, n;
	uint32_t first; /* of them, in the frame */
	bool in_cells;
	uint8_t kinds[LOCALS_MAX]; /* from 3.11 on */
	bool has_kinds;
};

static int read_tuple(struct lp_python *py, uint64_t pointer, struct names *ret)
{
	struct lp_memory *m = &py->memory.memory;
	const struct lp_py_layout *l = &py->runtime.layout;

	if (lp_py_u64(m, pointer, &ret->tuple) < 0 || lp_py_length(m, l, ret->tuple, &ret->n) < 0 ||
	    ret->n > LOCALS_MAX)
		return -ENOENT;
	return 0;
}

/* The tuples one after the other, i from 0 on; -ENOENT: no more. */
static int next_names(struct lp_python *py, uint64_t code, unsigned int i, struct names *ret)
{
	const struct lp_py_layout *l = &py->runtime.layout;
	const uint16_t old[] = { l->code_varnames, l->code_cellvars, l->code_freevars };
	lp_auto(lp_buf_done) struct lp_buf kinds = { 0 };
	uint64_t object;

	if (l->minor <= 10) {
		const uint32_t before = i ? ret->first + (uint32_t)ret->n : 0;

		if (i >= LP_ARRAY_SIZE(old) || read_tuple(py, code + old[i], ret) < 0)
			return -ENOENT;
		ret->first = before;
		ret->in_cells = i > 0;
		return 0;
	}
	if (i > 0 || read_tuple(py, code + l->code_localsplusnames, ret) < 0 ||
	    lp_py_u64(&py->memory.memory, code + l->code_localspluskinds, &object) < 0 ||
	    lp_py_bytes(&py->memory.memory, l, object, LOCALS_MAX, &kinds) < 0 ||
	    kinds.len != ret->n)
		return -ENOENT;
	memcpy(ret->kinds, kinds.data ? kinds.data : "", kinds.len);
	ret->has_kinds = true;
	ret->first = 0;
	return 0;
}

static bool is_in_cell(const struct names *n, uint64_t i)
{
	return n->has_kinds ? n->kinds[i] & (LP_PY_KIND_CELL | LP_PY_KIND_FREE) : n->in_cells;
}

/* What a place in the frame holds; 0: unbound. */
static int read_slot(struct lp_python *py, uint64_t frame, uint32_t index, bool in_cell,
		     uint64_t *ret)
{
	const struct lp_py_layout *l = &py->runtime.layout;
	struct lp_memory *m = &py->memory.memory;

	if (lp_py_u64(m, frame + l->frame_localsplus + 8ull * index, ret) < 0)
		return -EFAULT;
	*ret &= ~(uint64_t)l->frame_tags;
	/* before the function has begun an argument is not in its cell yet */
	if (in_cell && *ret && lp_py_is(m, l, *ret, py->runtime.type_cell))
		return lp_py_u64(m, *ret + l->cell_ref, ret);
	return 0;
}

int lp_py_frame_local(struct lp_python *py, const struct lp_py_stack_frame *f, const char *name,
		      uint64_t *ret)
{
	struct lp_memory *m = &py->memory.memory;
	const struct lp_py_layout *l = &py->runtime.layout;
	lp_auto(lp_free) struct names *n = calloc(1, sizeof(*n));

	for (unsigned int k = 0; n && next_names(py, f->at.code, k, n) == 0; k++) {
		for (uint64_t i = 0; i < n->n; i++) {
			uint64_t str;

			if (lp_py_u64(m, n->tuple + l->tuple_items + i * 8, &str) < 0 ||
			    !lp_py_text_is(m, l, str, name))
				continue;
			return read_slot(py, f->addr, n->first + (uint32_t)i, is_in_cell(n, i),
					 ret) == 0 &&
					       *ret
				       ? 0
				       : -ENOENT;
		}
	}
	return n ? -ENOENT : -ENOMEM;
}

/* --- all of them --- */

struct gathering {
	struct lp_python *py;
	const struct lp_py_reader *reader;
	LP_VEC(struct lp_named) locals;
};

static void put_error(struct lp_value *ret, const char *why)
{
	*ret = (struct lp_value){ .kind = LP_VAL_ERROR, .is_python = true, .str = why };
}

/* Its name, and what is shown in place of a value that is not to be. -ENOENT: it is no name of the program:
 * the iterator of a comprehension is ".0".
 */
static int begin_local(struct gathering *g, uint64_t str, struct lp_named *ret, bool *ret_hidden)
{
	const struct lp_py_reader *r = g->reader;
	lp_auto(lp_buf_done) struct lp_buf name = { 0 };

	if (lp_py_text(&g->py->memory.memory, &g->py->runtime.layout, str, NAME_CHARS, &name) < 0 ||
	    !name.len || name.data[0] == '.')
		return -ENOENT;
	ret->name = lp_arena_strndup(r->arena, name.data, name.len);
	if (!ret->name)
		return -ENOMEM;
	*ret_hidden = r->is_redacted && r->is_redacted(r->redact, ret->name, strlen(ret->name));
	if (*ret_hidden)
		put_error(&ret->value, "redacted");
	return 0;
}

/* The value, while the frame has the object. */
static void read_value(struct gathering *g, uint64_t frame, uint32_t index, bool in_cell,
		       uint64_t object, struct lp_value *ret)
{
	for (int i = 0; i < TRIES; i++) {
		const struct lp_py_value v = { .tag = LP_PY_OBJECT, .bits = object };
		uint64_t now;

		lp_py_read_value(g->reader, &v, ret);
		if (read_slot(g->py, frame, index, in_cell, &now) < 0)
			break;
		if (now == object)
			return;
		object = now;
		if (!object)
			break;
	}
	put_error(ret, "changed while read");
}

static int add_local(struct gathering *g, const struct lp_py_stack_frame *f, const struct names *n,
		     uint64_t i)
{
	const struct lp_py_layout *l = &g->py->runtime.layout;
	const uint32_t index = n->first + (uint32_t)i;
	struct lp_named local = { 0 };
	uint64_t str, object;
	bool hidden;

	if (lp_py_u64(&g->py->memory.memory, n->tuple + l->tuple_items + i * 8, &str) < 0 ||
	    read_slot(g->py, f->addr, index, is_in_cell(n, i), &object) < 0 || !object)
		return 0;
	int r = begin_local(g, str, &local, &hidden);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (!hidden)
		read_value(g, f->addr, index, is_in_cell(n, i), object, &local.value);
	return lp_vec_push(&g->locals, local);
}

/* Of a class body: a dict. */
static int add_named(uint64_t key, uint64_t value, void *arg)
{
	const struct lp_py_value v = { .tag = LP_PY_OBJECT, .bits = value };
	struct gathering *g = arg;
	struct lp_named local = { 0 };
	bool hidden;

	if (g->locals.len >= LOCALS_MAX)
		return 0;
	int r = begin_local(g, key, &local, &hidden);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (!hidden)
		lp_py_read_value(g->reader, &v, &local.value);
	return lp_vec_push(&g->locals, local);
}

/* The variables of a module are its globals, which nobody wants to see with each stack. */
static int gather_named(struct gathering *g, const struct lp_py_stack_frame *f)
{
	const struct lp_py_layout *l = &g->py->runtime.layout;
	struct lp_memory *m = &g->py->memory.memory;
	uint64_t globals, locals;

	if (lp_py_u64(m, f->addr + l->frame_globals, &globals) < 0 ||
	    lp_py_u64(m, f->addr + l->frame_locals, &locals) < 0 || !locals || locals == globals)
		return 0;
	int r = lp_py_dict_each(m, l, locals, add_named, g);
	return r == -ENOMEM ? r : 0;
}

static int gather(struct gathering *g, const struct lp_py_stack_frame *f)
{
	lp_auto(lp_free) struct names *n = calloc(1, sizeof(*n));
	int r = n ? 0 : -ENOMEM;

	for (unsigned int k = 0; r == 0 && next_names(g->py, f->at.code, k, n) == 0; k++)
		for (uint64_t i = 0; r == 0 && i < n->n; i++)
			r = add_local(g, f, n, i);
	return r;
}

/* Is the frame still there, and where it was? */
static bool has_stayed(struct lp_python *py, const struct lp_py_stack_frame *f)
{
	struct lp_py_stack_frame now;
	uint64_t back;

	return lp_py_frame_read(&py->memory.memory, &py->runtime, f->addr, &now, &back) == 0 &&
	       now.at.code == f->at.code && now.at.lasti == f->at.lasti;
}

int lp_python_locals(struct lp_python *py, const struct lp_py_stack_frame *frame,
		     const struct lp_py_reader *reader, struct lp_named **ret, size_t *ret_n)
{
	struct gathering g = { .py = py, .reader = reader };
	uint32_t flags;
	int r = lp_py_u32(&py->memory.memory, frame->at.code + py->runtime.layout.code_flags,
			  &flags);

	if (r == 0)
		r = flags & LP_PY_CO_OPTIMIZED ? gather(&g, frame) : gather_named(&g, frame);
	if (r == 0 && !has_stayed(py, frame))
		r = -ESTALE;
	if (r == 0) {
		*ret = lp_arena_array(reader->arena, struct lp_named, g.locals.len + 1);
		r = *ret ? 0 : -ENOMEM;
		if (r == 0 && g.locals.len)
			memcpy(*ret, g.locals.data, g.locals.len * sizeof(*g.locals.data));
		*ret_n = g.locals.len;
	}
	lp_vec_done(&g.locals);
	return r;
}
