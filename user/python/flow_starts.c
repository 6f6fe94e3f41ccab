// SPDX-License-Identifier: GPL-2.0-only
/* Which units are watched for a line: those that a step leads to by which it starts.
 *
 * A unit to which also other steps lead is watched, but not counted where another watched one of
 * the line, before it in the code, came just before (LEADS, FOLLOWS). Jumps back always count. Where nothing happens on the way to it, it alone is
 * enough.
 */
#include <errno.h>

#include "python/flow.h"

#define MAX_VERIFIED 31 /* watched units of a line */

enum mark {
	WATCHED = 1,
	FLOODED = 2,
};

struct starts {
	const struct lp_py_flow *f;
	int line;
	uint8_t *event;			/* by edge: is a hit wanted */
	uint8_t *mark;			/* by instruction: enum mark */
	uint8_t *flags;			/* by instruction: LP_PY_SITE_* */
	uint32_t watched[MAX_VERIFIED]; /* instructions */
	size_t n_watched;
	LP_VEC(uint64_t) todo;
};

static uint32_t in_edge(const struct lp_py_flow *f, uint32_t at, uint32_t i)
{
	return f->in[f->instrs.data[at].first_in + i];
}

/* How many of the steps to an instruction want a hit. */
static uint32_t count_events(const struct starts *s, uint32_t at)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->f->instrs.data[at].n_in; i++)
		n += s->event[in_edge(s->f, at, i)];
	return n;
}

static bool is_pure(const struct starts *s, uint32_t at)
{
	const uint32_t n_in = s->f->instrs.data[at].n_in;

	return n_in > 0 && count_events(s, at) == n_in;
}

/* Nothing happens in it that could be seen, and it always goes on to the next. */
static bool is_passed(const struct starts *s, uint32_t at)
{
	const struct lp_py_instr *in = &s->f->instrs.data[at];

	return (in->kind == LP_PYOP_QUIET || in->kind == LP_PYOP_FAST) && in->n_edges == 1 &&
	       in->line == s->line;
}

/* Moves the start at `at` on to another one that it always leads to: one unit less. */
static void slide(struct starts *s, uint32_t at)
{
	const struct lp_py_flow *f = s->f;
	uint32_t last = at, next;

	if (!is_pure(s, at) || !is_passed(s, at))
		return;
	for (;;) {
		next = f->edges.data[f->instrs.data[last].first_edge].to;
		if (f->instrs.data[next].line != s->line || next <= last)
			return;
		if (f->instrs.data[next].n_in > 1)
			break;
		if (!is_passed(s, next))
			return;
		last = next;
	}
	if (count_events(s, next) + 1 != f->instrs.data[next].n_in)
		return;
	for (uint32_t i = 0; i < f->instrs.data[at].n_in; i++)
		s->event[in_edge(f, at, i)] = false;
	s->event[f->instrs.data[last].first_edge] = true;
}

/* From where can one come to a unit that follows, without a start: those hits lead to it. */
static int flood_back(struct starts *s, uint32_t follows)
{
	const struct lp_py_flow *f = s->f;

	if (lp_vec_push(&s->todo, follows) < 0)
		return -ENOMEM;
	while (s->todo.len > 0) {
		const uint32_t at = (uint32_t)s->todo.data[--s->todo.len];

		for (uint32_t i = 0; i < f->instrs.data[at].n_in; i++) {
			const uint32_t edge = in_edge(f, at, i), from = f->edges.data[edge].from;

			if (s->event[edge] || from == LP_PY_NOWHERE)
				continue;
			if (s->mark[from] & WATCHED)
				s->flags[from] |= LP_PY_SITE_LEADS;
			else if (!(s->mark[from] & FLOODED) && lp_vec_push(&s->todo, from) < 0)
				return -ENOMEM;
			s->mark[from] |= FLOODED;
		}
	}
	return 0;
}

/* A step, with the latest hit known: its index in watched, one more; 0: none. Is what is counted what
 * is wanted? Goes on from there, once for each latest hit.
 */
static int step(struct starts *s, uint32_t *seen, uint32_t edge, uint32_t latest, bool *exact)
{
	const uint32_t to = s->f->edges.data[edge].to;
	const bool watched = s->mark[to] & WATCHED;
	const uint32_t before = latest ? s->watched[latest - 1] : LP_PY_NOWHERE;
	const bool led = latest && before < to && (s->flags[before] & LP_PY_SITE_LEADS);

	if ((watched && !(led && (s->flags[to] & LP_PY_SITE_FOLLOWS))) != s->event[edge])
		*exact = false;
	for (uint32_t i = 0; watched && i < s->n_watched; i++)
		if (s->watched[i] == to)
			latest = i + 1;
	if (seen[to] & 1u << latest)
		return 0;
	seen[to] |= 1u << latest;
	return lp_vec_push(&s->todo, (uint64_t)to << 32 | latest);
}

