/* SPDX-License-Identifier: GPL-2.0-only */
/* user/session/summary.h
 *
 * summary - the account of a logpoint's hits as one line of text, which always adds up.
 */
#ifndef LP_SESSION_SUMMARY_H
#define LP_SESSION_SUMMARY_H

#include "base/buf.h"
#include "session/session.h"

/* Of what the kernel side recorded, `overwritten` and `unshown` were not handed on. */
void lp_summary_init(struct lp_summary *sum, const char *name, const struct lp_counts *counts,
		     uint64_t overwritten, uint64_t unshown);
void lp_summary_add(struct lp_summary *total, const struct lp_summary *sum);
uint64_t lp_summary_lost(const struct lp_summary *sum);

/* "app.c:42: 10250 hits = 200 logged + 10000 filtered + 40 rate-limited + 10 lost (ring buffer
 * full 10)"; "+ N overwritten", "+ N not shown" and what is in brackets only where it is not 0.
 */
void lp_summary_print(struct lp_buf *b, const struct lp_summary *sum);

#endif
