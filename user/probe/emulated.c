// SPDX-License-Identifier: GPL-2.0-only
/* A thread of ours puts a probe at one instruction of each form, and executes them. What the kernel can't
 * emulate it executes out of line, in a page that it maps into the process when it needs it first:
 * "[uprobes]". Those that kernels have long emulated come first, then those that only some do. Where a page
 * is there after the first ones, which another tool's probes can be the reason of, each is tried in a
 * process of its own, which has no such page yet. Nothing is timed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "base/thread.h"
#include "probe/kernel.h"

#define ANSWER_SECONDS 2

/* Each is a function with the instruction in it, and what it returns through. */
#define TRY(name, before, insn, after)                                                             \
	void lp_try_##name(void);                                                                  \
	extern const char lp_try_##name##_at[];                                                    \
	__asm__(".text\n.type lp_try_" #name ",@function\nlp_try_" #name ":\n" before              \
		"\nlp_try_" #name "_at: " insn "\n" after "\nret\n.size lp_try_" #name             \
		", . - lp_try_" #name "\n")

TRY(nop, "", "nop", "");
TRY(push, "", "push %rbp", "pop %rbp");
TRY(push_high, "", "push %r12", "pop %r12");
TRY(call, "jmp lp_try_call_at\n7: ret", "call 7b", "");
TRY(jump, "", "jmp 7f", "7:");
TRY(branch, "xor %eax, %eax", "je 7f", "7:");
TRY(long_nop, "", ".byte 0x0f, 0x1f, 0x00", "");

static const struct {
	void (*run)(void);
	const char *at;
} tries[LP_FORM_COUNT] = {
	[LP_FORM_NOP] = { lp_try_nop, lp_try_nop_at },
	[LP_FORM_PUSH] = { lp_try_push, lp_try_push_at },
	[LP_FORM_PUSH_HIGH] = { lp_try_push_high, lp_try_push_high_at },
	[LP_FORM_CALL] = { lp_try_call, lp_try_call_at },
	[LP_FORM_JUMP] = { lp_try_jump, lp_try_jump_at },
	[LP_FORM_BRANCH] = { lp_try_branch, lp_try_branch_at },
	[LP_FORM_LONG_NOP] = { lp_try_long_nop, lp_try_long_nop_at },
};

static int own_offsets(uint64_t *ret)
{
	for (size_t i = 0; i < LP_FORM_COUNT; i++) {
		int r = lp_own_offset(tries[i].at, &ret[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

/* What holds them: a program and a link, or a counter for each. */
struct probes {
	int fds[LP_FORM_COUNT + 1];
	size_t n;
};

static void probes_done(struct probes *p)
{
	while (p->n)
		close(p->fds[--p->n]);
}
LP_CLEANUP_DONE(struct probes, probes_done)

/* A program that does nothing, at all of them. */
static int attach_multi(struct probes *p, const uint64_t *offsets, size_t n)
{
	uint64_t cookies[LP_FORM_COUNT] = { 0 };
	int prog = lp_load_nothing(0, LP_UPROBE_MULTI);

	if (prog < 0)
		return prog;
	p->fds[p->n++] = prog;
	int link = lp_multi_link(prog, LP_OWN_EXE, n, offsets, NULL, cookies, false, getpid());
	if (link >= 0)
		p->fds[p->n++] = link;
	return link;
}

/* Where the kernel does not know that: a counter at each. */
static int attach_counters(struct probes *p, const uint64_t *offsets, size_t n)
{
	lp_auto(lp_fclose) FILE *f = fopen("/sys/bus/event_source/devices/uprobe/type", "re");
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.uprobe_path = (uintptr_t)LP_OWN_EXE,
	};

	if (!f || fscanf(f, "%u", &attr.type) != 1)
		return -ENOENT;
	for (size_t i = 0; i < n; i++) {
		attr.probe_offset = offsets[i];
		long fd = syscall(__NR_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
		if (fd < 0)
			return -errno;
		p->fds[p->n++] = (int)fd;
	}
	return 0;
}

static int attach_from(struct probes *p, const uint64_t *offsets, size_t first)
{
	const size_t n = LP_FORM_COUNT - first;

	if (attach_multi(p, offsets + first, n) >= 0)
		return 0;
	probes_done(p);
	return attach_counters(p, offsets + first, n);
}

/* -errno where that can't be told. */
static int was_stepped(void)
{
	lp_auto(lp_fclose) FILE *f = fopen("/proc/self/maps", "re");
	char line[512];

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f))
		if (strstr(line, "[uprobes]\n"))
			return 1;
	return 0;
}

/* Executes them; was one stepped? */
static int try_some(size_t first, size_t end)
{
	for (size_t i = first; i < end; i++)
		tries[i].run();
	return was_stepped();
}

/* The process that has found one form stepped leaves the others to a child. */
static void go_on_in_child(void)
{
	pid_t pid = fork();

	if (pid > 0)
		waitpid(pid, NULL, 0);
	if (pid != 0)
		_exit(pid > 0 ? 0 : 1);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* Runs in a child. */
static void try_each(const uint64_t *offsets, int out)
{
	uint32_t found = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t next = 0; next < LP_FORM_COUNT;) {
		struct probes probes = { .n = 0 };
		int stepped = 0;

		go_on_in_child();
		if (attach_from(&probes, offsets, next) < 0)
			_exit(1);
		for (; next < LP_FORM_COUNT && !stepped; next++) {
			stepped = try_some(next, next + 1);
			if (stepped < 0)
				_exit(1);
			if (!stepped)
				found |= LP_FORM_BIT(next);
		}
	}
	_exit(write(out, &found, sizeof(found)) == sizeof(found) ? 0 : 1);
}

static uint32_t try_in_children(const uint64_t *offsets)
{
	uint32_t found = 0;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return 0;
	pid_t pid = fork();
	if (pid == 0)
		try_each(offsets, fds[1]);
	close(fds[1]);
	if (pid > 0) {
		if (read(fds[0], &found, sizeof(found)) != sizeof(found))
			found = 0;
		waitpid(pid, NULL, 0);
	}
	close(fds[0]);
	return found;
}

static uint32_t try_here(struct probes *probes, const uint64_t *offsets)
{
	_Static_assert(LP_FORM_LONG_NOP + 1 == LP_FORM_COUNT, "the page tells of one form");

	if (attach_from(probes, offsets, 0) < 0)
		return 0;
	int stepped = try_some(0, LP_FORM_LONG_NOP);
	if (stepped)
		return stepped < 0 ? 0 : try_in_children(offsets);
	stepped = try_some(LP_FORM_LONG_NOP, LP_FORM_COUNT);
	return LP_FORMS_USUAL | (stepped ? 0 : LP_FORM_BIT(LP_FORM_LONG_NOP));
}

/* To take the probes away the kernel takes its time again: nobody waits for that. */
static void *find_out(void *arg)
{
	lp_auto(probes_done) struct probes probes = { .n = 0 };
	struct lp_emulated *e = arg;
	uint64_t offsets[LP_FORM_COUNT];

	if (own_offsets(offsets) >= 0)
		e->found = try_here(&probes, offsets);
	sem_post(&e->answered);
	return NULL;
}

int lp_emulated_begin(struct lp_emulated *e, struct lp_err *err)
{
	*e = (struct lp_emulated){ .found = 0 };
	sem_init(&e->answered, 0, 0);
	int r = lp_thread_start(&e->thread, find_out, e);
	e->is_asked = r >= 0;
	return r < 0 ? lp_err_set(err, -r, "cannot start a thread: %s", strerror(-r)) : 0;
}

int lp_emulated_end(struct lp_emulated *e, uint32_t *ret, struct lp_err *err)
{
	struct timespec until;

	if (!e->is_asked)
		return lp_err_set(err, EINVAL, "not asked");
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ANSWER_SECONDS;
	while (sem_clockwait(&e->answered, CLOCK_MONOTONIC, &until) < 0)
		if (errno != EINTR)
			return lp_err_set(err, errno, "%s", strerror(errno));
	if (!e->found)
		return lp_err_set(err, EIO, "no probe could be tried on our own process");
	*ret = e->found;
	return 0;
}

void lp_emulated_done(struct lp_emulated *e)
{
	if (!e->is_asked)
		return;
	pthread_join(e->thread, NULL);
	sem_destroy(&e->answered);
	e->is_asked = false;
}
