/* SPDX-License-Identifier: GPL-2.0-only */
/* user/expr/suggest.h
 *
 * suggest - which of the names that exist was meant: the nearest first, then as they come.
 */
#ifndef LP_EXPR_SUGGEST_H
#define LP_EXPR_SUGGEST_H

#include <stddef.h>

#include "base/buf.h"

#define LP_SUGGEST_MAX 12

struct lp_suggest {
	const char *wanted;
	size_t len;
	struct {
		const char *name;
		unsigned int distance;
	} best[LP_SUGGEST_MAX];
	size_t n;    /* of best */
	size_t seen; /* of all */
};

/* name must live as long as the list; it may come several times. Only_near: leave it out where it is not
 * alike.
 */
void lp_suggest_add(struct lp_suggest *s, const char *name, bool only_near);
/* "count, buf, ..." */
void lp_suggest_print(const struct lp_suggest *s, struct lp_buf *b);

#endif
