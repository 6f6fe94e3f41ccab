// SPDX-License-Identifier: GPL-2.0-only
#include "session/internal.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

uint64_t lp_now(void)
{
	return lp_clock_ns(CLOCK_MONOTONIC);
}

void session_note(struct lp_session *s, enum lp_log_level level, const char *fmt, ...)
{
	char line[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	s->ops->note(s->arg, level, line);
}

static void point_free(struct point *p)
{
	if (!p)
		return;
	session_drop_spots(p, 0);
	lp_vec_done(&p->spots);
	lp_vec_each (&p->dead, spot)
		session_free_spot(*spot);
	lp_vec_done(&p->dead);
	lp_logpoint_free(p->lp);
	free(p);
}
LP_CLEANUP(struct point *, point_free)

int lp_session_new(const struct lp_session_opts *opts, const struct lp_session_ops *ops, void *arg,
		   struct lp_session **ret, struct lp_err *err)
{
	struct lp_session *s = calloc(1, sizeof(*s));

	if (!s)
		return lp_err_nomem(err);
	s->opts = opts;
	s->ops = ops;
	s->arg = arg;
	s->began = lp_now();
	s->go_fd = s->epoll_fd = s->signal_fd = s->cgroup_fd = -1;
	*ret = s;
	return 0;
}

void lp_session_free(struct lp_session *s)
{
	if (!s)
		return;
	session_load_stop(s);
	session_count_done(s);
	session_detach_all(s);
	session_traps_done(s);
	session_python_done(s);
	lp_vec_done(&s->batches);
	lp_vec_done(&s->loaders);
	lp_vec_done(&s->watched);
	lp_collect_free(s->collect);
	lp_unwinder_free(s->unwinder);
	lp_arena_done(&s->frames);
	lp_kernel_free(s->kernel);
	lp_vec_each (&s->points, p)
		point_free(*p);
	lp_vec_done(&s->points);
	lp_inventory_done(&s->inv);
	session_reap_child(s, false);
	lp_emulated_done(&s->emulated);
	int fds[] = { s->go_fd, s->epoll_fd, s->signal_fd, s->cgroup_fd };
	for (size_t i = 0; i < LP_ARRAY_SIZE(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	if (s->signals_blocked)
		sigprocmask(SIG_SETMASK, &s->old_signals, NULL);
	free(s);
}

int lp_session_add(struct lp_session *s, const char *text, struct lp_err *err)
{
	lp_auto(point_free) struct point *p = calloc(1, sizeof(*p));

	if (!p)
		return lp_err_nomem(err);
	if (s->points.len == LP_POINTS_MAX)
		return lp_err_set(err, EINVAL, "more than %d logpoints", LP_POINTS_MAX);
	int r = lp_logpoint_parse(text, &p->lp, err);
	if (r < 0)
		return r;
	if (lp_vec_push(&s->points, p) < 0)
		return lp_err_nomem(err);
	p = NULL;
	return 0;
}

struct point *session_point(const struct lp_session *s, uint32_t id)
{
	struct point *p = id < s->points.len ? s->points.data[id] : NULL;

	/* ids are given in another order where logpoints wait for each other */
	if (p && p->added && p->id == id)
		return p;
	lp_vec_each (&s->points, other)
		if ((*other)->added && (*other)->id == id)
			return *other;
	return NULL;
}

static struct point *find_point(const struct lp_session *s, const char *name, size_t *ret_n)
{
	struct point *found = NULL;

	*ret_n = 0;
	lp_vec_each (&s->points, p) {
		if (strcmp((*p)->lp->name, name))
			continue;
		found = *p;
		(*ret_n)++;
	}
	return found;
}

int session_named(const struct lp_session *s, const char *name, int col, struct point **ret,
		  struct lp_err *err)
{
	size_t n;

	*ret = find_point(s, name, &n);
	if (!*ret)
		return lp_err_at(err, ENOENT, col, (int)strlen(name),
				 "no logpoint is called '%s' (give one that name with `as %s`)",
				 name, name);
	if (n > 1)
		return lp_err_at(err, EINVAL, col, (int)strlen(name),
				 "%zu logpoints are called '%s'", n, name);
	return 0;
}

/* Logpoints that wait for each other would stay silent for ever. */
static bool waits_for(struct lp_session *s, const struct point *p, const struct point *other)
{
	size_t n;

	for (size_t hops = 0; hops <= s->points.len; hops++) {
		if (p == other)
			return true;
		if (!p->lp->after)
			return false;
		p = find_point(s, p->lp->after, &n);
		if (!p)
			return false;
	}
	return true;
}

static int check_after(struct lp_session *s, const struct point *p, struct lp_err *err)
{
	const char *name = p->lp->after;
	int col = p->lp->after_col;
	struct point *other;

	if (!name)
		return 0;
	int r = session_named(s, name, col, &other, err);
	if (r >= 0 && waits_for(s, other, p))
		return lp_err_at(err, EINVAL, col, (int)strlen(name),
				 "it would wait for itself, and never log");
	return r;
}

static int each_point(struct lp_session *s,
		      int (*fn)(struct lp_session *s, struct point *p, struct lp_err *err),
		      size_t *ret_bad, struct lp_err *err)
{
	for (size_t i = 0; i < s->points.len; i++) {
		int r = fn(s, s->points.data[i], err);
		if (r < 0) {
			*ret_bad = i;
			return r;
		}
	}
	return 0;
}

static int check_point(struct lp_session *s, struct point *p, struct lp_err *err)
{
	int r = check_after(s, p, err);

	return r < 0 ? r : session_check_dump(s, p, err);
}

static int resolve_point(struct lp_session *s, struct point *p, struct lp_err *err)
{
	int r = session_resolve(s, p, err);

	if (r >= 0)
		r = session_compile(s, p, 0, err);
	if (r >= 0 && p->state == POINT_ARMED && !p->spots.len) {
		p->state = POINT_PENDING; /* what had it has ended meanwhile */
		lp_err_set(&p->missing, ENOENT, "no target runs yet");
	}
	return r;
}

/* After the point that it waits for: that one's id must be known. */
static int add_point(struct lp_session *s, struct point *p, struct lp_err *err)
{
	const struct lp_logpoint *lp = p->lp;
	struct lp_point conf = {
		.hit_op = lp->hit_op,
		.hit_n = lp->hit_n,
		.max = lp->max,
		.rate = lp->rate,
		.after = LP_POINT_NONE,
	};
	size_t n;

	if (p->added)
		return 0;
	if (lp->after) {
		struct point *other = find_point(s, lp->after, &n);
		int r = add_point(s, other, err);
		if (r < 0)
			return r;
		conf.after = other->id;
	}
	int r = lp_kernel_add_point(s->kernel, &conf, &p->id, err);
	if (r < 0)
		return r;
	p->added = true;
	return 0;
}

static int add_sites(struct lp_session *s, struct point *p, struct lp_err *err)
{
	return session_add_sites(s, p, 0, err);
}

bool session_is_full(const struct lp_session *s)
{
	return s->finish == FINISH_PIPE || s->failure.code ||
	       (s->opts->count && s->shown >= s->opts->count);
}

int session_handed_on(struct lp_session *s, uint64_t n, int r)
{
	s->shown += n;
	if (s->opts->count && s->shown >= s->opts->count)
		s->finish = FINISH_LIMIT;
	if (r == -EPIPE) {
		s->failure = (struct lp_err){ 0 };
		s->finish = FINISH_PIPE;
	}
	return r;
}

static int hand_on(struct lp_session *s, const struct lp_event *ev)
{
	int r = s->ops->event(s->arg, ev, &s->failure);

	return session_handed_on(s, r >= 0, r);
}

static int on_event(void *arg, const struct lp_event *ev, struct lp_err *err)
{
	struct lp_session *s = arg;
	struct point *p = session_point(s, ev->point);

	if (!p)
		return lp_err_set(err, EPROTO, "a record of an unknown logpoint");
	if (session_is_full(s) || (s->opts->last ? session_record(s, p, ev) : hand_on(s, ev)) < 0)
		p->unshown++;
	return 0;
}

static int on_notice(void *arg, const struct lp_record *rec, const char *text, struct lp_err *err)
{
	(void)err;
	return session_notice(arg, rec, text);
}

static int make_collect(struct lp_session *s, struct lp_err *err)
{
	static const struct lp_collect_ops ops = { .event = on_event, .notice = on_notice };
	struct lp_symbolizer sym;

	int r = session_symbolizer(s, &sym, err);
	return r < 0 ? r : lp_collect_new(&ops, s, &sym, &s->collect, err);
}

static int add_targets(struct lp_session *s, struct lp_err *err)
{
	lp_vec_each (&s->inv.procs, p) {
		session_crash_note(s, *p);
		int r = session_python_add_target(s, (*p)->info.pid, err);
		if (r < 0)
			return r;
	}
	return s->child && !s->cgroup[0] ? lp_kernel_add_target(s->kernel, s->child, err) : 0;
}

static int attach_all(struct lp_session *s, struct lp_err *err)
{
	LP_VEC(struct stop) stops = { 0 };
	int r = 0;

	for (size_t i = 0; i < s->points.len && r >= 0; i++)
		r = session_collect_stops(s->points.data[i], 0, &stops);
	if (r < 0)
		lp_err_nomem(err);
	else
		r = session_attach(s, stops.data, stops.len, err);
	lp_vec_done(&stops);
	if (r >= 0)
		r = session_python_attach_all(s, err);
	return r < 0 ? r : session_crash_attach(s, err);
}

/* Each target's interpreter, before places are looked for in it. */
static int open_interpreters(struct lp_session *s, struct lp_err *err)
{
	lp_vec_each (&s->inv.procs, p) {
		int r = session_python_open(s, (*p)->info.pid, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A module may have been imported between the search and the watch for new ones. */
static void arm_meanwhile(struct lp_session *s)
{
	bool pending = false;

	lp_vec_each (&s->points, p)
		pending = pending || (*p)->state == POINT_PENDING;
	for (size_t i = 0; pending && i < s->interps.len; i++) {
		struct interp *in = s->interps.data[i];

		if (in->py && lp_python_scan(in->py, NULL) >= 0)
			session_python_arm(s, in, 0, 0);
	}
}

static void say_armed(struct lp_session *s)
{
	size_t armed = 0, places = 0;

	lp_vec_each (&s->points, each) {
		struct point *p = *each;

		lp_vec_each (&p->spots, spot)
			session_print_spot(s, *spot);
		if (p->state == POINT_PENDING)
			session_note(s, LP_LOG_NORMAL, "pending: no module has '%s' yet (%s)",
				     p->lp->location.text, p->missing.msg);
		armed += p->state == POINT_ARMED;
		places += p->spots.len;
	}
	session_note(s, LP_LOG_NORMAL, "%zu of %zu logpoint%s armed, %zu place%s, %.0f ms", armed,
		     s->points.len, s->points.len == 1 ? "" : "s", places, places == 1 ? "" : "s",
		     (double)(lp_now() - s->began) / LP_NS_PER_MS);
}

/* Where probes go, and what that takes is loaded. */
static int place_all(struct lp_session *s, struct lp_err *err)
{
	session_load_foretell(s);
	int r = session_place(s, err);
	if (r >= 0) {
		session_count_begin(s);
		r = session_load_end(s, err);
	}
	return r < 0 ? r : session_cover(s, err);
}

int lp_session_start(struct lp_session *s, size_t *ret_bad, struct lp_err *err)
{
	*ret_bad = SIZE_MAX;
	const bool known = s->opts->target.kind == LP_TARGET_PIDS; /* all that loading asks for */

	int r = each_point(s, check_point, ret_bad, err);
	if (r >= 0 && known)
		r = session_load_begin(s, err);
	if (r >= 0)
		session_placement_begin(s);
	if (r >= 0)
		r = session_find_targets(s, err);
	if (r >= 0 && !known)
		r = session_load_begin(s, err);
	if (r >= 0)
		r = open_interpreters(s, err);
	if (r >= 0)
		r = each_point(s, resolve_point, ret_bad, err);
	if (r >= 0)
		r = place_all(s, err);
	if (r >= 0)
		r = make_collect(s, err);
	if (r >= 0)
		r = each_point(s, add_point, ret_bad, err);
	if (r >= 0)
		r = session_python_hide_names(s, err);
	if (r >= 0)
		r = session_python_add_runtimes(s, err);
	if (r >= 0)
		r = each_point(s, add_sites, ret_bad, err);
	if (r >= 0)
		r = add_targets(s, err);
	if (r >= 0)
		r = attach_all(s, err);
	if (r < 0)
		return r;

	lp_vec_each (&s->inv.files, f)
		(*f)->resolved = (*f)->postponed = true;
	r = session_catch_signals(s, err);
	if (r < 0)
		return r;
	say_armed(s);
	r = lp_kernel_settle(s->kernel, err);
	if (r < 0)
		return r;
	/* what comes later finds what came before the watch for it */
	session_python_watch_makers(s);
	s->armed_at = lp_now();
	arm_meanwhile(s);
	session_watch_loaders(s);
	if (s->opts->target.kind == LP_TARGET_COMMAND)
		session_arm_postponed(s, UINT64_MAX);
	session_hold_begin(s);
	session_rescan_all(s);
	return 0;
}
