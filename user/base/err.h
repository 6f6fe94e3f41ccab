/* SPDX-License-Identifier: GPL-2.0-only */
/* user/base/err.h
 *
 * err - one error: a code, a message for the user and, for text that the user typed, the place.
 *
 * Functions return 0 or -errno and fill *err (which may be NULL) when they fail. A message says
 * what failed, on what, and the nearest thing that works; no trailing newline or period.
 * -EINVAL and -ENOENT from the user's own text lead to exit status 2, -EPERM and -EACCES to 3,
 * the rest to 1.
 */
#ifndef LP_BASE_ERR_H
#define LP_BASE_ERR_H

struct lp_err {
	int code;	/* positive errno; 0: no error */
	int col;	/* 1-based byte column in the logpoint's text; 0: none */
	int width;	/* bytes that the caret underlines; 0 counts as 1 */
	char msg[1000]; /* cut at a character boundary where longer */
};

/* Fills *err and returns -code. */
int lp_err_set(struct lp_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same with a place in the user's text. */
int lp_err_at(struct lp_err *err, int code, int col, int width, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* Puts "context: " before the message that is there; returns r. */
int lp_err_wrap(struct lp_err *err, int r, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* -ENOMEM with its message. */
int lp_err_nomem(struct lp_err *err);

#endif
