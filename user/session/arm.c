// SPDX-License-Identifier: GPL-2.0-only
#include "session/internal.h"

#include <errno.h>
#include <string.h>

#include "expr/emit.h"

bool session_has_two_halves(const struct point *p)
{
	return p->lp->location.kind == LP_AT_RETURN || p->lp->location.kind == LP_AT_CALL;
}

void session_free_spot(struct spot *spot)
{
	if (!spot)
		return;
	lp_compiled_free(spot->code);
	if (spot->py) {
		lp_py_steps_done(&spot->py->here.steps);
		lp_py_steps_done(&spot->py->entry.steps);
	}
	free(spot->py);
	free(spot);
}

void session_drop_spots(struct point *p, size_t from)
{
	while (p->spots.len > from)
		session_free_spot(p->spots.data[--p->spots.len]);
}

static int compile_spot(struct lp_session *s, struct spot *spot, struct lp_err *err)
{
	const struct point *p = spot->point;
	lp_auto(lp_scope_free) struct lp_scope *entry = NULL, *leave = NULL;

	if (spot->py)
		return session_python_compile(s, spot, err);
	if (spot->is_crash)
		return session_crash_compile(s, spot, err);
	if (session_has_two_halves(p) && spot->place.no_return_probe)
		return lp_err_at(err, EINVAL, p->lp->location.col, 0,
				 "not supported yet: the return of a Go function (%s)",
				 spot->place.function ? spot->place.function : "?");
	int r = lp_scope_open(spot->file->module, &spot->place, LP_SCOPE_HERE, &entry, err);
	if (r >= 0 && session_has_two_halves(p))
		r = lp_scope_open(spot->file->module, &spot->place, LP_SCOPE_LEAVE, &leave, err);
	if (r < 0)
		return r;
	return lp_compile(p->lp, entry, leave, &s->opts->limits, &spot->code, err);
}

static const char *spot_text(const struct spot *spot, char *buf, size_t size)
{
	const struct lp_place *at = &spot->place;
	const char *function = at->function ? at->function : "?";

	if (session_spot_is_trap(spot))
		snprintf(buf, size, "%s of process %d, %s", spot->py->here.place.function,
			 (int)spot->py->in->pid, spot->py->here.place.file);
	else if (spot->py)
		snprintf(buf, size, "%s:%d in %s, code unit 0x%llx of process %d",
			 spot->py->here.place.file, spot->py->here.place.line,
			 spot->py->here.place.function,
			 (unsigned long long)spot->py->here.place.site.unit,
			 (int)spot->py->in->pid);
	else if (spot->is_crash)
		snprintf(buf, size, "signals that end a process");
	else if (at->line)
		snprintf(buf, size, "%s:%d in %s%s at 0x%llx of %s", at->file ? at->file : "?",
			 at->line, function, at->inlined ? " (inlined)" : "",
			 (unsigned long long)at->vaddr, spot->file->name);
	else
		snprintf(buf, size, "%s at 0x%llx of %s", function, (unsigned long long)at->vaddr,
			 spot->file->name);
	return buf;
}

/* What is wrong with the place of a process that is gone is no matter. */
static bool has_ended(struct lp_session *s, const struct spot *spot)
{
	return spot->py && lp_inventory_ended(&s->inv, spot->py->in->pid);
}

static void drop_ended(struct lp_session *s, struct point *p, size_t from)
{
	size_t kept = from;

	for (size_t i = from; i < p->spots.len; i++) {
		struct spot *spot = p->spots.data[i];

		if (!spot->code && has_ended(s, spot))
			session_free_spot(spot);
		else
			p->spots.data[kept++] = spot;
	}
	p->spots.len = kept;
}

/* A name that only some copies of a line lack is no error of the logpoint: these copies are named
 * and left out. One that every copy lacks is.
 */
