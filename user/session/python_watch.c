// SPDX-License-Identifier: GPL-2.0-only
/* Watchpoints of Python spots. They are few: all spots at one byte share one, and what lies in memory
 * that holds another code object now gives its own back.
 */
#include "session/internal.h"

#include <errno.h>
#include <string.h>

int session_python_find_fetches(struct interp *in, struct lp_err *err)
{
	struct lp_err why = { 0 };
	int r = lp_watch_fires() ? lp_python_fetches(in->py, &in->fetches, &why) : 0;

	if (r == -ENOMEM)
		return lp_err_nomem(err);
	if (r < 0)
		in->unwatchable = why;
	return 0;
}

int session_python_add_fetches(struct lp_session *s, struct interp *in, struct lp_err *err)
{
	lp_vec_each (&in->fetches, at) {
		int r = lp_kernel_add_fetch(s->kernel, in->runtime, at->ip, &at->fetch, err);

		if (r < 0)
			return r;
	}
	return 0;
}

static struct watch *find_watch(const struct lp_session *s, const struct interp *in, uint64_t addr)
{
	lp_vec_each (&s->watches, w)
		if ((*w)->in == in && (*w)->addr == addr)
			return *w;
	return NULL;
}

static void watch_free(struct watch *w)
{
	if (!w)
		return;
	lp_link_free(w->link);
	free(w);
}
LP_CLEANUP(struct watch *, watch_free)

static int use_watch(struct lp_session *s, struct interp *in, uint64_t addr, struct lp_err *err)
{
	struct watch *known = find_watch(s, in, addr);

	if (known) {
		known->users++;
		return 0;
	}
	lp_auto(watch_free) struct watch *w = calloc(1, sizeof(*w));
	if (!w || lp_vec_reserve(&s->watches, s->watches.len + 1) < 0)
		return lp_err_nomem(err);
	*w = (struct watch){ .in = in, .addr = addr, .users = 1 };
	int r = lp_kernel_watch(s->kernel, in->pid, addr, &w->link, err);
	if (r < 0)
		return r;
	if (lp_link_may_miss(w->link))
		session_note(
			s, LP_LOG_QUIET,
			"process %d starts threads faster than they can be watched: hits of some "
			"may be missing",
			(int)in->pid);
	s->watches.data[s->watches.len++] = lp_take(w);
	return 0;
}

static void leave_watch(struct lp_session *s, struct interp *in, uint64_t addr)
{
	for (size_t i = 0; i < s->watches.len; i++) {
		struct watch *w = s->watches.data[i];

		if (w->in != in || w->addr != addr)
			continue;
		if (--w->users)
			return;
		s->watches.data[i] = s->watches.data[--s->watches.len];
		watch_free(w);
		return;
	}
}

static void detach_half(struct lp_session *s, struct spot *spot, struct py_half *half)
{
	uint32_t site = half == &spot->py->entry ? spot->enter_site : spot->site;

	if (half->watched)
		leave_watch(s, spot->py->in, half->place.watch);
	if (half->step) {
		lp_link_free(lp_take(half->step));
		spot->point->runs += lp_kernel_step_runs(s->kernel, site);
	}
	session_trap_detach(s, spot);
	if (half->has_site)
		lp_kernel_drop_python_site(s->kernel, site);
	half->watched = half->has_site = false;
}

/* Returns before the entry: one that finds nothing of its entry would be lost. */
static void detach_spot(struct lp_session *s, struct spot *spot)
{
	detach_half(s, spot, &spot->py->here);
	if (spot->py->owns_entry)
		detach_half(s, spot, &spot->py->entry);
}

static int watch_half(struct lp_session *s, struct spot *spot, struct py_half *half, bool may_watch,
		      struct lp_err *err)
{
	int r = -ENOSPC;

	if (session_spot_is_trap(spot))
		return session_trap_attach(s, spot, err);
	half->no_watch = spot->py->in->unwatchable;
	if (half->place.by_call && lp_kernel_has_watch(s->kernel))
		lp_err_set(&half->no_watch, ENOSPC,
			   "a watchpoint can't tell calls of %s from rounds of the loop that it "
			   "begins with",
			   half->place.function);
	if (may_watch && lp_kernel_has_watch(s->kernel) && !half->no_watch.code)
		r = use_watch(s, spot->py->in, half->place.watch, &half->no_watch);
	half->watched = r >= 0;
	half->by_step = r == -ENOSPC && lp_kernel_has_steps(s->kernel);
	if (r < 0 && !half->by_step) {
		*err = half->no_watch;
		return r;
	}
	return 0;
}

/* Halves that get no watchpoint are by_step. A return is not to be there before its entry, which is
 * probed later then.
 */
