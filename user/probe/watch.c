// SPDX-License-Identifier: GPL-2.0-only
/* A watched byte: one perf event of the kernel's for each thread that there is, inherited by those
 * that start later (perf_event_open(2), PERF_TYPE_BREAKPOINT). A thread that starts while we are at
 * work may get one of its own and inherit another: the kernel side then counts one of the two.
 *
 * What a thread inherits is what its maker has when the kernel begins to make it (kernel/fork.c:
 * copy_process()), which can be long before it can be seen. So threads that each start the next one may
 * always be one ahead. Where new ones are seen while we are at work the byte is watched on each processor
 * instead: in whatever runs there, the kernel side knows whose hits are meant.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "probe/kernel.h"

#include "logpoint.skel.h"

#define SLOTS_MAX  16 /* more than any processor has */
#define ROUNDS_MAX 32 /* looks for threads that started meanwhile */
#define SETTLE_US  500
#define SETTLED	   3	  /* looks at which nothing has changed */
#define CLONE_NS   200000 /* what it takes to make a thread, and more */

struct watched_thread {
	pid_t tid;
	int fd;
	uint64_t ran; /* ns, when it got its event */
};

struct lp_watch {
	struct lp_kernel *k;
	pid_t pid;
	uint64_t addr;
	bool inherit_thread, remove_on_exec; /* as long as the kernel knows them */
	bool may_miss;
	bool by_processor; /* it is a user of the byte's, and has none of threads */
	LP_VEC(struct watched_thread) threads;
};

/* Bits that a kernel does not know are EINVAL. */
static void fill_attr(struct perf_event_attr *attr, uint64_t addr)
{
	*attr = (struct perf_event_attr){
		.type = PERF_TYPE_BREAKPOINT,
		.size = sizeof(*attr),
		.bp_type = HW_BREAKPOINT_RW,
		.bp_addr = addr,
		.bp_len = HW_BREAKPOINT_LEN_1,
		.sample_period = 1,
		.exclude_kernel = 1,
		.exclude_hv = 1,
		.disabled = 1,
	};
}

