// SPDX-License-Identifier: GPL-2.0-only
#include "cli/list.h"

#include <stdio.h>

struct counting {
	json_t *files;
	long long functions;
};

static int count_function(const struct lp_function_info *f, void *arg)
{
	(void)f;
	((struct counting *)arg)->functions++;
	return 0;
}

static int add_file(const char *path, void *arg)
{
	return lp_json_push(((struct counting *)arg)->files, lp_json_text(path), NULL);
}

static int add_module(struct lp_module *m, json_t *list, struct lp_err *err)
{
	struct counting c = { .files = json_array() };
	const char *debug = NULL;

	if (!c.files)
		return lp_err_nomem(err);
	int r = lp_module_each_function(m, count_function, &c, err);
	if (r >= 0)
		r = lp_module_each_file(m, add_file, &c, err);
	if (r < 0) {
		json_decref(c.files);
		return r;
	}
	lp_module_has_dwarf(m, &debug);
	return lp_json_push(list,
			    json_pack("{s:o, s:o, s:I, s:o}", "module",
				      lp_json_text(lp_module_path(m)), "debug_information",
				      lp_json_text(debug), "functions", (json_int_t)c.functions,
				      "files", c.files),
			    err);
}

int lp_list_modules(struct lp_view *v, const char *pattern, json_t **ret, struct lp_err *err)
{
	lp_auto(lp_json_free) json_t *list = json_array();
	int r = list ? 0 : lp_err_nomem(err);

	(void)pattern;
	for (size_t i = 0; i < v->pythons.len && r >= 0; i++)
		r = lp_list_python_modules(v->pythons.data[i], list, err);
	for (size_t i = 0; i < v->files.len && r >= 0; i++)
		if (v->files.data[i]->module)
			r = add_module(v->files.data[i]->module, list, err);
	if (r < 0)
		return r;
	*ret = json_pack("{s:O}", "modules", list);
	return *ret ? 0 : lp_err_nomem(err);
}

/* The files of the program itself; of libraries only how many. */
void lp_list_modules_text(const json_t *answer)
{
	size_t i, k;
	json_t *m, *file;

	json_array_foreach(json_object_get(answer, "modules"), i, m)
	{
		json_t *files = json_object_get(m, "files");

		printf("%s: %lld functions", lp_json_get(m, "module"),
		       lp_json_number(m, "functions"));
		if (lp_json_get(m, "debug_information"))
			printf(", %zu source files\n", json_array_size(files));
		else
			printf(", no debug information: symbols only\n");
		if (i > 0)
			continue;
		json_array_foreach(files, k, file) printf("  %s\n", json_string_value(file));
	}
}
