/* SPDX-License-Identifier: GPL-2.0-only */
/* user/expr/lexer.h
 *
 * lexer - the words of the language, one at a time, straight from the logpoint's text: columns
 * need no translation. Within a template \" is a quote, as the template itself is in quotes.
 * The first error is remembered; every token from there on is LP_TOK_END.
 */
#ifndef LP_EXPR_LEXER_H
#define LP_EXPR_LEXER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum lp_token_kind {
	LP_TOK_END,
	LP_TOK_NAME,   /* str: with its :: */
	LP_TOK_DOLLAR, /* str: without $ */
	LP_TOK_INT,
	LP_TOK_BIG, /* beyond 64 bits. str, len: its digits; value: their base */
	LP_TOK_FLOAT,
	LP_TOK_CHAR,
	LP_TOK_STRING, /* str, len: its bytes; is_bytes: b"..." */
	LP_TOK_PUNCT,  /* punct */
};

/* A punctuator is its characters: LP_PUNCT2('-', '>') */
#define LP_PUNCT2(x, y) ((x) | (y) << 8)

struct lp_token {
	enum lp_token_kind kind;
	int punct;
	size_t start, end; /* offsets in the text */
	const char *str;
	size_t len;
	uint64_t value;
	double f;
	const struct lp_type *type; /* of INT and FLOAT */
	bool is_bytes;
	bool c_escapes; /* escapes that mean something else in Python's strings */
};

struct lp_lexer {
	const char *text;
	size_t len;
	size_t pos; /* after tok */
	bool in_template;
	bool slices; /* "::" is two colons of a slice, and of no name */
	bool scoped; /* a name had one */
	struct lp_arena *arena;
	struct lp_token tok; /* the current one */
	struct lp_err *err;
	int status; /* 0 or the first error */
};

/* Reads the next token into lx->tok. */
void lp_lexer_next(struct lp_lexer *lx);
/* Goes to an offset and reads the token there. */
void lp_lexer_seek(struct lp_lexer *lx, size_t pos);

bool lp_lexer_is(const struct lp_lexer *lx, int punct);
bool lp_lexer_is_word(const struct lp_lexer *lx, const char *word);
/* Goes on if the current token is that. */
bool lp_lexer_eat(struct lp_lexer *lx, int punct);
bool lp_lexer_eat_word(struct lp_lexer *lx, const char *word);

/* Remembers an error at text[start, end); the first one counts. Returns lx->status. */
int lp_lexer_fail(struct lp_lexer *lx, size_t start, size_t end, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* "expected WHAT" at the current token, saying what is there instead. */
int lp_lexer_expected(struct lp_lexer *lx, const char *what);

#endif
