/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/targets/paced.c
 *
 * paced RATE THREADS MAPPINGS
 *
 * Calls beat() RATE times a second, as evenly as the clock lets it. Besides it has THREADS threads that wait
 * and MAPPINGS mappings.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "target.h"

#define SECOND 1000000000ull
#define STACK  65536

NOINLINE static void beat(uint64_t number)
{
	HERE(number);
}

static void *wait_for_ever(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static int add_threads(int n)
{
	pthread_attr_t small;
	pthread_t t;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, STACK);
	for (int i = 0; i < n; i++)
		if (pthread_create(&t, &small, wait_for_ever, NULL))
			return -1;
	return 0;
}

/* Neighbours differ, so that the kernel does not make one of them. */
static int add_mappings(int n)
{
	for (int i = 0; i < n; i++)
		if (mmap(NULL, 4096, i & 1 ? PROT_READ : PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
			return -1;
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t rate = argc > 1 ? strtoull(argv[1], NULL, 10) : 100;
	struct timespec next;

	if (!rate || add_threads(argc > 2 ? atoi(argv[2]) : 0) < 0 ||
	    add_mappings(argc > 3 ? atoi(argv[3]) : 0) < 0)
		return 1;
	clock_gettime(CLOCK_MONOTONIC, &next);
	for (uint64_t n = 0;; n++) {
		uint64_t ns = (uint64_t)next.tv_nsec + SECOND / rate;

		beat(n);
		next.tv_sec += (time_t)(ns / SECOND);
		next.tv_nsec = (long)(ns % SECOND);
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
	}
}
