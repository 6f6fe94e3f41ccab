/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/unit/test_base_memory.c - buffers, arenas, vectors */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/vec.h"

static void buffer_is_always_terminated(void **state)
{
	lp_auto(lp_buf_done) struct lp_buf b = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++) {
		lp_buf_char(&b, 'x');
		assert_int_equal(b.len, i + 1);
		assert_int_equal(b.data[b.len], 0);
	}
	lp_buf_clear(&b);
	assert_int_equal(b.len, 0);
	assert_string_equal(b.data, "");
	lp_buf_add(&b, NULL, 0);
	assert_string_equal(b.data, "");
}

static void buffer_writes_numbers(void **state)
{
	static const struct {
		int64_t s;
		uint64_t u;
		const char *text;
	} cases[] = {
		{ 0, 0, "0 0 0x0" },
		{ -1, UINT64_MAX, "-1 18446744073709551615 0xffffffffffffffff" },
		{ INT64_MIN, 1ull << 63,
		  "-9223372036854775808 9223372036854775808 0x8000000000000000" },
		{ 1234567890, 255, "1234567890 255 0xff" },
	};

	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(cases); i++) {
		lp_auto(lp_buf_done) struct lp_buf b = { 0 };

		lp_buf_s64(&b, cases[i].s);
		lp_buf_char(&b, ' ');
		lp_buf_u64(&b, cases[i].u);
		lp_buf_char(&b, ' ');
		lp_buf_hex(&b, cases[i].u);
		assert_string_equal(b.data, cases[i].text);
		assert_int_equal(b.len, strlen(cases[i].text));
	}
}

static void buffer_formats_any_length(void **state)
{
	lp_auto(lp_buf_done) struct lp_buf b = { 0 };

	(void)state;
	lp_buf_fmt(&b, "%0*d|%s", 5000, 7, "end");
	assert_int_equal(b.len, 5004);
	assert_string_equal(b.data + 4999, "7|end");
}

static void arena_gives_zeroed_aligned_memory_again_after_reset(void **state)
{
	lp_auto(lp_arena_done) struct lp_arena a = { 0 };
	static const size_t sizes[] = { 1, 16, 17, 8192, 100000, 3, 0 };

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < LP_ARRAY_SIZE(sizes); i++) {
			char *p = lp_arena_alloc(&a, sizes[i]);

			assert_non_null(p);
			assert_int_equal((uintptr_t)p % 16, 0);
			for (size_t k = 0; k < sizes[i]; k++)
				assert_int_equal(p[k], 0);
			memset(p, 0xff, sizes[i]);
		}
		lp_arena_reset(&a);
	}
	assert_null(lp_arena_alloc(&a, SIZE_MAX));
}

static void arena_copies_strings(void **state)
{
	lp_auto(lp_arena_done) struct lp_arena a = { 0 };
	const char *first = lp_arena_strdup(&a, "one");
	const char *second = lp_arena_strndup(&a, "twofold", 3);
	const char *third = lp_arena_fmt(&a, "%s-%d", first, 3);

	(void)state;
	assert_string_equal(first, "one");
	assert_string_equal(second, "two");
	assert_string_equal(third, "one-3");
}

static void vector_keeps_what_is_pushed(void **state)
{
	LP_VEC(int) v = { 0 };
	int want = 0;

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(lp_vec_push(&v, i), 0);
	lp_vec_each (&v, p)
		assert_int_equal(*p, want++);
	assert_int_equal(want, 1000);
	lp_vec_done(&v);
	assert_null(v.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buffer_is_always_terminated),
		cmocka_unit_test(buffer_writes_numbers),
		cmocka_unit_test(buffer_formats_any_length),
		cmocka_unit_test(arena_gives_zeroed_aligned_memory_again_after_reset),
		cmocka_unit_test(arena_copies_strings),
		cmocka_unit_test(vector_keeps_what_is_pushed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
