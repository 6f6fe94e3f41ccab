// SPDX-License-Identifier: GPL-2.0-only
/* Which units are watched for a line: those that a step leads to by which it starts, and where no
 * execution of the statement goes on (flow.h).
 *
 * A unit to which also other steps lead is watched, but not counted where another watched one of
 * the line, before it in the code, came just before (LEADS, FOLLOWS). Jumps back always count. Where
 * nothing happens on the way to it, it alone is enough.
 */
#include <errno.h>

#include "python/flow.h"

#define MAX_VERIFIED 31 /* watched units of a line */

enum mark {
	WATCHED = 1,
	FLOODED = 2,
	REACHED = 4, /* by reach_from() */
	SAME = 8,    /* what comes there goes on with the statement */
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

static int reach(struct starts *s, uint32_t at, uint32_t without)
{
	if (at == LP_PY_NOWHERE || at == without || (s->mark[at] & REACHED))
		return 0;
	s->mark[at] |= REACHED;
	return lp_vec_push(&s->todo, at);
}

/* Marks all that one can come to from the end of an instruction, or from the function's begin (from:
 * LP_PY_NOWHERE), and not through another one.
 */
static int reach_from(struct starts *s, uint32_t from, uint32_t without)
{
	const struct lp_py_flow *f = s->f;
	int r = 0;

	for (size_t i = 0; i < f->instrs.len; i++)
		s->mark[i] &= (uint8_t)~REACHED;
	if (from == LP_PY_NOWHERE)
		r = reach(s, 0, without);
	else
		r = lp_vec_push(&s->todo, from);
	while (r == 0 && s->todo.len > 0) {
		const struct lp_py_instr *in = &f->instrs.data[s->todo.data[--s->todo.len]];

		r = reach(s, in->handler, without);
		for (uint32_t i = 0; r == 0 && i < in->n_edges; i++)
			r = reach(s, f->edges.data[in->first_edge + i].to, without);
	}
	return r;
}

/* Marks those of the line where it goes on that has begun at `start`. */
static int find_same(struct starts *s, uint32_t start, const uint32_t *events, size_t n)
{
	lp_auto(lp_free) bool *dominated = calloc(n, sizeof(*dominated));
	int r = dominated ? reach_from(s, LP_PY_NOWHERE, start) : -ENOMEM;

	for (size_t i = 0; r == 0 && i < n; i++)
		dominated[i] = events[i] != start && !(s->mark[events[i]] & (REACHED | SAME));
	for (size_t i = 0; r == 0 && i < n; i++) {
		if (!dominated[i])
			continue;
		r = reach_from(s, events[i], start);
		if (!(s->mark[events[i]] & REACHED))
			s->mark[events[i]] |= SAME;
	}
	return r;
}

/* Drops the events by which none but a statement goes on. What goes on with one that goes on itself
 * goes on with the first: in which order they are looked at does not matter.
 */
static int drop_same(struct starts *s)
{
	const struct lp_py_flow *f = s->f;
	LP_VEC(uint32_t) events = { 0 };
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < f->instrs.len; i++)
		if (f->instrs.data[i].line == s->line &&
		    (count_events(s, i) > 0 || has_false_events(s, i)))
			r = lp_vec_push(&events, i);
	for (size_t i = 0; r == 0 && events.len > 1 && i < events.len; i++)
		if (!(s->mark[events.data[i]] & SAME) && count_events(s, events.data[i]) > 0)
			r = find_same(s, events.data[i], events.data, events.len);
	lp_vec_each (&events, at)
		for (uint32_t i = 0; (s->mark[*at] & SAME) && i < f->instrs.data[*at].n_in; i++)
			s->event[in_edge(f, *at, i)] = false;
	lp_vec_done(&events);
	return r;
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

/* Flags units that other steps lead to as well. all: also those where that takes an exception. */
static int flag_mixed(struct starts *s, bool all, bool *exact)
{
	const uint32_t n = (uint32_t)s->f->instrs.len;
	bool mixed = false;
	int r = 0;

	*exact = true;
	s->n_watched = 0;
	for (uint32_t i = 0; i < n; i++) {
		s->flags[i] = 0;
		s->mark[i] &= (uint8_t)~FLOODED;
		if (!(s->mark[i] & WATCHED) || is_pure(s, i))
			continue;
		mixed = true;
		if (all || !follows_by_exception(s, i))
			s->flags[i] = LP_PY_SITE_FOLLOWS;
	}
	for (uint32_t i = 0; r == 0 && i < n; i++)
		if (s->flags[i] & LP_PY_SITE_FOLLOWS)
			r = flood_back(s, i);
	return r == 0 && mixed ? verify(s, exact) : r;
}

static int assign(struct starts *s, struct lp_py_starts *ret)
{
	const uint32_t n = (uint32_t)s->f->instrs.len;
	int r = drop_same(s);

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < n; i++)
		if (s->f->instrs.data[i].line == s->line)
			slide(s, i);
	for (uint32_t i = 0; i < n; i++) {
		if (s->f->instrs.data[i].line != s->line)
			continue;
		ret->false_events |= !(s->mark[i] & SAME) && has_false_events(s, i);
		if (count_events(s, i) > 0)
			s->mark[i] |= WATCHED;
	}
	r = flag_mixed(s, true, &ret->exact);
	if (r == 0 &&
	    !ret->exact) /* few exceptions are raised in the line's own part of a `with` */
		r = flag_mixed(s, false, &ret->exact);
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

int lp_py_flow_starts(const struct lp_py_flow *f, int line, struct lp_py_starts *ret)
{
	const size_t n = f->instrs.len, n_edges = f->edges.len;
	lp_auto(lp_free) uint8_t *arrays = calloc(2 * n + n_edges + 1, 1);
	struct starts s = { .f = f, .line = line };
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
	r = assign(&s, ret);
	if (r == 0)
		r = take(&s, ret);
	lp_vec_done(&s.todo);
	if (r < 0)
		lp_vec_done(ret);
	return r;
}
