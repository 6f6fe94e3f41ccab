// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cli/options.h"
#include "cli/points.h"
#include "cli/report.h"

#define WORDS_MAX 16

static void durations(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns; /* 0: not a time */
	} rows[] = {
		{ "500ms", 500000000 },
		{ "30s", 30000000000 },
		{ "5m", 300000000000 },
		{ "1h", 3600000000000 },
		{ "2", 2000000000 },
		{ "1.5", 1500000000 },
		{ "250us", 250000 },
		{ ".5s", 500000000 },
		{ "", 0 },
		{ "0", 0 },
		{ "5y", 0 },
		{ "s", 0 },
		{ "-1s", 0 },
		{ "1.2.3", 0 },
		{ "1e9", 0 },
		{ "1 s", 0 },
		{ "1000000000h", 0 },
		{ ".", 0 },
	};

	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(rows); i++) {
		struct lp_err err = { 0 };
		uint64_t ns = 0;
		int r = lp_parse_duration(rows[i].text, &ns, &err);

		if (r != (rows[i].ns ? 0 : -EINVAL) || ns != rows[i].ns)
			fail_msg("'%s': %d, %llu", rows[i].text, r, (unsigned long long)ns);
	}
}

static void sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes; /* 0: not a size, or none between 4K and 1T */
	} rows[] = {
		{ "4096", 4096 },
		{ "64K", 65536 },
		{ "64k", 65536 },
		{ "16M", 16777216 },
		{ "1G", 1073741824 },
		{ "1T", 1099511627776 },
		{ "1024G", 1099511627776 },
		{ "4095", 0 },
		{ "500", 0 },
		{ "3K", 0 },
		{ "0", 0 },
		{ "0M", 0 },
		{ "", 0 },
		{ "M", 0 },
		{ "-1M", 0 },
		{ " 1M", 0 },
		{ "1MB", 0 },
		{ "1.5M", 0 },
		{ "1P", 0 },
		{ "2T", 0 },
		{ "99999999999999999999", 0 },
		{ "18014398509481984M", 0 },
	};

	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(rows); i++) {
		struct lp_err err = { 0 };
		uint64_t v = 0;
		int r = lp_parse_size(rows[i].text, 4096, 1ull << 40, &v, &err);

		if (r != (rows[i].bytes ? 0 : -EINVAL) || v != rows[i].bytes)
			fail_msg("'%s': %d, %llu", rows[i].text, r, (unsigned long long)v);
	}
}

