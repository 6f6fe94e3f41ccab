/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/unit/filter.c
 *
 * filter - linked into every unit test: TEST_FILTER='*column*' picks the test cases to run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

__attribute__((constructor)) static void filter_by_environment(void)
{
	const char *pattern = getenv("TEST_FILTER");

	if (pattern)
		cmocka_set_test_filter(pattern);
}
