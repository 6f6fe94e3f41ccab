/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/targets/ending.c
 *
 * ending exit N | abort | crash | kill SIGNAL | sleep
 *
 * Runs last() once and ends as it was told.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "target.h"

static NOINLINE void last(const char *how, int number)
{
	KEEP(how);
	HERE(number); /* @last */
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "exit";
	int number = argc > 2 ? atoi(argv[2]) : 0;

	target_wait();
	last(how, number);
	if (!strcmp(how, "abort"))
		abort();
	if (!strcmp(how, "crash"))
		*(volatile int *)OPAQUE((int *)0) = number;
	if (!strcmp(how, "kill"))
		kill(getpid(), number);
	if (!strcmp(how, "sleep"))
		pause();
	return number;
}
