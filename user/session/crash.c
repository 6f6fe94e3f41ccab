// SPDX-License-Identifier: GPL-2.0-only
#include "session/internal.h"

#include <errno.h>
#include <string.h>

#include "collect/decode.h"
#include "expr/crash.h"
#include "lp/crash.h"

bool session_is_crash(const struct point *p)
{
	return p->lp->location.kind == LP_AT_CRASH;
}

bool session_has_crash(const struct lp_session *s)
{
	lp_vec_each (&s->points, p)
		if (session_is_crash(*p))
			return true;
	return false;
}

int session_crash_resolve(struct point *p, struct lp_err *err)
{
	lp_auto(lp_free) struct spot *spot = calloc(1, sizeof(*spot));

	if (!spot || lp_vec_push(&p->spots, spot) < 0)
		return lp_err_nomem(err);
	spot->point = p;
	spot->is_crash = true;
	spot = NULL;
	p->state = POINT_ARMED;
	return 0;
}

int session_crash_compile(struct lp_session *s, struct spot *spot, struct lp_err *err)
{
	lp_auto(lp_scope_free) struct lp_scope *scope = lp_crash_scope();

	if (!scope)
		return lp_err_nomem(err);
	return lp_compile(spot->point->lp, scope, NULL, &s->opts->limits, &spot->code, err);
}

int session_crash_attach(struct lp_session *s, struct lp_err *err)
{
	lp_vec_each (&s->points, each) {
		const struct point *p = *each;

		if (!session_is_crash(p))
			continue;
		int r = lp_kernel_add_crash(s->kernel, p->spots.data[0]->site,
					    p->lp->location.signals, err);
		if (r < 0)
			return r;
	}
	return 0;
}

void session_crash_detach(struct lp_session *s, struct point *p)
{
	if (session_is_crash(p) && p->spots.len)
		lp_kernel_drop_crash(s->kernel, p->spots.data[0]->site);
}

/* glibc has a variable for the message, so that it can be found in core dumps; linked statically it is
 * in the executable.
 */
static bool keeps_message(struct lp_file *f)
{
	lp_auto(lp_symfile_free) struct lp_symfile *symbols = NULL;
	struct lp_elf_symbol sym;

	if (f->aborts != LP_UNKNOWN)
		return f->aborts == LP_YES;
	f->aborts = LP_NO;
	if (!f->module || (f->dynamic && strncmp(f->name, "libc", 4)) ||
	    lp_symfile_open(f->fd, f->path, "", &symbols, NULL) < 0 ||
	    !lp_symfile_find(symbols, "__abort_msg", &sym))
		return false;
	f->abort_message = sym.addr;
	f->aborts = LP_YES;
	return true;
}

void session_crash_note(struct lp_session *s, struct lp_proc *p)
{
	if (!s->kernel || !session_has_crash(s))
		return;
	lp_vec_each (&p->maps, m) {
		if (!keeps_message(m->file))
			continue;
		uint64_t bias = lp_module_bias(m->file->module, m->start, m->offset);
		lp_kernel_set_crash_message(s->kernel, p->info.pid, m->file->abort_message + bias);
		return;
	}
}

static void note_maps(struct lp_session *s, const struct lp_record *rec)
{
	const struct lp_block *b = lp_record_find(rec, LP_SLOT_MAPS);
	struct lp_crash_map m;

	for (size_t at = 0; b && at + sizeof(m) <= b->len; at += sizeof(m)) {
		memcpy(&m, (const char *)(b + 1) + at, sizeof(m));
		if (m.exec && m.ino)
			lp_inventory_note_map(&s->inv, (pid_t)rec->pid, &m);
	}
}

void session_crash_arrived(struct lp_session *s, const struct lp_record *rec, size_t len)
{
	const struct point *p = session_point(s, rec->point);

	if (!p || !session_is_crash(p) || lp_record_check(rec, len, NULL) < 0)
		return;
	session_rescan(s, (pid_t)rec->pid);
	note_maps(s, rec);
}
