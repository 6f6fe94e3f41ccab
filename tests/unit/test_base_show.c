// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "base/show.h"
#include "base/utf8.h"

#define STR(s)	 .kind = LP_VAL_STRING, .str = (s), .len = sizeof(s) - 1
#define INT(v)	 .kind = LP_VAL_INT, .s = (v), .size = 4
#define PY(name) .kind = LP_VAL_##name, .is_python = true
#define ITEMS(...)                                                                                 \
	.items = (struct lp_value[]){ __VA_ARGS__ },                                               \
	.len = sizeof((struct lp_value[]){ __VA_ARGS__ }) / sizeof(struct lp_value)

static const struct {
	struct lp_value v;
	const char *plain, *quoted; /* NULL: the same */
} cases[] = {
	{ { INT(-5) }, "-5", NULL },
	{ { .kind = LP_VAL_UINT, .u = UINT64_MAX }, "18446744073709551615", NULL },
	{ { .kind = LP_VAL_BOOL, .u = 1 }, "true", NULL },
	{ { .kind = LP_VAL_NULL }, "NULL", NULL },
	{ { .kind = LP_VAL_FLOAT, .f = 0.1f, .size = 4 }, "0.1", NULL },
	{ { .kind = LP_VAL_CHAR, .u = 'a', .size = 1 }, "a", "'a'" },
	{ { .kind = LP_VAL_CHAR, .u = '\'', .size = 1 }, "'", "'\\''" },
	{ { .kind = LP_VAL_CHAR, .u = 0xe9, .size = 1 }, "\xe9", "'\\xe9'" },
	{ { .kind = LP_VAL_CHAR, .u = 0x20ac, .size = 4 }, "\u20ac", "'\u20ac'" },
	{ { .kind = LP_VAL_CHAR, .u = 0xd800, .size = 2 }, "0xd800", NULL },
	{ { STR("a\"b\\\n") }, "a\"b\\\n", "\"a\\\"b\\\\\\n\"" },
	{ { STR("long"), .cut = true }, "long...", "\"long\"..." },
	{ { .kind = LP_VAL_BYTES, .str = "\x00z", .len = 2 }, "b\"\\x00z\"", NULL },
	{ { .kind = LP_VAL_POINTER, .u = 0x1f }, "0x1f", NULL },
	{ { .kind = LP_VAL_POINTER, .u = 0x1f, .str = "main" }, "0x1f <main>", NULL },
	{ { .kind = LP_VAL_ENUM, .str = "RED", .s = 1 }, "RED", NULL },
	{ { .kind = LP_VAL_ENUM, .type_name = "enum color", .s = 7 }, "(enum color) 7", NULL },
	{ { .kind = LP_VAL_ERROR, .str = "optimized out" }, "<optimized out>", NULL },
	{ { .kind = LP_VAL_DEEPER }, "...", NULL },
	{ { .kind = LP_VAL_OBJECT, .type_name = "Cart", .u = 16 }, "<Cart at 0x10>", NULL },
	{ { .kind = LP_VAL_BIGINT, .str = "123456789012345678901" },
	  "123456789012345678901",
	  NULL },
	{ { .kind = LP_VAL_COMPLEX,
	    ITEMS({ .kind = LP_VAL_FLOAT, .f = 1 }, { .kind = LP_VAL_FLOAT, .f = 0.5 }) },
	  "1 + 0.5i",
	  NULL },
	{ { .kind = LP_VAL_LIST, ITEMS({ INT(1) }, { INT(2) }), .cut = true }, "{1, 2...}", NULL },
	{ { .kind = LP_VAL_LIST }, "{}", NULL },
	{ { .kind = LP_VAL_TUPLE, ITEMS({ INT(1) }, { STR("a") }) }, "(1, \"a\")", NULL },
	{ { .kind = LP_VAL_MAP, ITEMS({ STR("k") }, { INT(2) }) }, "{\"k\": 2}", NULL },
	{ { .kind = LP_VAL_STRUCT,
	    ITEMS({ .name = "<Base>", .kind = LP_VAL_STRUCT, ITEMS({ .name = "b", INT(1) }) },
		  { .name = "name", STR("ann") },
		  { .kind = LP_VAL_STRUCT, ITEMS({ .name = "u", INT(3) }) },
		  { .name = "x", .kind = LP_VAL_ERROR, .str = "unreadable 0x10" }) },
	  "{<Base> = {b = 1}, name = \"ann\", {u = 3}, x = <unreadable 0x10>}",
	  NULL },
	/* of Python */
	{ { PY(NULL) }, "None", NULL },
	{ { PY(BOOL), .u = 1 }, "True", NULL },
	{ { PY(FLOAT), .f = 1 }, "1.0", NULL },
	{ { PY(FLOAT), .f = 1e16 }, "1e+16", NULL },
	{ { PY(FLOAT), .f = 123456.75 }, "123456.75", NULL },
	{ { PY(FLOAT), .f = -0.0001 }, "-0.0001", NULL },
	{ { PY(FLOAT), .f = 1.5e-7 }, "1.5e-07", NULL },
	{ { PY(FLOAT), .f = 5e-324 }, "5e-324", NULL },
	{ { PY(FLOAT), .f = 9007199254740993.0 }, "9007199254740992.0", NULL },
	{ { PY(STRING), .str = "it's", .len = 4 }, "it's", "\"it's\"" },
	{ { PY(STRING), .str = "a'\"\n\x1b", .len = 5 }, "a'\"\n\x1b", "'a\\'\"\\n\\x1b'" },
	{ { PY(STRING), .str = "\xed\xa0\x80", .len = 3, .cut = true },
	  "\xed\xa0\x80...",
	  "'\\ud800'..." },
	{ { PY(BYTES), .str = "\x00z'", .len = 3 }, "b\"\\x00z'\"", NULL },
	{ { PY(LIST), ITEMS({ INT(1) }, { PY(NULL) }), .cut = true }, "[1, None, ...]", NULL },
	{ { PY(LIST), .type_name = "deque", ITEMS({ INT(1) }), .str = ", maxlen=3" },
	  "deque([1], maxlen=3)",
	  NULL },
	{ { PY(TUPLE), ITEMS({ INT(1) }) }, "(1,)", NULL },
	{ { PY(TUPLE), .cut = true }, "(...)", NULL },
	{ { PY(SET) }, "set()", NULL },
	{ { PY(SET), .type_name = "frozenset" }, "frozenset()", NULL },
	{ { PY(SET), .type_name = "frozenset", ITEMS({ INT(1) }) }, "frozenset({1})", NULL },
	{ { PY(MAP), ITEMS({ PY(STRING), .str = "k", .len = 1 }, { INT(2) }), .cut = true },
	  "{'k': 2, ...}",
	  NULL },
	{ { PY(STRUCT), .type_name = "Cart",
	    ITEMS({ .name = "n", INT(1) },
		  { .name = "p", .kind = LP_VAL_ERROR, .str = "redacted" }) },
	  "Cart(n=1, p=<redacted>)",
	  NULL },
	{ { PY(ENUM), .str = "Color.RED", ITEMS({ INT(1) }) }, "<Color.RED: 1>", NULL },
	{ { PY(COMPLEX), ITEMS({ PY(FLOAT), .f = 1 }, { PY(FLOAT), .f = -2 }) }, "(1-2j)", NULL },
	{ { PY(COMPLEX), ITEMS({ PY(FLOAT), .f = 0 }, { PY(FLOAT), .f = 2.5 }) }, "2.5j", NULL },
};

