// SPDX-License-Identifier: GPL-2.0-only
#include "base/number.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char pairs[] = "00010203040506070809101112131415161718192021222324"
			    "25262728293031323334353637383940414243444546474849"
			    "50515253545556575859606162636465666768697071727374"
			    "75767778798081828384858687888990919293949596979899";

/* 0 has one. */
static size_t count_digits(uint64_t v)
{
	static const uint64_t tens[] = {
		0,
		10,
		100,
		1000,
		10000,
		100000,
		1000000,
		10000000,
		100000000,
		1000000000,
		10000000000,
		100000000000,
		1000000000000,
		10000000000000,
		100000000000000,
		1000000000000000,
		10000000000000000,
		100000000000000000,
		1000000000000000000,
		10000000000000000000u,
	};
	/* 1233 / 4096 is the logarithm of 2 */
	const size_t n = (size_t)(64 - __builtin_clzll(v | 1)) * 1233 >> 12;

	return n + (v >= tens[n]);
}

size_t lp_number_u64(char *out, uint64_t v)
{
	const size_t n = count_digits(v);
	size_t at = n;

	for (; v >= 100; v /= 100)
		memcpy(out + (at -= 2), pairs + v % 100 * 2, 2);
	if (at == 2)
		memcpy(out, pairs + v * 2, 2);
	else
		*out = (char)('0' + v);
	return n;
}

size_t lp_number_s64(char *out, int64_t v)
{
	if (v >= 0)
		return lp_number_u64(out, (uint64_t)v);
	*out = '-';
	return 1 + lp_number_u64(out + 1, -(uint64_t)v);
}

size_t lp_number_hex(char *out, uint64_t v)
{
	int nibbles = v ? (67 - __builtin_clzll(v)) / 4 : 1;

	out[0] = '0';
	out[1] = 'x';
	for (int i = nibbles - 1; i >= 0; i--, v >>= 4)
		out[2 + i] = "0123456789abcdef"[v & 15];
	return 2 + (size_t)nibbles;
}

void lp_number_padded(char *out, uint32_t v, int n)
{
	for (; n >= 2; n -= 2, v /= 100)
		memcpy(out + n - 2, pairs + v % 100 * 2, 2);
	if (n)
		*out = (char)('0' + v % 10);
}

/* Numbers that are short in decimal, exactly: an integer below 2^53 (2^24) divided by a power of
 * ten below 10^22 (10^10) is rounded once, as reading the digits is, and no two numbers of 15 (6)
 * digits are the same double (float).
 */
static size_t short_decimal(char *out, double v, bool single)
{
	const uint64_t limit = single ? 1000000 : 1000000000000000;
	uint64_t scale = 1;

	if (v < 1e-4 || v >= (double)limit)
		return 0;
	for (int places = 0; places <= 6; places++, scale *= 10) {
		double scaled = v * (double)scale + 0.5;
		if (scaled >= (double)limit)
			return 0;
		uint64_t m = (uint64_t)scaled;
		if (single ? (float)m / (float)scale != (float)v : (double)m / (double)scale != v)
			continue;

		size_t n = lp_number_u64(out, m / scale);
		if (!places)
			return n;
		out[n++] = '.';
		lp_number_padded(out + n, (uint32_t)(m % scale), places);
		return n + (size_t)places;
	}
	return 0;
}

size_t lp_number_float(char *out, double v, int size)
{
	bool single = size == 4;
	char text[LP_NUMBER_MAX];

	if (isnan(v)) {
		memcpy(out, "nan", 3);
		return 3;
	}

	size_t sign = signbit(v) ? 1 : 0;
	if (sign)
		*out = '-';
	v = fabs(v);
	if (isinf(v) || v == 0) {
		memcpy(out + sign, v == 0 ? "0" : "inf", v == 0 ? 1 : 3);
		return sign + (v == 0 ? 1 : 3);
	}

	size_t n = short_decimal(out + sign, v, single);
	if (n)
		return sign + n;
	/* all of 15 digits are exact but for the smallest */
	for (int digits = single ? 6 : v < DBL_MIN ? 1 : 15;; digits++) {
		n = (size_t)snprintf(text, sizeof(text), "%.*g", digits, v);
		if (single ? digits == 9 || strtof(text, NULL) == (float)v
			   : digits == 17 || strtod(text, NULL) == v)
			break;
	}
	memcpy(out + sign, text, n);
	return sign + n;
}
