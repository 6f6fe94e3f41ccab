// SPDX-License-Identifier: GPL-2.0-only
#include "python/lines.h"

struct cursor {
	const uint8_t *p, *end;
};

/* The units from *at on, `bytes` of them, have this line. */
static void fill(struct lp_py_line *ret, size_t n, size_t *at, size_t bytes, int line)
{
	const size_t from = *at / 2;

	*at += bytes;
	for (size_t i = from; i < *at / 2 && i < n; i++)
		ret[i] = (struct lp_py_line){ line > 0 ? line : 0, false };
}

/* Up to 3.9: (bytes to go, lines to go), the address first. */
static void read_lnotab(const struct lp_py_bytecode *b, struct lp_py_line *ret, size_t n)
{
	size_t at = 0;
	int line = b->firstlineno;

	for (size_t i = 0; i + 1 < b->linetable.len && at / 2 < n; i += 2) {
		fill(ret, n, &at, b->linetable.data[i], line);
		line += (int8_t)b->linetable.data[i + 1];
	}
	for (size_t i = at / 2; i < n; i++)
		ret[i].line = line > 0 ? line : 0;
}

static void mark_lnotab(const struct lp_py_bytecode *b, struct lp_py_line *ret, size_t n)
{
	size_t at = 0;

	if (n > 0)
		ret[0].first = true;
	for (size_t i = 0; i + 1 < b->linetable.len; i += 2) {
		at += b->linetable.data[i];
		if (b->linetable.data[i + 1] && at / 2 < n)
			ret[at / 2].first = true;
	}
}

#define NO_LINE_310 (-128)

/* 3.10: (bytes of this range, its line after the range before). */
static void read_ranges(const struct lp_py_bytecode *b, struct lp_py_line *ret, size_t n)
{
	size_t at = 0;
	int line = b->firstlineno;

	for (size_t i = 0; i + 1 < b->linetable.len && at / 2 < n; i += 2) {
		const int8_t lines = (int8_t)b->linetable.data[i + 1];

		if (lines != NO_LINE_310)
			line += lines;
		fill(ret, n, &at, b->linetable.data[i], lines == NO_LINE_310 ? 0 : line);
	}
}

/* Six bits a byte, the lowest first. */
static uint32_t read_varint(struct cursor *c)
{
	uint32_t v = 0;

	for (unsigned int shift = 0; c->p < c->end; shift += 6) {
		const uint8_t byte = *c->p++;

		if (shift < 32)
			v |= (uint32_t)(byte & 0x3f) << shift;
		if (!(byte & 0x40))
			break;
	}
	return v;
}

static int read_signed(struct cursor *c)
{
	const uint32_t v = read_varint(c);

	return v & 1 ? -(int)(v >> 1) : (int)(v >> 1);
}

enum location {
	LOCATION_LINE_0 = 10, /* to 12: lines to go */
	LOCATION_NO_COLUMN = 13,
	LOCATION_LONG = 14,
	LOCATION_NONE = 15,
};

/* From 3.11 on: each entry has a form, and units. Columns are of no interest. */
static void read_locations(const struct lp_py_bytecode *b, struct lp_py_line *ret, size_t n)
{
	struct cursor c = { b->linetable.data, b->linetable.data + b->linetable.len };
	size_t at = 0;
	int line = b->firstlineno;

	while (c.p < c.end && at / 2 < n) {
		const uint8_t first = *c.p++, form = first >> 3 & 15;
		size_t skip = 1;

		if (form == LOCATION_NO_COLUMN || form == LOCATION_LONG) {
			line = (int)((unsigned int)line + (unsigned int)read_signed(&c));
			for (int i = 0; form == LOCATION_LONG && i < 3; i++)
				read_varint(&c);
			skip = 0;
		} else if (form == LOCATION_NONE) {
			skip = 0;
		} else if (form >= LOCATION_LINE_0) {
			line = (int)((unsigned int)line + (form - LOCATION_LINE_0));
			skip = 2;
		}
		c.p += (size_t)(c.end - c.p) < skip ? (size_t)(c.end - c.p) : skip;
		fill(ret, n, &at, ((first & 7) + 1) * 2, form == LOCATION_NONE ? 0 : line);
	}
}

void lp_py_lines(const struct lp_py_bytecode *b, struct lp_py_line *ret)
{
	const size_t n = b->units.len / 2;

	for (size_t i = 0; i < n; i++)
		ret[i] = (struct lp_py_line){ 0 };
	if (b->minor >= 11) {
		read_locations(b, ret, n);
	} else if (b->minor == 10) {
		read_ranges(b, ret, n);
	} else {
		read_lnotab(b, ret, n);
		mark_lnotab(b, ret, n);
	}
}

/* Six bits a byte, the highest first. */
static uint32_t read_varint_high(struct cursor *c)
{
	uint32_t v = 0;

	while (c->p < c->end) {
		const uint8_t byte = *c->p++;

		v = v << 6 | (byte & 0x3f);
		if (!(byte & 0x40))
			break;
	}
	return v;
}

void lp_py_handlers(const struct lp_py_bytecode *b,
		    void (*fn)(uint32_t start, uint32_t end, uint32_t target, void *arg), void *arg)
{
	if (b->minor < 11 || !b->handlers.len)
		return;

	struct cursor c = { b->handlers.data, b->handlers.data + b->handlers.len };
	const uint32_t n = (uint32_t)(b->units.len / 2);

	while (c.p < c.end) {
		const uint32_t start = read_varint_high(&c), size = read_varint_high(&c),
			       target = read_varint_high(&c);

		read_varint_high(&c); /* depth of the stack, and whether lasti is pushed */
		if (start < n && size <= n - start && target < n)
			fn(start, start + size, target, arg);
	}
}
