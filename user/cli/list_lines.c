// SPDX-License-Identifier: GPL-2.0-only
#include "cli/list.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "target/process.h"

static int add_line(int line, size_t n_places, void *arg)
{
	return lp_json_push(
		arg, json_pack("{s:i, s:I}", "line", line, "places", (json_int_t)n_places), NULL);
}

/* Where we can read the source: as the target would, else as we do. */
static bool find_source(const struct lp_view *v, const char *path, char ret[PATH_MAX],
			struct stat *ret_stat)
{
	char root[64] = "";

	if (v->inv.procs.len)
		lp_process_root(v->inv.procs.data[0]->info.pid, root);
	for (int with_root = *root != '\0'; with_root >= 0; with_root--) {
		int n = snprintf(ret, PATH_MAX, "%s%s", with_root ? root : "", path);

		if (n < PATH_MAX && stat(ret, ret_stat) == 0 && S_ISREG(ret_stat->st_mode) &&
		    access(ret, R_OK) == 0)
			return true;
	}
	return false;
}

static int add_listing(const struct lp_view *v, const struct lp_file *f, const char *path,
		       json_t *lines, json_t *list, struct lp_err *err)
{
	struct stat source, program;
	char where[PATH_MAX];
	bool found = find_source(v, path, where, &source);
	bool newer = found && fstat(f->fd, &program) == 0 && source.st_mtime > program.st_mtime;

	return lp_json_push(list,
			    json_pack("{s:o, s:o, s:o, s:b, s:O}", "file", lp_json_text(path),
				      "source", lp_json_text(found ? where : NULL), "module",
				      lp_json_text(f->path), "source_is_newer", newer, "lines",
				      lines),
			    err);
}

int lp_list_lines(struct lp_view *v, const char *pattern, json_t **ret, struct lp_err *err)
{
	lp_auto(lp_json_free) json_t *list = json_array();

	if (!list)
		return lp_err_nomem(err);
	lp_vec_each (&v->files, f) {
		lp_auto(lp_json_free) json_t *lines = json_array();
		const char *path = NULL;

		if (!lines)
			return lp_err_nomem(err);
		if (!(*f)->module)
			continue;
		int r = lp_module_each_line((*f)->module, pattern, add_line, lines, &path, err);
		if (r == -ENOENT)
			continue;
		if (r >= 0)
			r = add_listing(v, *f, path, lines, list, err);
		if (r < 0)
			return r == -ENOMEM ? lp_err_nomem(err) : r;
	}
	if (!json_array_size(list))
		return lp_err_set(err, ENOENT, "no source file '%s'", pattern);
	*ret = json_pack("{s:O}", "files", list);
	return *ret ? 0 : lp_err_nomem(err);
}

static void print_numbers(const json_t *lines)
{
	size_t i;
	json_t *line;

	json_array_foreach(lines, i, line) printf("* %5lld\n", lp_json_number(line, "line"));
}

static void print_source(FILE *source, const json_t *lines)
{
	lp_auto(lp_free) char *row = NULL;
	size_t size = 0, next = 0;
	ssize_t n;

	for (long long number = 1; (n = getline(&row, &size, source)) >= 0; number++) {
		lp_auto(lp_buf_done) struct lp_buf text = { 0 };
		bool has_code = lp_json_number(json_array_get(lines, next), "line") == number;
		size_t len = (size_t)n, at = 0;

		while (len && strchr("\r\n", row[len - 1]))
			len--;
		for (; at < len && row[at] == '\t'; at++)
			lp_buf_char(&text, '\t');
		lp_utf8_escape(&text, row + at, len - at, 0);
		printf("%c %5lld  %s\n", has_code ? '*' : ' ', number, text.len ? text.data : "");
		next += has_code;
	}
}

void lp_list_lines_text(const json_t *answer)
{
	size_t i;
	json_t *f;

	json_array_foreach(json_object_get(answer, "files"), i, f)
	{
		const char *where = lp_json_get(f, "source");
		lp_auto(lp_fclose) FILE *source = where ? fopen(where, "re") : NULL;
		const json_t *lines = json_object_get(f, "lines");

		printf("%s%s in %s%s\n", i ? "\n" : "", lp_json_get(f, "file"),
		       lp_json_get(f, "module"),
		       !source ? " (the source is not here)"
		       : json_is_true(json_object_get(f, "source_is_newer"))
			       ? " (the source is newer than the program)"
			       : "");
		if (source)
			print_source(source, lines);
		else
			print_numbers(lines);
	}
}
