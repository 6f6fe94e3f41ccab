// SPDX-License-Identifier: GPL-2.0-only
/* Instructions that are not in the table pass nothing on. Which operand is written is the table's to
 * say: capstone 4 is wrong about some.
 */
#include "native/effect.h"

#include <elf.h>
#include <string.h>

#include "base/auto.h"
#include "native/decoder.h"

/* What kernels refuse: uprobes.c, is_prefix_bad(): segments es, cs, ss, ds, and lock. */
static bool is_refused_prefix(uint8_t byte)
{
	return byte == 0x26 || byte == 0x2e || byte == 0x36 || byte == 0x3e || byte == 0xf0;
}

static bool is_prefix(uint8_t byte)
{
	return is_refused_prefix(byte) || byte == 0x64 || byte == 0x65 || byte == 0x66 ||
	       byte == 0x67 || byte == 0xf2 || byte == 0xf3;
}

/* "data16 rex.W call __tls_get_addr", which branch_setup_xol_ops() refuses. at: behind the prefixes. */
static bool is_narrow_jump(const uint8_t *code, size_t len, size_t at)
{
	const bool is_rex = at < len && (code[at] & 0xf0) == 0x40;
	const uint8_t *op = code + at + is_rex;

	if (!memchr(code, 0x66, at) || op >= code + len)
		return false;
	return *op == 0xe8 || *op == 0xe9 || *op == 0xeb || (*op & 0xf0) == 0x70 ||
	       (*op == 0x0f && op + 1 < code + len && (op[1] & 0xf0) == 0x80);
}

/* As of branch_setup_xol_ops() and push_setup_xol_ops() in the kernel's arch/x86/kernel/uprobes.c.
 * Nops of five bytes and more are left out: kernels may rewrite them to a call, which writes below the
 * stack pointer of a function that has data there.
 */
enum lp_form lp_form_of(const uint8_t *code, size_t len)
{
	static const struct {
		uint8_t bytes[3], mask[3];
		enum lp_form form;
	} forms[] = {
		{ { 0x90 }, { 0xff }, LP_FORM_NOP },
		{ { 0x66, 0x90 }, { 0xff, 0xff }, LP_FORM_NOP },
		{ { 0x50 }, { 0xf8 }, LP_FORM_PUSH },
		{ { 0x41, 0x50 }, { 0xff, 0xf8 }, LP_FORM_PUSH_HIGH },
		{ { 0xe8 }, { 0xff }, LP_FORM_CALL },
		{ { 0xe9 }, { 0xff }, LP_FORM_JUMP },
		{ { 0xeb }, { 0xff }, LP_FORM_JUMP },
		{ { 0x70 }, { 0xf0 }, LP_FORM_BRANCH },
		{ { 0x0f, 0x80 }, { 0xff, 0xf0 }, LP_FORM_BRANCH },
		{ { 0x0f, 0x1f, 0x00 }, { 0xff, 0xff, 0xff }, LP_FORM_LONG_NOP },
		{ { 0x0f, 0x1f, 0x40 }, { 0xff, 0xff, 0xff }, LP_FORM_LONG_NOP },
	};
	uint8_t start[3] = { 0 };
	size_t at = 0;

	for (; at < len && is_prefix(code[at]); at++)
		if (is_refused_prefix(code[at]))
			return LP_FORM_REFUSED;
	if (at && is_narrow_jump(code, len, at))
		return LP_FORM_REFUSED;
	memcpy(start, code, len < sizeof(start) ? len : sizeof(start));
	for (size_t i = 0; i < LP_ARRAY_SIZE(forms); i++) {
		size_t same = 0;

		while (same < sizeof(start) &&
		       (start[same] & forms[i].mask[same]) == forms[i].bytes[same])
			same++;
		if (same == sizeof(start))
			return forms[i].form;
	}
	return LP_FORM_OTHER;
}

