/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/unit/test_base_err.c - messages, their wrapping and their cut */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/err.h"

static void error_carries_code_place_and_text(void **state)
{
	struct lp_err err;

	(void)state;
	assert_int_equal(lp_err_at(&err, ENOENT, 5, 3, "unknown name '%s'", "foo"), -ENOENT);
	assert_int_equal(err.code, ENOENT);
	assert_int_equal(err.col, 5);
	assert_int_equal(err.width, 3);
	assert_string_equal(err.msg, "unknown name 'foo'");
	assert_int_equal(lp_err_set(&err, EIO, "later"), -EIO);
	assert_int_equal(err.col, 0);
	assert_int_equal(err.width, 0);
}

static void nobody_has_to_listen(void **state)
{
	(void)state;
	assert_int_equal(lp_err_set(NULL, EINVAL, "x"), -EINVAL);
	assert_int_equal(lp_err_at(NULL, EINVAL, 1, 1, "x"), -EINVAL);
	assert_int_equal(lp_err_wrap(NULL, -EIO, "x"), -EIO);
	assert_int_equal(lp_err_nomem(NULL), -ENOMEM);
}

static void wrapping_puts_the_context_in_front_and_keeps_the_rest(void **state)
{
	struct lp_err err;

	(void)state;
	lp_err_at(&err, EINVAL, 7, 2, "bad");
	assert_int_equal(lp_err_wrap(&err, -EINVAL, "line %d", 3), -EINVAL);
	assert_string_equal(err.msg, "line 3: bad");
	assert_int_equal(err.code, EINVAL);
	assert_int_equal(err.col, 7);
	assert_int_equal(err.width, 2);
}

static void a_cut_message_ends_at_a_character(void **state)
{
	char text[3 * sizeof(((struct lp_err *)0)->msg)];
	struct lp_err err;

	(void)state;
	for (size_t shift = 0; shift < 3; shift++) {
		size_t n = shift;

		memset(text, 'a', shift);
		while (n + 3 < sizeof(text)) {
			memcpy(text + n, "\xe2\x82\xac", 3);
			n += 3;
		}
		text[n] = '\0';
		lp_err_set(&err, EINVAL, "%s", text);
		assert_true(strlen(err.msg) > sizeof(err.msg) - 8);
		assert_int_equal((strlen(err.msg) - shift) % 3, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(error_carries_code_place_and_text),
		cmocka_unit_test(nobody_has_to_listen),
		cmocka_unit_test(wrapping_puts_the_context_in_front_and_keeps_the_rest),
		cmocka_unit_test(a_cut_message_ends_at_a_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
