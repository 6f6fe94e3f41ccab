/* SPDX-License-Identifier: GPL-2.0-only */
/* user/collect/clock.h
 *
 * clock - CLOCK_MONOTONIC, which the kernel side stamps, to CLOCK_REALTIME, which people read.
 * Follows steps and slewing of the wall clock: call lp_clock_update() now and then.
 */
#ifndef LP_COLLECT_CLOCK_H
#define LP_COLLECT_CLOCK_H

#include <stdint.h>

struct lp_clock {
	int64_t offset;	   /* realtime - monotonic, ns */
	uint64_t measured; /* monotonic; 0: never */
};

/* Measures again where the last time is 10 ms ago or more. */
void lp_clock_update(struct lp_clock *c);

static inline uint64_t lp_clock_real(const struct lp_clock *c, uint64_t monotonic)
{
	return monotonic + (uint64_t)c->offset;
}

#endif
