// SPDX-License-Identifier: GPL-2.0-only
#include "expr/reads.h"

#include <string.h>

#include "base/auto.h"

/* What an operation reads beside virtual registers; what is not in the table may read everything. */
enum what {
	EVERYTHING,
	NOTHING,
	MACHINE,    /* a register of the machine */
	MEMORY,	    /* any */
	AT_MACHINE, /* as many bytes as `n` says at a register and imm */
	STACK,	    /* the registers that it is unwound with, and memory */
	THROUGH,    /* a register of the machine, and then any memory */
	CONTEXT,    /* what the kernel says: the load bias is made of the instruction pointer */
};

#define IS(op, what) [LP_OP_##op] = what

static const uint8_t does[LP_OP_COUNT] = {
	IS(END, NOTHING),
	IS(JMP, NOTHING),
	IS(JZ, NOTHING),
	IS(JNZ, NOTHING),
	IS(TRY, NOTHING),
	IS(FAIL, NOTHING),
	IS(CHECK, NOTHING),
	IS(GATE, NOTHING),
	IS(IMM, NOTHING),
	IS(MOV, NOTHING),
	IS(REG, MACHINE),
	IS(LOAD, MEMORY),
	IS(LOADM, AT_MACHINE),
	IS(BITS, NOTHING),
	IS(EXT, NOTHING),
	IS(CTX, CONTEXT),
	IS(ADD, NOTHING),
	IS(ADDI, NOTHING),
	IS(SUB, NOTHING),
	IS(MUL, NOTHING),
	IS(MULI, NOTHING),
	IS(DIVS, NOTHING),
	IS(DIVU, NOTHING),
	IS(MODS, NOTHING),
	IS(MODU, NOTHING),
	IS(AND, NOTHING),
	IS(OR, NOTHING),
	IS(XOR, NOTHING),
	IS(SHL, NOTHING),
	IS(SHR, NOTHING),
	IS(SAR, NOTHING),
	IS(NEG, NOTHING),
	IS(INV, NOTHING),
	IS(NOT, NOTHING),
	IS(EQ, NOTHING),
	IS(NE, NOTHING),
	IS(LTS, NOTHING),
	IS(LES, NOTHING),
	IS(LTU, NOTHING),
	IS(LEU, NOTHING),
	IS(EQI, NOTHING),
	IS(LTSI, NOTHING),
	IS(LTUI, NOTHING),
	IS(F32TOF64, NOTHING),
	IS(S64TOF64, NOTHING),
	IS(U64TOF64, NOTHING),
	IS(FEQ, NOTHING),
	IS(FLT, NOTHING),
	IS(FLE, NOTHING),
	IS(STRLD, MEMORY),
	IS(MEMLD, MEMORY),
	IS(COMMLD, NOTHING),
	IS(STRK, NOTHING),
	IS(STRLEN, MEMORY),
	IS(STREQ, NOTHING),
	IS(STRLT, NOTHING),
	IS(STRPRE, NOTHING),
	IS(STRSUF, NOTHING),
	IS(STRHAS, NOTHING),
	IS(CAP_MEM, MEMORY),
	IS(CAP_MEMM, AT_MACHINE),
	IS(CAP_MEMV, MEMORY),
	IS(CAP_STR, MEMORY),
	IS(CAP_STRM, THROUGH),
	IS(CAP_STRP, MEMORY),
	IS(CAP_STRPM, THROUGH),
	IS(CAP_REG, NOTHING),
	IS(CAP_MACH, MACHINE),
	IS(CAP_HOLE, NOTHING),
	IS(CAP_STACK, STACK),
	/* the frames of the interpreter are in memory, and found by the thread */
	IS(CAP_PYSTACK, MEMORY),
	IS(CAP_PYLOCALS, MEMORY),
};

static void read_at(struct lp_reads *r, const struct lp_insn *in, uint64_t len)
{
	if (r->n_at == LP_READS_MAX) {
		r->memory = true;
		return;
	}
	r->at[r->n_at++] = (struct lp_read){ .reg = in->b, .offset = (int64_t)in->imm, .len = len };
}

static void read_one(struct lp_reads *r, const struct lp_insn *in, uint32_t stack_regs)
{
	const unsigned int what = in->op < LP_OP_COUNT ? does[in->op] : EVERYTHING;

	if (what == EVERYTHING)
		r->regs = UINT32_MAX;
	if (what == STACK)
		r->regs |= stack_regs;
	if (what == MACHINE || what == AT_MACHINE || what == THROUGH)
		r->regs |= 1u << in->b;
	if (what == CONTEXT && in->n == LP_CTX_BIAS)
		r->regs |= 1u << LP_MACHINE_IP;
	if (what == EVERYTHING || what == MEMORY || what == THROUGH || what == STACK)
		r->memory = true;
	if (what == AT_MACHINE)
		read_at(r, in, in->op == LP_OP_LOADM ? in->n & ~LP_SIGNED : LP_CAP_LEN(in->n));
}

/* STRK's data are instructions, too: behind END, which ends what is executed in order. */
void lp_program_reads(const struct lp_insn *code, size_t n, uint32_t stack_regs,
		      struct lp_reads *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < n; i++) {
		read_one(ret, &code[i], stack_regs);
		if (code[i].op == LP_OP_END)
			break;
	}
}
