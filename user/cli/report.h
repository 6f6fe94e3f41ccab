/* SPDX-License-Identifier: GPL-2.0-only */
/* user/cli/report.h
 *
 * report - errors as the user sees them, and what the exit status says of them.
 */
#ifndef LP_CLI_REPORT_H
#define LP_CLI_REPORT_H

#include "base/buf.h"
#include "base/err.h"
#include "cli/points.h"

enum lp_exit {
	LP_EXIT_DONE = 0,
	LP_EXIT_FAILED = 1, /* while running */
	LP_EXIT_WRONG = 2,  /* the command line or a logpoint; nothing was attached */
	LP_EXIT_NOT_PERMITTED = 3,
};

/* "logpoint: message" on standard error. Gives the exit status of an error that came up before
 * anything was attached.
 */
int lp_report(const struct lp_err *err);

/* The same, of one logpoint: with its place and, where err has a column, its text and a caret. */
int lp_report_point(const struct lp_given *given, const struct lp_err *err);

/* Exit status of an error that came up while running. */
int lp_exit_running(const struct lp_err *err);

/* Appends the text and, under it, carets below `width` bytes from byte column `col` (from 1), each
 * line indented by two spaces. Of a long text only what is around the column.
 */
void lp_caret(struct lp_buf *out, const char *text, int col, int width);

#endif
