/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/unit/python_opened.h
 *
 * python_opened - a test of each interpreter that is found: its program, and what is told of it from outside.
 */
#ifndef LP_TESTS_PYTHON_OPENED_H
#define LP_TESTS_PYTHON_OPENED_H

#include "native_program.h"
#include "python/python.h"
#include "python_target.h"

struct world {
	struct python_target target;
	struct native_program program;
	struct lp_python *py;
	struct lp_err err;
};

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct world));
	return *state ? 0 : -1;
}

static void close_all(struct world *w)
{
	python_stop(&w->target);
	lp_python_free(lp_take(w->py));
	native_program_done(&w->program);
	*w = (struct world){ 0 };
}

static int teardown(void **state)
{
	close_all(*state);
	free(*state);
	return 0;
}

static void open_it(struct world *w)
{
	int r = lp_python_open(w->target.pid, &w->py, &w->err);

	if (r < 0)
		fail_msg("%d: %s", r, w->err.msg);
}

/* For every interpreter, in a world of its own. */
static void with_each(struct world *w, const char *script, void (*check)(struct world *w))
{
	char pythons[PYTHONS_MAX][256];
	size_t n = python_find(pythons);

	if (!n)
		skip();
	for (size_t i = 0; i < n; i++) {
		print_message("# %s\n", pythons[i]);
		python_start(&w->target, pythons[i], script);
		check(w);
		close_all(w);
	}
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
