// SPDX-License-Identifier: GPL-2.0-only
/* Code objects of real interpreters: all are found, with their names, lines and locals. */
#include <errno.h>
#include <fnmatch.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "base/buf.h"
#include "python/names.h"
#include "python/place.h"
#include "python_target.h"

#define PROGRAM_MAX (1 << 16)

struct world {
	struct python_target target;
	struct lp_python *py;
	struct lp_err err;
	LP_VEC(char *) facts;
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
	lp_vec_each (&w->facts, f)
		free(*f);
	lp_vec_done(&w->facts);
	*w = (struct world){ 0 };
}

static int teardown(void **state)
{
	close_all(*state);
	free(*state);
	return 0;
}

static void open_it(struct world *w, const char *python, const char *script)
{
	python_start(&w->target, python, script);
	for (;;) {
		char *line = strdup(python_line(&w->target));

		assert_int_equal(lp_vec_push(&w->facts, line), 0);
		if (!strcmp(line, "ready"))
			break;
	}
	int r = lp_python_open(w->target.pid, &w->py, &w->err);
	if (r < 0)
		fail_msg("%s: %d: %s", python, r, w->err.msg);
}

/* The program itself, as the interpreter may see other files than the test does. */
static char *read_program(void)
{
	FILE *f = fopen("tests/targets/pycode.py", "re");
	char *text = calloc(1, PROGRAM_MAX);

	assert_non_null(f);
	assert_non_null(text);
	const size_t n = fread(text, 1, PROGRAM_MAX, f);
	assert_true(n > 0 && n < PROGRAM_MAX);
	fclose(f);
	return text;
}

static void with_each(struct world *w, void (*check)(struct world *w))
{
	char pythons[PYTHONS_MAX][256], *program;
	const size_t n = python_find(pythons);

	if (!n)
		skip();
	for (size_t i = 0; i < n; i++) {
		program = read_program();
		open_it(w, pythons[i], program);
		free(program);
		print_message("%s\n", lp_python_version(w->py));
		check(w);
		close_all(w);
	}
}

