// SPDX-License-Identifier: GPL-2.0-only
#include "session/internal.h"

#include <errno.h>
#include <string.h>

bool session_is_executable(const struct lp_session *s, const struct lp_file *f)
{
	lp_vec_each (&s->inv.procs, p)
		if ((*p)->exe == f)
			return true;
	return s->exe == f;
}

/* How much an error tells, where modules disagree. */
static int error_rank(int code)
{
	static const int order[] = { ENOENT, ESRCH, EINVAL, EEXIST };

	for (size_t i = 0; i < LP_ARRAY_SIZE(order); i++)
		if (code == order[i])
			return (int)i + 1;
	return 0;
}

static struct spot *spot_new(struct point *p, struct lp_file *f, const struct lp_place *place)
{
	struct spot *spot = calloc(1, sizeof(*spot));

	if (spot) {
		spot->point = p;
		spot->file = f;
		spot->place = *place;
	}
	return spot;
}

static int add_spots(struct point *p, struct lp_file *f, const struct lp_location *loc,
		     struct lp_session *s, struct lp_err *err)
{
	struct lp_places places = { 0 };
	size_t inlined = 0;

	int r = lp_module_resolve(f->module, loc, &places, &inlined, err);
	for (size_t i = 0; i < places.len && r >= 0; i++) {
		struct spot *spot = spot_new(p, f, &places.data[i]);

		if (!spot || lp_vec_push(&p->spots, spot) < 0) {
			free(spot);
			r = lp_err_nomem(err);
		}
	}
	if (r >= 0 && inlined)
		session_note(
			s, LP_LOG_NORMAL,
			"%s: %zu inlined cop%s in %s cannot be logged: only calls of the function "
			"itself are",
			p->lp->location.text, inlined, inlined == 1 ? "y" : "ies", f->name);
	lp_vec_done(&places);
	return r;
}

/* A run-time address means a place of whatever each process has mapped there. */
static int resolve_address(struct lp_session *s, struct point *p, struct lp_file *f,
			   struct lp_err *err)
{
	struct lp_location loc = p->lp->location;
	uint64_t addr = loc.offset;
	uint64_t done = UINT64_MAX;
	bool mapped = false;

	lp_vec_each (&s->inv.procs, each) {
		const struct lp_mapping *m = lp_proc_mapping(*each, addr);

		if (!m || m->file != f)
			continue;
		mapped = true;
		loc.offset = lp_mapping_vaddr(m, addr);
		if (loc.offset == done)
			continue;
		done = loc.offset;
		int r = add_spots(p, f, &loc, s, err);
		if (r < 0)
			return r;
	}
	if (mapped)
		return 0;
	if (f->fixed && f == s->exe)
		return add_spots(p, f, &p->lp->location, s, err);
	return lp_err_at(err, ENOENT, loc.col, (int)strlen(loc.text),
			 "0x%llx is in no executable mapping of the target",
			 (unsigned long long)addr);
}

static int has_name(const struct lp_elf_symbol *sym, void *location)
{
	return strstr(sym->name, ((const struct lp_location *)location)->name) ? 1 : 0;
}

/* What is meant in Python is seldom in the interpreter's own C code, and its symbols say so sooner than
 * its debug information does.
 */
static bool may_have(const struct lp_session *s, const struct point *p, struct lp_file *f)
{
	const struct lp_location *at = &p->lp->location;

	if (!session_may_be_python(p) || !session_has_interpreter(s, f))
		return true;
	if (at->kind == LP_AT_LINE)
		return !session_names_python_file(p);
	return strpbrk(at->name, "*?[") || !lp_symfile_is_complete(f->symbols) ||
	       lp_symfile_each(f->symbols, has_name, (void *)at) ||
	       lp_symfile_each_debug(f->symbols, has_name, (void *)at);
}

int session_resolve_in(struct lp_session *s, struct point *p, struct lp_file *f, struct lp_err *err)
{
	const struct lp_location *at = &p->lp->location;

	if (!f->module)
		return lp_err_set(err, ENOENT, "%s: %s", f->name, f->why);
	if (!may_have(s, p, f))
		return lp_err_at(err, ENOENT, at->col, (int)strlen(at->text), "no %s '%s' in %s",
				 at->kind == LP_AT_LINE ? "file" : "function",
				 at->kind == LP_AT_LINE ? at->file : at->name, f->name);
	if (p->lp->location.kind == LP_AT_ADDRESS)
		return resolve_address(s, p, f, err);
	return add_spots(p, f, &p->lp->location, s, err);
}

static int stop_at_first(int line, size_t n_places, void *arg)
{
	(void)line;
	(void)n_places;
	(void)arg;
	return 1;
}

/* The path that the module knows a line's file by; NULL: no such file. */
static const char *file_path(struct lp_file *f, const char *file)
{
	const char *path = NULL;

	lp_module_each_line(f->module, file, stop_at_first, NULL, &path, NULL);
	return path;
}

/* FILE:LINE must mean one file, whichever modules were made from it. `silent` has the file, but
 * no code at that line.
 */
static int check_one_file(struct point *p, struct lp_file *silent, struct lp_err *err)
{
	const struct lp_location *loc = &p->lp->location;
	const struct spot *first = p->spots.len ? p->spots.data[0] : NULL;

	if (loc->kind != LP_AT_LINE || !first || !first->place.file)
		return 0;

	const char *other = silent ? file_path(silent, loc->file) : NULL;
	const char *other_in = silent ? silent->name : NULL;
	lp_vec_each (&p->spots, each) {
		if (!other && (*each)->place.file &&
		    strcmp((*each)->place.file, first->place.file)) {
			other = (*each)->place.file;
			other_in = (*each)->file->name;
		}
	}
	if (!other || !strcmp(other, first->place.file))
		return 0;
	return lp_err_at(err, EEXIST, loc->col, (int)strlen(loc->file),
			 "several files match: %s (in %s) and %s (in %s); give more of the path",
			 first->place.file, first->file->name, other, other_in);
}