static const struct {
	uint8_t number;
	x86_reg regs[5];
} registers[] = {
	{ 0, { X86_REG_RAX, X86_REG_EAX, X86_REG_AX, X86_REG_AL, X86_REG_AH } },
	{ 1, { X86_REG_RDX, X86_REG_EDX, X86_REG_DX, X86_REG_DL, X86_REG_DH } },
	{ 2, { X86_REG_RCX, X86_REG_ECX, X86_REG_CX, X86_REG_CL, X86_REG_CH } },
	{ 3, { X86_REG_RBX, X86_REG_EBX, X86_REG_BX, X86_REG_BL, X86_REG_BH } },
	{ 4, { X86_REG_RSI, X86_REG_ESI, X86_REG_SI, X86_REG_SIL } },
	{ 5, { X86_REG_RDI, X86_REG_EDI, X86_REG_DI, X86_REG_DIL } },
	{ 6, { X86_REG_RBP, X86_REG_EBP, X86_REG_BP, X86_REG_BPL } },
	{ 7, { X86_REG_RSP, X86_REG_ESP, X86_REG_SP, X86_REG_SPL } },
	{ 8, { X86_REG_R8, X86_REG_R8D, X86_REG_R8W, X86_REG_R8B } },
	{ 9, { X86_REG_R9, X86_REG_R9D, X86_REG_R9W, X86_REG_R9B } },
	{ 10, { X86_REG_R10, X86_REG_R10D, X86_REG_R10W, X86_REG_R10B } },
	{ 11, { X86_REG_R11, X86_REG_R11D, X86_REG_R11W, X86_REG_R11B } },
	{ 12, { X86_REG_R12, X86_REG_R12D, X86_REG_R12W, X86_REG_R12B } },
	{ 13, { X86_REG_R13, X86_REG_R13D, X86_REG_R13W, X86_REG_R13B } },
	{ 14, { X86_REG_R14, X86_REG_R14D, X86_REG_R14W, X86_REG_R14B } },
	{ 15, { X86_REG_R15, X86_REG_R15D, X86_REG_R15W, X86_REG_R15B } },
};

static uint32_t register_bit(x86_reg reg)
{
	for (size_t i = 0; i < LP_ARRAY_SIZE(registers); i++)
		for (size_t j = 0; j < LP_ARRAY_SIZE(registers[i].regs); j++)
			if (reg != X86_REG_INVALID && registers[i].regs[j] == reg)
				return 1u << registers[i].number;
	return 0;
}

/* What is written, beside flags and vector registers. */
enum written {
	WRITES_FIRST = 1,   /* the first operand */
	WRITES_NONE = 2,    /* nothing */
	WRITES_BOTH = 3,    /* two operands */
	WRITES_A = 4,	    /* rax */
	WRITES_D = 5,	    /* rdx */
	WRITES_A_D = 6,	    /* both */
	WRITES_PUSH = 7,    /* a word on the stack */
	WRITES_POP = 8,	    /* the first operand, from the stack */
	WRITES_FIRST_A = 9, /* the first operand, and rax */
	WRITES_KIND = 0xf,
	REGISTERS = 0x10, /* not with an operand in memory: a bit far away */
	TRAPS = 0x20,	  /* division; floats: where the program has asked for signals */
	ALIGNED = 0x40,	  /* traps with an operand in memory that is not */
	MOVES = 0x80,	  /* what is in the first operand before is no matter */
};

#define FLOAT(op)                                                                                  \
	{                                                                                          \
		X86_INS_##op, WRITES_FIRST | TRAPS                                                 \
	}
#define MOVE(op)                                                                                   \
	{                                                                                          \
		X86_INS_##op, WRITES_FIRST | MOVES                                                 \
	}
#define WHOLE(op)                                                                                  \
	{                                                                                          \
		X86_INS_##op, WRITES_FIRST | ALIGNED                                               \
	}
#define FIRST(op)                                                                                  \
	{                                                                                          \
		X86_INS_##op, WRITES_FIRST                                                         \
	}
#define NONE(op)                                                                                   \
	{                                                                                          \
		X86_INS_##op, WRITES_NONE                                                          \
	}

