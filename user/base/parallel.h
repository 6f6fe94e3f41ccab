/* SPDX-License-Identifier: GPL-2.0-only */
/* user/base/parallel.h
 *
 * parallel - one piece of work in several parts, on the processors that there are. The caller's thread
 * does its share and comes back when all is done; the others see no signals.
 */
#ifndef LP_BASE_PARALLEL_H
#define LP_BASE_PARALLEL_H

#include <stddef.h>

#define LP_PARALLEL_MAX	      8	 /* threads */
#define LP_PARALLEL_WAITS_MAX 32 /* of those that wait */

/* Calls fn with 0 to n - 1, in any order. The first result that is not 0 is returned, and nothing more is
 * begun after that.
 */
int lp_parallel(size_t n, int (*fn)(size_t i, void *arg), void *arg);

/* The same where each waits for the kernel most of the time: on as many threads, whatever processors there are. */
int lp_parallel_waits(size_t n, int (*fn)(size_t i, void *arg), void *arg);

#endif
