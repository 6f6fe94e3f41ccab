// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "base/show.h"
#include "base/utf8.h"

#define EXPONENT_MIN (-4) /* float_repr_style 'r' of Python/pystrtod.c */
#define EXPONENT_MAX 16

/* The digits of text, as lp_number_float() writes it; *ret_point: 10 to what power the point is
 * behind the first of them.
 */
static size_t digits_of(const char *text, size_t len, char *digits, int *ret_point)
{
	size_t n = 0, whole = 0;
	bool seen_point = false;
	int exponent = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '.') {
			seen_point = true;
		} else if (text[i] == 'e') {
			sscanf(text + i + 1, "%d", &exponent);
			break;
		} else if (text[i] != '0' || n) {
			digits[n++] = text[i];
			whole += !seen_point;
		} else if (seen_point) {
			exponent--;
		}
	}
	*ret_point = (int)whole - 1 + exponent;
	while (n > 1 && digits[n - 1] == '0')
		n--;
	return n;
}

static void put_float(struct lp_buf *out, double v, bool point)
{
	char text[LP_NUMBER_MAX + 1], digits[LP_NUMBER_MAX];
	size_t len = lp_number_float(text, fabs(v), 8);
	int at = 0;

	text[len] = '\0';
	if (signbit(v) && !isnan(v))
		lp_buf_char(out, '-');
	if (!isfinite(v)) {
		lp_buf_add(out, text, len);
		return;
	}
	if (v == 0) {
		lp_buf_str(out, point ? "0.0" : "0");
		return;
	}

	size_t n = digits_of(text, len, digits, &at);
	if (at < EXPONENT_MIN || at >= EXPONENT_MAX) {
		lp_buf_char(out, digits[0]);
		if (n > 1)
			lp_buf_char(out, '.');
		lp_buf_add(out, digits + 1, n - 1);
		lp_buf_fmt(out, "e%c%02d", at < 0 ? '-' : '+', at < 0 ? -at : at);
		return;
	}
	if (at < 0)
		lp_buf_add(out, "0.000", (size_t)(1 - at));
	for (int i = 0; i < (int)n || i <= at; i++) {
		lp_buf_char(out, i < (int)n ? digits[i] : '0');
		if (i == at && (i + 1 < (int)n || point))
			lp_buf_char(out, '.');
	}
	if (at >= (int)n - 1 && point)
		lp_buf_char(out, '0');
}

void lp_show_python_float(struct lp_buf *out, double v)
{
	put_float(out, v, true);
}

/* str.isprintable(), as far as it can be told without Unicode's tables. */
static bool is_printable(uint32_t c)
{
	static const uint32_t not_printable[][2] = {
		{ 0x00, 0x1f },	    { 0x7f, 0xa0 },	   { 0xad, 0xad },     { 0x600, 0x605 },
		{ 0x61c, 0x61c },   { 0x6dd, 0x6dd },	   { 0x70f, 0x70f },   { 0x1680, 0x1680 },
		{ 0x180e, 0x180e }, { 0x2000, 0x200f },	   { 0x2028, 0x202f }, { 0x205f, 0x206f },
		{ 0x3000, 0x3000 }, { 0xd800, 0xf8ff },	   { 0xfeff, 0xfeff }, { 0xfff0, 0xfffb },
		{ 0xfffe, 0xffff }, { 0xe0000, 0x10ffff },
	};

	for (size_t i = 0; i < LP_ARRAY_SIZE(not_printable); i++)
		if (c >= not_printable[i][0] && c <= not_printable[i][1])
			return false;
	return true;
}

static void put_escape(struct lp_buf *out, uint32_t c)
{
	static const char *const short_ones[] = { ['\t'] = "\\t", ['\n'] = "\\n", ['\r'] = "\\r" };

	if (c < LP_ARRAY_SIZE(short_ones) && short_ones[c])
		lp_buf_str(out, short_ones[c]);
	else
		lp_buf_fmt(out, c <= 0xff ? "\\x%02x" : c <= 0xffff ? "\\u%04x" : "\\U%08x", c);
}

/* A character of WTF-8, where surrogates may stand alone; 0: none. */
static size_t decode(const char *s, size_t len, uint32_t *ret)
{
	size_t n = lp_utf8_decode(s, len, ret);

	if (n || len < 3 || (uint8_t)s[0] != 0xed || ((uint8_t)s[1] & 0xe0) != 0xa0 ||
	    ((uint8_t)s[2] & 0xc0) != 0x80)
		return n;
	*ret = 0xd000u | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
	return 3;
}

void lp_show_python_string(struct lp_buf *out, const char *s, size_t len, bool is_bytes)
{
	char quote = memchr(s, '\'', len) && !memchr(s, '"', len) ? '"' : '\'';

	lp_buf_char(out, quote);
	for (size_t at = 0; at < len;) {
		uint32_t c = (uint8_t)s[at];
		size_t n = is_bytes ? 1 : decode(s + at, len - at, &c);

		if (c == (uint8_t)quote || c == '\\') {
			lp_buf_char(out, '\\');
			lp_buf_char(out, (char)c);
		} else if (n && is_printable(c) && !(is_bytes && c > 0x7e)) {
			lp_buf_add(out, s + at, n);
		} else {
			put_escape(out, c);
		}
		at += n ? n : 1;
	}
	lp_buf_char(out, quote);
}

