/* SPDX-License-Identifier: GPL-2.0-only */
/* user/base/number.h
 *
 * number - digits, fast: what runs for every value of every record and so doesn't go through
 * printf. All write to `out` without a terminator and return how many bytes.
 */
#ifndef LP_BASE_NUMBER_H
#define LP_BASE_NUMBER_H

#include <stddef.h>
#include <stdint.h>

#define LP_NUMBER_MAX 40 /* bytes that any of these writes at most */

size_t lp_number_u64(char *out, uint64_t v);
size_t lp_number_s64(char *out, int64_t v);
size_t lp_number_hex(char *out, uint64_t v); /* 0x1f */

/* Exactly n digits, zeros in front; v < 10^n. */
void lp_number_padded(char *out, uint32_t v, int n);

/* The fewest digits that read back as the same float (size 4) or double (any other size), as %g
 * writes them: 0.1, 1e+20, -0, nan, inf. A long double has been rounded to double before.
 */
size_t lp_number_float(char *out, double v, int size);

#endif
