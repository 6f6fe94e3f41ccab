// SPDX-License-Identifier: GPL-2.0-only
#include "collect/format.h"

#include <math.h>
#include <string.h>

#include "base/number.h"
#include "base/show.h"
#include "base/utf8.h"
#include "lp/limits.h"

/* A number in two parts, so that padding and separators can go between them. */
struct number {
	char sign[4]; /* "-", "+", " ", and 0x and the like */
	size_t n_sign;
	char digits[640]; /* 64 binary digits; %f of the largest double, with commas */
	size_t n_digits;
};

#define PRECISION_MAX 100

bool lp_format_is_plain(const struct lp_format *f)
{
	return !f->fill && !f->align && !f->sign && !f->type && !f->alternate && !f->zero &&
	       !f->comma && f->width <= 0 && f->precision <= 0;
}

static bool is_negative(const struct lp_value *v)
{
	return (v->kind == LP_VAL_INT || v->kind == LP_VAL_ENUM) && v->s < 0;
}

static bool is_integer(const struct lp_value *v)
{
	switch (v->kind) {
	case LP_VAL_NULL:
	case LP_VAL_BOOL:
	case LP_VAL_INT:
	case LP_VAL_UINT:
	case LP_VAL_CHAR:
	case LP_VAL_POINTER:
	case LP_VAL_ENUM:
		return true;
	default:
		return false;
	}
}

/* A number below zero that shows as one in every base. */
static bool has_sign(const struct lp_value *v)
{
	return v->is_python && is_negative(v);
}

static void put_sign(struct number *n, bool negative, char want)
{
	if (negative)
		n->sign[n->n_sign++] = '-';
	else if (want == '+' || want == ' ')
		n->sign[n->n_sign++] = want;
}

/* Without a prefix, most significant digit first. */
static void put_base(struct number *n, uint64_t u, unsigned int shift, bool upper)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	size_t count = 1;

	while (count * shift < 64 && u >> (count * shift))
		count++;
	for (size_t i = count; i-- > 0; u >>= shift)
		n->digits[i] = digits[u & ((1u << shift) - 1)];
	n->n_digits = count;
}

static uint64_t bits_of(const struct lp_value *v)
{
	if (v->kind == LP_VAL_NULL)
		return 0;
	return v->size && v->size < 8 ? v->u & ((1ull << (v->size * 8)) - 1) : v->u;
}

static const struct base {
	char type;
	unsigned int shift;
	const char *prefix;
	bool always;
} bases[] = {
	{ 'x', 4, "0x", false }, { 'X', 4, "0X", false }, { 'o', 3, "0", false },
	{ 'b', 1, "0b", false }, { 'p', 4, "0x", true },
};

static bool put_integer(struct number *n, const struct lp_format *f, const struct lp_value *v)
{
	for (size_t i = 0; i < LP_ARRAY_SIZE(bases); i++) {
		if (bases[i].type != f->type)
			continue;
		put_sign(n, has_sign(v), f->sign);
		put_base(n, has_sign(v) ? -v->u : bits_of(v), bases[i].shift, f->type == 'X');
		if (bases[i].always || (f->alternate && (f->type != 'o' || bits_of(v)))) {
			const char *prefix =
				v->is_python && f->type == 'o' ? "0o" : bases[i].prefix;
			size_t len = strlen(prefix);

			memcpy(n->sign + n->n_sign, prefix, len);
			n->n_sign += len;
		}
		return true;
	}

	put_sign(n, is_negative(v), f->sign);
	uint64_t u = v->kind == LP_VAL_NULL ? 0 : v->u;
	n->n_digits = lp_number_u64(n->digits, is_negative(v) ? -u : u);
	return true;
}

static bool put_float(struct number *n, const struct lp_format *f, const struct lp_value *v)
{
	char spec[] = "%#.*Lg";
	bool is_float = v->kind == LP_VAL_FLOAT;
	long double value = is_float		     ? v->f
			    : is_negative(v)	     ? -(long double)-v->u
			    : v->kind == LP_VAL_NULL ? 0
						     : (long double)v->u;
	int precision = f->precision < 0 ? 6 : f->precision;

	put_sign(n, signbit(value), f->sign);
	value = fabsl(value);
	if (is_float && !f->type && f->precision < 0) {
		n->n_digits = lp_number_float(n->digits, (double)value, v->size);
		/* a float always shows that it is one */
		if (v->is_python && isfinite(v->f) && !memchr(n->digits, '.', n->n_digits) &&
		    !memchr(n->digits, 'e', n->n_digits)) {
			memcpy(n->digits + n->n_digits, ".0", 2);
			n->n_digits += 2;
		}
		return true;
	}
	if (f->type)
		spec[5] = f->type;
	if (!f->alternate)
		spec[1] = '%';
	if (precision > PRECISION_MAX)
		precision = PRECISION_MAX;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	int len = snprintf(n->digits, sizeof(n->digits), f->alternate ? spec : spec + 1, precision,
			   value);
#pragma GCC diagnostic pop
	if (len < 0 || (size_t)len >= sizeof(n->digits))
		return false;
	n->n_digits = (size_t)len;
	return true;
}

