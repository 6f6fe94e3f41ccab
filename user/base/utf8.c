// SPDX-License-Identifier: GPL-2.0-only
#include "base/utf8.h"

#include <emmintrin.h>
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

#define BYTES(n) ((uint64_t)(n)*0x0101010101010101u)

/* The top bit of each byte of x that is to be escaped; what is above the first of them counts for nothing, as a
 * byte that becomes less than 0 or more than 255 takes from the next one.
 */
static uint64_t escaped(uint64_t x)
{
	const uint64_t control = x - BYTES(0x20), del = x + BYTES(0x80 - 0x7f);
	const uint64_t quote = (x ^ BYTES('"')) - BYTES(1),
		       backslash = (x ^ BYTES('\\')) - BYTES(1);

	return (control | del | quote | backslash | x) & BYTES(0x80);
}

/* n < 8 bytes, spaces behind them. */
static uint64_t load_part(const char *s, size_t n)
{
	uint64_t x = n ? BYTES(' ') << n * 8 : BYTES(' ');
	uint32_t first, last;

	if (n >= sizeof(first)) {
		memcpy(&first, s, sizeof(first));
		memcpy(&last, s + n - sizeof(last), sizeof(last));
		return x | first | (uint64_t)last << (n - sizeof(last)) * 8;
	}
	for (size_t i = 0; i < n; i++)
		x |= (uint64_t)(uint8_t)s[i] << i * 8;
	return x;
}

/* A bit for each of 16 bytes that is to be escaped. As signed numbers those that are no ASCII are less than 0. */
static unsigned int escaped_of_16(__m128i x)
{
	const __m128i low = _mm_cmplt_epi8(x, _mm_set1_epi8(' '));
	const __m128i del = _mm_cmpeq_epi8(x, _mm_set1_epi8(0x7f));
	const __m128i quote = _mm_cmpeq_epi8(x, _mm_set1_epi8('"'));
	const __m128i backslash = _mm_cmpeq_epi8(x, _mm_set1_epi8('\\'));

	return (unsigned int)_mm_movemask_epi8(
		_mm_or_si128(_mm_or_si128(low, del), _mm_or_si128(quote, backslash)));
}

/* Less than 16 bytes. */
static size_t copy_plain_part(char *to, const char *s, size_t len)
{
	uint64_t x, bad;
	size_t at = 0;

	if (len >= sizeof(x)) {
		memcpy(&x, s, sizeof(x));
		memcpy(to, &x, sizeof(x));
		bad = escaped(x);
		if (bad)
			return (size_t)__builtin_ctzll(bad) / 8;
		at = sizeof(x);
	}
	x = load_part(s + at, len - at);
	memcpy(to + at, &x, sizeof(x));
	bad = escaped(x);
	return bad ? at + (size_t)__builtin_ctzll(bad) / 8 : len;
}

size_t lp_utf8_copy_plain(char *to, const char *s, size_t len)
{
	const size_t all = sizeof(__m128i);

	if (len < all)
		return copy_plain_part(to, s, len);
	for (size_t at = 0;;) {
		const __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(s + at));
		const unsigned int bad = escaped_of_16(x);

		_mm_storeu_si128((__m128i *)(void *)(to + at), x);
		if (bad)
			return at + (size_t)__builtin_ctz(bad);
		if (at == len - all)
			return len;
		/* the last ones overlap those before, which are plain */
		at = len - at < 2 * all ? len - all : at + all;
	}
}

void lp_utf8_escape(struct lp_buf *out, const char *s, size_t len, char quote)
{
	for (size_t at = 0; at < len;) {
		char *room = lp_buf_room(out, len - at + LP_UTF8_ROOM);

		if (!room)
			return;
		size_t n = lp_utf8_copy_plain(room, s + at, len - at);
		const char *found = n && quote == '\'' ? memchr(room, quote, n) : NULL;

		if (found)
			n = (size_t)(found - room);
		lp_buf_advance(out, n);
		at += n;
		if (at < len)
			at += escape_one(out, s + at, len - at, quote);
	}
}
