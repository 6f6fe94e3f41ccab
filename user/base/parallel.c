// SPDX-License-Identifier: GPL-2.0-only
#include "base/parallel.h"

#include <sched.h>
#include <stdatomic.h>

#include "base/thread.h"

struct work {
	size_t n;
	int (*fn)(size_t i, void *arg);
	void *arg;
	atomic_size_t next;
	atomic_int result;
};

static void *run(void *arg)
{
	struct work *w = arg;
	size_t i;

	while (atomic_load(&w->result) == 0 && (i = atomic_fetch_add(&w->next, 1)) < w->n) {
		const int r = w->fn(i, w->arg);
		int none = 0;

		if (r != 0)
			atomic_compare_exchange_strong(&w->result, &none, r);
	}
	return NULL;
}

static int run_on(size_t helpers, size_t n, int (*fn)(size_t i, void *arg), void *arg)
{
	struct work w = { .n = n, .fn = fn, .arg = arg };
	pthread_t threads[LP_PARALLEL_WAITS_MAX];
	size_t begun = 0;

	while (begun < helpers && lp_thread_start(&threads[begun], run, &w) == 0)
		begun++;
	run(&w);
	while (begun > 0)
		pthread_join(threads[--begun], NULL);
	return atomic_load(&w.result);
}

/* How many threads beside the caller's are worth it, of at most so many in all. */
static size_t helpers_of(size_t n, size_t most)
{
	if (n < most)
		most = n;
	return most > 0 ? most - 1 : 0;
}

int lp_parallel(size_t n, int (*fn)(size_t i, void *arg), void *arg)
{
	cpu_set_t set;
	size_t cpus = 1;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		cpus = (size_t)CPU_COUNT(&set);
	if (cpus > LP_PARALLEL_MAX)
		cpus = LP_PARALLEL_MAX;
	return run_on(helpers_of(n, cpus), n, fn, arg);
}

int lp_parallel_waits(size_t n, int (*fn)(size_t i, void *arg), void *arg)
{
	return run_on(helpers_of(n, LP_PARALLEL_WAITS_MAX), n, fn, arg);
}