static const struct {
	uint16_t id;
	uint8_t does;
} known[] = {
	MOVE(MOV),
	MOVE(MOVABS),
	FIRST(MOVZX),
	FIRST(MOVSX),
	FIRST(MOVSXD),
	FIRST(LEA),
	FIRST(ADD),
	FIRST(ADC),
	FIRST(SUB),
	FIRST(SBB),
	FIRST(AND),
	FIRST(OR),
	FIRST(XOR),
	FIRST(INC),
	FIRST(DEC),
	FIRST(NEG),
	FIRST(NOT),
	FIRST(SHL),
	FIRST(SAL),
	FIRST(SHR),
	FIRST(SAR),
	FIRST(ROL),
	FIRST(ROR),
	FIRST(SHLD),
	FIRST(SHRD),
	FIRST(BSF),
	FIRST(BSR),
	FIRST(TZCNT),
	FIRST(LZCNT),
	FIRST(POPCNT),
	FIRST(BSWAP),
	FIRST(ANDN),
	FIRST(BLSI),
	FIRST(BLSR),
	FIRST(BLSMSK),
	FIRST(BEXTR),
	FIRST(BZHI),
	FIRST(RORX),
	FIRST(SARX),
	FIRST(SHLX),
	FIRST(SHRX),
	FIRST(PDEP),
	FIRST(PEXT),
	NONE(CMP),
	NONE(TEST),
	NONE(NOP),
	NONE(ENDBR64),
	{ X86_INS_BT, WRITES_NONE | REGISTERS },
	{ X86_INS_BTS, WRITES_FIRST | REGISTERS },
	{ X86_INS_BTR, WRITES_FIRST | REGISTERS },
	{ X86_INS_BTC, WRITES_FIRST | REGISTERS },
	{ X86_INS_XCHG, WRITES_BOTH },
	{ X86_INS_XADD, WRITES_BOTH },
	{ X86_INS_CMPXCHG, WRITES_FIRST_A },
	{ X86_INS_CBW, WRITES_A },
	{ X86_INS_CWDE, WRITES_A },
	{ X86_INS_CDQE, WRITES_A },
	{ X86_INS_CWD, WRITES_D },
	{ X86_INS_CDQ, WRITES_D },
	{ X86_INS_CQO, WRITES_D },
	{ X86_INS_MUL, WRITES_A_D },
	{ X86_INS_DIV, WRITES_A_D | TRAPS },
	{ X86_INS_IDIV, WRITES_A_D | TRAPS },
	{ X86_INS_PUSH, WRITES_PUSH },
	{ X86_INS_POP, WRITES_POP },
	/* vector registers: moved, and integers in them */
	MOVE(MOVD),
	MOVE(MOVQ),
	MOVE(MOVSS),
	MOVE(MOVSD),
	MOVE(MOVUPS),
	MOVE(MOVUPD),
	MOVE(MOVDQU),
	MOVE(MOVHPS),
	MOVE(MOVLPS),
	MOVE(MOVHPD),
	MOVE(MOVLPD),
	FIRST(MOVHLPS),
	FIRST(MOVLHPS),
	FIRST(PINSRW),
	FIRST(PINSRD),
	FIRST(PINSRQ),
	FIRST(PINSRB),
	MOVE(PEXTRW),
	MOVE(PEXTRD),
	MOVE(PEXTRQ),
	FIRST(PMOVMSKB),
	FIRST(MOVMSKPD),
	FIRST(MOVMSKPS),
	{ X86_INS_MOVAPS, WRITES_FIRST | ALIGNED | MOVES },
	{ X86_INS_MOVAPD, WRITES_FIRST | ALIGNED | MOVES },
	{ X86_INS_MOVDQA, WRITES_FIRST | ALIGNED | MOVES },
	WHOLE(PXOR),
	WHOLE(XORPS),
	WHOLE(XORPD),
	WHOLE(POR),
	WHOLE(ORPS),
	WHOLE(ORPD),
	WHOLE(PAND),
	WHOLE(ANDPS),
	WHOLE(ANDPD),
	WHOLE(PANDN),
	WHOLE(ANDNPS),
	WHOLE(ANDNPD),
	WHOLE(PADDB),
	WHOLE(PADDW),
	WHOLE(PADDD),
	WHOLE(PADDQ),
	WHOLE(PSUBB),
	WHOLE(PSUBW),
	WHOLE(PSUBD),
	WHOLE(PSUBQ),
	WHOLE(PCMPEQB),
	WHOLE(PCMPEQW),
	WHOLE(PCMPEQD),
	WHOLE(PCMPGTB),
	WHOLE(PCMPGTW),
	WHOLE(PCMPGTD),
	WHOLE(PMINUB),
	WHOLE(PACKUSWB),
	WHOLE(PUNPCKLBW),
	WHOLE(PUNPCKLWD),
	WHOLE(PUNPCKLDQ),
	WHOLE(PUNPCKLQDQ),
	WHOLE(PUNPCKHBW),
	WHOLE(PUNPCKHWD),
	WHOLE(PUNPCKHDQ),
	WHOLE(PUNPCKHQDQ),
	WHOLE(UNPCKLPS),
	WHOLE(UNPCKLPD),
	WHOLE(UNPCKHPS),
	WHOLE(UNPCKHPD),
	WHOLE(PSHUFD),
	WHOLE(PSHUFLW),
	WHOLE(PSHUFHW),
	WHOLE(PSHUFB),
	WHOLE(SHUFPS),
	WHOLE(SHUFPD),
	WHOLE(PSLLW),
	WHOLE(PSLLD),
	WHOLE(PSLLQ),
	WHOLE(PSLLDQ),
	WHOLE(PSRLW),
	WHOLE(PSRLD),
	WHOLE(PSRLQ),
	WHOLE(PSRLDQ),
	WHOLE(PMULUDQ),
	WHOLE(PMULLW),
	WHOLE(PMULLD),
	/* and floats */
	FLOAT(ADDSS),
	FLOAT(ADDSD),
	FLOAT(SUBSS),
	FLOAT(SUBSD),
	FLOAT(MULSS),
	FLOAT(MULSD),
	FLOAT(DIVSS),
	FLOAT(DIVSD),
	FLOAT(MINSS),
	FLOAT(MINSD),
	FLOAT(MAXSS),
	FLOAT(MAXSD),
	FLOAT(SQRTSS),
	FLOAT(SQRTSD),
	FLOAT(ADDPD),
	FLOAT(SUBPD),
	FLOAT(MULPD),
	FLOAT(DIVPD),
	FLOAT(CVTSI2SS),
	FLOAT(CVTSI2SD),
	FLOAT(CVTSS2SD),
	FLOAT(CVTSD2SS),
	FLOAT(CVTTSS2SI),
	FLOAT(CVTTSD2SI),
	FLOAT(CVTSS2SI),
	FLOAT(CVTSD2SI),
	{ X86_INS_COMISS, WRITES_NONE | TRAPS },
	{ X86_INS_COMISD, WRITES_NONE | TRAPS },
	{ X86_INS_UCOMISS, WRITES_NONE | TRAPS },
	{ X86_INS_UCOMISD, WRITES_NONE | TRAPS },
	{ X86_INS_FLD, WRITES_NONE | TRAPS },
	{ X86_INS_FILD, WRITES_NONE | TRAPS },
	{ X86_INS_FLDZ, WRITES_NONE | TRAPS },
	{ X86_INS_FLD1, WRITES_NONE | TRAPS },
	{ X86_INS_FSTP, WRITES_FIRST | MOVES | TRAPS },
};

