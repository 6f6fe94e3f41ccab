// SPDX-License-Identifier: GPL-2.0-only
/* A hit that comes by several events of a thread counts once, whatever becomes of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "../../bpf/twice.h"

/* Each word is a hit, each letter an event that it comes by. */
static const struct {
	const char *hits;
	unsigned int lost; /* hits that do not count */
} rows[] = {
	{ "a a a", 0 },
	{ "ab ab ab ab", 0 },
	{ "abcd abcd abcd", 0 },
	{ "a ab ab ba ab", 0 },
	{ "ab ba ba ab ba", 0 },
	{ "abc bac cab cba acb bca abc", 0 },
	{ "ab ab b b b", 0 },
	{ "abcd abcd bcd bcd cdb c c", 0 },
	{ "abc abc bcd bcd d d d", 0 },
	{ "ba ba a a a", 0 },
	/* the one that goes came after all that stay; none stays */
	{ "a ba b b", 1 },
	{ "ab cd cd cd", 1 },
};

static void each_hit_counts_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lp_twice t = { .event = (__u64)rows[i].hits[0] };
		unsigned int hits = 1, all = 1, now = 1;

		for (const char *c = rows[i].hits + 1; *c; c++) {
			unsigned int n = *c != ' ' && !lp_twice_look(&t, (__u64)*c);

			now = *c == ' ' ? 0 : now + n;
			hits += *c == ' ';
			all += n;
			if (now > 1)
				fail_msg("%s: a hit counts twice", rows[i].hits);
		}
		if (hits - all != rows[i].lost)
			fail_msg("%s: %u of %u hits count", rows[i].hits, all, hits);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each_hit_counts_once) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
