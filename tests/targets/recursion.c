/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/targets/recursion.c
 *
 * recursion DEPTH TIMES
 *
 * down(n) calls itself until n is 0. fib(n) returns Fibonacci's numbers. thrice() returns structs.
 */
#include <stdint.h>
#include <stdlib.h>

#include "target.h"

struct result {
	long sum;
	long depth;
};
struct big {
	long values[6];
};

static NOINLINE long down(long n, const char *tag)
{
	if (n == 0)
		return 1000;
	long below = down(n - 1, tag);
	KEEP(tag);
	return below + 1; /* @up */
}

static NOINLINE unsigned int fib(unsigned int n)
{
	return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static NOINLINE struct result pair(long n)
{
	return (struct result){ OPAQUE(n) * 2, OPAQUE(n) + 1 };
}

static NOINLINE struct big large(long n)
{
	struct big b;

	for (int i = 0; i < 6; i++)
		b.values[i] = n + i;
	KEEP_MEM(b);
	return b;
}

static NOINLINE const char *name_of(int n)
{
	return OPAQUE(n) % 2 ? "odd" : "even";
}

static NOINLINE double half(double x)
{
	return OPAQUE((long)x) / 2.0;
}

static NOINLINE int8_t negative(int n)
{
	return (int8_t)-OPAQUE(n);
}

static NOINLINE void nothing(int n)
{
	KEEP(n);
}

/* Read, not only said to be: a compiler may drop a result that nobody reads. */
static volatile int below;

int main(int argc, char **argv)
{
	long depth = argc > 1 ? atol(argv[1]) : 3;
	int times = argc > 2 ? atoi(argv[2]) : 1;

	target_wait();
	for (int i = 0; i < times; i++) {
		long got = down(depth, "tag");
		unsigned int f = fib(10);
		struct result p = pair(i);
		struct big b = large(i);

		KEEP(got);
		KEEP(f);
		KEEP(p.sum);
		KEEP(p.depth);
		KEEP_MEM(b);
		below += name_of(i)[0];
		KEEP((long)half(i));
		below += negative(i);
		nothing(i);
	}
	printf("done\n");
	return 0;
}
