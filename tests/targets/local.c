/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/targets/local.c
 *
 * local - a shared library with thread-local variables, for locals.c.
 */
#include "target.h"

struct place {
	int x;
	short y;
};

__thread int counter = 100;
static __thread char text[16] = "none";
__thread struct place place = { 1, -2 };
__thread long unset;

void local_look(int number);
void local_step(int number, int round);

/* Touches none of them: a thread that only was here has none yet. */
NOINLINE void local_look(int number)
{
	HERE(number); /* @untouched */
}

NOINLINE void local_step(int number, int round)
{
	counter += number;
	place.x = number * 10 + round;
	place.y--;
	unset = (long)number << 40 | round;
	snprintf(text, sizeof(text), "t%d r%d", number, round);
	KEEP_MEM(counter);
	KEEP_MEM(place);
	KEEP_MEM(unset);
	HERE(round); /* @touched */
	printf("%d %d %d %d %d %ld %s\n", number, round, counter, place.x, place.y, unset, text);
}
