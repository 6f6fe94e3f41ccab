// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <string.h>

#include "native/reader_impl.h"

static double from_half(uint16_t h)
{
	int exponent = h >> 10 & 0x1f;
	double fraction = h & 0x3ff, v;

	if (exponent == 0x1f)
		v = fraction != 0 ? (double)NAN : (double)INFINITY;
	else if (exponent == 0)
		v = ldexp(fraction, -24);
	else
		v = ldexp(fraction + 1024, exponent - 25);
	return h & 0x8000 ? -v : v;
}

/* sign, 15 bits of exponent with bias 16383, and the top 64 bits of what follows the point */
static double from_parts(bool negative, int exponent, uint64_t whole, uint64_t fraction)
{
	double v;

	if (exponent == 0x7fff)
		v = fraction ? (double)NAN : (double)INFINITY;
	else if (exponent == 0 && whole == 0 && fraction == 0)
		v = 0;
	else
		v = (double)ldexpl((long double)whole + ldexpl((long double)fraction, -64),
				   (exponent ? exponent : 1) - 16383);
	return negative ? -v : v;
}

static double from_quad(const uint8_t *p)
{
	uint64_t low, high;

	memcpy(&low, p, 8);
	memcpy(&high, p + 8, 8);

	int exponent = high >> 48 & 0x7fff;
	uint64_t fraction = high << 16 | low >> 48;
	/* bits that do not fit still tell a NaN from an infinity */
	if (low << 16)
		fraction |= 1;
	return from_parts(high >> 63, exponent, exponent != 0, fraction);
}

static double from_x87(const uint8_t *p)
{
	uint64_t mantissa;
	uint16_t top;

	memcpy(&mantissa, p, 8);
	memcpy(&top, p + 8, 2);
	return from_parts(top >> 15, top & 0x7fff, mantissa >> 63, mantissa << 1);
}

bool lp_reader_float(const uint8_t *p, uint64_t size, bool is_quad, struct lp_value *ret)
{
	uint16_t half;
	float f;

	*ret = (struct lp_value){ .kind = LP_VAL_FLOAT, .size = (uint8_t)size };
	switch (size) {
	case 2:
		memcpy(&half, p, 2);
		ret->f = from_half(half);
		ret->size = 4;
		return true;
	case 4:
		memcpy(&f, p, 4);
		ret->f = (double)f;
		return true;
	case 8:
		memcpy(&ret->f, p, 8);
		return true;
	case 16:
		ret->f = is_quad ? from_quad(p) : from_x87(p);
		return true;
	default:
		return false;
	}
}

void lp_reader_big(struct lp_reading *rd, const uint8_t *p, bool is_signed, struct lp_value *ret)
{
	char digits[48];
	size_t at = sizeof(digits);
	unsigned __int128 v;

	memcpy(&v, p, 16);
	bool negative = is_signed && (v >> 127);
	if (negative)
		v = 0 - v;
	do {
		digits[--at] = (char)('0' + (int)(v % 10));
		v /= 10;
	} while (v);
	if (negative)
		digits[--at] = '-';
	ret->kind = LP_VAL_BIGINT;
	ret->size = 16;
	ret->len = sizeof(digits) - at;
	ret->str = lp_arena_strndup(rd->r->arena, digits + at, ret->len);
	if (!ret->str)
		*ret = (struct lp_value){ .kind = LP_VAL_ERROR, .str = "out of memory" };
}