static unsigned int what_it_does(const cs_insn *in)
{
	const cs_x86 *x = &in->detail->x86;

	if (!strncmp(in->mnemonic, "cmov", 4))
		return WRITES_FIRST;
	if (!strncmp(in->mnemonic, "set", 3))
		return WRITES_FIRST | MOVES;
	if (in->id == X86_INS_IMUL)
		return x->op_count > 1 ? WRITES_FIRST : WRITES_A_D;
	/* strings are moved under the same name */
	if (in->id == X86_INS_MOVSD && x->operands[0].type == X86_OP_MEM &&
	    x->operands[1].type == X86_OP_MEM)
		return 0;
	for (size_t i = 0; i < LP_ARRAY_SIZE(known); i++)
		if (known[i].id == in->id)
			return known[i].does;
	return 0;
}

static void place_operand(const cs_insn *in, const cs_x86_op *op, struct lp_effect *ret)
{
	const x86_op_mem *m = &op->mem;
	const bool plain = m->index == X86_REG_INVALID;

	ret->offset = m->disp;
	ret->len = op->size;
	ret->at = LP_OPERAND_ANYWHERE;
	if (!plain || in->detail->x86.addr_size != 8 || m->segment == X86_REG_GS)
		return;
	if (m->segment == X86_REG_FS) {
		if (m->base == X86_REG_INVALID)
			ret->at = LP_OPERAND_THREAD;
	} else if (m->base == X86_REG_RSP) {
		ret->at = LP_OPERAND_STACK;
	} else if (m->base == X86_REG_RBP) {
		ret->at = LP_OPERAND_FRAME;
	} else if (m->base == X86_REG_RIP) {
		ret->at = LP_OPERAND_GLOBAL;
		ret->offset += (int64_t)(in->address + in->size);
	} else if (m->base == X86_REG_INVALID) {
		ret->at = LP_OPERAND_GLOBAL;
	}
}

/* The one operand in memory that an instruction can have, but for what `push` and `pop` imply. */
static void note_memory(const cs_insn *in, unsigned int does, struct lp_effect *ret)
{
	const unsigned int kind = does & WRITES_KIND;
	const bool first = kind == WRITES_FIRST || kind == WRITES_FIRST_A;
	const cs_x86 *x = &in->detail->x86;

	if (in->id == X86_INS_LEA || in->id == X86_INS_NOP)
		return;
	for (uint8_t i = 0; i < x->op_count; i++) {
		if (x->operands[i].type != X86_OP_MEM)
			continue;
		place_operand(in, &x->operands[i], ret);
		ret->stores = kind == WRITES_BOTH || (i == 0 && first);
		ret->loads = !ret->stores || !(does & MOVES);
	}
}

