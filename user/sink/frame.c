// SPDX-License-Identifier: GPL-2.0-only
#include "sink/frame.h"

#include <string.h>

#include "base/show.h"
#include "base/utf8.h"
#include "sink/json_value.h"

static void put_text(struct lp_buf *out, const char *text)
{
	lp_utf8_escape(out, text, strlen(text), 0);
}

static void put_locals(struct lp_buf *out, struct lp_buf *scratch, const struct lp_frame *f)
{
	lp_buf_str(out, " [");
	for (size_t i = 0; i < f->n_locals; i++) {
		if (i)
			lp_buf_str(out, ", ");
		put_text(out, f->locals[i].name);
		lp_buf_char(out, '=');
		lp_buf_clear(scratch);
		lp_show(scratch, &f->locals[i].value, false);
		lp_utf8_escape(out, scratch->data ? scratch->data : "", scratch->len, 0);
	}
	lp_buf_char(out, ']');
	out->failed |= scratch->failed;
}

void lp_frame_place_text(struct lp_buf *out, const char *file, int line)
{
	if (!file)
		return;
	lp_buf_char(out, ' ');
	put_text(out, basename(file));
	if (line > 0) {
		lp_buf_char(out, ':');
		lp_buf_s64(out, line);
	}
}

void lp_frame_text(struct lp_buf *out, struct lp_buf *scratch, const struct lp_frame *f)
{
	if (f->kind == LP_FRAME_FOLDED) {
		lp_buf_fmt(out, "... %u library frame%s", f->n_folded, f->n_folded == 1 ? "" : "s");
		return;
	}
	if (f->kind == LP_FRAME_GAP) {
		lp_buf_str(out, "...");
		return;
	}
	if (f->function) {
		put_text(out, f->function);
	} else {
		lp_buf_hex(out, f->addr);
		if (f->module) {
			lp_buf_str(out, " (");
			put_text(out, basename(f->module));
			lp_buf_char(out, ')');
		}
	}
	lp_frame_place_text(out, f->file, f->line);
	if (f->has_locals)
		put_locals(out, scratch, f);
}

void lp_named_json(struct lp_buf *out, const struct lp_named *named, size_t n)
{
	bool first = true;

	lp_buf_char(out, '{');
	for (size_t i = 0; i < n; i++) {
		if (named[i].value.kind == LP_VAL_ERROR)
			continue;
		lp_json_name(out, &first, named[i].name);
		lp_json_value(out, &named[i].value);
	}
	lp_buf_char(out, '}');
}

void lp_frame_json(struct lp_buf *out, struct lp_buf *scratch, const struct lp_frame *f,
		   unsigned int with)
{
	struct lp_json_errors e = { .out = out, .path = scratch };

	if (f->kind == LP_FRAME_FOLDED) {
		lp_buf_fmt(out, "{\"folded\":%u}", f->n_folded);
		return;
	}
	if (f->kind == LP_FRAME_GAP) {
		lp_buf_str(out, LP_FRAME_GAP_JSON);
		return;
	}
	if (f->kind == LP_FRAME_TASK)
		lp_json_put_string(out, "{\"task\":", f->function);
	else if (f->function)
		lp_json_put_string(out, "{\"function\":", f->function);
	else
		lp_json_put_hex(out, "{\"address\":", f->addr);
	if (!f->function || with & LP_FRAME_WITH_MODULE)
		lp_json_put_string(out, ",\"module\":", f->module);
	lp_json_put_string(out, ",\"file\":", f->file);
	if (f->line > 0)
		lp_json_put_number(out, ",\"line\":", f->line);
	if (f->has_locals) {
		lp_buf_str(out, ",\"locals\":");
		lp_named_json(out, f->locals, f->n_locals);
	}
	for (size_t i = 0; with & LP_FRAME_WITH_ERRORS && i < f->n_locals; i++)
		lp_json_errors(&e, f->locals[i].name, &f->locals[i].value);
	lp_buf_str(out, e.n ? "}}" : "}");
	out->failed |= scratch->failed;
}
