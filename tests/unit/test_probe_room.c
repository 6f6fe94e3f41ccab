// SPDX-License-Identifier: GPL-2.0-only
/* Numbers of sites and of interpreters, and room for code, are used again for ever. */
#include "probe_world.h"

#include "lp/python.h"

#define MANY 1000

/* start_kernel() makes room for four sites; costs.c has as many more. */
#define ROOM 8

static const struct lp_insn small[] = { INSN(GATE), INSN(END) };
static const struct lp_insn big[] = { INSN(GATE), INSN(GATE), INSN(GATE), INSN(END) };

static int add(const struct lp_insn *code, size_t n, uint32_t *ret, struct lp_err *err)
{
	return lp_kernel_add_site(kernel, 0, LP_SITE_PLAIN, 0, 7, code, n, ret, err);
}

static void sites_come_and_go(void **state)
{
	struct lp_err err = { 0 };
	uint32_t id[ROOM], one;

	(void)state;
	start_kernel(&(struct lp_kernel_conf){ 0 });
	add_point((struct lp_point){ 0 });
	for (int i = 0; i < ROOM; i++)
		assert_int_equal(add(small, LP_ARRAY_SIZE(small), &id[i], &err), 0);
	assert_int_equal(add(small, LP_ARRAY_SIZE(small), &one, &err), -ENOSPC);
	for (int i = 0; i < MANY; i++) {
		lp_kernel_free_site(kernel, id[i % ROOM]);
		assert_int_equal(add(small, LP_ARRAY_SIZE(small), &one, &err), 0);
		assert_int_equal(one, id[i % ROOM]);
	}
	lp_kernel_free_site(kernel, id[2]);
	lp_kernel_free_site(kernel, id[2]); /* twice is once */
	assert_int_equal(add(small, LP_ARRAY_SIZE(small), &one, &err), 0);
	assert_int_equal(add(small, LP_ARRAY_SIZE(small), &one, &err), -ENOSPC);
}

/* What was a small program's is none for a big one, and the other way round. */
static void programs_do_not_overlap(void **state)
{
	struct lp_err err = { 0 };
	uint32_t a, b, c;

	(void)state;
	start_kernel(&(struct lp_kernel_conf){ 0 });
	add_point((struct lp_point){ 0 });
	assert_int_equal(add(small, LP_ARRAY_SIZE(small), &a, &err), 0);
	assert_int_equal(add(big, LP_ARRAY_SIZE(big), &b, &err), 0);
	lp_kernel_free_site(kernel, a);
	assert_int_equal(add(big, LP_ARRAY_SIZE(big), &c, &err), 0);
	assert_int_not_equal(c, a);
	lp_kernel_free_site(kernel, b);
	assert_int_equal(add(small, LP_ARRAY_SIZE(small), &c, &err), 0);
	assert_int_equal(c, a); /* the smallest that will do */
	assert_int_equal(add(small, LP_ARRAY_SIZE(small), &c, &err), 0);
	assert_int_equal(c, b);
	lp_kernel_free_site(kernel, b);
	assert_int_equal(add(big, LP_ARRAY_SIZE(big), &c, &err), 0);
	assert_int_equal(c, b); /* all of its room is there again */

	const struct lp_site *sites = kernel->sites.data;
	assert_int_equal(sites[b].ninsn, LP_ARRAY_SIZE(big));
	assert_memory_equal((struct lp_insn *)kernel->code.data + sites[b].code, big, sizeof(big));
	assert_memory_equal((struct lp_insn *)kernel->code.data + sites[a].code, small,
			    sizeof(small));
}

static void interpreters_come_and_go(void **state)
{
	static const struct lp_py_runtime rt = { .layout.watch_byte = 1 };
	struct lp_err err = { 0 };
	uint32_t id;

	(void)state;
	start_kernel(&(struct lp_kernel_conf){ .python_steps = true });
	for (uint32_t i = 0; i < LP_PY_RUNTIMES_MAX; i++) {
		assert_int_equal(lp_kernel_add_runtime(kernel, &rt, &id, &err), 0);
		assert_int_equal(id, i);
	}
	assert_int_equal(lp_kernel_add_runtime(kernel, &rt, &id, &err), -ENOSPC);
	for (uint32_t i = 0; i < LP_PY_RUNTIMES_MAX; i++)
		lp_kernel_drop_runtime(kernel, i);
	for (uint32_t i = 0; i < LP_PY_RUNTIMES_MAX; i++)
		assert_int_equal(lp_kernel_add_runtime(kernel, &rt, &id, &err), 0);
	assert_int_equal(lp_kernel_add_runtime(kernel, &rt, &id, &err), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sites_come_and_go, set_up, tear_down),
		cmocka_unit_test_setup_teardown(programs_do_not_overlap, set_up, tear_down),
		cmocka_unit_test_setup_teardown(interpreters_come_and_go, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
