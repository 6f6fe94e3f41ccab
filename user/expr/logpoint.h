/* SPDX-License-Identifier: GPL-2.0-only */
/* user/expr/logpoint.h
 *
 * logpoint - the text of one logpoint, parsed: LOCATION ["TEMPLATE"] [CLAUSE...].
 * Knows nothing of any program; names are looked up later, at each place, by lp_compile().
 */
#ifndef LP_EXPR_LOGPOINT_H
#define LP_EXPR_LOGPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "expr/location.h"
#include "lp/record.h"

struct lp_node;	     /* expr/ast.h */
struct lp_text_part; /* expr/ast.h: literal or expression with format */

struct lp_logpoint {
	struct lp_arena arena; /* owns all below */
	const char *text;      /* as typed */
	const char *name;      /* `as NAME`, else the location as typed */
	struct lp_location location;
	struct lp_text_part *parts; /* the template; NULL without one */
	size_t n_parts;
	bool has_template;
	struct lp_node *condition;
	const char *after; /* NAME; its point is found by the session */
	int after_col;
	const char *dump_on; /* NAME of the logpoint that writes what --last has kept */
	int dump_on_col;
	enum lp_hit_op hit_op;
	uint64_t hit_n, max, rate;
	bool with_stack, with_locals;
};

int lp_logpoint_parse(const char *text, struct lp_logpoint **ret, struct lp_err *err);
void lp_logpoint_free(struct lp_logpoint *lp);
LP_CLEANUP(struct lp_logpoint *, lp_logpoint_free)

#endif
