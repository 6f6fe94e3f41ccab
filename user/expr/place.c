// SPDX-License-Identifier: GPL-2.0-only
#include "expr/place.h"

#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/signals.h"
#include "expr/crash.h"
#include "expr/suggest.h"
#include "lp/limits.h"
#include "lp/record.h"

#define SPACES " \t\r\n"

static bool is_space(char c)
{
	return c && strchr(SPACES, c);
}

static void skip_spaces(struct lp_lexer *lx)
{
	lx->pos += strspn(lx->text + lx->pos, SPACES);
}

static bool in_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_word(const char *s, const char *word)
{
	size_t len = strlen(word);

	return strncmp(s, word, len) == 0 && !in_name(s[len]);
}

static const char *dup_text(struct lp_lexer *lx, size_t start, size_t end)
{
	const char *s = lp_arena_strndup(lx->arena, lx->text + start, end - start);

	if (!s)
		lx->status = lp_err_nomem(lx->err);
	return s;
}

/* What follows "operator": "+", "<<", "()", " new[]", " bool". Returns its length. */
static size_t operator_len(const char *s)
{
	static const char *const symbols[] = {
		"<=>", "<<=", ">>=", "->*", "\"\"", "()", "[]", "->", "<<", ">>",
		"<=",  ">=",  "==",  "!=",  "&&",   "||", "++", "--", "+=", "-=",
		"*=",  "/=",  "%=",  "&=",  "|=",   "^=", "+",	"-",  "*",  "/",
		"%",   "^",   "&",   "|",   "~",    "!",  "=",	"<",  ">",  ",",
	};
	static const char *const words[] = { "new[]",	 "delete[]", "new",   "delete", "bool",
					     "int",	 "char",     "long",  "double", "float",
					     "unsigned", "void",     "const", "std" };
	size_t space = strspn(s, " ");

	for (size_t i = 0; !space && i < LP_ARRAY_SIZE(symbols); i++)
		if (strncmp(s, symbols[i], strlen(symbols[i])) == 0)
			return strlen(symbols[i]);
	for (size_t i = 0; space && i < LP_ARRAY_SIZE(words); i++)
		if (strncmp(s + space, words[i], strlen(words[i])) == 0)
			return space + strlen(words[i]);
	return 0;
}

/* A function's name from lx->pos: ends at a space or a quote outside of <> and (). */
static size_t function_end(const struct lp_lexer *lx)
{
	size_t pos = lx->pos;
	int depth = 0;

	while (lx->text[pos]) {
		const char *s = lx->text + pos;

		if (is_word(s, "operator") && (pos == lx->pos || !in_name(s[-1]))) {
			pos += strlen("operator");
			pos += operator_len(lx->text + pos);
			continue;
		}
		if (depth <= 0 && (is_space(*s) || *s == '"'))
			break;
		if (*s == '<' || *s == '(')
			depth++;
		if ((*s == '>' && pos > lx->pos && s[-1] != '-') || *s == ')')
			depth--;
		pos++;
	}
	return pos;
}

static int function_location(struct lp_lexer *lx, struct lp_location *ret)
{
	size_t start = lx->pos, end = function_end(lx);

	if (end == start)
		return lp_lexer_fail(lx, start, start, "expected the name of a function");
	ret->name = dup_text(lx, start, end);
	lx->pos = end;
	return lx->status;
}

static int usdt_location(struct lp_lexer *lx, struct lp_location *ret)
{
	size_t start = lx->pos, len = strcspn(lx->text + start, SPACES "\"");
	const char *colon = memchr(lx->text + start, ':', len);
	size_t colon_at = colon ? (size_t)(colon - lx->text) : 0;

	if (!colon || colon_at == start || colon_at + 1 == start + len)
		return lp_lexer_fail(lx, start, start + len, "expected PROVIDER:NAME");
	ret->provider = dup_text(lx, start, colon_at);
	ret->name = dup_text(lx, colon_at + 1, start + len);
	lx->pos = start + len;
	return lx->status;
}

/* What stands between commas. */
static int each_of_list(struct lp_lexer *lx, struct lp_location *ret,
			int (*add)(struct lp_lexer *lx, struct lp_location *ret))
{
	for (;;) {
		if (add(lx, ret) < 0)
			return lx->status;
		skip_spaces(lx);
		if (lx->text[lx->pos] != ',')
			return 0;
		lx->pos++;
		skip_spaces(lx);
	}
}

