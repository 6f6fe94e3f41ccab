// SPDX-License-Identifier: GPL-2.0-only
#include "session/internal.h"

#include <errno.h>
#include <string.h>

#include "base/thread.h"
#include "expr/uses.h"
#include "target/find.h"

/* Room beside what a logpoint usually needs, for copies and for libraries that come later. */
#define SPARE_SITES	4096
#define SPARE_CODE	65536
#define SPARE_CODE_LEAN 16384
#define SITES_PER_POINT 16
#define CODE_PER_POINT	256

struct load {
	pthread_t thread;
	struct lp_kernel_conf conf;
	struct lp_kernel *kernel;
	struct lp_err err;
	int r;
};

static void *load(void *arg)
{
	struct load *l = arg;

	l->r = lp_kernel_load(l->kernel, &l->err);
	return NULL;
}

static uint32_t at_most(size_t n, uint32_t max)
{
	return n < max ? (uint32_t)n : max;
}

/* 0: any number can come. */
static uint32_t fixed_targets(const struct lp_session_opts *o)
{
	if (o->follow)
		return 0;
	return o->target.kind == LP_TARGET_PIDS	     ? (uint32_t)o->target.n_pids
	       : o->target.kind == LP_TARGET_COMMAND ? 1
						     : 0;
}

static uint64_t uses_of(const struct lp_compiled *c)
{
	return lp_program_uses(c->code, c->n_code) | lp_program_uses(c->enter, c->n_enter);
}

static bool any_is_unwatchable(const struct lp_session *s)
{
	lp_vec_each (&s->interps, in)
		if ((*in)->unwatchable.code)
			return true;
	return false;
}

static bool has_python_places(const struct lp_session *s)
{
	lp_vec_each (&s->points, p)
		if (session_may_be_python(*p) && !session_is_trap(*p))
			return true;
	return false;
}

/* Is an entry to be probed where functions are called? */
static bool any_is_called(const struct lp_session *s)
{
	lp_vec_each (&s->points, p)
		lp_vec_each (&(*p)->spots, spot) {
			const struct py_spot *py = (*spot)->py;

			if (py && (py->here.place.by_call || py->entry.place.by_call))
				return true;
		}
	return false;
}

/* In whichever target the fewest are free: others may have some. Who has any has them in all threads, as a
 * rule: the first one is asked.
 */
static size_t free_watchpoints(const struct lp_session *s)
{
	size_t least = lp_watch_slots();

	lp_vec_each (&s->inv.procs, p) {
		const size_t n = least ? lp_watch_free_slots_of((*p)->info.pid) : 0;

		if (n < least)
			least = n;
	}
	return least;
}

/* Each program takes its time to be verified: only what will be used. */
static void expect_python(const struct lp_session *s, struct lp_kernel_conf *conf, bool expected)
{
	if (!expected)
		return;
	lp_vec_each (&s->points, each) {
		const struct point *p = *each;

		if (session_may_be_python(p))
			conf->python_ops |= lp_logpoint_uses(p->lp);
		conf->python_traps |= p->lp->location.kind == LP_AT_RAISE;
		conf->python_hooks |= p->lp->location.kind == LP_AT_UNCAUGHT;
		lp_vec_each (&p->spots, spot)
			conf->python_ops |= uses_of((*spot)->code);
	}
	conf->python_stack = session_wants_stacks(s);
	if (!has_python_places(s))
		return;
	conf->python_watch = lp_watch_fires();
	conf->python_steps = !conf->python_watch || any_is_unwatchable(s) || any_is_called(s) ||
			     session_python_halves(s) > free_watchpoints(s);
}

/* Lines of Python alone, in what is running. */
static bool is_python_only(const struct lp_session *s, const struct lp_kernel_conf *conf)
{
	lp_vec_each (&s->points, p)
		if (!session_names_python_file(*p) && !session_is_trap(*p))
			return false;
	return s->opts->target.kind == LP_TARGET_PIDS &&
	       (conf->python_watch || conf->python_steps || conf->python_traps ||
		conf->python_hooks);
}

static bool has_native(const struct lp_session *s)
{
	lp_vec_each (&s->points, p)
		lp_vec_each (&(*p)->spots, spot)
			if (!(*spot)->py)
				return true;
	return false;
}

/* What was found needs more than was thought. */
static bool lacks_python(const struct lp_session *s, const struct lp_kernel_conf *conf)
{
	struct lp_kernel_conf needed = { 0 };

	expect_python(s, &needed, s->interps.len);
	return (conf->no_native && has_native(s)) || (needed.python_watch && !conf->python_watch) ||
	       (needed.python_steps && !conf->python_steps) ||
	       (needed.python_traps && !conf->python_traps) ||
	       (needed.python_stack && !conf->python_stack) ||
	       (needed.python_hooks && !conf->python_hooks) ||
	       (needed.python_ops & ~conf->python_ops);
}

