// SPDX-License-Identifier: GPL-2.0-only
/* A child of our own has a probe at one instruction of each form, and executes them. What the kernel can't
 * emulate it executes out of line, in a page that it maps into the process when it needs it first:
 * "[uprobes]". Where there is none, all are emulated. Else they are tried one after the other, those after
 * one that is not in another process each time, which has no such page yet. Nothing is timed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "probe/kernel.h"

#define ANSWER_MS 2000 /* that the child may take */

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

/* A program that does nothing, at all of them: descriptors stay open for as long as the process. */
static int attach_multi(const uint64_t *offsets, size_t n)
{
	uint64_t cookies[LP_FORM_COUNT] = { 0 };
	int prog = lp_load_nothing(0, LP_UPROBE_MULTI);

	return prog < 0 ? prog
			: lp_multi_link(prog, LP_OWN_EXE, n, offsets, NULL, cookies, false,
					getpid());
}

/* Where the kernel does not know that: a counter at each. */
static int attach_counters(const uint64_t *offsets, size_t n)
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
		if (syscall(__NR_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC) < 0)
			return -errno;
	}
	return 0;
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

static void attach_from(const uint64_t *offsets, size_t next)
{
	const size_t n = LP_FORM_COUNT - next;

	if (attach_multi(offsets + next, n) < 0 && attach_counters(offsets + next, n) < 0)
		_exit(1);
}

/* Executes them; was one stepped? */
static bool try_some(size_t first, size_t end)
{
	for (size_t i = first; i < end; i++)
		tries[i].run();

	int stepped = was_stepped();
	if (stepped < 0)
		_exit(1);
	return stepped;
}

static uint32_t try_each(const uint64_t *offsets)
{
	uint32_t found = 0;

	for (size_t next = 0; next < LP_FORM_COUNT;) {
		bool stepped = false;

		go_on_in_child();
		attach_from(offsets, next);
		for (; next < LP_FORM_COUNT && !stepped; next++) {
			stepped = try_some(next, next + 1);
			if (!stepped)
				found |= LP_FORM_BIT(next);
		}
	}
	return found;
}

static void try_all(const uint64_t *offsets, int out)
{
	uint32_t found = LP_FORM_BIT(LP_FORM_COUNT) - 1;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	attach_from(offsets, 0);
	if (try_some(0, LP_FORM_COUNT))
		found = try_each(offsets);
	_exit(write(out, &found, sizeof(found)) == sizeof(found) ? 0 : 1);
}

int lp_emulated_begin(struct lp_emulated *e, struct lp_err *err)
{
	uint64_t offsets[LP_FORM_COUNT];
	int fds[2], r = own_offsets(offsets);

	if (r < 0)
		return lp_err_set(err, -r, "our own executable: %s", strerror(-r));
	if (pipe2(fds, O_CLOEXEC) < 0)
		return lp_err_set(err, errno, "pipe: %s", strerror(errno));
	pid_t pid = fork();
	if (pid == 0)
		try_all(offsets, fds[1]);
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return lp_err_set(err, errno, "fork: %s", strerror(errno));
	}
	*e = (struct lp_emulated){ .pid = pid, .fd = fds[0] };
	return 0;
}

int lp_emulated_end(struct lp_emulated *e, uint32_t *ret, struct lp_err *err)
{
	struct pollfd p = { .fd = e->fd, .events = POLLIN };
	uint32_t found;

	if (e->pid <= 0)
		return lp_err_set(err, EINVAL, "not asked");
	if (poll(&p, 1, ANSWER_MS) != 1 || read(e->fd, &found, sizeof(found)) != sizeof(found))
		return lp_err_set(err, EIO, "no probe could be tried on a process of our own");
	*ret = found;
	return 0;
}

void lp_emulated_done(struct lp_emulated *e)
{
	if (e->pid <= 0)
		return;
	close(e->fd);
	kill(e->pid, SIGKILL);
	waitpid(e->pid, NULL, 0);
	e->pid = 0;
}
