// SPDX-License-Identifier: GPL-2.0-only
#include "cli/points.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "target/procfs.h"

#define FILE_MAX (64u << 20)

void lp_points_done(struct lp_points *p)
{
	lp_vec_done(&p->all);
	lp_arena_done(&p->arena);
}

static int add_text(struct lp_points *p, const struct lp_buf *text, const char *file, int line,
		    struct lp_err *err)
{
	size_t from = 0, to = text->len;

	while (from < to && isspace((unsigned char)text->data[from]))
		from++;
	while (to > from && isspace((unsigned char)text->data[to - 1]))
		to--;
	if (from == to)
		return 0;

	struct lp_given given = { .file = file, .line = line };
	given.text = lp_arena_strndup(&p->arena, text->data + from, to - from);
	return given.text && lp_vec_push(&p->all, given) == 0 ? 0 : lp_err_nomem(err);
}

static bool is_comment(const char *s, size_t len)
{
	while (len && isspace((unsigned char)*s))
		s++, len--;
	return len && *s == '#';
}

int lp_points_parse(const char *text, size_t len, const char *file, struct lp_points *p,
		    struct lp_err *err)
{
	lp_auto(lp_buf_done) struct lp_buf whole = { 0 };
	const char *end = text + len;
	int first = 0, r = 0;

	for (int line = 1; text < end && r >= 0; line++) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((stop ? stop : end) - text);

		if (memchr(text, '\0', n))
			return lp_err_set(err, EINVAL, "%s:%d: not a text file", file, line);
		const char *row = text;
		text += n + (stop != NULL);
		if (n && row[n - 1] == '\r')
			n--;
		if (!first && is_comment(row, n))
			continue;
		if (!first)
			first = line;

		bool more = n && row[n - 1] == '\\';
		lp_buf_add(&whole, row, n - more);
		if (whole.failed)
			return lp_err_nomem(err);
		if (more && text < end)
			continue;
		r = add_text(p, &whole, file, first, err);
		lp_buf_clear(&whole);
		first = 0;
	}
	return r;
}

static int read_file(const char *file, struct lp_points *p, struct lp_err *err)
{
	lp_auto(lp_buf_done) struct lp_buf text = { 0 };
	bool is_stdin = !strcmp(file, "-");

	int r = lp_file_read(is_stdin ? "/dev/stdin" : file, FILE_MAX, &text);
	if (r < 0)
		return lp_err_set(err, -r, "%s: %s", file, strerror(-r));
	return lp_points_parse(text.data, text.len, is_stdin ? "standard input" : file, p, err);
}

int lp_points_gather(const struct lp_options *o, struct lp_points *ret, struct lp_err *err)
{
	lp_vec_each (&o->args, arg) {
		struct lp_given given = { .text = arg->text };
		int r = arg->is_file			    ? read_file(arg->text, ret, err)
			: lp_vec_push(&ret->all, given) < 0 ? lp_err_nomem(err)
							    : 0;
		if (r < 0)
			return r;
	}
	return 0;
}
