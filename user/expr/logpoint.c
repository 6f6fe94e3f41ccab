// SPDX-License-Identifier: GPL-2.0-only
#include "expr/logpoint.h"

#include <errno.h>
#include <string.h>

#include "expr/parse.h"
#include "expr/place.h"

struct clause {
	const char *word;
	int (*parse)(struct lp_lexer *lx, struct lp_logpoint *lp, const struct lp_token *word);
	bool repeats;
};

static int parse_if(struct lp_lexer *lx, struct lp_logpoint *lp, const struct lp_token *word)
{
	(void)word;
	lp->condition = lp_parse_expr(lx);
	return lx->status;
}

/* An integer with its sanity; what is its name in the message. */
static int parse_count(struct lp_lexer *lx, const char *what, uint64_t min, uint64_t *ret)
{
	if (lx->tok.kind != LP_TOK_INT)
		return lp_lexer_expected(lx, what);
	if (lx->tok.value < min || lx->tok.value > INT64_MAX)
		return lp_lexer_fail(lx, lx->tok.start, lx->tok.end, "%s must be at least %llu",
				     what, (unsigned long long)min);
	*ret = lx->tok.value;
	lp_lexer_next(lx);
	return lx->status;
}

static int parse_hit(struct lp_lexer *lx, struct lp_logpoint *lp, const struct lp_token *word)
{
	static const struct {
		int punct;
		enum lp_hit_op op;
		uint64_t min;
	} ops[] = {
		{ LP_PUNCT2('=', '='), LP_HIT_EQ, 1 },
		{ LP_PUNCT2('>', '='), LP_HIT_GE, 0 },
		{ LP_PUNCT2('<', '='), LP_HIT_LE, 1 },
		{ '>', LP_HIT_GT, 0 },
		{ '<', LP_HIT_LT, 2 },
		{ '%', LP_HIT_MOD, 1 },
	};
	uint64_t min = 1;

	(void)word;
	lp->hit_op = LP_HIT_EQ;
	for (size_t i = 0; i < LP_ARRAY_SIZE(ops); i++)
		if (lp_lexer_eat(lx, ops[i].punct)) {
			lp->hit_op = ops[i].op;
			min = ops[i].min;
			break;
		}
	return parse_count(lx, "a number of hits", min, &lp->hit_n);
}

static int parse_max(struct lp_lexer *lx, struct lp_logpoint *lp, const struct lp_token *word)
{
	(void)word;
	return parse_count(lx, "a number of records", 1, &lp->max);
}

static int parse_rate(struct lp_lexer *lx, struct lp_logpoint *lp, const struct lp_token *word)
{
	(void)word;
	if (parse_count(lx, "a number of records", 1, &lp->rate) < 0)
		return lx->status;
	if (lp->rate > UINT32_MAX)
		return lp_lexer_fail(lx, word->start, lx->pos, "a rate is at most %u/s",
				     UINT32_MAX);
	if (!lp_lexer_eat(lx, '/'))
		return lp_lexer_expected(lx, "'/s'");
	if (!lp_lexer_eat_word(lx, "s"))
		return lp_lexer_expected(lx, "'s': a rate is records a second");
	return lx->status;
}

/* A name of a logpoint: anything without spaces, or a string. */
static const char *parse_name(struct lp_lexer *lx)
{
	const char *name;
	size_t start = lx->tok.start;

	if (lx->tok.kind == LP_TOK_STRING && lx->tok.len) {
		name = lp_arena_strndup(lx->arena, lx->tok.str, lx->tok.len);
		lp_lexer_next(lx);
	} else {
		size_t len = strcspn(lx->text + start, " \t\r\n\"");
		if (!len) {
			lp_lexer_expected(lx, "the name of a logpoint");
			return NULL;
		}
		name = lp_arena_strndup(lx->arena, lx->text + start, len);
		lp_lexer_seek(lx, start + len);
	}
	if (!name)
		lx->status = lp_err_nomem(lx->err);
	return name;
}

static int parse_as(struct lp_lexer *lx, struct lp_logpoint *lp, const struct lp_token *word)
{
	(void)word;
	lp->name = parse_name(lx);
	return lx->status;
}

static int parse_after(struct lp_lexer *lx, struct lp_logpoint *lp, const struct lp_token *word)
{
	(void)word;
	lp->after_col = (int)lx->tok.start + 1;
	lp->after = parse_name(lx);
	return lx->status;
}

