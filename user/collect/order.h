/* SPDX-License-Identifier: GPL-2.0-only */
/* user/collect/order.h
 *
 * order - records waiting for those of other CPUs that may be older. Oldest first; what has the
 * same time comes as it was added. Costs a copy where records come in order, a few steps where
 * they nearly do, and a sort where they don't.
 */
#ifndef LP_COLLECT_ORDER_H
#define LP_COLLECT_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/vec.h"
#include "lp/record.h"

struct lp_order_entry {
	uint64_t time, seq;
	size_t at; /* in bytes */
};

struct lp_order {
	LP_VEC(struct lp_order_entry) entries;
	size_t head; /* entries before it are gone */
	struct lp_buf bytes, spare;
	uint64_t seq;
	bool unsorted;
};

void lp_order_done(struct lp_order *o);
LP_CLEANUP_DONE(struct lp_order, lp_order_done)

/* Copies a record; the copy is aligned to 8. -ENOMEM. */
int lp_order_add(struct lp_order *o, const struct lp_record *rec);

/* The oldest record, if it is older than `before`; stays valid until the next add. */
const struct lp_record *lp_order_next(struct lp_order *o, uint64_t before);

static inline size_t lp_order_count(const struct lp_order *o)
{
	return o->entries.len - o->head;
}

#endif
