// SPDX-License-Identifier: GPL-2.0-only
#include "expr/lexer.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "expr/type.h"

int lp_lexer_fail(struct lp_lexer *lx, size_t start, size_t end, const char *fmt, ...)
{
	char msg[512];
	va_list ap;

	if (lx->status)
		return lx->status;
	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	lx->status = lp_err_at(lx->err, EINVAL, (int)start + 1,
			       end > start ? (int)(end - start) : 1, "%s", msg);
	lx->tok.kind = LP_TOK_END;
	return lx->status;
}

int lp_lexer_expected(struct lp_lexer *lx, const char *what)
{
	const struct lp_token *t = &lx->tok;

	if (t->kind == LP_TOK_END)
		return lp_lexer_fail(lx, t->start, t->end, "expected %s at the end", what);

	size_t len = t->end - t->start;
	return lp_lexer_fail(lx, t->start, t->end, "expected %s, not '%.*s%s'", what,
			     len > 40 ? 40 : (int)len, lx->text + t->start, len > 40 ? "..." : "");
}

static char peek(const struct lp_lexer *lx, size_t ahead)
{
	return lx->pos + ahead < lx->len ? lx->text[lx->pos + ahead] : '\0';
}

static bool starts_name(char c)
{
	return isalpha((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static bool in_name(char c)
{
	return starts_name(c) || isdigit((unsigned char)c);
}

/* "::" and a name behind it. */
static bool starts_scope(const struct lp_lexer *lx)
{
	return !lx->slices && peek(lx, 0) == ':' && peek(lx, 1) == ':' && starts_name(peek(lx, 2));
}

/* Names keep their "::", so that `a ? b : c` and `[a:b]` never meet one. */
static void lex_name(struct lp_lexer *lx)
{
	size_t start = lx->pos;

	for (;;) {
		while (in_name(peek(lx, 0)))
			lx->pos++;
		if (!starts_scope(lx))
			break;
		lx->scoped = true;
		lx->pos += 2;
	}
	lx->tok.kind = LP_TOK_NAME;
	lx->tok.str = lx->text + start;
	lx->tok.len = lx->pos - start;
}

static void lex_dollar(struct lp_lexer *lx)
{
	size_t start = ++lx->pos;

	while (in_name(peek(lx, 0)))
		lx->pos++;
	if (lx->pos == start) {
		lp_lexer_fail(lx, start - 1, start, "expected a name or a number after '$'");
		return;
	}
	lx->tok.kind = LP_TOK_DOLLAR;
	lx->tok.str = lx->text + start;
	lx->tok.len = lx->pos - start;
}

static int digit_value(char c)
{
	if (isdigit((unsigned char)c))
		return c - '0';
	return isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10 : 99;
}

/* C's rule for the type of an integer literal. */
static const struct lp_type *int_type(uint64_t value, bool is_decimal, bool is_unsigned,
				      bool is_long)
{
	if (!is_unsigned && !is_long && value <= INT32_MAX)
		return &lp_type_int;
	if ((is_unsigned || !is_decimal) && !is_long && value <= UINT32_MAX)
		return &lp_type_uint;
	if (!is_unsigned && value <= INT64_MAX)
		return &lp_type_long;
	return &lp_type_ulong;
}

static void lex_suffix(struct lp_lexer *lx, size_t start, bool is_decimal)
{
	bool is_unsigned = false, is_long = false;

	for (; in_name(peek(lx, 0)); lx->pos++) {
		char c = (char)tolower((unsigned char)peek(lx, 0));

		if (c == 'u' && !is_unsigned) {
			is_unsigned = true;
		} else if (c == 'l' && !is_long) {
			is_long = true;
			if (tolower((unsigned char)peek(lx, 1)) == 'l')
				lx->pos++;
		} else {
			while (in_name(peek(lx, 0)))
				lx->pos++;
			lp_lexer_fail(lx, start, lx->pos, "'%.*s' is not a number",
				      (int)(lx->pos - start > 40 ? 40 : lx->pos - start),
				      lx->text + start);
			return;
		}
	}
	lx->tok.kind = LP_TOK_INT;
	lx->tok.type = int_type(lx->tok.value, is_decimal, is_unsigned, is_long);
}

/* More than 64 bits, which only Python's ints have. */
static void lex_big(struct lp_lexer *lx, size_t digits, int base)
{
	size_t len = 0;

	while (in_name(peek(lx, 0)))
		lx->pos++;

	char *copy = lp_arena_strndup(lx->arena, lx->text + digits, lx->pos - digits);
	if (!copy) {
		lx->status = lp_err_nomem(lx->err);
		return;
	}
	for (const char *c = copy; *c; c++) {
		if (*c != '_' && digit_value(*c) >= base) {
			lp_lexer_fail(lx, lx->tok.start, lx->pos, "'%.40s' is not a number", copy);
			return;
		}
		if (*c != '_')
			copy[len++] = *c;
	}
	lx->tok.kind = LP_TOK_BIG;
	lx->tok.str = copy;
	lx->tok.len = len;
	lx->tok.value = (uint64_t)base;
}

static void lex_int(struct lp_lexer *lx)
{
	size_t start = lx->pos;
	char kind = peek(lx, 0) == '0' ? (char)tolower((unsigned char)peek(lx, 1)) : '\0';
	int base = kind == 'x' ? 16 : kind == 'b' ? 2 : kind == 'o' ? 8 : 10;

	if (base != 10)
		lx->pos += 2;
	else if (peek(lx, 0) == '0' && isdigit((unsigned char)peek(lx, 1)))
		base = 8;

	size_t digits = lx->pos;
	uint64_t value = 0;
	for (; digit_value(peek(lx, 0)) < base || (peek(lx, 0) == '_' && lx->pos > digits);
	     lx->pos++) {
		if (peek(lx, 0) == '_')
			continue;
		if (__builtin_mul_overflow(value, (uint64_t)base, &value) ||
		    __builtin_add_overflow(value, (uint64_t)digit_value(peek(lx, 0)), &value)) {
			lex_big(lx, digits, base);
			return;
		}
	}
	if (lx->pos == digits) {
		lp_lexer_fail(lx, start, lx->pos, "a number has no digits");
		return;
	}
	lx->tok.value = value;
	lex_suffix(lx, start, base == 10);
}

/* Where the text at pos is a floating-point literal: its end, without suffix; 0 where not. */
static size_t float_end(const struct lp_lexer *lx)
{
	size_t i = 0;
	bool is_float = false;

	if (peek(lx, 0) == '0' && (tolower((unsigned char)peek(lx, 1)) == 'x'))
		return 0;
	while (isdigit((unsigned char)peek(lx, i)))
		i++;
	if (peek(lx, i) == '.' && !starts_name(peek(lx, i + 1)) && peek(lx, i + 1) != '.') {
		is_float = true;
		for (i++; isdigit((unsigned char)peek(lx, i));)
			i++;
	}
	if (tolower((unsigned char)peek(lx, i)) == 'e') {
		size_t sign = peek(lx, i + 1) == '+' || peek(lx, i + 1) == '-';

		if (isdigit((unsigned char)peek(lx, i + 1 + sign))) {
			is_float = true;
			for (i += 1 + sign; isdigit((unsigned char)peek(lx, i));)
				i++;
		}
	}
	return is_float ? lx->pos + i : 0;
}

static void lex_number(struct lp_lexer *lx)
{
	size_t start = lx->pos, end = float_end(lx);

	if (!end) {
		lex_int(lx);
		return;
	}

	char *copy = lp_arena_strndup(lx->arena, lx->text + start, end - start);
	if (!copy) {
		lx->status = lp_err_nomem(lx->err);
		return;
	}
	lx->pos = end;
	lx->tok.kind = LP_TOK_FLOAT;
	lx->tok.f = strtod(copy, NULL);
	lx->tok.type = &lp_type_double;
	if (tolower((unsigned char)peek(lx, 0)) == 'f') {
		lx->pos++;
		lx->tok.type = &lp_type_float;
		lx->tok.f = strtof(copy, NULL);
	}
	if (in_name(peek(lx, 0)))
		lp_lexer_fail(lx, start, lx->pos + 1, "a number does not end in '%c'", peek(lx, 0));
}

/* One character of a string whose quote was written as \" : the template's own escapes come off
 * first. Returns the bytes it took, 0 at the end of the text.
 */
static size_t raw_char(const struct lp_lexer *lx, bool escaped, char *ret)
{
	if (lx->pos >= lx->len)
		return 0;
	*ret = lx->text[lx->pos];
	if (!escaped || *ret != '\\' || lx->pos + 1 >= lx->len)
		return 1;
	if (lx->text[lx->pos + 1] != '"' && lx->text[lx->pos + 1] != '\\')
		return 1;
	*ret = lx->text[lx->pos + 1];
	return 2;
}

static int hex_escape(struct lp_lexer *lx)
{
	int value = 0, n = 0;

	for (; n < 2 && isxdigit((unsigned char)peek(lx, 0)); n++, lx->pos++)
		value = value * 16 + digit_value(peek(lx, 0));
	return n ? value : -1;
}

static int octal_escape(struct lp_lexer *lx, char first)
{
	int value = first - '0';

	for (int n = 1; n < 3 && digit_value(peek(lx, 0)) < 8; n++, lx->pos++)
		value = value * 8 + digit_value(peek(lx, 0));
	return value <= 0xff ? value : -1;
}

/* What follows a backslash; -1 after an error. */
static int lex_escape(struct lp_lexer *lx, bool escaped, size_t start)
{
	static const char from[] = "abefnrtv\\\"'", to[] = "\a\b\x1b\f\n\r\t\v\\\"'";
	char c = '\0';
	size_t n = raw_char(lx, escaped, &c);
	int value = -1;

	if (n) {
		lx->pos += n;
		const char *known = memchr(from, c, sizeof(from) - 1);
		if (known)
			value = (unsigned char)to[known - from];
		if (c == 'e')
			lx->tok.c_escapes = true;
		if (c == 'x')
			value = hex_escape(lx);
		else if (c >= '0' && c < '8')
			value = octal_escape(lx, c);
		/* a byte to C, a character to Python */
		if (value >= 0x80)
			lx->tok.c_escapes = true;
	}
	if (value < 0)
		lp_lexer_fail(lx, start, lx->pos,
			      "unknown escape (there are \\n \\t \\r \\0 \\xHH \\\\ \\\" \\')");
	return value;
}

/* A raw " within a string that \" began is the end of the template. */
static bool ends_template(const struct lp_lexer *lx, bool escaped)
{
	return lx->pos >= lx->len || (escaped && lx->text[lx->pos] == '"');
}

/* With its prefix b, if it has one. */
static void lex_string(struct lp_lexer *lx)
{
	size_t start = lx->pos;

	lx->tok.is_bytes = peek(lx, 0) == 'b' || peek(lx, 0) == 'B';
	lx->pos += lx->tok.is_bytes;
	bool escaped = lx->in_template && peek(lx, 0) == '\\';

	lx->pos += escaped;
	char quote = peek(lx, 0);
	lx->pos++;

	lp_auto(lp_buf_done) struct lp_buf out = { 0 };
	for (;;) {
		size_t at = lx->pos;
		char c = '\0';

		if (ends_template(lx, escaped)) {
			lp_lexer_fail(lx, start, start + 1 + escaped,
				      lx->in_template && !escaped
					      ? "'}' is missing, or this string has no end"
					      : "this string has no end");
			return;
		}
		lx->pos += raw_char(lx, escaped, &c);
		if (c == quote && (!escaped || lx->pos - at == 2))
			break;
		int value = (unsigned char)c;
		if (c == '\\' && (value = lex_escape(lx, escaped, at)) < 0)
			return;
		lp_buf_char(&out, (char)value);
	}

	char *copy = out.failed ? NULL : lp_arena_strndup(lx->arena, out.data, out.len);
	if (!copy) {
		lx->status = lp_err_nomem(lx->err);
		return;
	}
	bool is_char = quote == '\'' && out.len == 1 && !lx->tok.is_bytes;
	lx->tok.kind = is_char ? LP_TOK_CHAR : LP_TOK_STRING;
	lx->tok.value = lx->tok.kind == LP_TOK_CHAR ? (uint64_t)(signed char)copy[0] : 0;
	lx->tok.str = copy;
	lx->tok.len = out.len;
}

static bool starts_string(const struct lp_lexer *lx)
{
	size_t at = peek(lx, 0) == 'b' || peek(lx, 0) == 'B';
	char c = peek(lx, at);

	return c == '"' || c == '\'' || (lx->in_template && c == '\\' && peek(lx, at + 1) == '"');
}

static void lex_punct(struct lp_lexer *lx)
{
	static const char *const pairs[] = { "->", "==", "!=", "<=", ">=", "<<",
					     ">>", "&&", "||", "::", "//", "**" };
	char c = peek(lx, 0);

	lx->tok.kind = LP_TOK_PUNCT;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
		if (pairs[i][0] == c && pairs[i][1] == peek(lx, 1)) {
			lx->tok.punct = LP_PUNCT2(pairs[i][0], pairs[i][1]);
			lx->pos += 2;
			return;
		}
	if (!strchr("()[]{}.,:?+-*/%&|^~!<>=", c)) {
		if (isprint((unsigned char)c))
			lp_lexer_fail(lx, lx->pos, lx->pos + 1, "unexpected '%c'", c);
		else
			lp_lexer_fail(lx, lx->pos, lx->pos + 1, "unexpected control character");
		return;
	}
	lx->tok.punct = c;
	lx->pos++;
}

void lp_lexer_next(struct lp_lexer *lx)
{
	while (lx->pos < lx->len && strchr(" \t\r\n", lx->text[lx->pos]) && lx->text[lx->pos])
		lx->pos++;
	lx->tok = (struct lp_token){ .kind = LP_TOK_END, .start = lx->pos, .end = lx->pos };
	if (lx->status || lx->pos >= lx->len)
		return;

	char c = peek(lx, 0);
	if (starts_string(lx))
		lex_string(lx);
	else if (starts_name(c) || starts_scope(lx))
		lex_name(lx);
	else if (isdigit((unsigned char)c) || (c == '.' && isdigit((unsigned char)peek(lx, 1))))
		lex_number(lx);
	else if (c == '$')
		lex_dollar(lx);
	else
		lex_punct(lx);
	lx->tok.end = lx->pos;
}

void lp_lexer_seek(struct lp_lexer *lx, size_t pos)
{
	lx->pos = pos;
	lp_lexer_next(lx);
}

bool lp_lexer_is(const struct lp_lexer *lx, int punct)
{
	return lx->tok.kind == LP_TOK_PUNCT && lx->tok.punct == punct;
}

bool lp_lexer_is_word(const struct lp_lexer *lx, const char *word)
{
	return lx->tok.kind == LP_TOK_NAME && lx->tok.len == strlen(word) &&
	       memcmp(lx->tok.str, word, lx->tok.len) == 0;
}

bool lp_lexer_eat(struct lp_lexer *lx, int punct)
{
	if (!lp_lexer_is(lx, punct))
		return false;
	lp_lexer_next(lx);
	return true;
}

bool lp_lexer_eat_word(struct lp_lexer *lx, const char *word)
{
	if (!lp_lexer_is_word(lx, word))
		return false;
	lp_lexer_next(lx);
	return true;
}