/* A class's qualified name, or the end of one: "Err", "shop.errors.Err", "f.<locals>.Err". */
static size_t type_len(const char *s)
{
	size_t len = 0, part;

	do {
		const bool is_locals = !strncmp(s + len, "<locals>", 8);

		part = is_locals ? 8 : 0;
		if (!isdigit((unsigned char)s[len]))
			while (!is_locals && in_name(s[len + part]))
				part++;
		if (!part)
			return 0;
		len += part;
	} while (s[len] == '.' && len++);
	return len;
}

static int add_type(struct lp_lexer *lx, struct lp_location *ret)
{
	size_t start = lx->pos, len = type_len(lx->text + start);
	const char *end = lx->text + start + len;

	if (!len || (*end && !is_space(*end) && *end != ',' && *end != '"'))
		return lp_lexer_fail(lx, start, start + strcspn(lx->text + start, SPACES ",\""),
				     "expected the name of an exception's class");
	if (len > LP_PY_NAME_TEXT_MAX)
		return lp_lexer_fail(lx, start, start + len, "a class's name of more than %d bytes",
				     LP_PY_NAME_TEXT_MAX);
	if (ret->n_types == LP_TYPES_MAX)
		return lp_lexer_fail(lx, start, start + len, "more than %d classes", LP_TYPES_MAX);
	ret->types[ret->n_types++] = (struct lp_class_name){
		.text = dup_text(lx, start, start + len),
		.col = (int)start + 1,
	};
	lx->pos = start + len;
	return lx->status;
}

/* [TYPE, ...]: a clause may follow at once. */
static int types_location(struct lp_lexer *lx, struct lp_location *ret)
{
	const char *next = lx->text + lx->pos;

	if (!*next || *next == '"' || lp_is_clause(next, type_len(next)))
		return 0;
	ret->types = lp_arena_array(lx->arena, struct lp_class_name, LP_TYPES_MAX);
	if (!ret->types)
		return lx->status = lp_err_nomem(lx->err);
	return each_of_list(lx, ret, add_type);
}

static int no_signal(struct lp_lexer *lx, size_t start, size_t len)
{
	lp_auto(lp_buf_done) struct lp_buf list = { 0 };
	struct lp_suggest s = { .wanted = lx->text + start, .len = len };

	for (size_t i = 0; i < lp_signals_n; i++)
		if (lp_signals[i].ends)
			lp_suggest_add(&s, lp_signals[i].name, false);
	lp_suggest_print(&s, &list);
	return lp_lexer_fail(lx, start, start + len,
			     "no signal '%.*s' that ends a process (there are: %s)", (int)len,
			     lx->text + start, list.len ? list.data : "");
}

static int add_signal(struct lp_lexer *lx, struct lp_location *ret)
{
	size_t start = lx->pos, len = strcspn(lx->text + start, SPACES "\",");
	const struct lp_signal_name *signal = lp_signal_by_name(lx->text + start, len);

	if (!signal || !signal->ends)
		return no_signal(lx, start, len);
	ret->signals |= LP_SIGNAL_BIT(signal->number);
	lx->pos = start + len;
	return 0;
}

/* [SIGNAL, ...]: a clause may follow at once. */
static int crash_location(struct lp_lexer *lx, struct lp_location *ret)
{
	if (!strncmp(lx->text + lx->pos, "SIG", 3))
		return each_of_list(lx, ret, add_signal);
	ret->signals = LP_CRASH_SIGNALS;
	return 0;
}

static int later_location(struct lp_lexer *lx, struct lp_location *ret)
{
	size_t len = strlen(ret->text);

	return lp_lexer_fail(lx, lx->pos, lx->pos + len, "'%s' is not supported yet", ret->text);
}

static const struct {
	const char *word;
	enum lp_location_kind kind;
	int (*parse)(struct lp_lexer *lx, struct lp_location *ret);
} keywords[] = {
	{ "entry", LP_AT_ENTRY, function_location }, { "return", LP_AT_RETURN, function_location },
	{ "call", LP_AT_CALL, function_location },   { "usdt", LP_AT_USDT, usdt_location },
	{ "raise", LP_AT_RAISE, types_location },    { "uncaught", LP_AT_UNCAUGHT, types_location },
	{ "watch", LP_AT_WATCH, later_location },    { "crash", LP_AT_CRASH, crash_location },
};

