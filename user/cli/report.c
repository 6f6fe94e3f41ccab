// SPDX-License-Identifier: GPL-2.0-only
#include "cli/report.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/utf8.h"
#include "expr/logpoint.h"

#define WINDOW 100 /* columns of the logpoint shown */
#define BEFORE 60  /* of these, before the caret */

static int exit_status(int code)
{
	static const int wrong[] = { EINVAL, ENOENT, ESRCH,   EEXIST,	    ENOEXEC,
				     E2BIG,  EISDIR, ENOTDIR, ENAMETOOLONG, ELOOP };

	if (code == EPERM || code == EACCES)
		return LP_EXIT_NOT_PERMITTED;
	for (size_t i = 0; i < LP_ARRAY_SIZE(wrong); i++)
		if (code == wrong[i])
			return LP_EXIT_WRONG;
	return LP_EXIT_FAILED;
}

int lp_report(const struct lp_err *err)
{
	lp_error("%s", err->msg);
	return exit_status(err->code);
}

int lp_exit_running(const struct lp_err *err)
{
	return exit_status(err->code) == LP_EXIT_NOT_PERMITTED ? LP_EXIT_NOT_PERMITTED
							       : LP_EXIT_FAILED;
}

/* --- the caret --- */

/* Columns that a terminal gives a character: Unicode's East Asian Width W and F, and what combines
 * with the character before.
 */
static int columns_of(uint32_t code)
{
	static const struct {
		uint32_t from, to;
		int columns;
	} ranges[] = {
		{ 0x300, 0x36f, 0 },	 { 0x483, 0x489, 0 },	  { 0x591, 0x5bd, 0 },
		{ 0x64b, 0x65f, 0 },	 { 0x1100, 0x115f, 2 },	  { 0x1ab0, 0x1aff, 0 },
		{ 0x1dc0, 0x1dff, 0 },	 { 0x200b, 0x200f, 0 },	  { 0x20d0, 0x20ff, 0 },
		{ 0x2e80, 0x303e, 2 },	 { 0x3041, 0xa4cf, 2 },	  { 0xac00, 0xd7a3, 2 },
		{ 0xf900, 0xfaff, 2 },	 { 0xfe00, 0xfe0f, 0 },	  { 0xfe20, 0xfe2f, 0 },
		{ 0xfe30, 0xfe6f, 2 },	 { 0xff00, 0xff60, 2 },	  { 0xffe0, 0xffe6, 2 },
		{ 0x1f300, 0x1f64f, 2 }, { 0x1f680, 0x1f6ff, 2 }, { 0x1f900, 0x1faff, 2 },
		{ 0x20000, 0x3fffd, 2 },
	};

	for (size_t i = 0; i < LP_ARRAY_SIZE(ranges); i++)
		if (code >= ranges[i].from && code <= ranges[i].to)
			return ranges[i].columns;
	return 1;
}

/* The character at s, as it is shown: a tab stays, what would act on a terminal is '?'. */
static size_t show_one(struct lp_buf *out, const char *s, size_t len, int *ret_columns)
{
	uint32_t code = 0;
	size_t n = lp_utf8_decode(s, len, &code);

	*ret_columns = 1;
	if (code == '\t') {
		lp_buf_char(out, '\t');
	} else if (!n || code < 0x20 || code == 0x7f || lp_utf8_is_harmful(code)) {
		lp_buf_char(out, '?');
	} else {
		lp_buf_add(out, s, n);
		*ret_columns = columns_of(code);
	}
	return n ? n : 1;
}

/* The bytes of [from, to) that are shown: of one line, around the caret. */
static void window(const char *text, size_t at, size_t *ret_from, size_t *ret_to)
{
	size_t from = at, to = at + strcspn(text + at, "\n");

	while (from > 0 && text[from - 1] != '\n')
		from--;
	if (lp_utf8_length(text + from, to - from) > WINDOW) {
		size_t before = lp_utf8_length(text + from, at - from);

		if (before > BEFORE)
			from += lp_utf8_prefix(text + from, at - from, before - BEFORE);
		to = from + lp_utf8_prefix(text + from, to - from, WINDOW);
	}
	*ret_from = from;
	*ret_to = to;
}

void lp_caret(struct lp_buf *out, const char *text, int col, int width)
{
	lp_auto(lp_buf_done) struct lp_buf under = { 0 };
	size_t len = strlen(text), from, to;
	size_t at = col < 1 ? 0 : (size_t)col - 1 < len ? (size_t)col - 1 : len;
	size_t last = at + (width > 1 ? (size_t)width : 1);

	window(text, at, &from, &to);
	lp_buf_str(out, "  ");
	lp_buf_str(&under, "  ");
	if (from > 0 && text[from - 1] != '\n') {
		lp_buf_str(out, "...");
		lp_buf_str(&under, "   ");
	}
	bool pointed = false;
	for (size_t i = from; i < to;) {
		size_t start = i;
		int columns;

		i += show_one(out, text + i, to - i, &columns);
		if (start >= last)
			continue;
		for (; columns; columns--)
			lp_buf_char(&under, start >= at ? '^' : text[start] == '\t' ? '\t' : ' ');
		pointed |= start >= at;
	}
	if (!pointed)
		lp_buf_char(&under, '^');
	if (text[to] && text[to] != '\n')
		lp_buf_str(out, "...");
	lp_buf_char(out, '\n');
	lp_buf_add(out, under.data, under.len);
	lp_buf_char(out, '\n');
}

static void add_place(struct lp_buf *b, const struct lp_given *given)
{
	lp_auto(lp_logpoint_free) struct lp_logpoint *lp = NULL;

	if (given->file)
		lp_buf_fmt(b, "%s:%d: ", given->file, given->line);
	if (lp_logpoint_parse(given->text, &lp, NULL) == 0)
		lp_buf_fmt(b, "%s: ", lp->location.text);
}

int lp_report_point(const struct lp_given *given, const struct lp_err *err)
{
	lp_auto(lp_buf_done) struct lp_buf place = { 0 }, caret = { 0 };

	add_place(&place, given);
	lp_error("%s%s", place.len ? place.data : "", err->msg);
	if (err->col > 0) {
		lp_caret(&caret, given->text, err->col, err->width);
		if (!caret.failed)
			fputs(caret.data, stderr);
	}
	return exit_status(err->code);
}