/* 1234567.5 to 1,234,567.5 */
static void put_commas(struct number *n)
{
	size_t whole = 0;

	while (whole < n->n_digits && n->digits[whole] >= '0' && n->digits[whole] <= '9')
		whole++;
	for (size_t at = whole; at > 3 && n->n_digits < sizeof(n->digits);) {
		at -= 3;
		memmove(n->digits + at + 1, n->digits + at, n->n_digits - at);
		n->digits[at] = ',';
		n->n_digits++;
	}
}

static bool put_big(struct number *n, const struct lp_format *f, const struct lp_value *v)
{
	bool negative = v->str[0] == '-';
	size_t len = strlen(v->str) - negative;

	/* with as many commas */
	if (len + len / 3 >= sizeof(n->digits))
		return false;
	put_sign(n, negative, f->sign);
	memcpy(n->digits, v->str + negative, len);
	n->n_digits = len;
	if (f->comma)
		put_commas(n);
	return true;
}

/* false: it is no number in the sense of the spec. */
static bool make_number(struct number *n, const struct lp_format *f, const struct lp_value *v)
{
	bool is_float = v->kind == LP_VAL_FLOAT;
	bool as_float = f->type && strchr("eEfFgG", f->type);
	bool named = v->kind == LP_VAL_CHAR || v->kind == LP_VAL_ENUM ||
		     (v->kind == LP_VAL_BOOL && !v->is_python) || v->kind == LP_VAL_POINTER ||
		     v->kind == LP_VAL_NULL;

	n->n_sign = n->n_digits = 0;
	if (v->is_python && v->kind == LP_VAL_NULL)
		return false;
	if (v->kind == LP_VAL_BIGINT && (!f->type || f->type == 'd'))
		return put_big(n, f, v);
	if (!is_integer(v) && !is_float)
		return false;
	if (f->type == 's' || f->type == 'c' || (!f->type && named))
		return false;
	if (is_float && f->type && !as_float)
		return false;

	bool done = is_float || as_float ? put_float(n, f, v) : put_integer(n, f, v);
	if (done && f->comma && f->type != 'e' && f->type != 'x' && f->type != 'X' &&
	    f->type != 'p' && f->type != 'b' && f->type != 'o')
		put_commas(n);
	return done;
}

static void fill(struct lp_buf *out, char c, size_t n)
{
	char *room = lp_buf_room(out, n);

	if (!room)
		return;
	memset(room, c, n);
	lp_buf_advance(out, n);
}

/* head stays in front of padding that goes between (=). */
static void pad(struct lp_buf *out, const struct lp_format *f, char align, const char *head,
		size_t n_head, const char *text, size_t len)
{
	size_t shown = lp_utf8_length(text, len) + n_head;
	size_t width = f->width <= 0		  ? 0
		       : f->width > LP_RECORD_MAX ? LP_RECORD_MAX
						  : (size_t)f->width;
	size_t room = width > shown ? width - shown : 0;
	size_t before = align == '>' ? room : align == '^' ? room / 2 : 0;
	size_t between = align == '=' ? room : 0;
	char c = f->fill ? f->fill : f->zero && align == '=' ? '0' : ' ';

	fill(out, c, before);
	lp_buf_add(out, head, n_head);
	fill(out, c, between);
	lp_buf_add(out, text, len);
	fill(out, c, room - before - between);
}

static void format_text(struct lp_buf *out, struct lp_buf *scratch, const struct lp_format *f,
			const struct lp_value *v, bool plain)
{
	struct lp_value changed = *v;

	if (f->type == 'c' && is_integer(v) && v->kind != LP_VAL_NULL)
		changed.kind = LP_VAL_CHAR;
	if (v->kind == LP_VAL_STRING && f->precision >= 0) {
		changed.len = lp_utf8_prefix(v->str, v->len, (size_t)f->precision);
		changed.cut = v->cut && changed.len == v->len;
	}
	lp_buf_clear(scratch);
	lp_show(scratch, &changed, plain || f->type == 's' || f->type == 'c');
	pad(out, f, f->align && f->align != '=' ? f->align : '<', NULL, 0,
	    scratch->data ? scratch->data : "", scratch->len);
}

/* Each item by itself; 's' is for the whole. */
static void format_items(struct lp_buf *out, struct lp_buf *scratch, const struct lp_format *f,
			 const struct lp_value *v)
{
	lp_buf_char(out, v->is_python ? '[' : '{');
	for (size_t i = 0; i < v->len; i++) {
		if (i)
			lp_buf_add(out, ", ", 2);
		lp_format_value(out, scratch, f, &v->items[i], false);
	}
	lp_buf_str(out, v->cut ? "..." : "");
	lp_buf_char(out, v->is_python ? ']' : '}');
}

void lp_format_value(struct lp_buf *out, struct lp_buf *scratch, const struct lp_format *f,
		     const struct lp_value *v, bool plain)
{
	struct number n;

	if (v->kind == LP_VAL_ERROR)
		lp_show(out, v, plain);
	else if (v->kind == LP_VAL_LIST && f->type && f->type != 's')
		format_items(out, scratch, f, v);
	else if (make_number(&n, f, v))
		pad(out, f,
		    f->align  ? f->align
		    : f->zero ? '='
			      : '>',
		    n.sign, n.n_sign, n.digits, n.n_digits);
	else
		format_text(out, scratch, f, v, plain);
}