/* Digits or 0x and hex digits that end exactly at end. */
static bool parse_u64(const char *s, const char *end, uint64_t *ret)
{
	int base = end - s > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X') ? 16 : 10;

	s += base == 16 ? 2 : 0;
	if (s == end)
		return false;
	for (*ret = 0; s < end; s++) {
		if (base == 16 ? !isxdigit((unsigned char)*s) : !isdigit((unsigned char)*s))
			return false;

		int digit = isdigit((unsigned char)*s) ? *s - '0'
						       : tolower((unsigned char)*s) - 'a' + 10;
		if (__builtin_mul_overflow(*ret, (uint64_t)base, ret) ||
		    __builtin_add_overflow(*ret, (uint64_t)digit, ret))
			return false;
	}
	return true;
}

/* The last c in [start, end), or NULL. */
static const char *last_char(const char *start, const char *end, char c)
{
	while (end > start)
		if (*--end == c)
			return end;
	return NULL;
}

static int line_location(struct lp_lexer *lx, size_t start, size_t end, const char *colon,
			 struct lp_location *ret)
{
	size_t colon_at = (size_t)(colon - lx->text);
	uint64_t line = 0;

	if (colon_at + 1 == end)
		return lp_lexer_fail(lx, colon_at, end, "expected the number of a line after ':'");
	if (!parse_u64(colon + 1, lx->text + end, &line) || line == 0 || line > INT_MAX)
		return lp_lexer_fail(lx, colon_at + 1, end, "no such line");
	if (colon_at == start)
		return lp_lexer_fail(lx, start, end, "expected a file before ':'");
	ret->kind = LP_AT_LINE;
	ret->file = dup_text(lx, start, colon_at);
	ret->line = (int)line;
	return lx->status;
}

static bool only_digits(const char *s, const char *end)
{
	while (s < end && isdigit((unsigned char)*s))
		s++;
	return s == end;
}

static int no_location(struct lp_lexer *lx, size_t start, size_t end)
{
	static const char help[] = "FILE:LINE, entry FUNCTION, return FUNCTION, call FUNCTION, "
				   "raise [TYPE, ...], uncaught [TYPE, ...], crash [SIGNAL, ...], "
				   "usdt PROVIDER:NAME, FUNCTION+OFFSET or 0xADDRESS";
	int len = end - start > 100 ? 100 : (int)(end - start);

	if (end == start)
		return lp_lexer_fail(lx, start, end, "expected a location: %s", help);
	return lp_lexer_fail(lx, start, end,
			     "'%.*s' is no location: expected %s (for the function: 'entry %.*s')",
			     len, lx->text + start, help, len, lx->text + start);
}

/* FILE:LINE, FUNCTION+OFFSET, 0xADDRESS */
static int bare_location(struct lp_lexer *lx, struct lp_location *ret)
{
	size_t start = lx->pos, end = start + strcspn(lx->text + start, SPACES "\"");
	const char *text = lx->text + start, *stop = lx->text + end;
	const char *colon = last_char(text, stop, ':');

	lx->pos = end;
	if (colon && only_digits(colon + 1, stop) && (colon == text || colon[-1] != ':'))
		return line_location(lx, start, end, colon, ret);
	if (end - start > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		ret->kind = LP_AT_ADDRESS;
		if (!parse_u64(text, stop, &ret->offset))
			return lp_lexer_fail(lx, start, end, "no such address");
		return 0;
	}

	lx->pos = start;
	end = function_end(lx);
	stop = lx->text + end;
	lx->pos = end;
	const char *plus = last_char(text, stop, '+');
	if (plus && plus > text && parse_u64(plus + 1, stop, &ret->offset)) {
		ret->kind = LP_AT_OFFSET;
		ret->name = dup_text(lx, start, (size_t)(plus - lx->text));
		return lx->status;
	}
	return no_location(lx, start, end);
}

int lp_parse_location(struct lp_lexer *lx, struct lp_location *ret)
{
	skip_spaces(lx);

	size_t start = lx->pos;
	int (*parse)(struct lp_lexer * lx, struct lp_location * ret) = bare_location;
	for (size_t i = 0; i < LP_ARRAY_SIZE(keywords); i++) {
		size_t len = strlen(keywords[i].word);
		char next =
			lx->text[start + (is_word(lx->text + start, keywords[i].word) ? len : 0)];

		if (!is_word(lx->text + start, keywords[i].word) || (next && !is_space(next)))
			continue;
		ret->kind = keywords[i].kind;
		ret->text = keywords[i].word;
		parse = keywords[i].parse;
		if (parse != later_location) {
			lx->pos += len;
			skip_spaces(lx);
		}
		break;
	}

	ret->col = (int)lx->pos + 1;
	if (parse(lx, ret) < 0)
		return lx->status;

	size_t end = lx->pos;
	while (is_space(lx->text[end - 1]))
		end--;
	ret->text = dup_text(lx, start, end);
	return lx->status;
}
