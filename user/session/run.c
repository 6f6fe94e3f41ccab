// SPDX-License-Identifier: GPL-2.0-only
#include "session/internal.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

#define AWAKE_PERIOD  (4 * LP_NS_PER_MS) /* between two looks at the ring while records come */
#define IMPORT_PERIOD LP_NS_PER_MS /* the same while code objects are made, to arm what comes */
#define AWAKE_FOR     (20 * LP_NS_PER_MS) /* after the last record */
#define ARM_PERIOD    (5 * LP_NS_PER_MS)  /* for what is postponed, between two looks */
#define REORDER	      (2 * LP_NS_PER_MS)  /* a record may come so much after a later one */
#define SCAN_PERIOD   LP_NS_PER_S	  /* for mappings that no loader told of */

/* What epoll reports: a process by its pid, else one of these. */
enum wake { WAKE_RING = -1, WAKE_SIGNAL = -2, WAKE_CGROUP = -3 };

int session_poll(struct lp_session *s, int fd, pid_t pid, struct lp_err *err)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = (uint64_t)(int64_t)pid };

	if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0 && errno != EEXIST)
		return lp_err_set(err, errno, "epoll: %s", strerror(errno));
	return 0;
}

int session_catch_signals(struct lp_session *s, struct lp_err *err)
{
	struct sigaction hangup;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	/* nohup has it ignored, which a blocked signal would not be */
	if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
		sigaddset(&set, SIGHUP);
	if (s->opts->last)
		sigaddset(&set, SIGUSR1);
	if (sigprocmask(SIG_BLOCK, &set, &s->old_signals) < 0)
		return lp_err_set(err, errno, "sigprocmask: %s", strerror(errno));
	s->signals_blocked = true;
	s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signal_fd < 0)
		return lp_err_set(err, errno, "signalfd: %s", strerror(errno));
	return 0;
}

static int prepare(struct lp_session *s, struct lp_err *err)
{
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll_fd < 0)
		return lp_err_set(err, errno, "epoll: %s", strerror(errno));
	int r = session_poll(s, s->signal_fd, WAKE_SIGNAL, err);
	if (r >= 0)
		r = session_poll(s, lp_kernel_fd(s->kernel), WAKE_RING, err);
	if (r >= 0 && s->cgroup[0])
		r = session_watch_cgroup(s, err);
	if (r >= 0 && s->cgroup_fd >= 0)
		r = session_poll(s, s->cgroup_fd, WAKE_CGROUP, err);
	lp_vec_each (&s->inv.procs, p)
		if (r >= 0)
			r = session_poll(s, (*p)->pidfd, (*p)->info.pid, err);

	uint64_t now = lp_now();
	s->deadline = s->opts->duration ? now + s->opts->duration : 0;
	s->next_scan = now + SCAN_PERIOD;
	s->next_tick = now + BUDGET_TICK;
	s->last_record = now;
	return r;
}

/* The first interrupt from the terminal goes to the command as well, and we end when it does. */
static void on_signal(struct lp_session *s, const struct signalfd_siginfo *si)
{
	bool running = s->child && !s->child_done;

	if (si->ssi_signo == SIGCHLD) {
		session_reap_child(s, false);
		if (s->child_done && !s->finish)
			s->finish = FINISH_ENDED;
		return;
	}
	if (si->ssi_signo == SIGUSR1) {
		s->dump_due = true;
		return;
	}
	if (running && !s->interrupted) {
		s->interrupted = true;
		if (si->ssi_signo != SIGINT)
			kill(s->child, (int)si->ssi_signo);
		return;
	}
	s->finish = FINISH_SIGNAL;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return b && b < a ? b : a;
}

struct drain {
	struct lp_session *s;
	struct lp_err *err;
};

static int on_record(const void *record, size_t len, void *arg)
{
	struct drain *d = arg;
	const struct lp_record *rec = record;

	/* a process may end soon: its mappings are read at once, not when its turn comes */
	if (len >= sizeof(*rec) && (rec->kind == LP_REC_EXEC || rec->kind == LP_REC_FORK ||
				    rec->kind == LP_REC_MAPS || rec->kind == LP_REC_CODE))
		return session_notice(d->s, rec, NULL);
	if (len >= sizeof(*rec) && rec->kind == LP_REC_HIT)
		session_crash_arrived(d->s, rec, len);
	return lp_collect_feed(d->s->collect, record, len, d->err);
}

