/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/targets/threads.c
 *
 * threads COUNT CPU...
 *
 * One thread for each CPU named, pinned to it. Each runs step() COUNT times, and everything that
 * step() gets carries the thread's own pattern: its number, its string, its thread-local variable.
 */
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "target.h"

struct pattern {
	uint64_t number;
	char text[32];
	uint64_t same[8];
};

static __thread uint64_t mine;
__thread struct pattern shown;
static long count;
static int cpus[16];
static pthread_barrier_t start;

static NOINLINE void step(const struct pattern *p, uint64_t number, long i)
{
	KEEP(p);
	HERE(number); /* @step */
	KEEP(i);
}

static void *work(void *arg)
{
	int k = (int)(intptr_t)arg;
	struct pattern p = { .number = 0x0101010101010101u * (unsigned int)(k + 1) };
	cpu_set_t set;

	memset(p.text, 'a' + k, sizeof(p.text) - 1);
	for (int i = 0; i < 8; i++)
		p.same[i] = p.number;
	mine = p.number;
	shown = p;
	CPU_ZERO(&set);
	CPU_SET((size_t)cpus[k], &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	pthread_barrier_wait(&start);
	for (long i = 0; i < count; i++)
		step(&p, p.number, i);
	KEEP_MEM(mine);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t ids[16];
	int n = argc - 2;

	if (n < 1 || n > 16)
		return 2;
	count = atol(argv[1]);
	for (int i = 0; i < n; i++)
		cpus[i] = atoi(argv[2 + i]);
	pthread_barrier_init(&start, NULL, (unsigned int)n);
	target_wait();
	for (int i = 0; i < n; i++)
		pthread_create(&ids[i], NULL, work, (void *)(intptr_t)i);
	for (int i = 0; i < n; i++)
		pthread_join(ids[i], NULL);
	printf("steps %ld\n", count * n);
	return 0;
}
