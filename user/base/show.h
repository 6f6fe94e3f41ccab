/* SPDX-License-Identifier: GPL-2.0-only */
/* user/base/show.h
 *
 * show - a value as text, as gdb prints it: {id = 1, name = "ann", at = {x = 0.5, y = 1}},
 * base classes as <Base> = {...}, {1, 2, 3...} where cut, 0x55d0 <main>, <optimized out>; a value of
 * Python as its repr(), [1, 2, ...] where cut.
 */
#ifndef LP_BASE_SHOW_H
#define LP_BASE_SHOW_H

#include "base/buf.h"
#include "base/value.h"

/* Appends v. plain: strings and characters as their bytes, which may be any; else in quotes and
 * escaped. What is inside of a struct or collection is always in quotes.
 */
void lp_show(struct lp_buf *out, const struct lp_value *v, bool plain);

/* What lp_show() does with a value of Python, and with the numbers in one. */
void lp_show_python(struct lp_buf *out, const struct lp_value *v, bool plain);
void lp_show_python_float(struct lp_buf *out, double v);
/* s in quotes, as repr() of a str or (is_bytes) a bytes without the b. */
void lp_show_python_string(struct lp_buf *out, const char *s, size_t len, bool is_bytes);

#endif
