/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/abbrevs.h
 *
 * abbrevs - which attributes, in which forms, DIEs of a file can have at all: told from its abbreviation tables
 * (DWARF 5, section 7.5.3), which are small, before any DIE is looked at.
 */
#ifndef LP_NATIVE_ABBREVS_H
#define LP_NATIVE_ABBREVS_H

#include "native/linetable.h"

/* Calls fn with each attribute, of the table at the beginning of the span or of all of them. false: one is broken; the
 * attributes before that have been given.
 */
bool lp_abbrevs_each(struct lp_span tables, bool all,
		     void (*fn)(uint64_t tag, uint64_t attr, uint64_t form, void *arg), void *arg);

#endif
