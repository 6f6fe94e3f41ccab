// SPDX-License-Identifier: GPL-2.0-only
/* Spots in code objects that are gone: a module was loaded anew, a function made again, code from text
 * executed and freed. Their probes go at once, their numbers and the room of their programs are used
 * again a while later, when no record of them can come any more.
 */
#include "session/internal.h"

#include <string.h>

#define DEAD_FOR LP_NS_PER_S

static bool is_of(const struct spot *spot, const struct interp *in, uint64_t code, uint64_t made)
{
	return spot->py && spot->py->in == in && spot->py->here.place.site.code == code &&
	       spot->since < made;
}

static bool is_gone(const struct spot *spot)
{
	const struct interp *in = spot->py ? spot->py->in : NULL;

	return in && in->py && !in->gone && !lp_python_has_code(in->py, &spot->py->here.place.site);
}

/* Takes those out for which `gone` is set, in the order of the point; `from` moves with the spots. */
static void bury(struct lp_session *s, struct point *p, const bool *gone, size_t *from)
{
	const size_t n = p->spots.len, was = *from;
	size_t kept = 0;

	if (lp_vec_reserve(&p->dead, p->dead.len + n) < 0)
		return;
	for (size_t i = n; i--;)
		if (gone[i])
			session_python_detach_spot(s, p->spots.data[i]);
	for (size_t i = 0; i < n; i++) {
		struct spot *spot = p->spots.data[i];

		if (!gone[i]) {
			p->spots.data[kept++] = spot;
			continue;
		}
		spot->died = lp_now();
		p->dead.data[p->dead.len++] = spot;
		*from -= i < was;
	}
	p->spots.len = kept;
	s->any_dead = true;
}

void session_python_bury(struct lp_session *s, struct point *p, struct interp *in, uint64_t code,
			 uint64_t made, size_t *from)
{
	lp_auto(lp_free) bool *gone = calloc(p->spots.len + 1, sizeof(*gone));
	bool any = false;

	if (session_is_trap(p))
		return;
	for (size_t i = 0; gone && i < *from; i++) {
		const struct spot *spot = p->spots.data[i];

		gone[i] = code ? is_of(spot, in, code, made)
			       : spot->py && spot->py->in == in && is_gone(spot);
		any |= gone[i];
	}
	if (any)
		bury(s, p, gone, from);
}

static void free_dead(struct lp_session *s, struct point *p)
{
	size_t kept = 0;

	lp_vec_each (&p->dead, each) {
		struct spot *spot = *each;

		if (s->flushed < spot->died + DEAD_FOR) {
			p->dead.data[kept++] = spot;
			continue;
		}
		session_python_free_spot(s, spot);
	}
	p->dead.len = kept;
	s->any_dead |= kept > 0;
}

void session_python_sweep(struct lp_session *s)
{
	if (!s->any_dead)
		return;
	s->any_dead = false;
	lp_vec_each (&s->points, p)
		free_dead(s, *p);
}
