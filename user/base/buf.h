/* SPDX-License-Identifier: GPL-2.0-only */
/* user/base/buf.h
 *
 * buf - a growing string of bytes; data is always terminated by a NUL that len does not count.
 * Out of memory is remembered in `failed`, so that a writer may append freely and ask once.
 */
#ifndef LP_BASE_BUF_H
#define LP_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/auto.h"

struct lp_buf {
	char *data;
	size_t len, cap;
	bool failed;
};

void lp_buf_done(struct lp_buf *b);
LP_CLEANUP_DONE(struct lp_buf, lp_buf_done)

/* lp_buf_room(), where there is none yet. */
char *lp_buf_grow(struct lp_buf *b, size_t n);

/* Room for n more bytes after len; NULL when out of memory. The caller fills and advances. */
static inline char *lp_buf_room(struct lp_buf *b, size_t n)
{
	return n < b->cap - b->len ? b->data + b->len : lp_buf_grow(b, n);
}

static inline void lp_buf_advance(struct lp_buf *b, size_t n)
{
	b->len += n;
	b->data[b->len] = '\0';
}

/* The same, where the caller has filled it up to `end`. */
static inline void lp_buf_advance_to(struct lp_buf *b, const char *end)
{
	lp_buf_advance(b, (size_t)(end - b->data) - b->len);
}

static inline void lp_buf_add(struct lp_buf *b, const void *data, size_t len)
{
	char *room = lp_buf_room(b, len);

	if (!room)
		return;
	if (len)
		memcpy(room, data, len);
	lp_buf_advance(b, len);
}

static inline void lp_buf_str(struct lp_buf *b, const char *s)
{
	lp_buf_add(b, s, strlen(s));
}

static inline void lp_buf_char(struct lp_buf *b, char c)
{
	lp_buf_add(b, &c, 1);
}

void lp_buf_u64(struct lp_buf *b, uint64_t v);
void lp_buf_s64(struct lp_buf *b, int64_t v);
void lp_buf_hex(struct lp_buf *b, uint64_t v);		 /* 0x1f */
void lp_buf_float(struct lp_buf *b, double v, int size); /* base/number.h */
void lp_buf_fmt(struct lp_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void lp_buf_clear(struct lp_buf *b); /* keeps the memory */

#endif
