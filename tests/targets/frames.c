/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/targets/frames.c
 *
 * Calls of all kinds. At each line the stack of its first hit is the same in every run.
 */
#include <alloca.h>
#include <pthread.h>
#include <search.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "target.h"
#include "thread.h"

#define INLINE static inline __attribute__((always_inline))

typedef long framelib_fn(long value, void *arg);

long framelib_apply(framelib_fn *fn, long n, void *arg);
long framelib_descend(framelib_fn *fn, long depth, void *arg);

static volatile long seen;
static jmp_buf back;

/* --- copies inlined in each other --- */

static NOINLINE long note(long n)
{
	seen += n;
	HERE(n);
	return seen;
}

INLINE long innermost(long n)
{
	long r = note(n);

	HERE(r);
	return r ^ n;
}

INLINE long between(long n)
{
	long sum = 0;

	for (long i = 0; i < n; i++)
		sum += innermost(OPAQUE(i));
	HERE(sum);
	return sum;
}

static long chosen(long n)
{
	if (n > 100)
		return between(n / 50);
	return innermost(n) + 1;
}

static NOINLINE long copies(long n)
{
	long a = between(n);
	long b = chosen(OPAQUE(n));
	long c = chosen(OPAQUE(n) * 100);

	HERE(a);
	return a + b + c;
}

/* --- recursion --- */

static NOINLINE long odd(long n);

static NOINLINE long even(long n)
{
	long r = n ? odd(n - 1) : note(1);

	HERE(r);
	return r + 1;
}

static NOINLINE long odd(long n)
{
	long r = n ? even(n - 1) : note(0);

	HERE(r);
	return r - 1;
}

static long unrolled(long n)
{
	if (n <= 1)
		return note(n);

	long r = unrolled(n - 1);
	HERE(r);
	return r + n;
}

/* --- callbacks --- */

static int by_value(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	HERE(x);
	return x < y ? -1 : x > y;
}

static void visit(const void *node, VISIT which, int depth)
{
	long n = **(const long *const *)node;

	if (which == leaf || which == postorder)
		note(n + depth);
	HERE(n);
}

static NOINLINE long sorted(long n)
{
	long values[64];
	void *root = NULL;

	for (long i = 0; i < n; i++)
		values[i] = (i * 7919) % 31;
	qsort(values, (size_t)n, sizeof(*values), by_value);
	HERE(n);
	long key = OPAQUE(7);
	const long *found = bsearch(&key, values, (size_t)n, sizeof(*values), by_value);
	for (long i = 0; i < n; i++)
		tsearch(&values[i], &root, by_value);
	twalk(root, visit);
	HERE(found);
	return found ? *found : -1;
}

static long for_library(long value, void *arg)
{
	long *sum = arg;

	*sum += innermost(value);
	HERE(value);
	return *sum;
}

static NOINLINE long library(long n)
{
	long sum = 0;
	long a = framelib_apply(for_library, n, &sum);
	long b = framelib_descend(for_library, n, &sum);

	HERE(sum);
	return a + b;
}

/* --- frames of other shapes --- */

static NOINLINE long growing(long n)
{
	char *room = alloca((size_t)n * 16);
	long sum = 0;

	memset(room, (int)n, (size_t)n * 16);
	KEEP_MEM(*room);
	for (long i = 0; i < n; i++)
		sum += innermost(room[i]);
	HERE(sum);
	return sum;
}

struct wide {
	_Alignas(64) long values[8];
};

static NOINLINE long aligned(long n)
{
	struct wide w = { { n, n + 1 } };
	char *room = alloca((size_t)n * 32);

	KEEP_MEM(w);
	KEEP_MEM(*room);
	long r = note(w.values[1]);
	HERE(r);
	return r + w.values[0];
}

struct big {
	long values[8];
};

static NOINLINE long many(long a, long b, long c, long d, long e, long f, long g, struct big h)
{
	long r = note(a + b) * c + d;

	r += note(e + f) * g + h.values[0];
	HERE(r);
	return r;
}

static NOINLINE long spilled(long n)
{
	struct big w = { { n } };
	long a = OPAQUE(n), b = OPAQUE(n), c = OPAQUE(n), d = OPAQUE(n), e = OPAQUE(n);
	long r = many(a, b, c, d, e, a, b, w);

	KEEP(a + b * c - d * e);
	HERE(r);
	return r + a + b + c + d + e;
}

static __attribute__((noreturn)) NOINLINE void leave(int code)
{
	note(code);
	longjmp(back, code);
}

/* The call is the last instruction: what it would return to is another function's. */
static NOINLINE void give_up(long n)
{
	note(n);
	leave((int)n);
}

static __attribute__((cold)) NOINLINE long complain(long n)
{
	long r = note(n);

	HERE(r);
	return -r;
}

static NOINLINE long rarely(long n)
{
	long r = note(n);

	if (__builtin_expect(r > n * 2, 0)) {
		r += complain(n);
		HERE(r);
		r += innermost(r);
	}
	return r;
}

/* --- by jumps --- */

static NOINLINE long last(long n)
{
	long r = note(n);

	HERE(r);
	return r * 2;
}

static NOINLINE long jumps(long n)
{
	KEEP(n);
	return last(n + 1);
}

static NOINLINE long jumps_on(long n)
{
	KEEP(n);
	return jumps(n + 1);
}

static NOINLINE long either(long n)
{
	KEEP(n);
	return n > 3 ? jumps(n) : last(n);
}

static NOINLINE long by_pointer(long (*fn)(long n), long n)
{
	KEEP(n);
	return fn(n);
}

static NOINLINE long jumping(long n)
{
	long (*volatile fn)(long n) = jumps_on;
	long r = jumps_on(n);

	HERE(r);
	r += either(n);
	HERE(r);
	r += by_pointer(fn, n);
	HERE(r);
	return r + 1;
}

/* --- signals, threads, the end --- */

static void on_signal(int number)
{
	note(number);
	HERE(number);
}

static NOINLINE long signalled(long n)
{
	long r = raise(SIGUSR1);

	HERE(n);
	return r + n;
}

static void *thread(void *arg)
{
	long r = copies((long)arg);

	HERE(r);
	return (void *)r;
}

static void at_exit(void)
{
	long r = note(3);

	HERE(r);
}

static __attribute__((constructor)) void at_start(void)
{
	long r = note(2);

	HERE(r);
}

static NOINLINE long all(long n)
{
	long r = copies(n);

	r += even(n) + unrolled(n * 2);
	r += sorted(n * 5);
	r += library(n);
	r += growing(n) + aligned(n) + spilled(n);
	r += rarely(n);
	r += jumping(n);
	r += signalled(n);
	HERE(r);
	return r;
}

int main(int argc, char **argv)
{
	long n = argc > 1 ? atol(argv[1]) : 4;
	void *result;

	atexit(at_exit);
	signal(SIGUSR1, on_signal);
	note(all(n));
	if (!setjmp(back))
		give_up(n);
	if (run_in_thread(thread, (void *)n, &result))
		return 1;
	HERE(result);
	return 0;
}
