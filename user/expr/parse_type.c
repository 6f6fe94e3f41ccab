// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "base/buf.h"
#include "expr/parse.h"

static const char *const qualifiers[] = { "const", "volatile", "restrict", "_Atomic", "typename" };
static const char *const tags[] = { "struct", "union", "enum", "class" };
static const char *const basics[] = { "void",	  "bool",      "_Bool",	   "char",     "short",
				      "int",	  "long",      "float",	   "double",   "signed",
				      "unsigned", "wchar_t",   "__int128", "size_t",   "ssize_t",
				      "intptr_t", "uintptr_t", "int8_t",   "int16_t",  "int32_t",
				      "int64_t",  "uint8_t",   "uint16_t", "uint32_t", "uint64_t" };

#define IS_ONE_OF(lx, words) is_one_of(lx, words, LP_ARRAY_SIZE(words))

static bool is_one_of(const struct lp_lexer *lx, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (lp_lexer_is_word(lx, words[i]))
			return true;
	return false;
}

static void add_word(struct lp_buf *b, const struct lp_token *t)
{
	if (b->len)
		lp_buf_char(b, ' ');
	lp_buf_add(b, t->str, t->len);
}

/* "<int, Foo<char>>" at the current token; false where it is no template's. */
static bool template_arguments(struct lp_lexer *lx, struct lp_buf *b)
{
	size_t pos = lx->tok.start;
	int depth = 0;

	do {
		if (pos >= lx->len || strchr("\"{}", lx->text[pos]))
			return false;
		depth += lx->text[pos] == '<' ? 1 : lx->text[pos] == '>' ? -1 : 0;
		pos++;
	} while (depth > 0);

	/* "Foo<int>::Inner" */
	if (pos + 1 < lx->len && lx->text[pos] == ':' && lx->text[pos + 1] == ':') {
		lp_buf_add(b, lx->text + lx->tok.start, pos - lx->tok.start);
		lp_lexer_seek(lx, pos);
		if (lx->tok.kind != LP_TOK_NAME)
			return false;
		lp_buf_add(b, lx->tok.str, lx->tok.len);
		lp_lexer_next(lx);
		return !lp_lexer_is(lx, '<') || template_arguments(lx, b);
	}
	lp_buf_add(b, lx->text + lx->tok.start, pos - lx->tok.start);
	lp_lexer_seek(lx, pos);
	return true;
}

/* The words before the stars. */
static bool type_words(struct lp_lexer *lx, struct lp_type_name *t, struct lp_buf *b)
{
	bool has_basic = false, has_name = false;

	for (; lx->tok.kind == LP_TOK_NAME; lp_lexer_next(lx)) {
		if (IS_ONE_OF(lx, qualifiers)) {
			t->is_certain = true;
		} else if (IS_ONE_OF(lx, tags) && !b->len) {
			t->is_certain = true;
			add_word(b, &lx->tok);
		} else if (IS_ONE_OF(lx, basics) && !has_name) {
			t->is_certain = has_basic = true;
			add_word(b, &lx->tok);
		} else if (!has_basic && !has_name) {
			has_name = true;
			add_word(b, &lx->tok);
		} else {
			return false;
		}
	}
	if (has_name && lp_lexer_is(lx, '<') && !template_arguments(lx, b))
		return false;
	return has_basic || has_name;
}

static bool type_tokens(struct lp_lexer *lx, struct lp_type_name *t, struct lp_buf *b, bool in_list)
{
	if (!type_words(lx, t, b))
		return false;
	for (;; lp_lexer_next(lx)) {
		if (lp_lexer_is(lx, '*') || lp_lexer_is(lx, LP_PUNCT2('*', '*'))) {
			t->stars++;
			t->is_certain = true;
		} else if (lx->tok.kind != LP_TOK_NAME || !IS_ONE_OF(lx, qualifiers)) {
			break;
		}
	}
	return (lp_lexer_is(lx, ')') || (in_list && lp_lexer_is(lx, ','))) &&
	       t->stars <= LP_NESTING_MAX;
}

struct lp_type_name *lp_parse_type_name(struct lp_lexer *lx, bool in_list)
{
	lp_auto(lp_buf_done) struct lp_buf b = { 0 };
	struct lp_type_name t = { .col = (int)lx->tok.start + 1 };
	size_t start = lx->tok.start;

	if (!type_tokens(lx, &t, &b, in_list)) {
		if (!lx->status)
			lp_lexer_seek(lx, start);
		return NULL;
	}

	size_t end = lx->tok.start;
	while (end > start && lx->text[end - 1] == ' ')
		end--;
	t.width = (int)(end - start);
	t.name = b.failed ? NULL : lp_arena_strndup(lx->arena, b.data, b.len);
	t.len = b.len;

	struct lp_type_name *ret = t.name ? lp_arena_dup(lx->arena, &t, sizeof(t)) : NULL;
	if (!ret)
		lx->status = lp_err_nomem(lx->err);
	return ret;
}