/* "sub rsp, 24" is known, "and rsp, -16" is not. */
static void note_stack(const cs_insn *in, struct lp_effect *ret)
{
	const uint32_t stack = 1u << LP_MACHINE_STACK;
	const cs_x86_op *op = in->detail->x86.operands;
	int64_t by = 0;

	if (!(ret->writes & stack))
		return;
	if (op[0].type != X86_OP_REG || op[0].reg != X86_REG_RSP)
		return;
	if ((in->id == X86_INS_ADD || in->id == X86_INS_SUB) && op[1].type == X86_OP_IMM)
		by = in->id == X86_INS_ADD ? op[1].imm : -op[1].imm;
	else if (in->id == X86_INS_LEA && op[1].mem.base == X86_REG_RSP &&
		 op[1].mem.index == X86_REG_INVALID)
		by = op[1].mem.disp;
	if (!by || by < -LP_EFFECT_STACK_MAX || by > LP_EFFECT_STACK_MAX)
		return;
	ret->sp = (int32_t)by;
	ret->writes &= ~stack;
}

/* Of 8 bytes alone: "push ax" is nothing that a compiler makes. */
static void note_push(const cs_insn *in, struct lp_effect *ret)
{
	const cs_x86_op *op = in->detail->x86.operands;
	const bool from_memory = op[0].type == X86_OP_MEM;

	if (in->detail->x86.prefix[2] == X86_PREFIX_OPSIZE ||
	    (from_memory && in->id == X86_INS_POP)) {
		ret->passes = false;
		return;
	}
	ret->at = LP_OPERAND_STACK;
	ret->len = 8;
	ret->stores = in->id == X86_INS_PUSH;
	ret->loads = !ret->stores || from_memory;
	ret->traps = from_memory;
	ret->offset = ret->stores ? -8 : 0;
	ret->sp = ret->stores ? -8 : 8;
	if (!ret->stores)
		ret->writes = register_bit(op[0].reg);
	ret->passes = !(ret->writes & 1u << LP_MACHINE_STACK);
}

static void note_effect(const cs_insn *in, struct lp_effect *ret)
{
	const unsigned int does = what_it_does(in), kind = does & WRITES_KIND;
	const cs_x86_op *op = in->detail->x86.operands;
	const uint32_t a = 1u << 0, d = 1u << 1;

	ret->passes = does != 0;
	ret->is_mark = in->id == X86_INS_ENDBR64;
	if (!ret->passes)
		return;
	if (kind == WRITES_PUSH || kind == WRITES_POP) {
		note_push(in, ret);
		return;
	}
	if ((kind == WRITES_FIRST || kind == WRITES_FIRST_A || kind == WRITES_BOTH) &&
	    op[0].type == X86_OP_REG)
		ret->writes |= register_bit(op[0].reg);
	if (kind == WRITES_BOTH && op[1].type == X86_OP_REG)
		ret->writes |= register_bit(op[1].reg);
	if (kind == WRITES_A || kind == WRITES_A_D || kind == WRITES_FIRST_A)
		ret->writes |= a;
	if (kind == WRITES_D || kind == WRITES_A_D)
		ret->writes |= d;
	note_memory(in, does, ret);
	ret->traps = (does & TRAPS) || ((does & ALIGNED) && ret->at != LP_OPERAND_NONE);
	if ((does & REGISTERS) && ret->at != LP_OPERAND_NONE)
		ret->passes = false;
	note_stack(in, ret);
}

size_t lp_effects_decode(const uint8_t *code, size_t len, uint64_t vaddr, struct lp_effect *ret,
			 size_t max)
{
	size_t n = 0;
	csh cs;

	if (lp_decoder_take(EM_X86_64, true, &cs) < 0)
		return 0;
	cs_insn *in = cs_malloc(cs);
	while (in && n < max && len > 0) {
		const uint8_t *start = code;

		if (!cs_disasm_iter(cs, &code, &len, &vaddr, in))
			break;
		ret[n] = (struct lp_effect){ .addr = in->address,
					     .size = (uint8_t)in->size,
					     .form = (uint8_t)lp_form_of(start, in->size) };
		note_effect(in, &ret[n++]);
	}
	if (in)
		cs_free(in, 1);
	lp_decoder_give();
	return n;
}
