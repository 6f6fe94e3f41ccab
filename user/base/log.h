/* SPDX-License-Identifier: GPL-2.0-only */
/* user/base/log.h
 *
 * log - diagnostics on standard error: "logpoint: message". Level is the only global.
 * Only cli/ and dap/ report errors; other modules may lp_debug() what -v should show.
 */
#ifndef LP_BASE_LOG_H
#define LP_BASE_LOG_H

enum lp_log_level { LP_LOG_QUIET, LP_LOG_NORMAL, LP_LOG_VERBOSE, LP_LOG_DEBUG };

extern enum lp_log_level lp_log_level;

void lp_log(enum lp_log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define lp_error(...) lp_log(LP_LOG_QUIET, __VA_ARGS__)	  /* always shown */
#define lp_note(...)  lp_log(LP_LOG_NORMAL, __VA_ARGS__)  /* not with -q */
#define lp_info(...)  lp_log(LP_LOG_VERBOSE, __VA_ARGS__) /* with -v */
#define lp_debug(...) lp_log(LP_LOG_DEBUG, __VA_ARGS__)	  /* with -vv */

#endif
