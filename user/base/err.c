// SPDX-License-Identifier: GPL-2.0-only
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void set_msg(struct lp_err *err, const char *fmt, va_list ap)
{
	int n = vsnprintf(err->msg, sizeof(err->msg), fmt, ap);

	if (n < (int)sizeof(err->msg))
		return;

	/* never half a UTF-8 sequence */
	size_t end = sizeof(err->msg) - 1;
	while (end > 0 && (err->msg[end - 1] & 0xc0) == 0x80)
		end--;
	if (end > 0 && (err->msg[end - 1] & 0x80))
		end--;
	err->msg[end] = '\0';
}

int lp_err_at(struct lp_err *err, int code, int col, int width, const char *fmt, ...)
{
	va_list ap;

	if (err) {
		err->code = code;
		err->col = col;
		err->width = width;
		va_start(ap, fmt);
		set_msg(err, fmt, ap);
		va_end(ap);
	}
	return -code;
}

int lp_err_set(struct lp_err *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (err) {
		err->code = code;
		err->col = 0;
		err->width = 0;
		va_start(ap, fmt);
		set_msg(err, fmt, ap);
		va_end(ap);
	}
	return -code;
}

int lp_err_wrap(struct lp_err *err, int r, const char *fmt, ...)
{
	struct lp_err inner;
	va_list ap;

	if (!err)
		return r;

	inner = *err;
	va_start(ap, fmt);
	set_msg(err, fmt, ap);
	va_end(ap);

	size_t n = strlen(err->msg);
	snprintf(err->msg + n, sizeof(err->msg) - n, ": %s", inner.msg);
	return r;
}

int lp_err_nomem(struct lp_err *err)
{
	return lp_err_set(err, ENOMEM, "out of memory");
}
