/* SPDX-License-Identifier: GPL-2.0-only */
/* user/base/time.h
 *
 * time - the system's clocks in nanoseconds.
 */
#ifndef LP_TIME_H
#define LP_TIME_H

#include <stdint.h>
#include <time.h>

#define LP_NS_PER_S  1000000000ull
#define LP_NS_PER_MS 1000000ull

/* 0: there is none such, as of a process that is gone. */
static inline uint64_t lp_clock_ns(clockid_t clock)
{
	struct timespec t = { 0 };

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * LP_NS_PER_S + (uint64_t)t.tv_nsec;
}

#endif
