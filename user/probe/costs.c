// SPDX-License-Identifier: GPL-2.0-only
/* A child of our own runs three small functions with our programs attached and takes the time. What
 * it logs belongs to a point of its own that lp_kernel_drain() leaves out.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/time.h"
#include "probe/kernel.h"

void lp_cost_emulated(void);
void lp_cost_stepped(void);
void lp_cost_returned(void);

__asm__(".text\n"
	".type lp_cost_emulated,@function\n"
	"lp_cost_emulated: push %rbp\n pop %rbp\n ret\n"
	".size lp_cost_emulated, . - lp_cost_emulated\n"
	".type lp_cost_stepped,@function\n"
	"lp_cost_stepped: mov $5, %eax\n ret\n"
	".size lp_cost_stepped, . - lp_cost_stepped\n"
	".type lp_cost_returned,@function\n"
	"lp_cost_returned: push %rbp\n pop %rbp\n ret\n"
	".size lp_cost_returned, . - lp_cost_returned\n");

static volatile uint8_t watched_byte;

static void read_watched(void)
{
	(void)watched_byte;
}

#define PROBED 3 /* of the loads: those that an attached probe slows down */

static const struct {
	void (*run)(void);
	unsigned int times;
} loads[] = {
	{ lp_cost_emulated, 1000 },
	{ lp_cost_stepped, 200 },
	{ lp_cost_returned, 500 },
	{ read_watched, 200 },
};

#define LOADS LP_ARRAY_SIZE(loads)

/* The best of a few rounds: what the machine does besides is not our cost. */
static uint64_t time_load(void (*run)(void), unsigned int times)
{
	uint64_t best = UINT64_MAX;

	for (int round = 0; round < 4; round++) {
		uint64_t start = lp_clock_ns(CLOCK_MONOTONIC);

		for (unsigned int i = 0; i < times / 4; i++)
			run();

		uint64_t each = (lp_clock_ns(CLOCK_MONOTONIC) - start) / (times / 4);
		if (each < best)
			best = each;
	}
	return best;
}

/* Runs in the child: waits for the word, measures, waits for the end. */
static void child(int in, int out)
{
	uint64_t result[LOADS];
	char word;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (read(in, &word, 1) == 1) {
		for (size_t i = 0; i < LOADS; i++)
			result[i] = time_load(loads[i].run, loads[i].times);
		if (write(out, result, sizeof(result)) == sizeof(result))
			while (read(in, &word, 1) == 1)
				;
	}
	_exit(0);
}

struct worker {
	pid_t pid;
	int in, out; /* ours */
};

static void worker_done(struct worker *w)
{
	if (w->in >= 0)
		close(w->in);
	if (w->out >= 0)
		close(w->out);
	if (w->pid > 0)
		waitpid(w->pid, NULL, 0);
}
LP_CLEANUP_DONE(struct worker, worker_done)

