// SPDX-License-Identifier: GPL-2.0-only
/* A link's end waits for the kernel to forget its probes, some 20 ms, though none is hit any more: so
 * there is one link of all items, then one of those that are left, and the last is closed when the
 * result is out.
 */
#include "probe/count.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "base/time.h"
#include "probe/kernel.h"
#include "target/procfs.h"

#define LOOK_EVERY  1000000 /* ns */
#define LONGEST	    4	    /* moments, where the target waits for a CPU */
#define ENOUGH_PART 4	    /* of a moment that the target ran, at least */

/* Of one file; -1: none. */
struct links {
	LP_VEC(int);
};

struct lp_count {
	struct lp_count_spec spec;
	int map, program;
	volatile uint64_t *runs; /* the map: by item */
	size_t size;		 /* of it, in memory */
	bool *keep;
	uint64_t *before, *rates;
	pthread_t thread;
	bool started;
	sem_t ready;
	int error;
};

static bool is_thread_runnable(pid_t pid, const char *tid)
{
	lp_auto(lp_buf_done) struct lp_buf stat = { 0 };
	const char *state = NULL;
	char name[NAME_MAX + 16];

	snprintf(name, sizeof(name), "task/%s/stat", tid);
	if (lp_procfs_read(pid, name, &stat, NULL) == 0 && stat.len)
		state = strrchr(stat.data, ')');
	return state && !strncmp(state, ") R", 3);
}

/* Has or wants any of its threads a CPU? */
static bool is_runnable(pid_t pid)
{
	char path[64];
	struct dirent *entry;
	bool found = false;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	DIR *dir = pid ? opendir(path) : NULL;
	while (dir && !found && (entry = readdir(dir)))
		found = entry->d_name[0] != '.' && is_thread_runnable(pid, entry->d_name);
	if (dir)
		closedir(dir);
	return found;
}

/* Adds one to the map's entry that the cookie says. */
static int load_program(int map)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = LP_UPROBE_MULTI);
	const struct bpf_insn code[] = {
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_get_attach_cookie },
		{ .code = BPF_STX | BPF_MEM | BPF_W, .dst_reg = BPF_REG_10, .off = -4 },
		{ .code = BPF_LD | BPF_DW | BPF_IMM,
		  .dst_reg = BPF_REG_1,
		  .src_reg = BPF_PSEUDO_MAP_FD,
		  .imm = map },
		{ 0 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X,
		  .dst_reg = BPF_REG_2,
		  .src_reg = BPF_REG_10 },
		{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = BPF_REG_2, .imm = -4 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_map_lookup_elem },
		{ .code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = BPF_REG_0, .off = 2 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_1, .imm = 1 },
		{ .code = BPF_STX | BPF_ATOMIC | BPF_DW,
		  .dst_reg = BPF_REG_0,
		  .src_reg = BPF_REG_1,
		  .imm = BPF_ADD },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_KPROBE, "lp_count", "GPL", code, LP_ARRAY_SIZE(code),
			       &opts);

	return fd < 0 ? -errno : fd;
}

static int make_map(struct lp_count *c)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	c->map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "lp_count", sizeof(uint32_t), sizeof(*c->runs),
				(uint32_t)c->spec.n, &opts);
	if (c->map < 0)
		return -errno;
	c->size = (c->spec.n * sizeof(*c->runs) + page - 1) & ~(page - 1);
	void *at = mmap(NULL, c->size, PROT_READ, MAP_SHARED, c->map, 0);
	if (at == MAP_FAILED)
		return -errno;
	c->runs = at;
	return 0;
}

/* --- in the thread --- */

/* The items of one file that are kept, `first` being the first of them. */
static int link_file(struct lp_count *c, size_t first, bool *linked)
{
	const struct lp_count_item *items = c->spec.items;
	LP_VEC(uint64_t) offsets = { 0 }, cookies = { 0 };
	int r = 0;

	for (size_t i = first; i < c->spec.n && r == 0; i++) {
		if (!c->keep[i] || strcmp(items[i].path, items[first].path) != 0)
			continue;
		linked[i] = true;
		for (size_t k = 0; k < items[i].n && r == 0; k++)
			r = lp_vec_push(&offsets, items[i].offsets[k]) < 0 ||
					    lp_vec_push(&cookies, i) < 0
				    ? -ENOMEM
				    : 0;
	}
	if (r == 0)
		r = lp_multi_link(c->program, items[first].path, offsets.len, offsets.data, NULL,
				  cookies.data, false, c->spec.pid);
	lp_vec_done(&offsets);
	lp_vec_done(&cookies);
	return r;
}

static int link_kept(struct lp_count *c, struct links *ret)
{
	lp_auto(lp_free) bool *linked = calloc(c->spec.n, sizeof(*linked));

	if (!linked)
		return -ENOMEM;
	for (size_t i = 0; i < c->spec.n; i++) {
		if (!c->keep[i] || linked[i])
			continue;
		int fd = link_file(c, i, linked);
		if (fd < 0)
			return fd;
		if (lp_vec_push(ret, fd) < 0) {
			close(fd);
			return -ENOMEM;
		}
	}
	return 0;
}

