/* SPDX-License-Identifier: GPL-2.0-only */
/* user/expr/place.h
 *
 * place - the LOCATION of a logpoint: character by character, as the names of functions and files
 * follow no rules of the expressions'.
 */
#ifndef LP_EXPR_PLACE_H
#define LP_EXPR_PLACE_H

#include "expr/lexer.h"
#include "expr/location.h"

/* lx->pos is at the beginning, and behind the location afterwards. No token is read. */
int lp_parse_location(struct lp_lexer *lx, struct lp_location *ret);

/* Does a clause begin with that word? logpoint.c has them. */
bool lp_is_clause(const char *word, size_t len);

#endif