static int parse_dump(struct lp_lexer *lx, struct lp_logpoint *lp, const struct lp_token *word)
{
	(void)word;
	if (!lp_lexer_eat_word(lx, "on"))
		return lp_lexer_expected(lx, "'on', as in `dump on NAME`");
	lp->dump_on_col = (int)lx->tok.start + 1;
	lp->dump_on = parse_name(lx);
	return lx->status;
}

static int parse_with(struct lp_lexer *lx, struct lp_logpoint *lp, const struct lp_token *word)
{
	size_t n = 0;

	(void)word;
	for (;; n++) {
		if (lp_lexer_eat_word(lx, "stack"))
			lp->with_stack = true;
		else if (lp_lexer_eat_word(lx, "locals"))
			lp->with_locals = true;
		else
			break;
	}
	return n ? lx->status : lp_lexer_expected(lx, "'stack' or 'locals'");
}

static int parse_later(struct lp_lexer *lx, struct lp_logpoint *lp, const struct lp_token *word)
{
	(void)lp;
	return lp_lexer_fail(lx, word->start, word->end, "'%.*s' is not supported yet",
			     (int)word->len, word->str);
}

static const struct clause clauses[] = {
	{ "if", parse_if, false },	 { "hit", parse_hit, false },
	{ "after", parse_after, false }, { "as", parse_as, false },
	{ "max", parse_max, false },	 { "rate", parse_rate, false },
	{ "with", parse_with, true },	 { "dump", parse_dump, false },
	{ "count", parse_later, true },	 { "sum", parse_later, true },
	{ "hist", parse_later, true },	 { "by", parse_later, true },
};

bool lp_is_clause(const char *word, size_t len)
{
	for (size_t i = 0; i < LP_ARRAY_SIZE(clauses); i++)
		if (strlen(clauses[i].word) == len && !memcmp(clauses[i].word, word, len))
			return true;
	return false;
}

static int parse_clause(struct lp_lexer *lx, struct lp_logpoint *lp, uint32_t *seen)
{
	struct lp_token word = lx->tok;

	for (size_t i = 0; i < LP_ARRAY_SIZE(clauses); i++) {
		if (!lp_lexer_is_word(lx, clauses[i].word))
			continue;
		if (*seen & 1u << i && !clauses[i].repeats)
			return lp_lexer_fail(lx, word.start, word.end, "'%s' is given twice",
					     clauses[i].word);
		*seen |= 1u << i;
		lp_lexer_next(lx);
		return clauses[i].parse(lx, lp, &word);
	}
	if (word.kind == LP_TOK_STRING)
		return lp_lexer_fail(lx, word.start, word.start + 1,
				     "a second template, or it does not follow the location");
	return lp_lexer_expected(
		lx, *seen & 1 ? "an operator or a clause"
			      : "a clause (if, hit, after, as, max, rate, with, dump on)");
}

static int parse_all(struct lp_lexer *lx, struct lp_logpoint *lp)
{
	uint32_t seen = 0;

	if (lp_parse_location(lx, &lp->location) < 0)
		return lx->status;
	lp->name = lp->location.text;
	while (lx->pos < lx->len && strchr(" \t\r\n", lx->text[lx->pos]))
		lx->pos++;
	if (lx->pos < lx->len && lx->text[lx->pos] == '"') {
		lx->pos++;
		lp_parse_template(lx, lp);
	} else {
		lp_lexer_next(lx);
	}
	while (!lx->status && lx->tok.kind != LP_TOK_END)
		parse_clause(lx, lp, &seen);
	return lx->status;
}

int lp_logpoint_parse(const char *text, struct lp_logpoint **ret, struct lp_err *err)
{
	size_t len = strlen(text);

	if (len > LP_TEXT_MAX)
		return lp_err_set(err, EINVAL, "a logpoint is at most %u bytes long", LP_TEXT_MAX);

	lp_auto(lp_logpoint_free) struct lp_logpoint *lp = calloc(1, sizeof(*lp));
	if (!lp || !(lp->text = lp_arena_strndup(&lp->arena, text, len)))
		return lp_err_nomem(err);

	struct lp_lexer lx = { .text = lp->text, .len = len, .arena = &lp->arena, .err = err };
	int r = parse_all(&lx, lp);
	if (r < 0)
		return r;
	*ret = lp_take(lp);
	return 0;
}

void lp_logpoint_free(struct lp_logpoint *lp)
{
	if (!lp)
		return;
	lp_arena_done(&lp->arena);
	free(lp);
}
