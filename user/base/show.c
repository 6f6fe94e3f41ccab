// SPDX-License-Identifier: GPL-2.0-only
#include "base/show.h"

#include <string.h>

#include "base/utf8.h"

typedef void show_fn(struct lp_buf *out, const struct lp_value *v, bool plain);

static void show_error(struct lp_buf *out, const struct lp_value *v, bool plain)
{
	(void)plain;
	lp_buf_char(out, '<');
	lp_buf_str(out, v->str ? v->str : "unknown");
	lp_buf_char(out, '>');
}

static void show_null(struct lp_buf *out, const struct lp_value *v, bool plain)
{
	(void)v, (void)plain;
	lp_buf_add(out, "NULL", 4);
}

static void show_bool(struct lp_buf *out, const struct lp_value *v, bool plain)
{
	(void)plain;
	lp_buf_str(out, v->u ? "true" : "false");
}

static void show_int(struct lp_buf *out, const struct lp_value *v, bool plain)
{
	(void)plain;
	lp_buf_s64(out, v->s);
}

static void show_uint(struct lp_buf *out, const struct lp_value *v, bool plain)
{
	(void)plain;
	lp_buf_u64(out, v->u);
}

static void show_float(struct lp_buf *out, const struct lp_value *v, bool plain)
{
	(void)plain;
	lp_buf_float(out, v->f, v->size);
}

static void show_text(struct lp_buf *out, const struct lp_value *v, bool plain)
{
	(void)plain;
	lp_buf_add(out, v->str ? v->str : "?", v->str ? v->len ? v->len : strlen(v->str) : 1);
}

static void show_complex(struct lp_buf *out, const struct lp_value *v, bool plain)
{
	for (size_t i = 0; i < v->len; i++) {
		if (i)
			lp_buf_add(out, " + ", 3);
		lp_show(out, &v->items[i], plain);
	}
	lp_buf_char(out, 'i');
}

static void show_char(struct lp_buf *out, const struct lp_value *v, bool plain)
{
	char text[4];
	size_t n = 1;

	if (v->size <= 1)
		text[0] = (char)v->u;
	else
		n = lp_utf8_encode(text, v->u > UINT32_MAX ? UINT32_MAX : (uint32_t)v->u);

	if (!n) {
		lp_buf_hex(out, v->u);
	} else if (plain) {
		lp_buf_add(out, text, n);
	} else {
		lp_buf_char(out, '\'');
		lp_utf8_escape(out, text, n, '\'');
		lp_buf_char(out, '\'');
	}
}

static void show_string(struct lp_buf *out, const struct lp_value *v, bool plain)
{
	if (plain) {
		lp_buf_add(out, v->str, v->len);
	} else {
		if (v->kind == LP_VAL_BYTES)
			lp_buf_char(out, 'b');
		lp_buf_char(out, '"');
		lp_utf8_escape(out, v->str, v->len, '"');
		lp_buf_char(out, '"');
	}
	if (v->cut)
		lp_buf_add(out, "...", 3);
}

static void show_bytes(struct lp_buf *out, const struct lp_value *v, bool plain)
{
	(void)plain;
	show_string(out, v, false);
}

static void show_pointer(struct lp_buf *out, const struct lp_value *v, bool plain)
{
	(void)plain;
	lp_buf_hex(out, v->u);
	if (v->str) {
		lp_buf_add(out, " <", 2);
		lp_buf_str(out, v->str);
		lp_buf_char(out, '>');
	}
}

static void show_enum(struct lp_buf *out, const struct lp_value *v, bool plain)
{
	if (v->str) {
		lp_buf_str(out, v->str);
		return;
	}
	if (v->type_name) {
		lp_buf_char(out, '(');
		lp_buf_str(out, v->type_name);
		lp_buf_add(out, ") ", 2);
	}
	show_int(out, v, plain);
}

static void show_items(struct lp_buf *out, const struct lp_value *v, const char *brackets)
{
	lp_buf_char(out, brackets[0]);
	for (size_t i = 0; i < v->len; i++) {
		if (i)
			lp_buf_add(out, v->kind == LP_VAL_MAP && i % 2 ? ": " : ", ", 2);
		lp_show(out, &v->items[i], false);
	}
	if (v->cut)
		lp_buf_add(out, "...", 3);
	lp_buf_char(out, brackets[1]);
}

static void show_braces(struct lp_buf *out, const struct lp_value *v, bool plain)
{
	(void)plain;
	show_items(out, v, "{}");
}

static void show_tuple(struct lp_buf *out, const struct lp_value *v, bool plain)
{
	(void)plain;
	show_items(out, v, "()");
}

static void show_struct(struct lp_buf *out, const struct lp_value *v, bool plain)
{
	(void)plain;
	lp_buf_char(out, '{');
	for (size_t i = 0; i < v->len; i++) {
		if (i)
			lp_buf_add(out, ", ", 2);
		if (v->items[i].name) {
			lp_buf_str(out, v->items[i].name);
			lp_buf_add(out, " = ", 3);
		}
		lp_show(out, &v->items[i], false);
	}
	if (v->cut)
		lp_buf_add(out, "...", 3);
	lp_buf_char(out, '}');
}

static void show_object(struct lp_buf *out, const struct lp_value *v, bool plain)
{
	if (v->str) {
		show_text(out, v, plain);
		return;
	}
	lp_buf_char(out, '<');
	lp_buf_str(out, v->type_name ? v->type_name : "object");
	lp_buf_add(out, " at ", 4);
	lp_buf_hex(out, v->u);
	lp_buf_char(out, '>');
}

static void show_deeper(struct lp_buf *out, const struct lp_value *v, bool plain)
{
	(void)v, (void)plain;
	lp_buf_add(out, "...", 3);
}

static show_fn *const shows[] = {
	[LP_VAL_ERROR] = show_error,   [LP_VAL_NULL] = show_null,
	[LP_VAL_BOOL] = show_bool,     [LP_VAL_INT] = show_int,
	[LP_VAL_UINT] = show_uint,     [LP_VAL_BIGINT] = show_text,
	[LP_VAL_FLOAT] = show_float,   [LP_VAL_COMPLEX] = show_complex,
	[LP_VAL_CHAR] = show_char,     [LP_VAL_STRING] = show_string,
	[LP_VAL_BYTES] = show_bytes,   [LP_VAL_POINTER] = show_pointer,
	[LP_VAL_ENUM] = show_enum,     [LP_VAL_LIST] = show_braces,
	[LP_VAL_TUPLE] = show_tuple,   [LP_VAL_SET] = show_braces,
	[LP_VAL_MAP] = show_braces,    [LP_VAL_STRUCT] = show_struct,
	[LP_VAL_OBJECT] = show_object, [LP_VAL_DEEPER] = show_deeper,
};

void lp_show(struct lp_buf *out, const struct lp_value *v, bool plain)
{
	if (v->is_python)
		lp_show_python(out, v, plain);
	else
		shows[v->kind](out, v, plain);
}
