// SPDX-License-Identifier: GPL-2.0-only
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/auto.h"
#include "target/elf.h"
#include "target/find.h"

static int file_of(const void *data, size_t len)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	return fd;
}

static void interpreters_of_scripts(void **state)
{
	static const struct {
		const char *text, *want; /* NULL: not a script */
	} cases[] = {
		{ "#!/bin/sh\necho\n", "/bin/sh" },
		{ "#! /usr/bin/env python3\n", "/usr/bin/env" },
		{ "#!\t/bin/sh", "/bin/sh" },
		{ "#!\n/bin/sh\n", NULL },
		{ "#!", NULL },
		{ "", NULL },
		{ "/bin/sh\n", NULL },
	};
	char got[PATH_MAX];

	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(cases); i++) {
		int fd = file_of(cases[i].text, strlen(cases[i].text));
		int r = lp_script_interpreter(fd, got);

		close(fd);
		assert_int_equal(r, cases[i].want ? 0 : -ENOEXEC);
		if (cases[i].want)
			assert_string_equal(got, cases[i].want);
	}
}

struct small_elf {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[2];
	char interp[32];
};

static struct small_elf small_elf(void)
{
	struct small_elf e = {
		.eh = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB },
			.e_type = ET_DYN,
			.e_machine = EM_X86_64,
			.e_phoff = offsetof(struct small_elf, ph),
			.e_phnum = 2 },
		.ph = { { .p_type = PT_LOAD },
			{ .p_type = PT_INTERP,
			  .p_offset = offsetof(struct small_elf, interp),
			  .p_filesz = 10 } },
		.interp = "/lib/ld.so",
	};

#if defined(__aarch64__)
	e.eh.e_machine = EM_AARCH64;
#endif
	return e;
}

static int info_of(const struct small_elf *e, size_t len, struct lp_elf_info *ret)
{
	struct lp_err err = { 0 };
	int fd = file_of(e, len);
	int r = lp_elf_info(fd, ret, &err);

	close(fd);
	assert_true(r == 0 || err.msg[0]);
	return r;
}

static void programs(void **state)
{
	struct small_elf e = small_elf();
	struct lp_elf_info info;

	(void)state;
	assert_int_equal(info_of(&e, sizeof(e), &info), 0);
	assert_string_equal(info.interp, "/lib/ld.so");
	assert_false(info.fixed);

	e.eh.e_type = ET_EXEC;
	e.ph[1].p_type = PT_NOTE;
	assert_int_equal(info_of(&e, sizeof(e), &info), 0);
	assert_string_equal(info.interp, "");
	assert_true(info.fixed);
}

static void damaged_programs(void **state)
{
	struct small_elf e = small_elf();
	struct lp_elf_info info;

	(void)state;
	for (size_t len = 0; len < offsetof(struct small_elf, interp) + 10; len++)
		assert_int_equal(info_of(&e, len, &info), -ENOEXEC);

	e.ph[1].p_offset = UINT64_MAX - 4;
	assert_int_equal(info_of(&e, sizeof(e), &info), -ENOEXEC);
	e = small_elf();
	e.eh.e_phoff = UINT64_MAX;
	assert_int_equal(info_of(&e, sizeof(e), &info), -ENOEXEC);
	e = small_elf();
	e.eh.e_ident[EI_CLASS] = ELFCLASS32;
	assert_int_equal(info_of(&e, sizeof(e), &info), -ENOEXEC);
	e = small_elf();
	e.eh.e_machine = EM_SPARC;
	assert_int_equal(info_of(&e, sizeof(e), &info), -ENOEXEC);

	/* a path longer than any: it is not taken, and not cut */
	e = small_elf();
	e.ph[1].p_filesz = UINT64_MAX;
	assert_int_equal(info_of(&e, sizeof(e), &info), 0);
	assert_string_equal(info.interp, "");
}

static void commands(void **state)
{
	char got[PATH_MAX];
	struct lp_err err = { 0 };

	(void)state;
	assert_int_equal(lp_find_command("sh", "/nowhere:/bin", got, &err), 0);
	assert_string_equal(got, "/bin/sh");
	assert_int_equal(lp_find_command("/bin/sh", "", got, &err), 0);
	assert_string_equal(got, "/bin/sh");
	assert_int_equal(lp_find_command("sh", NULL, got, &err), 0);
	assert_int_equal(lp_find_command("no-such-command", "/bin", got, &err), -ENOENT);
	assert_non_null(strstr(err.msg, "no-such-command"));
	assert_int_equal(lp_find_command("/bin", "/", got, &err), -EACCES);
	assert_int_equal(lp_find_command("passwd", "/etc", got, &err), -EACCES);
	assert_int_equal(lp_find_command("", "/bin", got, &err), -EACCES);
}

static void cgroup_mounts(void **state)
{
	static const struct {
		const char *text, *want; /* NULL: none */
	} cases[] = {
		{ "35 24 0:30 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n",
		  "/sys/fs/cgroup" },
		{ "24 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
		  "36 35 0:31 / /sys/fs/cgroup/cpu rw shared:9 - cgroup cgroup rw,cpu\n"
		  "37 35 0:32 / /sys/fs/cgroup/unified rw shared:9 - cgroup2 none rw\n",
		  "/sys/fs/cgroup/unified" },
		{ "24 1 8:1 / /a\\040-\\040cgroup2 rw - ext4 /dev/sda1 rw\n", NULL },
		{ " - cgroup2 x\n", NULL },
		{ "1 2 3 - cgroup2 x\n", NULL },
		{ "", NULL },
	};
	char got[PATH_MAX];

	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(cases); i++) {
		int r = lp_cgroup_mount(cases[i].text, got);

		assert_int_equal(r, cases[i].want ? 0 : -ENOENT);
		if (cases[i].want)
			assert_string_equal(got, cases[i].want);
	}
}

static void units_that_are_none(void **state)
{
	char dir[PATH_MAX];
	struct lp_err err = { 0 };

	(void)state;
	assert_int_equal(lp_unit_cgroup("", dir, &err), -EINVAL);
	assert_int_equal(lp_unit_cgroup("../x", dir, &err), -EINVAL);
}

static bool holds(const struct lp_pids *pids, pid_t pid)
{
	lp_vec_each (pids, p)
		if (*p == pid)
			return true;
	return false;
}

static void processes_of_an_executable(void **state)
{
	struct lp_pids pids = { 0 };
	struct lp_err err = { 0 };
	struct stat st;
	char byte = 0;
	int fds[2];

	(void)state;
	assert_int_equal(stat("/proc/self/exe", &st), 0);
	assert_int_equal(pipe(fds), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (!child) {
		close(fds[1]);
		_exit(read(fds[0], &byte, 1) != 0);
	}

	int r = lp_find_exe(st.st_dev, st.st_ino, &pids, &err);
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(r, 0);
	assert_true(holds(&pids, child));
	assert_false(holds(&pids, getpid()));
	lp_vec_done(&pids);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(interpreters_of_scripts),
		cmocka_unit_test(programs),
		cmocka_unit_test(damaged_programs),
		cmocka_unit_test(commands),
		cmocka_unit_test(cgroup_mounts),
		cmocka_unit_test(units_that_are_none),
		cmocka_unit_test(processes_of_an_executable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