static int watch_spots(struct lp_session *s, struct point *p, size_t from, struct lp_err *err)
{
	bool late_entry = false;
	int r = 0;

	for (size_t i = from; i < p->spots.len && r >= 0; i++) {
		struct spot *spot = p->spots.data[i];
		struct py_spot *py = spot->py;

		if (py && py->owns_entry) {
			r = watch_half(s, spot, &py->entry, true, err);
			late_entry = py->entry.by_step;
		}
		if (py && r >= 0)
			r = watch_half(s, spot, &py->here, !py->has_entry || !late_entry, err);
		if (py && r < 0 && lp_inventory_ended(&s->inv, py->in->pid))
			r = 0;
	}
	return r;
}

int session_python_attach(struct lp_session *s, struct point *p, size_t from, struct lp_err *err)
{
	int r = watch_spots(s, p, from, err);

	if (r >= 0)
		r = session_steps_attach(s, p, from, err);
	for (size_t i = p->spots.len; r < 0 && i-- > from;)
		if (p->spots.data[i]->py)
			detach_spot(s, p->spots.data[i]);
	return r;
}

int session_python_attach_all(struct lp_session *s, struct lp_err *err)
{
	size_t refused = 0;
	int r = 0;

	for (size_t i = 0; i < s->points.len; i++) {
		r = watch_spots(s, s->points.data[i], 0, err);
		if (r < 0)
			return lp_err_wrap(err, r, "%s", s->points.data[i]->lp->name);
	}
	session_count_begin(s);
	session_count_end(s);
	for (size_t i = 0; i < s->points.len; i++) {
		struct point *p = s->points.data[i];

		r = session_steps_attach(s, p, 0, err);
		if (r < 0)
			lp_err_wrap(err, r, "%s", p->lp->name);
		if (r < 0 && r != -EDQUOT)
			return r;
		if (r >= 0)
			continue;
		if (s->points.len > 1)
			session_note(s, LP_LOG_QUIET, "%s", err->msg);
		session_detach_point(s, p);
		refused++;
	}
	if (!refused || refused < s->points.len)
		return 0;
	return refused == 1 ? -EDQUOT : lp_err_set(err, EDQUOT, "no logpoint is left");
}

/* Spots of which one is the owner of an entry come first: the last to go. */
void session_python_detach(struct lp_session *s, struct point *p)
{
	for (size_t i = p->spots.len; i--;)
		if (p->spots.data[i]->py)
			detach_spot(s, p->spots.data[i]);
}

void session_python_detach_process(struct lp_session *s, struct interp *in)
{
	lp_vec_each (&s->points, p)
		for (size_t i = (*p)->spots.len; i--;) {
			struct spot *spot = (*p)->spots.data[i];

			if (spot->py && spot->py->in == in)
				detach_spot(s, spot);
		}
}

void session_python_detach_all(struct lp_session *s)
{
	lp_vec_each (&s->points, p)
		session_python_detach(s, *p);
	lp_vec_each (&s->makers, l)
		lp_link_free(*l);
	s->makers.len = 0;
}

void session_python_detach_spot(struct lp_session *s, struct spot *spot)
{
	struct point *p = spot->point;

	detach_spot(s, spot);
	if (!find_watch(s, spot->py->in, spot->py->here.place.watch))
		p->unseen += lp_kernel_unseen(s->kernel, spot->py->here.place.watch);
}

/* The same byte of several processes is counted as one. */
static bool is_first_at(const struct point *p, size_t i)
{
	const struct py_spot *py = p->spots.data[i]->py;

	for (size_t k = 0; k < i; k++)
		if (p->spots.data[k]->py &&
		    p->spots.data[k]->py->here.place.watch == py->here.place.watch)
			return false;
	return true;
}

uint64_t session_python_runs(struct lp_session *s, const struct point *p)
{
	uint64_t n = p->runs;

	if (session_is_trap(p))
		return session_trap_runs(s, p);
	lp_vec_each (&p->spots, each) {
		const struct spot *spot = *each;

		if (!spot->py)
			continue;
		if (spot->py->here.step)
			n += lp_kernel_step_runs(s->kernel, spot->site);
		if (spot->py->owns_entry && spot->py->entry.step)
			n += lp_kernel_step_runs(s->kernel, spot->enter_site);
	}
	return n;
}

uint64_t session_python_unseen(struct lp_session *s, struct point *p)
{
	uint64_t n = p->unseen;

	if (session_is_trap(p))
		return 0;
	for (size_t i = 0; i < p->spots.len; i++)
		if (p->spots.data[i]->py && is_first_at(p, i))
			n += lp_kernel_unseen(s->kernel, p->spots.data[i]->py->here.place.watch);
	return n;
}
