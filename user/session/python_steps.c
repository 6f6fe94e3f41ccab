// SPDX-License-Identifier: GPL-2.0-only
/* Probes in the evaluation loop, where places have no watchpoint: at which instruction, at what price,
 * and whether that is within the budget.
 */
#include "session/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* An instruction of one interpreter's loop. */
struct probed {
	const struct lp_file *file;
	const struct lp_py_step *step;
};

/* What the probes of a logpoint cost: runs a second of all instructions that they are at. */
struct price {
	struct lp_session *s;
	uint64_t rate;
	bool known;
	struct lp_err no_watch; /* the first half's */
	LP_VEC(struct probed) probed;
	struct lp_err *err;
};

static void price_done(struct price *p)
{
	lp_vec_done(&p->probed);
}
LP_CLEANUP_DONE(struct price, price_done)

int session_steps_find(struct spot *spot, struct py_half *half, struct lp_err *err)
{
	struct lp_python *py = session_interp_root(spot->py->in)->py;

	return half->steps.len ? 0 : lp_python_steps(py, &half->place, &half->steps, err);
}

int session_each_py_half(struct point *p, size_t from,
			 int (*fn)(struct spot *spot, struct py_half *half, void *arg), void *arg)
{
	int r = 0;

	for (size_t i = from; i < p->spots.len && r >= 0; i++) {
		struct spot *spot = p->spots.data[i];

		if (spot->py && spot->py->owns_entry)
			r = fn(spot, &spot->py->entry, arg);
		if (spot->py && r >= 0)
			r = fn(spot, &spot->py->here, arg);
	}
	return r;
}

/* Executed more seldom: as counted, else as it typically is. */
static bool is_rarer(const struct lp_session *s, const struct lp_file *file,
		     const struct lp_py_step *a, const struct lp_py_step *b)
{
	uint64_t rate_a, rate_b;

	if (session_count_rate(s, file, a->op, &rate_a) == 0 &&
	    session_count_rate(s, file, b->op, &rate_b) == 0 && rate_a != rate_b)
		return rate_a < rate_b;
	return a->weight < b->weight;
}

static int add_price(struct price *p, const struct lp_file *file, const struct lp_py_step *step)
{
	const struct probed probed = { file, step };
	uint64_t rate = 0;

	lp_vec_each (&p->probed, known)
		if (known->file == file && known->step->op == step->op)
			return 0;
	p->known = session_count_rate(p->s, file, step->op, &rate) == 0 && p->known;
	p->rate += rate;
	return lp_vec_push(&p->probed, probed);
}

static int choose(struct spot *spot, struct py_half *half, void *arg)
{
	struct price *p = arg;
	const struct lp_file *file = session_python_file(p->s, spot->py->in);

	if (!half->by_step)
		return 0;
	int r = session_steps_find(spot, half, p->err);
	if (r < 0 && lp_inventory_ended(&p->s->inv, spot->py->in->pid)) {
		half->by_step = false;
		return 0;
	}
	if (r < 0)
		return r;
	half->chosen = half->steps.data;
	lp_vec_each (&half->steps, step)
		/* an entry is to be seen before the return, not by the same instruction */
		if (!(half == &spot->py->entry && step->returns) &&
		    is_rarer(p->s, file, step, half->chosen))
			half->chosen = step;
	if (!p->no_watch.code)
		p->no_watch = half->no_watch;
	return add_price(p, file, half->chosen) < 0 ? lp_err_nomem(p->err) : 0;
}

/* "12,300": three digits that mean something. */
static const char *about(uint64_t n, char *buf, size_t size)
{
	uint64_t unit = 1;
	char digits[24];
	size_t len = 0;

	while (n / unit >= 1000)
		unit *= 10;
	const int n_digits =
		snprintf(digits, sizeof(digits), "%" PRIu64, (n + unit / 2) / unit * unit);
	for (int i = 0; i < n_digits && len + 2 < size; i++) {
		if (i && (n_digits - i) % 3 == 0)
			buf[len++] = ',';
		buf[len++] = digits[i];
	}
	buf[len] = '\0';
	return buf;
}

/* Why there is no watchpoint, and what is probed. */
static void describe(const struct price *p, struct lp_buf *ret)
{
	if (p->no_watch.code)
		lp_buf_fmt(ret, "%s; ", p->no_watch.msg);
	lp_buf_str(ret, "probing ");
	for (size_t i = 0; i < p->probed.len; i++)
		lp_buf_fmt(ret, "%s%s", i ? ", " : "", p->probed.data[i].step->name);
	lp_buf_str(ret, " in the interpreter's loop");
}

