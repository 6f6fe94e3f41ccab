// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "collect/order.h"

static void add(struct lp_order *o, uint64_t time, uint64_t hit)
{
	struct lp_record rec = { .len = sizeof(rec), .time = time, .hit = hit };

	assert_int_equal(lp_order_add(o, &rec), 0);
}

static void oldest_first_however_they_come(void **state)
{
	static const uint32_t disorder[] = { 1, 40, 600, 9000 };
	uint32_t x = 7;

	(void)state;
	for (size_t d = 0; d < LP_ARRAY_SIZE(disorder); d++) {
		lp_auto(lp_order_done) struct lp_order o = { 0 };
		const struct lp_record *rec;
		uint64_t last = 0, n = 0;

		for (uint64_t i = 0; i < 4000; i++) {
			x = x * 1664525u + 1013904223u;
			add(&o, 1000 + i * 10 + x % disorder[d], i);
			/* nothing older than this can come any more */
			while (i % 300 == 299 && (rec = lp_order_next(&o, 1000 + i * 10))) {
				assert_true(rec->time >= last && rec->time < 1000 + i * 10);
				last = rec->time;
				n++;
			}
		}
		assert_true(n > 2500);
		for (; (rec = lp_order_next(&o, UINT64_MAX)); n++) {
			assert_true(rec->time >= last);
			last = rec->time;
		}
		assert_int_equal(n, 4000);
		assert_int_equal(lp_order_count(&o), 0);
	}
}

static void the_same_time_keeps_its_order(void **state)
{
	lp_auto(lp_order_done) struct lp_order o = { 0 };

	(void)state;
	for (uint64_t i = 0; i < 400; i++)
		add(&o, i < 200 ? 5 : 4, i);
	assert_null(lp_order_next(&o, 4));
	for (uint64_t i = 0; i < 400; i++)
		assert_int_equal(lp_order_next(&o, 6)->hit, (i + 200) % 400);
}

static void the_end_of_time_is_part_of_everything(void **state)
{
	lp_auto(lp_order_done) struct lp_order o = { 0 };

	(void)state;
	add(&o, UINT64_MAX, 1);
	assert_null(lp_order_next(&o, UINT64_MAX - 1));
	assert_non_null(lp_order_next(&o, UINT64_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(oldest_first_however_they_come),
		cmocka_unit_test(the_same_time_keeps_its_order),
		cmocka_unit_test(the_end_of_time_is_part_of_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