int session_compile(struct lp_session *s, struct point *p, size_t from, struct lp_err *err)
{
	struct lp_err first = { 0 };
	bool never = true;
	char at[512];

	for (size_t i = from; i < p->spots.len; i++) {
		struct lp_err why = { 0 };
		int r = compile_spot(s, p->spots.data[i], &why);

		if (r >= 0)
			never = never && p->spots.data[i]->code->condition_never;
		else if (r == -ENOMEM)
			return lp_err_nomem(err);
		else if (!first.code && !has_ended(s, p->spots.data[i]))
			first = why;
	}
	drop_ended(s, p, from);

	size_t kept = from, bad = 0;
	for (size_t i = from; i < p->spots.len; i++)
		bad += !p->spots.data[i]->code;
	if (bad && (bad == p->spots.len - from || first.code != ENOENT)) {
		if (err)
			*err = first;
		return -first.code;
	}
	for (size_t i = from; i < p->spots.len; i++) {
		struct spot *spot = p->spots.data[i];

		if (spot->code) {
			p->spots.data[kept++] = spot;
			continue;
		}
		session_note(s, LP_LOG_NORMAL, "%s: not logged at %s: %s", p->lp->name,
			     spot_text(spot, at, sizeof(at)), first.msg);
		session_free_spot(spot);
	}
	p->spots.len = kept;
	if (kept > from && never && p->lp->condition)
		return lp_err_set(
			err, EINVAL,
			"the condition reads what the compiler has removed here: it could "
			"never hold");
	return 0;
}

static void set_cost(const struct lp_session *s, struct point *p, const struct spot *spot)
{
	if (session_spot_is_trap(spot))
		p->cost_classes |= 1u << COST_EMULATED;
	else if (spot->py)
		p->cost_classes |= 1u << COST_WATCHED;
	else if (spot->is_crash)
		return;
	else if (session_has_two_halves(p))
		p->cost_classes |= 1u << COST_RETURNED;
	else if (spot->probe.at.form < LP_FORM_COUNT &&
		 (s->forms & LP_FORM_BIT(spot->probe.at.form)))
		p->cost_classes |= 1u << COST_EMULATED;
	else
		p->cost_classes |= 1u << COST_STEPPED;
}

static int add_site(struct lp_session *s, struct spot *spot, struct lp_err *err)
{
	const struct point *p = spot->point;
	const struct lp_limits *max = &s->opts->limits;
	if (spot->py)
		return session_python_add_site(s, spot, err);

	const struct lp_place *at = &spot->place;
	struct lp_site_info *info = &spot->info;

	*info = (struct lp_site_info){
		.logpoint = p->lp->name,
		.file = at->file,
		.function = at->function,
		.line = at->line,
		.within = session_has_two_halves(p) ? 0 : at->function_die,
		.template = &spot->code->template,
		.is_return = session_has_two_halves(p),
		.max_string = max->string,
		.max_items = max->items,
		.max_depth = max->depth,
		.max_frames = max->frames,
		.all_frames = max->all_frames,
	};
	uint32_t pair = 0;
	int r = 0;

	if (info->is_return) {
		pair = s->pairs++;
		r = lp_kernel_add_site(s->kernel, p->id, LP_SITE_ENTER, at->vaddr, pair,
				       spot->code->enter, spot->code->n_enter, &spot->enter_site,
				       err);
	}
	if (r >= 0)
		r = lp_kernel_add_site(
			s->kernel, p->id, info->is_return ? LP_SITE_LEAVE : LP_SITE_PLAIN,
			at->vaddr, pair, spot->code->code, spot->code->n_code, &spot->site, err);
	if (r >= 0)
		lp_kernel_shift_site(s->kernel, info->is_return ? spot->enter_site : spot->site,
				     (int16_t)spot->probe.at.ip, (int16_t)spot->probe.at.sp);
	if (r >= 0)
		r = session_cover_site(s, spot, info->is_return ? spot->enter_site : spot->site,
				       err);
	if (r >= 0 && lp_collect_set_site(s->collect, spot->site, info) < 0)
		r = lp_err_nomem(err);
	return r;
}

int session_add_sites(struct lp_session *s, struct point *p, size_t from, struct lp_err *err)
{
	for (size_t i = from; i < p->spots.len; i++) {
		int r = add_site(s, p->spots.data[i], err);
		if (r < 0)
			return r;
		set_cost(s, p, p->spots.data[i]);
	}
	return 0;
}

