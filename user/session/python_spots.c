// SPDX-License-Identifier: GPL-2.0-only
/* Places of logpoints in the code objects of interpreters, with their code. */
#include "session/internal.h"

#include <errno.h>
#include <string.h>

static bool is_known(const struct point *p, const struct interp *in, const struct lp_py_place *at)
{
	lp_vec_each (&p->spots, each) {
		const struct py_spot *py = (*each)->py;
		const struct lp_py_site *known = py ? &py->here.place.site : NULL,
					*site = &at->site;

		if (py && py->in == in && known->unit == site->unit && known->code == site->code &&
		    known->name == site->name && known->filename == site->filename &&
		    known->firstlineno == site->firstlineno)
			return true;
	}
	return false;
}

static struct spot *spot_new(struct point *p, struct interp *in, const struct lp_py_place *at)
{
	struct spot *spot = calloc(1, sizeof(*spot));

	if (!spot)
		return NULL;
	spot->py = calloc(1, sizeof(*spot->py));
	if (!spot->py) {
		free(spot);
		return NULL;
	}
	spot->point = p;
	spot->py->in = in;
	spot->py->here.place = *at;
	return spot;
}

/* An entry is followed by the returns of its function. */
static int add_spots(struct point *p, struct interp *in, const struct lp_py_places *places,
		     struct lp_err *err)
{
	const struct lp_py_place *entry = NULL;
	bool owned = false;

	for (size_t i = 0; i < places->len; i++) {
		const struct lp_py_place *at = &places->data[i];

		if (session_has_two_halves(p) && !at->is_return) {
			entry = at;
			owned = false;
			continue;
		}
		if (is_known(p, in, at))
			continue;
		struct spot *spot = spot_new(p, in, at);
		if (!spot || lp_vec_push(&p->spots, spot) < 0) {
			session_free_spot(spot);
			return lp_err_nomem(err);
		}
		if (!entry)
			continue;
		spot->py->entry.place = *entry;
		spot->py->has_entry = true;
		spot->py->owns_entry = !owned;
		owned = true;
	}
	return 0;
}

/* code 0: in all code objects of the process. */
static int resolve_in(struct lp_session *s, struct point *p, struct interp *in, uint64_t code,
		      struct lp_err *err)
{
	struct lp_python *py = session_interp_root(in)->py;
	struct lp_py_places places = { 0 };
	struct lp_err why = { 0 };
	const uint64_t since = lp_now();
	const size_t from = p->spots.len;

	if (session_is_trap(p))
		return session_trap_resolve_in(s, p, in, err);

	int r = code ? lp_python_resolve_in(py, code, &p->lp->location, &places, &why)
		     : lp_python_resolve(py, &p->lp->location, &places, &why);
	if (r < 0)
		*err = why;
	if (r >= 0)
		r = add_spots(p, in, &places, err);
	for (size_t i = from; i < p->spots.len; i++)
		p->spots.data[i]->since = since;
	lp_vec_done(&places);
	return r;
}

bool session_names_python_file(const struct point *p)
{
	const char *file = p->lp->location.kind == LP_AT_LINE ? p->lp->location.file : NULL;
	const char *dot = file ? strrchr(file, '.') : NULL;

	return dot && !strcmp(dot, ".py");
}

static bool tells_more(const struct lp_err *than, int code)
{
	return !than->code || (than->code == ENOENT && code != ENOENT);
}

int session_python_resolve(struct lp_session *s, struct point *p, bool *ret_pending,
			   struct lp_err *err)
{
	struct lp_err best = { 0 };
	bool live = false;

	*ret_pending = false;
	if (!session_may_be_python(p))
		return lp_err_set(err, ENOENT, "not Python");
	lp_vec_each (&s->interps, each) {
		struct interp *in = *each;
		struct lp_err why = in->refused;

		if (in->origin || in->gone) /* the watchpoints of the origin are inherited */
			continue;
		int r = why.code ? -why.code : resolve_in(s, p, in, 0, &why);
		if (r == -ENOMEM)
			return lp_err_nomem(err);
		if (r < 0 && lp_inventory_ended(&s->inv, in->pid))
			continue;
		live = live || !in->refused.code;
		if (r < 0 && tells_more(&best, why.code))
			best = why;
	}
	if (p->spots.len)
		return 0;
	if (!best.code)
		lp_err_set(&best, ENOENT, "no Python runs yet");
	*err = best;
	const bool may_come =
		session_is_trap(p) ? session_python_expected(s) : session_names_python_file(p);
	*ret_pending = best.code == ENOENT && (live || (may_come && s->dynamic));
	return -best.code;
}

int session_python_compile(struct lp_session *s, struct spot *spot, struct lp_err *err)
{
	struct py_spot *py = spot->py;
	struct lp_python *in = session_interp_root(py->in)->py;
	lp_auto(lp_scope_free) struct lp_scope *entry = NULL, *leave = NULL;

	if (session_spot_is_trap(spot))
		return session_trap_compile(s, spot, err);

	const struct lp_py_place *first = py->has_entry ? &py->entry.place : &py->here.place;

	int r = lp_python_scope_open(in, first, false, &entry, err);
	if (r >= 0 && py->has_entry)
		r = lp_python_scope_open(in, &py->here.place, true, &leave, err);
	return r < 0 ? r
		     : lp_compile(spot->point->lp, entry, leave, &s->opts->limits, &spot->code,
				  err);
}

