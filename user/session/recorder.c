// SPDX-License-Identifier: GPL-2.0-only
/* The flight recorder: the newest events are kept, finished as they came (what they show may be gone
 * a moment later: a process, its code, its names), and handed on when something happens that they
 * led up to.
 */
#include "session/internal.h"

#include <inttypes.h>
#include <string.h>

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

struct dump {
	const struct lp_session *s;
	const struct point *cause; /* NULL: asked for, or the end */
};

/* What names another cause in `dump on` waits for that one. */
static bool is_wanted(void *arg, uint32_t id)
{
	const struct dump *d = arg;
	const struct point *p = d->cause ? session_point(d->s, id) : NULL;

	return !p || !p->lp->dump_on || is_failure(d->cause->lp) ||
	       !strcmp(p->lp->dump_on, d->cause->lp->name);
}

/* Leaves room for one record of the cause's own. */
static int dump(struct lp_session *s, const struct point *cause)
{
	const uint64_t count = s->opts->count;
	struct dump d = { .s = s, .cause = cause };
	const struct lp_keep_choice choice = {
		.wanted = is_wanted,
		.arg = &d,
		.max = count ? count - s->shown - (cause ? 1 : 0) : UINT64_MAX,
	};
	uint64_t n = 0;

	int r = s->ops->dump(s->arg, &choice, &n, &s->failure);
	session_note(s, LP_LOG_VERBOSE, "%s: %" PRIu64 " kept record%s written",
		     cause	   ? cause->lp->name
		     : s->finished ? "at the end"
				   : "asked to",
		     n, n == 1 ? "" : "s");
	return session_handed_on(s, n, r);
}

int session_record(struct lp_session *s, const struct point *p, const struct lp_event *ev)
{
	if (!p->writes_last)
		return s->ops->keep(s->arg, ev, &s->failure);

	int r = dump(s, p);
	if (r < 0)
		return r;
	r = s->ops->event(s->arg, ev, &s->failure);
	return session_handed_on(s, r >= 0, r);
}

void session_dump_all(struct lp_session *s)
{
	s->dump_due = false;
	if (!session_is_full(s))
		dump(s, NULL);
}
