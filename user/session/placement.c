// SPDX-License-Identifier: GPL-2.0-only
/* Probes go to cheaper instructions (native/shift.h), each between its neighbours of the same file: no
 * two of a session are on the two sides of each other's places, so that records come in the order of
 * the program.
 */
#include <string.h>

#include "expr/reads.h"
#include "native/effect.h"
#include "session/internal.h"

#define ROUGHLY_MAX 256 /* spots that are placed twice */

typedef LP_VEC(struct spot *) spot_vec;

static bool may_be_native(const struct lp_session *s)
{
	lp_vec_each (&s->points, p)
		if (!session_names_python_file(*p) && !session_is_trap(*p) && !session_is_crash(*p))
			return true;
	return false;
}

bool session_may_move(const struct lp_session *s)
{
	return !s->opts->exact && may_be_native(s);
}

void session_placement_begin(struct lp_session *s)
{
	struct lp_err why = { 0 };

	s->forms = LP_FORMS_USUAL;
	if (!session_may_move(s))
		return;
	if (lp_emulated_begin(&s->emulated, &why) < 0)
		session_note(s, LP_LOG_VERBOSE, "what the kernel emulates is not known: %s",
			     why.msg);
}

/* Can probes be moved? What is emulated must be known for that. */
static bool ask_forms(struct lp_session *s)
{
	struct lp_err why = { 0 };

	if (s->opts->exact || !s->emulated.is_asked)
		return false;
	if (s->have_forms)
		return s->forms != 0;
	s->have_forms = true;
	if (lp_emulated_end(&s->emulated, &s->forms, &why) < 0) {
		session_note(s, LP_LOG_VERBOSE,
			     "probes stay where they are meant: what the kernel emulates is not "
			     "known: %s",
			     why.msg);
		s->forms = 0;
	}
	return s->forms != 0;
}

static bool is_native(const struct spot *spot)
{
	return !spot->py && !spot->is_crash && spot->code;
}

static int compare_spots(const void *a, const void *b)
{
	const struct spot *x = *(struct spot *const *)a, *y = *(struct spot *const *)b;

	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	if (x->place.vaddr != y->place.vaddr)
		return x->place.vaddr < y->place.vaddr ? -1 : 1;
	return 0;
}

static int collect(struct lp_session *s, spot_vec *ret)
{
	lp_vec_each (&s->points, p)
		lp_vec_each (&(*p)->spots, spot)
			if (is_native(*spot) && lp_vec_push(ret, *spot) < 0)
				return -ENOMEM;
	if (ret->len > 0)
		qsort(ret->data, ret->len, sizeof(*ret->data), compare_spots);
	return 0;
}

/* What has its probe where it is meant, or has it already, keeps to both. */
static uint64_t lowest(const struct spot *spot)
{
	return spot->probe.chosen && spot->probe.at.vaddr < spot->place.vaddr ? spot->probe.at.vaddr
									      : spot->place.vaddr;
}

static uint64_t highest(const struct spot *spot)
{
	return spot->probe.chosen && spot->probe.at.vaddr > spot->place.vaddr ? spot->probe.at.vaddr
									      : spot->place.vaddr;
}

/* The room between the places before and behind; those at the same address have no order. */
static void find_room(const spot_vec *spots, size_t i, struct lp_shift_query *q)
{
	const struct spot *spot = spots->data[i];

	q->from = 0;
	q->to = UINT64_MAX;
	for (size_t j = i; j-- > 0 && spots->data[j]->file == spot->file;) {
		if (spots->data[j]->place.vaddr == spot->place.vaddr)
			continue;
		if (highest(spots->data[j]) > q->from)
			q->from = highest(spots->data[j]);
		if (!j || spots->data[j - 1]->place.vaddr != spots->data[j]->place.vaddr)
			break;
	}
	for (size_t j = i + 1; j < spots->len && spots->data[j]->file == spot->file; j++) {
		if (spots->data[j]->place.vaddr == spot->place.vaddr)
			continue;
		if (lowest(spots->data[j]) < q->to)
			q->to = lowest(spots->data[j]);
		if (j + 1 == spots->len ||
		    spots->data[j + 1]->place.vaddr != spots->data[j]->place.vaddr)
			break;
	}
}

