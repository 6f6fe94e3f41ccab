// SPDX-License-Identifier: GPL-2.0-only
#include "session/internal.h"

#include <inttypes.h>

static const char *const loss_text[] = {
#define LOSS_TEXT(name, text) [LP_LOSS_##name] = (text),
	LP_LOSSES(LOSS_TEXT)
#undef LOSS_TEXT
};

static uint64_t at_most(uint64_t n, uint64_t max)
{
	return n < max ? n : max;
}

void lp_summary_init(struct lp_summary *sum, const char *name, const struct lp_counts *counts,
		     uint64_t overwritten, uint64_t unshown)
{
	*sum = (struct lp_summary){ .name = name, .counts = *counts };
	sum->overwritten = at_most(overwritten, sum->counts.logged);
	sum->counts.logged -= sum->overwritten;
	sum->unshown = at_most(unshown, sum->counts.logged);
	sum->counts.logged -= sum->unshown;
}

void lp_summary_add(struct lp_summary *total, const struct lp_summary *sum)
{
	struct lp_counts *t = &total->counts;
	const struct lp_counts *c = &sum->counts;

	t->hits += c->hits;
	t->logged += c->logged;
	t->filtered += c->filtered;
	t->limited += c->limited;
	t->cond_errors += c->cond_errors;
	for (int i = 0; i < LP_LOSS_COUNT; i++)
		t->lost[i] += c->lost[i];
	total->overwritten += sum->overwritten;
	total->unshown += sum->unshown;
}

uint64_t lp_summary_lost(const struct lp_summary *sum)
{
	uint64_t lost = 0;

	for (int i = 0; i < LP_LOSS_COUNT; i++)
		lost += sum->counts.lost[i];
	return lost;
}

void lp_summary_print(struct lp_buf *b, const struct lp_summary *sum)
{
	const struct lp_counts *c = &sum->counts;
	uint64_t lost = lp_summary_lost(sum);
	const char *separator = " (";

	lp_buf_fmt(b,
		   "%s: %" PRIu64 " hits = %" PRIu64 " logged + %" PRIu64 " filtered + %" PRIu64
		   " rate-limited + %" PRIu64 " lost",
		   sum->name, (uint64_t)c->hits, (uint64_t)c->logged, (uint64_t)c->filtered,
		   (uint64_t)c->limited, lost);
	for (int i = 0; i < LP_LOSS_COUNT; i++) {
		if (!c->lost[i])
			continue;
		lp_buf_fmt(b, "%s%s %" PRIu64, separator, loss_text[i], (uint64_t)c->lost[i]);
		separator = ", ";
	}
	if (lost)
		lp_buf_char(b, ')');
	if (sum->overwritten)
		lp_buf_fmt(b, " + %" PRIu64 " overwritten", sum->overwritten);
	if (sum->unshown)
		lp_buf_fmt(b, " + %" PRIu64 " not shown", sum->unshown);
	if (c->cond_errors)
		lp_buf_fmt(b, " [%" PRIu64 " conditions could not be evaluated]",
			   (uint64_t)c->cond_errors);
}

int lp_session_summary(struct lp_session *s, void (*fn)(void *arg, const struct lp_summary *sum),
		       void *arg, struct lp_err *err)
{
	struct lp_summary total = { .name = "all" };

	lp_vec_each (&s->points, each) {
		struct point *p = *each;
		struct lp_counts counts = { 0 };
		uint64_t overwritten = 0, unshown = p->unshown;
		struct lp_summary sum;

		if (p->added) {
			int r = lp_kernel_counts(s->kernel, p->id, &counts, err);
			if (r < 0)
				return r;
			counts.lost[LP_LOSS_UNSEEN] += session_python_unseen(s, p);
			counts.hits += session_python_unseen(s, p);
		}
		if (p->added && s->ops->unwritten)
			unshown += s->ops->unwritten(s->arg, p->id);
		if (p->added && s->opts->last)
			overwritten = s->ops->overwritten(s->arg, p->id);
		lp_summary_init(&sum, p->lp->name, &counts, overwritten, unshown);
		lp_summary_add(&total, &sum);
		fn(arg, &sum);
	}
	if (s->points.len > 1)
		fn(arg, &total);
	return 0;
}
