// SPDX-License-Identifier: GPL-2.0-only
/* Where interpreters report what nobody has caught. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/err.h"
#include "python/hooks.h"
#include "python/impl.h"
#include "python_target.h"

struct world {
	struct python_target target;
	struct lp_python *py;
	struct lp_py_hooks hooks;
};

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct world));
	return *state ? 0 : -1;
}

static void close_all(struct world *w)
{
	python_stop(&w->target);
	lp_vec_done(&w->hooks);
	lp_python_free(lp_take(w->py));
	*w = (struct world){ 0 };
}

static int teardown(void **state)
{
	close_all(*state);
	free(*state);
	return 0;
}

static void with_each(struct world *w, const char *script, void (*check)(struct world *w))
{
	char pythons[PYTHONS_MAX][256];
	size_t n = python_find(pythons);
	struct lp_err err = { 0 };

	if (!n)
		skip();
	for (size_t i = 0; i < n; i++) {
		print_message("# %s\n", pythons[i]);
		python_start(&w->target, pythons[i], script);
		python_line(&w->target);
		if (lp_python_open(w->target.pid, &w->py, &err) < 0 ||
		    lp_python_hooks(w->py, &w->hooks, &err) < 0)
			fail_msg("%s", err.msg);
		check(w);
		close_all(w);
	}
}

static size_t count(const struct world *w, enum lp_py_trap trap)
{
	size_t n = 0;

	lp_vec_each (&w->hooks, place)
		n += place->trap == trap;
	return n;
}

static const struct lp_py_hook_place *first(const struct world *w, enum lp_py_trap trap)
{
	lp_vec_each (&w->hooks, place)
		if (place->trap == trap)
			return place;
	fail_msg("no hook of kind %d", trap);
	return NULL;
}

/* Where a build still has the name of the innermost function, it is that one. */
static void check_name(struct world *w, enum lp_py_trap trap, const char *name)
{
	struct lp_elf_symbol sym;

	assert_int_equal(count(w, trap), 1);
	if (lp_symfile_find(w->py->symbols, name, &sym))
		assert_true(first(w, trap)->addr == sym.addr + w->py->bias);
}

static void check_plain(struct world *w)
{
	check_name(w, LP_PY_TRAP_PRINT, "_PyErr_PrintEx");
	check_name(w, LP_PY_TRAP_UNRAISABLE,
		   w->py->runtime.layout.minor < 13 ? "_PyErr_WriteUnraisableMsg"
						    : "format_unraisable_v");
	assert_int_equal(count(w, LP_PY_TRAP_THREAD), 1);
	assert_true(first(w, LP_PY_TRAP_THREAD)->hook.only ==
		    (uint64_t)python_number(&w->target, "args"));
	assert_true(first(w, LP_PY_TRAP_THREAD)->hook.except[0] ==
		    (uint64_t)python_number(&w->target, "exit"));
	assert_int_equal(count(w, LP_PY_TRAP_FUTURE), 0);
	assert_int_equal(count(w, LP_PY_TRAP_CALLBACK), 0);

	/* nothing comes twice */
	size_t had = w->hooks.len;
	assert_int_equal(lp_python_hooks(w->py, &w->hooks, NULL), 0);
	assert_int_equal(w->hooks.len, had);
	python_go_on(&w->target);
	python_line(&w->target);
	int added = lp_python_hooks(w->py, &w->hooks, NULL);
	assert_int_equal(added, w->hooks.len - had);
	assert_int_equal(count(w, LP_PY_TRAP_CALLBACK), 1);
	assert_true(first(w, LP_PY_TRAP_CALLBACK)->hook.only ==
		    (uint64_t)python_number(&w->target, "run"));
}

static void every_interpreter_has_them(void **state)
{
	with_each(*state,
		  "import _thread\n"
		  "print('here', flush=True)\n"
		  "print('args', id(_thread._ExceptHookArgs))\n"
		  "print('exit', id(SystemExit), flush=True)\n"
		  "input()\n"
		  "import asyncio.events\n"
		  "print('imported')\n"
		  "print('run', id(asyncio.events.Handle._run.__code__), flush=True)\n"
		  "input()\n",
		  check_plain);
}

static void check_future(struct world *w)
{
	const struct lp_py_hook *hook = &first(w, LP_PY_TRAP_FUTURE)->hook;

	assert_int_equal(hook->n_steps, 1);
	for (int i = 0; i < 2; i++) {
		uint64_t at = (uint64_t)python_number(&w->target, "future"), exception;
		int64_t wanted = python_number(&w->target, "flag");
		uint8_t flag;

		assert_int_equal(
			lp_py_u8(lp_python_memory(w->py), at + (uint64_t)hook->flag_at, &flag), 0);
		assert_int_equal(flag & hook->flag_mask, wanted);
		assert_int_equal(lp_py_u64(lp_python_memory(w->py), at + (uint64_t)hook->step[0],
					   &exception),
				 0);
		assert_true(exception == (uint64_t)python_number(&w->target, "exception"));
	}
}

static void futures_keep_their_exception_there(void **state)
{
	with_each(*state,
		  "import asyncio, sys\n"
		  "loop = asyncio.new_event_loop()\n"
		  "print('here', flush=True)\n"
		  "for flag in (1, 0):\n"
		  "    f, e = loop.create_future(), KeyError(flag)\n"
		  "    f.set_exception(e)\n"
		  "    if not flag: f.exception()\n"
		  "    print('future', id(f))\n"
		  "    print('flag', int(f._log_traceback))\n"
		  "    print('exception', id(e), flush=True)\n"
		  "    if flag: keep = f, e\n"
		  "input()\n",
		  check_future);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_interpreter_has_them, setup, teardown),
		cmocka_unit_test_setup_teardown(futures_keep_their_exception_there, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
