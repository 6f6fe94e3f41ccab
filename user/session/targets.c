// SPDX-License-Identifier: GPL-2.0-only
#include "session/internal.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "target/find.h"

static int add_pids(struct lp_session *s, const pid_t *pids, size_t n, bool must,
		    struct lp_err *err)
{
	for (size_t i = 0; i < n; i++) {
		int r = session_add_target(s, pids[i], err);
		if (r == -ENOMEM || (must && r < 0))
			return r;
	}
	return 0;
}

static int find_pids(struct lp_session *s, struct lp_err *err)
{
	const struct lp_target *t = &s->opts->target;

	return add_pids(s, t->pids, t->n_pids, true, err);
}

static int find_in_cgroup(struct lp_session *s, struct lp_err *err)
{
	struct lp_pids pids = { 0 };

	int r = lp_find_cgroup(s->cgroup, &pids, err);
	if (r >= 0)
		r = add_pids(s, pids.data, pids.len, false, err);
	lp_vec_done(&pids);
	return r;
}

static int find_cgroup(struct lp_session *s, struct lp_err *err)
{
	uint64_t id;

	int r = lp_cgroup_open(s->opts->target.path, s->cgroup, &id, err);
	return r < 0 ? r : find_in_cgroup(s, err);
}

static int find_unit(struct lp_session *s, struct lp_err *err)
{
	int r = session_find_unit(s, err);

	return r < 0 ? r : find_in_cgroup(s, err);
}

static int find_exe(struct lp_session *s, struct lp_err *err)
{
	struct lp_pids pids = { 0 };

	int r = lp_inventory_add_file(&s->inv, s->opts->target.path, &s->exe, err);
	if (r >= 0)
		r = lp_find_exe(s->exe->dev, s->exe->ino, &pids, err);
	if (r >= 0)
		r = add_pids(s, pids.data, pids.len, false, err);
	lp_vec_done(&pids);
	return r;
}

int session_find_targets(struct lp_session *s, struct lp_err *err)
{
	static int (*const find[])(struct lp_session * s, struct lp_err * err) = {
		[LP_TARGET_PIDS] = find_pids,	     [LP_TARGET_CGROUP] = find_cgroup,
		[LP_TARGET_UNIT] = find_unit,	     [LP_TARGET_EXE] = find_exe,
		[LP_TARGET_COMMAND] = session_spawn,
	};
	const struct lp_target *t = &s->opts->target;

	int r = find[t->kind](s, err);
	if (r < 0)
		return r;

	s->dynamic = s->cgroup[0];
	lp_vec_each (&s->inv.files, f)
		s->dynamic = s->dynamic || (*f)->dynamic;
	if (!s->opts->follow && t->kind == LP_TARGET_PIDS && t->n_pids == 1)
		s->bound_pid = t->pids[0];
	if (!s->opts->follow && t->kind == LP_TARGET_COMMAND)
		s->bound_pid = s->child;
	return 0;
}

/* What came with the process: a loader and an interpreter to listen to, places in Python, which is
 * quick, and files to look for logpoints in, which can take long.
 */
static void arm_new(struct lp_session *s, pid_t pid)
{
	if (!s->kernel || s->finished)
		return;
	session_watch_loaders(s);
	session_python_watch_makers(s);
	session_python_code(s, pid, 0, 0);
	for (size_t i = 0; i < s->inv.files.len; i++)
		session_arm_file(s, s->inv.files.data[i]);
}

int session_add_target(struct lp_session *s, pid_t pid, struct lp_err *err)
{
	struct lp_proc *p;
	bool known = lp_inventory_process(&s->inv, pid);

	int r = lp_inventory_add_process(&s->inv, pid, &p, err);
	if (r < 0)
		return r;
	if (!known)
		p->began = lp_now();
	session_crash_note(s, p);
	if (!known && s->epoll_fd >= 0)
		r = session_poll(s, p->pidfd, pid, err);
	if (r >= 0 && !known && s->kernel)
		r = session_python_add_target(s, pid, err);
	if (r >= 0)
		arm_new(s, pid);
	return r;
}

void session_target_gone(struct lp_session *s, pid_t pid)
{
	enum lp_target_kind kind = s->opts->target.kind;

	session_python_gone(s, pid);
	lp_inventory_remove_process(&s->inv, pid);
	if (pid == s->child)
		session_reap_child(s, false);
	if (s->kernel)
		lp_kernel_remove_target(s->kernel, pid);

	bool ended = kind == LP_TARGET_COMMAND ? s->child_done
					       : kind == LP_TARGET_PIDS && !s->inv.procs.len;
	if (ended && !s->finish)
		s->finish = FINISH_ENDED;
}

