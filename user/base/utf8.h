/* SPDX-License-Identifier: GPL-2.0-only */
/* user/base/utf8.h
 *
 * utf8 - text from a target that nobody vouches for: what of it is UTF-8, what of it may be shown.
 */
#ifndef LP_BASE_UTF8_H
#define LP_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Bytes of the character at s (len > 0), 0 where it is none: overlong forms, surrogates and codes
 * above U+10FFFF are not.
 */
size_t lp_utf8_decode(const char *s, size_t len, uint32_t *ret_code);

/* Copies the bytes at s that need no escape anywhere, printable ASCII but for the double quote and the
 * backslash, up to the first that does: how many. `to` has LP_UTF8_ROOM bytes more than len, whose contents are lost.
 */
size_t lp_utf8_copy_plain(char *to, const char *s, size_t len);
#define LP_UTF8_ROOM 8

/* Would it act on a terminal or break a line: C1 controls, line separators, bidirectional
 * overrides? For ASCII see lp_utf8_copy_plain().
 */
bool lp_utf8_is_harmful(uint32_t code);

/* Writes at most 4 bytes; 0 for what is no character. */
size_t lp_utf8_encode(char *out, uint32_t code);

/* Characters in s; a byte that belongs to none counts as one. */
size_t lp_utf8_length(const char *s, size_t len);

/* Bytes of the first n characters of s, counted the same way. */
size_t lp_utf8_prefix(const char *s, size_t len, size_t n);

/* Appends s so that it stays on its line and moves no terminal: control characters as \n, \x1b;
 * C1 controls, line separators and bidirectional overrides as \u009b; bytes that are not UTF-8 as
 * \xff. Where quote is '"' or '\'', that character and the backslash get one before them; with
 * quote 0 a backslash stays as it is.
 */
void lp_utf8_escape(struct lp_buf *out, const char *s, size_t len, char quote);

#endif
