// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <cmocka.h>

#include "target/maps.h"
#include "target/process.h"

static void parse(const char *text, struct lp_maps *ret)
{
	*ret = (struct lp_maps){ 0 };
	lp_buf_str(&ret->text, text);
	assert_int_equal(lp_maps_parse(ret, NULL), 0);
}

static const struct {
	const char *line;
	struct lp_map want;
	bool is_code;
} cases[] = {
	{ "400000-401000 r-xp 00002000 fd:1f 1234                       /usr/bin/x\n",
	  { 0x400000, 0x401000, 0x2000, 0, 1234, true, false, false, "/usr/bin/x" },
	  true },
	{ "7f00aa000000-7f00aa001000 rw-p 00000000 08:01 77             /lib/a.so",
	  { 0x7f00aa000000, 0x7f00aa001000, 0, 0, 77, false, true, false, "/lib/a.so" },
	  false },
	{ "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0      [vsyscall]\n",
	  { 0xffffffffff600000, 0xffffffffff601000, 0, 0, 0, true, false, false, "[vsyscall]" },
	  false },
	{ "1000-2000 r-xp 00000000 00:00 0 \n",
	  { 0x1000, 0x2000, 0, 0, 0, true, false, false, "" },
	  false },
	{ "1000-2000 r-xp 00000000 08:01 5              /a b/c (deleted)\n",
	  { 0x1000, 0x2000, 0, 0, 5, true, false, true, "/a b/c" },
	  true },
	{ "1000-2000 r-xp 00000000 08:01 5              /a\\012b\\\n",
	  { 0x1000, 0x2000, 0, 0, 5, true, false, false, "/a\nb\\" },
	  true },
	{ "1000-2000 rwxp 00000000 00:01 9              /memfd:jit (deleted)\n",
	  { 0x1000, 0x2000, 0, 0, 9, true, true, true, "/memfd:jit" },
	  true },
};

static void lines_of_the_kernel(void **state)
{
	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(cases); i++) {
		const struct lp_map *want = &cases[i].want;
		struct lp_maps m;

		parse(cases[i].line, &m);
		assert_int_equal(m.all.len, 1);
		const struct lp_map *got = m.all.data;
		assert_int_equal(got->start, want->start);
		assert_int_equal(got->end, want->end);
		assert_int_equal(got->offset, want->offset);
		assert_int_equal(got->ino, want->ino);
		assert_int_equal(got->exec, want->exec);
		assert_int_equal(got->write, want->write);
		assert_int_equal(got->deleted, want->deleted);
		assert_string_equal(got->path, want->path);
		assert_int_equal(lp_map_is_code(got), cases[i].is_code);
		lp_maps_done(&m);
	}
}

static void the_device_as_stat_has_it(void **state)
{
	struct lp_maps m;

	(void)state;
	parse("1000-2000 r-xp 00000000 103:1ff 5 /x\n", &m);
	assert_int_equal(m.all.data[0].dev, makedev(0x103, 0x1ff));
	lp_maps_done(&m);
}

static void what_no_kernel_writes_is_skipped(void **state)
{
	static const char *const damaged[] = {
		"",
		"\n\n",
		"1000",
		"1000-",
		"1000-2000",
		"1000-2000 ",
		"1000-2000 r-x",
		"1000-2000 r-xp",
		"1000-2000 r-xp 0",
		"1000-2000 r-xp 0 08",
		"1000-2000 r-xp 0 08:01",
		"1000-2000 r-xp 0 08:01 5",
		"2000-1000 r-xp 0 08:01 5 /x",
		"1000-1000 r-xp 0 08:01 5 /x",
		"-2000 r-xp 0 08:01 5 /x",
		"1000-2000 r-xp 0 08:01 5f /x",
		"10000000000000000-10000000000000001 r-xp 0 08:01 5 /x",
		"1000-2000 r-xp 0 08:01 99999999999999999999 /x",
		"1000-2000 r-xpz 0 08:01 5 /x",
		"G000-2000 r-xp 0 08:01 5 /x",
	};

	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(damaged); i++) {
		struct lp_maps m;

		parse(damaged[i], &m);
		assert_int_equal(m.all.len, 0);
		lp_maps_done(&m);
	}
}

static void a_damaged_line_spoils_no_other(void **state)
{
	struct lp_maps m;

	(void)state;
	parse("1000-2000 r-xp 0 08:01 5 /a\nrubbish\n3000-4000 r-xp 0 08:01 6 /b\n", &m);
	assert_int_equal(m.all.len, 2);
	assert_string_equal(m.all.data[0].path, "/a");
	assert_string_equal(m.all.data[1].path, "/b");
	lp_maps_done(&m);
}

/* The mapping that runs this test, and the file behind it, are the program's own. */
static void our_own_process(void **state)
{
	struct lp_maps m = { 0 };
	struct stat exe, opened;
	struct lp_err err = { 0 };
	bool found = false;

	(void)state;
	assert_int_equal(stat("/proc/self/exe", &exe), 0);
	assert_int_equal(lp_maps_read(getpid(), &m, &err), 0);
	lp_vec_each (&m.all, map) {
		uint64_t here = (uintptr_t)our_own_process;

		if (here < map->start || here >= map->end)
			continue;
		found = true;
		assert_true(lp_map_is_code(map));
		int fd = lp_process_open_map(getpid(), map, &err);
		assert_true(fd >= 0);
		assert_int_equal(fstat(fd, &opened), 0);
		close(fd);
		assert_int_equal(opened.st_ino, exe.st_ino);
	}
	assert_true(found);
	lp_maps_done(&m);
}

static void no_such_process(void **state)
{
	struct lp_maps m = { 0 };
	struct lp_err err = { 0 };

	(void)state;
	assert_int_equal(lp_maps_read(0x7ffffffe, &m, &err), -ESRCH);
	assert_non_null(strstr(err.msg, "no process"));
	lp_maps_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_the_kernel),
		cmocka_unit_test(the_device_as_stat_has_it),
		cmocka_unit_test(what_no_kernel_writes_is_skipped),
		cmocka_unit_test(a_damaged_line_spoils_no_other),
		cmocka_unit_test(our_own_process),
		cmocka_unit_test(no_such_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
