/* SPDX-License-Identifier: GPL-2.0-only */
/* user/sink/late.h
 *
 * late - finished records that have come while what came before them is being written: they stand in
 * line, each with its logpoint. Knows nothing of formats.
 */
#ifndef LP_SINK_LATE_H
#define LP_SINK_LATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct lp_late {
	struct lp_buf bytes; /* of each its length and logpoint, then its own */
	size_t head;	     /* what is before it is gone */
};

struct lp_late_record {
	uint32_t point;
	const char *data;
	size_t len;
};

void lp_late_done(struct lp_late *l);
LP_CLEANUP_DONE(struct lp_late, lp_late_done)

/* Bytes of those in line, 8 of them a record. */
static inline size_t lp_late_used(const struct lp_late *l)
{
	return l->bytes.len - l->head;
}

/* -ENOMEM: it is not in line. */
int lp_late_add(struct lp_late *l, uint32_t point, const void *data, size_t len);

/* The one that is `at` bytes behind the first, which lp_late_next() gives; false: there is none. */
bool lp_late_at(const struct lp_late *l, size_t at, struct lp_late_record *ret);
size_t lp_late_next(size_t at, const struct lp_late_record *r);

/* The first is gone. */
void lp_late_drop(struct lp_late *l);

#endif
