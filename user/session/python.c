// SPDX-License-Identifier: GPL-2.0-only
/* The interpreters of the targets: opened when a process that may have one comes, shared with the
 * children that it forks, looked at again while modules are imported.
 */
#include "session/internal.h"

#include <errno.h>
#include <string.h>

#include "python/step.h"
#include "target/procfs.h"
#include "target/symfile.h"

#define YOUNG	      (10 * LP_NS_PER_S)   /* an interpreter is made in that time */
#define REFRESH_AFTER (100 * LP_NS_PER_MS) /* a burst of imports */

static bool has_suffix(const char *s, const char *suffix)
{
	size_t n = strlen(s), want = strlen(suffix);

	return n > want && !strcmp(s + n - want, suffix);
}

/* Names of C++ and Rust, and files of native languages, are none of Python. */
bool session_may_be_python(const struct point *p)
{
	static const char *const native[] = { ".c",   ".h",  ".cc", ".cpp", ".cxx", ".hh",
					      ".hpp", ".rs", ".go", ".s",   ".S" };
	const struct lp_location *at = &p->lp->location;

	switch (at->kind) {
	case LP_AT_LINE:
		for (size_t i = 0; i < LP_ARRAY_SIZE(native); i++)
			if (has_suffix(at->file, native[i]))
				return false;
		return true;
	case LP_AT_ENTRY:
	case LP_AT_RETURN:
	case LP_AT_CALL:
		return !strstr(at->name, "::");
	case LP_AT_RAISE:
	case LP_AT_UNCAUGHT:
		return true;
	default:
		return false;
	}
}

static bool any_may_be_python(const struct lp_session *s)
{
	lp_vec_each (&s->points, p)
		if (session_may_be_python(*p))
			return true;
	return false;
}

bool session_wants_stacks(const struct lp_session *s)
{
	lp_vec_each (&s->points, p)
		if ((*p)->lp->with_stack)
			return true;
	return false;
}

/* Places in Python, or its frames on the stacks of native ones. */
static bool wants_python(const struct lp_session *s)
{
	return any_may_be_python(s) || session_wants_stacks(s);
}

/* Only executables and libraries that are called so are looked into. */
bool session_has_interpreter(const struct lp_session *s, struct lp_file *f)
{
	lp_auto(lp_symfile_free) struct lp_symfile *symbols = NULL;
	struct lp_elf_symbol sym;

	if (f->python != LP_UNKNOWN)
		return f->python == LP_YES;
	f->python = LP_NO;
	if (!f->module || (!strstr(f->name, "python") && !session_is_executable(s, f)))
		return false;
	if (lp_symfile_open(f->fd, f->path, "", &symbols, NULL) < 0 ||
	    !lp_symfile_find(symbols, "_PyRuntime", &sym))
		return false;
	f->symbols = lp_take(symbols);
	f->python = LP_YES;
	return true;
}

/* Before the targets are opened: does a process map what is called so? */
static bool looks_so(pid_t pid)
{
	lp_auto(lp_buf_done) struct lp_buf maps = { 0 };

	return lp_procfs_read(pid, "maps", &maps, NULL) == 0 && maps.len &&
	       strstr(maps.data, "python");
}

size_t session_python_halves(const struct lp_session *s)
{
	size_t known = 0, guess = 0;

	lp_vec_each (&s->points, p) {
		if (session_is_trap(*p))
			continue;
		if (session_may_be_python(*p))
			guess += session_has_two_halves(*p) ? 2 : 1;
		lp_vec_each (&(*p)->spots, spot)
			if ((*spot)->py)
				known += (*spot)->py->owns_entry ? 2 : 1;
	}
	return known > guess ? known : guess;
}

/* A command that may execute an interpreter in its place. */
static bool sounds_so(const struct lp_session *s)
{
	char *const *argv = s->opts->target.argv;

	if (s->opts->target.kind != LP_TARGET_COMMAND)
		return false;
	for (size_t i = 0; argv[i]; i++)
		if (strstr(argv[i], "py"))
			return true;
	return s->is_script;
}

bool session_python_expected(const struct lp_session *s)
{
	const struct lp_target *t = &s->opts->target;

	if (!wants_python(s))
		return false;
	for (size_t i = 0; t->kind == LP_TARGET_PIDS && i < t->n_pids; i++)
		if (looks_so(t->pids[i]))
			return true;
	lp_vec_each (&s->points, p)
		if (session_names_python_file(*p) ||
		    (session_is_trap(*p) && t->kind != LP_TARGET_PIDS))
			return true;
	if (s->cgroup[0])
		return true; /* anything may start there */
	lp_vec_each (&s->inv.files, f)
		if (session_has_interpreter(s, *f))
			return true;
	return sounds_so(s);
}

struct interp *session_interp(const struct lp_session *s, pid_t pid)
{
	lp_vec_each (&s->interps, in)
		if ((*in)->pid == pid && !(*in)->gone)
			return *in;
	return NULL;
}

struct interp *session_interp_root(struct interp *in)
{
	while (!in->py && in->origin)
		in = in->origin;
	return in;
}