static void numbers(void **state)
{
	static const struct {
		const char *text;
		int r;
		uint64_t v;
	} rows[] = {
		{ "1", 0, 1 },		{ "99", 0, 99 },
		{ "0", -EINVAL, 0 },	{ "100", -EINVAL, 0 },
		{ "", -EINVAL, 0 },	{ "-5", -EINVAL, 0 },
		{ "+5", -EINVAL, 0 },	{ " 5", -EINVAL, 0 },
		{ "5x", -EINVAL, 0 },	{ "x", -EINVAL, 0 },
		{ "0x10", -EINVAL, 0 }, { "99999999999999999999999", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(rows); i++) {
		struct lp_err err = { 0 };
		uint64_t v = 0;

		if (lp_parse_number(rows[i].text, 1, 99, &v, &err) != rows[i].r || v != rows[i].v)
			fail_msg("'%s': %llu", rows[i].text, (unsigned long long)v);
	}
}

/* Splits a line at blanks and parses it; the words live in buf. */
static int parse(const char *line, char buf[256], char *words[WORDS_MAX], struct lp_options *ret,
		 struct lp_err *err)
{
	int n = 0;

	snprintf(buf, 256, "logpoint %s", line);
	for (char *p = strtok(buf, " "); p; p = strtok(NULL, " "))
		words[n++] = p;
	words[n] = NULL;
	return lp_options_parse(n, words, LP_CMD_TRACE, ret, err);
}

static void a_whole_line(void **state)
{
	char buf[256], *words[WORDS_MAX];
	struct lp_options o;
	struct lp_err err = { 0 };

	(void)state;
	assert_int_equal(parse("-p 5,7 a.c:1 -n 3 --pid 7,9 -f x b.c:2 -vv --max-overhead none",
			       buf, words, &o, &err),
			 0);
	assert_int_equal(o.target.kind, LP_TARGET_PIDS);
	assert_int_equal(o.target.n_pids, 3);
	assert_int_equal(o.target.pids[0], 5);
	assert_int_equal(o.target.pids[1], 7);
	assert_int_equal(o.target.pids[2], 9);
	assert_int_equal(o.args.len, 3);
	assert_string_equal(o.args.data[0].text, "a.c:1");
	assert_true(o.args.data[1].is_file);
	assert_string_equal(o.args.data[2].text, "b.c:2");
	assert_int_equal(o.count, 3);
	assert_int_equal(o.verbose, 2);
	assert_true(o.max_overhead < 0);
	lp_options_done(&o);
}

static void a_command_keeps_its_options(void **state)
{
	char buf[256], *words[WORDS_MAX];
	struct lp_options o;
	struct lp_err err = { 0 };

	(void)state;
	assert_int_equal(parse("a.c:1 -- prog -p 5 -- x", buf, words, &o, &err), 0);
	assert_int_equal(o.target.kind, LP_TARGET_COMMAND);
	assert_string_equal(o.target.argv[0], "prog");
	assert_string_equal(o.target.argv[3], "--");
	assert_string_equal(o.target.argv[4], "x");
	assert_int_equal(o.args.len, 1);
	lp_options_done(&o);

	assert_int_equal(parse("a.c:1 -p 1 -o --", buf, words, &o, &err), 0);
	assert_int_equal(o.target.kind, LP_TARGET_PIDS);
	assert_string_equal(o.output, "--");
	lp_options_done(&o);
}

static void redaction(void **state)
{
	char buf[256], *words[WORDS_MAX];
	struct lp_options o;
	struct lp_err err = { 0 };

	(void)state;
	assert_int_equal(parse("--redact pin --no-redact token --redact nip --no-redact NIP", buf,
			       words, &o, &err),
			 0);
	assert_true(lp_redacted(o.limits.redact, "PIN", 3));
	assert_true(lp_redacted(o.limits.redact, "password", 8));
	assert_false(lp_redacted(o.limits.redact, "token", 5));
	assert_false(lp_redacted(o.limits.redact, "nip", 3));
	lp_options_done(&o);
}

static void wrong_lines(void **state)
{
	static const struct {
		const char *line, *word;
	} rows[] = {
		{ "--nonsense", "--nonsense" },
		{ "-Z", "-Z" },
		{ "--nonsense=5", "--nonsense'" },
		{ "-p", "--pid" },
		{ "--count", "--count" },
		{ "--follow=1", "--follow" },
		{ "-p x", "'x'" },
		{ "-p 0", "0" },
		{ "-p 1,", "''" },
		{ "-p 1,,2", "''" },
		{ "-p 99999999999", "99999999999" },
		{ "-p 1 -x y", "--exe" },
		{ "-x y -x z", "--exe" },
		{ "-p 1 -- true", "COMMAND" },
		{ "a.c:1 --", "no command" },
		{ "-n 0", "--count" },
		{ "-d 5y", "5y" },
		{ "--max-overhead lots", "lots" },
		{ "--max-overhead 0", "'0'" },
		{ "--max-overhead 5%%", "5%%" },
		{ "--max-overhead nan", "nan" },
		{ "--max-string 5000", "4096" },
		{ "--json", "--json" },
	};

	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(rows); i++) {
		char buf[256], *words[WORDS_MAX];
		struct lp_options o;
		struct lp_err err = { 0 };
		int r = parse(rows[i].line, buf, words, &o, &err);

		if (r != -EINVAL || !strstr(err.msg, rows[i].word))
			fail_msg("%s: %d '%s'", rows[i].line, r, err.msg);
	}
}

