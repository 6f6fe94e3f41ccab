// SPDX-License-Identifier: GPL-2.0-only
/* A probe behind an instruction that can fail has its hit there where it does. The kernel side tells which
 * place that is by the code around it and by its file, as mappings have it.
 */
#include "session/internal.h"

#include <errno.h>
#include <string.h>

#include "lp/fault.h"
#include "target/maps.h"

static bool is_lean(const struct spot *spot)
{
	const struct lp_compiled *c = spot->code;

	return !session_has_two_halves(spot->point) &&
	       !(lp_parts_of(LP_SITE_PLAIN, c->code, c->n_code) & LP_PART_REST);
}

static bool is_new(const struct spot *spot)
{
	return spot->probe.at.n_passed && !spot->probe.covered;
}

/* Those that are new. */
static size_t count(const struct lp_session *s, bool *ret_all_lean)
{
	size_t n = 0;

	*ret_all_lean = true;
	lp_vec_each (&s->points, p)
		lp_vec_each (&(*p)->spots, spot) {
			n += is_new(*spot);
			if (is_new(*spot) && !is_lean(*spot))
				*ret_all_lean = false;
		}
	return n;
}

bool session_will_cover(struct lp_session *s, bool *ret_lean)
{
	session_place_roughly(s);
	const bool any = count(s, ret_lean) > 0;

	lp_vec_each (&s->points, p)
		lp_vec_each (&(*p)->spots, spot)
			(*spot)->probe = (struct probe){ 0 };
	return any;
}

/* lean: all that are to be covered now are. */
static int cover(struct lp_session *s, struct spot *spot, bool lean, struct lp_err *err)
{
	if (s->n_covered == LP_WINDOWS_MAX)
		return lp_err_set(err, ENOSPC, "there are %d already", LP_WINDOWS_MAX);
	int r = lp_kernel_cover(s->kernel, lean, err);
	if (r == -ENOTSUP && is_lean(spot))
		r = lp_kernel_cover(s->kernel, true, err);
	if (r < 0)
		return r;
	spot->probe.covered = true;
	s->n_covered++;
	return 0;
}

int session_cover(struct lp_session *s, struct lp_err *err)
{
	bool again = false, lean;

	if (!count(s, &lean))
		return 0;
	lp_vec_each (&s->points, p)
		lp_vec_each (&(*p)->spots, each) {
			struct spot *spot = *each;
			struct lp_err why = { 0 };

			if (!is_new(spot) || cover(s, spot, lean, &why) >= 0)
				continue;
			session_note(s, LP_LOG_VERBOSE, "%s: no probe behind what can fail: %s",
				     (*p)->lp->name, why.msg);
			spot->probe = (struct probe){ .safe = true };
			again = true;
		}
	return again ? session_place(s, err) : 0;
}

/* What the kernel calls the file. */
static void identify(const struct lp_file *f, struct lp_fault_window *w)
{
	dev_t dev = f->dev;
	ino_t ino = f->ino;

	lp_maps_identify(f->fd, &dev, &ino, NULL);
	w->dev = lp_kernel_device(dev);
	w->ino = ino;
}

int session_cover_site(struct lp_session *s, struct spot *spot, uint32_t site, struct lp_err *err)
{
	_Static_assert(LP_WINDOW_STEPS == LP_SHIFT_MAX + 1, "those passed, and that of the probe");
	const struct lp_shift *at = &spot->probe.at;
	struct lp_fault_window w = {
		.offset = spot->place.offset,
		.len = (uint32_t)-at->ip,
		.n_steps = at->n_passed + 1u,
	};

	if (!spot->probe.covered)
		return 0;
	for (size_t i = 0; i < at->n_passed; i++)
		w.steps[i] =
			(struct lp_fault_step){ .at = at->passed[i].at, .sp = at->passed[i].sp };
	w.steps[at->n_passed] =
		(struct lp_fault_step){ .at = (uint8_t)w.len, .sp = (int16_t)at->sp };
	if (!lp_shift_code(spot->file->module, at, (uint8_t *)w.code))
		return lp_err_set(err, EIO, "%s: its code can't be read", spot->file->path);
	memset(w.mask, 0x80, w.len);
	identify(spot->file, &w);
	int r = lp_kernel_cover_site(s->kernel, site, &w, err);
	spot->probe.has_window = r >= 0;
	return r;
}

void session_uncover(struct lp_session *s, const struct point *p, size_t from)
{
	for (size_t i = from; i < p->spots.len; i++) {
		const struct spot *spot = p->spots.data[i];

		if (spot->probe.has_window)
			lp_kernel_uncover_site(s->kernel,
					       spot->code->enter ? spot->enter_site : spot->site);
	}
}
