/* SPDX-License-Identifier: GPL-2.0-only */
/* user/expr/parse_impl.h
 *
 * parse_impl - what the two halves of the expression parser share: parse.c has the operators,
 * parse_operand.c what stands between them.
 */
#ifndef LP_EXPR_PARSE_IMPL_H
#define LP_EXPR_PARSE_IMPL_H

#include "expr/parse.h"

struct lp_parser {
	struct lp_lexer *lx;
	int depth; /* of calls in progress */
};

/* NULL after an error, which is in p->lx. */
struct lp_node *lp_parser_node(struct lp_parser *p, enum lp_node_kind kind,
			       const struct lp_token *at);
/* The node reaches from text[start] to text[end), and its operands are its own now. */
struct lp_node *lp_parser_finish(struct lp_parser *p, struct lp_node *n, size_t start, size_t end);
/* Eats the punctuator, or says that it was expected. */
bool lp_parser_expect(struct lp_parser *p, int punct, const char *what);

struct lp_node *lp_parse_any(struct lp_parser *p);
struct lp_node *lp_parse_unary(struct lp_parser *p);
struct lp_node *lp_parse_postfix(struct lp_parser *p);

static inline size_t node_start(const struct lp_node *n)
{
	return (size_t)n->col - 1;
}

static inline size_t node_end(const struct lp_node *n)
{
	return node_start(n) + (size_t)n->width;
}

#endif
