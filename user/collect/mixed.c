// SPDX-License-Identifier: GPL-2.0-only
/* Each call of the evaluation loop, which is a native frame, stands for Python's frames from the innermost
 * that is not placed yet to the one that C code has called: up to 3.10 that is one frame, from 3.11
 * on Python calls Python without another loop. It stands for none where it was called for a frame that
 * is none to Python yet.
 */
#include "collect/mixed.h"

struct merge {
	const struct lp_stack_parts *p;
	size_t next;  /* of Python's frames */
	size_t empty; /* loops to come that stand for none */
	struct lp_frame *ret;
	size_t n;
};

static size_t end_of_loop(const struct lp_stack_parts *p, size_t from)
{
	size_t end = from + 1;

	while (end < p->n_native && p->native[end].is_loop &&
	       (p->loops_adjoin || p->native[end].addr == p->native[from].addr))
		end++;
	return end;
}

/* The loop has been called, but has not begun with its frame: innermost calls beyond the number of
 * Python's. It is told where both lists are whole.
 */
static size_t loops_without_frame(const struct lp_stack_parts *p)
{
	size_t loops = 0, groups = 0;

	if (p->native_cut || p->python_cut || !p->n_python)
		return 0;
	for (size_t i = 0; i < p->n_native;)
		if (p->native[i].is_loop) {
			loops++;
			i = end_of_loop(p, i);
		} else {
			i++;
		}
	for (size_t i = 0; i < p->n_python; i++)
		groups += p->python[i].n_loops;
	return loops > groups ? loops - groups : 0;
}

static void put_group(struct merge *m)
{
	uint8_t n_loops = 0;

	if (m->empty) {
		m->empty--;
		return;
	}
	if (!m->p->n_python) /* the loop runs Python, but nothing of it is known */
		m->ret[m->n++] = (struct lp_frame){ .kind = LP_FRAME_GAP };
	while (m->next < m->p->n_python && !n_loops) {
		n_loops = m->p->python[m->next].n_loops;
		m->ret[m->n++] = m->p->python[m->next++];
	}
	m->empty = n_loops ? n_loops - 1u : 0;
}

size_t lp_frames_merge(const struct lp_stack_parts *p, struct lp_frame *ret, bool *ret_cut)
{
	struct merge m = { .p = p, .ret = ret };
	size_t without = loops_without_frame(p), i = 0;

	while (p->in_python && i < p->n_native && !p->native[i].is_loop)
		i++;
	if (p->in_native && p->n_native && p->native[0].is_loop)
		ret[m.n++] = p->native[0];
	while (i < p->n_native) {
		if (!p->native[i].is_loop) {
			ret[m.n++] = p->native[i++];
			continue;
		}
		i = end_of_loop(p, i);
		if (without)
			without--;
		else
			put_group(&m);
	}
	if (p->has_native && m.next < p->n_python && m.n)
		ret[m.n++] = (struct lp_frame){ .kind = LP_FRAME_GAP };
	while (m.next < p->n_python)
		ret[m.n++] = p->python[m.next++];
	*ret_cut = p->has_native ? p->native_cut || p->python_cut : p->python_cut;
	return m.n;
}

size_t lp_frames_fold(struct lp_frame *frames, size_t n, size_t keep)
{
	size_t to = keep < n ? keep : n;

	for (size_t i = to; i < n;) {
		uint32_t folded = 0;

		if (!frames[i].is_library) {
			frames[to++] = frames[i++];
			continue;
		}
		for (; i < n && frames[i].is_library; i++)
			folded += !frames[i].is_glue;
		if (folded)
			frames[to++] =
				(struct lp_frame){ .kind = LP_FRAME_FOLDED, .n_folded = folded };
	}
	return to;
}
