/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/targets/turns.c
 *
 * turns WHERE COUNT
 *
 * Two threads tell each other whose turn it is, COUNT times: in a variable of the program, or on the first
 * one's stack, as WHERE says (global, stack). What is told is seen by the other one soon after.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "target.h"

static int turn, count;

static NOINLINE int other(int i)
{
	return OPAQUE(i) + 1;
}

static void wait_for(const int *at, int i)
{
	while (__atomic_load_n(at, __ATOMIC_ACQUIRE) != i)
		__asm__ volatile("pause");
}

static void *see(void *at)
{
	for (int i = 1; i <= count; i++) {
		wait_for(at, i);
		HERE(i); /* @sees */
		__atomic_store_n((int *)at, -i, __ATOMIC_RELEASE);
	}
	return NULL;
}

static NOINLINE void in_global(void)
{
	for (int i = 1; i <= count; i++) {
		__atomic_store_n(&turn, i, __ATOMIC_RELEASE); /* @global */
		other(i);
		wait_for(&turn, -i);
	}
}

static NOINLINE pthread_t on_stack(void)
{
	int here = 0;
	pthread_t id;

	pthread_create(&id, NULL, see, &here);
	for (int i = 1; i <= count; i++) {
		__atomic_store_n(&here, i, __ATOMIC_RELEASE); /* @stack */
		other(i);
		wait_for(&here, -i);
	}
	return id;
}

int main(int argc, char **argv)
{
	pthread_t id;

	if (argc < 3)
		return 2;
	count = atoi(argv[2]);
	if (!strcmp(argv[1], "stack")) {
		id = on_stack();
	} else {
		pthread_create(&id, NULL, see, &turn);
		in_global();
	}
	pthread_join(id, NULL);
	return 0;
}
