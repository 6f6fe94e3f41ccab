/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/targets/inlined.c
 *
 * inlined COUNT
 *
 * One function with three inlined copies and one out of line, entered COUNT, 2 * COUNT,
 * 3 * COUNT and 4 * COUNT times.
 */
#include <stdlib.h>

#include "target.h"

static volatile int sink;

static inline __attribute__((always_inline)) int copied(int value, int who)
{
	int tripled = OPAQUE(value) * 3;

	sink = tripled + who; /* @copied */
	KEEP(tripled);
	return tripled;
}

static inline int sometimes(int value)
{
	int halved = value / 2;

	sink = halved; /* @sometimes */
	return halved;
}

static NOINLINE void first(int n)
{
	for (int i = 0; i < n; i++)
		copied(i, 1);
}

static NOINLINE void second(int n)
{
	for (int i = 0; i < 2 * n; i++)
		copied(i, 2);
}

static NOINLINE void third(int n)
{
	for (int i = 0; i < 3 * n; i++)
		copied(i, 3);
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 1;
	int (*volatile by_pointer)(int) = sometimes;

	target_wait();
	first(n);
	second(n);
	third(n);
	for (int i = 0; i < n; i++)
		sometimes(OPAQUE(i));
	for (int i = 0; i < 4 * n; i++)
		by_pointer(i);
	return 0;
}
