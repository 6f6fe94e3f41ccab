/* SPDX-License-Identifier: GPL-2.0-only */
/* user/collect/decode.h
 *
 * decode - one record of the ring, checked once and then found by slot. Trusts no length, no
 * number and no order that the record claims; keeps no copy: the record must outlive it.
 */
#ifndef LP_COLLECT_DECODE_H
#define LP_COLLECT_DECODE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/memory.h"
#include "base/vec.h"
#include "lp/record.h"
#include "native/reader.h"

/* The blocks of one value: n of them, one after the other. n is 0 where there is none. */
struct lp_blocks {
	const struct lp_block *first;
	uint32_t n;
};

struct lp_decoded {
	struct lp_memory memory; /* the LP_SLOT_MEM blocks, by address */
	const struct lp_record *rec;
	LP_VEC(struct lp_blocks) slots;
	LP_VEC(const struct lp_block *) blocks;	    /* the LP_SLOT_MEM ones, by address */
	LP_VEC(const struct lp_block *) exceptions; /* the LP_SLOT_PYEXC ones that were had */
	uint32_t longest;			    /* of blocks, in bytes */
	struct lp_blocks cond, regs, stack, py_stack, py_locals, py_thread, py_task;
	struct lp_blocks signal, abort; /* of `crash` */
};

/* Is it a record, and is every block inside of it? -EPROTO says what is wrong. rec is aligned to
 * 8; what follows assumes a record that passed.
 */
int lp_record_check(const void *rec, size_t len, struct lp_err *err);

/* Its first block, or the one behind b; NULL: no more. */
const struct lp_block *lp_record_next(const struct lp_record *rec, const struct lp_block *b);

/* Its first good block of that slot; NULL. */
const struct lp_block *lp_record_find(const struct lp_record *rec, uint16_t slot);

/* Finds the blocks of rec; values with numbers from n_slots on are nobody's. d starts zeroed and
 * is used again for the next record. -ENOMEM.
 */
int lp_decode(struct lp_decoded *d, const struct lp_record *rec, size_t n_slots);
void lp_decoded_done(struct lp_decoded *d);
LP_CLEANUP_DONE(struct lp_decoded, lp_decoded_done)

/* The blocks of one value (span->n > 0) joined: in place where there is one, else in the arena.
 * Where the value as a whole could not be had: false, with *ret_error filled. *ret_cut: there was
 * more.
 */
bool lp_decoded_bytes(const struct lp_blocks *span, struct lp_arena *a, struct lp_bytes *ret,
		      bool *ret_cut, struct lp_value *ret_error);

#endif
