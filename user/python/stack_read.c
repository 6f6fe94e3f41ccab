// SPDX-License-Identifier: GPL-2.0-only
/* A chain of frames, read while the thread may run. */
#include <errno.h>
#include <string.h>

#include "python/stacks_impl.h"

#define HEAD_MAX 256 /* bytes of a frame, of a code object, up to what is looked at */
#define TRIES	 8

/* No more than what is wanted: memory can end behind a frame. */
static size_t head_size(const struct lp_py_layout *l)
{
	const uint16_t at[] = { l->frame_back, l->frame_code, l->frame_lasti, l->frame_owner };
	size_t size = 0;

	for (size_t i = 0; i < LP_ARRAY_SIZE(at); i++)
		if (at[i] != LP_PY_NONE && at[i] + 8u > size)
			size = at[i] + (at[i] == l->frame_owner ? 1u : 8u);
	return size;
}

/* Name, file and first line of the code object, if it is one; in *ret_first the byte offset of the unit where
 * that is, from 3.11 on.
 */
static int read_code(struct lp_memory *m, const struct lp_py_runtime *rt, uint64_t code,
		     struct lp_py_frame *ret, int64_t *ret_first)
{
	const struct lp_py_layout *l = &rt->layout;
	const bool has_first = l->code_firsttraceable != LP_PY_NONE;
	const size_t size = has_first ? l->code_firsttraceable + 4u : LP_PY_CODE_HEAD;
	uint8_t head[HEAD_MAX];

	if (size > sizeof(head) || m->read(m, code, head, size) < 0)
		return -EFAULT;
	if (lp_py_u64_in(head, l->ob_type) != rt->type_code)
		return -EINVAL;
	*ret_first =
		has_first ? 2 * (int64_t)lp_py_u32_in(head, l->code_firsttraceable) : INT64_MIN;
	ret->code = code;
	ret->name = lp_py_u64_in(head, l->code_name);
	ret->filename = lp_py_u64_in(head, l->code_filename);
	ret->firstlineno = lp_py_u32_in(head, l->code_firstlineno);
	return 0;
}

int lp_py_frame_read(struct lp_memory *m, const struct lp_py_runtime *rt, uint64_t frame,
		     struct lp_py_stack_frame *ret, uint64_t *ret_back)
{
	const struct lp_py_layout *l = &rt->layout;
	uint8_t head[HEAD_MAX];
	const size_t size = head_size(l);

	if (!frame || frame & 7 || size > sizeof(head) || m->read(m, frame, head, size) < 0)
		return -EFAULT;
	*ret_back = lp_py_u64_in(head, l->frame_back);
	*ret = (struct lp_py_stack_frame){ .addr = frame, .n_loops = l->minor <= 10 };
	if (l->frame_owner != LP_PY_NONE) {
		const uint8_t owner = head[l->frame_owner];

		ret->n_loops = l->minor >= 12 && owner >= LP_PY_OWNED_BY_C;
		if (ret->n_loops)
			return -ENOENT;
		ret->is_generator = owner == LP_PY_OWNED_BY_GENERATOR;
		if (l->minor == 11) /* is_entry lies before owner */
			ret->n_loops = head[l->frame_owner - 1] & 1;
	}

	const uint64_t code = lp_py_u64_in(head, l->frame_code) & ~(uint64_t)l->frame_tags;
	int64_t first;
	int r = read_code(m, rt, code, &ret->at, &first);
	if (r < 0)
		return r;

	int64_t lasti =
		l->lasti_unit
			? (int64_t)(int32_t)lp_py_u32_in(head, l->frame_lasti) * l->lasti_unit
			: (int64_t)(lp_py_u64_in(head, l->frame_lasti) - (code + l->code_code));
	ret->is_begun = lasti >= 0;
	ret->at.lasti = lasti >= 0 ? (uint64_t)lasti : 0;
	return !ret->is_generator && lasti < first ? -ENOENT : 0;
}

