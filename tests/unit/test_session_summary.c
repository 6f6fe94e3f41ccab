// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "session/summary.h"

static uint64_t sum_of(const struct lp_summary *s)
{
	return s->counts.logged + s->counts.filtered + s->counts.limited + lp_summary_lost(s) +
	       s->overwritten + s->unshown;
}

static const struct {
	struct lp_counts counts;
	uint64_t overwritten, unshown;
	const char *want;
} cases[] = {
	{ { .hits = 10250,
	    .logged = 200,
	    .filtered = 10000,
	    .limited = 40,
	    .lost[LP_LOSS_RING] = 10 },
	  0,
	  0,
	  "app.c:42: 10250 hits = 200 logged + 10000 filtered + 40 rate-limited + 10 lost "
	  "(ring buffer full 10)" },
	{ { 0 }, 0, 0, "app.c:42: 0 hits = 0 logged + 0 filtered + 0 rate-limited + 0 lost" },
	{ { .hits = 12, .logged = 12 },
	  0,
	  2,
	  "app.c:42: 12 hits = 10 logged + 0 filtered + 0 rate-limited + 0 lost + 2 not shown" },
	{ { .hits = 1000, .logged = 999, .lost[LP_LOSS_BUSY] = 1 },
	  900,
	  0,
	  "app.c:42: 1000 hits = 99 logged + 0 filtered + 0 rate-limited + 1 lost "
	  "(too many hits at once on one CPU 1) + 900 overwritten" },
	{ { .hits = 10, .logged = 10 },
	  4,
	  7,
	  "app.c:42: 10 hits = 0 logged + 0 filtered + 0 rate-limited + 0 lost + 4 overwritten + "
	  "6 not shown" },
	{ { .hits = 7,
	    .logged = 1,
	    .filtered = 3,
	    .lost[LP_LOSS_RING] = 1,
	    .lost[LP_LOSS_STASH] = 2 },
	  0,
	  0,
	  "app.c:42: 7 hits = 1 logged + 3 filtered + 0 rate-limited + 3 lost "
	  "(ring buffer full 1, too many calls in progress 2)" },
	{ { .hits = 5, .filtered = 5, .cond_errors = 4 },
	  0,
	  0,
	  "app.c:42: 5 hits = 0 logged + 5 filtered + 0 rate-limited + 0 lost "
	  "[4 conditions could not be evaluated]" },
};

static void lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(cases); i++) {
		struct lp_buf text = { 0 };
		struct lp_summary sum;

		lp_summary_init(&sum, "app.c:42", &cases[i].counts, cases[i].overwritten,
				cases[i].unshown);
		lp_summary_print(&text, &sum);
		assert_string_equal(text.data, cases[i].want);
		assert_int_equal(sum_of(&sum), cases[i].counts.hits);
		lp_buf_done(&text);
	}
}

static void the_total_adds_up_too(void **state)
{
	struct lp_summary total = { .name = "all" };
	uint64_t hits = 0;

	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(cases); i++) {
		struct lp_summary sum;

		lp_summary_init(&sum, "x", &cases[i].counts, cases[i].overwritten,
				cases[i].unshown);
		lp_summary_add(&total, &sum);
		hits += cases[i].counts.hits;
	}
	assert_int_equal(total.counts.hits, hits);
	assert_int_equal(sum_of(&total), hits);
	assert_int_equal(total.overwritten, 904);
	assert_int_equal(total.unshown, 8);
	assert_int_equal(lp_summary_lost(&total), 14);
	assert_int_equal(total.counts.cond_errors, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(the_total_adds_up_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
