// SPDX-License-Identifier: GPL-2.0-only
#include "expr/parse_impl.h"

const struct lp_operator_desc lp_operators[LP_OPER_COUNT] = {
#define OPERATOR_DESC(name, text, precedence) [LP_OPER_##name] = { text, precedence },
	LP_OPERATORS(OPERATOR_DESC)
#undef OPERATOR_DESC
};

#define PRECEDENCE_NOT	   3
#define PRECEDENCE_COMPARE 4
#define STAR_STAR	   LP_PUNCT2('*', '*')

static const struct {
	int punct;
	enum lp_operator op;
} binary_puncts[] = {
	{ LP_PUNCT2('|', '|'), LP_OPER_OR },
	{ LP_PUNCT2('&', '&'), LP_OPER_AND },
	{ LP_PUNCT2('=', '='), LP_OPER_EQ },
	{ LP_PUNCT2('!', '='), LP_OPER_NE },
	{ '<', LP_OPER_LT },
	{ LP_PUNCT2('<', '='), LP_OPER_LE },
	{ '>', LP_OPER_GT },
	{ LP_PUNCT2('>', '='), LP_OPER_GE },
	{ '|', LP_OPER_BIT_OR },
	{ '^', LP_OPER_BIT_XOR },
	{ '&', LP_OPER_BIT_AND },
	{ LP_PUNCT2('<', '<'), LP_OPER_SHL },
	{ LP_PUNCT2('>', '>'), LP_OPER_SHR },
	{ '+', LP_OPER_ADD },
	{ '-', LP_OPER_SUB },
	{ '*', LP_OPER_MUL },
	{ '/', LP_OPER_DIV },
	{ '%', LP_OPER_MOD },
	{ LP_PUNCT2('/', '/'), LP_OPER_FLOORDIV },
};

static const struct {
	int punct;
	enum lp_operator op;
} unary_puncts[] = {
	{ '!', LP_OPER_NOT }, { '-', LP_OPER_NEG },   { '+', LP_OPER_PLUS },
	{ '~', LP_OPER_INV }, { '*', LP_OPER_DEREF }, { '&', LP_OPER_ADDRESS },
};

static struct lp_node *new_unary(struct lp_parser *p, enum lp_operator op,
				 const struct lp_token *at, struct lp_node *a)
{
	struct lp_node *n = a ? lp_parser_node(p, LP_NODE_UNARY, at) : NULL;

	if (!n)
		return NULL;
	n->op = op;
	n->a = a;
	return lp_parser_finish(p, n, at->start, node_end(a));
}

static struct lp_node *new_binary(struct lp_parser *p, enum lp_operator op,
				  const struct lp_token *at, struct lp_node *a, struct lp_node *b)
{
	struct lp_node *n = lp_parser_node(p, LP_NODE_BINARY, at);

	if (!n)
		return NULL;
	n->op = op;
	n->a = a;
	n->b = b;
	return lp_parser_finish(p, n, node_start(a), node_end(b));
}

/* Binds closer than a sign before it, and less close than one behind it. */
static struct lp_node *parse_power(struct lp_parser *p)
{
	struct lp_node *a = lp_parse_postfix(p), *b;
	struct lp_token t = p->lx->tok;

	if (!a || !lp_lexer_eat(p->lx, STAR_STAR))
		return a;
	b = lp_parse_unary(p);
	return b ? new_binary(p, LP_OPER_POW, &t, a, b) : NULL;
}

static bool enter(struct lp_parser *p)
{
	if (p->depth++ < 2 * LP_NESTING_MAX)
		return true;
	lp_lexer_fail(p->lx, p->lx->tok.start, p->lx->tok.end, "nested deeper than %d",
		      LP_NESTING_MAX);
	return false;
}

struct lp_node *lp_parse_unary(struct lp_parser *p)
{
	struct lp_token t = p->lx->tok;
	struct lp_node *n = NULL;

	if (!enter(p))
		return NULL;

	/* at the beginning of an operand these are two */
	if (lp_lexer_is(p->lx, STAR_STAR)) {
		p->lx->tok.punct = '*';
		p->lx->tok.end = t.end = p->lx->pos = t.start + 1;
	}

	size_t i = 0;
	while (i < LP_ARRAY_SIZE(unary_puncts) && !lp_lexer_is(p->lx, unary_puncts[i].punct))
		i++;
	if (i < LP_ARRAY_SIZE(unary_puncts)) {
		lp_lexer_next(p->lx);
		n = new_unary(p, unary_puncts[i].op, &t, lp_parse_unary(p));
	} else if (lp_lexer_is(p->lx, LP_PUNCT2('&', '&'))) {
		lp_lexer_expected(p->lx, "an expression");
	} else {
		n = parse_power(p);
	}
	p->depth--;
	return n;
}

/* The binary operator at the current token, with its second word; false: there is none. */
static bool binary_operator(struct lp_parser *p, enum lp_operator *ret, struct lp_token *ret_tok)
{
	static const struct {
		const char *word, *second;
		enum lp_operator op;
	} words[] = {
		{ "or", NULL, LP_OPER_OR },	 { "and", NULL, LP_OPER_AND },
		{ "in", NULL, LP_OPER_IN },	 { "not", "in", LP_OPER_NOT_IN },
		{ "is", "not", LP_OPER_IS_NOT }, { "is", NULL, LP_OPER_IS },
	};
	struct lp_lexer *lx = p->lx;

	*ret_tok = lx->tok;
	for (size_t i = 0; i < LP_ARRAY_SIZE(binary_puncts); i++)
		if (lp_lexer_is(lx, binary_puncts[i].punct)) {
			*ret = binary_puncts[i].op;
			return true;
		}
	for (size_t i = 0; i < LP_ARRAY_SIZE(words); i++) {
		if (!lp_lexer_is_word(lx, words[i].word))
			continue;
		if (words[i].second) {
			struct lp_token first = lx->tok;

			lp_lexer_next(lx);
			size_t end = lx->tok.end;
			bool matches = lp_lexer_is_word(lx, words[i].second);
			lp_lexer_seek(lx, first.start);
			if (!matches)
				continue;
			ret_tok->end = end;
		}
		*ret = words[i].op;
		return true;
	}
	return false;
}

