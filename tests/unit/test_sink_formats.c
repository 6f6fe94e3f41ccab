// SPDX-License-Identifier: GPL-2.0-only
/* Both formats, written to a file and read again; JSON also by a parser that is not ours. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <cmocka.h>

#include "lp/limits.h"
#include "sink_written.h"

static void a_line_of_text(void **state)
{
	struct lp_event ev = minimal;

	(void)state;
	assert_string_equal(written("text", false, &ev),
			    "08:06:46.123456 python3[4711:4712] app.py:42 user=7 items=3\n");
	ev.task = "Task-3";
	assert_string_equal(written("text", false, &ev),
			    "08:06:46.123456 python3[4711:4712] Task-3 app.py:42 user=7 items=3\n");
	ev.message_len = 0;
	ev.task = NULL;
	assert_string_equal(written("text", false, &ev),
			    "08:06:46.123456 python3[4711:4712] app.py:42\n");
}

static void nothing_of_the_target_acts_on_a_terminal(void **state)
{
	struct lp_event ev = minimal;

	(void)state;
	ev.comm = "e\x1b[2J";
	ev.message = "a\nb\x1b]0;\xff";
	ev.message_len = strlen(ev.message);
	assert_string_equal(written("text", false, &ev),
			    "08:06:46.123456 e\\x1b[2J[4711:4712] app.py:42 a\\nb\\x1b]0;\\xff\n");
	assert_null(strchr(written("json", false, &ev), '\x1b'));
}

static void a_crash_in_json(void **state)
{
	static const uint64_t registers[LP_MACH_REGS] = { 1, [16] = 0x401000 };
	const struct lp_crash crash = { .number = 11,
					.name = "SIGSEGV",
					.has_code = true,
					.code = 1,
					.code_name = "SEGV_MAPERR",
					.has_addr = true,
					.addr = 0x10,
					.registers = registers };
	const struct lp_crash sent = { .number = 40,
				       .has_code = true,
				       .code = -1,
				       .has_sender = true,
				       .sender = 12,
				       .abort = "a\"b",
				       .abort_len = 3 };
	struct lp_event ev = minimal;

	(void)state;
	ev.crash = &crash;
	const char *json = written("json", false, &ev);
	assert_non_null(strstr(json, "\"signal\":{\"name\":\"SIGSEGV\",\"number\":11,"
				     "\"code\":\"SEGV_MAPERR\",\"addr\":\"0x10\"},"
				     "\"registers\":{\"rax\":\"0x1\",\"rdx\":\"0x0\","));
	assert_non_null(strstr(json, ",\"rip\":\"0x401000\"}}"));
	ev.crash = &sent;
	assert_non_null(strstr(written("json", false, &ev),
			       "\"signal\":{\"number\":40,\"code\":-1,\"pid\":12,"
			       "\"message\":\"a\\\"b\"}}"));
}

static void an_exception_in_json(void **state)
{
	const struct lp_value one = { .kind = LP_VAL_TUPLE,
				      .items = &(struct lp_value)INT(1),
				      .len = 1 };
	const struct lp_value note = { .kind = LP_VAL_STRING, .str = "n", .len = 1 };
	const struct lp_exception context = { .type = "KeyError", .args = one };
	const struct lp_exception cause = {
		.type = "A", .message = { .str = "runs code" }, .args = one, .chain_cut = true
	};
	const struct lp_exception e = { .type = "shop.Out",
					.message = { .kind = LP_VAL_STRING, .str = "no", .len = 2 },
					.notes = &note,
					.n_notes = 1,
					.members = one,
					.stack_cut = true,
					.cause = &cause,
					.context = &context };
	struct lp_event ev = minimal;

	(void)state;
	ev.exception = &e;
	assert_non_null(strstr(
		written("json", false, &ev),
		",\"exception\":{\"type\":\"shop.Out\",\"message\":\"no\",\"notes\":[\"n\"],"
		"\"exceptions\":[1],\"stack\":[{\"function\":\"...\"}],"
		"\"cause\":{\"type\":\"A\",\"args\":[1],\"errors\":{\"message\":\"runs code\"},"
		"\"...\":null},"
		/* why its message could not be had is not known */
		"\"context\":{\"type\":\"KeyError\",\"args\":[1],"
		"\"errors\":{\"message\":\"unknown\"}}}}\n"));
}

