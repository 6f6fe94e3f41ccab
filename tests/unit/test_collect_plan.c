// SPDX-License-Identifier: GPL-2.0-only
/* What two events have in common by lp_event.plan. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collect/collect.h"
#include "collect/event.h"

static struct lp_event got;

static int on_event(void *arg, const struct lp_event *ev, struct lp_err *err)
{
	(void)arg, (void)err;
	got = *ev;
	return 0;
}

static struct lp_template template;
static struct lp_site_info site = {
	.logpoint = "a.c:1", .function = "f", .file = "a.c", .line = 1, .template = &template
};

struct record {
	struct lp_record rec;
	struct lp_block block;
	struct lp_signal signal;
};

static uint64_t plan_of(struct lp_collect *c, uint32_t number, uint16_t slot)
{
	const struct record r = {
		.rec = { .kind = LP_REC_HIT, .len = sizeof(r), .hit = 1, .site = number },
		.block = { .slot = slot, .len = sizeof(r.signal) },
		.signal = { .number = 11 },
	};

	assert_int_equal(lp_collect_feed(c, &r, sizeof(r), NULL), 0);
	assert_int_equal(lp_collect_flush(c, UINT64_MAX, NULL), 0);
	return got.plan;
}

static struct lp_collect *collector(void)
{
	static const struct lp_collect_ops ops = { .event = on_event };
	static const struct lp_symbolizer sym;
	struct lp_collect *c = NULL;

	assert_int_equal(lp_collect_new(&ops, NULL, &sym, &c, NULL), 0);
	return c;
}

static void each_site_has_its_own(void **state)
{
	lp_auto(lp_collect_free) struct lp_collect *c = collector(), *other = collector();

	(void)state;
	template.with_stack = false;
	assert_int_equal(lp_collect_set_site(c, 0, &site), 0);
	assert_int_equal(lp_collect_set_site(c, 1, &site), 0);
	assert_int_equal(lp_collect_set_site(other, 0, &site), 0);
	const uint64_t first = plan_of(c, 0, 0), second = plan_of(c, 1, 0);

	assert_true(first && second && first != second);
	assert_int_equal(plan_of(c, 0, 0), first);
	assert_int_equal(plan_of(c, 1, 0), second);
	const uint64_t others = plan_of(other, 0, 0);

	assert_true(others && others != first && others != second);
	assert_int_equal(lp_collect_set_site(c, 0, &site), 0);
	const uint64_t again = plan_of(c, 0, 0);

	assert_true(again && again != first && again != second && again != others);
}

/* The place of a crash is that of a frame. */
static void a_crash_has_none(void **state)
{
	lp_auto(lp_collect_free) struct lp_collect *c = collector();

	(void)state;
	template.with_stack = true;
	assert_int_equal(lp_collect_set_site(c, 0, &site), 0);
	assert_int_equal(plan_of(c, 0, LP_SLOT_SIGNAL), 0);
	assert_non_null(got.crash);
	assert_int_not_equal(plan_of(c, 0, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_site_has_its_own),
		cmocka_unit_test(a_crash_has_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
