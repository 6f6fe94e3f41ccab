// SPDX-License-Identifier: GPL-2.0-only
/* Exceptions: logpoints without a place in code. One probe at a function of each interpreter's file leads
 * to all of them (a chain of sites, struct lp_py_site); which class each wants is told by name, so that
 * classes may come at any time.
 */
#include "session/internal.h"

#include <errno.h>
#include <string.h>

/* Functions through which exceptions go, and whose sites they lead to. */
static const struct trap_kind {
	enum lp_location_kind at;
	uint64_t chain; /* LP_PY_AT_* */
	enum lp_py_trap trap;
	const char *function;
} kinds[] = {
	{ LP_AT_RAISE, LP_PY_AT_RAISE, LP_PY_TRAP_RAISE, "PyTraceBack_Here" },
};

/* How a program goes on that has not failed. */
static const char *const flow[] = { "builtins.StopIteration", "builtins.StopAsyncIteration",
				    "builtins.GeneratorExit", "asyncio.exceptions.CancelledError" };

bool session_is_trap(const struct point *p)
{
	return lp_at_exception(p->lp->location.kind);
}

static const struct trap_kind *kind_of(const struct point *p)
{
	for (size_t i = 0; i < LP_ARRAY_SIZE(kinds); i++)
		if (kinds[i].at == p->lp->location.kind)
			return &kinds[i];
	return NULL;
}

/* The children that a process forks have its number, and so its sites. */
static bool is_known(const struct point *p, const struct interp *in)
{
	lp_vec_each (&p->spots, spot) {
		const struct interp *other = (*spot)->py->in;

		if (other == in || (in->known && other->known && other->runtime == in->runtime))
			return true;
	}
	return false;
}

static int take_bit(struct lp_session *s, struct point *p, struct lp_err *err)
{
	if (p->has_trap_bit)
		return 0;
	if (s->n_trap_bits == LP_PY_TRAPS_MAX)
		return lp_err_set(err, E2BIG, "more than %d logpoints on exceptions",
				  LP_PY_TRAPS_MAX);
	p->trap_bit = s->n_trap_bits++;
	p->has_trap_bit = true;
	return 0;
}

int session_trap_resolve_in(struct lp_session *s, struct point *p, struct interp *in,
			    struct lp_err *err)
{
	const struct trap_kind *kind = kind_of(p);

	if (!kind)
		return lp_err_at(err, ENOTSUP, 1, 0, "'%s' is not supported yet",
				 p->lp->location.text);
	if (is_known(p, in))
		return 0;
	int r = take_bit(s, p, err);
	if (r < 0)
		return r;
	/* its code is known before it is needed: the process may end with its first exception */
	if (!s->kernel)
		lp_python_scan(session_interp_root(in)->py, NULL);
	struct spot *spot = calloc(1, sizeof(*spot));
	if (spot)
		spot->py = calloc(1, sizeof(*spot->py));
	if (!spot || !spot->py || lp_vec_push(&p->spots, spot) < 0) {
		session_free_spot(spot);
		return lp_err_nomem(err);
	}
	spot->point = p;
	spot->since = lp_now();
	spot->py->in = in;
	spot->py->here.place = (struct lp_py_place){
		.site = { .unit = kind->chain,
			  .stack_base = p->trap_bit,
			  .flags = LP_PY_SITE_TRAP },
		.function = kind->function,
		.file = lp_python_file(session_interp_root(in)->py),
	};
	return 0;
}

bool session_spot_is_trap(const struct spot *spot)
{
	return spot->py && spot->py->here.place.site.flags & LP_PY_SITE_TRAP;
}

int session_trap_compile(struct lp_session *s, struct spot *spot, struct lp_err *err)
{
	lp_auto(lp_scope_free) struct lp_scope *scope = NULL;
	int r = lp_python_trap_scope_open(session_interp_root(spot->py->in)->py, &scope, err);

	return r < 0 ? r
		     : lp_compile(spot->point->lp, scope, NULL, &s->opts->limits, &spot->code, err);
}

/* A name that stands for another class now is that class's; else it is the end of one that may come. */
static int want_name(struct lp_session *s, struct interp *in, const char *name, uint64_t sites,
		     struct lp_err *err)
{
	lp_auto(lp_buf_done) struct lp_buf full = { 0 };
	int r = lp_python_class_name(session_interp_root(in)->py, name, &full);

	if (r == -ENOMEM)
		return lp_err_nomem(err);
	return lp_kernel_want_class(s->kernel, in->runtime,
				    lp_python_class_hash(r < 0 ? name : full.data), sites, false,
				    err);
}

