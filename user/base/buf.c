// SPDX-License-Identifier: GPL-2.0-only
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"

void lp_buf_done(struct lp_buf *b)
{
	free(b->data);
	*b = (struct lp_buf){ 0 };
}

char *lp_buf_grow(struct lp_buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap : 128;
	while (cap < b->len + n + 1)
		cap *= 2;

	char *data = realloc(b->data, cap);
	if (!data) {
		b->failed = true;
		return NULL;
	}
	b->data = data;
	b->cap = cap;
	return data + b->len;
}

void lp_buf_u64(struct lp_buf *b, uint64_t v)
{
	char *room = lp_buf_room(b, LP_NUMBER_MAX);

	if (room)
		lp_buf_advance(b, lp_number_u64(room, v));
}

void lp_buf_s64(struct lp_buf *b, int64_t v)
{
	char *room = lp_buf_room(b, LP_NUMBER_MAX);

	if (room)
		lp_buf_advance(b, lp_number_s64(room, v));
}

void lp_buf_hex(struct lp_buf *b, uint64_t v)
{
	char *room = lp_buf_room(b, LP_NUMBER_MAX);

	if (room)
		lp_buf_advance(b, lp_number_hex(room, v));
}

void lp_buf_float(struct lp_buf *b, double v, int size)
{
	char *room = lp_buf_room(b, LP_NUMBER_MAX);

	if (room)
		lp_buf_advance(b, lp_number_float(room, v, size));
}

void lp_buf_fmt(struct lp_buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);

	char *room = n < 0 ? NULL : lp_buf_room(b, (size_t)n);
	if (!room)
		return;
	va_start(ap, fmt);
	vsnprintf(room, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

void lp_buf_clear(struct lp_buf *b)
{
	b->len = 0;
	if (b->data)
		b->data[0] = '\0';
}
