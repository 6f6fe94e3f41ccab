/* SPDX-License-Identifier: GPL-2.0-only */
/* user/sink/json_shared.h
 *
 * json_shared - what records have in common, as JSON that is rendered once: what never changes of a logpoint, and who
 * the thread is. It is known by its contents, as what was freed can have its place taken by something else.
 */
#ifndef LP_SINK_JSON_SHARED_H
#define LP_SINK_JSON_SHARED_H

#include "base/buf.h"
#include "collect/event.h"

#define LP_JSON_TEXTS 3
#define LP_JSON_NAMES 8

struct lp_json_parts {
	struct lp_buf first, second;
	struct lp_buf names[LP_JSON_NAMES]; /* "user": of the first values */

	/* of what: the texts there are, each with its NUL */
	struct lp_buf texts;
	unsigned int has; /* a bit for each text that is none of NULL */
	int numbers[2];
};

/* Zeroed at first. Of two that would have the same place the one that came last is kept. */
struct lp_json_shared {
	struct lp_json_parts places[64], threads[64];
};

void lp_json_shared_done(struct lp_json_shared *s);

/* first: ,"logpoint":"server.c:120","hit": and second: ,"file":"/srv/server.c","line":120,"function":"f","message":
 * NULL: out of memory. Valid until the next call.
 */
struct lp_json_parts *lp_json_place(struct lp_json_shared *s, const struct lp_event *ev);

/* first: ,"pid":4711,"tid":4712,"comm":"server","thread":"Thread-1","task":"Task-3" */
const struct lp_json_parts *lp_json_thread(struct lp_json_shared *s, const struct lp_event *ev);

/* Appends "user": which is the name of value number n there, and its colon. */
void lp_json_value_name(struct lp_json_parts *place, size_t n, const char *name,
			struct lp_buf *out);

#endif
