// SPDX-License-Identifier: GPL-2.0-only
/* The programs for instructions that fail on the way to a probe (bpf/fault.h): beside lean programs an
 * object of their own, else, as that of crashes, a second copy of all, in which nothing sleeps.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/thread.h"
#include "lp/fault.h"
#include "probe/kernel.h"

#include "fault.skel.h"
#include "logpoint.skel.h"

#define WATCH "watch signals"

/* Of either object. */
struct parts {
	struct bpf_program *deliver, *returns;
	struct bpf_map *windows;
	volatile __u64 *entry;
	volatile __u32 *tester, *n_returns;
};

#define PARTS_OF(s)                                                                                \
	((struct parts){                                                                           \
		.deliver = (s)->progs.lp_fault_deliver,                                            \
		.returns = (s)->progs.lp_fault_return,                                             \
		.windows = (s)->maps.windows,                                                      \
		.entry = &(s)->bss->lp_fault_entry,                                                \
		.tester = &(s)->bss->lp_fault_tester,                                              \
		.n_returns = &(s)->bss->lp_fault_returns,                                          \
	})

static int load_lean(struct lp_kernel *k, struct lp_err *err)
{
	struct lp_open_opts o;
	struct fault_bpf *s = fault_bpf__open_opts(lp_open_opts(&o, k->beside.types));

	int r = lp_opened(s, err);

	if (r < 0)
		return r;
	k->faults.lean = s;
	s->rodata->lp_fixed = *k->native.fixed;
	bpf_map__set_max_entries(s->maps.windows, LP_WINDOWS_MAX);
	r = lp_share_maps(s->obj, lp_programs_object(k), err);
	if (r >= 0 && (r = fault_bpf__load(s)) < 0)
		lp_err_load(err, r);
	return r;
}

static int map_windows(struct lp_kernel *k, const struct parts *p, struct lp_err *err)
{
	struct lp_shared_map *m = &k->faults.windows;

	m->size = LP_WINDOWS_MAX * sizeof(struct lp_fault_window);
	m->data =
		mmap(NULL, m->size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(p->windows), 0);
	if (m->data != MAP_FAILED)
		return 0;
	m->data = NULL;
	return lp_err_set(err, errno, "cannot map 'windows': %s", strerror(errno));
}

static void on_signal(int number)
{
	(void)number;
}

/* A signal whose handler returns. By default it does nothing, and nobody sends it to us. */
static void return_from_handler(void)
{
	struct sigaction act = { .sa_handler = on_signal }, before;
	sigset_t one, old;

	if (sigaction(SIGURG, &act, &before) < 0)
		return;
	sigemptyset(&one);
	sigaddset(&one, SIGURG);
	pthread_sigmask(SIG_UNBLOCK, &one, &old);
	pthread_kill(pthread_self(), SIGURG);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	sigaction(SIGURG, &before, NULL);
}

/* How the kernel is entered for a system call is learnt in one of our own; then a return is tried. */
static int learn_returns(struct lp_kernel *k, const struct parts *p, struct lp_err *err)
{
	LIBBPF_OPTS(bpf_test_run_opts, run);

	*p->tester = 1;
	int r = bpf_prog_test_run_opts(bpf_program__fd(p->returns), &run);
	if (r < 0)
		return lp_err_set(err, -r, "a BPF program can't be tried: %s", strerror(-r));
	r = lp_attach_tracepoint(p->returns, WATCH, &k->faults.returns, err);
	if (r < 0)
		return r;
	return_from_handler();
	*p->tester = 0;
	if (*p->entry <= 1 || !*p->n_returns)
		return lp_err_set(err, ENOTSUP,
				  "this kernel does not tell when a signal's handler returns");
	return 0;
}

static int load(struct lp_kernel *k, bool lean, struct lp_err *err)
{
	int r = lean ? 0 : lp_programs_grow(k, err);

	if (r >= 0)
		r = k->skel ? lp_awake_load(k, "lp_fault_", k->beside.types, &k->faults.full, err)
			    : load_lean(k, err);
	return r;
}

