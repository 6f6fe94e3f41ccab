/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/targets/locals.c
 *
 * locals LIBRARY...
 *
 * Starts two threads, loads every LIBRARY (copies of local.c) by dlopen() after the start signal,
 * starts two more threads, and lets each, one after the other, use the last library at the second
 * signal. The first two threads were there before the library's variables.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>

#include "target.h"

#define THREADS 4
#define ROUNDS	3

static pthread_barrier_t turns[THREADS];
static void (*look)(int number);
static void (*step)(int number, int round);

static void *run(void *arg)
{
	int number = (int)(long)arg;

	pthread_barrier_wait(&turns[number]);
	look(number);
	for (int round = 0; round < ROUNDS; round++)
		step(number, round);
	pthread_barrier_wait(&turns[number]);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];
	void *library = NULL;

	for (int i = 0; i < THREADS; i++)
		pthread_barrier_init(&turns[i], NULL, 2);
	for (int i = 0; i < THREADS; i++) {
		if (i == THREADS / 2) {
			target_wait();
			for (int n = 1; n < argc; n++)
				library = dlopen(argv[n], RTLD_NOW);
			if (!library) {
				fprintf(stderr, "%s\n", dlerror());
				return 1;
			}
			*(void **)&look = dlsym(library, "local_look");
			*(void **)&step = dlsym(library, "local_step");
		}
		pthread_create(&threads[i], NULL, run, (void *)(long)i);
	}
	target_wait();
	for (int i = 0; i < THREADS; i++) {
		pthread_barrier_wait(&turns[i]);
		pthread_barrier_wait(&turns[i]);
		pthread_join(threads[i], NULL);
	}
	return 0;
}