/* Reads what there is, hands on what no earlier record can come before any more. */
static int drain(struct lp_session *s, bool all, struct lp_err *err)
{
	struct drain d = { .s = s, .err = err };
	uint64_t now = lp_now(), until;

	int n = lp_kernel_drain(s->kernel, now, on_record, &d, &until);
	if (n < 0)
		return n;
	if (n)
		s->last_record = now;
	const bool every = all || (!n && until == now);
	const uint64_t before = until > REORDER ? until - REORDER : 0;
	int r = lp_collect_flush(s->collect, every ? UINT64_MAX : before, err);
	if (r < 0)
		return r;
	s->flushed = every ? now : before;
	if (s->opts->last)
		session_recorder_go(s, all);
	if (!s->failure.code && s->finish != FINISH_PIPE)
		session_handed_on(s, 0, s->ops->flush(s->arg, &s->failure));
	return n;
}

/* What it did is told while its mappings are still known. */
static void on_end_of(struct lp_session *s, pid_t pid)
{
	if (drain(s, true, &s->failure) >= 0)
		session_target_gone(s, pid);
}

static void on_wake(struct lp_session *s, int64_t what)
{
	struct signalfd_siginfo si;

	if (what == WAKE_RING)
		lp_kernel_awake(s->kernel);
	else if (what == WAKE_CGROUP)
		session_cgroup_changed(s);
	else if (what != WAKE_SIGNAL)
		on_end_of(s, (pid_t)what);
	else
		while (read(s->signal_fd, &si, sizeof(si)) == sizeof(si))
			on_signal(s, &si);
}

static int wait_for(struct lp_session *s, uint64_t until, struct lp_err *err)
{
	struct epoll_event evs[64];
	uint64_t now = lp_now();
	uint64_t ms = until > now ? (until - now + LP_NS_PER_MS - 1) / LP_NS_PER_MS : 0;

	int n = epoll_wait(s->epoll_fd, evs, LP_ARRAY_SIZE(evs), ms > 60000 ? 60000 : (int)ms);
	if (n < 0 && errno != EINTR)
		return lp_err_set(err, errno, "epoll: %s", strerror(errno));
	for (int i = 0; i < n; i++)
		on_wake(s, (int64_t)evs[i].data.u64);
	return 0;
}

static void tick(struct lp_session *s, uint64_t now)
{
	/* what is due soon is done now, so that it needs no wake-up of its own */
	const bool ticks = now >= s->next_tick;

	session_detach_retired(s);
	if (ticks) {
		session_budget_tick(s);
		s->next_tick = lp_now() + BUDGET_TICK;
	}
	if (now + (ticks ? BUDGET_TICK : 0) >= s->next_scan) {
		if (s->dynamic)
			session_rescan_all(s);
		s->next_scan = now + SCAN_PERIOD;
	}
	s->more_to_arm = session_arm_postponed(s, now + ARM_PERIOD);
	if (s->next_refresh && now >= s->next_refresh)
		session_python_refresh(s);
	session_python_sweep(s);
	session_python_forget(s);
	if (s->deadline && now >= s->deadline && !s->finish)
		s->finish = FINISH_LIMIT;
}

/* When to look again: soon while records come, else when one does or something is due. */
static uint64_t next_look(struct lp_session *s, uint64_t now)
{
	uint64_t until = now + 60 * LP_NS_PER_S;

	if (s->more_to_arm)
		return now;
	if (s->opts->max_overhead >= 0)
		until = earlier(until, s->next_tick);
	if (s->dynamic)
		until = earlier(until, s->next_scan);
	until = earlier(until, s->deadline);
	until = earlier(until, s->next_refresh);
	if (now - s->last_record < AWAKE_FOR || !lp_kernel_sleep(s->kernel))
		until = earlier(until, now + (s->next_refresh ? IMPORT_PERIOD : AWAKE_PERIOD));
	return until;
}

int lp_session_run(struct lp_session *s, struct lp_err *err)
{
	int r = prepare(s, err);

	if (r >= 0)
		r = session_release_child(s, err);
	while (r >= 0 && !s->finish && !s->failure.code) {
		r = drain(s, s->dump_due && !s->recorder.busy, err);
		if (r < 0)
			break;
		tick(s, lp_now());
		if (s->finish)
			break;
		r = wait_for(s, s->recorder.busy ? 0 : next_look(s, lp_now()), err);
	}
	if (r >= 0 && s->failure.code) {
		*err = s->failure;
		s->failure_told = true;
		r = -err->code;
	}
	return r < 0 ? r : 0;
}

int lp_session_finish(struct lp_session *s, struct lp_err *err)
{
	if (s->finished || !s->kernel || !s->collect)
		return 0;
	session_detach_all(s);
	s->finished = true;
	s->dump_due = s->opts->last;

	int r = drain(s, true, err);
	if (r >= 0 && s->failure.code && !s->failure_told) {
		*err = s->failure;
		r = -err->code;
	}
	return r < 0 ? r : 0;
}
