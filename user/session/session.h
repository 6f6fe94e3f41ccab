/* SPDX-License-Identifier: GPL-2.0-only */
/* user/session/session.h
 *
 * session - logpoints on targets, from their text to finished events: finds places, compiles,
 * attaches, follows processes and libraries that come later, keeps to the budget, and accounts
 * for every hit at the end.
 *
 * Order of use: lp_session_new(), lp_session_add() for each logpoint, lp_session_start(),
 * lp_session_run(), lp_session_finish(), lp_session_summary(). One thread. Prints nothing: what
 * a user should know goes to ops->note.
 */
#ifndef LP_SESSION_H
#define LP_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/log.h"
#include "collect/event.h"
#include "expr/compile.h"
#include "lp/record.h"
#include "sink/keep.h"

enum lp_target_kind {
	LP_TARGET_PIDS,	   /* pids */
	LP_TARGET_CGROUP,  /* path: of the cgroup */
	LP_TARGET_UNIT,	   /* path: name of a systemd unit */
	LP_TARGET_EXE,	   /* path: of an executable */
	LP_TARGET_COMMAND, /* argv */
};

struct lp_target {
	enum lp_target_kind kind;
	const pid_t *pids;
	size_t n_pids;
	const char *path;
	char *const *argv; /* NULL-terminated */
};

struct lp_session_opts {
	struct lp_target target;
	bool follow;
	uint64_t count;	     /* records; 0: no limit */
	uint64_t duration;   /* ns; 0: no limit */
	double max_overhead; /* percent of one CPU for one logpoint; < 0: no limit */
	bool exact;	     /* probes are where they are meant, not at what is equivalent */
	bool last;	     /* events are kept until something happens that they led up to */
	struct lp_limits limits;
};

struct lp_session_ops {
	/* A finished event. -EPIPE: nobody reads any more; the session ends as if asked to. */
	int (*event)(void *arg, const struct lp_event *ev, struct lp_err *err);
	/* These six only where opts->last. An event that is not to be seen yet; `waits`: it stands in line,
	 * behind all that is kept. -EAGAIN: not before others that stand there have left.
	 */
	int (*keep)(void *arg, const struct lp_event *ev, bool waits, struct lp_err *err);
	/* The chosen of what is kept shall be seen, oldest first, by dump(): *ret_n of them, also where
	 * it fails, by about `bytes`; *ret_more: there is more to be done. Meanwhile what comes waits.
	 */
	void (*dump_begin)(void *arg, const struct lp_keep_choice *choice);
	int (*dump)(void *arg, size_t bytes, uint64_t *ret_n, bool *ret_more, struct lp_err *err);
	/* The logpoint of the first in line; false: nobody stands there. */
	bool (*waiting)(void *arg, uint32_t *ret_point);
	/* It shall be seen, else be kept, and leaves, unless that fails. */
	int (*next)(void *arg, bool seen, struct lp_err *err);
	/* How many events of that logpoint newer ones have come for, in the room that there is. */
	uint64_t (*overwritten)(void *arg, uint32_t point);
	/* Everything handed over so far, but for what is kept, shall be seen now. */
	int (*flush)(void *arg, struct lp_err *err);
	/* How many events of that logpoint (lp_event.point) were taken, but will not be seen: because
	 * of an error since, or still kept at the end. NULL: none ever.
	 */
	uint64_t (*unwritten)(void *arg, uint32_t point);
	/* Something that the user should know, at that level of talkativeness. */
	void (*note)(void *arg, enum lp_log_level level, const char *text);
};

struct lp_session;

/* opts, ops and what they point to must outlive the session. */
int lp_session_new(const struct lp_session_opts *opts, const struct lp_session_ops *ops, void *arg,
		   struct lp_session **ret, struct lp_err *err);
/* Also ends what runs: all probes are gone when it returns. */
void lp_session_free(struct lp_session *s);
LP_CLEANUP(struct lp_session *, lp_session_free)

/* Parses a logpoint; the text is copied. */
int lp_session_add(struct lp_session *s, const char *text, struct lp_err *err);

/* Finds the targets, resolves and attaches every logpoint, or none: *ret_bad is then the number
 * of the logpoint that is wrong, from 0, or SIZE_MAX where it is no logpoint's fault.
 */
int lp_session_start(struct lp_session *s, size_t *ret_bad, struct lp_err *err);

/* Until a limit, a signal, the end of all targets, or -EPIPE from ops->event (which gives 0). */
int lp_session_run(struct lp_session *s, struct lp_err *err);

/* Detaches everything and hands on what is left in the ring. Counts are exact from here on. What
 * lp_session_run() has failed of is not said again.
 */
int lp_session_finish(struct lp_session *s, struct lp_err *err);

/* Waits for the end of LP_TARGET_COMMAND: its exit status, 128 + N where signal N ended it. */
int lp_session_wait_command(struct lp_session *s);

/* What became of the hits of one logpoint:
 * hits == logged + overwritten + unshown + filtered + limited + the sum of lost.
 */
struct lp_summary {
	const char *name;
	struct lp_counts counts; /* logged: without those of `unshown` and `overwritten` */
	uint64_t overwritten;	 /* by newer ones, before anything asked for them */
	uint64_t unshown; /* recorded when the session was at its end already, or not written */
};

/* One call for each logpoint, and one with name "all" where there are several. */
int lp_session_summary(struct lp_session *s, void (*fn)(void *arg, const struct lp_summary *sum),
		       void *arg, struct lp_err *err);

#endif
