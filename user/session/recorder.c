// SPDX-License-Identifier: GPL-2.0-only
/* The flight recorder: the newest events are kept, finished as they came (what they show may be gone
 * a moment later: a process, its code, its names), and handed on when something happens that they
 * led up to. That goes by slices, between which the ring is read: what comes meanwhile stands in line,
 * who asks for the next dump with the others, and is kept or handed on in its turn.
 */
#include "session/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define SLICE_BYTES 65536	       /* are looked at in one step, */
#define SLICE_TIME  (4 * LP_NS_PER_MS) /* and this is for steps, before the ring has its turn */

/* After it the process may be gone, or what failed is: all that is kept is wanted. */
static bool is_failure(const struct lp_logpoint *lp)
{
	return lp->location.kind == LP_AT_CRASH || lp->location.kind == LP_AT_UNCAUGHT;
}

int session_check_dump(struct lp_session *s, struct point *p, struct lp_err *err)
{
	const char *name = p->lp->dump_on;
	struct point *other;

	if (is_failure(p->lp))
		p->writes_last = true;
	if (!name)
		return 0;
	if (!s->opts->last)
		return lp_err_at(err, EINVAL, p->lp->dump_on_col, (int)strlen(name),
				 "records are written as they come: `dump on` is for --last SIZE");
	int r = session_named(s, name, p->lp->dump_on_col, &other, err);
	if (r >= 0)
		other->writes_last = true;
	return r;
}

/* What names another cause in `dump on` waits for that one. */
static bool is_wanted(void *arg, uint32_t id)
{
	const struct lp_session *s = arg;
	const struct point *cause = s->recorder.cause, *p = cause ? session_point(s, id) : NULL;

	return !p || !p->lp->dump_on || is_failure(cause->lp) ||
	       !strcmp(p->lp->dump_on, cause->lp->name);
}

/* Leaves room for one record of the cause's own; NULL: asked for, or the end. */
static void begin(struct lp_session *s, const struct point *cause)
{
	const uint64_t count = s->opts->count;
	const struct lp_keep_choice choice = {
		.wanted = is_wanted,
		.arg = s,
		.max = count ? count - s->shown - (cause ? 1 : 0) : UINT64_MAX,
	};

	s->recorder = (struct recorder){ .busy = true, .dumps = true, .cause = cause };
	s->ops->dump_begin(s->arg, &choice);
}

/* Behind the last that is kept goes its cause's record, the first in line. */
static int go_on(struct lp_session *s)
{
	const struct point *cause = s->recorder.cause;
	bool more;
	uint64_t n;

	int r = s->ops->dump(s->arg, SLICE_BYTES, &n, &more, &s->failure);
	s->recorder.n += n;
	r = session_handed_on(s, n, r);
	if (more && !session_is_full(s))
		return r;

	s->recorder.dumps = false;
	n = s->recorder.n;
	session_note(s, LP_LOG_VERBOSE, "%s: %" PRIu64 " kept record%s written",
		     cause	   ? cause->lp->name
		     : s->finished ? "at the end"
				   : "asked to",
		     n, n == 1 ? "" : "s");
	if (r < 0 || !cause)
		return r;
	r = s->ops->next(s->arg, true, &s->failure);
	return session_handed_on(s, r >= 0, r);
}

/* A slice of the dump, or the turn of the first in line. */
static int step(struct lp_session *s)
{
	uint32_t id;

	if (s->recorder.dumps)
		return go_on(s);
	if (!s->ops->waiting(s->arg, &id)) {
		s->recorder.busy = false;
		return 0;
	}

	const struct point *p = session_point(s, id);
	if (!p || !p->writes_last)
		return s->ops->next(s->arg, false, &s->failure);
	begin(s, p);
	return 0;
}

int session_record(struct lp_session *s, const struct point *p, const struct lp_event *ev)
{
	int r = -EAGAIN;

	if (!s->recorder.busy && !p->writes_last)
		return s->ops->keep(s->arg, ev, false, &s->failure);
	while (r == -EAGAIN) {
		s->recorder.busy = true;
		r = s->ops->keep(s->arg, ev, true, &s->failure);
		if (r != -EAGAIN)
			break;
		r = step(s);
		if (r >= 0)
			r = session_is_full(s) ? -ECANCELED : -EAGAIN;
	}
	return r;
}

void session_recorder_go(struct lp_session *s, bool all)
{
	const uint64_t end = lp_now() + SLICE_TIME;

	do {
		if (all && s->dump_due && !s->recorder.busy) {
			s->dump_due = false;
			if (!session_is_full(s))
				begin(s, NULL);
		}
		while (s->recorder.busy && !session_is_full(s) && (s->finished || lp_now() < end))
			step(s);
	} while (s->finished && s->dump_due && !session_is_full(s));
}