static void colour_only_where_asked_for(void **state)
{
	(void)state;
	assert_non_null(strchr(written("text", true, &minimal), '\x1b'));
	assert_null(strchr(written("text", false, &minimal), '\x1b'));
}

static const struct lp_named locals[] = { { "n", INT(7) },
					  { "buf", STR("GET\n") },
					  { "gone", ERR("optimized out") } };
static const struct lp_named main_locals[] = { { "argv", ERR("optimized out") } };
static const struct lp_frame frames[] = {
	{ .function = "handle",
	  .file = "/srv/server.c",
	  .line = 42,
	  .locals = locals,
	  .n_locals = 3,
	  .has_locals = true },
	{ .addr = 0x7f3a10, .module = "/lib/libfoo.so" },
	{ .function = "main",
	  .file = "server.c",
	  .line = 12,
	  .locals = main_locals,
	  .n_locals = 1,
	  .has_locals = true },
};

static void stack_and_locals_on_the_same_line(void **state)
{
	struct lp_event ev = minimal;

	(void)state;
	ev.stack = frames;
	ev.n_stack = 3;
	ev.stack_cut = true;
	assert_string_equal(written("text", false, &ev),
			    "08:06:46.123456 python3[4711:4712] app.py:42 user=7 items=3 | handle "
			    "server.c:42 [n=7, buf=\"GET\\n\", gone=<optimized out>] < 0x7f3a10 "
			    "(libfoo.so) < main server.c:12 [argv=<optimized out>] < ...\n");
	assert_string_equal(
		written("json", false, &ev),
		"{\"time\":\"2026-11-23T06:06:46.123456789Z\",\"logpoint\":\"app.py:42\",\"hit\":"
		"17,"
		"\"pid\":4711,\"tid\":4712,\"comm\":\"python3\",\"message\":\"user=7 items=3\","
		"\"errors\":{\"gone\":\"optimized out\"},\"stack\":[{\"function\":\"handle\","
		"\"file\":\"/srv/server.c\",\"line\":42,\"locals\":{\"n\":7,\"buf\":\"GET\\n\"}},"
		"{\"address\":\"0x7f3a10\",\"module\":\"/lib/libfoo.so\"},{\"function\":\"main\","
		"\"file\":\"server.c\",\"line\":12,\"locals\":{},\"errors\":"
		"{\"argv\":\"optimized out\"}},{\"function\":\"...\"}]}\n");
}

static void what_is_no_call_is_told(void **state)
{
	static const struct lp_frame list[] = {
		{ .function = "get", .file = "app.py", .line = 3 },
		{ .kind = LP_FRAME_FOLDED, .n_folded = 12 },
		{ .kind = LP_FRAME_GAP },
		{ .kind = LP_FRAME_FOLDED, .n_folded = 1 },
		{ .kind = LP_FRAME_TASK, .function = "task a awaited by \"b\"" },
	};
	struct lp_event ev = minimal;

	(void)state;
	ev.stack = list;
	ev.n_stack = LP_ARRAY_SIZE(list);
	assert_non_null(strstr(written("text", false, &ev),
			       " | get app.py:3 < ... 12 library frames < ... < ... 1 library "
			       "frame < task a awaited by \"b\"\n"));
	assert_non_null(strstr(written("json", false, &ev),
			       "\"stack\":[{\"function\":\"get\",\"file\":\"app.py\",\"line\":3},"
			       "{\"folded\":12},{\"function\":\"...\"},{\"folded\":1},"
			       "{\"task\":\"task a awaited by \\\"b\\\"\"}]}"));
}

static void every_member_in_its_order(void **state)
{
	const struct lp_named values[] = { { "user.id", INT(7) },
					   { "len(items)", INT(3) },
					   { "x", ERR("optimized out") } };
	const struct lp_value result = INT(-1);
	struct lp_event ev = minimal;

	(void)state;
	ev.thread = "worker-1";
	ev.task = "Task-3";
	ev.file = "/srv/app.py";
	ev.line = 42;
	ev.function = "handle";
	ev.values = values;
	ev.n_values = 3;
	ev.result = &result;
	ev.has_elapsed = true;
	ev.elapsed = 1500;
	assert_string_equal(
		written("json", false, &ev),
		"{\"time\":\"2026-11-23T06:06:46.123456789Z\",\"logpoint\":\"app.py:42\",\"hit\":"
		"17,"
		"\"pid\":4711,\"tid\":4712,\"comm\":\"python3\",\"thread\":\"worker-1\",\"task\":"
		"\"Task-3\",\"file\":\"/srv/"
		"app.py\",\"line\":42,\"function\":\"handle\",\"message\":"
		"\"user=7 items=3\",\"values\":{\"user.id\":7,\"len(items)\":3},\"errors\":{\"x\":"
		"\"optimized out\"},\"return\":-1,\"elapsed_ns\":1500}\n");
}

