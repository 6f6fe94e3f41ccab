/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/reader_impl.h
 *
 * reader_impl - one value being read, between reader*.c alone.
 */
#ifndef LP_NATIVE_READER_IMPL_H
#define LP_NATIVE_READER_IMPL_H

#include "native/reader.h"

struct lp_reading {
	const struct lp_reader *r;
	const struct lp_bytes *bytes;
	int max_depth;
	uint32_t *values; /* made so far */
};

/* The value of `type` at an offset of the bytes. */
void lp_reader_read(struct lp_reading *rd, const struct lp_type *type, uint64_t offset, int depth,
		    struct lp_value *ret);

/* IEEE binary16, 32, 64, 128 and x87's 80 bits; false: no such size. */
bool lp_reader_float(const uint8_t *p, uint64_t size, bool is_quad, struct lp_value *ret);

/* 16 bytes as decimal digits. */
void lp_reader_big(struct lp_reading *rd, const uint8_t *p, bool is_signed, struct lp_value *ret);

#endif
