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
	enum lp_py_trap first, last;
	const char *function;
} kinds[] = {
	{ LP_AT_RAISE, LP_PY_AT_RAISE, LP_PY_TRAP_RAISE, LP_PY_TRAP_RAISE, "PyTraceBack_Here" },
	{ LP_AT_UNCAUGHT, LP_PY_AT_UNCAUGHT, LP_PY_TRAP_PRINT, LP_PY_TRAP_UVLOOP_TIMER,
	  "PyErr_Print" },
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

	/* nobody means these to end a program */
	for (size_t i = 0; i < LP_ARRAY_SIZE(flow) && r >= 0; i++)
		if (at->kind == LP_AT_UNCAUGHT && !at->n_types)
			r = lp_kernel_want_class(s->kernel, in->runtime,
						 lp_python_class_hash(flow[i]), bit, true, err);
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
		lp_vec_each (&(*p)->spots, spot) {
			if ((*spot)->py->in != in)
				continue;
			int r = want(s, *spot, &why);
			if (r >= 0 && (*p)->lp->location.kind == LP_AT_UNCAUGHT &&
			    (*spot)->py->traps.len)
				r = session_hooks_attach(s, *spot, &why);
			if (r < 0)
				session_note(s, LP_LOG_VERBOSE, "%s: %s", (*p)->lp->name, why.msg);
		}
	}
}

static bool is_same(const struct trap_key *a, const struct trap_key *b)
{
	return a->file == b->file && a->trap == b->trap && a->offset == b->offset;
}

static struct trap *find_trap(struct lp_session *s, const struct trap_key *key)
{
	lp_vec_each (&s->traps, t)
		if (is_same(&t->key, key))
			return t;
	return NULL;
}

static int attach_trap(struct lp_session *s, const struct trap_key *key, struct lp_err *err)
{
	struct trap trap = { .key = *key, .users = 1 };
	struct lp_attach attach = {
		.path = key->file->fd_path,
		.pid = s->bound_pid,
		.not_mapped = s->bound_pid && s->go_fd >= 0,
		.n = 1,
		.offsets = &key->offset,
		.sites = &key->trap,
	};
	int r;

	if (lp_vec_reserve(&s->traps, s->traps.len + 1) < 0)
		return lp_err_nomem(err);
	if (key->trap == LP_PY_TRAP_RAISE)
		r = lp_kernel_attach_traps(s->kernel, &attach, &trap.link, err);
	else
		r = lp_kernel_attach_hooks(s->kernel, &attach, &trap.link, err);
	if (r < 0)
		return r;
	s->traps.data[s->traps.len++] = trap;
	return 0;
}

int session_trap_use(struct lp_session *s, struct spot *spot, const struct trap_key *key,
		     struct lp_err *err)
{
	lp_vec_each (&spot->py->traps, used)
		if (is_same(used, key))
			return 0;
	if (lp_vec_reserve(&spot->py->traps, spot->py->traps.len + 1) < 0)
		return lp_err_nomem(err);

	struct trap *known = find_trap(s, key);
	int r = known ? 0 : attach_trap(s, key, err);
	if (r < 0)
		return r;
	if (known)
		known->users++;
	spot->py->traps.data[spot->py->traps.len++] = *key;
	return 0;
}

static void leave(struct lp_session *s, const struct trap_key *key)
{
	struct trap *t = find_trap(s, key);

	if (!t || --t->users)
		return;
	lp_link_free(t->link);
	*t = s->traps.data[--s->traps.len];
}

/* The file is remembered: the process may be gone when its spot goes. */
int session_trap_attach(struct lp_session *s, struct spot *spot, struct lp_err *err)
{
	struct interp *in = spot->py->in;
	struct trap_key key = { .file = session_python_file(s, in), .trap = LP_PY_TRAP_RAISE };

	if (!key.file)
		return lp_err_set(err, ESRCH, "the process is gone");
	if (spot->point->lp->location.kind == LP_AT_UNCAUGHT)
		return session_hooks_attach(s, spot, err);
	int r = lp_python_function_offset(session_interp_root(in)->py,
					  kind_of(spot->point)->function, &key.offset, err);
	return r < 0 ? r : session_trap_use(s, spot, &key, err);
}

void session_trap_detach(struct lp_session *s, struct spot *spot)
{
	lp_vec_each (&spot->py->traps, key)
		leave(s, key);
	lp_vec_done(&spot->py->traps);
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
	for (uint32_t trap = kind_of(p)->first; trap <= kind_of(p)->last; trap++)
		runs += lp_kernel_trap_runs(s->kernel, trap);
	return n_points ? runs / n_points : 0;
}