static int perf_open(const struct perf_event_attr *attr, pid_t tid, int cpu)
{
	int fd = (int)syscall(__NR_perf_event_open, attr, tid, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* A service of a thousand threads needs more descriptors than the usual 1024. */
static bool more_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == limit.rlim_max)
		return false;
	limit.rlim_cur = limit.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

/* Its number tells the kernel side by which of a thread's events a hit comes: those that inherit one have it,
 * too (bpf/watch.h). The kernel has no use for it.
 */
static int open_event(struct lp_watch *w, pid_t tid, int cpu, uint64_t number)
{
	struct perf_event_attr attr;
	int r;

	fill_attr(&attr, w->addr);
	attr.config = number;
	attr.inherit = tid >= 0;
	for (;;) {
		attr.inherit_thread = attr.inherit && w->inherit_thread;
		attr.remove_on_exec = attr.inherit && w->remove_on_exec;
		r = perf_open(&attr, tid, cpu);
		if (r == -EINVAL && attr.inherit_thread)
			w->inherit_thread = false;
		else if (r == -EINVAL && attr.remove_on_exec)
			w->remove_on_exec = false;
		else if (r != -EMFILE || !more_descriptors())
			return r;
	}
}

static bool is_covered(const struct lp_watch *w, pid_t tid)
{
	lp_vec_each (&w->threads, t)
		if (t->tid == tid)
			return true;
	return false;
}

static int no_slot(struct lp_watch *w, pid_t tid, struct lp_err *err)
{
	char others[512];
	size_t own = 0;

	lp_vec_each (&w->k->watches, other)
		own += (*other)->pid == w->pid;
	lp_watch_holders(w->pid, others, sizeof(others));
	return lp_err_set(err, ENOSPC,
			  "no hardware watchpoint is free in thread %d of process %d: of the "
			  "processor's %u, %zu %s taken by logpoints of this session%s%s",
			  (int)tid, (int)w->pid, lp_watch_slots(), own, own == 1 ? "is" : "are",
			  *others ? ", others perhaps by " : "", others);
}

static int watch_error(struct lp_watch *w, pid_t tid, int r, struct lp_err *err)
{
	if (r == -ENOSPC)
		return no_slot(w, tid, err);
	if (r == -EPERM || r == -EACCES)
		return lp_err_permission(err, r, "watch memory of the process");
	if (r == -EMFILE)
		return lp_err_set(err, EMFILE,
				  "process %d has more threads than descriptors may be open "
				  "(ulimit -n)",
				  (int)w->pid);
	return lp_err_set(err, -r, "thread %d of process %d: cannot watch 0x%" PRIx64 ": %s",
			  (int)tid, (int)w->pid, w->addr, strerror(-r));
}

/* A descriptor */
static int add_event(struct lp_watch *w, pid_t tid, int cpu, uint64_t number)
{
	int prog = bpf_program__fd(w->k->skel->progs.lp_watch);
	int r = open_event(w, tid, cpu, number);

	if (r < 0)
		return r;

	lp_auto(lp_close) int fd = r;
	if (ioctl(fd, PERF_EVENT_IOC_SET_BPF, prog) < 0)
		return -errno;
	r = fd;
	fd = -1;
	return r;
}

/* 1: the thread has ended, and needs none. Where a thread that has just started has no watchpoint
 * left it has inherited ours.
 */
static int add_thread(struct lp_watch *w, pid_t tid, bool is_late, struct lp_err *err)
{
	struct watched_thread t = { .tid = tid };

	if (lp_vec_reserve(&w->threads, w->threads.len + 1) < 0)
		return lp_err_nomem(err);
	t.fd = add_event(w, tid, -1, ++w->k->watch_events);
	if (t.fd == -ESRCH)
		return 1;
	if (t.fd < 0)
		return is_late && t.fd == -ENOSPC ? 0 : watch_error(w, tid, t.fd, err);
	t.ran = lp_thread_ran(w->pid, tid);
	return lp_vec_push(&w->threads, t);
}

static void drop_events(struct lp_watch *w)
{
	lp_vec_each (&w->threads, t)
		close(t->fd);
	w->threads.len = 0;
}

static struct lp_watched *byte_of(struct lp_kernel *k, uint64_t addr)
{
	lp_vec_each (&k->watched, byte)
		if (byte->addr == addr)
			return byte;
	return NULL;
}

static void close_processors(struct lp_watched *byte)
{
	lp_vec_each (&byte->processors, fd)
		close(*fd);
	lp_vec_done(&byte->processors);
}

/* On every processor that works. */
static int open_processors(struct lp_watch *w, struct lp_watched *byte)
{
	const uint64_t number = ++w->k->watch_events;

	if (lp_vec_reserve(&byte->processors, w->k->cpus) < 0)
		return -ENOMEM;
	for (uint32_t cpu = 0; cpu < w->k->cpus; cpu++) {
		int r = add_event(w, -1, (int)cpu, number);

		if (r == -ENODEV)
			continue;
		if (r < 0 || (r = lp_vec_push(&byte->processors, r)) < 0) {
			close_processors(byte);
			return r;
		}
	}
	return 0;
}

/* In place of the threads' events: a processor has few for both, and for all processes that have the byte. */
static int watch_processors(struct lp_watch *w)
{
	struct lp_watched *byte = byte_of(w->k, w->addr);
	int r = 0;

	drop_events(w);
	if (!byte->users)
		r = open_processors(w, byte);
	if (r < 0)
		return r;
	byte->users++;
	w->by_processor = true;
	return 0;
}

/* A listing ends where the thread ends that it has come to (kernel: fs/proc/base.c: next_tid()). */
static bool is_whole(DIR *dir, size_t listed)
{
	struct stat st;

	return fstat(dirfd(dir), &st) < 0 || listed + 2 >= st.st_nlink;
}

/* What one look at the threads has found. */
struct look {
	bool is_whole;	 /* all were listed */
	size_t n, known; /* that had no event; that had one, or have ended */
};

/* Every thread that is there and not covered gets an event. */
static int cover_round(struct lp_watch *w, bool is_late, struct look *ret, struct lp_err *err)
{
	char path[32];
	struct look look = { 0 };
	int r = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)w->pid);
	DIR *dir = opendir(path);
	if (!dir)
		return lp_err_set(err, ESRCH, "process %d is gone", (int)w->pid);
	for (struct dirent *e; r >= 0 && (e = readdir(dir));) {
		pid_t tid = (pid_t)atoi(e->d_name);

		if (tid <= 0)
			continue;
		if (is_covered(w, tid)) {
			look.known++;
			continue;
		}
		r = add_thread(w, tid, is_late, err);
		look.n += !r;
		look.known += r > 0;
	}
	look.is_whole = is_whole(dir, look.n + look.known);
	closedir(dir);
	*ret = look;
	return r < 0 ? r : 0;
}