static void check_lines(struct world *w, const struct lp_py_code *code, char *rest)
{
	struct lp_py_line_list lines = { 0 };
	char *save = NULL;
	size_t n = 0;

	assert_int_equal(lp_py_code_lines(w->py, code, &lines), 0);
	for (char *word = strtok_r(rest, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		bool found = false;

		lp_vec_each (&lines, l)
			found |= l->line == atoi(word);
		if (!found)
			fail_msg("%s has no line %s", code->function, word);
		n++;
	}
	lp_vec_done(&lines);
	assert_true(n > 0);
}

/* "name=index" or "name=index*": what the scope writes for it. */
static void check_names(struct world *w, const struct lp_py_code *code, const char *kind,
			char *rest)
{
	const bool is_hidden = !strcmp(kind, "hidden"), is_private = !strcmp(kind, "private");
	struct lp_py_place place = { .site = { .code = code->addr, .name = code->name },
				     .function = code->function,
				     .file = code->file };
	lp_auto(lp_scope_free) struct lp_scope *scope = NULL;
	char *save = NULL;

	if (lp_python_scope_open(w->py, &place, false, &scope, &w->err) < 0)
		fail_msg("%s: %s", code->function, w->err.msg);
	for (char *word = strtok_r(rest, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		char *equal = strchr(word, '=');
		struct lp_emit e = { 0 };
		uint8_t reg;

		*equal = '\0';
		if (scope->dynamic->load(scope, word, strlen(word), &e, &reg, &w->err) < 0)
			fail_msg("%s: no local '%s'", code->function, word);
		assert_int_equal(e.code.len, 1);
		const bool is_cell = strchr(equal + 1, '*');
		const uint32_t index = (uint32_t)atoi(equal + 1);
		assert_int_equal(e.code.data[0].op, is_hidden ? LP_OP_PY_NAME
						    : is_cell ? LP_OP_PY_CELL
							      : LP_OP_PY_FAST);
		assert_int_equal(e.code.data[0].n,
				 is_hidden ? LP_PY_HIDDEN(index, is_cell) : index);
		lp_emit_done(&e);
	}
	if (is_hidden || is_private)
		return;
	struct lp_emit e = { 0 };
	uint8_t reg;
	assert_int_equal(scope->dynamic->load(scope, "LIMIT", 5, &e, &reg, &w->err), 0);
	assert_int_equal(scope->dynamic->load(scope, "len", 3, &e, &reg, &w->err), 0);
	assert_int_equal(e.code.data[1].op,
			 lp_py_code_is_function(code) ? LP_OP_PY_GLOBAL : LP_OP_PY_NAME);
	if (lp_py_code_is_function(code))
		assert_int_equal(scope->dynamic->load(scope, "nix", 3, &e, &reg, &w->err), -ENOENT);
	lp_emit_done(&e);
}

static void check_facts(struct world *w)
{
	struct lp_py_codes *codes;
	size_t n = 0;

	assert_int_equal(lp_py_codes_get(w->py, &codes, &w->err), 0);
	lp_vec_each (&w->facts, fact) {
		char *save = NULL, *kind = strtok_r(*fact, " ", &save);
		char *addr = strtok_r(NULL, " ", &save);

		if (!addr)
			continue;
		const struct lp_py_code *code = lp_py_code_at(codes, strtoull(addr, NULL, 10));
		if (!code)
			fail_msg("not found: %s %s", kind, save);
		if (!strcmp(kind, "code")) {
			const int line = atoi(strtok_r(NULL, " ", &save));

			assert_int_equal(code->firstlineno, line);
			assert_string_equal(code->function, save);
			assert_true(lp_py_file_matches("shop/cart.py", code->file));
			n++;
		} else if (!strcmp(kind, "lines")) {
			check_lines(w, code, save);
		} else {
			check_names(w, code, kind, save);
		}
	}
	assert_true(n > 15);
}

static void everything_is_found(void **state)
{
	with_each(*state, check_facts);
}

/* location, error, functions of the places as a glob ("+" before a return) */
static const struct {
	struct lp_location at;
	int error;
	const char *functions, *message;
} resolved[] = {
	{ { .kind = LP_AT_LINE, .file = "cart.py", .line = 18 }, 0, "Cart.total", NULL },
	{ { .kind = LP_AT_LINE, .file = "shop/cart.py", .line = 35 },
	  0,
	  "outer.<locals>.inner.<locals>.never",
	  NULL },
	{ { .kind = LP_AT_LINE, .file = "cart.py", .line = 3 }, -ESRCH, NULL, "nearest: " },
	{ { .kind = LP_AT_LINE, .file = "art.py", .line = 3 }, -ENOENT, NULL, "ends in 'art.py'" },
	{ { .kind = LP_AT_LINE, .file = "x/cart.py", .line = 3 }, -ENOENT, NULL, "there is /" },
	{ { .kind = LP_AT_ENTRY, .name = "Cart.total" }, 0, "Cart.total", NULL },
	{ { .kind = LP_AT_ENTRY, .name = "deep" }, 0, "Cart.Inner.deep", NULL },
	{ { .kind = LP_AT_ENTRY, .name = "shop.cart.Cart.total" }, 0, "Cart.total", NULL },
	{ { .kind = LP_AT_ENTRY, .name = "cart.Cart.empty" }, 0, "Cart.empty", NULL },
	{ { .kind = LP_AT_ENTRY, .name = "ship.cart.Cart.empty" }, -ENOENT, NULL, NULL },
	{ { .kind = LP_AT_ENTRY, .name = "inner.never" },
	  0,
	  "outer.<locals>.inner.<locals>.never",
	  NULL },
	{ { .kind = LP_AT_ENTRY, .name = "Cart.tot*" }, 0, "Cart.total", NULL },
	{ { .kind = LP_AT_ENTRY, .name = "Cart" }, -ENOENT, NULL, "Cart.__init__" },
	{ { .kind = LP_AT_ENTRY, .name = "Cart.totla" }, -ENOENT, NULL, "there is Cart.total" },
	{ { .kind = LP_AT_RETURN, .name = "shop.cart.steps" }, 0, "steps +steps*", NULL },
	{ { .kind = LP_AT_ENTRY, .name = "total" }, 0, "Cart.total", NULL },
	{ { .kind = LP_AT_ENTRY, .name = "f" }, 0, "f", NULL },
	{ { .kind = LP_AT_ENTRY, .name = "shop.cart.f" }, 0, "f", NULL },
	{ { .kind = LP_AT_ENTRY, .name = "limited" }, 0, "decorate.<locals>.limited", NULL },
	{ { .kind = LP_AT_ENTRY, .name = "make.total" }, 0, "make.<locals>.total", NULL },
	{ { .kind = LP_AT_ENTRY, .name = "make.<locals>.f" }, 0, "make.<locals>.f", NULL },
	{ { .kind = LP_AT_ENTRY, .name = "Box.lid" }, 0, "make.<locals>.Box.lid", NULL },
	/* of tempfile, which has others of these names in functions and classes */
	{ { .kind = LP_AT_ENTRY, .name = "mkdtemp" }, 0, "make.<locals>.mkdtemp", NULL },
	{ { .kind = LP_AT_ENTRY, .name = "tempfile.mkdtemp" }, 0, "mkdtemp", NULL },
	{ { .kind = LP_AT_ENTRY, .name = "gettempdir" }, 0, "gettempdir", NULL },
	{ { .kind = LP_AT_CALL, .name = "shop.cart.later" }, 0, "later +later", NULL },
	{ { .kind = LP_AT_CALL, .name = "shop.cart.constant" }, 0, "constant +constant", NULL },
};

static void check_resolved(struct world *w)
{
	for (size_t i = 0; i < LP_ARRAY_SIZE(resolved); i++) {
		lp_auto(lp_buf_done) struct lp_buf b = { 0 };
		struct lp_py_places places = { 0 };
		struct lp_err err = { 0 };
		int r = lp_python_resolve(w->py, &resolved[i].at, &places, &err);

		print_message("  %s%s: %s\n", resolved[i].at.file ?: "", resolved[i].at.name ?: "",
			      err.msg);
		assert_int_equal(r, resolved[i].error);
		if (resolved[i].message && !strstr(err.msg, resolved[i].message))
			fail_msg("%s", err.msg);
		lp_vec_each (&places, p)
			lp_buf_fmt(&b, "%s%s%s", b.len ? " " : "", p->is_return ? "+" : "",
				   p->function);
		if (r == 0)
			assert_int_equal(fnmatch(resolved[i].functions, b.data, 0), 0);
		lp_vec_done(&places);
	}
}

static void locations_resolve(void **state)
{
	with_each(*state, check_resolved);
}

/* Up to 3.9 this loop at a function's begin goes back to where it is entered. */
static void check_spinning(struct world *w)
{
	const struct lp_location at = { .kind = LP_AT_ENTRY, .name = "spin" };
	struct lp_py_places places = { 0 };
	struct lp_err err = { 0 };

	assert_int_equal(lp_python_resolve(w->py, &at, &places, &err), 0);
	assert_int_equal(places.len, 1);
	assert_int_equal(places.data[0].by_call, lp_python_runtime(w->py)->layout.minor < 10);
	lp_vec_done(&places);
}

static void an_entry_is_told_from_a_round(void **state)
{
	with_each(*state, check_spinning);
}

static int count(const struct lp_py_function_info *f, void *arg)
{
	(void)f;
	++*(size_t *)arg;
	return 0;
}

static int count_file(const char *path, void *arg)
{
	*(size_t *)arg += lp_py_file_matches("shop/cart.py", path);
	return 0;
}

static int count_line(int line, size_t n_places, void *arg)
{
	(void)n_places;
	*(size_t *)arg += line == 18;
	return 0;
}

static void check_list(struct world *w)
{
	size_t n = 0, files = 0, lines = 0;
	const char *path;

	assert_int_equal(lp_python_each_function(w->py, count, &n, &w->err), 0);
	assert_true(n > 500);
	assert_int_equal(lp_python_each_file(w->py, count_file, &files, &w->err), 0);
	assert_int_equal(files, 1);
	assert_int_equal(lp_python_each_line(w->py, "cart.py", count_line, &lines, &path, &w->err),
			 0);
	assert_int_equal(lines, 1);
}

static void lists(void **state)
{
	with_each(*state, check_list);
}

/* A frame as a record has it: any unit of a function gives its line. */
static void check_frames(struct world *w)
{
	struct lp_location at = { .kind = LP_AT_LINE, .file = "cart.py", .line = 18 };
	const struct lp_py_layout *l = &lp_python_runtime(w->py)->layout;
	struct lp_py_places places = { 0 };
	const char *function, *file;
	int line;

	assert_int_equal(lp_python_resolve(w->py, &at, &places, &w->err), 0);
	const struct lp_py_site *s = &places.data[0].site;
	struct lp_py_frame f = { .code = s->code,
				 .name = s->name,
				 .filename = s->filename,
				 .firstlineno = s->firstlineno };
	uint64_t units = s->code + l->code_code;
	if (l->minor <= 10) {
		assert_int_equal(lp_py_u64(lp_python_memory(w->py), units, &units), 0);
		units += l->bytes_data;
	}
	f.lasti = s->unit - units;
	assert_true(lp_python_frame(w->py, &f, &function, &file, &line));
	assert_string_equal(function, "Cart.total");
	assert_int_equal(line, 18);
	f.name++;
	assert_false(lp_python_frame(w->py, &f, &function, &file, &line));
	lp_vec_done(&places);
}

static void frames(void **state)
{
	with_each(*state, check_frames);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(everything_is_found, setup, teardown),
		cmocka_unit_test_setup_teardown(locations_resolve, setup, teardown),
		cmocka_unit_test_setup_teardown(an_entry_is_told_from_a_round, setup, teardown),
		cmocka_unit_test_setup_teardown(lists, setup, teardown),
		cmocka_unit_test_setup_teardown(frames, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
