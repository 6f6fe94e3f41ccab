/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/targets/recorded.c
 *
 * recorded
 *
 * Does what its standard input says, a line each: "step N" and "other N" are so many calls, numbered
 * through from 100000, "paced N" those of step(), 5,000 a second; "fail" is one that goes wrong; "die"
 * ends by a signal. Says "done" after each. Its stack is large.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "target.h"

static int number = 100000;

NOINLINE void step(int i, const char *word);
NOINLINE void other(int i);
NOINLINE int fail(int i);

NOINLINE void step(int i, const char *word)
{
	KEEP(word);
	HERE(i); /* @step */
}

NOINLINE void other(int i)
{
	HERE(i); /* @other */
}

NOINLINE int fail(int i)
{
	HERE(i); /* @fail */
	return -i;
}

static void paced(int n)
{
	const struct timespec rest = { .tv_nsec = 2000000 };

	for (int i = 0; i < n; i++, number++) {
		step(number, "red");
		if (i % 10 == 9)
			nanosleep(&rest, NULL);
	}
}

int main(void)
{
	char line[64], large[16384];

	KEEP(large);
	setvbuf(stdin, NULL, _IONBF, 0);
	target_wait();
	while (fgets(line, sizeof(line), stdin)) {
		int n = atoi(line + strcspn(line, " \n"));

		if (!strncmp(line, "die", 3))
			abort();
		if (!strncmp(line, "fail", 4))
			number -= fail(number) == number; /* never */
		if (!strncmp(line, "paced", 5)) {
			paced(n);
			n = 0;
		}
		for (int i = 0; i < n; i++, number++)
			line[0] == 's' ? step(number, "red") : other(number);
		puts("done");
		fflush(stdout);
	}
	return 0;
}
