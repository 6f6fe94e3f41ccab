// SPDX-License-Identifier: GPL-2.0-only
/* Objects of real interpreters, copied by the kernel side's walk and decoded, beside what the
 * program itself says that they look like.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/show.h"
#include "collect/decode.h"
#include "python/python.h"
#include "python_target.h"

static pid_t target_pid;
static size_t n_reads;

static long lp_mem_read(void *dst, uint32_t len, uint64_t addr)
{
	struct iovec here = { dst, len }, there = { (void *)(uintptr_t)addr, len };

	n_reads++;
	return process_vm_readv(target_pid, &here, 1, &there, 1, 0) == (ssize_t)len ? 0 : -EFAULT;
}

static long lp_mem_read_str(char *dst, uint32_t size, uint64_t addr)
{
	n_reads++;
	for (uint32_t i = 0; i < size; i++) {
		struct iovec here = { dst + i, 1 }, there = { (void *)(uintptr_t)(addr + i), 1 };

		if (process_vm_readv(target_pid, &here, 1, &there, 1, 0) != 1)
			return -EFAULT;
		if (!dst[i])
			return i + 1;
	}
	dst[size - 1] = '\0';
	return size;
}

#include "pywalk_world.h"

#define NO_LIMITS  LP_PY_CAPTURE(65532, 4000, 30)
#define FEW	   LP_PY_CAPTURE(64, 5, 2)
#define SCRIPT	   "tests/targets/values.py"
#define RUN_SCRIPT "__file__ = '" SCRIPT "'; exec(compile(open(__file__).read(), __file__, 'exec'))"

static char pythons[PYTHONS_MAX][256];
static size_t n_pythons;

struct fixture {
	struct python_target t;
	struct lp_python *py;
	struct lp_arena arena;
	struct lp_decoded decoded;
	struct lp_py_types *types;
	struct lp_buf text;
	const struct lp_record *rec;
};

static struct fixture f;

static int teardown(void **state)
{
	(void)state;
	python_stop(&f.t);
	lp_python_free(f.py);
	lp_arena_done(&f.arena);
	lp_decoded_done(&f.decoded);
	lp_py_types_free(f.types);
	lp_buf_done(&f.text);
	memset(&f, 0, sizeof(f));
	return 0;
}

static void start(const char *python)
{
	struct lp_err err = { 0 };

	python_start(&f.t, python, RUN_SCRIPT);
	f.types = lp_py_types_new();
	/* its first line tells that it is up */
	int c = fgetc(f.t.out);
	assert_int_not_equal(c, EOF);
	ungetc(c, f.t.out);
	if (lp_python_open(f.t.pid, &f.py, &err) < 0)
		fail_msg("%s: %s", python, err.msg);
	walk_runtime = lp_python_runtime(f.py);
	target_pid = f.t.pid;
}

/* The line of a frame that waits: its latest instruction, which the program can tell. */
static bool line_of(void *arg, const struct lp_py_frame *frame, const char **ret_function,
		    const char **ret_file, int *ret_line)
{
	(void)arg;
	*ret_function = "f";
	*ret_file = SCRIPT;
	*ret_line = (int)frame->lasti;
	return true;
}

/* What the record has, as text; without `live` from the record alone. */
static const char *decode(const struct lp_py_value *v, uint64_t limits, bool live)
{
	struct lp_err err = { 0 };
	struct lp_value value;
	struct lp_py_reader r = {
		.memory = &f.decoded.memory,
		.live = live ? lp_python_memory(f.py) : NULL,
		.arena = &f.arena,
		.runtime = walk_runtime,
		.types = live ? f.types : NULL,
		.max_string = LP_PY_CAPTURE_STRING(limits),
		.max_items = LP_PY_CAPTURE_ITEMS(limits),
		.max_depth = LP_PY_CAPTURE_DEPTH(limits),
		.redact = walk_redact,
		.is_redacted = lp_redacted,
		.line_of = line_of,
	};

	lp_arena_reset(&f.arena);
	f.rec = walk_end();
	if (lp_record_check(f.rec, f.rec->len, &err) < 0)
		fail_msg("record: %s", err.msg);
	assert_int_equal(lp_decode(&f.decoded, f.rec, 2), 0);
	assert_int_equal(f.decoded.slots.data[1].n, 1);
	assert_memory_equal(f.decoded.slots.data[1].first + 1, v, sizeof(*v));
	lp_py_read_value(&r, v, &value);
	lp_buf_clear(&f.text);
	lp_show(&f.text, &value, false);
	return f.text.data ? f.text.data : "";
}

static const char *capture(const struct lp_py_value *v, uint64_t limits)
{
	walk_begin(LP_RECORD_MAX);
	walk_add(1, v, limits);
	return decode(v, limits, true);
}

static bool contains(const struct lp_record *rec, const char *text)
{
	return memmem(rec, rec->len, text, strlen(text)) != NULL;
}

/* One line of the program: section, address, what it looks like. */
struct told {
	char *line, *section, *text;
	size_t size;
	struct lp_py_value v;
};

static bool next(struct told *t)
{
	ssize_t n = getline(&t->line, &t->size, f.t.out);

	if (n < 1)
		fail_msg("the program ended without another line");
	t->line[n - 1] = '\0';
	t->section = t->line;
	t->text = strchr(t->line, '\t');
	if (!t->text)
		return false;
	*t->text++ = '\0';
	t->v = (struct lp_py_value){ .tag = LP_PY_OBJECT, .bits = strtoull(t->text, &t->text, 16) };
	t->text++;
	return true;
}

/* Only what didn't fit may be missing. */
static bool is_cut(const char *got)
{
	return f.rec->flags & LP_RECF_CUT && strstr(got, "...");
}

static void show_difference(const char *python, const char *got, const char *want)
{
	size_t at = 0;

	while (got[at] && got[at] == want[at])
		at++;
	at = at > 60 ? at - 60 : 0;
	print_message("%s: flags %x, from byte %zu on:\n  got  %.200s\n  want %.200s\n", python,
		      f.rec->flags, at, got + at, want + at);
}

static void compare(const char *python)
{
	struct told t = { 0 };
	size_t n = 0, wrong = 0, cut = 0;

	start(python);
	while (next(&t)) {
		bool few = !strcmp(t.section, "limits");
		const char *got = capture(&t.v, few ? FEW : NO_LIMITS);

		n++;
		if (few && contains(f.rec, "hidden"))
			wrong++, print_message("%s: copied: %s\n", python, t.text);
		if (!strcmp(got, t.text))
			continue;
		if (is_cut(got)) {
			cut++;
			continue;
		}
		if (wrong++ < 20)
			show_difference(python, got, t.text);
	}
	free(t.line);
	print_message("%s: %zu objects, %zu of them cut\n", python, n, cut);
	assert_int_equal(wrong, 0);
	assert_true(n > 2000 && cut < n / 20);
	teardown(NULL);
}

static void as_repr(void **state)
{
	(void)state;
	if (!n_pythons)
		skip();
	for (size_t i = 0; i < n_pythons; i++)
		compare(pythons[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(as_repr, teardown),
	};

	n_pythons = python_find(pythons);
	return cmocka_run_group_tests_name("python_values", tests, NULL, NULL);
}
