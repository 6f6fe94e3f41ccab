/* SPDX-License-Identifier: GPL-2.0-only */
/* user/collect/format.h
 *
 * format - {expr:spec}: a value as its spec wants it. Integers (bool, char, enum, pointer too) take
 * d x X o b c p and e f g; x, X, o and b show the bits of a negative number at its own size.
 * Floats take e f g and precision, strings s and precision in characters. A spec that doesn't fit
 * what the value is at run time leaves the plain text, with the width; an error stays an error.
 */
#ifndef LP_COLLECT_FORMAT_H
#define LP_COLLECT_FORMAT_H

#include "base/buf.h"
#include "base/value.h"
#include "expr/template.h"

/* Is there anything that lp_show() alone doesn't do? */
bool lp_format_is_plain(const struct lp_format *f);

/* Appends v. scratch is cleared and used; plain as lp_show() has it. */
void lp_format_value(struct lp_buf *out, struct lp_buf *scratch, const struct lp_format *f,
		     const struct lp_value *v, bool plain);

#endif
