// SPDX-License-Identifier: GPL-2.0-only
#include "cli/list.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "cli/command.h"
#include "cli/report.h"
#include "expr/logpoint.h"

struct kind {
	int (*make)(struct lp_view *v, const char *pattern, json_t **ret, struct lp_err *err);
	void (*text)(const json_t *answer);
};

static const struct kind modules = { lp_list_modules, lp_list_modules_text };
static const struct kind places = { lp_list_places, lp_list_places_text };
static const struct kind lines = { lp_list_lines, lp_list_lines_text };
static const struct kind functions = { lp_list_functions, lp_list_functions_text };

/* Of a Python process, before it is looked at as a native one. */
static const struct kind python_places = { lp_list_python_places, lp_list_places_text };
static const struct kind python_lines = { lp_list_python_lines, lp_list_lines_text };
static const struct kind python_functions = { lp_list_python_functions, lp_list_functions_text };

static bool is_location(const char *pattern)
{
	static const char *const words[] = { "entry ", "return ", "call ", "usdt " };
	lp_auto(lp_logpoint_free) struct lp_logpoint *lp = NULL;

	for (size_t i = 0; i < LP_ARRAY_SIZE(words); i++)
		if (!strncmp(pattern, words[i], strlen(words[i])))
			return true;
	return lp_logpoint_parse(pattern, &lp, NULL) == 0;
}

static int check_options(const struct lp_options *o, struct lp_err *err)
{
	if (!o->has_target)
		return lp_err_set(err, EINVAL,
				  "no target: give one of --pid, --unit, --cgroup and --exe "
				  "(see logpoint list --help)");
	if (o->args.len > 1)
		return lp_err_set(err, EINVAL, "one pattern at a time: '%s' or '%s'",
				  o->args.data[0].text, o->args.data[1].text);
	return 0;
}

/* A second name of a function (`printf` of what the source calls `__printf`) is in no list of
 * functions, but a logpoint can use it.
 */
static int make_alias(struct lp_view *v, const char *name, json_t **ret)
{
	lp_auto(lp_buf_done) struct lp_buf location = { 0 };

	lp_buf_fmt(&location, "entry %s", name);
	return location.failed ? -ENOMEM : places.make(v, location.data, ret, NULL);
}

/* 1: the interpreters have it; 0: they don't, and err says what they have instead, if they do. */
static int make_python(struct lp_view *v, const char *pattern, const struct kind **ret_kind,
		       json_t **ret, struct lp_err *err)
{
	const struct kind *kinds[] = { &python_lines, &python_functions, NULL };

	if (!v->pythons.len || !pattern)
		return 0;
	if (is_location(pattern)) {
		kinds[0] = &python_places;
		kinds[1] = NULL;
	}
	for (size_t i = 0; kinds[i]; i++) {
		*err = (struct lp_err){ 0 };
		int r = kinds[i]->make(v, pattern, ret, err);

		*ret_kind = kinds[i];
		if (r != -ENOENT)
			return r < 0 ? r : 1;
	}
	return 0;
}

static int make_native(struct lp_view *v, const char *pattern, const struct kind **ret_kind,
		       json_t **ret, struct lp_err *err)
{
	*ret_kind = !pattern ? &modules : is_location(pattern) ? &places : &functions;
	if (*ret_kind != &functions)
		return (*ret_kind)->make(v, pattern, ret, err);

	if (strpbrk(pattern, "./")) {
		int r = lines.make(v, pattern, ret, err);
		if (r != -ENOENT) {
			*ret_kind = &lines;
			return r;
		}
	}
	int r = functions.make(v, pattern, ret, err);
	if (r != -ENOENT || make_alias(v, pattern, ret) < 0)
		return r;
	*ret_kind = &places;
	return 0;
}

/* Where neither has it, what comes near in Python is more likely meant than what does in the interpreter. */
static int make(struct lp_view *v, const char *pattern, const struct kind **ret_kind, json_t **ret,
		struct lp_err *err)
{
	struct lp_err python = { 0 };
	int r = make_python(v, pattern, ret_kind, ret, &python);

	if (r < 0)
		*err = python;
	if (r)
		return r < 0 ? r : 0;
	r = make_native(v, pattern, ret_kind, ret, err);
	if (r == -ENOENT && python.code)
		*err = python;
	return r;
}

int lp_cmd_list(const struct lp_options *o)
{
	const struct lp_given given = { .text = o->args.len ? o->args.data[0].text : NULL };
	lp_auto(lp_view_done) struct lp_view view = { 0 };
	lp_auto(lp_json_free) json_t *answer = NULL;
	const struct kind *kind;
	struct lp_err err = { 0 };

	if (check_options(o, &err) < 0 || lp_view_open(o, &view, &err) < 0)
		return lp_report(&err);
	if (make(&view, given.text, &kind, &answer, &err) < 0)
		return given.text ? lp_report_point(&given, &err) : lp_report(&err);
	return lp_view_print(answer, o->json, kind->text);
}
