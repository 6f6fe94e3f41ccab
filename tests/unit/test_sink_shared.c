// SPDX-License-Identifier: GPL-2.0-only
/* What records have in common is rendered once, and shown only with those that have it. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "sink_written.h"

/* What records share is rendered once: never the last one's for another, whose texts may lie where
 * those of the last lay.
 */
static void each_record_has_its_own_place(void **state)
{
	static const struct {
		uint64_t plan;
		const char *logpoint, *file, *function;
		int line;
		const char *json;
	} cases[] = {
		{ 0, "a", "/a.c", "f", 1,
		  "\"a\" \"file\":\"/a.c\",\"line\":1,\"function\":\"f\"," },
		{ 0, "a", "/a.c", "f", 1,
		  "\"a\" \"file\":\"/a.c\",\"line\":1,\"function\":\"f\"," },
		{ 1, "c", "/c.c", "h", 3,
		  "\"c\" \"file\":\"/c.c\",\"line\":3,\"function\":\"h\"," },
		{ 1, "c", "/c.c", "h", 3,
		  "\"c\" \"file\":\"/c.c\",\"line\":3,\"function\":\"h\"," },
		{ 2, "d", "/d.c", "i", 4,
		  "\"d\" \"file\":\"/d.c\",\"line\":4,\"function\":\"i\"," },
		{ 0, "a", "/a.c", "f", 1,
		  "\"a\" \"file\":\"/a.c\",\"line\":1,\"function\":\"f\"," },
		{ 0, "b", "/a.c", "f", 1,
		  "\"b\" \"file\":\"/a.c\",\"line\":1,\"function\":\"f\"," },
		{ 0, "b", "/a.c", "f", 2,
		  "\"b\" \"file\":\"/a.c\",\"line\":2,\"function\":\"f\"," },
		{ 0, "b", "/b.c", "f", 2,
		  "\"b\" \"file\":\"/b.c\",\"line\":2,\"function\":\"f\"," },
		{ 0, "b", "/b.c", "g", 2,
		  "\"b\" \"file\":\"/b.c\",\"line\":2,\"function\":\"g\"," },
		{ 0, "b", "/b.c", NULL, 2, "\"b\" \"file\":\"/b.c\",\"line\":2," },
		{ 0, "b", NULL, "/b.c", 2, "\"b\" \"line\":2,\"function\":\"/b.c\"," },
		{ 0, "b", "", "/b.c", 2, "\"b\" \"file\":\"\",\"line\":2,\"function\":\"/b.c\"," },
		{ 0, "b", NULL, NULL, 0, "\"b\" " },
		{ 0, "\"\xff", NULL, NULL, 0, "\"\\\"\\\\xff\" " },
	};
	lp_auto(lp_sink_free) struct lp_sink *s = NULL;
	char logpoint[8], file_name[8], function[8];

	(void)state;
	assert_int_equal(lp_sink_new("json", file, false, &s, NULL), 0);
	for (size_t i = 0; i < LP_ARRAY_SIZE(cases); i++) {
		lp_auto(lp_free) char *want = NULL;
		const char *place = strchr(cases[i].json, ' ');
		struct lp_event ev = minimal;

		ev.logpoint = strcpy(logpoint, cases[i].logpoint);
		ev.file = cases[i].file ? strcpy(file_name, cases[i].file) : NULL;
		ev.function = cases[i].function ? strcpy(function, cases[i].function) : NULL;
		ev.line = cases[i].line;
		ev.plan = cases[i].plan;
		assert_true(
			asprintf(&want,
				 "{\"time\":\"2026-11-23T06:06:46.123456789Z\",\"logpoint\":%.*s,"
				 "\"hit\":17,\"pid\":4711,\"tid\":4712,\"comm\":\"python3\","
				 "%s\"message\":\"user=7 items=3\"}\n",
				 (int)(place - cases[i].json), cases[i].json, place + 1) > 0);
		assert_string_equal(written_by(s, &ev), want);
	}
}

