// SPDX-License-Identifier: GPL-2.0-only
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/number.h"

static const char *text_of(char *buf, size_t n)
{
	assert_true(n <= LP_NUMBER_MAX);
	buf[n] = '\0';
	return buf;
}

static void integers_are_printf_s(void **state)
{
	char got[LP_NUMBER_MAX + 1], want[64];
	uint64_t v = 1;

	(void)state;
	for (int i = 0; i < 200; i++, v = v * 3 + (uint64_t)i) {
		snprintf(want, sizeof(want), "%" PRIu64, v);
		assert_string_equal(text_of(got, lp_number_u64(got, v)), want);
		snprintf(want, sizeof(want), "%" PRId64, (int64_t)v);
		assert_string_equal(text_of(got, lp_number_s64(got, (int64_t)v)), want);
		snprintf(want, sizeof(want), "%#" PRIx64, v);
		assert_string_equal(text_of(got, lp_number_hex(got, v)), want);
	}
	v = 1;
	for (int i = 0; i < 20; i++, v *= 10) {
		snprintf(want, sizeof(want), "%" PRIu64, v);
		assert_string_equal(text_of(got, lp_number_u64(got, v)), want);
		snprintf(want, sizeof(want), "%" PRIu64, v - 1);
		assert_string_equal(text_of(got, lp_number_u64(got, v - 1)), want);
	}
	assert_string_equal(text_of(got, lp_number_u64(got, UINT64_MAX)), "18446744073709551615");
	assert_string_equal(text_of(got, lp_number_s64(got, INT64_MIN)), "-9223372036854775808");
	assert_string_equal(text_of(got, lp_number_u64(got, 0)), "0");
	assert_string_equal(text_of(got, lp_number_hex(got, 0)), "0x0");
	lp_number_padded(got, 1234, 6);
	assert_string_equal(text_of(got, 6), "001234");
	lp_number_padded(got, 7, 9);
	assert_string_equal(text_of(got, 9), "000000007");
}

static void floats_are_short(void **state)
{
	static const struct {
		double v;
		int size;
		const char *text;
	} cases[] = {
		{ 0, 8, "0" },
		{ -0.0, 8, "-0" },
		{ 0.1, 8, "0.1" },
		{ 0.1f, 4, "0.1" },
		{ 0.1f, 8, "0.10000000149011612" },
		{ 1, 8, "1" },
		{ -2.5, 8, "-2.5" },
		{ 1.0 / 3, 8, "0.3333333333333333" },
		{ 1.0f / 3, 4, "0.33333334" },
		{ 3.14159274f, 4, "3.1415927" },
		{ 16777216.0f, 4, "16777216" },
		{ 1e15, 8, "1e+15" },
		{ 123456789012345, 8, "123456789012345" },
		{ 1e300, 8, "1e+300" },
		{ 5e-324, 8, "5e-324" },
		{ 0.00012, 8, "0.00012" },
		{ 1e-5, 8, "1e-05" },
		{ INFINITY, 8, "inf" },
		{ -INFINITY, 4, "-inf" },
		{ NAN, 8, "nan" },
		{ 0.3, 16, "0.3" },
	};
	char got[LP_NUMBER_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(text_of(got, lp_number_float(got, cases[i].v, cases[i].size)),
				    cases[i].text);
}

static void floats_read_back_as_they_were(void **state)
{
	char got[LP_NUMBER_MAX + 1];
	uint64_t bits = 88172645463325252u;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		double d, near = (double)(i * 37 % 100003) / 1000;
		float f;

		bits ^= bits << 13, bits ^= bits >> 7, bits ^= bits << 17;
		memcpy(&d, &bits, sizeof(d));
		memcpy(&f, &bits, sizeof(f));
		if (isfinite(d))
			assert_true(strtod(text_of(got, lp_number_float(got, d, 8)), NULL) == d);
		if (isfinite(f))
			assert_true(strtof(text_of(got, lp_number_float(got, f, 4)), NULL) == f);
		assert_true(strtod(text_of(got, lp_number_float(got, near, 8)), NULL) == near);
		assert_true(strlen(got) <= 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_are_printf_s),
		cmocka_unit_test(floats_are_short),
		cmocka_unit_test(floats_read_back_as_they_were),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
