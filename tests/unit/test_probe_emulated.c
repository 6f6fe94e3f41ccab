// SPDX-License-Identifier: GPL-2.0-only
/* What the kernel emulates is the same, however it is found out. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "probe/kernel.h"

void stepped(void);
__asm__(".text\n.type stepped,@function\nstepped: mov $5, %eax\n ret\n.size stepped, . - "
	"stepped\n");

static int prog = -1, probe = -1;

static int tear_down(void **state)
{
	(void)state;
	if (probe >= 0)
		close(probe);
	if (prog >= 0)
		close(prog);
	return 0;
}

static uint32_t ask(void)
{
	struct lp_emulated e = { .is_asked = false };
	struct lp_err err = { 0 };
	uint32_t found = 0;

	if (lp_emulated_begin(&e, &err) < 0)
		fail_msg("%s", err.msg);
	int r = lp_emulated_end(&e, &found, &err);
	lp_emulated_done(&e);
	if (r < 0)
		fail_msg("%s", err.msg);
	return found;
}

static bool has_page(void)
{
	lp_auto(lp_fclose) FILE *f = fopen("/proc/self/maps", "re");
	char line[512];

	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, "[uprobes]\n"))
			return true;
	return false;
}

/* A page for stepping is there already: it is asked in children then. */
static void same_where_something_was_stepped(void **state)
{
	const uint64_t cookie = 0;
	uint64_t offset;

	(void)state;
	if (!lp_have_uprobe_multi(NULL, 0))
		skip();
	uint32_t first = ask();
	assert_int_equal(first & LP_FORMS_USUAL, LP_FORMS_USUAL);

	assert_int_equal(lp_own_offset((void *)stepped, &offset), 0);
	prog = lp_load_nothing(0, LP_UPROBE_MULTI);
	probe = lp_multi_link(prog, LP_OWN_EXE, 1, &offset, NULL, &cookie, false, getpid());
	assert_true(probe >= 0);
	stepped();
	assert_true(has_page());
	assert_int_equal(ask(), first);
}

static void not_asked(void **state)
{
	struct lp_emulated e = { .is_asked = false };
	struct lp_err err = { 0 };
	uint32_t found;

	(void)state;
	assert_int_equal(lp_emulated_end(&e, &found, &err), -EINVAL);
	lp_emulated_done(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(same_where_something_was_stepped, tear_down),
		cmocka_unit_test(not_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