/* Threads come or go while we look. */
static bool is_restless(const struct lp_watch *w, const struct look *look)
{
	return look->n || !look->is_whole || look->known < w->threads.len;
}

/* None is still at making one that inherits what it had before its event. */
static bool have_gone_on(const struct lp_watch *w)
{
	lp_vec_each (&w->threads, t)
		if (!lp_thread_went_on(w->pid, t->tid, t->ran, CLONE_NS))
			return false;
	return true;
}

/* Until nothing has changed for some looks, in which each thread has had time to go on: one that is just
 * being started inherits what there was before, and is not seen yet. Whether one that is new has inherited
 * an event can't be told: the one that started it may be gone. So all go over to events of processors, while
 * none is switched on yet. Where those can't be had each thread that is seen gets its own; none without one
 * is likely to be left after some rounds.
 */
static int cover(struct lp_watch *w, bool is_first, struct lp_err *err)
{
	bool is_late = !is_first, may_leave = is_first;
	int settled = 0;

	if (w->by_processor || (byte_of(w->k, w->addr)->users && watch_processors(w) >= 0))
		return 0;

	for (int round = 0; round < ROUNDS_MAX && settled < SETTLED; round++) {
		struct look look = { 0 };
		int r = cover_round(w, is_late, &look, err);

		if (r < 0)
			return r;
		if (is_late && look.n)
			w->k->native.live->watch_twice = 1;
		if (is_late && may_leave && is_restless(w, &look)) {
			if (watch_processors(w) >= 0)
				return 0;
			may_leave = is_late = false;
			continue;
		}
		is_late = is_late || look.is_whole;
		settled = look.n || !look.is_whole ? 0 : settled + 1;
		if (settled == SETTLED && !have_gone_on(w))
			settled--;
		if (settled && settled < SETTLED)
			usleep(SETTLE_US);
	}
	if (settled < SETTLED && may_leave) {
		struct look look;

		if (watch_processors(w) >= 0)
			return 0;
		int r = cover_round(w, false, &look, err);
		if (r < 0)
			return r;
	}
	w->may_miss = settled < SETTLED;
	if (!w->threads.len)
		return lp_err_set(err, ESRCH, "process %d is gone", (int)w->pid);
	return 0;
}

static void switch_all(struct lp_watch *w, unsigned long request)
{
	lp_vec_each (&w->threads, t)
		ioctl(t->fd, request, 0);
}

static void switch_processors(struct lp_watched *byte, unsigned long request)
{
	lp_vec_each (&byte->processors, fd)
		ioctl(*fd, request, 0);
}

static void switch_on(struct lp_watch *w)
{
	if (w->by_processor)
		switch_processors(byte_of(w->k, w->addr), PERF_EVENT_IOC_ENABLE);
	switch_all(w, PERF_EVENT_IOC_ENABLE);
}

static void count_fired(struct lp_watched *byte, int fd)
{
	uint64_t n;

	if (read(fd, &n, sizeof(n)) == sizeof(n))
		byte->fired += n;
}

/* Once events are switched off no hit is on its way any more. */
static void leave_byte(struct lp_watch *w, struct lp_watched *byte)
{
	switch_all(w, PERF_EVENT_IOC_DISABLE);
	lp_vec_each (&w->threads, t)
		count_fired(byte, t->fd);
	if (!w->by_processor || --byte->users)
		return;
	switch_processors(byte, PERF_EVENT_IOC_DISABLE);
	lp_vec_each (&byte->processors, fd)
		count_fired(byte, *fd);
	close_processors(byte);
}

void lp_watch_free(struct lp_watch *w)
{
	if (!w)
		return;
	struct lp_watched *byte = byte_of(w->k, w->addr);
	if (byte)
		leave_byte(w, byte);
	drop_events(w);
	for (size_t i = 0; i < w->k->watches.len; i++)
		if (w->k->watches.data[i] == w)
			w->k->watches.data[i] = w->k->watches.data[--w->k->watches.len];
	lp_vec_done(&w->threads);
	free(w);
}

/* The byte's counter, once for all processes that have it. */
static int note_byte(struct lp_kernel *k, uint64_t addr, struct lp_err *err)
{
	struct lp_watched byte = { .addr = addr };

	if (byte_of(k, addr))
		return 0;
	if (lp_vec_push(&k->watched, byte) < 0)
		return lp_err_nomem(err);
	return lp_watch_note_runs(k, addr, err);
}

uint64_t lp_kernel_unseen(struct lp_kernel *k, uint64_t addr)
{
	const struct lp_watched *byte = byte_of(k, addr);
	struct lp_watch_runs runs;

	lp_watch_runs(k, addr, &runs);
	return byte && byte->fired > runs.all ? byte->fired - runs.all : 0;
}