/* Lean ones beside those that they belong to: to be loaded together takes less than one after the other.
 * All that differs is left for later.
 */
static void *load_beside(void *arg)
{
	struct lp_kernel *k = arg;

	if (lp_beside_await(&k->beside, LP_STAGE_MAPS)) {
		load_lean(k, &k->faults.err);
		k->faults.is_loaded = true;
	}
	return NULL;
}

void lp_kernel_foretell_cover(struct lp_kernel *k, bool lean)
{
	if (lean && k->conf.covers && lp_programs_are_lean(k))
		k->faults.is_foretold = !lp_thread_start(&k->faults.thread, load_beside, k);
}

static void await_load(struct lp_faults *f)
{
	if (f->is_foretold)
		pthread_join(f->thread, NULL);
	f->is_foretold = false;
}

static int start(struct lp_kernel *k, struct lp_err *err)
{
	const struct parts p = k->faults.full ? PARTS_OF(k->faults.full) : PARTS_OF(k->faults.lean);
	int r = map_windows(k, &p, err);

	if (r >= 0)
		r = learn_returns(k, &p, err);
	return r < 0 ? r : lp_attach_tracepoint(p.deliver, WATCH, &k->faults.deliver, err);
}

int lp_kernel_cover(struct lp_kernel *k, bool lean, struct lp_err *err)
{
	struct lp_faults *f = &k->faults;

	if (!k->conf.covers)
		return lp_err_set(err, EINVAL, "loaded without what that needs");
	await_load(f);
	if (!f->is_loaded)
		load(k, lean, &f->err);
	f->is_loaded = true;
	if (!f->is_tried && !f->err.code && start(k, &f->err) < 0)
		lp_kernel_detach_covers(k);
	f->is_tried = true;
	if (f->err.code) {
		*err = f->err;
		return -f->err.code;
	}
	if (!lean && !f->full)
		return lp_err_set(err, ENOTSUP, "that needs programs that were not loaded before");
	return 0;
}

static struct lp_fault_window *free_window(struct lp_kernel *k)
{
	struct lp_fault_window *all = k->faults.windows.data;
	volatile struct lp_live *live = k->native.live;

	for (uint32_t i = 0; i < live->n_windows; i++)
		if (all[i].site == LP_FAULT_NONE)
			return &all[i];
	return live->n_windows < LP_WINDOWS_MAX ? &all[live->n_windows] : NULL;
}

int lp_kernel_cover_site(struct lp_kernel *k, uint32_t site, const struct lp_fault_window *window,
			 struct lp_err *err)
{
	struct lp_fault_window *w = k->faults.deliver ? free_window(k) : NULL;

	if (!w)
		return lp_err_set(err, ENOSPC, "more than %d probes behind what can fail",
				  LP_WINDOWS_MAX);
	struct lp_fault_window made = *window;
	made.site = LP_FAULT_NONE;
	*w = made;
	__atomic_store_n(&w->site, site, __ATOMIC_RELEASE);

	const uint32_t n = (uint32_t)(w - (struct lp_fault_window *)k->faults.windows.data) + 1;
	if (n > k->native.live->n_windows)
		k->native.live->n_windows = n;
	return 0;
}

void lp_kernel_uncover_site(struct lp_kernel *k, uint32_t site)
{
	struct lp_fault_window *all = k->faults.windows.data;

	for (uint32_t i = 0; all && i < k->native.live->n_windows; i++)
		if (all[i].site == site)
			__atomic_store_n(&all[i].site, LP_FAULT_NONE, __ATOMIC_RELEASE);
}

void lp_kernel_detach_covers(struct lp_kernel *k)
{
	bpf_link__destroy(k->faults.deliver);
	bpf_link__destroy(k->faults.returns);
	k->faults.deliver = k->faults.returns = NULL;
}

void lp_fault_free(struct lp_kernel *k)
{
	struct lp_shared_map *m = &k->faults.windows;

	await_load(&k->faults);
	lp_kernel_detach_covers(k);
	if (m->data)
		munmap(m->data, m->size);
	fault_bpf__destroy(k->faults.lean);
	logpoint_bpf__destroy(k->faults.full);
}
