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

#define PAGE 4096u

static pid_t target_pid;
static uint64_t unreadable_page; /* what lies there can't be read; 0 */
static size_t n_reads;

static long lp_mem_read(void *dst, uint32_t len, uint64_t addr)
{
	struct iovec here = { dst, len }, there = { (void *)(uintptr_t)addr, len };

	n_reads++;
	if (unreadable_page && addr >= unreadable_page && addr < unreadable_page + PAGE / 8)
		return -EFAULT;
	return process_vm_readv(target_pid, &here, 1, &there, 1, 0) == (ssize_t)len ? 0 : -EFAULT;
}

static long lp_mem_read_str(char *dst, uint32_t size, uint64_t addr)
{
	uint32_t left = PAGE - (uint32_t)(addr & (PAGE - 1)), done = 0;

	/* page by page: the next may not be there */
	while (done < size) {
		uint32_t len = size - done < left ? size - done : left;

		if (lp_mem_read(dst + done, len, addr + done) < 0)
			return -EFAULT;
		if (memchr(dst + done, 0, len))
			return (long)strnlen(dst, size) + 1;
		done += len;
		left = PAGE;
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
	unreadable_page = 0;
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

/* Beside the text: what it cost, and whether it is a part. */
static bool is_wrong(const struct told *t, const char *got)
{
	if (!strcmp(t->section, "reads"))
		return n_reads > strtoul(t->text, NULL, 10);
	if (!strcmp(t->section, "limits") && contains(f.rec, "hidden"))
		return true;
	return strcmp(got, t->text) != 0;
}

static const char *const alone[] = { "Login(", "SubLogin(", "Typed(", "<class '__main__." };

/* Classes and named tuples are told, too, when the process is gone: from the record alone. */
static void from_the_record_alone(const struct told *t, size_t ret_n[])
{
	for (size_t k = 0; k < LP_ARRAY_SIZE(alone); k++) {
		if (strncmp(t->text, alone[k], strlen(alone[k])) != 0)
			continue;
		walk_begin(LP_RECORD_MAX);
		walk_add(1, &t->v, FEW);
		assert_string_equal(decode(&t->v, FEW, false), t->text);
		ret_n[k]++;
	}
}

static void compare(const char *python)
{
	struct told t = { 0 };
	size_t n = 0, wrong = 0, cut = 0, n_alone[LP_ARRAY_SIZE(alone)] = { 0 };

	start(python);
	while (next(&t)) {
		bool few = !strcmp(t.section, "limits");

		from_the_record_alone(&t, n_alone);
		if (!strcmp(t.section, "slice"))
			t.v = (struct lp_py_value){ LP_PY_SLICE, t.v.bits, 3, 8 };
		n_reads = 0;

		const char *got = capture(&t.v, few ? FEW : NO_LIMITS);
		n++;
		if (!is_wrong(&t, got))
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
	assert_true(n > 1000 && cut < n / 20);
	for (size_t k = 0; k < LP_ARRAY_SIZE(alone); k++)
		assert_true(n_alone[k]);
	teardown(NULL);
}

/* Memory that changes while it is read, from the record alone and with the process at hand: each
 * walk ends, each record is one, and nothing is read that isn't there.
 */
static void moving(const char *python)
{
	struct told t = { 0 };
	struct lp_py_value v[16];
	size_t n = 0, filled = 0;

	setenv("LOGPOINT_OBJECTS", "0", 1);
	start(python);
	unsetenv("LOGPOINT_OBJECTS");
	while (next(&t))
		;
	fputs("churn\n", f.t.in);
	fflush(f.t.in);
	while (next(&t) && n < LP_ARRAY_SIZE(v))
		v[n++] = t.v;
	free(t.line);
	assert_true(n > 5);
	int round = 0;
	for (; round < 500 || (filled <= 50 && round < 50000); round++) {
		uint64_t limits = round & 1 ? NO_LIMITS : LP_PY_CAPTURE(256, 32, 3);

		walk_begin(round % 7 ? LP_RECORD_MAX : 2000);
		n_reads = 0;
		walk_add(1, &v[(size_t)round % n], limits);
		assert_true(n_reads < 2 * LP_PY_STEPS_MAX);
		filled += strlen(decode(&v[(size_t)round % n], limits, round & 2)) > 100;
	}
	print_message("%s: %zu of %d walks found something\n", python, filled, round);
	assert_true(filled > 50);
	teardown(NULL);
}

static void while_it_changes(void **state)
{
	(void)state;
	if (!n_pythons)
		skip();
	for (size_t i = 0; i < n_pythons; i++)
		moving(pythons[i]);
}

/* Up to 3.10 what a generator does is in a frame of its own: nothing is said of it where that is missing. */
static void generators_without_their_frame(void **state)
{
	static const char script[] = "def g(): yield\n"
				     "kept = g()\n"
				     "print('at', id(kept))\n"
				     "print('frame', id(kept.gi_frame), flush=True)\n"
				     "input()\n";
	struct lp_err err = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < n_pythons; i++, teardown(state)) {
		struct lp_py_value v = { .tag = LP_PY_OBJECT };

		python_start(&f.t, pythons[i], script);
		f.types = lp_py_types_new();
		v.bits = (uint64_t)python_number(&f.t, "at");
		unreadable_page = (uint64_t)python_number(&f.t, "frame");
		target_pid = f.t.pid;
		if (lp_python_open(f.t.pid, &f.py, &err) < 0)
			fail_msg("%s: %s", pythons[i], err.msg);
		walk_runtime = lp_python_runtime(f.py);
		if (walk_runtime->layout.minor > 10)
			continue;
		assert_string_equal(capture(&v, NO_LIMITS), "<generator g>");
		n++;
	}
	if (!n)
		skip();
}

/* A record may be small: what is missing is `...`, and the record says that it is cut. */
static void in_small_records(void **state)
{
	struct told t = { 0 };
	size_t n = 0, cut = 0;

	(void)state;
	if (!n_pythons)
		skip();
	start(pythons[n_pythons - 1]);
	while (next(&t)) {
		uint32_t room = 200 + (uint32_t)(n * 8 % 3000);

		if (strcmp(t.section, "all") != 0)
			continue;
		walk_begin(room);
		walk_add(1, &t.v, NO_LIMITS);
		assert_true(vm.len <= room);

		const char *got = decode(&t.v, NO_LIMITS, true);
		n++;
		if (!strcmp(got, t.text))
			continue;
		cut++;
		if (!(f.rec->flags & LP_RECF_CUT))
			show_difference("small", got, t.text);
		assert_true(f.rec->flags & LP_RECF_CUT);
	}
	free(t.line);
	assert_true(n > 1000 && cut > 300 && cut < n / 2);
}

/* The second value of a hit finds what the first has copied, and more where it wants more. */
static void twice_in_a_record(void **state)
{
	struct told t = { 0 };
	uint32_t first;

	(void)state;
	if (!n_pythons)
		skip();
	start(pythons[0]);
	while (next(&t)) {
		if (strcmp(t.section, "all") != 0)
			continue;
		walk_begin(LP_RECORD_MAX);
		walk_add(0, &t.v, LP_PY_CAPTURE(65532, 4000, 1));
		walk_add(1, &t.v, NO_LIMITS);

		const char *got = decode(&t.v, NO_LIMITS, true);
		if (strcmp(got, t.text) != 0 && !(f.rec->flags & LP_RECF_CUT)) {
			show_difference("twice", got, t.text);
			fail();
		}
		first = vm.len;
		walk_add(0, &t.v, NO_LIMITS);
		if (vm.len - first > 200 && !(vm.flags & LP_RECF_CUT))
			fail_msg("%u bytes more for: %.80s", vm.len - first, t.text);
	}
	free(t.line);
}

/* The kernel side and the user side agree on which names they mean. */
static void names_as_numbers(void **state)
{
	(void)state;
	assert_int_equal(lp_py_name_hash("Pass_Word", 9), lp_py_name_hash("password", 8));
	assert_int_equal(lp_py_name_hash("-grö-ße", 9), lp_py_name_hash("größe", 7));
	assert_int_not_equal(lp_py_name_hash("GRÖSSE", 7), lp_py_name_hash("größe", 7));
	assert_int_not_equal(lp_py_name_hash("token", 5), lp_py_name_hash("tokens", 6));
	assert_int_equal(lp_py_name_hash("", 0), 0);
	assert_int_equal(lp_py_name_hash("\xff", 1), 0);
	assert_int_equal(
		lp_py_name_hash("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
				65),
		0);
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
		cmocka_unit_test(names_as_numbers),
		cmocka_unit_test_teardown(as_repr, teardown),
		cmocka_unit_test_teardown(while_it_changes, teardown),
		cmocka_unit_test_teardown(generators_without_their_frame, teardown),
		cmocka_unit_test_teardown(in_small_records, teardown),
		cmocka_unit_test_teardown(twice_in_a_record, teardown),
	};

	n_pythons = python_find(pythons);
	return cmocka_run_group_tests_name("python_values", tests, NULL, NULL);
}
