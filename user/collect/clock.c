// SPDX-License-Identifier: GPL-2.0-only
#include "collect/clock.h"

#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#define MEASURE_EVERY 10000000u
#define TRIES	      8

static uint64_t now(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void lp_clock_update(struct lp_clock *c)
{
	uint64_t start = now(CLOCK_MONOTONIC), best_gap = UINT64_MAX;
	int64_t offset = 0;

	if (c->measured && start - c->measured < MEASURE_EVERY)
		return;
	for (int i = 0; i < TRIES; i++) {
		uint64_t before = now(CLOCK_MONOTONIC);
		uint64_t real = now(CLOCK_REALTIME);
		uint64_t gap = now(CLOCK_MONOTONIC) - before;

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
