/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/targets/callers.c
 *
 * callers
 *
 * Parameters that are gone by the marked line, but for what their callers passed: constants, what
 * a caller keeps in a register, addresses of its frame, what its own caller passed. Then calls that
 * leave no trace of what they passed: by a pointer, by a jump.
 */
#include <stdlib.h>

#include "target.h"

struct box {
	int width, height;
	char name[12];
};

static long seen;

static NOINLINE long measure(long a, const char *text, const struct box *box)
{
	return a + (long)text[0] + box->width;
}

NOINLINE long settle(long a, const char *text, const struct box *box);

NOINLINE long settle(long a, const char *text, const struct box *box)
{
	long first = measure(a, text, box);

	seen += first;
	HERE(first); /* @settle */
	return first + seen;
}

/* The caller's own parameter, which it doesn't keep either. */
NOINLINE long pass_on(long a, const struct box *box);

NOINLINE long pass_on(long a, const struct box *box)
{
	long r = settle(a, "passed on", box);

	return r * 2;
}

NOINLINE long jump_on(long a, const struct box *box);

NOINLINE long jump_on(long a, const struct box *box)
{
	return settle(a + 1, "jumped", box);
}

static NOINLINE long least(const int *values, int n, int limit)
{
	long sum = 0;

	for (int i = 0; i < n; i++) {
		int cut = values[i] < limit ? values[i] : limit;

		HERE(i); /* @least */
		sum += cut;
	}
	return sum;
}

static NOINLINE void by_pointer(long (*fn)(long, const char *, const struct box *),
				const struct box *box)
{
	long r = fn(70, "pointed", box);

	KEEP(r);
}

int main(void)
{
	struct box box = { 3, 4, "crate" };
	static const int values[] = { 5, 9, -2, 30, 7 };
	long total = 0;

	target_wait();
	total += settle(10, "constant", &box);
	KEEP_MEM(box);
	for (long i = 20; i < 23; i++) {
		total += settle(i, box.name, &box);
		KEEP_MEM(box);
		KEEP(i);
	}
	total += pass_on(40, &box);
	total += jump_on(50, &box);
	by_pointer(OPAQUE(&settle), &box);
	printf("%ld %ld\n", total, least(values, 5, OPAQUE(7)));
	return 0;
}