static int add_half(struct lp_session *s, struct spot *spot, struct py_half *half,
		    const struct lp_py_site *site, struct lp_err *err)
{
	const struct lp_compiled *code = spot->code;
	struct lp_py_site own = *site;

	own.runtime = spot->py->in->runtime;
	if (half == &spot->py->entry) {
		int entered = lp_kernel_add_python_site(s->kernel, spot->point->id, LP_SITE_ENTER,
							&own, spot->pair, code->enter,
							code->n_enter, &spot->enter_site, err);
		half->has_site = half->has_site || entered >= 0;
		return entered;
	}
	int r = lp_kernel_add_python_site(s->kernel, spot->point->id,
					  spot->py->has_entry ? LP_SITE_LEAVE : LP_SITE_PLAIN, &own,
					  spot->pair, code->code, code->n_code, &spot->site, err);
	half->has_site = half->has_site || r >= 0;
	if (r >= 0 && lp_collect_set_site(s->collect, spot->site, &spot->info) < 0)
		r = lp_err_nomem(err);
	return r;
}

int session_python_move_site(struct lp_session *s, struct spot *spot, struct py_half *half,
			     const struct lp_py_site *site, struct lp_err *err)
{
	uint32_t before = half == &spot->py->entry ? spot->enter_site : spot->site;

	int r = add_half(s, spot, half, site, err);
	if (r < 0)
		return r;
	lp_kernel_drop_python_site(s->kernel, before);
	lp_collect_drop_site(s->collect, before);
	lp_kernel_free_site(s->kernel, before); /* it was never watched */
	return 0;
}

int session_python_add_site(struct lp_session *s, struct spot *spot, struct lp_err *err)
{
	struct py_spot *py = spot->py;
	const struct lp_limits *max = &s->opts->limits;
	int r = 0;

	const bool is_trap = session_spot_is_trap(spot); /* each record says where */
	spot->info = (struct lp_site_info){
		.logpoint = spot->point->lp->name,
		.file = is_trap ? NULL : py->here.place.file,
		.function = is_trap ? NULL : py->here.place.function,
		.line = py->here.place.line,
		.template = &spot->code->template,
		.is_return = py->has_entry,
		.python = &session_interp_root(py->in)->info,
		.max_string = max->string,
		.max_items = max->items,
		.max_depth = max->depth,
		.max_frames = max->frames,
		.all_frames = max->all_frames,
	};
	if (is_trap)
		r = session_trap_want(s, spot, err);
	if (py->has_entry)
		spot->pair = py->owns_entry ? s->pairs++ : s->pairs - 1;
	if (r >= 0 && py->owns_entry)
		r = add_half(s, spot, &py->entry, &py->entry.place.site, err);
	return r < 0 ? r : add_half(s, spot, &py->here, &py->here.place.site, err);
}

/* *from: the first of the new spots. Watchpoints are few: those of code that is gone are given back
 * before new ones are asked for.
 */
static int arm_point(struct lp_session *s, struct point *p, struct interp *in, uint64_t code,
		     uint64_t made, size_t *from, struct lp_err *err)
{
	if (code)
		session_python_bury(s, p, in, code, made, from);
	int r = resolve_in(s, p, in, code, err);
	if (r >= 0 && p->spots.len > *from)
		session_python_bury(s, p, in, 0, 0, from);
	if (r >= 0)
		r = session_compile(s, p, *from, err);
	if (r >= 0)
		r = session_add_sites(s, p, *from, err);
	return r < 0 ? r : session_python_attach(s, p, *from, err);
}

/* What a forked child makes is in its own memory: from then on it is an interpreter of its own. */
static int open_own(struct lp_session *s, struct interp *in, struct lp_err *err)
{
	if (in->py || !in->origin)
		return 0;
	int r = lp_python_open(in->pid, &in->py, err);
	if (r < 0)
		return r;
	return session_python_fill_info(s, in, err);
}

void session_python_arm(struct lp_session *s, struct interp *in, uint64_t code, uint64_t made)
{
	struct lp_err why = { 0 };

	if (in->refused.code || !in->known || open_own(s, in, &why) < 0)
		return;
	lp_vec_each (&s->points, each) {
		struct point *p = *each;
		size_t from = p->spots.len;

		if (p->state == POINT_OUT || !session_may_be_python(p))
			continue;
		int r = arm_point(s, p, in, code, made, &from, &why);
		if (r >= 0 && p->spots.len == from)
			continue;
		if (r < 0) {
			session_drop_spots(p, from);
			if (r != -ENOENT && r != -ESRCH)
				session_note(s, LP_LOG_QUIET, "%s: not armed in process %d: %s",
					     p->lp->name, (int)in->pid, why.msg);
			continue;
		}
		p->state = POINT_ARMED;
		in->armed_at = lp_now();
		session_note(s, LP_LOG_NORMAL, "armed: %s at %zu place%s in %s", p->lp->name,
			     p->spots.len - from, p->spots.len - from == 1 ? "" : "s",
			     p->spots.data[from]->py->here.place.file);
		for (size_t i = from; i < p->spots.len; i++)
			session_print_spot(s, p->spots.data[i]);
	}
}
