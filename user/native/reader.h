/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/reader.h
 *
 * reader - bytes and a type to a value. Works over any lp_memory, so the same code serves records
 * and a live process. Never fails: what can't be read is an LP_VAL_ERROR in its place.
 */
#ifndef LP_NATIVE_READER_H
#define LP_NATIVE_READER_H

#include "base/arena.h"
#include "base/memory.h"
#include "base/value.h"
#include "expr/type.h"

struct lp_reader {
	struct lp_memory *memory; /* what pointers lead to */
	struct lp_arena *arena;	  /* owns the values made */
	uint32_t max_string, max_items, max_depth;
	/* name of the function or object at a run-time address, or NULL; may be NULL itself */
	const char *(*symbol)(void *arg, uint64_t addr);
	void *symbol_arg;
};

/* len may be less than the type's size (cut): what is missing is an error or a cut collection.
 * addr: where the bytes lie in the target, 0 for a computed value.
 */
void lp_read_value(const struct lp_reader *r, const struct lp_type *type, const void *bytes,
		   size_t len, uint64_t addr, struct lp_value *ret);

#endif
