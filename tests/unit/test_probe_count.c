// SPDX-License-Identifier: GPL-2.0-only
/* How often places are run into, counted in a child of our own. */
#include "probe_world.h"

#include "probe/count.h"

#define MOMENT 50000000ull /* ns */

void lp_count_often(void);
void lp_count_rarely(void);

__asm__(".text\n"
	".type lp_count_often,@function\n"
	"lp_count_often: push %rbp\n pop %rbp\n ret\n"
	".size lp_count_often, . - lp_count_often\n"
	".type lp_count_rarely,@function\n"
	"lp_count_rarely: push %rbp\n pop %rbp\n ret\n"
	".size lp_count_rarely, . - lp_count_rarely\n");

static void be_busy(void)
{
	for (;;) {
		for (int i = 0; i < 50; i++)
			lp_count_often();
		lp_count_rarely();
	}
}

static struct {
	unsigned int times;
	uint64_t runs[2];
} chosen;

static void choose(void *arg, const uint64_t *runs, bool *keep)
{
	(void)arg;
	chosen.times++;
	memcpy(chosen.runs, runs, sizeof(chosen.runs));
	keep[0] = false;
}

/* What is counted of the child: how often a second. */
static void count(uint64_t rates[2])
{
	uint64_t offsets[2];
	const struct lp_count_item items[2] = {
		{ .path = LP_OWN_EXE, .n = 1, .offsets = &offsets[0] },
		{ .path = LP_OWN_EXE, .n = 1, .offsets = &offsets[1] },
	};
	const struct lp_count_spec spec = {
		.pid = children[0].pid, .n = 2, .items = items, .moment = MOMENT, .choose = choose
	};
	struct lp_count *c = NULL;
	struct lp_err err = { 0 };

	assert_int_equal(lp_own_offset((void *)lp_count_often, &offsets[0]), 0);
	assert_int_equal(lp_own_offset((void *)lp_count_rarely, &offsets[1]), 0);
	int r = lp_count_begin(&spec, &c, &err);
	if (r == -EPERM || r == -ENOTSUP)
		skip();
	if (r < 0 || lp_count_end(c, rates, &err) < 0)
		fail_msg("%s", err.msg);
	lp_count_free(c);
}

/* What is run into often ends the first moment; the other is counted alone, undisturbed. */
static void the_rare_one_alone(void **state)
{
	uint64_t rates[2];

	(void)state;
	memset(&chosen, 0, sizeof(chosen));
	child_start(&children[0], be_busy);
	assert_int_equal(write(children[0].go, "", 1), 1);
	count(rates);
	assert_int_equal(chosen.times, 1);
	assert_true(chosen.runs[0] >= LP_COUNT_MAX);
	assert_true(chosen.runs[1] > 0 && chosen.runs[1] < chosen.runs[0]);
	/* how much more it is then depends on the machine: a probe costs many times what a call does */
	assert_true(rates[1] > 0);
}

static void nothing_runs(void **state)
{
	uint64_t rates[2] = { 1, 1 };

	(void)state;
	memset(&chosen, 0, sizeof(chosen));
	child_start(&children[0], be_busy); /* and waits for the word */
	count(rates);
	assert_int_equal(chosen.times, 0);
	assert_int_equal(rates[0], 0);
	assert_int_equal(rates[1], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_rare_one_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_runs, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("probe_count", tests, NULL, NULL);
}
