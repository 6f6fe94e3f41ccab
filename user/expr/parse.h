/* SPDX-License-Identifier: GPL-2.0-only */
/* user/expr/parse.h
 *
 * parse - expressions and templates from a lexer that stands at their first token. The nodes
 * live in the lexer's arena; after NULL or < 0 the reason is in lx->status and lx->err.
 */
#ifndef LP_EXPR_PARSE_H
#define LP_EXPR_PARSE_H

#include "expr/ast.h"
#include "expr/lexer.h"
#include "expr/logpoint.h"

/* Stops at the first token that cannot go on with it. */
struct lp_node *lp_parse_expr(struct lp_lexer *lx);

/* A type up to the `)`, or in a list the `,` or `)`, that is the next token afterwards. NULL without
 * an error, and the lexer where it was, where the tokens are no type.
 */
struct lp_type_name *lp_parse_type_name(struct lp_lexer *lx, bool in_list);

/* lx->pos is right after the opening quote; afterwards the token after the closing one is read. */
int lp_parse_template(struct lp_lexer *lx, struct lp_logpoint *lp);

/* {expr:spec} without the colon: text[start, end). */
int lp_parse_format(struct lp_lexer *lx, size_t start, size_t end, struct lp_format *ret);

#endif
