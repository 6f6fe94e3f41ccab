// SPDX-License-Identifier: GPL-2.0-only
#include "collect/clock.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/time.h"

#define MEASURE_EVERY 10000000u
#define TRIES	      8

void lp_clock_update(struct lp_clock *c)
{
	uint64_t start = lp_clock_ns(CLOCK_MONOTONIC), best_gap = UINT64_MAX;
	int64_t offset = 0;

	if (c->measured && start - c->measured < MEASURE_EVERY)
		return;
	for (int i = 0; i < TRIES; i++) {
		uint64_t before = lp_clock_ns(CLOCK_MONOTONIC);
		uint64_t real = lp_clock_ns(CLOCK_REALTIME);
		uint64_t gap = lp_clock_ns(CLOCK_MONOTONIC) - before;

		if (gap < best_gap) {
			best_gap = gap;
			offset = (int64_t)(real - before - gap / 2);
		}
	}

	/* what lies within the error of a measurement must not make time jump to and fro */
	if (!c->measured || (uint64_t)llabs(offset - c->offset) > best_gap)
		c->offset = offset;
	c->measured = start;
}
