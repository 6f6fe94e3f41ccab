/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/targets/framelib.c
 *
 * A library whose functions call back, for frames.c.
 */
#include "target.h"

typedef long framelib_fn(long value, void *arg);

long framelib_apply(framelib_fn *fn, long n, void *arg);
long framelib_descend(framelib_fn *fn, long depth, void *arg);

static inline __attribute__((always_inline)) long checked(framelib_fn *fn, long i, void *arg)
{
	long r = fn(i, arg);

	KEEP(r);
	return r < 0 ? 0 : r;
}

static NOINLINE long total(framelib_fn *fn, long n, void *arg)
{
	long sum = 0;

	for (long i = 0; i < n; i++)
		sum += checked(fn, i, arg);
	HERE(sum);
	return sum;
}

long framelib_apply(framelib_fn *fn, long n, void *arg)
{
	long sum = total(fn, n, arg);

	HERE(sum);
	return sum + 1;
}

long framelib_descend(framelib_fn *fn, long depth, void *arg)
{
	volatile char room[200];
	long r;

	room[depth] = 1;
	r = depth > 0 ? framelib_descend(fn, depth - 1, arg) : fn(depth, arg);
	HERE(r);
	return r + room[depth];
}