/* What may hold an interpreter, but can't be read; NULL: nothing. */
static const struct lp_file *maps_unreadable(const struct lp_proc *p)
{
	lp_vec_each (&p->maps, m)
		if (m->file->fd < 0 && (m->file == p->exe || strstr(m->file->name, "python")))
			return m->file;
	return NULL;
}

/* One of CPython, or of PyPy, to be refused. */
static bool maps_interpreter(const struct lp_session *s, const struct lp_proc *p)
{
	lp_vec_each (&p->maps, m)
		if (session_has_interpreter(s, m->file) || strstr(m->file->name, "pypy"))
			return true;
	return false;
}

/* Forked since the parent is watched, which the child inherits, and not another program since: the
 * interpreter's code lies where the parent has it.
 */
static struct interp *find_origin(const struct lp_session *s, struct lp_proc *p)
{
	struct interp *in = s->forked == p->info.pid ? session_interp(s, s->forked_by) : NULL;
	struct lp_proc *parent =
		in ? lp_inventory_process((struct lp_inventory *)&s->inv, in->pid) : NULL;

	if (!parent || in->refused.code || !session_interp_root(in)->py ||
	    s->forked_at <= in->armed_at)
		return NULL;
	uint64_t addr = lp_python_runtime(session_interp_root(in)->py)->loop[0][0];
	const struct lp_mapping *ours = lp_proc_mapping(p, addr);
	const struct lp_mapping *theirs = lp_proc_mapping(parent, addr);

	bool same = ours && theirs && ours->file == theirs->file && ours->start == theirs->start;
	return same ? session_interp_root(in) : NULL;
}

int session_python_fill_info(struct lp_session *s, struct interp *in, struct lp_err *err)
{
	in->info = (struct lp_py_info){
		.runtime = lp_python_runtime(in->py),
		.types = lp_py_types_new(),
		.redact = s->opts->limits.redact,
		.is_redacted = lp_redacted,
	};
	return in->info.types ? 0 : lp_err_nomem(err);
}

/* What it says of an interpreter that can't be logged is told where a logpoint is looked up. */
static int open_interpreter(struct lp_session *s, struct interp *in, const struct lp_proc *p,
			    struct lp_err *err)
{
	struct lp_err why = { 0 };
	int r = lp_python_open(in->pid, &in->py, &why);

	if (r >= 0) {
		if (s->kernel && !lp_kernel_has_watch(s->kernel))
			lp_python_prepare_steps(in->py, NULL); /* a place will soon be there */
		if (any_may_be_python(s))
			r = session_python_find_fetches(in, err);
		return r < 0 ? r : session_python_fill_info(s, in, err);
	}
	if (r == -ENOMEM)
		return lp_err_nomem(err);
	if (r == -EBADMSG && s->kernel && lp_now() - p->began < YOUNG)
		return -EAGAIN;
	if (r == -EAGAIN || r == -ENOENT || r == -ESRCH)
		return r;
	in->refused = why;
	return 0;
}

int session_python_open(struct lp_session *s, pid_t pid, struct lp_err *err)
{
	struct lp_proc *p = lp_inventory_process(&s->inv, pid);

	if (!p || session_interp(s, pid) || !wants_python(s))
		return 0;
	const struct lp_file *unreadable = maps_unreadable(p);
	if (!unreadable && !maps_interpreter(s, p))
		return 0;
	lp_auto(session_interp_free) struct interp *in = calloc(1, sizeof(*in));
	if (!in)
		return lp_err_nomem(err);
	in->pid = pid;
	in->opened_at = lp_now();
	in->origin = find_origin(s, p);
	int r = 0;
	if (unreadable)
		lp_err_set(&in->refused, EPERM, "%s: %s", unreadable->path, unreadable->why);
	else if (!in->origin)
		r = open_interpreter(s, in, p, err);
	if (r < 0)
		return r == -ENOMEM ? r : 0; /* not initialised yet, say: it will be tried again */
	if (lp_vec_push(&s->interps, in) < 0)
		return lp_err_nomem(err);
	in = NULL;
	return 0;
}

struct lp_file *session_python_file(const struct lp_session *s, const struct interp *in)
{
	struct lp_proc *p = lp_inventory_process((struct lp_inventory *)&s->inv, in->pid);
	struct lp_python *py = session_interp_root((struct interp *)in)->py;

	if (!p || !py)
		return NULL;
	const struct lp_mapping *m = lp_proc_mapping(p, lp_python_runtime(py)->loop[0][0]);
	return m ? m->file : NULL;
}

static int add_runtime(struct lp_session *s, struct interp *in, struct lp_err *err)
{
	struct interp *root = in->origin;

	if (in->known || in->refused.code)
		return 0;
	int r = 0;
	if (root) {
		in->runtime = root->runtime;
		in->unwatchable = root->unwatchable;
	} else {
		r = lp_kernel_add_runtime(s->kernel, lp_python_runtime(in->py), &in->runtime, err);
		if (r >= 0 && lp_kernel_has_watch(s->kernel))
			r = session_python_add_fetches(s, in, err);
	}
	in->known = r >= 0;
	return r;
}

