// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "collect/format.h"

#define F(...)                                                                                     \
	{                                                                                          \
		.precision = -1, ##__VA_ARGS__                                                     \
	}
#define INT(v)                                                                                     \
	{                                                                                          \
		.kind = LP_VAL_INT, .s = (v), .size = 4                                            \
	}
#define DBL(v)                                                                                     \
	{                                                                                          \
		.kind = LP_VAL_FLOAT, .f = (v), .size = 8                                          \
	}
#define STR(v)                                                                                     \
	{                                                                                          \
		.kind = LP_VAL_STRING, .str = (v), .len = sizeof(v) - 1                            \
	}

static struct lp_value numbers[] = { INT(7), INT(0x7f), INT(-1) };
static struct lp_value rows[] = {
	{ .kind = LP_VAL_LIST, .items = numbers, .len = 2, .cut = true },
	{ .kind = LP_VAL_LIST, .items = numbers + 2, .len = 1 },
	{ .kind = LP_VAL_ERROR, .str = "unreadable" },
};
#define LIST(v)                                                                                    \
	{                                                                                          \
		.kind = LP_VAL_LIST, .items = (v), .len = sizeof(v) / sizeof(*(v))                 \
	}

static const struct {
	struct lp_format f;
	struct lp_value v;
	const char *text;
} cases[] = {
	{ F(.type = 'x'), LIST(numbers), "{7, 7f, ffffffff}" },
	{ F(.type = 'x', .alternate = true), LIST(numbers), "{0x7, 0x7f, 0xffffffff}" },
	{ F(.type = 'x', .zero = true, .width = 2), LIST(numbers), "{07, 7f, ffffffff}" },
	{ F(.type = 'd'), LIST(rows), "{{7, 127...}, {-1}, <unreadable>}" },
	{ F(.type = 's', .width = 14), LIST(numbers), "{7, 127, -1}  " },
	{ F(.type = 'x'), INT(255), "ff" },
	{ F(.type = 'X', .alternate = true), INT(255), "0XFF" },
	{ F(.type = 'x', .alternate = true), INT(-1), "0xffffffff" },
	{ F(.type = 'x'), { .kind = LP_VAL_INT, .s = -1, .size = 1 }, "ff" },
	{ F(.type = 'x'), { .kind = LP_VAL_INT, .s = -1, .size = 8 }, "ffffffffffffffff" },
	{ F(.type = 'o'), INT(8), "10" },
	{ F(.type = 'o', .alternate = true), INT(8), "010" },
	{ F(.type = 'b', .alternate = true), INT(5), "0b101" },
	{ F(.type = 'b'), INT(0), "0" },
	{ F(.type = 'p'), INT(16), "0x10" },
	{ F(.type = 'd'), { .kind = LP_VAL_CHAR, .u = 'a', .size = 1 }, "97" },
	{ F(.type = 'd'), { .kind = LP_VAL_ENUM, .str = "RED", .s = -2, .size = 4 }, "-2" },
	{ F(.type = 'x'), { .kind = LP_VAL_NULL, .size = 8 }, "0" },
	{ F(.type = 'd'),
	  { .kind = LP_VAL_UINT, .u = UINT64_MAX, .size = 8 },
	  "18446744073709551615" },
	{ F(.type = 'c'), INT('a'), "a" },
	{ F(.type = 'c'), INT(0x20ac), "\u20ac" },
	{ F(.width = 6), INT(-42), "   -42" },
	{ F(.width = 6, .zero = true), INT(-42), "-00042" },
	{ F(.width = 6, .align = '<', .fill = '*'), INT(42), "42****" },
	{ F(.width = 7, .align = '^', .fill = '.'), INT(42), "..42..." },
	{ F(.sign = '+'), INT(42), "+42" },
	{ F(.sign = ' '), INT(42), " 42" },
	{ F(.comma = true), INT(-1234567), "-1,234,567" },
	{ F(.comma = true), INT(123), "123" },
	{ F(.type = 'x', .alternate = true, .zero = true, .width = 8), INT(255), "0x0000ff" },
	{ { .type = 'f', .precision = 3 }, DBL(3.14159), "3.142" },
	{ { .type = 'f', .precision = 0 }, DBL(2.5), "2" },
	{ { .type = 'f', .precision = 1, .comma = true }, DBL(1234567.25), "1,234,567.2" },
	{ { .type = 'e', .precision = 2 }, DBL(-12345.678), "-1.23e+04" },
	{ { .type = 'g', .precision = 3 }, DBL(0.00001234), "1.23e-05" },
	{ F(.type = 'f'), INT(2), "2.000000" },
	{ { .precision = 3 }, DBL(3.14159), "3.14" },
	{ F(.width = 6), DBL(0.5), "   0.5" },
	{ F(.type = 'x'), DBL(0.5), "0.5" },
	{ F(.width = 6), STR("ab"), "ab    " },
	{ F(.width = 6, .align = '>'), STR("\u00fcb"), "    \u00fcb" },
	{ { .precision = 2, .type = 's' }, STR("\u00fcbc"), "\u00fcb" },
	{ { .precision = 2 },
	  { .kind = LP_VAL_STRING, .str = "abc", .len = 3, .cut = true },
	  "ab" },
	{ F(.type = 'd'), STR("abc"), "abc" },
	{ F(.type = 's'), INT(7), "7" },
	{ F(.type = 'x'), { .kind = LP_VAL_ERROR, .str = "optimized out" }, "<optimized out>" },
	{ F(.width = 12), { .kind = LP_VAL_POINTER, .u = 16 }, "0x10        " },
	{ { .type = 'f', .precision = 100, .comma = true }, DBL(1.7e308), NULL },
};

static void a_value_is_as_its_spec_wants_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(cases); i++) {
		lp_auto(lp_buf_done) struct lp_buf out = { 0 };
		lp_auto(lp_buf_done) struct lp_buf scratch = { 0 };

		assert_false(lp_format_is_plain(&cases[i].f));
		lp_format_value(&out, &scratch, &cases[i].f, &cases[i].v, true);
		if (cases[i].text)
			assert_string_equal(out.data, cases[i].text);
		else
			assert_int_equal(out.len, 309 + 102 + 1 + 100);
	}
}

static void strings_are_quoted_where_they_are_asked_to_be(void **state)
{
	struct lp_format wide = F(.width = 5), text = F(.width = 5, .type = 's');
	struct lp_value ab = STR("ab");
	lp_auto(lp_buf_done) struct lp_buf out = { 0 };
	lp_auto(lp_buf_done) struct lp_buf scratch = { 0 };

	(void)state;
	lp_format_value(&out, &scratch, &wide, &ab, false);
	lp_format_value(&out, &scratch, &text, &ab, false);
	assert_string_equal(out.data, "\"ab\" ab   ");
}

static void nothing_asked_is_plain(void **state)
{
	struct lp_format none = F();

	(void)state;
	assert_true(lp_format_is_plain(&none));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_is_as_its_spec_wants_it),
		cmocka_unit_test(strings_are_quoted_where_they_are_asked_to_be),
		cmocka_unit_test(nothing_asked_is_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