static void an_error_inside_of_a_value_is_told_by_its_path(void **state)
{
	struct lp_value tags[] = { INT(1), ERR("truncated") };
	struct lp_value members[] = {
		{ .name = "id", .kind = LP_VAL_INT, .s = 1 },
		{ .name = "peer", .kind = LP_VAL_ERROR, .str = "unreadable 0x10" },
		{ .name = "tags", .kind = LP_VAL_LIST, .items = tags, .len = 2 }
	};
	struct lp_named req = { "req", { .kind = LP_VAL_STRUCT, .items = members, .len = 3 } };
	struct lp_event ev = minimal;

	(void)state;
	ev.values = &req;
	ev.n_values = 1;
	assert_non_null(strstr(written("json", false, &ev),
			       "\"values\":{\"req\":{\"id\":1,\"peer\":null,\"tags\":[1,null]}},"
			       "\"errors\":{\"req.peer\":\"unreadable 0x10\",\"req.tags[1]\":"
			       "\"truncated\"}}\n"));
}

static const struct {
	struct lp_value v;
	const char *json;
} values[] = {
	{ { .kind = LP_VAL_UINT, .u = UINT64_MAX }, "18446744073709551615" },
	{ { .kind = LP_VAL_INT, .s = INT64_MIN }, "-9223372036854775808" },
	{ { .kind = LP_VAL_BOOL, .u = 1 }, "true" },
	{ { .kind = LP_VAL_NULL }, "null" },
	{ { .kind = LP_VAL_FLOAT, .f = 0.1, .size = 8 }, "0.1" },
	{ { .kind = LP_VAL_FLOAT, .f = -__builtin_inf(), .size = 8 }, "\"-inf\"" },
	{ { .kind = LP_VAL_FLOAT, .f = __builtin_nan(""), .size = 8 }, "\"nan\"" },
	{ { .kind = LP_VAL_CHAR, .u = 'a', .size = 1 }, "\"a\"" },
	{ { .kind = LP_VAL_CHAR, .u = 0xe9, .size = 1 }, "\"\\\\xe9\"" },
	{ { .kind = LP_VAL_POINTER, .u = 31, .str = "main" }, "\"0x1f\"" },
	{ { .kind = LP_VAL_ENUM, .str = "RED", .s = 1 }, "\"RED\"" },
	{ { .kind = LP_VAL_ENUM, .type_name = "enum c", .s = 7 }, "7" },
	{ { .kind = LP_VAL_STRING, .str = "a\"\\\n\x01\xff\xc2\x9b\u00fc", .len = 10, .cut = true },
	  "\"a\\\"\\\\\\n\\u0001\\\\xff\\u009b\u00fc...\"" },
	{ { .kind = LP_VAL_LIST, .items = (struct lp_value[]){ INT(1) }, .len = 1, .cut = true },
	  "[1,\"...\"]" },
	{ { .kind = LP_VAL_MAP, .items = (struct lp_value[]){ STR("k"), INT(1) }, .len = 2 },
	  "{\"k\":1}" },
	{ { .kind = LP_VAL_STRUCT,
	    .items = (struct lp_value[]){ { .name = "<Base>",
					    .kind = LP_VAL_STRUCT,
					    .items = (struct lp_value[]){ { .name = "b",
									    .kind = LP_VAL_INT,
									    .s = 1 } },
					    .len = 1 },
					  { .kind = LP_VAL_STRUCT,
					    .items = (struct lp_value[]){ { .name = "u",
									    .kind = LP_VAL_INT,
									    .s = 2 } },
					    .len = 1 } },
	    .len = 2 },
	  "{\"<Base>\":{\"b\":1},\"u\":2}" },
	{ { .kind = LP_VAL_STRUCT,
	    .is_python = true,
	    .type_name = "ValueError",
	    .items = (struct lp_value[]){ INT(1) },
	    .len = 1 },
	  "\"ValueError(1)\"" },
	{ { .kind = LP_VAL_ENUM, .is_python = true, .str = "Color.RED" }, "\"Color.RED\"" },
	{ { .kind = LP_VAL_DEEPER }, "\"...\"" },
	{ { .kind = LP_VAL_OBJECT, .type_name = "Cart", .u = 16 }, "\"<Cart at 0x10>\"" },
};

