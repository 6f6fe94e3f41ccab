// SPDX-License-Identifier: GPL-2.0-only
#include "cli/view.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/log.h"
#include "base/utf8.h"
#include "cli/report.h"
#include "target/elf.h"
#include "target/find.h"

void lp_view_done(struct lp_view *v)
{
	lp_vec_each (&v->pythons, py)
		lp_python_free(*py);
	lp_vec_done(&v->pythons);
	lp_vec_done(&v->refused);
	lp_vec_done(&v->files);
	lp_inventory_done(&v->inv);
}

/* One that is gone in the meantime is no error where others are left. */
static int add_found(struct lp_view *v, const struct lp_pids *pids, struct lp_err *err)
{
	struct lp_err first = { 0 };

	for (size_t i = 0; i < pids->len; i++) {
		struct lp_err one = { 0 };
		struct lp_proc *p;
		int r = lp_inventory_add_process(&v->inv, pids->data[i], &p, &one);

		if (r < 0 && !first.code)
			first = one;
	}
	if (!v->inv.procs.len && first.code) {
		*err = first;
		return -first.code;
	}
	return 0;
}

static int add_cgroup(struct lp_view *v, const struct lp_target *t, struct lp_err *err)
{
	struct lp_pids pids = { 0 };
	char dir[PATH_MAX];
	uint64_t id;

	int r = t->kind == LP_TARGET_UNIT ? lp_unit_cgroup(t->path, dir, err)
					  : lp_cgroup_open(t->path, dir, &id, err);
	if (r >= 0)
		r = lp_find_cgroup(dir, &pids, err);
	if (r >= 0)
		r = add_found(v, &pids, err);
	lp_vec_done(&pids);
	if (r >= 0 && !v->inv.procs.len)
		return lp_err_set(err, ESRCH, "%s: no process runs there now", t->path);
	return r;
}

static int add_pids(struct lp_view *v, const struct lp_target *t, struct lp_err *err)
{
	for (size_t i = 0; i < t->n_pids; i++) {
		struct lp_proc *p;
		int r = lp_inventory_add_process(&v->inv, t->pids[i], &p, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_exe(struct lp_view *v, const char *path, struct lp_err *err)
{
	struct lp_file *f;

	return lp_inventory_add_file(&v->inv, path, &f, err);
}

/* Those that run it now. */
static int add_exe_processes(struct lp_view *v, const char *path, struct lp_err *err)
{
	struct lp_pids pids = { 0 };
	struct lp_file *f;
	int r = lp_inventory_add_file(&v->inv, path, &f, err);

	if (r >= 0)
		r = lp_find_exe(f->dev, f->ino, &pids, err);
	if (r >= 0)
		r = add_found(v, &pids, err);
	lp_vec_done(&pids);
	if (r >= 0 && !v->inv.procs.len)
		return lp_err_set(err, ESRCH, "%s: no process runs it now", path);
	return r;
}

static int add_command(struct lp_view *v, const struct lp_target *t, struct lp_err *err)
{
	char path[PATH_MAX];
	int r = lp_find_command(t->argv[0], getenv("PATH"), path, err);

	return r < 0 ? r : add_exe(v, path, err);
}

static bool is_exe(const struct lp_view *v, const struct lp_file *f)
{
	lp_vec_each (&v->inv.procs, p)
		if ((*p)->exe == f)
			return true;
	return false;
}

static int order_files(struct lp_view *v, struct lp_err *err)
{
	for (int exes = 1; exes >= 0; exes--)
		lp_vec_each (&v->inv.files, f)
			if (is_exe(v, *f) == (exes == 1) && lp_vec_push(&v->files, *f) < 0)
				return lp_err_nomem(err);
	return 0;
}

/* An interpreter that can't be logged is no error here. */
static int open_pythons(struct lp_view *v, struct lp_err *err)
{
	lp_vec_each (&v->inv.procs, p) {
		struct lp_refused no = { .pid = (*p)->info.pid };
		lp_auto(lp_python_free) struct lp_python *py = NULL;

		int r = lp_python_open(no.pid, &py, &no.why);
		if (r == -ENOENT)
			continue;
		if (r < 0 ? lp_vec_push(&v->refused, no) < 0 : lp_vec_push(&v->pythons, py) < 0)
			return lp_err_nomem(err);
		py = NULL;
	}
	return 0;
}

static int open_view(const struct lp_target *t,
		     int (*exe)(struct lp_view *v, const char *path, struct lp_err *err),
		     struct lp_view *ret, struct lp_err *err)
{
	struct lp_view v = { 0 };

	int r = t->kind == LP_TARGET_PIDS      ? add_pids(&v, t, err)
		: t->kind == LP_TARGET_EXE     ? exe(&v, t->path, err)
		: t->kind == LP_TARGET_COMMAND ? add_command(&v, t, err)
					       : add_cgroup(&v, t, err);
	if (r >= 0)
		r = order_files(&v, err);
	if (r >= 0)
		r = open_pythons(&v, err);
	if (r < 0) {
		lp_view_done(&v);
		return r;
	}
	*ret = v;
	return 0;
}

int lp_view_open(const struct lp_options *o, struct lp_view *ret, struct lp_err *err)
{
	return open_view(&o->target, add_exe, ret, err);
}

int lp_view_open_processes(const struct lp_options *o, struct lp_view *ret, struct lp_err *err)
{
	return open_view(&o->target, add_exe_processes, ret, err);
}

/* --- the answer --- */

json_t *lp_json_text(const char *s)
{
	lp_auto(lp_buf_done) struct lp_buf b = { 0 };

	if (!s)
		return json_null();
	lp_utf8_escape(&b, s, strlen(s), 0);
	return b.failed ? NULL : json_stringn(b.len ? b.data : "", b.len);
}

json_t *lp_json_address(uint64_t addr)
{
	char text[24];

	snprintf(text, sizeof(text), "%#llx", (unsigned long long)addr);
	return json_string(text);
}

int lp_json_push(json_t *array, json_t *item, struct lp_err *err)
{
	return json_array_append_new(array, item) < 0 ? lp_err_nomem(err) : 0;
}

const char *lp_json_get(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

long long lp_json_number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

int lp_view_flush(void)
{
	if (fflush(stdout) || ferror(stdout)) {
		lp_error("standard output: %s", strerror(errno));
		return LP_EXIT_FAILED;
	}
	return LP_EXIT_DONE;
}

int lp_view_print(const json_t *answer, bool as_json, void (*text)(const json_t *answer))
{
	if (as_json) {
		json_dumpf(answer, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		text(answer);
	}
	return lp_view_flush();
}
