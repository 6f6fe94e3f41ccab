/* SPDX-License-Identifier: GPL-2.0-only */
/* user/cli/points.h
 *
 * points - logpoints as the user gave them: arguments, and files with one a line. A file's blank
 * lines and those that begin with # are skipped; a line that ends in a backslash goes on in the
 * next. Where each came from is kept for error messages.
 */
#ifndef LP_CLI_POINTS_H
#define LP_CLI_POINTS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/vec.h"
#include "cli/options.h"

struct lp_given {
	const char *text;
	const char *file; /* NULL: an argument */
	int line;	  /* the first, where it was continued */
};

struct lp_points {
	struct lp_arena arena;
	LP_VEC(struct lp_given) all;
};

void lp_points_done(struct lp_points *p);
LP_CLEANUP_DONE(struct lp_points, lp_points_done)

/* Reads the files among them ("-" is standard input). */
int lp_points_gather(const struct lp_options *o, struct lp_points *ret, struct lp_err *err);

/* Takes the text of a file apart. */
int lp_points_parse(const char *text, size_t len, const char *file, struct lp_points *p,
		    struct lp_err *err);

#endif