static void values_as_json(void **state)
{
	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(values); i++) {
		const struct lp_named named = { "v", values[i].v };
		struct lp_event ev = minimal;
		char want[200];

		ev.values = &named;
		ev.n_values = 1;
		snprintf(want, sizeof(want), "\"values\":{\"v\":%s}}\n", values[i].json);
		assert_non_null(strstr(written("json", false, &ev), want));
	}
}

static void any_bytes_make_valid_json_and_one_line(void **state)
{
	char bytes[300];
	uint32_t x = 1;

	(void)state;
	for (int round = 0; round < 300; round++) {
		struct lp_event ev = minimal;

		for (size_t i = 0; i < sizeof(bytes); i++) {
			x = x * 1664525u + 1013904223u;
			bytes[i] = (char)(x >> 24 | (round % 2 ? 0x80 : 0));
		}
		ev.message = bytes;
		ev.message_len = sizeof(bytes);
		written("text", false, &ev);
		assert_ptr_equal(strchr(output, '\n'), output + strlen(output) - 1);
		for (const char *p = output; *p; p++)
			assert_true((unsigned char)*p >= 0x20 || *p == '\n');

		json_t *json = json_loads(written("json", false, &ev), JSON_ALLOW_NUL, NULL);
		assert_non_null(json);
		json_decref(json);
	}
}

static void a_reader_that_went_away_is_an_error(void **state)
{
	lp_auto(lp_sink_free) struct lp_sink *s = NULL;
	struct lp_err err = { 0 };
	int ends[2], r = 0;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(lp_sink_new("text", ends[1], false, &s, &err), 0);
	close(ends[0]);
	for (int i = 0; i < 100000 && r == 0; i++)
		r = lp_sink_emit(s, &minimal, &err);
	close(ends[1]);
	assert_int_equal(r, -EPIPE);
	assert_int_equal(err.code, EPIPE);
}

static void a_full_disk_is_an_error(void **state)
{
	lp_auto(lp_sink_free) struct lp_sink *s = NULL;
	lp_auto(lp_close) int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct lp_err err = { 0 };

	(void)state;
	assert_true(full >= 0);
	assert_int_equal(lp_sink_new("json", full, false, &s, &err), 0);
	assert_int_equal(lp_sink_emit(s, &minimal, &err), 0);
	assert_int_equal(lp_sink_flush(s, &err), -ENOSPC);
}

static void an_unknown_format_lists_those_there_are(void **state)
{
	struct lp_sink *s = NULL;
	struct lp_err err = { 0 };

	(void)state;
	assert_int_equal(lp_sink_new("xml", 1, false, &s, &err), -EINVAL);
	assert_string_equal(err.msg, "unknown format 'xml' (there are: text, json)");
	assert_int_equal(lp_sink_new("json:x", 1, false, &s, &err), -EINVAL);
	assert_null(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_of_text),
		cmocka_unit_test(nothing_of_the_target_acts_on_a_terminal),
		cmocka_unit_test(a_crash_in_json),
		cmocka_unit_test(an_exception_in_json),
		cmocka_unit_test(colour_only_where_asked_for),
		cmocka_unit_test(stack_and_locals_on_the_same_line),
		cmocka_unit_test(what_is_no_call_is_told),
		cmocka_unit_test(every_member_in_its_order),
		cmocka_unit_test(an_error_inside_of_a_value_is_told_by_its_path),
		cmocka_unit_test(values_as_json),
		cmocka_unit_test(any_bytes_make_valid_json_and_one_line),
		cmocka_unit_test(a_reader_that_went_away_is_an_error),
		cmocka_unit_test(a_full_disk_is_an_error),
		cmocka_unit_test(an_unknown_format_lists_those_there_are),
	};

	return cmocka_run_group_tests(tests, written_setup, written_teardown);
}
