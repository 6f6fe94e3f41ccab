// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/list.h"
#include "cli/report.h"
#include "cli/view.h"
#include "native/unpacked.h"
#include "probe/probe.h"
#include "target/procfs.h"

#define FEATURES_MAX 64

/* Numbers of <linux/capability.h> */
static const struct {
	const char *name;
	int number;
} capabilities[] = {
	{ "CAP_BPF", 39 }, { "CAP_PERFMON", 38 }, { "CAP_SYS_PTRACE", 19 }, { "CAP_SYS_ADMIN", 21 }
};

static int add_features(json_t *list, bool *ret_all, struct lp_err *err)
{
	struct lp_feature features[FEATURES_MAX];
	size_t n = lp_features(features, FEATURES_MAX);
	int r = 0;

	*ret_all = true;
	for (size_t i = 0; i < n && r >= 0; i++) {
		const struct lp_feature *f = &features[i];

		*ret_all &= f->have || !f->needed;
		r = lp_json_push(list,
				 json_pack("{s:s, s:s, s:b, s:b, s:o}", "name", f->name, "what",
					   f->what, "available", f->have, "needed", f->needed,
					   "detail", lp_json_text(*f->detail ? f->detail : NULL)),
				 err);
	}
	return r;
}

static uint64_t effective_capabilities(void)
{
	lp_auto(lp_buf_done) struct lp_buf text = { 0 };

	if (lp_file_read("/proc/self/status", 1 << 20, &text) < 0)
		return 0;
	const char *found = strstr(text.data, "\nCapEff:");
	return found ? strtoull(found + strlen("\nCapEff:"), NULL, 16) : 0;
}

/* CAP_SYS_ADMIN stands for CAP_BPF and CAP_PERFMON (capabilities(7)). */
static int add_privileges(json_t *list, bool *ret_enough, struct lp_err *err)
{
	uint64_t have = effective_capabilities();
	const uint64_t bpf = 1ull << 39, perfmon = 1ull << 38, admin = 1ull << 21;
	int r = 0;

	*ret_enough = (have & admin) || (have & bpf && have & perfmon);
	for (size_t i = 0; i < LP_ARRAY_SIZE(capabilities) && r >= 0; i++)
		r = lp_json_push(list,
				 json_pack("{s:s, s:b}", "name", capabilities[i].name, "available",
					   (int)(have >> capabilities[i].number & 1)),
				 err);
	return r;
}

static int add_files(const struct lp_view *v, json_t *list, struct lp_err *err)
{
	int r = 0;

	for (size_t i = 0; i < v->files.len && r >= 0; i++) {
		const struct lp_file *f = v->files.data[i];
		const char *debug = NULL;

		if (f->module)
			lp_module_has_dwarf(f->module, &debug);
		r = lp_json_push(list,
				 json_pack("{s:o, s:b, s:o, s:o}", "file", lp_json_text(f->path),
					   "can_be_logged", f->module != NULL, "debug_information",
					   lp_json_text(debug), "why", lp_json_text(f->why)),
				 err);
	}
	return r;
}

static int add_cache(json_t *answer, struct lp_err *err)
{
	struct lp_unpacked_state cache;

	lp_unpacked_state(&cache);
	json_t *row = json_pack("{s:o, s:I, s:I, s:o}", "folder", lp_json_text(cache.folder),
				"copies", (json_int_t)cache.copies, "bytes", (json_int_t)cache.size,
				"why", lp_json_text(cache.folder ? NULL : cache.why));
	free(cache.folder);
	return row && json_object_set_new(answer, "cache", row) == 0 ? 0 : lp_err_nomem(err);
}

static void print_cache(const json_t *cache)
{
	const char *folder = lp_json_get(cache, "folder");

	if (folder)
		printf("ok       cache of decompressed debug information: %s (%lld files, %lld "
		       "MiB)\n",
		       folder, (long long)json_integer_value(json_object_get(cache, "copies")),
		       (long long)json_integer_value(json_object_get(cache, "bytes")) >> 20);
	else
		printf("none     cache of decompressed debug information: %s\n",
		       lp_json_get(cache, "why"));
}

static void print_files(const json_t *files)
{
	bool missing = false;
	size_t i;
	json_t *f;

	json_array_foreach(files, i, f)
	{
		const char *file = lp_json_get(f, "file"), *why = lp_json_get(f, "why"),
			   *debug = lp_json_get(f, "debug_information");

		if (why)
			printf("no       %s: %s\n", file, why);
		else if (debug)
			printf("ok       %s: debug information in %s\n", file,
			       strcmp(debug, file) ? debug : "it");
		else
			printf("symbols  %s: no debug information\n", file);
		missing |= !why && !debug;
	}
	if (missing)
		printf("\nWithout debug information only functions that have symbols can be "
		       "logged, "
		       "without names or\nlines. Build with -g, install the package of the "
		       "debug information (Debian: NAME-dbgsym\nor NAME-dbg), or set "
		       "DEBUGINFOD_URLS.\n");
}

static void print_text(const json_t *answer)
{
	const json_t *files = json_object_get(answer, "files");
	size_t i;
	json_t *row;

	json_array_foreach(json_object_get(answer, "features"), i, row)
	{
		const char *detail = lp_json_get(row, "detail");
		bool have = json_is_true(json_object_get(row, "available"));

		printf("%-8s %s: %s%s%s%s\n",
		       have					      ? "ok"
		       : json_is_true(json_object_get(row, "needed")) ? "MISSING"
								      : "missing",
		       lp_json_get(row, "name"), lp_json_get(row, "what"), detail ? " (" : "",
		       detail ? detail : "", detail ? ")" : "");
	}
	json_array_foreach(json_object_get(answer, "privileges"), i, row) printf(
		"%-8s %s\n", json_is_true(json_object_get(row, "available")) ? "ok" : "missing",
		lp_json_get(row, "name"));
	print_cache(json_object_get(answer, "cache"));
	if (json_array_size(files))
		printf("\n");
	lp_check_python_text(json_object_get(answer, "python"));
	print_files(files);
	printf("\nLogging is %s here.\n",
	       json_is_true(json_object_get(answer, "possible")) ? "possible" : "not possible");
}

int lp_cmd_check(const struct lp_options *o)
{
	lp_auto(lp_view_done) struct lp_view view = { 0 };
	lp_auto(lp_json_free) json_t *answer = NULL;
	json_t *features = json_array(), *privileges = json_array(), *files = json_array(),
	       *pythons = json_array();
	struct lp_err err = { 0 };
	bool possible = false, enough = false;

	answer = json_pack("{s:o, s:o, s:o, s:o}", "features", features, "privileges", privileges,
			   "python", pythons, "files", files);
	if (!answer)
		lp_err_nomem(&err);
	else if (o->args.len)
		lp_err_set(&err, EINVAL, "'%s' is no target (see logpoint check --help)",
			   o->args.data[0].text);
	else if (!o->has_target || lp_view_open(o, &view, &err) == 0)
		(void)(add_features(features, &possible, &err) < 0 ||
		       add_privileges(privileges, &enough, &err) < 0 ||
		       add_cache(answer, &err) < 0 || lp_check_python(&view, pythons, &err) < 0 ||
		       add_files(&view, files, &err) < 0 ||
		       json_object_set_new(answer, "possible", json_boolean(possible)) < 0);
	if (err.code)
		return lp_report(&err);

	int r = lp_view_print(answer, o->json, print_text);
	return r || possible ? r : enough ? LP_EXIT_FAILED : LP_EXIT_NOT_PERMITTED;
}