int session_python_hide_names(struct lp_session *s, struct lp_err *err)
{
	const char *const *names = s->opts->limits.redact;

	for (; names && *names && lp_kernel_has_python(s->kernel); names++) {
		uint64_t hash = lp_py_name_hash(*names, strlen(*names));
		int r = hash ? lp_kernel_hide_name(s->kernel, hash, err)
			     : lp_err_set(err, EINVAL,
					  "'%s' is no name that can be redacted in Python", *names);
		if (r < 0)
			return r;
	}
	return 0;
}

int session_python_add_runtimes(struct lp_session *s, struct lp_err *err)
{
	lp_vec_each (&s->interps, in) {
		int r = add_runtime(s, *in, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int session_python_add_target(struct lp_session *s, pid_t pid, struct lp_err *err)
{
	struct interp *in = session_interp(s, pid);

	if (in && in->known)
		return lp_kernel_add_python_target(s->kernel, pid, in->runtime, err);
	return s->cgroup[0] ? 0 : lp_kernel_add_target(s->kernel, pid, err);
}

void session_python_refresh(struct lp_session *s)
{
	struct lp_err why = { 0 };

	s->next_refresh = 0;
	session_hooks_rescan(s);
	lp_vec_each (&s->interps, each) {
		struct interp *in = *each;

		if (!in->py || !in->known || !session_interp_user(s, in))
			continue;
		session_traps_refresh(s, in);
		if (!lp_python_refresh(in->py))
			continue;
		if (lp_kernel_set_runtime(s->kernel, in->runtime, lp_python_runtime(in->py), &why) <
		    0)
			session_note(s, LP_LOG_VERBOSE, "process %d: %s", (int)in->pid, why.msg);
	}
}

static bool is_made(const struct lp_session *s, const struct lp_file *f)
{
	lp_vec_each (&s->made, m)
		if (*m == f)
			return true;
	return false;
}

/* By symbol, where no process runs it yet; from 3.11 on everything goes through the first. */
static int find_maker(struct lp_session *s, struct lp_file *f, uint64_t *ret, struct lp_err *err)
{
	static const char *const names[] = { "_PyCode_New", "PyCode_NewWithPosOnlyArgs" };

	lp_vec_each (&s->interps, in)
		if ((*in)->py && session_python_file(s, *in) == f)
			return lp_python_code_maker((*in)->py, ret, err);
	for (size_t i = 0; i < LP_ARRAY_SIZE(names); i++)
		if (lp_module_symbol_offset(f->module, names[i], ret) >= 0)
			return 0;
	return lp_err_set(err, ENOENT, "%s: no symbol of what makes code objects", f->name);
}

static void watch_maker(struct lp_session *s, struct lp_file *f)
{
	struct lp_err why = { 0 };
	struct lp_link *link = NULL;
	uint64_t offset;

	int r = find_maker(s, f, &offset, &why);
	if (r >= 0)
		r = lp_kernel_watch_code(s->kernel, f->fd_path, offset, s->bound_pid, &link, &why);
	if (r < 0)
		session_note(s, LP_LOG_NORMAL,
			     "%s: modules that are imported from now on will not be noticed: %s",
			     f->name, why.msg);
	if (link && lp_vec_push(&s->makers, link) < 0)
		lp_link_free(link);
}

void session_python_watch_makers(struct lp_session *s)
{
	if (!wants_python(s) || !lp_kernel_has_python(s->kernel))
		return;
	lp_vec_each (&s->inv.files, f) {
		if (!session_has_interpreter(s, *f) || is_made(s, *f))
			continue;
		if (lp_vec_push(&s->made, *f) < 0)
			return;
		watch_maker(s, *f);
	}
}

/* A code object says that a process has an interpreter, and that a module may be there now. */
void session_python_code(struct lp_session *s, pid_t pid, uint64_t code, uint64_t made)
{
	struct interp *in = session_interp(s, pid);
	struct lp_err why = { 0 };

	if (!s->next_refresh && lp_kernel_has_python(s->kernel))
		s->next_refresh = lp_now() + REFRESH_AFTER;
	if (in) {
		if (code)
			session_python_arm(s, in, code, made);
		return;
	}
	if (session_python_open(s, pid, &why) < 0 || !(in = session_interp(s, pid)))
		return;
	int r = add_runtime(s, in, &why);
	/* a forked child is logged by its parent's places, until its own are there */
	const bool is_logged = lp_kernel_knows_python(s->kernel, pid);
	if (r >= 0 && !is_logged) /* from its first probe on */
		r = session_python_add_target(s, pid, &why);
	if (r >= 0 && in->refused.code)
		session_note(s, LP_LOG_QUIET, "process %d: %s", (int)pid, in->refused.msg);
	else if (r >= 0 && !in->origin) /* else its watchpoints are inherited */
		session_python_arm(s, in, 0, 0);
	if (r >= 0 && is_logged)
		r = session_python_add_target(s, pid, &why);
	if (r < 0)
		session_note(s, LP_LOG_QUIET, "process %d: %s", (int)pid, why.msg);
	if (pid == s->child)
		session_hold_exec(s); /* for exceptions it need not stop any more */
}