/* A process that ends meanwhile is told of by its descriptor. */
void session_rescan(struct lp_session *s, pid_t pid)
{
	struct lp_err why = { 0 };

	int r = session_add_target(s, pid, &why);
	if (r < 0)
		session_note(s, LP_LOG_VERBOSE, "%s", why.msg);
}

void session_rescan_all(struct lp_session *s)
{
	lp_auto(lp_free) pid_t *pids = calloc(s->inv.procs.len + 1, sizeof(*pids));
	size_t n = 0;

	if (!pids)
		return;
	lp_vec_each (&s->inv.procs, p)
		pids[n++] = (*p)->info.pid;
	for (size_t i = 0; i < n; i++)
		session_rescan(s, pids[i]);

	if (s->cgroup[0])
		find_in_cgroup(s, NULL);
}

static void on_fork(struct lp_session *s, const struct lp_record *rec, const char *text)
{
	(void)text;
	session_note(s, LP_LOG_VERBOSE, "process %u forked %u", rec->arg, rec->pid);
	s->forked = s->armed_at && rec->time > s->armed_at ? (pid_t)rec->pid : 0;
	s->forked_by = (pid_t)rec->arg; /* who may be gone, and the child another's */
	s->forked_at = rec->time;
	session_rescan(s, (pid_t)rec->pid);
	if ((session_has_crash(s) || session_wants_stacks(s)) &&
	    !lp_inventory_process(&s->inv, (pid_t)rec->pid))
		lp_inventory_add_forked(&s->inv, (pid_t)rec->pid, (pid_t)rec->arg, NULL);
	s->forked = 0;
}

static void on_exec(struct lp_session *s, const struct lp_record *rec, const char *text)
{
	const struct interp *in = session_interp(s, (pid_t)rec->pid);

	(void)text;
	session_note(s, LP_LOG_VERBOSE, "process %u runs %.*s", rec->pid, LP_COMM_LEN, rec->comm);
	if (in && in->opened_at < rec->time)
		session_python_gone(s, (pid_t)rec->pid);
	struct lp_proc *p = lp_inventory_process(&s->inv, (pid_t)rec->pid);
	if (p)
		p->began = lp_now();
	session_rescan(s, (pid_t)rec->pid);
	if (!(rec->flags & LP_RECF_HELD))
		return;
	session_expect_image(s, (pid_t)rec->pid);
	arm_new(s, (pid_t)rec->pid);
	session_hold_exec(s);
}

static void on_exit_of(struct lp_session *s, const struct lp_record *rec, const char *text)
{
	(void)text;
	session_note(s, LP_LOG_VERBOSE, "process %u %s", rec->pid,
		     rec->arg ? "runs another program" : "has ended");
	if ((pid_t)rec->pid != s->child)
		session_target_gone(s, (pid_t)rec->pid);
}

static void on_maps(struct lp_session *s, const struct lp_record *rec, const char *text)
{
	(void)text;
	session_rescan(s, (pid_t)rec->pid);
}

static void on_code(struct lp_session *s, const struct lp_record *rec, const char *text)
{
	(void)text;
	session_python_code(s, (pid_t)rec->pid, rec->hit, rec->time);
}

static void on_retired(struct lp_session *s, const struct lp_record *rec, const char *text)
{
	struct point *p = session_point(s, rec->point);

	(void)text;
	if (!p || p->retired || p->state == POINT_OUT)
		return;
	p->retired = s->any_retired = true;
	session_note(s, LP_LOG_VERBOSE, "%s: taken out after %llu records", p->lp->name,
		     (unsigned long long)p->lp->max);
}

static void on_cond_error(struct lp_session *s, const struct lp_record *rec, const char *text)
{
	const struct point *p = session_point(s, rec->point);

	if (p)
		session_note(s, LP_LOG_NORMAL, "%s: %s", p->lp->name, text);
}

int session_notice(struct lp_session *s, const struct lp_record *rec, const char *text)
{
	static void (*const on[])(struct lp_session * s, const struct lp_record *rec,
				  const char *text) = {
		[LP_REC_FORK] = on_fork,       [LP_REC_EXEC] = on_exec,
		[LP_REC_EXIT] = on_exit_of,    [LP_REC_MAPS] = on_maps,
		[LP_REC_RETIRED] = on_retired, [LP_REC_COND_ERROR] = on_cond_error,
		[LP_REC_CODE] = on_code,
	};
	bool late = s->finished && rec->kind != LP_REC_COND_ERROR;

	if (!late && rec->kind < LP_ARRAY_SIZE(on) && on[rec->kind])
		on[rec->kind](s, rec, text);
	if (rec->flags & LP_RECF_HELD && !late)
		session_hold_release(s);
	return 0;
}
