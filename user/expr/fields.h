/* SPDX-License-Identifier: GPL-2.0-only */
/* user/expr/fields.h
 *
 * fields - what a record of one site shows: the fields of its template and the code that captures
 * them, written together.
 */
#ifndef LP_EXPR_FIELDS_H
#define LP_EXPR_FIELDS_H

#include "expr/capture.h"
#include "expr/compile.h"

struct lp_fields {
	struct lp_check check;
	struct lp_gen here;  /* the site's own program; of a call, the leave half */
	struct lp_gen enter; /* the entry half of a call */
	bool is_call;
	struct lp_compiled *out;
	LP_VEC(struct lp_field) fields;
	LP_VEC(struct lp_part) parts;
};

void lp_fields_done(struct lp_fields *f);

/* 0, or the first error of the checker, the generator or the builder so far. */
int lp_fields_status(const struct lp_fields *f);

/* The template as typed. */
void lp_fields_template(struct lp_fields *f, const struct lp_logpoint *lp);
/* What is shown without a template. */
void lp_fields_default(struct lp_fields *f);
/* `with locals`; has_shown: the default shows them all already. */
void lp_fields_locals(struct lp_fields *f, bool has_shown);
/* The value that a function returns, where the template does not show it. */
void lp_fields_result(struct lp_fields *f);

#endif
