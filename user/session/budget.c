// SPDX-License-Identifier: GPL-2.0-only
#include "session/internal.h"

static uint64_t cost_of(const struct lp_costs *c, uint32_t classes)
{
	const uint64_t of[] = {
		[COST_EMULATED] = c->emulated,
		[COST_STEPPED] = c->stepped,
		[COST_RETURNED] = c->returned,
		[COST_WATCHED] = c->watched,
	};
	uint64_t dearest = 0;

	for (size_t i = 0; i < LP_ARRAY_SIZE(of); i++)
		if ((classes & 1u << i) && of[i] > dearest)
			dearest = of[i];
	return dearest;
}

/* Hits of the last second, or what costs as much; less where it has not been watched for so long. */
static uint64_t recent_hits(struct lp_session *s, struct point *p)
{
	struct lp_counts counts;

	if (lp_kernel_counts(s->kernel, p->id, &counts, NULL) < 0)
		return 0;
	uint64_t runs = session_python_runs(s, p);
	if (runs > counts.hits)
		counts.hits = runs;
	p->n_ticks++;
	p->tick = (p->tick + 1) % LP_ARRAY_SIZE(p->ticks);
	uint64_t oldest = p->ticks[p->tick];
	p->ticks[p->tick] = counts.hits;
	return counts.hits - oldest;
}

static void take_out(struct lp_session *s, struct point *p, uint64_t hits, uint64_t cost)
{
	const char *what = session_is_trap(p)	       ? "frames that exceptions went through"
			   : session_python_runs(s, p) ? "instructions of the interpreter's loop"
						       : "hits";

	session_note(s, LP_LOG_QUIET,
		     "%s: taken out: %llu %s in a second at %.1f us each are %.1f %% of a CPU, the "
		     "budget is %g %% (--max-overhead PCT, or none)",
		     p->lp->name, (unsigned long long)hits, what, (double)cost / 1000,
		     (double)(hits * cost) * 100 / LP_NS_PER_S, s->opts->max_overhead);
	session_detach_point(s, p);
}

static void measure_costs(struct lp_session *s)
{
	struct lp_err why = { 0 };

	if (s->have_costs)
		return;
	s->have_costs = true;
	if (lp_costs_measure(s->kernel, &s->costs, &why) >= 0)
		return;

	/* dearer than any machine that was measured: rather out too early than too late */
	s->costs = (struct lp_costs){
		.emulated = 2000, .stepped = 15000, .returned = 20000, .watched = 15000
	};
	session_note(s, LP_LOG_VERBOSE, "the cost of a hit could not be measured: %s", why.msg);
}

uint64_t session_step_cost(struct lp_session *s)
{
	measure_costs(s);
	return s->costs.stepped;
}

void session_budget_tick(struct lp_session *s)
{
	if (s->opts->max_overhead < 0)
		return;
	double budget = s->opts->max_overhead / 100 * (double)LP_NS_PER_S;

	lp_vec_each (&s->points, each) {
		struct point *p = *each;

		if (p->state != POINT_ARMED)
			continue;
		uint64_t hits = recent_hits(s, p);
		if (hits < CHEAP_HITS && s->opts->max_overhead >= 1)
			continue;
		measure_costs(s);
		uint64_t cost = cost_of(&s->costs, p->cost_classes);
		if (hits && (double)(hits * cost) > budget)
			take_out(s, p, hits, cost);
		else if (p->price_due && p->n_ticks > BUDGET_TICKS)
			session_steps_say_price(s, p, hits, cost);
	}
}