static void links_done(struct links *l)
{
	lp_vec_each (l, fd)
		close(*fd);
	lp_vec_done(l);
}

/* Until the moment is over: false, or one of those that are kept was run into too often. A moment in
 * which others had the CPU that the target wants says little, and is made longer.
 */
static bool count(struct lp_count *c)
{
	const uint64_t start = lp_clock_ns(CLOCK_MONOTONIC), moment = c->spec.moment;
	const struct timespec wait = { .tv_nsec = LOOK_EVERY };
	bool enough = false, over = false;
	uint64_t passed = 0;
	clockid_t clock;

	if (!c->spec.pid || clock_getcpuclockid(c->spec.pid, &clock))
		clock = CLOCK_MONOTONIC;
	const uint64_t ran = lp_clock_ns(clock);
	for (size_t i = 0; i < c->spec.n; i++)
		c->before[i] = c->runs[i];
	while (!enough && !over) {
		nanosleep(&wait, NULL);
		for (size_t i = 0; i < c->spec.n; i++)
			enough =
				enough || (c->keep[i] && c->runs[i] - c->before[i] >= LP_COUNT_MAX);
		passed = lp_clock_ns(CLOCK_MONOTONIC) - start;
		over = passed >= LONGEST * moment ||
		       (passed >= moment && (lp_clock_ns(clock) - ran >= moment / ENOUGH_PART ||
					     !is_runnable(c->spec.pid)));
	}
	const bool starved =
		passed >= LONGEST * moment && lp_clock_ns(clock) - ran < moment / ENOUGH_PART;
	for (size_t i = 0; i < c->spec.n; i++) {
		const uint64_t runs = c->runs[i] - c->before[i];

		if (c->keep[i])
			c->rates[i] =
				runs || !starved ? runs * LP_NS_PER_S / passed : LP_COUNT_UNKNOWN;
	}
	return enough;
}

static void *run(void *arg)
{
	struct lp_count *c = arg;
	struct links all = { 0 }, left = { 0 };

	memset(c->keep, true, c->spec.n * sizeof(*c->keep));
	c->error = link_kept(c, &all);
	if (c->error == 0 && count(c)) {
		for (size_t i = 0; i < c->spec.n; i++)
			c->before[i] = c->runs[i] - c->before[i];
		c->spec.choose(c->spec.arg, c->before, c->keep);
		c->error = link_kept(c, &left);
		links_done(&all);
		if (c->error == 0)
			count(c);
	}
	sem_post(&c->ready);
	links_done(&left);
	links_done(&all);
	return NULL;
}

/* --- */

/* Signals are for the threads that wait for them. */
static int start_thread(struct lp_count *c)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int r = pthread_create(&c->thread, NULL, run, c);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

void lp_count_free(struct lp_count *c)
{
	if (!c)
		return;
	if (c->started) {
		pthread_join(c->thread, NULL);
		sem_destroy(&c->ready);
	}
	if (c->runs)
		munmap((void *)c->runs, c->size);
	if (c->program >= 0)
		close(c->program);
	if (c->map >= 0)
		close(c->map);
	free(c->keep);
	free(c->before);
	free(c->rates);
	free(c);
}

int lp_count_begin(const struct lp_count_spec *spec, struct lp_count **ret, struct lp_err *err)
{
	lp_auto(lp_count_free) struct lp_count *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return lp_err_nomem(err);
	c->spec = *spec;
	c->map = c->program = -1;
	c->keep = calloc(spec->n, sizeof(*c->keep));
	c->before = calloc(spec->n, sizeof(*c->before));
	c->rates = calloc(spec->n, sizeof(*c->rates));
	if (!c->keep || !c->before || !c->rates)
		return lp_err_nomem(err);
	if (!lp_have_uprobe_multi(NULL, 0))
		return lp_err_set(err, ENOTSUP, "the kernel can't take many probes out at once");
	r = make_map(c);
	if (r == 0)
		r = c->program = load_program(c->map);
	if (r < 0)
		return lp_err_set(err, -r, "cannot load what counts: %s", strerror(-r));
	sem_init(&c->ready, 0, 0);
	r = start_thread(c);
	if (r) {
		sem_destroy(&c->ready);
		return lp_err_set(err, r, "cannot start a thread: %s", strerror(r));
	}
	c->started = true;
	*ret = lp_take(c);
	return 0;
}

int lp_count_end(struct lp_count *c, uint64_t *ret_rates, struct lp_err *err)
{
	while (sem_wait(&c->ready) < 0 && errno == EINTR)
		;
	if (c->error < 0)
		return lp_err_set(err, -c->error, "cannot count: %s", strerror(-c->error));
	memcpy(ret_rates, c->rates, c->spec.n * sizeof(*ret_rates));
	return 0;
}
