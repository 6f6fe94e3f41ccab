// SPDX-License-Identifier: GPL-2.0-only
#include "sink/json_value.h"

#include <math.h>
#include <string.h>

#include "base/show.h"
#include "base/utf8.h"

#define ESCAPED_MAX 6 /* bytes that one byte becomes at most: \u001b */

static const char hex[] = "0123456789abcdef";

/* One character that is not simply copied; returns its bytes in s, *to moves on. */
static size_t escape_one(char **to, const char *s, size_t len)
{
	static const char letters[] = "btn?fr"; /* from \b, 8, on */
	uint8_t c = (uint8_t)*s;
	uint32_t code = 0;
	size_t n = lp_utf8_decode(s, len, &code);
	char *p = *to;

	if (n == 0) {
		p = mempcpy(p, (char[]){ '\\', '\\', 'x', hex[c >> 4], hex[c & 15] }, 5);
	} else if (c == '"' || c == '\\') {
		*p++ = '\\';
		*p++ = (char)c;
	} else if (c >= 8 && c <= 13 && c != 11) {
		*p++ = '\\';
		*p++ = letters[c - 8];
	} else if (code < 0x20 || code == 0x7f || lp_utf8_is_harmful(code)) {
		p = mempcpy(p, "\\u", 2);
		for (int shift = 12; shift >= 0; shift -= 4)
			*p++ = hex[code >> shift & 15];
	} else {
		p = mempcpy(p, s, n);
	}
	*to = p;
	return n ? n : 1;
}

void lp_json_string(struct lp_buf *out, const char *s, size_t len, bool cut)
{
	char *to = lp_buf_room(out, len * ESCAPED_MAX + LP_UTF8_ROOM + sizeof("\"...\""));

	if (!to)
		return;
	*to++ = '"';
	for (size_t at = 0; at < len;) {
		const size_t n = lp_utf8_copy_plain(to, s + at, len - at);

		to += n;
		at += n;
		if (at < len)
			at += escape_one(&to, s + at, len - at);
	}
	if (cut)
		to = mempcpy(to, "...", 3);
	*to++ = '"';
	lp_buf_advance_to(out, to);
}

static void put_comma(struct lp_buf *out, bool *first)
{
	if (!*first)
		lp_buf_char(out, ',');
	*first = false;
}

void lp_json_name(struct lp_buf *out, bool *first, const char *name)
{
	put_comma(out, first);
	lp_json_string(out, name, strlen(name), false);
	lp_buf_char(out, ':');
}

static void put_float(struct lp_buf *out, const struct lp_value *v)
{
	const char *quote = isfinite(v->f) ? "" : "\"";

	lp_buf_str(out, quote);
	lp_buf_float(out, v->f, v->size);
	lp_buf_str(out, quote);
}

/* As text, in a JSON string: what JSON has no form for. */
static void put_shown(struct lp_buf *out, const struct lp_value *v)
{
	lp_auto(lp_buf_done) struct lp_buf text = { 0 };

	lp_show(&text, v, true);
	if (text.failed)
		out->failed = true;
	lp_json_string(out, text.data ? text.data : "", text.len, false);
}

static void put_enum(struct lp_buf *out, const struct lp_value *v)
{
	if (v->str)
		lp_json_string(out, v->str, strlen(v->str), false);
	else
		lp_buf_s64(out, v->s);
}

static void put_list(struct lp_buf *out, const struct lp_value *v)
{
	lp_buf_char(out, '[');
	for (size_t i = 0; i < v->len; i++) {
		if (i)
			lp_buf_char(out, ',');
		lp_json_value(out, &v->items[i]);
	}
	if (v->cut)
		lp_buf_str(out, v->len ? ",\"...\"" : "\"...\"");
	lp_buf_char(out, ']');
}

static void put_map(struct lp_buf *out, const struct lp_value *v)
{
	bool first = true;

	lp_buf_char(out, '{');
	for (size_t i = 0; i + 1 < v->len; i += 2) {
		put_comma(out, &first);
		put_shown(out, &v->items[i]);
		lp_buf_char(out, ':');
		lp_json_value(out, &v->items[i + 1]);
	}
	if (v->cut) {
		put_comma(out, &first);
		lp_buf_str(out, "\"...\":null");
	}
	lp_buf_char(out, '}');
}