void lp_py_stack_done(struct lp_py_stack *s)
{
	lp_vec_done(&s->frames);
	*s = (struct lp_py_stack){ 0 };
}

static void add_loop(struct lp_py_stack_frame *f)
{
	if (f->n_loops < UINT8_MAX)
		f->n_loops++;
}

/* One look. -EFAULT, -EINVAL: it moved meanwhile; -ENOMEM. */
static int look(struct lp_py_walk *w, struct lp_py_stack *ret)
{
	uint64_t frame, back;
	int r = w->innermost(w, &frame);

	ret->frames.len = 0;
	ret->cut = false;
	for (size_t i = 0; r == 0 && frame; i++, frame = back) {
		struct lp_py_stack_frame f;

		if (i == LP_PY_WALK_MAX) {
			ret->cut = true;
			break;
		}
		r = lp_py_frame_read(w->memory, w->runtime, frame, &f, &back);
		if (r == 0)
			r = lp_vec_push(&ret->frames, f);
		if (r != -ENOENT)
			continue;
		r = 0;
		if (f.n_loops && ret->frames.len)
			add_loop(&ret->frames.data[ret->frames.len - 1]);
	}
	return r;
}

static bool is_same(const struct lp_py_stack_frame *a, const struct lp_py_stack_frame *b)
{
	return a->addr == b->addr && a->at.code == b->at.code && a->at.name == b->at.name &&
	       a->at.filename == b->at.filename && a->at.firstlineno == b->at.firstlineno;
}

size_t lp_py_stack_common(const struct lp_py_stack *before, const struct lp_py_stack *now)
{
	const size_t n =
		before->frames.len < now->frames.len ? before->frames.len : now->frames.len;
	size_t same = 0;

	while (same < n) {
		const struct lp_py_stack_frame *a =
			&before->frames.data[before->frames.len - same - 1];
		const struct lp_py_stack_frame *b = &now->frames.data[now->frames.len - same - 1];

		if (!is_same(a, b))
			break;
		same++;
		/* it has gone on, so what it called then is not what it calls now */
		if (a->at.lasti != b->at.lasti || a->is_begun != b->is_begun)
			break;
	}
	return same;
}

void lp_py_stack_keep(struct lp_py_stack *s, size_t n)
{
	const size_t gone = s->frames.len - n;

	if (!gone)
		return;
	memmove(s->frames.data, s->frames.data + gone, n * sizeof(*s->frames.data));
	s->frames.len = n;
	s->changed = true;
}

/* Looks once more: what of the stack is still there. */
static int compare(struct lp_py_walk *w, struct lp_py_stack *stack)
{
	lp_auto(lp_py_stack_done) struct lp_py_stack again = { 0 };
	int r = look(w, &again);

	if (r < 0)
		again.frames.len = 0;
	if (r == -ENOMEM)
		return r;

	lp_py_stack_keep(stack, lp_py_stack_common(&again, stack));
	return 0;
}

int lp_py_stack_read(struct lp_py_walk *w, unsigned int looks, struct lp_py_stack *ret)
{
	lp_auto(lp_py_stack_done) struct lp_py_stack best = { .changed = true };

	for (int i = 0; i < TRIES; i++) {
		lp_auto(lp_py_stack_done) struct lp_py_stack one = { 0 };
		int r = look(w, &one);

		if (r == -ENOMEM)
			return r;
		if (r < 0)
			continue;
		for (unsigned int k = 1; r == 0 && k < looks && one.frames.len; k++)
			r = compare(w, &one);
		if (r < 0)
			return r;
		if (!one.changed || one.frames.len >= best.frames.len) {
			lp_py_stack_done(&best);
			best = one;
			one = (struct lp_py_stack){ 0 };
		}
		if (!best.changed)
			break;
	}
	*ret = best;
	best = (struct lp_py_stack){ 0 };
	return 0;
}
