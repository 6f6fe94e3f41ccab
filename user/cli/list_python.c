// SPDX-License-Identifier: GPL-2.0-only
/* What `logpoint list` and `check` say of the interpreters of the targets; the same trees as of native
 * modules, where "module" is the interpreter.
 */
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/list.h"
#include "expr/logpoint.h"
#include "probe/probe.h"

#define VARIABLES (LP_EACH_ARGUMENTS | LP_EACH_LOCALS)

static json_t *module_name(const struct lp_python *py)
{
	char text[PATH_MAX + 64];

	snprintf(text, sizeof(text), "CPython %s of process %d (%s)", lp_python_version(py),
		 (int)lp_python_pid(py), lp_python_file(py));
	return lp_json_text(text);
}

/* --- all of it --- */

struct counting {
	json_t *files;
	long long functions;
};

static int count_function(const struct lp_py_function_info *f, void *arg)
{
	(void)f;
	((struct counting *)arg)->functions++;
	return 0;
}

static int add_file(const char *path, void *arg)
{
	return lp_json_push(((struct counting *)arg)->files, lp_json_text(path), NULL);
}

int lp_list_python_modules(struct lp_python *py, json_t *list, struct lp_err *err)
{
	struct counting c = { .files = json_array() };

	if (!c.files)
		return lp_err_nomem(err);
	int r = lp_python_each_function(py, count_function, &c, err);
	if (r >= 0)
		r = lp_python_each_file(py, add_file, &c, err);
	if (r < 0) {
		json_decref(c.files);
		return r;
	}
	return lp_json_push(list,
			    json_pack("{s:o, s:o, s:I, s:o}", "module", module_name(py),
				      "debug_information", lp_json_text(lp_python_file(py)),
				      "functions", (json_int_t)c.functions, "files", c.files),
			    err);
}

/* --- functions --- */

struct search {
	const char *pattern;
	struct lp_python *py;
	json_t *found;
	struct lp_suggest near;
};

/* "total" also finds "Cart.total". */
static bool is_meant(const char *pattern, const char *name)
{
	if (fnmatch(pattern, name, 0) == 0)
		return true;
	const char *dot = strrchr(name, '.');
	return dot && fnmatch(pattern, dot + 1, 0) == 0;
}

static int see_file(const char *path, void *arg)
{
	lp_suggest_add(&((struct search *)arg)->near, basename(path), true);
	return 0;
}

static int see_function(const struct lp_py_function_info *f, void *arg)
{
	struct search *s = arg;

	if (!is_meant(s->pattern, f->name)) {
		const char *dot = strrchr(f->name, '.');

		lp_suggest_add(&s->near, f->name, true);
		if (dot)
			lp_suggest_add(&s->near, dot + 1, true);
		return 0;
	}
	return lp_json_push(s->found,
			    json_pack("{s:o, s:o, s:i, s:n, s:b, s:b, s:b, s:o}", "name",
				      lp_json_text(f->name), "file", lp_json_text(f->file), "line",
				      f->line, "address", "inlined_only", 0, "generator",
				      f->is_generator, "coroutine", f->is_coroutine, "module",
				      module_name(s->py)),
			    NULL);
}

int lp_list_python_functions(struct lp_view *v, const char *pattern, json_t **ret,
			     struct lp_err *err)
{
	lp_auto(lp_json_free) json_t *found = json_array();
	struct search s = {
		.pattern = pattern,
		.found = found,
		.near = { .wanted = pattern, .len = strlen(pattern) },
	};
	int r = found ? 0 : lp_err_nomem(err);

	for (size_t i = 0; i < v->pythons.len && r >= 0; i++) {
		s.py = v->pythons.data[i];
		r = lp_python_each_function(s.py, see_function, &s, err);
		if (r >= 0)
			r = lp_python_each_file(s.py, see_file, &s, err);
	}
	if (r < 0)
		return r == -ENOMEM ? lp_err_nomem(err) : r;
	if (!json_array_size(found))
		return s.near.n ? lp_list_no_function(&s.near, err) : -ENOENT;
	*ret = json_pack("{s:O}", "functions", found);
	return *ret ? 0 : lp_err_nomem(err);
}

/* --- lines --- */

static int add_line(int line, size_t n_places, void *arg)
{
	return lp_json_push(
		arg, json_pack("{s:i, s:I}", "line", line, "places", (json_int_t)n_places), NULL);
}

/* The file as we see it, and where the process has a root of its own, as that does. */
static bool find_source(const struct lp_python *py, const char *path, char ret[PATH_MAX])
{
	const char *forms[] = { "/proc/%d/root%s", "/proc/%d/cwd/%s" };
	struct stat st;

	int n = snprintf(ret, PATH_MAX, forms[*path != '/'], (int)lp_python_pid(py), path);
	return n < PATH_MAX && stat(ret, &st) == 0 && S_ISREG(st.st_mode);
}

