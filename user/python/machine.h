/* SPDX-License-Identifier: GPL-2.0-only */
/* user/python/machine.h
 *
 * machine - the machine code of the evaluation loop, decoded once: of each instruction what following
 * values through a few of them needs. Registers are DWARF's numbers.
 */
#ifndef LP_PYTHON_MACHINE_H
#define LP_PYTHON_MACHINE_H

#include "python/impl.h"

enum lp_machine_kind {
	LP_MACHINE_OTHER,
	LP_MACHINE_NOTHING,
	LP_MACHINE_MOVE,    /* dst = src */
	LP_MACHINE_SET,	    /* dst = imm */
	LP_MACHINE_ADD,	    /* dst += imm */
	LP_MACHINE_TAG,	    /* dst |= imm */
	LP_MACHINE_PART,    /* dst = what imm (enum lp_py_part) says of src */
	LP_MACHINE_LEA,	    /* dst = address */
	LP_MACHINE_LOAD,    /* dst = memory */
	LP_MACHINE_STORE,   /* memory = src, or imm where there is none */
	LP_MACHINE_CHANGE,  /* of memory, otherwise */
	LP_MACHINE_COMPARE, /* dst, or memory, with src, or imm where there is none */
	LP_MACHINE_EQUAL,   /* dst = src, or memory, if what was compared was equal */
	LP_MACHINE_UNEQUAL, /* or not */
	LP_MACHINE_BRANCH,  /* to imm, or on */
	LP_MACHINE_JUMP,    /* to imm */
	LP_MACHINE_LEAVE,   /* a jump to where a register or memory says */
	LP_MACHINE_CALL,
	LP_MACHINE_END, /* nothing follows */
};

#define LP_MACHINE_NONE LP_PY_NO_REGISTER

struct lp_machine_insn {
	uint64_t addr;
	int64_t imm;
	int64_t disp; /* of the address in memory: absolute where there is no base */
	uint16_t reads, writes;
	uint8_t size; /* bytes of code */
	uint8_t kind; /* enum lp_machine_kind */
	uint8_t dst, src, base, index;
	uint8_t scale;	/* as a shift */
	uint8_t width;	/* bytes of memory, or of dst */
	bool has_flags; /* it changes the processor's */
};

struct lp_machine {
	LP_VEC(struct lp_machine_insn);
};

/* By address. */
int lp_machine_decode(struct lp_python *py, struct lp_machine *ret, struct lp_err *err);
void lp_machine_done(struct lp_machine *m);
LP_CLEANUP_DONE(struct lp_machine, lp_machine_done)

/* DWARF's number of the register that capstone's is, or is a part of; LP_MACHINE_NONE. */
uint8_t lp_machine_register(unsigned int reg);
/* The one that begins there; NULL. */
const struct lp_machine_insn *lp_machine_at(const struct lp_machine *m, uint64_t addr);

#endif