static void files_of_logpoints(void **state)
{
	static const char text[] = "# comment \\\n"
				   "a.c:1 \"# no comment\"\n"
				   "\n"
				   "   \t\r\n"
				   "  b.c:2 \\\n"
				   "   if x \\\r\n"
				   "# > 1\n"
				   " # comment\n"
				   "c.c:3\\";
	static const struct lp_given want[] = {
		{ "a.c:1 \"# no comment\"", "f", 2 },
		{ "b.c:2    if x # > 1", "f", 5 },
		{ "c.c:3", "f", 9 },
	};
	struct lp_points p = { 0 };
	struct lp_err err = { 0 };

	(void)state;
	assert_int_equal(lp_points_parse(text, sizeof(text) - 1, "f", &p, &err), 0);
	assert_int_equal(p.all.len, LP_ARRAY_SIZE(want));
	for (size_t i = 0; i < p.all.len; i++) {
		assert_string_equal(p.all.data[i].text, want[i].text);
		assert_int_equal(p.all.data[i].line, want[i].line);
	}
	lp_points_done(&p);

	p = (struct lp_points){ 0 };
	assert_int_equal(lp_points_parse("a\nb\0c\n", 6, "f", &p, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "f:2"));
	lp_points_done(&p);
}

static void carets(void **state)
{
	static const struct {
		const char *text;
		int col, width;
		const char *want;
	} rows[] = {
		{ "n={cuont}", 4, 5, "  n={cuont}\n     ^^^^^\n" },
		{ "abc", 1, 0, "  abc\n  ^\n" },
		{ "abc", 4, 1, "  abc\n     ^\n" },
		{ "abc", 99, 1, "  abc\n     ^\n" },
		{ "abc", 2, 99, "  abc\n   ^^\n" },
		{ "", 1, 1, "  \n  ^\n" },
		{ "\tx y", 4, 1, "  \tx y\n  \t  ^\n" },
		{ "\xc3\xa4\xc3\xb6 x", 6, 1, "  \xc3\xa4\xc3\xb6 x\n     ^\n" },
		{ "\xe4\xb8\xad x", 5, 1, "  \xe4\xb8\xad x\n     ^\n" },
		{ "e\xcc\x81 x", 5, 1, "  e\xcc\x81 x\n    ^\n" },
		{ "\x1b[31m x", 7, 1, "  ?[31m x\n        ^\n" },
		{ "\xff x", 3, 1, "  ? x\n    ^\n" },
		{ "one\ntwo\nthree", 6, 1, "  two\n   ^\n" },
	};

	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(rows); i++) {
		lp_auto(lp_buf_done) struct lp_buf b = { 0 };

		lp_caret(&b, rows[i].text, rows[i].col, rows[i].width);
		if (strcmp(b.data, rows[i].want))
			fail_msg("%zu:\n%s instead of\n%s", i, b.data, rows[i].want);
	}
}

static void long_text_is_shown_around_the_caret(void **state)
{
	lp_auto(lp_buf_done) struct lp_buf b = { 0 };
	char text[2001];

	(void)state;
	memset(text, 'a', 2000);
	text[2000] = '\0';
	text[1200] = 'X';
	lp_caret(&b, text, 1201, 1);
	char *under = strchr(b.data, '\n') + 1;
	assert_in_range(strlen(b.data), 100, 220);
	assert_int_equal(b.data[strchr(under, '^') - under], 'X');
	assert_int_equal(strncmp(b.data, "  ...a", 6), 0);
	assert_int_equal(strncmp(under - 4, "...\n", 4), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations),
		cmocka_unit_test(sizes),
		cmocka_unit_test(numbers),
		cmocka_unit_test(a_whole_line),
		cmocka_unit_test(a_command_keeps_its_options),
		cmocka_unit_test(redaction),
		cmocka_unit_test(wrong_lines),
		cmocka_unit_test(files_of_logpoints),
		cmocka_unit_test(carets),
		cmocka_unit_test(long_text_is_shown_around_the_caret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
