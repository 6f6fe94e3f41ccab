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
#include "lp/program.h"

struct lp_reader {
	struct lp_memory *memory; /* what pointers lead to */
	struct lp_arena *arena;	  /* owns the values made */
	uint32_t max_string, max_items, max_depth;
	/* name of the function or object at a run-time address, or NULL; may be NULL itself */
	const char *(*symbol)(void *arg, uint64_t addr);
	void *symbol_arg;
};

/* Bytes of the target that a record holds, with what is missing from them. */
struct lp_hole {
	uint64_t offset, len;
	enum lp_status status; /* why: LP_ST_OPTIMIZED_OUT, LP_ST_REDACTED... */
};

struct lp_bytes {
	const void *data;
	size_t len;    /* may be less than the type's size: what is missing is cut or an error */
	uint64_t addr; /* where they lie in the target; 0: a computed value */
	const struct lp_hole *holes;
	size_t n_holes;
};

void lp_read_value(const struct lp_reader *r, const struct lp_type *type,
		   const struct lp_bytes *bytes, struct lp_value *ret);

/* What LP_VAL_ERROR says for a status: "optimized out", "unreadable 0x10" (addr). */
void lp_status_text(enum lp_status status, uint64_t addr, struct lp_arena *a, struct lp_value *ret);

#endif
