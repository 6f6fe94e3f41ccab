/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/targets/steps.c
 *
 * steps COUNT [PAUSE_US [EVERY]]
 *
 * step() runs COUNT times, with a pause each EVERY turns; then the program prints what it counted.
 * COUNT 0: until SIGTERM.
 */
#include <signal.h>
#include <stdlib.h>

#include "target.h"

static volatile sig_atomic_t stop;
static long checksum;

static void on_term(int sig)
{
	(void)sig;
	stop = 1;
}

static NOINLINE long step(long i, const char *word)
{
	long square = OPAQUE(i) * i;

	KEEP(word);
	checksum += square ^ i; /* @step */
	KEEP(square);
	return square;
}

static NOINLINE void other(long i)
{
	HERE(i); /* @other */
}

int main(int argc, char **argv)
{
	static const char *const words[] = { "red", "green", "blue" };
	long count = argc > 1 ? atol(argv[1]) : 1;
	long pause_us = argc > 2 ? atol(argv[2]) : 0;
	long every = argc > 3 ? atol(argv[3]) : 1;
	long i;

	signal(SIGTERM, on_term);
	target_wait();
	for (i = 0; (!count || i < count) && !stop; i++) {
		step(i, words[i % 3]);
		if (i % 10 == 0)
			other(i);
		if (pause_us && i % every == 0)
			usleep((useconds_t)pause_us);
	}
	printf("steps %ld checksum %ld\n", i, checksum);
	return 0;
}
