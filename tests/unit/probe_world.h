/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/unit/probe_world.h
 *
 * probe_world - the kernel side on the running kernel: a child of the test is the target, functions
 * of the test are what is probed. Needs the privileges to load BPF programs, else skips.
 */
#ifndef LP_TESTS_PROBE_WORLD_H
#define LP_TESTS_PROBE_WORLD_H

#pragma GCC diagnostic ignored "-Wunused-function" /* not every test needs all of it */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/capability.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "probe/kernel.h"

#define INSN(name, ...) ((struct lp_insn){ .op = LP_OP_##name, ##__VA_ARGS__ })

enum { RDI = 5, RSI = 4, RAX = 0 };

/* push and pop are emulated: many hits in little time */
void hit_me(uint64_t value, const char *text);
__asm__(".text\n.globl hit_me\n.type hit_me,@function\n"
	"hit_me: push %rbp\n pop %rbp\n ret\n.size hit_me, . - hit_me\n");

struct child {
	pid_t pid;
	int go;
};

static struct lp_kernel *kernel;
static struct lp_link *links[2];
static struct child children[2];

static int set_up(void **state)
{
	(void)state;
	children[0].pid = children[1].pid = 0;
	return 0;
}

static void child_end(struct child *c)
{
	if (!c->pid)
		return;
	close(c->go);
	waitpid(c->pid, NULL, 0);
	c->pid = 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (int i = 1; i >= 0; i--) {
		lp_link_free(links[i]);
		links[i] = NULL;
	}
	for (int i = 0; i < 2; i++) {
		if (children[i].pid)
			kill(children[i].pid, SIGKILL);
		child_end(&children[i]);
	}
	lp_kernel_free(kernel);
	kernel = NULL;
	return 0;
}

/* A process that runs work once it is told to. */
static void child_start(struct child *c, void (*work)(void))
{
	int go[2];
	char word;

	assert_int_equal(pipe(go), 0);
	c->pid = fork();
	assert_true(c->pid >= 0);
	if (c->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(go[1]);
		if (read(go[0], &word, 1) == 1)
			work();
		_exit(0);
	}
	close(go[0]);
	c->go = go[1];
}

static void child_run(struct child *c)
{
	assert_int_equal(write(c->go, "", 1), 1);
	child_end(c);
}

static void start_kernel(const struct lp_kernel_conf *conf)
{
	struct lp_kernel_conf c = *conf;
	struct lp_err err = { 0 };

	if (c.single_links && !lp_have_capability(CAP_SYS_ADMIN))
		skip();
	c.max_points = c.max_sites = 4;
	c.max_code = 256;

	int r = lp_kernel_new(&c, &kernel, &err);
	if (r == -EPERM || r == -EACCES)
		skip();
	if (r < 0)
		fail_msg("%s", err.msg);
}

static uint32_t add_point(struct lp_point p)
{
	struct lp_err err = { 0 };
	uint32_t id;

	p.after = LP_POINT_NONE;
	if (lp_kernel_add_point(kernel, &p, &id, &err) < 0)
		fail_msg("%s", err.msg);
	return id;
}

static uint32_t add_site(uint32_t point, enum lp_site_kind kind, const struct lp_insn *code,
			 size_t n)
{
	struct lp_err err = { 0 };
	uint32_t id;

	if (lp_kernel_add_site(kernel, point, kind, 0, 7, code, n, &id, &err) < 0)
		fail_msg("%s", err.msg);
	return id;
}

static void attach(struct lp_link **ret, const void *place, bool is_return, pid_t pid,
		   uint32_t site)
{
	struct lp_err err = { 0 };
	uint64_t offset;

	assert_int_equal(lp_own_offset(place, &offset), 0);

	struct lp_attach a = { .path = LP_OWN_EXE,
			       .is_return = is_return,
			       .pid = pid,
			       .n = 1,
			       .offsets = &offset,
			       .sites = &site };
	if (lp_kernel_attach(kernel, &a, ret, &err) < 0)
		fail_msg("%s", err.msg);
}

static void add_target(pid_t pid)
{
	struct lp_err err = { 0 };

	if (lp_kernel_add_target(kernel, pid, &err) < 0)
		fail_msg("%s", err.msg);
}

static struct lp_counts counts_of(uint32_t point)
{
	struct lp_err err = { 0 };
	struct lp_counts c;

	if (lp_kernel_counts(kernel, point, &c, &err) < 0)
		fail_msg("%s", err.msg);
	return c;
}

static unsigned int seen[LP_REC_MAPS + 1];

static int count_kind(const void *record, size_t len, void *arg)
{
	const struct lp_record *r = record;

	(void)arg;
	assert_true(r->len >= sizeof(*r) && r->len <= len);
	assert_true(len - r->len < 32); /* what is reserved has a few lengths */
	assert_true(r->kind <= LP_REC_MAPS);
	seen[r->kind]++;
	return 0;
}

static int drain_to(int (*fn)(const void *record, size_t len, void *arg), void *arg)
{
	uint64_t until;

	return lp_kernel_drain(kernel, 0, fn, arg, &until);
}

static void drain(void)
{
	memset(seen, 0, sizeof(seen));
	assert_true(drain_to(count_kind, NULL) >= 0);
}

static const struct lp_insn message[] = {
	{ .op = LP_OP_GATE },
	{ .op = LP_OP_CAP_MACH, .b = RDI, .n = LP_CAP(0, 8) },
	{ .op = LP_OP_IMM, .dst = 0 },
	{ .op = LP_OP_REG, .dst = 1, .b = RSI },
	{ .op = LP_OP_CAP_STR, .a = 1, .n = LP_CAP(1, 256) },
	{ .op = LP_OP_END },
};

static void a_hundred_thousand_hits(void)
{
	for (uint64_t i = 0; i < 100000; i++)
		hit_me(i, "text");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