static void values_are_shown_as_gdb_does(void **state)
{
	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(cases); i++) {
		lp_auto(lp_buf_done) struct lp_buf out = { 0 };

		lp_show(&out, &cases[i].v, true);
		assert_string_equal(out.data, cases[i].plain);
		lp_buf_clear(&out);
		lp_show(&out, &cases[i].v, false);
		assert_string_equal(out.data, cases[i].quoted ? cases[i].quoted : cases[i].plain);
	}
}

static const struct {
	const char *raw, *escaped;
} texts[] = {
	{ "plain and long enough to be scanned by words",
	  "plain and long enough to be scanned by words" },
	{ "back\\slash \"quote\"", "back\\slash \"quote\"" },
	{ "tab\tnew\nline\x1b[31m\x7f", "tab\\tnew\\nline\\x1b[31m\\x7f" },
	{ "gr\u00fc\u00dfe \U0001f600", "gr\u00fc\u00dfe \U0001f600" },
	{ "bad \xff\xc3 utf", "bad \\xff\\xc3 utf" },
	{ "overlong \xc0\xaf", "overlong \\xc0\\xaf" },
	{ "surrogate \xed\xa0\x80", "surrogate \\xed\\xa0\\x80" },
	{ "too high \xf4\x90\x80\x80", "too high \\xf4\\x90\\x80\\x80" },
	{ "c1 \xc2\x9b"
	  "31m",
	  "c1 \\u009b31m" },
	{ "bidi \u202e", "bidi \\u202e" },
	{ "half \xe2\x82", "half \\xe2\\x82" },
};

static void text_of_doubtful_origin_stays_on_its_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(texts); i++) {
		lp_auto(lp_buf_done) struct lp_buf out = { 0 };

		lp_utf8_escape(&out, texts[i].raw, strlen(texts[i].raw), 0);
		assert_string_equal(out.data, texts[i].escaped);
	}
}

static bool is_plain(int c)
{
	return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

/* Each byte at each place of texts of all lengths around some words. */
static void what_needs_no_escape_is_copied_up_to_the_first_that_does(void **state)
{
	enum { LONGEST = 51 };
	lp_auto(lp_free) char *room = calloc(1, LONGEST); /* ASan sees what is read behind it */
	char copy[LONGEST + LP_UTF8_ROOM];

	(void)state;
	for (size_t len = 0; len <= LONGEST; len++) {
		char *text = room + LONGEST - len;

		for (size_t i = 0; i < len; i++)
			text[i] = (char)('A' + i % 26);
		memset(copy, 0, sizeof(copy));
		assert_int_equal(lp_utf8_copy_plain(copy, text, len), len);
		assert_memory_equal(copy, text, len);
		for (size_t at = 0; at < len; at++) {
			for (int c = 0; c < 256; c++) {
				text[at] = (char)c;
				text[len - 1] = at + 1 < len ? '\n' : text[len - 1];
				memset(copy, 0, sizeof(copy));
				assert_int_equal(lp_utf8_copy_plain(copy, text, len),
						 !is_plain(c)	? at
						 : at + 1 < len ? len - 1
								: len);
				assert_memory_equal(copy, text, at);
			}
			text[at] = (char)('A' + at % 26);
			text[len - 1] = (char)('A' + (len - 1) % 26);
		}
	}
}

static void characters_are_counted_not_bytes(void **state)
{
	(void)state;
	assert_int_equal(lp_utf8_length("gr\u00fc\u00df\xff", 7), 5);
	assert_int_equal(lp_utf8_prefix("gr\u00fc\u00dfe", 7, 3), 4);
	assert_int_equal(lp_utf8_prefix("abc", 3, 9), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_shown_as_gdb_does),
		cmocka_unit_test(text_of_doubtful_origin_stays_on_its_line),
		cmocka_unit_test(what_needs_no_escape_is_copied_up_to_the_first_that_does),
		cmocka_unit_test(characters_are_counted_not_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
