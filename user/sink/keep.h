/* SPDX-License-Identifier: GPL-2.0-only */
/* user/sink/keep.h
 *
 * keep - the newest records in a fixed amount of memory: finished bytes, each with its logpoint.
 * For one that comes the oldest go, which is counted. Knows nothing of formats.
 */
#ifndef LP_SINK_KEEP_H
#define LP_SINK_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/vec.h"

/* Of one logpoint. */
struct lp_keep_records {
	uint64_t kept, overwritten;
};

/* Which of them: those of the logpoints that wanted() holds for; where these are more than max, the
 * newest.
 */
struct lp_keep_choice {
	bool (*wanted)(void *arg, uint32_t point);
	void *arg;
	uint64_t max;
};

/* How far it has come to hand the chosen out: what is between `end` and `at` is gone. */
struct lp_keep_taking {
	struct lp_keep_choice choice;
	uint64_t skip; /* of the chosen, the oldest, which stay */
	size_t end, at, left;
	size_t stale; /* bytes that are gone, but whose memory is held */
};

struct lp_keep {
	char *data; /* a ring: what would go beyond its end goes on at its begin */
	size_t size;
	size_t start, used; /* used never exceeds size; 8 bytes of it a record */
	uint64_t n;
	LP_VEC(struct lp_keep_records) points;
	struct lp_keep_taking taking;
};

/* Memory is taken as it fills, and given back as much is taken out. */
int lp_keep_init(struct lp_keep *k, size_t size, struct lp_err *err);
void lp_keep_done(struct lp_keep *k);
LP_CLEANUP_DONE(struct lp_keep, lp_keep_done)

/* One that is larger than all of the memory counts as overwritten itself. -ENOMEM. */
int lp_keep_add(struct lp_keep *k, uint32_t point, const void *bytes, size_t len);

/* The chosen are to be taken. From here on nothing is added until the last of them has been. */
void lp_keep_take_begin(struct lp_keep *k, const struct lp_keep_choice *choice);
/* Hands them to take(), oldest first, in two pieces (the second may be empty). Those it returns true
 * for are gone; the others stay, in their order. Looks at `bytes` of what is kept, and the record that
 * these end in; false: that was all.
 */
bool lp_keep_take(struct lp_keep *k, size_t bytes,
		  bool (*take)(void *arg, uint32_t point, const struct iovec bytes[2]), void *arg);

struct lp_keep_records lp_keep_records(const struct lp_keep *k, uint32_t point);

#endif
