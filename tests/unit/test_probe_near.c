// SPDX-License-Identifier: GPL-2.0-only
/* Sites whose instructions are at one offset in a page, of which the instruction pointer tells nothing. */
#include "probe_world.h"

/* Both begin at the same offset in a page, and so does what comes behind near_call()'s call. */
void near_first(void), near_second(void), near_leaf(void), near_call(void);
__asm__(".text\n.balign 2048\n.globl near_first, near_second, near_leaf, near_call\n"
	"near_first: push %rbp\n pop %rbp\n ret\n.balign 2048\n"
	"near_second: push %rbp\n pop %rbp\n ret\n"
	"near_leaf: push %rbp\n pop %rbp\n ret\n.balign 2048\n .skip 2048 - 5\n"
	"near_call: call near_leaf\n ret\n");

static void hits_near_each_other(void)
{
	for (int i = 0; i < 1000; i++) {
		near_first();
		if (i % 2)
			near_second();
		if (i % 5 == 0)
			near_call();
	}
}

static uint64_t near_logged(const void *second, bool is_return)
{
	const struct lp_insn code[] = { INSN(GATE), INSN(END) };
	uint32_t points[2];

	start_kernel(&(struct lp_kernel_conf){ .lean = true });
	child_start(&children[0], hits_near_each_other);
	add_target(children[0].pid);
	for (int i = 0; i < 2; i++) {
		points[i] = add_point((struct lp_point){ 0 });
		attach(&links[i], i ? second : (void *)near_first, i && is_return, children[0].pid,
		       add_site(points[i], LP_SITE_PLAIN, code, LP_ARRAY_SIZE(code)));
	}
	assert_null(kernel->skel);
	child_run(&children[0]);
	drain();
	assert_int_equal(counts_of(points[0]).logged, 1000);
	return counts_of(points[1]).logged;
}

static void sites_at_one_offset_are_told_apart(void **state)
{
	(void)state;
	assert_int_equal(near_logged((void *)near_second, false), 500);
}

static void a_return_is_not_what_is_at_its_address(void **state)
{
	(void)state;
	assert_int_equal(near_logged((void *)near_leaf, true), 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(sites_at_one_offset_are_told_apart),
		CASE(a_return_is_not_what_is_at_its_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
