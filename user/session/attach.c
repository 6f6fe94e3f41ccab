// SPDX-License-Identifier: GPL-2.0-only
#include "session/internal.h"

#include <errno.h>
#include <string.h>

typedef LP_VEC(struct stop) stop_vec;

static void batch_free(struct batch *b)
{
	if (!b)
		return;
	lp_link_free(b->link);
	lp_vec_done(&b->stops);
	free(b);
}
LP_CLEANUP(struct batch *, batch_free)

int session_collect_stops(struct point *p, size_t from, void *stops)
{
	stop_vec *ret = stops;

	for (size_t i = from; i < p->spots.len; i++) {
		struct spot *spot = p->spots.data[i];
		struct stop enter = { .spot = spot, .site = spot->enter_site };
		struct stop here = { .spot = spot,
				     .site = spot->site,
				     .is_return = spot->code->enter };

		if (spot->py || spot->is_crash)
			continue;
		if (here.is_return && lp_vec_push(ret, enter) < 0)
			return -ENOMEM;
		if (lp_vec_push(ret, here) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int attach_batch(struct lp_session *s, struct batch *b, struct lp_err *err)
{
	size_t n = b->stops.len;
	lp_auto(lp_free) uint64_t *offsets = calloc(n, sizeof(*offsets));
	lp_auto(lp_free) uint64_t *semaphores = calloc(n, sizeof(*semaphores));
	lp_auto(lp_free) uint32_t *sites = calloc(n, sizeof(*sites));
	bool counted = false;

	if (!offsets || !semaphores || !sites)
		return lp_err_nomem(err);
	for (size_t i = 0; i < n; i++) {
		const struct stop *stop = &b->stops.data[i];

		offsets[i] = stop->spot->probe.offset;
		semaphores[i] = stop->spot->place.semaphore;
		sites[i] = stop->site;
		counted = counted || semaphores[i];
	}
	struct lp_attach attach = {
		.path = b->file->fd_path,
		.is_return = b->is_return,
		.pid = s->bound_pid,
		.not_mapped = s->bound_pid && s->go_fd >= 0,
		.n = n,
		.offsets = offsets,
		.semaphores = counted ? semaphores : NULL,
		.sites = sites,
	};
	int r = lp_kernel_attach(s->kernel, &attach, &b->link, err);
	return r < 0 ? lp_err_wrap(err, r, "%s", b->file->path) : 0;
}

/* Entries before returns: a return that finds nothing of its entry would be lost. */
static int order(const void *a, const void *b)
{
	const struct stop *x = a, *y = b;

	if (x->is_return != y->is_return)
		return x->is_return - y->is_return;
	if (x->spot->file != y->spot->file)
		return x->spot->file < y->spot->file ? -1 : 1;
	if (x->spot->point->id != y->spot->point->id)
		return x->spot->point->id < y->spot->point->id ? -1 : 1;
	return x->spot->place.offset < y->spot->place.offset
		       ? -1
		       : x->spot->place.offset > y->spot->place.offset;
}

/* One call of the kernel for many logpoints, unless there are few or they are known to go. */
static bool together(const struct lp_session *s, const struct stop *a, const struct stop *b)
{
	if (a->is_return != b->is_return || a->spot->file != b->spot->file)
		return false;
	if (a->spot->point == b->spot->point)
		return true;
	return s->points.len > LP_OWN_LINKS_MAX && !a->spot->point->lp->max &&
	       !b->spot->point->lp->max;
}

static int attach_some(struct lp_session *s, const struct stop *stops, size_t n, struct lp_err *err)
{
	lp_auto(batch_free) struct batch *b = calloc(1, sizeof(*b));

	if (!b || lp_vec_reserve(&b->stops, n) < 0)
		return lp_err_nomem(err);
	b->file = stops->spot->file;
	b->is_return = stops->is_return;
	memcpy(b->stops.data, stops, n * sizeof(*stops));
	b->stops.len = n;
	int r = attach_batch(s, b, err);
	if (r < 0)
		return r;
	if (lp_vec_push(&s->batches, b) < 0)
		return lp_err_nomem(err);
	b = NULL;
	return 0;
}

/* Frees the batches from `from` on, returns first. */
static void drop_batches(struct lp_session *s, size_t from)
{
	for (int is_return = 1; is_return >= 0; is_return--) {
		for (size_t i = from; i < s->batches.len; i++) {
			if (s->batches.data[i] && s->batches.data[i]->is_return == is_return) {
				batch_free(s->batches.data[i]);
				s->batches.data[i] = NULL;
			}
		}
	}
	s->batches.len = from;
}

int session_attach(struct lp_session *s, struct stop *stops, size_t n, struct lp_err *err)
{
	size_t from = s->batches.len;

	if (n)
		qsort(stops, n, sizeof(*stops), order);
	for (size_t i = 0, end; i < n; i = end) {
		end = i + 1;
		while (end < n && together(s, &stops[i], &stops[end]))
			end++;
		int r = attach_some(s, stops + i, end - i, err);
		if (r < 0) {
			drop_batches(s, from);
			return r;
		}
	}
	return 0;
}

/* Stops of a point leave the batch; -1: it held others too, and could not be attached again. */
static void leave_batch(struct lp_session *s, struct batch *b, const struct point *p)
{
	struct lp_err why = { 0 };
	size_t kept = 0;

	for (size_t i = 0; i < b->stops.len; i++)
		if (b->stops.data[i].spot->point != p)
			b->stops.data[kept++] = b->stops.data[i];
	if (kept == b->stops.len)
		return;

	uint64_t since = lp_now();
	b->stops.len = kept;
	lp_link_free(lp_take(b->link));
	if (!kept)
		return;
	if (attach_batch(s, b, &why) < 0)
		session_note(s, LP_LOG_QUIET, "%zu places could not be armed again: %s", kept,
			     why.msg);
	else
		session_note(s, LP_LOG_NORMAL,
			     "%zu places of other logpoints were not watched for %.0f ms meanwhile",
			     kept, (double)(lp_now() - since) / LP_NS_PER_MS);
}

void session_detach_point(struct lp_session *s, struct point *p)
{
	size_t kept = 0;

	session_python_detach(s, p);
	session_crash_detach(s, p);
	for (int is_return = 1; is_return >= 0; is_return--)
		lp_vec_each (&s->batches, b)
			if ((*b)->is_return == is_return)
				leave_batch(s, *b, p);
	session_uncover(s, p, 0);

	for (size_t i = 0; i < s->batches.len; i++) {
		struct batch *b = s->batches.data[i];

		if (b->link)
			s->batches.data[kept++] = b;
		else
			batch_free(b);
	}
	s->batches.len = kept;
	p->state = POINT_OUT;
}

/* The links of returns, then all others: of points that are retired, which have their own for their `max`, or of
 * everything. At once, where each would be waited for as it is freed.
 */
static void detach_links(struct lp_session *s, bool of_returns, bool everything)
{
	LP_VEC(struct lp_link *) links = { 0 };

	lp_vec_each (&s->batches, b)
		if ((*b)->link && (*b)->is_return == of_returns &&
		    (everything || (*b)->stops.data->spot->point->retired))
			(void)lp_vec_push(&links, (*b)->link);
	if (everything && !of_returns) {
		lp_vec_each (&s->loaders, l)
			(void)lp_vec_push(&links, *l);
		lp_vec_each (&s->makers, l)
			(void)lp_vec_push(&links, *l);
		lp_vec_each (&s->traps, t)
			(void)lp_vec_push(&links, t->link);
	}
	lp_links_detach(links.data, links.len);
	lp_vec_done(&links);
}

void session_detach_retired(struct lp_session *s)
{
	bool any_left = false;

	if (!s->any_retired)
		return;
	s->any_retired = false;
	detach_links(s, true, false);
	detach_links(s, false, false);
	lp_vec_each (&s->points, p) {
		if ((*p)->retired && (*p)->state != POINT_OUT)
			session_detach_point(s, *p);
		any_left |= (*p)->state != POINT_OUT;
	}
	if (!any_left && !s->finish)
		s->finish = FINISH_LIMIT;
}

void session_detach_all(struct lp_session *s)
{
	session_hold_end(s);
	detach_links(s, true, true);
	detach_links(s, false, true);
	session_python_detach_all(s);
	if (s->kernel)
		lp_kernel_detach_crashes(s->kernel);
	drop_batches(s, 0);
	if (s->kernel)
		lp_kernel_detach_covers(s->kernel);
	lp_vec_each (&s->loaders, l)
		lp_link_free(*l);
	s->loaders.len = 0;
}

static bool is_watched(const struct lp_session *s, const struct lp_file *f)
{
	lp_vec_each (&s->watched, w)
		if (*w == f)
			return true;
	return false;
}

static void watch_loader(struct lp_session *s, struct lp_file *f)
{
	struct lp_err why = { 0 };
	struct lp_link *link = NULL;
	uint64_t offset;

	int r = lp_module_symbol_offset(f->module, "_dl_debug_state", &offset);
	if (r < 0)
		lp_err_set(&why, -r, "no function '_dl_debug_state'");
	else
		r = lp_kernel_watch_loader(s->kernel, f->fd_path, offset, s->bound_pid, &link,
					   &why);
	if (r < 0)
		session_note(s, LP_LOG_VERBOSE,
			     "%s: libraries loaded later are found within a second only (%s)",
			     f->name, why.msg);
	if (link && lp_vec_push(&s->loaders, link) < 0)
		lp_link_free(link);
}

/* The dynamic loader of glibc and musl both notify a debugger by calling this function. */
void session_watch_loaders(struct lp_session *s)
{
	lp_vec_each (&s->inv.files, each) {
		struct lp_file *f = *each;

		if (!f->module || strncmp(f->name, "ld-", 3) || is_watched(s, f))
			continue;
		if (lp_vec_push(&s->watched, f) < 0)
			return;
		watch_loader(s, f);
	}
}
