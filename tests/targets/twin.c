/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/targets/twin.c
 *
 * twin - a library, preloaded into steps.c, that has functions of the same names: `other` with the same
 * parameter, `step` with another. A thread of its own calls them for ever.
 */
#include <pthread.h>

#include "target.h"

long step(const char *text);
void other(long i);

NOINLINE long step(const char *text)
{
	KEEP(text);
	return *text;
}

NOINLINE void other(long i)
{
	KEEP(i);
}

static void *run(void *arg)
{
	for (long i = -1;; i--) {
		step("twin");
		other(OPAQUE(i));
		usleep(1000);
	}
	return arg;
}

__attribute__((constructor)) static void begin(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, run, NULL);
}