/* "no file 'x.c' in server; nor in libc.so.6, libm.so.6" */
static void list_modules(struct lp_session *s, const struct lp_file *told, struct lp_err *err)
{
	const char *lead = "; nor in ";
	size_t n = strlen(err->msg);

	lp_vec_each (&s->inv.files, f) {
		if (!(*f)->module || *f == told || n >= sizeof(err->msg) - 1)
			continue;
		n += (size_t)snprintf(err->msg + n, sizeof(err->msg) - n, "%s%s", lead, (*f)->name);
		lead = ", ";
	}
}

/* What the executable has but must be refused is not what a library happens to have as well; and
 * what a library must refuse is no matter where others have it.
 */
static bool is_final(const struct lp_session *s, const struct point *p, const struct lp_file *told,
		     int code)
{
	if (code == ENOENT)
		return false;
	if (code == EEXIST || !p->spots.len)
		return true;
	return code != ESRCH && session_is_executable(s, told);
}

/* What the modules said that do not have the place. */
struct search {
	struct lp_err best; /* that tells most */
	const struct lp_file *told;
	struct lp_file *silent; /* has the file, but no code at that line */
};

/* In executables, or in all else. -ENOMEM. */
static int search(struct lp_session *s, struct point *p, bool executables, struct search *ret)
{
	lp_vec_each (&s->inv.files, each) {
		struct lp_file *f = *each;
		struct lp_err why = { 0 };

		if (!f->module || session_is_executable(s, f) != executables)
			continue;
		int r = session_resolve_in(s, p, f, &why);
		if (r == -ENOMEM)
			return r;
		if (r == -ESRCH)
			ret->silent = f;
		if (r < 0 && (!ret->told || error_rank(why.code) > error_rank(ret->best.code))) {
			ret->best = why;
			ret->told = f;
		}
	}
	return 0;
}

/* A function of the executable is armed before libraries are asked whether they have one of that name,
 * too: to read a library's debug information can take longer than all else.
 */
static bool postpones(const struct point *p, const struct search *done)
{
	const enum lp_location_kind kind = p->lp->location.kind;

	return (kind == LP_AT_ENTRY || kind == LP_AT_RETURN || kind == LP_AT_CALL) &&
	       p->spots.len && !done->told;
}

static int resolve_native(struct lp_session *s, struct point *p, struct lp_err *err)
{
	struct search found = { 0 };

	int r = search(s, p, true, &found);
	p->postponed = r >= 0 && postpones(p, &found);
	if (r >= 0 && !p->postponed)
		r = search(s, p, false, &found);
	if (r < 0)
		return lp_err_nomem(err);

	if (found.told && is_final(s, p, found.told, found.best.code)) {
		if (err)
			*err = found.best;
		return -found.best.code;
	}
	if (p->spots.len) {
		p->state = POINT_ARMED;
		return check_one_file(p, found.silent, err);
	}
	if (!found.told)
		found.best = (struct lp_err){ .code = ENOENT, .msg = "no target runs yet" };
	else
		list_modules(s, found.told, &found.best);
	if (!s->dynamic) {
		if (err)
			*err = found.best;
		return -ENOENT;
	}
	p->missing = found.best;
	p->state = POINT_PENDING;
	return 0;
}

static int resolve_trap(struct lp_session *s, struct point *p, struct lp_err *err)
{
	struct lp_err why = { 0 };
	bool pending;
	int r = session_python_resolve(s, p, &pending, &why);

	if (r == -ENOENT && !pending)
		return lp_err_at(err, ENOENT, 1, (int)strcspn(p->lp->location.text, " "),
				 "no target runs CPython, whose exceptions these are");
	if (r < 0 && r != -ENOENT) {
		*err = why;
		return r;
	}
	p->state = r < 0 ? POINT_PENDING : POINT_ARMED;
	p->missing = why;
	return 0;
}

/* A line of Python is no line of another language; a function can be one of both. */
int session_resolve(struct lp_session *s, struct point *p, struct lp_err *err)
{
	struct lp_err why = { 0 };
	bool is_line = p->lp->location.kind == LP_AT_LINE, pending;

	if (session_is_crash(p))
		return session_crash_resolve(p, err);
	if (session_is_trap(p))
		return resolve_trap(s, p, err);
	int r = session_python_resolve(s, p, &pending, &why);
	if (r >= 0)
		p->state = POINT_ARMED;
	if (r >= 0 && is_line)
		return 0;
	if (r < 0 && r != -ENOENT && (is_line || r == -ENOMEM)) {
		*err = why;
		return r;
	}
	if (pending && is_line) {
		p->missing = why;
		p->state = POINT_PENDING;
		return 0;
	}
	const bool refused = r < 0 && r != -ENOENT;
	r = resolve_native(s, p, err);
	/* there is Python, which tells more; in a cgroup, what comes later may be another's */
	if (refused && (r == -ENOENT || (r >= 0 && !p->spots.len && !s->cgroup[0]))) {
		*err = why;
		return -why.code;
	}
	if (r == -ENOENT && pending) {
		p->state = POINT_PENDING;
		r = 0;
	}
	if ((refused || pending) && r >= 0 && !p->spots.len)
		p->missing = why;
	return r;
}