/* Goes every way through the code. */
static int verify(struct starts *s, bool *exact)
{
	const struct lp_py_flow *f = s->f;
	lp_auto(lp_free) uint32_t *seen = calloc(f->instrs.len, sizeof(*seen));

	if (!seen)
		return -ENOMEM;
	for (uint32_t i = 0; i < f->instrs.len; i++) {
		if (!(s->mark[i] & WATCHED))
			continue;
		if (s->n_watched == MAX_VERIFIED) {
			*exact = false;
			return 0;
		}
		s->watched[s->n_watched++] = i;
	}
	int r = step(s, seen, 0, 0, exact);
	while (r == 0 && s->todo.len > 0) {
		const uint64_t top = s->todo.data[--s->todo.len];
		const struct lp_py_instr *in = &f->instrs.data[top >> 32];

		for (uint32_t i = 0; r == 0 && i < in->n_edges; i++)
			r = step(s, seen, in->first_edge + i, (uint32_t)top, exact);
	}
	return r;
}

/* 3.12 reports a line once more where an exception of a function that it called is handled in the
 * line itself: it takes the call's cache entries for another line.
 */
static bool has_false_events(const struct starts *s, uint32_t at)
{
	for (uint32_t i = 0; i < s->f->instrs.data[at].n_in; i++) {
		const struct lp_py_edge *e = &s->f->edges.data[in_edge(s->f, at, i)];

		if (e->raises && !e->starts)
			return s->f->minor == 12;
	}
	return false;
}

/* Can only an exception lead there without a start? */
static bool follows_by_exception(const struct starts *s, uint32_t at)
{
	for (uint32_t i = 0; i < s->f->instrs.data[at].n_in; i++) {
		const uint32_t edge = in_edge(s->f, at, i);

		if (!s->event[edge] && !s->f->edges.data[edge].raises)
			return false;
	}
	return true;
}

static int assign(struct starts *s, bool *exact)
{
	const uint32_t n = (uint32_t)s->f->instrs.len;
	bool mixed = false;
	int r = 0;

	for (uint32_t i = 0; i < n; i++)
		if (s->f->instrs.data[i].line == s->line)
			slide(s, i);
	for (uint32_t i = 0; i < n; i++) {
		if (s->f->instrs.data[i].line != s->line)
			continue;
		*exact &= !has_false_events(s, i);
		if (count_events(s, i) == 0)
			continue;
		s->mark[i] |= WATCHED;
		if (is_pure(s, i))
			continue;
		/* few exceptions are raised in the line's own part of a `with` */
		if (follows_by_exception(s, i)) {
			*exact = false;
			continue;
		}
		s->flags[i] = LP_PY_SITE_FOLLOWS;
		mixed = true;
	}
	for (uint32_t i = 0; r == 0 && i < n; i++)
		if (s->flags[i] & LP_PY_SITE_FOLLOWS)
			r = flood_back(s, i);
	if (r == 0 && mixed)
		r = verify(s, exact);
	return r;
}

/* Code that no way leads to, as far as one can see: its first unit. */
static int unreached(const struct starts *s, struct lp_py_starts *ret)
{
	for (uint32_t i = 0; i < s->f->instrs.len; i++) {
		const struct lp_py_instr *in = &s->f->instrs.data[i];
		const struct lp_py_start made = { .unit = in->unit };

		if (in->line == s->line && !in->reached && in->kind != LP_PYOP_RESUME)
			return lp_vec_push(ret, made);
	}
	return 0;
}

static int take(const struct starts *s, struct lp_py_starts *ret)
{
	for (uint32_t i = 0; i < s->f->instrs.len; i++) {
		const struct lp_py_start made = { s->f->instrs.data[i].unit, s->flags[i] };

		if ((s->mark[i] & WATCHED) && lp_vec_push(ret, made) < 0)
			return -ENOMEM;
	}
	return ret->len == 0 ? unreached(s, ret) : 0;
}

int lp_py_flow_starts(const struct lp_py_flow *f, int line, struct lp_py_starts *ret,
		      bool *ret_exact)
{
	const size_t n = f->instrs.len, n_edges = f->edges.len;
	lp_auto(lp_free) uint8_t *arrays = calloc(2 * n + n_edges + 1, 1);
	struct starts s = { .f = f, .line = line };
	bool exact = true;
	int r;

	*ret = (struct lp_py_starts){ 0 };
	if (!arrays)
		return -ENOMEM;
	s.mark = arrays;
	s.flags = arrays + n;
	s.event = arrays + 2 * n;
	for (size_t i = 0; i < n_edges; i++)
		s.event[i] =
			f->edges.data[i].starts && f->instrs.data[f->edges.data[i].to].line == line;
	r = assign(&s, &exact);
	if (r == 0)
		r = take(&s, ret);
	lp_vec_done(&s.todo);
	if (r < 0)
		lp_vec_done(ret);
	if (ret_exact)
		*ret_exact = exact;
	return r;
}
