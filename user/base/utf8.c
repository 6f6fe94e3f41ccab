// SPDX-License-Identifier: GPL-2.0-only
#include "base/utf8.h"

#include <stdbool.h>
#include <string.h>

size_t lp_utf8_decode(const char *s, size_t len, uint32_t *ret_code)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const uint8_t *p = (const uint8_t *)s;
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

	if (n == 0 || n > len || p[0] > 0xf4)
		return 0;

	uint32_t code = n == 1 ? p[0] : p[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3f);
	}
	if (code < smallest[n] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return 0;
	*ret_code = code;
	return n;
}

size_t lp_utf8_encode(char *out, uint32_t code)
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if ((code >= 0xd800 && code < 0xe000) || code > 0x10ffff)
		return 0;
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 0x3f));
		out[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 0x3f));
	out[2] = (char)(0x80 | (code >> 6 & 0x3f));
	out[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

size_t lp_utf8_prefix(const char *s, size_t len, size_t n)
{
	uint32_t code;
	size_t at = 0;

	for (; n && at < len; n--) {
		size_t step = lp_utf8_decode(s + at, len - at, &code);
		at += step ? step : 1;
	}
	return at;
}

size_t lp_utf8_length(const char *s, size_t len)
{
	uint32_t code;
	size_t n = 0;

	for (size_t at = 0; at < len; n++) {
		size_t step = lp_utf8_decode(s + at, len - at, &code);
		at += step ? step : 1;
	}
	return n;
}

bool lp_utf8_is_harmful(uint32_t code)
{
	return (code >= 0x80 && code < 0xa0) || (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069);
}

static void add_hex(struct lp_buf *out, char letter, uint32_t code, int digits)
{
	char text[8] = { '\\', letter };

	for (int i = digits - 1; i >= 0; i--, code >>= 4)
		text[2 + i] = "0123456789abcdef"[code & 15];
	lp_buf_add(out, text, 2 + (size_t)digits);
}

/* One character at s that is not simply copied; returns its bytes. */
static size_t escape_one(struct lp_buf *out, const char *s, size_t len, char quote)
{
	static const char letters[] = "\aa\bb\tt\nn\vv\ff\rr";
	uint8_t c = (uint8_t)*s;
	const char *letter = c >= 7 && c <= 13 ? letters + (c - 7) * 2 + 1 : NULL;
	uint32_t code = 0;

	if (letter) {
		lp_buf_add(out, (char[]){ '\\', *letter }, 2);
		return 1;
	}
	if (quote && (*s == quote || *s == '\\')) {
		lp_buf_add(out, (char[]){ '\\', *s }, 2);
		return 1;
	}

	size_t n = lp_utf8_decode(s, len, &code);
	if (n <= 1 && (n == 0 || c < 0x20 || c == 0x7f)) {
		add_hex(out, 'x', c, 2);
		return 1;
	}
	if (lp_utf8_is_harmful(code))
		add_hex(out, 'u', code, 4);
	else
		lp_buf_add(out, s, n);
	return n;
}

/* 0x80 in each byte of x that is less than n (n <= 128); exact in the lowest such byte. */
#define BYTES(n)    ((uint64_t)(n)*0x0101010101010101u)
#define LESS(x, n)  (((x)-BYTES(n)) & ~(x)&BYTES(0x80))
#define EQUAL(x, c) LESS((x) ^ BYTES(c), 1)

size_t lp_utf8_plain(const char *s, size_t len)
{
	size_t at = 0;

	for (uint64_t x; at + sizeof(x) <= len; at += sizeof(x)) {
		memcpy(&x, s + at, sizeof(x));
		uint64_t bad = LESS(x, 0x20) | EQUAL(x, '"') | EQUAL(x, '\\') | EQUAL(x, 0x7f) |
			       (x & BYTES(0x80));
		if (bad)
			break;
	}
	for (; at < len; at++) {
		uint8_t c = (uint8_t)s[at];
		if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\')
			break;
	}
	return at;
}

void lp_utf8_escape(struct lp_buf *out, const char *s, size_t len, char quote)
{
	size_t at = 0;

	while (at < len) {
		size_t n = lp_utf8_plain(s + at, len - at);
		const char *found = n && quote == '\'' ? memchr(s + at, quote, n) : NULL;

		if (found)
			n = (size_t)(found - (s + at));
		if (n)
			lp_buf_add(out, s + at, n);
		at += n;
		if (at < len)
			at += escape_one(out, s + at, len - at, quote);
	}
}