static void print_code(struct lp_session *s, const char *title, const struct lp_insn *code,
		       size_t n)
{
	lp_auto(lp_buf_done) struct lp_buf text = { 0 };
	char *rest = NULL;

	if (!n)
		return;
	lp_program_print(&text, code, n);
	if (text.failed)
		return;
	session_note(s, LP_LOG_DEBUG, "  %s:", title);
	for (char *line = strtok_r(text.data, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest))
		session_note(s, LP_LOG_DEBUG, "    %s", line);
}

void session_print_spot(struct lp_session *s, const struct spot *spot)
{
	char at[512], probe[192];

	if (lp_log_level < LP_LOG_VERBOSE)
		return;
	session_note(s, LP_LOG_VERBOSE, "%s: %s%s", spot->point->lp->name,
		     spot_text(spot, at, sizeof(at)),
		     session_probe_text(s, spot, probe, sizeof(probe)));
	print_code(s, "at entry", spot->code->enter, spot->code->n_enter);
	print_code(s, spot->code->enter ? "at return" : "program", spot->code->code,
		   spot->code->n_code);
}

/* Sites that were added and then not attached stay unused in the kernel side's tables. */
static int arm_in(struct lp_session *s, struct point *p, struct lp_file *f, struct lp_err *err)
{
	LP_VEC(struct stop) stops = { 0 };
	size_t from = p->spots.len;

	int r = session_resolve_in(s, p, f, err);
	if (r >= 0)
		r = session_compile(s, p, from, err);
	if (r >= 0)
		r = session_place(s, err);
	if (r >= 0)
		r = session_cover(s, err);
	if (r >= 0)
		r = session_add_sites(s, p, from, err);
	if (r >= 0 && session_collect_stops(p, from, &stops) < 0)
		r = lp_err_nomem(err);
	if (r >= 0)
		r = session_attach(s, stops.data, stops.len, err);
	lp_vec_done(&stops);
	return r;
}

/* missing: the level at which is said that the place is there, but not what the logpoint names. */
static void arm_point_in(struct lp_session *s, struct point *p, struct lp_file *f,
			 enum lp_log_level missing)
{
	struct lp_err why = { 0 };
	size_t from = p->spots.len;

	if (p->state == POINT_OUT || session_is_trap(p) || session_is_crash(p)) /* in no file */
		return;
	int r = arm_in(s, p, f, &why);
	if (r >= 0 && p->spots.len > from) {
		p->state = POINT_ARMED;
		session_note(s, LP_LOG_NORMAL, "armed: %s at %zu place%s in %s", p->lp->name,
			     p->spots.len - from, p->spots.len - from == 1 ? "" : "s", f->path);
		for (size_t i = from; i < p->spots.len; i++)
			session_print_spot(s, p->spots.data[i]);
		return;
	}
	const bool has_place = p->spots.len > from;
	session_uncover(s, p, from);
	session_drop_spots(p, from);
	if (r < 0 && (r != -ENOENT || has_place))
		session_note(s, r == -ENOENT ? missing : LP_LOG_QUIET, "%s: not armed in %s: %s",
			     p->lp->name, f->path, why.msg);
}

void session_arm_file(struct lp_session *s, struct lp_file *f)
{
	if (f->resolved)
		return;
	f->resolved = true;
	if (!f->module)
		return;
	lp_vec_each (&s->points, p)
		arm_point_in(s, *p, f, LP_LOG_NORMAL);
}

bool session_arm_postponed(struct lp_session *s, uint64_t until)
{
	uint64_t now = 0;

	for (; s->n_unpostponed < s->points.len; s->n_unpostponed++) {
		struct point *p = s->points.data[s->n_unpostponed];

		if (!p->postponed)
			continue;
		if (now >= until)
			return true;
		p->postponed = false;
		lp_vec_each (&s->inv.files, f)
			if ((*f)->postponed && (*f)->module && !session_is_executable(s, *f))
				arm_point_in(s, p, *f, LP_LOG_VERBOSE);
		now = lp_now();
	}
	return false;
}
