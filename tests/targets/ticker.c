/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/targets/ticker.c
 *
 * ticker TIMES
 *
 * A service: calls tick() every 10 ms, TIMES times.
 */
#include <stdlib.h>

#include "target.h"

NOINLINE void tick(int number, const char *who);

NOINLINE void tick(int number, const char *who)
{
	HERE(number); /* @tick */
	KEEP(who);
}

int main(int argc, char **argv)
{
	const int times = argc > 1 ? atoi(argv[1]) : 0;

	for (int i = 0; i < times; i++) {
		tick(i, argv[0]);
		usleep(10000);
	}
	return 0;
}
