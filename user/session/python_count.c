// SPDX-License-Identifier: GPL-2.0-only
/* What is counted: each instruction once, for all places that can be probed there. It begins before the
 * kernel side is loaded where it is known that no place will have a watchpoint.
 */
#include "session/internal.h"

#include <errno.h>

#define CHOICE_MOMENT (50 * LP_NS_PER_MS)
#define PRICE_MOMENT  (20 * LP_NS_PER_MS) /* where there is nothing to choose */
#define CLOSE_BY      16 /* runs that two instructions may differ by, beside twice the number */

/* One of the instructions at which a half can be probed. */
struct option {
	uint32_t half, kind;
};

struct step_count {
	struct lp_count *count;
	struct lp_session *s;
	bool all;	/* no half has a watchpoint */
	bool ended;	/* what was counted is taken */
	bool is_choice; /* some half can be probed at several */
	uint32_t n_halves;
	LP_VEC(struct step_kind) kinds;
	LP_VEC(struct lp_count_item) items; /* of kinds */
	LP_VEC(struct option) options;	    /* by half */
};

static void step_count_free(struct step_count *c)
{
	if (!c)
		return;
	lp_count_free(c->count);
	lp_vec_done(&c->kinds);
	lp_vec_done(&c->items);
	lp_vec_done(&c->options);
	free(c);
}
LP_CLEANUP(struct step_count *, step_count_free)

/* The one that is executed most seldom of a half's, and what is close to it: by itself, not slowed down,
 * each will show how often it is.
 */
static void choose(void *arg, const uint64_t *runs, bool *keep)
{
	const struct step_count *c = arg;
	const struct option *o = c->options.data, *end = o + c->options.len, *next;

	for (size_t i = 0; i < c->kinds.len; i++)
		keep[i] = false;
	for (; o < end; o = next) {
		uint64_t least = UINT64_MAX;

		for (next = o; next < end && next->half == o->half; next++)
			if (runs[next->kind] < least)
				least = runs[next->kind];
		for (const struct option *k = o; k < next; k++)
			if (runs[k->kind] <= 2 * least + CLOSE_BY)
				keep[k->kind] = true;
	}
}

static int add_option(struct step_count *c, const struct lp_file *file,
		      const struct lp_py_step *step)
{
	struct option o = { .half = c->n_halves };
	const struct step_kind kind = { .file = file, .op = step->op };
	const struct lp_count_item item = {
		.path = file->fd_path,
		.n = step->offsets.len,
		.offsets = step->offsets.data,
	};

	while (o.kind < c->kinds.len &&
	       (c->kinds.data[o.kind].file != file || c->kinds.data[o.kind].op != step->op))
		o.kind++;
	if (o.kind == c->kinds.len &&
	    (lp_vec_push(&c->kinds, kind) < 0 || lp_vec_push(&c->items, item) < 0))
		return -ENOMEM;
	return lp_vec_push(&c->options, o);
}

/* What can't be probed is told when it is to be. */
static int add_half(struct spot *spot, struct py_half *half, void *arg)
{
	struct step_count *c = arg;
	const struct lp_file *file = session_python_file(c->s, spot->py->in);
	int r = 0;

	if ((!c->all && !half->by_step) || !file || session_steps_find(spot, half, NULL) < 0)
		return 0;
	c->is_choice = c->is_choice || half->steps.len > 1;
	for (size_t i = 0; i < half->steps.len && r == 0; i++)
		r = add_option(c, file, &half->steps.data[i]);
	c->n_halves++;
	return r;
}

void session_count_begin(struct lp_session *s)
{
	struct lp_err why = { 0 };
	int r = 0;

	if (s->counting || s->kinds.len || !s->interps.len)
		return;
	lp_auto(step_count_free) struct step_count *c = calloc(1, sizeof(*c));
	if (!c)
		return;
	c->s = s;
	c->all = !lp_watch_fires();
	for (size_t i = 0; i < s->points.len && r == 0; i++)
		r = session_each_py_half(s->points.data[i], 0, add_half, c);
	if (r < 0 || !c->n_halves)
		return;
	const struct lp_count_spec spec = {
		.pid = s->bound_pid,
		.n = c->items.len,
		.items = c->items.data,
		.moment = c->is_choice ? CHOICE_MOMENT : PRICE_MOMENT,
		.choose = choose,
		.arg = c,
	};
	if (lp_count_begin(&spec, &c->count, &why) < 0)
		session_note(s, LP_LOG_VERBOSE, "instructions are not counted: %s", why.msg);
	else
		s->counting = lp_take(c);
}

void session_count_end(struct lp_session *s)
{
	struct step_count *c = s->counting;
	struct lp_err why = { 0 };

	if (!c || c->ended)
		return;
	c->ended = true;
	lp_auto(lp_free) uint64_t *rates = calloc(c->kinds.len, sizeof(*rates));
	if (!rates || lp_count_end(c->count, rates, &why) < 0) {
		session_note(s, LP_LOG_VERBOSE, "instructions are not counted: %s", why.msg);
		return;
	}
	for (size_t i = 0; i < c->kinds.len; i++) {
		c->kinds.data[i].rate = rates[i];
		if (rates[i] != LP_COUNT_UNKNOWN && lp_vec_push(&s->kinds, c->kinds.data[i]) < 0)
			return;
	}
}

int session_count_rate(const struct lp_session *s, const struct lp_file *file, uint8_t op,
		       uint64_t *ret)
{
	lp_vec_each (&s->kinds, k)
		if (k->file == file && k->op == op) {
			*ret = k->rate;
			return 0;
		}
	return -ENOENT;
}

void session_count_done(struct lp_session *s)
{
	step_count_free(lp_take(s->counting));
	lp_vec_done(&s->kinds);
}
