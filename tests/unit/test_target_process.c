// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <pthread.h>
#include <unistd.h>
#include <cmocka.h>

#include "target/process.h"

#define STAT_REST                                                                                  \
	" %c 7 1 1 0 -1 %u 1 2 3 4 5 6 7 8 20 0 1 0 987654 1000 20 18446744073709551615 1 1\n"

static int parse_stat(const char *head, char state, unsigned int flags, struct lp_process_info *ret)
{
	char text[512];
	int n = snprintf(text, sizeof(text), "%s", head);

	snprintf(text + n, sizeof(text) - (size_t)n, STAT_REST, state, flags);
	*ret = (struct lp_process_info){ 0 };
	return lp_process_parse_stat(text, ret);
}

static void stat_of_a_process(void **state)
{
	static const struct {
		const char *head, *comm;
	} names[] = {
		{ "42 (server)", "server" },
		{ "42 (a b)", "a b" },
		{ "42 (a) R 1 (b)", "a) R 1 (b" },
		{ "42 ()", "" },
		{ "42 (0123456789abcdefgh)", "0123456789abcde" },
	};
	struct lp_process_info info;

	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(names); i++) {
		assert_int_equal(parse_stat(names[i].head, 'S', 0x400000, &info), 0);
		assert_string_equal(info.comm, names[i].comm);
		assert_int_equal(info.state, 'S');
		assert_int_equal(info.parent, 7);
		assert_int_equal(info.start_time, 987654);
		assert_false(info.kernel_thread);
	}
	assert_int_equal(parse_stat("2 (kthreadd)", 'S', 0x208040, &info), 0);
	assert_true(info.kernel_thread);
}

static void what_is_no_stat(void **state)
{
	static const char *const damaged[] = {
		"",	  "42",	     "42 (x",	 "42 x)",  ")(",
		"42 (x)", "42 (x) ", "42 (x) S", "(x)S 1", "42 (x) S 1 2 3"
	};
	struct lp_process_info info;

	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(damaged); i++)
		assert_int_equal(lp_process_parse_stat(damaged[i], &info), -EINVAL);
}

static void *report_tid(void *pipes)
{
	int *fds = pipes;
	pid_t tid = (pid_t)syscall(SYS_gettid);
	char byte;

	assert_int_equal(write(fds[1], &tid, sizeof(tid)), sizeof(tid));
	assert_int_equal(read(fds[2], &byte, 1), 0);
	return NULL;
}

static void a_thread_is_no_process(void **state)
{
	struct lp_process_info info;
	struct lp_err err = { 0 };
	pthread_t thread;
	char want[64];
	pid_t tid;
	int fds[4];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(pipe(fds + 2), 0);
	assert_int_equal(pthread_create(&thread, NULL, report_tid, fds), 0);
	assert_int_equal(read(fds[0], &tid, sizeof(tid)), sizeof(tid));
	int r = lp_process_check(tid, &info, &err);
	close(fds[3]);
	pthread_join(thread, NULL);
	close(fds[0]);
	close(fds[1]);
	close(fds[2]);

	assert_int_equal(r, -EINVAL);
	snprintf(want, sizeof(want), "a thread of process %d", (int)getpid());
	assert_non_null(strstr(err.msg, want));
}

static void who_is_gone(void **state)
{
	struct lp_process_info info;
	struct lp_err err = { 0 };
	siginfo_t si;

	(void)state;
	assert_int_equal(lp_process_check(0x7ffffffe, &info, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "no process 2147483646"));

	pid_t pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT), 0);
	assert_int_equal(lp_process_check(pid, &info, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "has ended"));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void ourselves(void **state)
{
	struct lp_process_info info;
	struct lp_err err = { 0 };
	char root[64];

	(void)state;
	assert_int_equal(lp_process_check(getpid(), &info, &err), 0);
	assert_int_equal(info.pid, getpid());
	assert_int_equal(info.parent, getppid());
	lp_process_root(getpid(), root);
	assert_string_equal(root, "");
}

