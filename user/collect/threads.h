/* SPDX-License-Identifier: GPL-2.0-only */
/* user/collect/threads.h
 *
 * threads - what Python calls a thread. A record brings its name now and then, not at each hit.
 */
#ifndef LP_COLLECT_THREADS_H
#define LP_COLLECT_THREADS_H

#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"

struct lp_thread_name {
	uint64_t id; /* pid << 32 | tid; 0: free */
	char *name;  /* NULL: forgotten */
};

struct lp_threads {
	struct lp_thread_name *slots;
	size_t n, cap; /* cap is a power of two; n with those that are forgotten */
};

void lp_threads_done(struct lp_threads *t);
LP_CLEANUP_DONE(struct lp_threads, lp_threads_done)

/* -ENOMEM. */
int lp_threads_set(struct lp_threads *t, uint32_t pid, uint32_t tid, const char *name, size_t len);
/* NULL: none was brought. */
const char *lp_threads_get(const struct lp_threads *t, uint32_t pid, uint32_t tid);
/* The process has ended, or runs another program. */
void lp_threads_forget(struct lp_threads *t, uint32_t pid);

#endif
