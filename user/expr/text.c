// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "base/vec.h"
#include "expr/parse.h"

struct parts {
	LP_VEC(struct lp_text_part) list;
	struct lp_buf literal;
};

static int add_part(struct lp_lexer *lx, struct parts *parts, const struct lp_text_part *part)
{
	if (lp_vec_push(&parts->list, *part) < 0)
		lx->status = lp_err_nomem(lx->err);
	return lx->status;
}

static int flush_literal(struct lp_lexer *lx, struct parts *parts)
{
	if (!parts->literal.len)
		return 0;

	struct lp_text_part part = {
		.literal = lp_arena_strndup(lx->arena, parts->literal.data, parts->literal.len),
		.len = parts->literal.len,
	};
	lp_buf_clear(&parts->literal);
	if (!part.literal)
		return lx->status = lp_err_nomem(lx->err);
	return add_part(lx, parts, &part);
}

/* The expression as typed, without the template's own backslashes. */
static const char *expr_text(struct lp_lexer *lx, const struct lp_node *n)
{
	const char *from = lx->text + n->col - 1, *end = from + n->width;
	char *text = lp_arena_alloc(lx->arena, (size_t)n->width + 1), *to = text;

	if (!text) {
		lx->status = lp_err_nomem(lx->err);
		return NULL;
	}
	while (from < end) {
		if (*from == '\\' && from + 1 < end && (from[1] == '"' || from[1] == '\\'))
			from++;
		*to++ = *from++;
	}
	return text;
}

static size_t parse_number(const char *s, size_t len, int *ret)
{
	size_t i = 0;

	for (*ret = 0; i < len && isdigit((unsigned char)s[i]); i++)
		if (*ret <= LP_WIDTH_MAX)
			*ret = *ret * 10 + s[i] - '0';
	return i;
}

int lp_parse_format(struct lp_lexer *lx, size_t start, size_t end, struct lp_format *ret)
{
	const char *s = lx->text + start;
	size_t len = end - start, i = 0;
	struct lp_format f = { .precision = -1 };

	if (len >= 2 && strchr("<>^=", s[1])) {
		f.fill = s[0];
		f.align = s[1];
		i = 2;
	} else if (len && strchr("<>^=", s[0])) {
		f.align = s[i++];
	}
	if (i < len && strchr("+- ", s[i]))
		f.sign = s[i++];
	if (i < len && s[i] == '#')
		f.alternate = ++i;
	if (i < len && s[i] == '0')
		f.zero = ++i;
	i += parse_number(s + i, len - i, &f.width);
	if (i < len && s[i] == ',')
		f.comma = ++i;
	if (i < len && s[i] == '.') {
		size_t n = parse_number(s + i + 1, len - i - 1, &f.precision);
		if (!n)
			return lp_lexer_fail(lx, start + i, start + i + 1,
					     "expected a number after '.'");
		i += 1 + n;
	}
	if (i < len && strchr("doxXcspbefg", s[i]))
		f.type = s[i++];
	if (i < len)
		return lp_lexer_fail(lx, start + i, end,
				     "unknown format '%.*s' ([fill][<>^][+][#][0][width][,]"
				     "[.precision] and one of d o x X c s p b e f g)",
				     len > 40 ? 40 : (int)len, s);
	if (f.width > LP_WIDTH_MAX || f.precision > LP_WIDTH_MAX)
		return lp_lexer_fail(lx, start, end, "a format is at most %d wide", LP_WIDTH_MAX);
	*ret = f;
	return 0;
}

static int parse_spec(struct lp_lexer *lx, size_t open, struct lp_text_part *part)
{
	size_t start = lx->tok.end;
	size_t end = start + strcspn(lx->text + start, "}\"");

	if (lx->text[end] != '}')
		return lp_lexer_fail(lx, open, open + 1, "this '{' has no '}'");
	lx->pos = end + 1;
	return lp_parse_format(lx, start, end, &part->format);
}

/* "{expr=:spec}" from after the brace; lx->pos is then after the closing one. */
static int parse_field(struct lp_lexer *lx, struct parts *parts)
{
	struct lp_text_part part = { .format.precision = -1 };
	size_t open = lx->pos - 1;

	lp_lexer_next(lx);
	part.expr = lp_parse_expr(lx);
	if (!part.expr)
		return lx->status;
	part.text = expr_text(lx, part.expr);
	part.len = part.text ? strlen(part.text) : 0;
	part.with_text = lp_lexer_eat(lx, '=');
	if (lp_lexer_is(lx, ':'))
		parse_spec(lx, open, &part);
	else if (lx->tok.kind == LP_TOK_END)
		lp_lexer_fail(lx, open, open + 1, "this '{' has no '}'");
	else if (!lp_lexer_is(lx, '}'))
		lp_lexer_expected(lx,
				  part.with_text ? "':' or '}'" : "an operator, ':', '=' or '}'");
	return lx->status ? lx->status : add_part(lx, parts, &part);
}

static int parse_escape(struct lp_lexer *lx, struct parts *parts)
{
	static const char from[] = "\"\\nt", to[] = "\"\\\n\t";
	char c = lx->text[lx->pos];
	const char *known = c ? strchr(from, c) : NULL;

	if (!known)
		return lp_lexer_fail(
			lx, lx->pos - 1, lx->pos + 1,
			"unknown escape in the template (there are \\\" \\\\ \\n \\t)");
	lp_buf_char(&parts->literal, to[known - from]);
	lx->pos++;
	return 0;
}

/* One character or one field. */
static int parse_part(struct lp_lexer *lx, struct parts *parts)
{
	char c = lx->text[lx->pos++];

	if (c == '\\')
		return parse_escape(lx, parts);
	if ((c == '{' || c == '}') && lx->text[lx->pos] == c)
		lx->pos++;
	else if (c == '}')
		return lp_lexer_fail(lx, lx->pos - 1, lx->pos,
				     "this '}' has no '{' (write }} for a brace)");
	else if (c == '{')
		return flush_literal(lx, parts) < 0 ? lx->status : parse_field(lx, parts);
	lp_buf_char(&parts->literal, c);
	return 0;
}

int lp_parse_template(struct lp_lexer *lx, struct lp_logpoint *lp)
{
	struct parts parts = { 0 };
	size_t open = lx->pos - 1;

	lx->in_template = true;
	while (!lx->status && lx->pos < lx->len && lx->text[lx->pos] != '"')
		parse_part(lx, &parts);
	if (!lx->status && lx->pos >= lx->len)
		lp_lexer_fail(lx, open, open + 1, "this template has no closing '\"'");
	if (!lx->status)
		flush_literal(lx, &parts);
	lx->in_template = false;

	if (!lx->status) {
		lp->has_template = true;
		lp->n_parts = parts.list.len;
		lp->parts = lp_arena_dup(lx->arena, parts.list.data,
					 parts.list.len * sizeof(*parts.list.data));
		if (!lp->parts || parts.literal.failed)
			lx->status = lp_err_nomem(lx->err);
		lp_lexer_seek(lx, lx->pos + 1);
	}
	lp_vec_done(&parts.list);
	lp_buf_done(&parts.literal);
	return lx->status;
}
