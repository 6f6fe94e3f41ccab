// SPDX-License-Identifier: GPL-2.0-only
/* What a record says of a signal that has ended its process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "collect/plan.h"

/* Blocks one after the other, as in a record. */
static struct {
	_Alignas(8) char bytes[1024];
	size_t len;
} blocks;

static struct lp_blocks put(uint8_t status, const void *data, uint32_t len)
{
	struct lp_block b = { .status = status, .len = len };
	struct lp_blocks ret = { (const void *)(blocks.bytes + blocks.len), 1 };

	memcpy(blocks.bytes + blocks.len, &b, sizeof(b));
	memcpy(blocks.bytes + blocks.len + sizeof(b), data, len);
	blocks.len += sizeof(b) + LP_ALIGN(len);
	return ret;
}

static const struct {
	struct lp_signal signal;
	const char *abort, *shown;
} cases[] = {
	{ { 6, -6, 0, 12, LP_SIGNAL_HAS_CODE | LP_SIGNAL_HAS_SENDER },
	  "not mine\n\n",
	  "SIGABRT (SI_TKILL) from process 12: not mine" },
	{ { 11, 1, 0, 0, LP_SIGNAL_HAS_CODE | LP_SIGNAL_HAS_ADDR },
	  NULL,
	  "SIGSEGV (SEGV_MAPERR) at 0x0" },
	{ { 11, 99, 0x10, 0, LP_SIGNAL_HAS_CODE | LP_SIGNAL_HAS_ADDR },
	  NULL,
	  "SIGSEGV (code 99) at 0x10" },
	{ { 8, 1, 0x40, 0, LP_SIGNAL_HAS_CODE | LP_SIGNAL_HAS_ADDR },
	  "\n",
	  "SIGFPE (FPE_INTDIV) at 0x40" },
	{ { 9, 0, 0, 0, 0 }, NULL, "SIGKILL" },
	{ { 40, -1, 0, 3, LP_SIGNAL_HAS_CODE | LP_SIGNAL_HAS_SENDER },
	  NULL,
	  "signal 40 (SI_QUEUE) from process 3" },
};

static void in_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(cases); i++) {
		lp_auto(lp_arena_done) struct lp_arena a = { 0 };
		struct lp_decoded d = { 0 };
		struct lp_crash c;
		struct lp_value v;

		blocks.len = 0;
		d.signal = put(LP_ST_OK, &cases[i].signal, sizeof(cases[i].signal));
		if (cases[i].abort)
			d.abort = put(LP_ST_OK, cases[i].abort, (uint32_t)strlen(cases[i].abort));
		assert_true(lp_plan_read_crash(&d, &a, &c));
		lp_plan_show_crash(&c, &a, &v);
		assert_int_equal(v.kind, LP_VAL_STRING);
		assert_int_equal(v.len, strlen(cases[i].shown));
		assert_memory_equal(v.str, cases[i].shown, v.len);
	}
}

static void registers_and_message(void **state)
{
	const struct lp_signal s = { .number = 6 };
	uint64_t words[LP_MACH_REGS] = { [16] = 0x400123 };
	lp_auto(lp_arena_done) struct lp_arena a = { 0 };
	struct lp_decoded d = { 0 };
	struct lp_crash c;

	(void)state;
	blocks.len = 0;
	d.signal = put(LP_ST_OK, &s, sizeof(s));
	d.regs = put(LP_ST_OK, words, sizeof(words) - 8);
	assert_true(lp_plan_read_crash(&d, &a, &c));
	assert_null(c.registers);
	d.regs = put(LP_ST_OK, words, sizeof(words));
	assert_true(lp_plan_read_crash(&d, &a, &c));
	assert_int_equal(c.registers[16], 0x400123);
	assert_null(c.abort);
	d.regs = put(LP_ST_UNREADABLE, words, sizeof(words));
	d.abort = put(LP_ST_UNREADABLE, "gone", 4);
	assert_true(lp_plan_read_crash(&d, &a, &c));
	assert_null(c.registers);
	assert_null(c.abort);
	assert_int_equal(c.abort_len, 0);
}

static void what_is_none(void **state)
{
	const struct lp_signal s = { .number = 6 };
	lp_auto(lp_arena_done) struct lp_arena a = { 0 };
	struct lp_decoded d = { 0 };
	struct lp_crash c;

	(void)state;
	blocks.len = 0;
	assert_false(lp_plan_read_crash(&d, &a, &c));
	d.signal = put(LP_ST_OK, &s, sizeof(s) - 1);
	assert_false(lp_plan_read_crash(&d, &a, &c));
	d.signal = put(LP_ST_UNREADABLE, &s, sizeof(s));
	assert_false(lp_plan_read_crash(&d, &a, &c));
}

static struct lp_event got;

static int on_event(void *arg, const struct lp_event *ev, struct lp_err *err)
{
	(void)arg, (void)err;
	got = *ev;
	return 0;
}

/* A record is believed nothing, not even that its site asks for a stack. */
static void without_a_stack_it_is_where_its_site_is(void **state)
{
	static const struct lp_template template;
	const struct lp_site_info site = { .logpoint = "a.c:1",
					   .function = "f",
					   .file = "a.c",
					   .line = 1,
					   .template = &template };
	const struct lp_collect_ops ops = { .event = on_event };
	const struct lp_symbolizer sym = { 0 };
	struct {
		struct lp_record rec;
		struct lp_block block;
		struct lp_signal signal;
	} r = { { .kind = LP_REC_HIT, .len = sizeof(r), .hit = 1 },
		{ .slot = LP_SLOT_SIGNAL, .len = sizeof(r.signal) },
		{ .number = 11 } };
	struct lp_collect *c = NULL;

	(void)state;
	assert_int_equal(lp_collect_new(&ops, NULL, &sym, &c, NULL), 0);
	assert_int_equal(lp_collect_set_site(c, 0, &site), 0);
	int fed = lp_collect_feed(c, &r, sizeof(r), NULL);
	int flushed = lp_collect_flush(c, UINT64_MAX, NULL);
	lp_collect_free(c);
	assert_int_equal(fed, 0);
	assert_int_equal(flushed, 0);
	assert_non_null(got.crash);
	assert_int_equal(got.n_stack, 0);
	assert_string_equal(got.function, "f");
	assert_int_equal(got.line, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_words),
		cmocka_unit_test(registers_and_message),
		cmocka_unit_test(what_is_none),
		cmocka_unit_test(without_a_stack_it_is_where_its_site_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
