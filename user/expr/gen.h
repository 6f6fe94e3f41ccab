/* SPDX-License-Identifier: GPL-2.0-only */
/* user/expr/gen.h
 *
 * gen - code for checked expressions. A register that a function returns is the caller's to
 * release. Failures are remembered in g->status (with g->err) or in g->e.status.
 */
#ifndef LP_EXPR_GEN_H
#define LP_EXPR_GEN_H

#include "expr/tree.h"

struct lp_gen {
	struct lp_emit e;
	struct lp_gen *enter; /* in the leave half of `call`: where arguments are; NULL else */
	unsigned int n_keep;  /* registers that carry values from the entry */
	uint16_t next_slot;   /* of values; in the leave half for both */
	int conditional;      /* > 0: what is written now may be jumped over */
	bool never;	      /* what was written reads what is nowhere, whatever happens */
	struct lp_err *err;
	int status;
};

/* Where an object is: a location, and how far into it. */
struct lp_spot {
	struct lp_loc loc;
	uint64_t bits;
};

/* Reserves the registers that are carried from one half of a call to the other. */
void lp_gen_reserve_keeps(struct lp_gen *g);

void lp_gen_spot(struct lp_gen *g, const struct lp_tree *t, struct lp_spot *ret);
void lp_gen_release_spot(struct lp_gen *g, const struct lp_spot *spot);
/* The scalar of that type that begins at the spot; bit_size 0: no bit field. */
uint8_t lp_gen_load(struct lp_gen *g, const struct lp_spot *spot, const struct lp_type *type,
		    uint32_t bit_size);

uint8_t lp_gen_value(struct lp_gen *g, const struct lp_tree *t);
/* Zero or not: cheaper than the value of a comparison. */
uint8_t lp_gen_truth(struct lp_gen *g, const struct lp_tree *t);
/* 0 or 1 */
uint8_t lp_gen_strcmp(struct lp_gen *g, const struct lp_tree *t);
uint8_t lp_gen_strlen(struct lp_gen *g, const struct lp_tree *t);
/* The address of what lies in memory at the spot, which it releases. */
uint8_t lp_gen_address(struct lp_gen *g, struct lp_spot *spot);

/* Code between the two reports its errors in slot. No instruction is spent where none can fail. */
size_t lp_gen_try(struct lp_gen *g, uint16_t slot);
void lp_gen_try_end(struct lp_gen *g, size_t index);

/* r = r op imm */
void lp_gen_addi(struct lp_gen *g, uint8_t r, int64_t imm);

bool lp_type_is_signed(const struct lp_type *t);

#endif