static void show_null(struct lp_buf *out, const struct lp_value *v, bool plain)
{
	(void)v, (void)plain;
	lp_buf_str(out, "None");
}

static void show_bool(struct lp_buf *out, const struct lp_value *v, bool plain)
{
	(void)plain;
	lp_buf_str(out, v->u ? "True" : "False");
}

static void show_float(struct lp_buf *out, const struct lp_value *v, bool plain)
{
	(void)plain;
	put_float(out, v->f, true);
}

static void show_complex(struct lp_buf *out, const struct lp_value *v, bool plain)
{
	(void)plain;
	if (v->len != 2)
		return;

	double real = v->items[0].f, imaginary = v->items[1].f;
	bool alone = real == 0 && !signbit(real);

	if (!alone) {
		lp_buf_char(out, '(');
		put_float(out, real, false);
		if (!signbit(imaginary) || isnan(imaginary))
			lp_buf_char(out, '+');
	}
	put_float(out, imaginary, false);
	lp_buf_str(out, alone ? "j" : "j)");
}

static void show_string(struct lp_buf *out, const struct lp_value *v, bool plain)
{
	if (v->kind == LP_VAL_BYTES)
		lp_buf_char(out, 'b');
	if (plain && v->kind == LP_VAL_STRING)
		lp_buf_add(out, v->str, v->len);
	else
		lp_show_python_string(out, v->str, v->len, v->kind == LP_VAL_BYTES);
	if (v->cut)
		lp_buf_str(out, "...");
}

static void show_enum(struct lp_buf *out, const struct lp_value *v, bool plain)
{
	(void)plain;
	lp_buf_char(out, '<');
	lp_buf_str(out, v->str ? v->str : "?");
	if (v->len) {
		lp_buf_str(out, ": ");
		lp_show(out, &v->items[0], false);
	}
	lp_buf_char(out, '>');
}

/* Without brackets. */
static void show_items(struct lp_buf *out, const struct lp_value *v)
{
	for (size_t i = 0; i < v->len; i++) {
		if (i)
			lp_buf_str(out, v->kind == LP_VAL_MAP && i % 2 ? ": " : ", ");
		if (v->items[i].name) {
			lp_buf_str(out, v->items[i].name);
			lp_buf_char(out, '=');
		}
		lp_show(out, &v->items[i], false);
	}
	if (v->cut)
		lp_buf_str(out, v->len ? ", ..." : "...");
}

static void show_bracketed(struct lp_buf *out, const struct lp_value *v, bool plain)
{
	const char *brackets = v->kind == LP_VAL_LIST ? "[]" : "{}";
	bool is_empty_set = v->kind == LP_VAL_SET && !v->len && !v->cut;

	(void)plain;
	if (v->type_name || is_empty_set) {
		lp_buf_str(out, v->type_name ? v->type_name : "set");
		lp_buf_char(out, '(');
	}
	if (v->type_name && v->kind == LP_VAL_MAP && v->str)
		lp_buf_str(out, v->str);
	if (!is_empty_set) {
		lp_buf_char(out, brackets[0]);
		show_items(out, v);
		lp_buf_char(out, brackets[1]);
	}
	if (v->type_name && v->kind == LP_VAL_LIST && v->str)
		lp_buf_str(out, v->str);
	if (v->type_name || is_empty_set)
		lp_buf_char(out, ')');
}

static void show_call(struct lp_buf *out, const struct lp_value *v, bool plain)
{
	(void)plain;
	if (v->type_name)
		lp_buf_str(out, v->type_name);
	lp_buf_char(out, '(');
	show_items(out, v);
	if (v->kind == LP_VAL_TUPLE && !v->type_name && v->len == 1 && !v->cut)
		lp_buf_char(out, ',');
	lp_buf_char(out, ')');
}

static void (*const shows[LP_VAL_DEEPER + 1])(struct lp_buf *out, const struct lp_value *v,
					      bool plain) = {
	[LP_VAL_NULL] = show_null,     [LP_VAL_BOOL] = show_bool,
	[LP_VAL_FLOAT] = show_float,   [LP_VAL_COMPLEX] = show_complex,
	[LP_VAL_STRING] = show_string, [LP_VAL_BYTES] = show_string,
	[LP_VAL_ENUM] = show_enum,     [LP_VAL_LIST] = show_bracketed,
	[LP_VAL_SET] = show_bracketed, [LP_VAL_MAP] = show_bracketed,
	[LP_VAL_TUPLE] = show_call,    [LP_VAL_STRUCT] = show_call,
};

void lp_show_python(struct lp_buf *out, const struct lp_value *v, bool plain)
{
	if (shows[v->kind]) {
		shows[v->kind](out, v, plain);
		return;
	}

	struct lp_value same = *v;
	same.is_python = false;
	lp_show(out, &same, plain);
}
