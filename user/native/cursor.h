/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/cursor.h
 *
 * cursor - bytes read one after the other, never beyond their end: past it everything is 0 and
 * `bad` is set. This machine's byte order.
 */
#ifndef LP_NATIVE_CURSOR_H
#define LP_NATIVE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct lp_cursor {
	const uint8_t *p, *end;
	bool bad;
};

static inline size_t lp_cursor_left(const struct lp_cursor *c)
{
	return (size_t)(c->end - c->p);
}

static inline bool lp_cursor_skip(struct lp_cursor *c, uint64_t n)
{
	if (n > lp_cursor_left(c)) {
		c->p = c->end;
		c->bad = true;
		return false;
	}
	c->p += n;
	return true;
}

/* An unsigned number of 1, 2, 4 or 8 bytes. */
static inline uint64_t lp_cursor_uint(struct lp_cursor *c, unsigned int size)
{
	const uint8_t *p = c->p;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	if (!lp_cursor_skip(c, size))
		return 0;
	switch (size) {
	case 1:
		return *p;
	case 2:
		memcpy(&u16, p, 2);
		return u16;
	case 4:
		memcpy(&u32, p, 4);
		return u32;
	case 8:
		memcpy(&u64, p, 8);
		return u64;
	}
	c->bad = true;
	return 0;
}

static inline uint64_t lp_cursor_uleb(struct lp_cursor *c)
{
	uint64_t v = 0;

	for (unsigned int shift = 0; c->p < c->end; shift += 7) {
		const uint8_t byte = *c->p++;

		if (shift < 64)
			v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return v;
	}
	c->bad = true;
	return 0;
}

static inline int64_t lp_cursor_sleb(struct lp_cursor *c)
{
	uint64_t v = 0;

	for (unsigned int shift = 0; c->p < c->end;) {
		const uint8_t byte = *c->p++;

		if (shift < 64)
			v |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
		if (!(byte & 0x80)) {
			if (shift < 64 && (byte & 0x40))
				v |= ~UINT64_C(0) << shift;
			return (int64_t)v;
		}
	}
	c->bad = true;
	return 0;
}

/* A string with its terminator; "" where there is none. */
static inline const char *lp_cursor_str(struct lp_cursor *c)
{
	const char *s = (const char *)c->p;
	const uint8_t *nul = memchr(c->p, 0, lp_cursor_left(c));

	if (!nul) {
		c->p = c->end;
		c->bad = true;
		return "";
	}
	c->p = nul + 1;
	return s;
}

#endif