static bool is_compare(const struct lp_node *n)
{
	return n->kind == LP_NODE_BINARY && !n->parens &&
	       lp_operators[n->op].precedence == PRECEDENCE_COMPARE;
}

static bool is_bitwise(const struct lp_node *n)
{
	return n->kind == LP_NODE_BINARY && !n->parens &&
	       (n->op == LP_OPER_BIT_AND || n->op == LP_OPER_BIT_OR || n->op == LP_OPER_BIT_XOR);
}

/* What C and Python read differently is asked back, not guessed. */
static bool is_ambiguous(struct lp_parser *p, const struct lp_token *at, const struct lp_node *a,
			 const struct lp_node *b)
{
	const char *text = p->lx->text;
	const struct lp_node *bits = is_bitwise(a) ? a : is_bitwise(b) ? b : NULL;
	if (!bits)
		return false;
	lp_lexer_fail(p->lx, node_start(bits), node_end(bits),
		      "C and Python bind '%s' and '%.*s' differently here: write (%.*s)",
		      lp_operators[bits->op].text, (int)(at->end - at->start), text + at->start,
		      bits->width > 100 ? 100 : bits->width, text + node_start(bits));
	return true;
}

/* a < b < c: as Python means it, which is not what C does. */
static struct lp_node *new_compare(struct lp_parser *p, enum lp_operator op,
				   const struct lp_token *at, struct lp_node *a, struct lp_node *b)
{
	bool is_chain = a->is_chain && !a->parens;

	if (is_ambiguous(p, at, a, b))
		return NULL;
	if (!is_chain && !is_compare(a))
		return new_binary(p, op, at, a, b);

	struct lp_node *last = is_chain ? a->b : a;
	struct lp_node *second = new_binary(p, op, at, last->b, b);
	struct lp_node *n = second ? new_binary(p, LP_OPER_AND, at, a, second) : NULL;
	if (n)
		n->is_chain = true;
	return n;
}

static struct lp_node *parse_binary(struct lp_parser *p, int min)
{
	struct lp_token t = p->lx->tok;
	struct lp_node *a;
	enum lp_operator op;

	if (min <= PRECEDENCE_NOT && lp_lexer_is_word(p->lx, "not")) {
		if (!enter(p))
			return NULL;
		lp_lexer_next(p->lx);
		a = new_unary(p, LP_OPER_NOT, &t, parse_binary(p, PRECEDENCE_NOT));
		p->depth--;
	} else {
		a = lp_parse_unary(p);
	}

	while (a && binary_operator(p, &op, &t) && lp_operators[op].precedence >= min) {
		lp_lexer_seek(p->lx, t.end);
		struct lp_node *b = parse_binary(p, lp_operators[op].precedence + 1);
		if (!b)
			return NULL;
		a = lp_operators[op].precedence == PRECEDENCE_COMPARE ? new_compare(p, op, &t, a, b)
								      : new_binary(p, op, &t, a, b);
	}
	return a;
}

static struct lp_node *new_cond(struct lp_parser *p, const struct lp_token *at, struct lp_node *a,
				struct lp_node *b, struct lp_node *c, struct lp_node *first,
				struct lp_node *last)
{
	struct lp_node *n = lp_parser_node(p, LP_NODE_COND, at);

	if (!n)
		return NULL;
	n->a = a;
	n->b = b;
	n->c = c;
	return lp_parser_finish(p, n, node_start(first), node_end(last));
}

/* c ? a : b */
static struct lp_node *parse_c_cond(struct lp_parser *p, struct lp_node *cond)
{
	struct lp_token at = p->lx->tok;

	lp_lexer_next(p->lx);
	struct lp_node *yes = lp_parse_any(p);
	if (!yes || !lp_parser_expect(p, ':', "':'"))
		return NULL;
	struct lp_node *no = lp_parse_any(p);
	return no ? new_cond(p, &at, cond, yes, no, cond, no) : NULL;
}

/* a if c else b */
static struct lp_node *parse_python_cond(struct lp_parser *p, struct lp_node *yes)
{
	struct lp_token at = p->lx->tok;

	lp_lexer_next(p->lx);
	struct lp_node *cond = parse_binary(p, 1);
	if (!cond)
		return NULL;
	if (!lp_lexer_eat_word(p->lx, "else")) {
		lp_lexer_expected(p->lx, "'else'");
		return NULL;
	}
	struct lp_node *no = lp_parse_any(p);
	return no ? new_cond(p, &at, cond, yes, no, yes, no) : NULL;
}

struct lp_node *lp_parse_any(struct lp_parser *p)
{
	if (!enter(p))
		return NULL;

	struct lp_node *n = parse_binary(p, 1);
	if (n && lp_lexer_is(p->lx, '?'))
		n = parse_c_cond(p, n);
	else if (n && lp_lexer_is_word(p->lx, "if"))
		n = parse_python_cond(p, n);
	p->depth--;
	return p->lx->status ? NULL : n;
}

struct lp_node *lp_parse_expr(struct lp_lexer *lx)
{
	struct lp_parser p = { .lx = lx };

	return lp_parse_any(&p);
}
