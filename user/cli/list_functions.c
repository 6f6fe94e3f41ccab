// SPDX-License-Identifier: GPL-2.0-only
#include "cli/list.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

struct search {
	const char *pattern;
	struct lp_module *m;
	json_t *found;
	struct lp_suggest near;
};

/* "handle" also finds "ns::Cls::handle". */
static bool is_meant(const char *pattern, const char *name)
{
	if (fnmatch(pattern, name, 0) == 0)
		return true;
	size_t n = strlen(name), want = strlen(pattern);
	return n > want + 2 && !strcmp(name + n - want, pattern) &&
	       !strncmp(name + n - want - 2, "::", 2);
}

static int see_function(const struct lp_function_info *f, void *arg)
{
	struct search *s = arg;

	if (!is_meant(s->pattern, f->name)) {
		lp_suggest_add(&s->near, f->name, true);
		return 0;
	}
	return lp_json_push(
		s->found,
		json_pack("{s:o, s:o, s:i, s:o, s:b, s:o}", "name", lp_json_text(f->name), "file",
			  lp_json_text(f->file), "line", f->line, "address",
			  f->inlined_only ? json_null() : lp_json_address(f->vaddr), "inlined_only",
			  f->inlined_only, "module", lp_json_text(lp_module_path(s->m))),
		NULL);
}

int lp_list_no_function(const struct lp_suggest *near, struct lp_err *err)
{
	lp_auto(lp_buf_done) struct lp_buf names = { 0 };

	lp_suggest_print(near, &names);
	if (near->n)
		return lp_err_set(err, ENOENT, "no function or source file '%s' (there is: %s)",
				  near->wanted, names.data);
	return lp_err_set(err, ENOENT,
			  "no function or source file '%s' in what the target executes",
			  near->wanted);
}

int lp_list_functions(struct lp_view *v, const char *pattern, json_t **ret, struct lp_err *err)
{
	lp_auto(lp_json_free) json_t *found = json_array();
	struct search s = {
		.pattern = pattern,
		.found = found,
		.near = { .wanted = pattern, .len = strlen(pattern) },
	};
	int r = found ? 0 : lp_err_nomem(err);

	for (size_t i = 0; i < v->files.len && r >= 0; i++) {
		s.m = v->files.data[i]->module;
		if (s.m)
			r = lp_module_each_function(s.m, see_function, &s, err);
	}
	if (r < 0)
		return r == -ENOMEM ? lp_err_nomem(err) : r;
	if (!json_array_size(found))
		return lp_list_no_function(&s.near, err);
	*ret = json_pack("{s:O}", "functions", found);
	return *ret ? 0 : lp_err_nomem(err);
}

void lp_list_functions_text(const json_t *answer)
{
	size_t i;
	json_t *f;

	json_array_foreach(json_object_get(answer, "functions"), i, f)
	{
		const char *file = lp_json_get(f, "file"), *address = lp_json_get(f, "address");

		printf("%s  ", lp_json_get(f, "name"));
		if (file)
			printf("%s:%lld  ", file, lp_json_number(f, "line"));
		if (address || json_is_true(json_object_get(f, "inlined_only")))
			printf("%s  ", address ? address : "(inlined only)");
		if (json_is_true(json_object_get(f, "coroutine")))
			printf("async  ");
		if (json_is_true(json_object_get(f, "generator")))
			printf("generator  ");
		printf("%s\n", lp_json_get(f, "module"));
	}
}