static int worker_start(struct worker *w, struct lp_err *err)
{
	int to[2], from[2];

	if (pipe2(to, O_CLOEXEC) < 0)
		return lp_err_set(err, errno, "pipe: %s", strerror(errno));
	if (pipe2(from, O_CLOEXEC) < 0) {
		close(to[0]);
		close(to[1]);
		return lp_err_set(err, errno, "pipe: %s", strerror(errno));
	}
	w->pid = fork();
	if (w->pid == 0) {
		close(to[1]);
		close(from[0]);
		child(to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	w->out = to[1];
	w->in = from[0];
	return w->pid < 0 ? lp_err_set(err, errno, "fork: %s", strerror(errno)) : 0;
}

/* What a usual logpoint does: two values and a string. */
static const struct lp_insn usual[] = {
	{ .op = LP_OP_GATE },
	{ .op = LP_OP_CAP_MEMM, .b = 7, .n = LP_CAP(0, 4) },
	{ .op = LP_OP_CAP_MEMM, .b = 7, .n = LP_CAP(1, 8), .imm = 128 },
	{ .op = LP_OP_CAP_MACH, .b = 5, .n = LP_CAP(2, 8) },
	{ .op = LP_OP_END },
};
/* The same where memory is not read. */
static const struct lp_insn of_registers[] = {
	{ .op = LP_OP_GATE },
	{ .op = LP_OP_CAP_MACH, .b = 7, .n = LP_CAP(0, 4) },
	{ .op = LP_OP_CAP_MACH, .b = 7, .n = LP_CAP(1, 8) },
	{ .op = LP_OP_CAP_MACH, .b = 5, .n = LP_CAP(2, 8) },
	{ .op = LP_OP_END },
};
_Static_assert(LP_ARRAY_SIZE(usual) == LP_ARRAY_SIZE(of_registers), "of one length");
static const struct lp_insn enter[] = {
	{ .op = LP_OP_CAP_MEMM, .b = 7, .n = LP_CAP(0, 4) },
	{ .op = LP_OP_END },
};

struct cost_sites {
	uint32_t plain[2], enter, leave;
};

static int add_sites(struct lp_kernel *k, struct cost_sites *s, struct lp_err *err)
{
	const struct lp_insn *plain = k->parts & LP_PART_WORDS ? usual : of_registers;
	const size_t n = LP_ARRAY_SIZE(usual);
	struct lp_point point = { .after = LP_POINT_NONE };
	uint32_t p;
	int r;

	if ((r = lp_kernel_add_point(k, &point, &p, err)) < 0 ||
	    (r = lp_kernel_add_site(k, p, LP_SITE_PLAIN, 0, 0, plain, n, &s->plain[0], err)) < 0 ||
	    (r = lp_kernel_add_site(k, p, LP_SITE_PLAIN, 0, 0, plain, n, &s->plain[1], err)) < 0)
		return r;
	k->cost_point = p;
	if (k->conf.no_calls)
		return 0;
	if ((r = lp_kernel_add_site(k, p, LP_SITE_ENTER, 0, UINT32_MAX, enter, LP_ARRAY_SIZE(enter),
				    &s->enter, err)) < 0 ||
	    (r = lp_kernel_add_site(k, p, LP_SITE_LEAVE, 0, UINT32_MAX, usual, n, &s->leave, err)) <
		    0)
		return r;
	return 0;
}

/* With Python alone: the runs of another instruction than the place's are what most runs are. */
static int attach_entries(struct lp_kernel *k, struct lp_attach *at, struct lp_link **ret,
			  struct lp_err *err)
{
	if (!k->conf.no_native)
		return lp_kernel_attach(k, at, ret, err);
	at->n = k->conf.python_steps ? 2 : 0;
	return lp_kernel_attach_steps(k, at, ret, err);
}

static int measure(struct lp_kernel *k, struct worker *w, const struct cost_sites *s,
		   uint64_t *result, struct lp_err *err)
{
	const void *places[] = { (void *)lp_cost_emulated, (void *)lp_cost_stepped,
				 (void *)lp_cost_returned };
	const uint32_t sites[] = { s->plain[0], s->plain[1], s->enter };
	uint64_t offsets[PROBED];
	int r;

	for (size_t i = 0; i < PROBED; i++)
		if ((r = lp_own_offset(places[i], &offsets[i])) < 0)
			return lp_err_set(err, -r, "our own executable: %s", strerror(-r));

	struct lp_attach at = { .path = LP_OWN_EXE,
				.pid = w->pid,
				.n = PROBED - k->conf.no_calls,
				.offsets = offsets,
				.sites = sites };
	lp_auto(lp_link_free) struct lp_link *entries = NULL;
	if ((r = attach_entries(k, &at, &entries, err)) < 0)
		return r;

	struct lp_attach back = { .path = LP_OWN_EXE,
				  .is_return = true,
				  .pid = w->pid,
				  .n = 1,
				  .offsets = &offsets[2],
				  .sites = &s->leave };
	lp_auto(lp_link_free) struct lp_link *returns = NULL;
	if (!k->conf.no_native && !k->conf.no_calls &&
	    (r = lp_kernel_attach(k, &back, &returns, err)) < 0)
		return r;

	lp_auto(lp_link_free) struct lp_link *watch = NULL;
	if (k->conf.python_watch &&
	    (r = lp_kernel_watch(k, w->pid, (uintptr_t)&watched_byte, &watch, err)) < 0)
		return r;

	size_t size = LOADS * sizeof(*result);
	if (write(w->out, "", 1) != 1 || read(w->in, result, size) != (ssize_t)size)
		return lp_err_set(err, EIO, "the process that measures costs has died");
	return 0;
}

int lp_costs_measure(struct lp_kernel *k, struct lp_costs *ret, struct lp_err *err)
{
	lp_auto(worker_done) struct worker w = { .pid = -1, .in = -1, .out = -1 };
	uint64_t result[LOADS];
	struct cost_sites s;
	int r;

	if ((r = worker_start(&w, err)) < 0 || (r = add_sites(k, &s, err)) < 0)
		return r;
	k->native.live->cost_tgid = (uint32_t)w.pid;
	r = measure(k, &w, &s, result, err);
	k->native.live->cost_tgid = 0;
	if (r < 0)
		return lp_err_wrap(err, r, "cannot measure what a hit costs");
	*ret = (struct lp_costs){ .emulated = result[0],
				  .stepped = result[1],
				  .returned = k->conf.no_calls ? 0 : result[2],
				  .watched = k->conf.python_watch && lp_watch_fires() ? result[3]
										      : 0 };
	return 0;
}