static double percent(uint64_t rate, uint64_t cost)
{
	return (double)rate * (double)cost * 100 / LP_NS_PER_S;
}

static int check_price(const struct price *p, struct lp_err *err)
{
	const double budget = p->s->opts->max_overhead;
	lp_auto(lp_buf_done) struct lp_buf text = { 0 };
	char rate[32];

	if (!p->known || budget < 0 || (p->rate < CHEAP_HITS && budget >= 1))
		return 0;
	const uint64_t cost = session_step_cost(p->s);
	if (percent(p->rate, cost) <= budget)
		return 0;
	describe(p, &text);
	if (text.failed)
		return lp_err_nomem(err);
	return lp_err_set(err, EDQUOT,
			  "refused: %s would cost %.0f %% of a CPU (about %s runs a second at %.1f "
			  "us each), the budget is %g %% (--max-overhead PCT, or none)",
			  text.data, percent(p->rate, cost), about(p->rate, rate, sizeof(rate)),
			  (double)cost / 1000, budget);
}

/* Why all places are probed there; the first one of a session says it. */
static void say_once(struct lp_session *s)
{
	if (!s->told_of_steps)
		session_note(s, LP_LOG_NORMAL,
			     "hardware watchpoints never hit on this machine: Python is probed in "
			     "the interpreter's loop, which slows all of it");
	s->told_of_steps = true;
}

static void say(struct price *p, struct point *point)
{
	lp_auto(lp_buf_done) struct lp_buf text = { 0 };
	char rate[32];

	describe(p, &text);
	if (p->known) {
		lp_buf_fmt(&text, ": about %s runs a second, ", about(p->rate, rate, sizeof(rate)));
		if (p->rate < CHEAP_HITS)
			lp_buf_str(&text, "less than 1 % of a CPU");
		else
			lp_buf_fmt(&text, "%.0f %% of a CPU",
				   percent(p->rate, session_step_cost(p->s)));
	}
	point->price_due = !p->known;
	if (!text.failed)
		session_note(p->s, LP_LOG_NORMAL, "%s: %s", point->lp->name, text.data);
}

void session_steps_say_price(struct lp_session *s, struct point *p, uint64_t runs, uint64_t cost)
{
	char rate[32];

	p->price_due = false;
	session_note(s, LP_LOG_NORMAL, "%s: about %s runs a second, %.0f %% of a CPU", p->lp->name,
		     about(runs, rate, sizeof(rate)), percent(runs, cost));
}

static void say_where(struct lp_session *s, const struct spot *spot, const struct lp_file *file,
		      const struct lp_py_step *step)
{
	lp_auto(lp_buf_done) struct lp_buf text = { 0 };

	lp_vec_each (&step->offsets, offset)
		lp_buf_fmt(&text, " 0x%" PRIx64, *offset);
	if (!text.failed)
		session_note(s, LP_LOG_VERBOSE, "%s: %s is at%s in %s", spot->point->lp->name,
			     step->name, text.data, file->path);
}

/* The probes of all forms of the instruction, by one link. */
static int attach(struct spot *spot, struct py_half *half, void *arg)
{
	const struct price *p = arg;
	const struct lp_py_step *step = half->chosen;

	if (!half->by_step)
		return 0;
	const struct lp_file *file = session_python_file(p->s, spot->py->in);
	lp_auto(lp_free) uint32_t *sites = calloc(step->offsets.len, sizeof(*sites));

	if (!sites || !file)
		return lp_err_nomem(p->err);
	int r = session_python_move_site(p->s, spot, half, &step->site, p->err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < step->offsets.len; i++)
		sites[i] = half == &spot->py->entry ? spot->enter_site : spot->site;
	struct lp_attach attach = {
		.path = file->fd_path,
		.pid = p->s->bound_pid,
		.n = step->offsets.len,
		.offsets = step->offsets.data,
		.sites = sites,
	};
	say_where(p->s, spot, file, step);
	spot->point->cost_classes |= 1u << COST_STEPPED;
	return lp_kernel_attach_steps(p->s->kernel, &attach, &half->step, p->err);
}

int session_steps_attach(struct lp_session *s, struct point *p, size_t from, struct lp_err *err)
{
	lp_auto(price_done) struct price price = { .s = s, .known = true, .err = err };

	int r = session_each_py_half(p, from, choose, &price);
	if (r < 0 || !price.probed.len)
		return r;
	if (!price.no_watch.code)
		say_once(s);
	r = check_price(&price, err);
	if (r >= 0)
		r = session_each_py_half(p, from, attach, &price);
	if (r >= 0)
		say(&price, p);
	return r;
}
