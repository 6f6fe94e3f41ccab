// SPDX-License-Identifier: GPL-2.0-only
/* Hashes as real interpreters compute them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "python_opened.h"

static const char script_hashes[] =
	"import sys\n"
	"t = ['', 'a', 'hello', 'abcdefgh', 'h\\xe9llo', '\\u20ac uro', '\\U0001f600 smile',\n"
	"     'x' * 100, 'y' * 63]\n"
	"for s in t: print('hash', hash(s), flush=True)\n"
	"for s in (b'', b'abc', b'\\x00\\xff' * 20): print('hash', hash(s), flush=True)\n"
	"print('ready', flush=True)\n"
	"input()\n";

static void check_hashes(struct world *w)
{
	static const char x100[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
				   "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
	static const char y63[] = "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy";
	static const char *const texts[] = {
		"",
		"a",
		"hello",
		"abcdefgh",
		"h\xc3\xa9llo",
		"\xe2\x82\xac uro",
		"\xf0\x9f\x98\x80 smile",
		x100,
		y63,
	};
	int64_t want[16];
	size_t n = 0;
	char bytes[40];

	for (size_t i = 0; i < LP_ARRAY_SIZE(texts) + 3; i++)
		want[n++] = python_number(&w->target, "hash");
	assert_string_equal(python_line(&w->target), "ready");
	open_it(w);
	for (n = 0; n < LP_ARRAY_SIZE(texts); n++)
		assert_int_equal(lp_python_hash(w->py, texts[n], strlen(texts[n]), false), want[n]);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = i % 2 ? '\xff' : '\0';
	assert_int_equal(lp_python_hash(w->py, "", 0, true), want[n++]);
	assert_int_equal(lp_python_hash(w->py, "abc", 3, true), want[n++]);
	assert_int_equal(lp_python_hash(w->py, bytes, sizeof(bytes), true), want[n++]);
}

static const char script_other_secret[] =
	"import sys\n"
	"try: import ctypes\n"
	"except ImportError: print('without', flush=True); sys.exit(input())\n"
	"say, flush, wait = sys.stdout.write, sys.stdout.flush, sys.stdin.readline\n"
	"secret = ctypes.c_char.in_dll(ctypes.pythonapi, '_Py_HashSecret')\n"
	"ctypes.memmove(ctypes.addressof(secret), b'x' * 16, 16)\n"
	"say('ready\\n')\n"
	"flush()\n"
	"wait()\n";

static void check_other_secret(struct world *w)
{
	if (!strcmp(python_line(&w->target), "without")) /* built without ctypes */
		return;
	assert_string_equal(w->target.line, "ready");
	assert_int_equal(lp_python_open(w->target.pid, &w->py, &w->err), -EBADMSG);
	assert_non_null(strstr(w->err.msg, "no name in sys has the hash"));
}

/* No name could be looked up: none would be found. */
static void what_hashes_otherwise_is_refused(void **state)
{
	with_each(*state, script_other_secret, check_other_secret);
}

static void hashes_are_what_the_program_computes(void **state)
{
	with_each(*state, script_hashes, check_hashes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(hashes_are_what_the_program_computes),
		CASE(what_hashes_otherwise_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