static void the_descriptor_tells_of_the_end(void **state)
{
	struct lp_err err = { 0 };

	(void)state;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		for (;;)
			pause();

	struct pollfd fd = { .fd = lp_process_pidfd(pid, &err), .events = POLLIN };
	assert_true(fd.fd >= 0);
	assert_int_equal(poll(&fd, 1, 0), 0);
	kill(pid, SIGKILL);
	assert_int_equal(poll(&fd, 1, 10000), 1);
	close(fd.fd);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void check_memory_that_ends(struct lp_memory *m, const char *at, size_t page)
{
	const uint64_t addr = (uintptr_t)at;
	char buf[64];
	int cut = -1;

	assert_int_equal(m->read(m, addr, buf, 5), 0);
	assert_string_equal(buf, "text");
	assert_int_equal(m->read(m, addr + page - 2, buf, 4), -EFAULT);
	assert_int_equal(m->read(m, 16, buf, 1), -EFAULT);

	assert_int_equal(m->read_string(m, addr, buf, sizeof(buf), &cut), 4);
	assert_int_equal(cut, 0);
	assert_int_equal(m->read_string(m, addr, buf, 2, &cut), 2);
	assert_int_equal(cut, 1);
	assert_int_equal(m->read_string(m, addr + page - 3, buf, sizeof(buf), &cut), 3);
	assert_int_equal(cut, 1);
	assert_int_equal(m->read_string(m, addr + page, buf, sizeof(buf), &cut), -EFAULT);
}

/* Two pages, the second of which can't be read: as it is, and as it was. */
static void memory_that_ends(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct lp_process_memory m;

	(void)state;
	char *at = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(at, MAP_FAILED);
	memset(at, 'x', 2 * page);
	strcpy(at, "text");
	assert_int_equal(munmap(at + page, page), 0);
	lp_process_memory_init(&m, getpid());

	check_memory_that_ends(&m.memory, at, page);
	assert_int_equal(lp_process_memory_keep(&m), 0);
	check_memory_that_ends(&m.memory, at, page);
	lp_process_memory_done(&m);
	munmap(at, page);
}

/* kB of it that only that process has; -1: it has no such mapping */
static long private_kb(pid_t pid, const void *mapping)
{
	char path[64], line[256], start[32];
	long ret = -1;

	snprintf(path, sizeof(path), "/proc/%d/smaps", (int)pid);
	snprintf(start, sizeof(start), "%lx-", (unsigned long)(uintptr_t)mapping);
	lp_auto(lp_fclose) FILE *f = fopen(path, "re");
	assert_non_null(f);
	for (bool here = false; fgets(line, sizeof(line), f);) {
		here = here ? true : strncmp(line, start, strlen(start)) == 0;
		if (here && sscanf(line, "Private_Dirty: %ld", &ret) == 1)
			break;
	}
	return ret;
}

/* To be read makes no copies of what a forked process shares with its parent. */
static void memory_that_is_shared(void **state)
{
	const size_t size = 1 << 20;
	struct lp_process_memory m;

	(void)state;
	/* on addresses of its own: no neighbour joins it */
	char *at = mmap(NULL, size + 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	lp_auto(lp_free) char *buf = malloc(size);
	assert_ptr_not_equal(at, MAP_FAILED);
	assert_non_null(buf);
	assert_int_equal(mprotect(at + 4096, size, PROT_READ | PROT_WRITE), 0);
	memset(at + 4096, 'x', size);
	pid_t pid = fork();
	if (pid == 0)
		for (;;)
			pause();

	lp_process_memory_init(&m, pid);
	assert_int_equal(m.memory.read(&m.memory, (uintptr_t)at + 4096, buf, size), 0);
	assert_int_equal(buf[size - 1], 'x');
	assert_int_equal(private_kb(pid, at + 4096), 0);
	lp_process_memory_done(&m);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	munmap(at, size + 8192);
}

/* The file of a program that is no more is not read on. */
static void memory_of_the_next_program(void **state)
{
	int sync[2];
	struct lp_process_memory m;
	char first[4] = "";

	(void)state;
	assert_int_equal(pipe2(sync, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(sync[1]);
		(void)!read(sync[0], first, 1);
		execl("/bin/sleep", "sleep", "1000", NULL);
		_exit(1);
	}
	close(sync[0]);

	lp_process_memory_init(&m, pid);
	assert_int_equal(m.memory.read(&m.memory, (uintptr_t)&m, first, 4), 0);
	close(sync[1]);
	int r = 0;
	for (int i = 0; i < 1000 && r == 0; i++, usleep(10000))
		r = m.memory.read(&m.memory, (uintptr_t)&private_kb, first, 4);
	assert_int_equal(r, -EFAULT);

	struct lp_maps maps = { 0 };
	struct lp_err err;
	assert_int_equal(lp_maps_read(pid, &maps, &err), 0);
	assert_true(maps.all.len > 0);
	assert_int_equal(m.memory.read(&m.memory, maps.all.data[0].start, first, 4), 0);
	assert_memory_equal(first, "\177ELF", 4);
	lp_maps_done(&maps);
	lp_process_memory_done(&m);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void memory_that_is_kept(void **state)
{
	static volatile int here = 1;
	struct lp_process_memory m;
	int got = 0;

	(void)state;
	lp_process_memory_init(&m, getpid());
	for (int round = 0; round < 2; round++) {
		here = 1;
		assert_int_equal(lp_process_memory_keep(&m), 0);
		assert_int_equal(m.memory.read(&m.memory, (uintptr_t)&here, &got, sizeof(got)), 0);
		assert_int_equal(got, 1);
		here = 2;
		assert_int_equal(m.memory.read(&m.memory, (uintptr_t)&here, &got, sizeof(got)), 0);
		assert_int_equal(got, 1);
		lp_process_memory_forget(&m);
		assert_int_equal(m.memory.read(&m.memory, (uintptr_t)&here, &got, sizeof(got)), 0);
		assert_int_equal(got, 2);
	}
	lp_process_memory_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stat_of_a_process),
		cmocka_unit_test(what_is_no_stat),
		cmocka_unit_test(a_thread_is_no_process),
		cmocka_unit_test(who_is_gone),
		cmocka_unit_test(ourselves),
		cmocka_unit_test(the_descriptor_tells_of_the_end),
		cmocka_unit_test(memory_that_ends),
		cmocka_unit_test(memory_that_is_kept),
		cmocka_unit_test(memory_that_is_shared),
		cmocka_unit_test(memory_of_the_next_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