static void configure(struct lp_session *s, struct lp_kernel_conf *ret)
{
	size_t n = s->points.len;

	*ret = (struct lp_kernel_conf){
		.filter = s->cgroup[0] ? LP_FILTER_CGROUP : LP_FILTER_TARGETS,
		.follow = s->opts->follow,
		.max_points = (uint32_t)n,
		.max_sites = at_most(n * SITES_PER_POINT + SPARE_SITES, LP_SITES_MAX),
		.max_targets = fixed_targets(s->opts),
		.no_calls = true,
		.crash = session_has_crash(s),
		.covers = session_may_move(s),
		.holds = s->opts->target.kind == LP_TARGET_COMMAND,
	};
	expect_python(s, ret, session_python_expected(s));
	ret->no_native = is_python_only(s, ret);
	ret->lean = true;
	lp_vec_each (&s->points, p) {
		if (session_has_two_halves(*p))
			ret->no_calls = ret->lean = false;
		if (!lp_logpoint_sounds_lean((*p)->lp))
			ret->lean = false;
	}
	ret->foretold = ret->lean;
	ret->lives_later = ret->lean && s->opts->target.kind == LP_TARGET_PIDS &&
			   !s->opts->follow && !session_python_expected(s) && !ret->crash;
	const size_t spare = ret->lean && fixed_targets(s->opts) ? SPARE_CODE_LEAN : SPARE_CODE;
	ret->max_code = at_most(n * CODE_PER_POINT + spare, LP_CODE_MAX);
	/* gone since it was found: session_watch_cgroup() waits for it */
	if (s->cgroup[0])
		ret->cgroup_id = session_cgroup_id(s);
	if (s->opts->target.kind == LP_TARGET_EXE) {
		dev_t dev = s->exe->dev;
		ino_t ino = s->exe->ino;

		lp_maps_identify(s->exe->fd, &dev, &ino, NULL);
		ret->exe_dev = dev;
		ret->exe_ino = ino;
	}
}

int session_load_begin(struct lp_session *s, struct lp_err *err)
{
	lp_auto(lp_free) struct load *l = calloc(1, sizeof(*l));

	if (!l)
		return lp_err_nomem(err);
	configure(s, &l->conf);
	int r = lp_kernel_make(&l->conf, &l->kernel, err);
	if (r < 0)
		return r;
	r = lp_thread_start(&l->thread, load, l);
	if (r < 0) {
		lp_kernel_free(l->kernel);
		return lp_err_set(err, -r, "cannot start a thread: %s", strerror(-r));
	}
	s->load = lp_take(l);
	return 0;
}

/* Of places and processes that may come later nothing is known. */
static uint32_t parts_of(const struct lp_session *s)
{
	uint32_t parts = fixed_targets(s->opts) ? 0 : LP_PARTS_ALL;

	lp_vec_each (&s->points, p) {
		if ((*p)->state == POINT_PENDING)
			return LP_PARTS_ALL;
		lp_vec_each (&(*p)->spots, spot)
			parts |= lp_parts_of(LP_SITE_PLAIN, (*spot)->code->code,
					     (*spot)->code->n_code);
	}
	return parts;
}

void session_load_foretell(struct lp_session *s)
{
	bool lean = false;

	lp_kernel_foretell_parts(s->load->kernel, parts_of(s));
	if (session_will_cover(s, &lean))
		lp_kernel_foretell_cover(s->load->kernel, lean);
}

void session_load_stop(struct lp_session *s)
{
	if (!s->load)
		return;
	pthread_join(s->load->thread, NULL);
	lp_kernel_free(s->load->kernel);
	free(s->load);
	s->load = NULL;
}

/* More places than there was room made for, or Python where none was expected: once more, with what is
 * needed.
 */
static int load_again(struct lp_session *s, size_t sites, size_t code, struct lp_err *err)
{
	struct lp_kernel_conf conf = s->load->conf;

	if (sites > LP_SITES_MAX || code > LP_CODE_MAX)
		return lp_err_set(err, EINVAL,
				  "too many places: %zu addresses (at most %u are possible), %zu "
				  "instructions (%u)",
				  sites, LP_SITES_MAX, code, LP_CODE_MAX);
	conf.max_sites = at_most(sites + SPARE_SITES, LP_SITES_MAX);
	conf.max_code = at_most(code + SPARE_CODE, LP_CODE_MAX);
	conf.no_native = conf.no_native && !has_native(s);
	conf.lives_later = conf.foretold = false;
	expect_python(s, &conf, s->interps.len);
	return lp_kernel_new(&conf, &s->kernel, err);
}

int session_load_end(struct lp_session *s, struct lp_err *err)
{
	struct load *l = s->load;
	size_t sites = 0, code = 0;
	int r;

	lp_vec_each (&s->points, p) {
		lp_vec_each (&(*p)->spots, spot) {
			sites += (*spot)->code->enter ? 2 : 1;
			code += (*spot)->code->n_code + (*spot)->code->n_enter;
		}
	}
	pthread_join(l->thread, NULL);
	if (l->r < 0) {
		*err = l->err;
		r = l->r;
		lp_kernel_free(l->kernel);
	} else if (sites > l->conf.max_sites || code > l->conf.max_code ||
		   lacks_python(s, &l->conf)) {
		lp_kernel_free(l->kernel);
		r = load_again(s, sites, code, err);
	} else {
		s->kernel = l->kernel;
		r = 0;
	}
	free(l);
	s->load = NULL;
	return r;
}