int lp_list_python_lines(struct lp_view *v, const char *pattern, json_t **ret, struct lp_err *err)
{
	lp_auto(lp_json_free) json_t *list = json_array();

	if (!list)
		return lp_err_nomem(err);
	lp_vec_each (&v->pythons, py) {
		lp_auto(lp_json_free) json_t *lines = json_array();
		const char *path = NULL;
		char source[PATH_MAX];

		if (!lines)
			return lp_err_nomem(err);
		int r = lp_python_each_line(*py, pattern, add_line, lines, &path, err);
		if (r == -ENOENT)
			continue;
		if (r < 0)
			return r == -ENOMEM ? lp_err_nomem(err) : r;
		bool found = find_source(*py, path, source);
		r = lp_json_push(list,
				 json_pack("{s:o, s:o, s:o, s:b, s:O}", "file", lp_json_text(path),
					   "source", lp_json_text(found ? source : NULL), "module",
					   module_name(*py), "source_is_newer", 0, "lines", lines),
				 err);
		if (r < 0)
			return r;
	}
	if (!json_array_size(list))
		return lp_err_set(err, ENOENT, "no Python file '%s'", pattern);
	*ret = json_pack("{s:O}", "files", list);
	return *ret ? 0 : lp_err_nomem(err);
}

/* --- places --- */

static int add_name(const struct lp_dynamic_name *n, void *arg)
{
	return lp_json_push(arg,
			    json_pack("{s:s, s:o, s:n, s:b}", "kind",
				      n->kind == LP_VAR_ARGUMENT ? "argument" : "local", "name",
				      lp_json_text(n->name), "type", "available", 1),
			    NULL);
}

static int add_place(struct lp_python *py, const struct lp_py_place *p, json_t *list,
		     struct lp_err *err)
{
	lp_auto(lp_json_free) json_t *variables = json_array();
	lp_auto(lp_scope_free) struct lp_scope *scope = NULL;

	if (!variables)
		return lp_err_nomem(err);
	int r = lp_python_scope_open(py, p, p->is_return, &scope, err);
	if (r < 0)
		return r;
	if (scope->dynamic->each(scope, VARIABLES, add_name, variables) < 0)
		return lp_err_nomem(err);
	return lp_json_push(list,
			    json_pack("{s:o, s:i, s:o, s:o, s:b, s:o, s:O}", "file",
				      lp_json_text(p->file), "line", p->line, "function",
				      lp_json_text(p->function), "address",
				      lp_json_address(p->site.unit), "inlined", 0, "module",
				      module_name(py), "variables", variables),
			    err);
}

int lp_list_python_places(struct lp_view *v, const char *pattern, json_t **ret, struct lp_err *err)
{
	lp_auto(lp_logpoint_free) struct lp_logpoint *lp = NULL;
	lp_auto(lp_json_free) json_t *list = json_array();
	struct lp_err best = { .code = ENOENT };

	int r = list ? lp_logpoint_parse(pattern, &lp, err) : lp_err_nomem(err);
	for (size_t i = 0; i < v->pythons.len && r >= 0; i++) {
		struct lp_py_places places = { 0 };
		struct lp_err why = { 0 };

		int found = lp_python_resolve(v->pythons.data[i], &lp->location, &places, &why);
		if (found < 0 && (found != -ENOENT || !*best.msg))
			best = why;
		for (size_t k = 0; k < places.len && r >= 0; k++)
			r = add_place(v->pythons.data[i], &places.data[k], list, err);
		lp_vec_done(&places);
	}
	if (r >= 0 && !json_array_size(list)) {
		*err = best;
		r = -best.code;
	}
	if (r < 0)
		return r;
	*ret = json_pack("{s:O}", "places", list);
	return *ret ? 0 : lp_err_nomem(err);
}

/* --- check --- */

int lp_check_python(struct lp_view *v, json_t *list, struct lp_err *err)
{
	int r = 0;

	for (size_t i = 0; i < v->pythons.len && r >= 0; i++) {
		struct lp_python *py = v->pythons.data[i];

		r = lp_json_push(list,
				 json_pack("{s:i, s:o, s:o, s:b, s:n, s:I}", "pid",
					   (int)lp_python_pid(py), "version",
					   lp_json_text(lp_python_version(py)), "file",
					   lp_json_text(lp_python_file(py)), "can_be_logged", 1,
					   "why", "free_watchpoints",
					   (json_int_t)lp_watch_free_slots(lp_python_pid(py))),
				 err);
	}
	for (size_t i = 0; i < v->refused.len && r >= 0; i++) {
		const struct lp_refused *no = &v->refused.data[i];

		r = lp_json_push(list,
				 json_pack("{s:i, s:n, s:n, s:b, s:o}", "pid", (int)no->pid,
					   "version", "file", "can_be_logged", 0, "why",
					   lp_json_text(no->why.msg)),
				 err);
	}
	return r;
}

void lp_check_python_text(const json_t *pythons)
{
	size_t i;
	json_t *row;

	json_array_foreach(pythons, i, row)
	{
		const char *why = lp_json_get(row, "why");

		if (why)
			printf("no       process %lld: %s\n", lp_json_number(row, "pid"), why);
		else
			printf("ok       process %lld: CPython %s in %s, verified; %lld hardware "
			       "watchpoints free\n",
			       lp_json_number(row, "pid"), lp_json_get(row, "version"),
			       lp_json_get(row, "file"), lp_json_number(row, "free_watchpoints"));
	}
}
