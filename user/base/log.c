// SPDX-License-Identifier: GPL-2.0-only
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

enum lp_log_level lp_log_level = LP_LOG_NORMAL;

void lp_log(enum lp_log_level level, const char *fmt, ...)
{
	char line[4096];
	va_list ap;

	if (level > lp_log_level)
		return;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	fprintf(stderr, "logpoint: %s\n", line);
}