void lp_kernel_forget_byte(struct lp_kernel *k, uint64_t addr)
{
	lp_vec_each (&k->watches, w)
		if ((*w)->addr == addr)
			return;
	for (size_t i = 0; i < k->watched.len; i++) {
		if (k->watched.data[i].addr != addr)
			continue;
		k->watched.data[i] = k->watched.data[--k->watched.len];
		lp_watch_forget_runs(k, addr);
		return;
	}
}

uint64_t lp_kernel_step_runs(struct lp_kernel *k, uint32_t site)
{
	struct lp_watch_runs runs;

	lp_watch_runs(k, LP_STEP_RUNS | site, &runs);
	return runs.all;
}

/* The same byte in another process: this one may have been forked from it, and have its events. */
static bool may_inherit(const struct lp_watch *w)
{
	lp_vec_each (&w->k->watches, other)
		if ((*other)->addr == w->addr && (*other)->pid != w->pid)
			return true;
	return false;
}

static struct lp_watch *watch_new(struct lp_kernel *k, pid_t pid, uint64_t addr)
{
	struct lp_watch *w = calloc(1, sizeof(*w));

	if (w)
		*w = (struct lp_watch){
			.k = k,
			.pid = pid,
			.addr = addr,
			.inherit_thread = !k->conf.follow && k->conf.filter == LP_FILTER_TARGETS &&
					  !k->conf.exe_ino,
			.remove_on_exec = true,
		};
	return w;
}

int lp_kernel_watch(struct lp_kernel *k, pid_t pid, uint64_t addr, struct lp_link **ret,
		    struct lp_err *err)
{
	lp_auto(lp_link_free) struct lp_link *l = lp_link_new();

	if (!l || lp_vec_reserve(&k->watches, k->watches.len + 1) < 0 ||
	    !(l->watch = watch_new(k, pid, addr)))
		return lp_err_nomem(err);
	int r = note_byte(k, addr, err);
	if (may_inherit(l->watch))
		k->native.live->watch_twice = 1;
	if (r >= 0)
		r = cover(l->watch, true, err);
	if (r < 0)
		return r;
	switch_on(l->watch);
	k->watches.data[k->watches.len++] = l->watch;
	*ret = lp_take(l);
	return 0;
}

bool lp_link_may_miss(const struct lp_link *l)
{
	return l->watch && l->watch->may_miss;
}

int lp_link_cover_threads(struct lp_link *l, struct lp_err *err)
{
	if (!l->watch)
		return 0;
	int r = cover(l->watch, false, err);
	if (r >= 0)
		switch_on(l->watch);
	return r;
}

/* They are never enabled. One that has ended meanwhile lacks none. */
uint32_t lp_watch_free_slots_of(pid_t tid)
{
	static const uint8_t nothing;
	struct perf_event_attr attr;
	int fds[SLOTS_MAX];
	uint32_t n = 0;

	fill_attr(&attr, (uintptr_t)&nothing);
	while (n < SLOTS_MAX && (fds[n] = perf_open(&attr, tid, -1)) >= 0)
		n++;
	const bool has_ended = n < SLOTS_MAX && fds[n] == -ESRCH;
	for (uint32_t i = 0; i < n; i++)
		close(fds[i]);
	return has_ended ? SLOTS_MAX : n;
}

uint32_t lp_watch_slots(void)
{
	return lp_watch_free_slots_of(0);
}

uint32_t lp_watch_free_slots(pid_t pid)
{
	uint32_t least = SLOTS_MAX;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	DIR *dir = opendir(path);
	if (!dir)
		return 0;
	for (struct dirent *e; least && (e = readdir(dir));) {
		pid_t tid = (pid_t)atoi(e->d_name);
		uint32_t n = tid > 0 ? lp_watch_free_slots_of(tid) : SLOTS_MAX;

		if (n < least)
			least = n;
	}
	closedir(dir);
	return least;
}

bool lp_watch_fires(void)
{
	static volatile uint8_t byte;
	struct perf_event_attr attr;
	uint64_t n = 0;

	fill_attr(&attr, (uintptr_t)&byte);
	attr.disabled = 0;
	lp_auto(lp_close) int fd = perf_open(&attr, 0, -1);
	if (fd < 0)
		return true; /* what hinders us is told of where one is wanted */
	(void)byte;
	return read(fd, &n, sizeof(n)) == sizeof(n) && n;
}
