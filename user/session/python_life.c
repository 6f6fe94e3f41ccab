// SPDX-License-Identifier: GPL-2.0-only
/* The end of interpreters. What a forked child uses of its parent's (code objects, watchpoints, the
 * number) outlives the parent; of what nobody uses any more nothing is left once its last records
 * have been handed on: processes may come and go for ever.
 */
#include "session/internal.h"

#include <errno.h>

void session_interp_free(struct interp *in)
{
	if (!in)
		return;
	lp_py_types_free((struct lp_py_types *)in->info.types);
	lp_py_fetches_done(&in->fetches);
	lp_python_free(in->py);
	lp_vec_done(&in->hooks);
	free(in);
}

void session_python_done(struct lp_session *s)
{
	lp_vec_each (&s->interps, in)
		session_interp_free(*in);
	lp_vec_done(&s->interps);
	lp_vec_done(&s->watches);
	lp_vec_done(&s->makers);
	lp_vec_done(&s->made);
}

/* What it was forked from has places that it runs into, also since it has some of its own. */
static bool is_used_by(const struct interp *in, const struct interp *other)
{
	while (other && other != in)
		other = other->origin;
	return other;
}

struct interp *session_interp_user(const struct lp_session *s, struct interp *in)
{
	lp_vec_each (&s->interps, other)
		if (!(*other)->gone && is_used_by(in, *other))
			return *other;
	return NULL;
}

void session_python_gone(struct lp_session *s, pid_t pid)
{
	struct interp *in = session_interp(s, pid);

	if (!in)
		return;
	in->gone = true;
	in->gone_at = lp_now();

	for (; in; in = in->origin) {
		struct interp *heir = session_interp_user(s, in);

		if (!heir)
			session_python_detach_process(s, in);
		else if (in->py && lp_python_pid(in->py) == pid)
			lp_python_move(in->py, heir->pid);
	}
}

static bool is_origin(const struct lp_session *s, const struct interp *in)
{
	lp_vec_each (&s->interps, other)
		if ((*other)->origin == in)
			return true;
	return false;
}

/* By an earlier spot of the same interpreter, or one of another that is still there. */
static bool counts_elsewhere(const struct point *p, size_t i)
{
	const struct py_spot *py = p->spots.data[i]->py;

	for (size_t k = 0; k < p->spots.len; k++) {
		const struct py_spot *other = p->spots.data[k]->py;

		if (other && other->here.place.watch == py->here.place.watch &&
		    (other->in != py->in || k < i))
			return true;
	}
	return false;
}

/* What no program has seen at a byte counts once for a logpoint, however many spots are there. */
static void note_unseen(struct lp_session *s, struct point *p, const struct interp *in)
{
	for (size_t i = 0; i < p->spots.len; i++) {
		const struct py_spot *py = p->spots.data[i]->py;

		if (py && py->in == in && !counts_elsewhere(p, i))
			p->unseen += lp_kernel_unseen(s->kernel, py->here.place.watch);
	}
}

static void free_site(struct lp_session *s, uint32_t site)
{
	lp_collect_drop_site(s->collect, site);
	lp_kernel_free_site(s->kernel, site);
}

void session_python_free_spot(struct lp_session *s, struct spot *spot)
{
	if (spot->py->owns_entry)
		free_site(s, spot->enter_site);
	free_site(s, spot->site);
	session_free_spot(spot);
}

static void forget_bytes(struct lp_session *s, const struct interp *in)
{
	lp_vec_each (&s->points, p)
		lp_vec_each (&(*p)->spots, spot)
			if ((*spot)->py && (*spot)->py->in == in && !session_spot_is_trap(*spot))
				lp_kernel_forget_byte(s->kernel, (*spot)->py->here.place.watch);
}

static size_t drop_those_of(struct lp_session *s, const struct interp *in, struct spot **spots,
			    size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (spots[i]->py && spots[i]->py->in == in)
			session_python_free_spot(s, spots[i]);
		else
			spots[kept++] = spots[i];
	return kept;
}

static void drop_spots_of(struct lp_session *s, const struct interp *in)
{
	lp_vec_each (&s->points, p)
		note_unseen(s, *p, in);
	forget_bytes(s, in);
	lp_vec_each (&s->points, each) {
		struct point *p = *each;

		p->spots.len = drop_those_of(s, in, p->spots.data, p->spots.len);
		p->dead.len = drop_those_of(s, in, p->dead.data, p->dead.len);
	}
}

static void drop_runtime(struct lp_session *s, const struct interp *in)
{
	if (!in->known)
		return;
	lp_vec_each (&s->interps, other)
		if (*other != in && (*other)->known && (*other)->runtime == in->runtime)
			return;
	lp_kernel_drop_runtime(s->kernel, in->runtime);
}

void session_python_forget(struct lp_session *s)
{
	for (size_t i = s->interps.len; i--;) {
		struct interp *in = s->interps.data[i];

		if (!in->gone || in->gone_at >= s->flushed || is_origin(s, in))
			continue;
		drop_spots_of(s, in);
		drop_runtime(s, in);
		session_interp_free(in);
		s->interps.data[i] = s->interps.data[--s->interps.len];
	}
}
