/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/insn.h
 *
 * insn - a function's machine code, decoded once from its start: where instructions begin, and
 * where control can arrive other than by falling through. Decoding is capstone's.
 */
#ifndef LP_NATIVE_INSN_H
#define LP_NATIVE_INSN_H

#include "native/module.h"

enum lp_instr_kind {
	LP_INSTR_PLAIN,	   /* goes on to the next, as calls do */
	LP_INSTR_BRANCH,   /* may jump to target */
	LP_INSTR_JUMP,	   /* jumps to target */
	LP_INSTR_INDIRECT, /* jumps, who knows where */
	LP_INSTR_STOP,	   /* return, trap: control never goes on to the next */
	LP_INSTR_BAD,	   /* bytes that are no known instruction */
};

struct lp_instr {
	uint64_t addr, target; /* target 0: none */
	uint8_t size;
	uint8_t kind;
	bool call;
};

struct lp_flow {
	uint64_t start, end; /* what is decoded */
	LP_VEC(struct lp_instr) insns;
	LP_VEC(uint64_t) targets; /* ascending: what jumps and jump tables lead to */
	LP_VEC(uint64_t) named;	  /* addresses that the code takes, in no order */
	bool unknown_targets;	  /* an indirect jump without a table that could be found */
	/* Where an address on the stack, of rsp or of rbp, may first leave the code; UINT64_MAX: nowhere. */
	uint64_t gives_stack, gives_frame;
	bool has_frame; /* rbp is made the frame's */
};

/* Decodes [start, end). -ENOTSUP: another processor's code. */
int lp_flow_init(struct lp_flow *f, struct lp_module *m, uint64_t start, uint64_t end,
		 struct lp_err *err);
void lp_flow_done(struct lp_flow *f);
LP_CLEANUP_DONE(struct lp_flow, lp_flow_done)

/* The instruction that contains an address; NULL: none. */
const struct lp_instr *lp_flow_at(const struct lp_flow *f, uint64_t vaddr);

/* True where control arrives at `to` only by having run straight through from `from`: nothing
 * jumps into (from, to], and nothing on the way never goes on.
 */
bool lp_flow_falls_through(const struct lp_flow *f, uint64_t from, uint64_t to);

/* Does an instruction that calls end there? */
bool lp_insn_returns_to(struct lp_module *m, uint64_t vaddr);

#endif
