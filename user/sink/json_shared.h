/* SPDX-License-Identifier: GPL-2.0-only */
/* user/sink/json_shared.h
 *
 * json_shared - what records have in common, as JSON that is rendered once: what never changes of a logpoint, and who
 * the thread is. It is known by its contents, as what was freed can have its place taken by something else, or by
 * lp_event.plan.
 */
#ifndef LP_SINK_JSON_SHARED_H
#define LP_SINK_JSON_SHARED_H

#include "base/buf.h"
#include "collect/event.h"

#define LP_JSON_TEXTS 3
#define LP_JSON_NAMES 8

/* Of what something was rendered; no texts: of nothing yet. */
struct lp_json_key {
	struct lp_buf texts; /* those there are, each with its NUL */
	unsigned int has;    /* a bit for each that is not NULL */
	int numbers[2];
};

struct lp_json_name {
	uint64_t plan;	    /* that it was seen with last; 0 */
	const char *at;	    /* where it was then */
	struct lp_buf of;   /* with its NUL */
	struct lp_buf json; /* ,"user": */
};

struct lp_json_place {
	uint64_t plan; /* as in lp_json_name */
	struct lp_json_key of;
	struct lp_buf before; /* ,"logpoint":"server.c:120","hit": */
	struct lp_buf after; /* ,"file":"/srv/server.c","line":120,"function":"handle","message": */
	struct lp_json_name names[LP_JSON_NAMES]; /* of the first values */
};

struct lp_json_thread {
	struct lp_json_key of;
	struct lp_buf
		json; /* ,"pid":4711,"tid":4712,"comm":"server","thread":"Thread-1","task":"Task-3" */
};

/* Zeroed at first. Of two that would have the same place the one that came last is kept. */
struct lp_json_shared {
	struct lp_json_place places[64];
	struct lp_json_thread threads[64];
};

void lp_json_shared_done(struct lp_json_shared *s);

/* NULL: out of memory. Valid until the next call. */
struct lp_json_place *lp_json_place(struct lp_json_shared *s, const struct lp_event *ev);
const struct lp_json_thread *lp_json_thread(struct lp_json_shared *s, const struct lp_event *ev);

/* As lp_json_name(): that of value number n of the event that was there last. */
void lp_json_value_name(struct lp_json_place *place, size_t n, const char *name, bool *first,
			struct lp_buf *out);

#endif