static int want(struct lp_session *s, const struct spot *spot, struct lp_err *err)
{
	const struct lp_location *at = &spot->point->lp->location;
	const uint64_t bit = 1ull << spot->py->here.place.site.stack_base;
	struct interp *in = spot->py->in;
	int r = at->n_types ? 0 : lp_kernel_want_class(s->kernel, in->runtime, 0, bit, false, err);

	for (size_t i = 0; i < at->n_types && r >= 0; i++)
		r = want_name(s, in, at->types[i].text, bit, err);
	return r;
}

int session_trap_want(struct lp_session *s, struct spot *spot, struct lp_err *err)
{
	int r = 0;

	for (size_t i = 0; i < LP_ARRAY_SIZE(flow) && r >= 0; i++)
		r = lp_kernel_want_class(s->kernel, spot->py->in->runtime,
					 lp_python_class_hash(flow[i]), 0, true, err);
	return r < 0 ? r : want(s, spot, err);
}

void session_traps_refresh(struct lp_session *s, const struct interp *in)
{
	struct lp_err why = { 0 };

	lp_vec_each (&s->points, p) {
		if (!session_is_trap(*p) || (*p)->state == POINT_OUT)
			continue;
		lp_vec_each (&(*p)->spots, spot)
			if ((*spot)->py->in == in && want(s, *spot, &why) < 0)
				session_note(s, LP_LOG_VERBOSE, "%s: %s", (*p)->lp->name, why.msg);
	}
}

static struct trap *find_trap(struct lp_session *s, const struct lp_file *file, uint32_t trap)
{
	lp_vec_each (&s->traps, t)
		if (t->file == file && t->trap == trap)
			return t;
	return NULL;
}

static int attach_one(struct lp_session *s, struct interp *in, struct lp_file *file,
		      const struct trap_kind *kind, struct lp_err *err)
{
	struct trap *known = find_trap(s, file, kind->trap);
	const uint32_t cookie = kind->trap;
	uint64_t offset;

	if (known) {
		known->users++;
		return 0;
	}
	int r = lp_python_function_offset(session_interp_root(in)->py, kind->function, &offset,
					  err);
	if (r < 0)
		return r;
	struct lp_attach attach = {
		.path = file->fd_path,
		.pid = s->bound_pid,
		.not_mapped = s->bound_pid && s->go_fd >= 0,
		.n = 1,
		.offsets = &offset,
		.sites = &cookie,
	};
	struct trap trap = { .file = file, .trap = kind->trap, .users = 1 };
	if (lp_vec_reserve(&s->traps, s->traps.len + 1) < 0)
		return lp_err_nomem(err);
	r = lp_kernel_attach_traps(s->kernel, &attach, &trap.link, err);
	if (r < 0)
		return r;
	s->traps.data[s->traps.len++] = trap;
	return 0;
}

static void leave(struct lp_session *s, const struct lp_file *file, uint32_t trap)
{
	struct trap *t = find_trap(s, file, trap);

	if (!t || --t->users)
		return;
	lp_link_free(t->link);
	*t = s->traps.data[--s->traps.len];
}

/* The file is remembered: the process may be gone when its spot goes. */
int session_trap_attach(struct lp_session *s, struct spot *spot, struct lp_err *err)
{
	struct lp_file *file = session_python_file(s, spot->py->in);

	if (!file)
		return lp_err_set(err, ESRCH, "the process is gone");
	for (size_t i = 0; i < LP_ARRAY_SIZE(kinds); i++) {
		if (kinds[i].at != spot->point->lp->location.kind)
			continue;
		int r = attach_one(s, spot->py->in, file, &kinds[i], err);
		if (r < 0) {
			while (i--)
				if (kinds[i].at == spot->point->lp->location.kind)
					leave(s, file, kinds[i].trap);
			return r;
		}
	}
	spot->py->trapped = file;
	return 0;
}

void session_trap_detach(struct lp_session *s, struct spot *spot)
{
	struct lp_file *file = lp_take(spot->py->trapped);

	for (size_t i = 0; file && i < LP_ARRAY_SIZE(kinds); i++)
		if (kinds[i].at == spot->point->lp->location.kind)
			leave(s, file, kinds[i].trap);
}

void session_traps_done(struct lp_session *s)
{
	lp_vec_each (&s->traps, t)
		lp_link_free(t->link);
	lp_vec_done(&s->traps);
}

/* All logpoints of a kind share what their probes cost. */
uint64_t session_trap_runs(struct lp_session *s, const struct point *p)
{
	size_t n_points = 0;
	uint64_t runs = 0;

	lp_vec_each (&s->points, other)
		n_points += (*other)->state == POINT_ARMED &&
			    (*other)->lp->location.kind == p->lp->location.kind;
	for (size_t i = 0; i < LP_ARRAY_SIZE(kinds); i++)
		if (kinds[i].at == p->lp->location.kind)
			runs += lp_kernel_trap_runs(s->kernel, kinds[i].trap);
	return n_points ? runs / n_points : 0;
}
