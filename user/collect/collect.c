// SPDX-License-Identifier: GPL-2.0-only
#include "collect/collect.h"

#include <string.h>

#include "collect/clock.h"
#include "collect/decode.h"
#include "collect/order.h"
#include "collect/plan.h"

#define HOLD_MAX (1u << 20) /* bytes of records that wait; beyond it the older half goes on */

struct lp_collect {
	const struct lp_collect_ops *ops;
	void *arg;
	struct lp_symbolizer sym;
	LP_VEC(struct lp_plan *) plans; /* by site; NULL: none */
	struct lp_order order;
	struct lp_clock clock;
	struct lp_decoded decoded;
	struct lp_scratch scratch;
};

int lp_collect_new(const struct lp_collect_ops *ops, void *arg, const struct lp_symbolizer *sym,
		   struct lp_collect **ret, struct lp_err *err)
{
	struct lp_collect *c = calloc(1, sizeof(*c));

	if (!c)
		return lp_err_nomem(err);
	c->ops = ops;
	c->arg = arg;
	if (sym)
		c->sym = *sym;
	lp_clock_update(&c->clock);
	*ret = c;
	return 0;
}

void lp_collect_free(struct lp_collect *c)
{
	if (!c)
		return;
	lp_vec_each (&c->plans, p)
		lp_plan_free(*p);
	lp_vec_done(&c->plans);
	lp_order_done(&c->order);
	lp_decoded_done(&c->decoded);
	lp_arena_done(&c->scratch.arena);
	lp_buf_done(&c->scratch.message);
	lp_buf_done(&c->scratch.text);
	free(c->scratch.frames);
	lp_threads_done(&c->scratch.threads);
	lp_places_done(&c->scratch.places);
	free(c);
}

int lp_collect_set_site(struct lp_collect *c, uint32_t site, const struct lp_site_info *info)
{
	struct lp_plan *plan = NULL;

	if (site >= LP_SITES_MAX)
		return -EINVAL;
	while (c->plans.len <= site)
		if (lp_vec_push(&c->plans, NULL) < 0)
			return -ENOMEM;

	int r = lp_plan_new(info, &plan, NULL);
	if (r < 0)
		return r;
	lp_plan_free(c->plans.data[site]);
	c->plans.data[site] = plan;
	return 0;
}

void lp_collect_drop_site(struct lp_collect *c, uint32_t site)
{
	if (site >= c->plans.len)
		return;
	lp_plan_free(c->plans.data[site]);
	c->plans.data[site] = NULL;
}

static struct lp_plan *plan_of(const struct lp_collect *c, uint32_t site)
{
	return site < c->plans.len ? c->plans.data[site] : NULL;
}

static int hand_on_hit(struct lp_collect *c, const struct lp_record *rec, struct lp_err *err)
{
	struct lp_plan *plan = plan_of(c, rec->site);
	struct lp_event ev;

	if (lp_decode(&c->decoded, rec, plan->n_slots) < 0)
		return lp_err_nomem(err);

	int r = lp_plan_event(plan, &c->decoded, &c->sym, lp_clock_real(&c->clock, rec->time),
			      &c->scratch, &ev, err);
	return r < 0 ? r : c->ops->event(c->arg, &ev, err);
}

/* Why a condition could not be evaluated. */
static const char *cond_error(struct lp_collect *c, const struct lp_record *rec)
{
	struct lp_arena *a = &c->scratch.arena;
	struct lp_value why = { .str = "out of memory" };

	lp_arena_reset(a);
	if (lp_decode(&c->decoded, rec, 0) < 0)
		return "condition can't be evaluated: out of memory";
	if (!c->decoded.cond.n)
		return "condition can't be evaluated";
	const struct lp_block *b = c->decoded.cond.first;
	const struct lp_plan *plan = plan_of(c, rec->site);
	const struct lp_template *t = plan ? plan->info->template : NULL;
	const char *named =
		t ? lp_template_reason(t, t->condition_in_enter, b->status, b->addr, a) : NULL;
	if (named)
		return lp_arena_fmt(a, "condition can't be evaluated: %s", named);
	lp_status_text(b->status, b->addr, a, &why);
	return lp_arena_fmt(a, "condition can't be evaluated: %s", why.str);
}

static void forget(struct lp_collect *c, uint32_t pid)
{
	lp_threads_forget(&c->scratch.threads, pid);
	lp_places_forget(&c->scratch.places, pid);
}

/* At most `max` records older than `before`. */
static int hand_on(struct lp_collect *c, uint64_t before, size_t max, struct lp_err *err)
{
	const struct lp_record *rec;
	int r = 0;

	while (r >= 0 && max-- && (rec = lp_order_next(&c->order, before))) {
		if (rec->kind == LP_REC_EXIT || rec->kind == LP_REC_EXEC)
			forget(c, rec->pid);
		if (rec->kind == LP_REC_HIT)
			r = hand_on_hit(c, rec, err);
		else if (c->ops->notice)
			r = c->ops->notice(
				c->arg, rec,
				rec->kind == LP_REC_COND_ERROR ? cond_error(c, rec) : NULL, err);
	}
	return r < 0 ? r : 0;
}

int lp_collect_feed(struct lp_collect *c, const void *record, size_t len, struct lp_err *err)
{
	const struct lp_record *rec = record;
	int r = lp_record_check(record, len, err);

	if (r < 0)
		return r;
	const struct lp_plan *plan = rec->kind == LP_REC_HIT ? plan_of(c, rec->site) : NULL;
	if (rec->kind == LP_REC_HIT && !plan)
		return lp_err_set(err, EPROTO, "record of unknown site %u", rec->site);
	if (plan && plan->info->template && plan->info->template->has_exception)
		lp_plan_meet_frames(rec, &c->sym);

	if (c->order.bytes.len > HOLD_MAX) {
		lp_clock_update(&c->clock);
		r = hand_on(c, UINT64_MAX, lp_order_count(&c->order) / 2 + 1, err);
		if (r < 0)
			return r;
	}
	return lp_order_add(&c->order, rec) < 0 ? lp_err_nomem(err) : 0;
}

int lp_collect_flush(struct lp_collect *c, uint64_t before, struct lp_err *err)
{
	lp_clock_update(&c->clock);
	return hand_on(c, before, SIZE_MAX, err);
}