/* Members of an anonymous struct or union are members of what it is in. */
static void put_members(struct lp_buf *out, const struct lp_value *v, bool *first)
{
	for (size_t i = 0; i < v->len; i++) {
		const struct lp_value *m = &v->items[i];

		if (!m->name && m->kind == LP_VAL_STRUCT) {
			put_members(out, m, first);
			continue;
		}
		if (!m->name && m->kind == LP_VAL_ERROR)
			continue;
		lp_json_name(out, first, m->name ? m->name : "...");
		lp_json_value(out, m);
	}
	if (v->cut) {
		put_comma(out, first);
		lp_buf_str(out, "\"...\":null");
	}
}

static void put_struct(struct lp_buf *out, const struct lp_value *v)
{
	bool first = true;

	/* without names it is a call: ValueError('x') */
	if (v->is_python && (!v->len || !v->items[0].name)) {
		put_shown(out, v);
		return;
	}
	lp_buf_char(out, '{');
	put_members(out, v, &first);
	lp_buf_char(out, '}');
}

static void put_null(struct lp_buf *out, const struct lp_value *v)
{
	(void)v;
	lp_buf_add(out, "null", 4);
}

static void put_bool(struct lp_buf *out, const struct lp_value *v)
{
	lp_buf_str(out, v->u ? "true" : "false");
}

static void put_int(struct lp_buf *out, const struct lp_value *v)
{
	lp_buf_s64(out, v->s);
}

static void put_uint(struct lp_buf *out, const struct lp_value *v)
{
	lp_buf_u64(out, v->u);
}

static void put_digits(struct lp_buf *out, const struct lp_value *v)
{
	lp_buf_str(out, v->str ? v->str : "null");
}

static void put_string(struct lp_buf *out, const struct lp_value *v)
{
	lp_json_string(out, v->str, v->len, v->cut);
}

static void put_pointer(struct lp_buf *out, const struct lp_value *v)
{
	lp_json_put_hex(out, "", v->u);
}

static void (*const writers[])(struct lp_buf *out, const struct lp_value *v) = {
	[LP_VAL_ERROR] = put_null,    [LP_VAL_NULL] = put_null,	    [LP_VAL_BOOL] = put_bool,
	[LP_VAL_INT] = put_int,	      [LP_VAL_UINT] = put_uint,	    [LP_VAL_BIGINT] = put_digits,
	[LP_VAL_FLOAT] = put_float,   [LP_VAL_COMPLEX] = put_shown, [LP_VAL_CHAR] = put_shown,
	[LP_VAL_STRING] = put_string, [LP_VAL_BYTES] = put_string,  [LP_VAL_POINTER] = put_pointer,
	[LP_VAL_ENUM] = put_enum,     [LP_VAL_LIST] = put_list,	    [LP_VAL_TUPLE] = put_list,
	[LP_VAL_SET] = put_list,      [LP_VAL_MAP] = put_map,	    [LP_VAL_STRUCT] = put_struct,
	[LP_VAL_OBJECT] = put_shown,  [LP_VAL_DEEPER] = put_shown,
};

void lp_json_value(struct lp_buf *out, const struct lp_value *v)
{
	writers[v->kind](out, v);
}

static void put_error(struct lp_json_errors *e, const char *why)
{
	lp_buf_str(e->out, e->n++ ? "," : ",\"errors\":{");
	lp_json_string(e->out, e->path->data, e->path->len, false);
	lp_buf_char(e->out, ':');
	lp_json_string(e->out, why, strlen(why), false);
}

/* path is that of v; left as it was. */
static void walk(struct lp_json_errors *e, const struct lp_value *v)
{
	size_t len = e->path->len;

	if (v->kind == LP_VAL_ERROR) {
		put_error(e, v->str ? v->str : "unknown");
		return;
	}
	if (v->kind < LP_VAL_LIST || v->kind > LP_VAL_STRUCT)
		return;
	for (size_t i = 0; i < v->len && !e->path->failed; i++) {
		const struct lp_value *item = &v->items[i];

		if (v->kind != LP_VAL_STRUCT) {
			lp_buf_char(e->path, '[');
			lp_buf_u64(e->path, v->kind == LP_VAL_MAP ? i / 2 : i);
			lp_buf_char(e->path, ']');
		} else if (item->name) {
			lp_buf_char(e->path, '.');
			lp_buf_str(e->path, item->name);
		}
		walk(e, item);
		e->path->len = len;
	}
}

void lp_json_walk_errors(struct lp_json_errors *e, const char *name, const struct lp_value *v)
{
	lp_buf_clear(e->path);
	lp_buf_str(e->path, name);
	walk(e, v);
}