static void each_record_has_its_own_thread(void **state)
{
	static const struct {
		int pid, tid;
		const char *comm, *thread, *task, *json;
	} cases[] = {
		{ 1, 2, "a", NULL, NULL, "1,\"tid\":2,\"comm\":\"a\"" },
		{ 1, 2 + 64, "a", NULL, NULL, "1,\"tid\":66,\"comm\":\"a\"" },
		{ 3, 2, "a", NULL, NULL, "3,\"tid\":2,\"comm\":\"a\"" },
		{ 3, 2, "b", NULL, NULL, "3,\"tid\":2,\"comm\":\"b\"" },
		{ 3, 2, "b", "T", NULL, "3,\"tid\":2,\"comm\":\"b\",\"thread\":\"T\"" },
		{ 3, 2, "b", "T", "1",
		  "3,\"tid\":2,\"comm\":\"b\",\"thread\":\"T\",\"task\":\"1\"" },
		{ 3, 2, "b", "T", "2",
		  "3,\"tid\":2,\"comm\":\"b\",\"thread\":\"T\",\"task\":\"2\"" },
		{ 3, 2, "b", NULL, "T", "3,\"tid\":2,\"comm\":\"b\",\"task\":\"T\"" },
	};
	lp_auto(lp_sink_free) struct lp_sink *s = NULL;

	(void)state;
	assert_int_equal(lp_sink_new("json", file, false, &s, NULL), 0);
	for (size_t i = 0; i < LP_ARRAY_SIZE(cases); i++) {
		lp_auto(lp_free) char *want = NULL;
		struct lp_event ev = minimal;

		ev.pid = cases[i].pid;
		ev.tid = cases[i].tid;
		ev.comm = cases[i].comm;
		ev.thread = cases[i].thread;
		ev.task = cases[i].task;
		assert_true(asprintf(&want,
				     "{\"time\":\"2026-11-23T06:06:46.123456789Z\","
				     "\"logpoint\":\"app.py:42\",\"hit\":17,\"pid\":%s,"
				     "\"message\":\"user=7 items=3\"}\n",
				     cases[i].json) > 0);
		assert_string_equal(written_by(s, &ev), want);
	}
}

static void each_value_has_its_own_name(void **state)
{
	static const char *const names[][2] = {
		{ "ab", "c" },		{ "ab", "c" },	{ "abc", "c" },
		{ "a", "c" },		{ "", "c" },	{ "a", "cd" },
		{ "a\"", "\"a\":\"b" }, { "a\"", "c" }, { "a\\\"", "c" },
	};
	lp_auto(lp_sink_free) struct lp_sink *s = NULL;

	(void)state;
	assert_int_equal(lp_sink_new("json", file, false, &s, NULL), 0);
	for (size_t i = 0; i < LP_ARRAY_SIZE(names); i++) {
		struct lp_event ev = minimal;
		struct lp_named values[10];

		for (size_t v = 0; v < LP_ARRAY_SIZE(values); v++)
			values[v] = (struct lp_named){ names[i][v % 2], INT((int)v) };
		ev.values = values;
		ev.n_values = LP_ARRAY_SIZE(values);
		json_t *record = json_loads(written_by(s, &ev), 0, NULL), *object, *n;
		const char *name;
		size_t at = 0;

		assert_non_null(record);
		object = json_object_get(record, "values");
		assert_int_equal(json_object_size(object), 2);
		json_object_foreach(object, name, n) assert_string_equal(name, names[i][at++]);
		json_decref(record);
	}
}

/* One that a record has not got makes the next one the first; another plan has other names in the same memory. */
static void each_value_of_a_plan_has_its_own_name(void **state)
{
	static const struct {
		uint64_t plan;
		const char *first;
		size_t from, to; /* of the two values */
		const char *json;
	} cases[] = {
		{ 1, "a", 0, 2, "{\"a\":1,\"b\":2}" }, { 1, "a", 0, 2, "{\"a\":1,\"b\":2}" },
		{ 1, "a", 1, 2, "{\"b\":2}" },	       { 1, "a", 0, 1, "{\"a\":1}" },
		{ 2, "c", 0, 2, "{\"c\":1,\"b\":2}" }, { 0, "d", 0, 2, "{\"d\":1,\"b\":2}" },
		{ 0, "e", 0, 2, "{\"e\":1,\"b\":2}" },
	};
	lp_auto(lp_sink_free) struct lp_sink *s = NULL;
	char first[2] = "";
	struct lp_named values[] = { { first, INT(1) }, { "b", INT(2) } };

	(void)state;
	assert_int_equal(lp_sink_new("json", file, false, &s, NULL), 0);
	for (size_t i = 0; i < LP_ARRAY_SIZE(cases); i++) {
		struct lp_event ev = minimal;

		*first = *cases[i].first;
		ev.plan = cases[i].plan;
		ev.values = values + cases[i].from;
		ev.n_values = cases[i].to - cases[i].from;
		assert_non_null(strstr(written_by(s, &ev), cases[i].json));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_record_has_its_own_place),
		cmocka_unit_test(each_record_has_its_own_thread),
		cmocka_unit_test(each_value_has_its_own_name),
		cmocka_unit_test(each_value_of_a_plan_has_its_own_name),
	};

	return cmocka_run_group_tests(tests, written_setup, written_teardown);
}