/* What can't be told of an address leaves the probe there. */
static int choose(struct spot *spot, const struct lp_shift_query *q, struct lp_err *err)
{
	struct lp_err why = { 0 };
	int r = 0;

	if (!lp_shift_past_check(spot->file->module, q->vaddr, &spot->probe.at))
		r = lp_shift_find(spot->file->module, q, &spot->probe.at, &why);

	if (r == -ENOMEM)
		return lp_err_nomem(err);
	if (r < 0 ||
	    lp_module_offset(spot->file->module, spot->probe.at.vaddr, &spot->probe.offset) < 0) {
		spot->probe.at = (struct lp_shift){ .vaddr = q->vaddr, .form = LP_FORM_OTHER };
		spot->probe.offset = spot->place.offset;
	}
	return 0;
}

static int place(struct lp_session *s, const spot_vec *spots, size_t i, bool moves,
		 struct lp_err *err)
{
	struct spot *spot = spots->data[i];
	const bool two = session_has_two_halves(spot->point);
	const struct lp_compiled *c = spot->code;
	struct lp_reads reads;

	const uint32_t stack = spot->point->lp->with_locals
				       ? UINT32_MAX
				       : lp_shift_stack_regs(spot->file->module, spot->place.vaddr);
	lp_program_reads(two ? c->enter : c->code, two ? c->n_enter : c->n_code, stack, &reads);
	struct lp_shift_query q = {
		.vaddr = spot->place.vaddr,
		.reads = &reads,
		.emulated = s->forms,
		.keeps_stack = two,
		.may_fail = !spot->probe.safe,
	};
	find_room(spots, i, &q);
	/* a static probe is where its program has put it, with a counter of those who look */
	if (!moves || spot->point->lp->location.kind == LP_AT_USDT)
		q.from = q.to = q.vaddr;
	int r = choose(spot, &q, err);
	spot->probe.chosen = r >= 0;
	return r;
}

int session_place(struct lp_session *s, struct lp_err *err)
{
	spot_vec spots = { 0 };
	int r = collect(s, &spots);

	if (r < 0)
		lp_err_nomem(err);
	const bool moves = spots.len > 0 && ask_forms(s);
	for (size_t i = 0; i < spots.len && r >= 0; i++)
		if (!spots.data[i]->probe.chosen)
			r = place(s, &spots, i, moves, err);
	lp_vec_done(&spots);
	return r;
}

void session_place_roughly(struct lp_session *s)
{
	spot_vec spots = { 0 };
	int r = session_may_move(s) ? collect(s, &spots) : 0;

	for (size_t i = 0; i < spots.len && spots.len <= ROUGHLY_MAX && r >= 0; i++)
		r = place(s, &spots, i, true, NULL);
	lp_vec_done(&spots);
}

const char *session_probe_text(const struct lp_session *s, const struct spot *spot, char *buf,
			       size_t size)
{
	static const char *const names[] = {
#define NAME(name, text) [LP_FORM_##name] = text,
		LP_FORMS(NAME)
#undef NAME
	};
	const struct lp_shift *at = &spot->probe.at;

	*buf = '\0';
	if (!is_native(spot))
		return buf;
	const bool emulated = at->form < LP_FORM_COUNT && (s->forms & LP_FORM_BIT(at->form));
	const char *form = at->form < LP_FORM_COUNT ? names[at->form] : "instruction";
	const char *how = emulated ? "emulated" : "executed out of line";

	if (!at->ip)
		snprintf(buf, size, "; probed there (%s, %s)", form, how);
	else
		snprintf(buf, size, "; probed %d bytes %s, at 0x%llx (%s, %s%s)", abs(at->ip),
			 at->ip < 0 ? "on" : "before", (unsigned long long)at->vaddr, form, how,
			 spot->probe.covered ? ", or where it fails before" : "");
	return buf;
}
