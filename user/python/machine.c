// SPDX-License-Identifier: GPL-2.0-only
#include "python/machine.h"

#include <string.h>

#include <capstone/capstone.h>

void lp_machine_done(struct lp_machine *m)
{
	lp_vec_done(m);
}

const struct lp_machine_insn *lp_machine_at(const struct lp_machine *m, uint64_t addr)
{
	size_t from = 0, to = m->len;

	while (from < to) {
		size_t middle = (from + to) / 2;

		if (m->data[middle].addr == addr)
			return &m->data[middle];
		if (m->data[middle].addr < addr)
			from = middle + 1;
		else
			to = middle;
	}
	return NULL;
}

uint8_t lp_machine_register(unsigned int reg)
{
	static const uint16_t names[][5] = {
		{ X86_REG_RAX, X86_REG_EAX, X86_REG_AX, X86_REG_AL, X86_REG_AH },
		{ X86_REG_RDX, X86_REG_EDX, X86_REG_DX, X86_REG_DL, X86_REG_DH },
		{ X86_REG_RCX, X86_REG_ECX, X86_REG_CX, X86_REG_CL, X86_REG_CH },
		{ X86_REG_RBX, X86_REG_EBX, X86_REG_BX, X86_REG_BL, X86_REG_BH },
		{ X86_REG_RSI, X86_REG_ESI, X86_REG_SI, X86_REG_SIL },
		{ X86_REG_RDI, X86_REG_EDI, X86_REG_DI, X86_REG_DIL },
		{ X86_REG_RBP, X86_REG_EBP, X86_REG_BP, X86_REG_BPL },
		{ X86_REG_RSP, X86_REG_ESP, X86_REG_SP, X86_REG_SPL },
		{ X86_REG_R8, X86_REG_R8D, X86_REG_R8W, X86_REG_R8B },
		{ X86_REG_R9, X86_REG_R9D, X86_REG_R9W, X86_REG_R9B },
		{ X86_REG_R10, X86_REG_R10D, X86_REG_R10W, X86_REG_R10B },
		{ X86_REG_R11, X86_REG_R11D, X86_REG_R11W, X86_REG_R11B },
		{ X86_REG_R12, X86_REG_R12D, X86_REG_R12W, X86_REG_R12B },
		{ X86_REG_R13, X86_REG_R13D, X86_REG_R13W, X86_REG_R13B },
		{ X86_REG_R14, X86_REG_R14D, X86_REG_R14W, X86_REG_R14B },
		{ X86_REG_R15, X86_REG_R15D, X86_REG_R15W, X86_REG_R15B },
	};

	for (size_t i = 0; reg && i < LP_ARRAY_SIZE(names); i++)
		for (size_t k = 0; k < LP_ARRAY_SIZE(names[i]); k++)
			if (names[i][k] == reg)
				return (uint8_t)i;
	return LP_MACHINE_NONE;
}

static uint16_t mask_of(const cs_regs regs, uint8_t n)
{
	uint16_t mask = 0;

	for (uint8_t i = 0; i < n; i++) {
		uint8_t number = lp_machine_register(regs[i]);

		if (number < 16)
			mask |= (uint16_t)(1u << number);
	}
	return mask;
}

static void fill_memory(struct lp_machine_insn *ret, const cs_x86_op *op)
{
	ret->base = lp_machine_register(op->mem.base);
	ret->index = lp_machine_register(op->mem.index);
	ret->scale = (uint8_t)__builtin_ctz((unsigned int)op->mem.scale | 0x10);
	ret->disp = op->mem.disp;
	ret->width = op->size;
	if (op->mem.base == X86_REG_RIP)
		ret->disp += (int64_t)ret->addr + ret->size;
}

static bool is_loading(const cs_insn *in)
{
	return in->id == X86_INS_MOV || in->id == X86_INS_MOVZX || in->id == X86_INS_MOVSX ||
	       in->id == X86_INS_MOVSXD;
}

/* From a register into one. */
static uint8_t kind_between(const cs_insn *in, struct lp_machine_insn *ret)
{
	const cs_x86_op *to = &in->detail->x86.operands[0], *from = to + 1;

	ret->src = lp_machine_register(from->reg);
	if (in->id == X86_INS_XOR && from->reg == to->reg)
		return LP_MACHINE_SET;
	if (in->id == X86_INS_MOV && to->size == 8)
		return LP_MACHINE_MOVE;
	if (in->id == X86_INS_MOVSXD && to->size == 8)
		ret->imm = LP_PY_SIGNED;
	else if (in->id == X86_INS_MOV && to->size == 4)
		ret->imm = LP_PY_LOW;
	else if (in->id == X86_INS_MOVZX && from->size == 2 && to->size >= 4)
		ret->imm = LP_PY_HALF;
	else
		return LP_MACHINE_OTHER;
	return LP_MACHINE_PART;
}

/* From a constant. */
static uint8_t kind_with_constant(const cs_insn *in, struct lp_machine_insn *ret)
{
	const cs_x86_op *to = &in->detail->x86.operands[0], *from = to + 1;

	ret->imm = from->imm;
	if (in->id == X86_INS_MOV || in->id == X86_INS_MOVABS) {
		if (to->size == 4)
			ret->imm = (uint32_t)from->imm;
		return to->size >= 4 ? LP_MACHINE_SET : LP_MACHINE_OTHER;
	}
	if (in->id == X86_INS_AND && from->imm == 1 && to->size >= 4) {
		ret->src = ret->dst;
		ret->imm = LP_PY_BIT;
		return LP_MACHINE_PART;
	}
	if (in->id == X86_INS_OR && to->size == 8)
		return LP_MACHINE_TAG;
	if (to->size != 8 || (in->id != X86_INS_ADD && in->id != X86_INS_SUB))
		return LP_MACHINE_OTHER;
	if (in->id == X86_INS_SUB)
		ret->imm = -ret->imm;
	return LP_MACHINE_ADD;
}

/* What sets the flag that tells whether two are equal; 0 is what a register is tested for by `test`. */
static uint8_t kind_of_comparison(const cs_insn *in, struct lp_machine_insn *ret)
{
	const cs_x86_op *to = &in->detail->x86.operands[0], *from = to + 1;

	if (from->type == X86_OP_MEM) {
		const cs_x86_op *memory = from;

		from = to;
		to = memory;
	}
	if (to->type == X86_OP_MEM)
		fill_memory(ret, to);
	else
		ret->dst = lp_machine_register(to->reg);
	ret->width = to->size;
	if (from->type == X86_OP_IMM)
		ret->imm = from->imm;
	else if (from->type == X86_OP_REG && in->id == X86_INS_CMP)
		ret->src = lp_machine_register(from->reg);
	bool is_known = in->id == X86_INS_CMP || (from->type == X86_OP_REG &&
						  to->type == X86_OP_REG && from->reg == to->reg);
	return is_known && ret->width >= 4 ? LP_MACHINE_COMPARE : LP_MACHINE_OTHER;
}

/* Where a register is the destination. */
static uint8_t kind_into_register(const cs_insn *in, struct lp_machine_insn *ret)
{
	const cs_x86_op *to = &in->detail->x86.operands[0], *from = to + 1;

	ret->dst = lp_machine_register(to->reg);
	if (ret->dst == LP_MACHINE_NONE)
		return LP_MACHINE_OTHER;
	bool is_if = (in->id == X86_INS_CMOVE || in->id == X86_INS_CMOVNE) && to->size == 8;
	if (is_if && from->type == X86_OP_REG)
		ret->src = lp_machine_register(from->reg);
	if (is_if && from->type == X86_OP_MEM)
		fill_memory(ret, from);
	if (is_if)
		return in->id == X86_INS_CMOVE ? LP_MACHINE_EQUAL : LP_MACHINE_UNEQUAL;
	if (from->type == X86_OP_MEM) {
		fill_memory(ret, from);
		return in->id == X86_INS_LEA && to->size == 8 ? LP_MACHINE_LEA
		       : is_loading(in)			      ? LP_MACHINE_LOAD
							      : LP_MACHINE_OTHER;
	}
	return from->type == X86_OP_REG ? kind_between(in, ret) : kind_with_constant(in, ret);
}

/* Instructions of one register, which is not always named. */
static uint8_t kind_of_one(const cs_insn *in, struct lp_machine_insn *ret)
{
	const cs_x86 *x = &in->detail->x86;

	if (in->id == X86_INS_CDQE) {
		ret->dst = ret->src = lp_machine_register(X86_REG_RAX);
		ret->imm = LP_PY_SIGNED;
		return LP_MACHINE_PART;
	}
	if (in->id == X86_INS_NEG && x->operands[0].type == X86_OP_REG &&
	    x->operands[0].size == 4) {
		ret->dst = ret->src = lp_machine_register(x->operands[0].reg);
		ret->imm = LP_PY_MINUS;
		return LP_MACHINE_PART;
	}
	return LP_MACHINE_OTHER;
}

static uint8_t kind_into_memory(const cs_insn *in, struct lp_machine_insn *ret)
{
	const cs_x86_op *to = &in->detail->x86.operands[0], *from = to + 1;

	fill_memory(ret, to);
	if (in->id != X86_INS_MOV)
		return LP_MACHINE_CHANGE;
	if (from->type == X86_OP_IMM) {
		ret->imm = from->imm;
		return LP_MACHINE_STORE;
	}
	ret->src = lp_machine_register(from->reg);
	return ret->src == LP_MACHINE_NONE ? LP_MACHINE_CHANGE : LP_MACHINE_STORE;
}

static uint8_t kind_of(csh cs, const cs_insn *in, struct lp_machine_insn *ret)
{
	const cs_x86 *x = &in->detail->x86;
	const cs_x86_op *to = &x->operands[0];

	if (in->id == X86_INS_NOP)
		return LP_MACHINE_NOTHING;
	if (cs_insn_group(cs, in, CS_GRP_CALL))
		return LP_MACHINE_CALL;
	if (cs_insn_group(cs, in, CS_GRP_RET) || in->id == X86_INS_HLT || in->id == X86_INS_UD2 ||
	    in->id == X86_INS_INT3)
		return LP_MACHINE_END;
	if (cs_insn_group(cs, in, CS_GRP_JUMP)) {
		ret->imm = to->imm;
		if (to->type == X86_OP_IMM)
			return in->id == X86_INS_JMP ? LP_MACHINE_JUMP : LP_MACHINE_BRANCH;
		if (to->type == X86_OP_MEM)
			fill_memory(ret, to);
		return LP_MACHINE_LEAVE;
	}
	for (uint8_t i = 0; i < x->op_count; i++)
		if (x->operands[i].type == X86_OP_MEM && x->operands[i].access & CS_AC_WRITE && i)
			return LP_MACHINE_END; /* such as xchg: not looked through */
	if (in->id == X86_INS_CMP || in->id == X86_INS_TEST)
		return kind_of_comparison(in, ret);
	if (x->op_count && to->type == X86_OP_MEM && to->access & CS_AC_WRITE)
		return kind_into_memory(in, ret);
	if (x->op_count == 2 && to->type == X86_OP_REG)
		return kind_into_register(in, ret);
	return kind_of_one(in, ret);
}

static void decode_one(csh cs, const cs_insn *in, struct lp_machine_insn *ret)
{
	cs_regs reads, writes;
	uint8_t n_reads, n_writes;

	*ret = (struct lp_machine_insn){
		.addr = in->address,
		.size = (uint8_t)in->size,
		.dst = LP_MACHINE_NONE,
		.src = LP_MACHINE_NONE,
		.base = LP_MACHINE_NONE,
		.index = LP_MACHINE_NONE,
	};
	ret->kind = kind_of(cs, in, ret);
	if (cs_regs_access(cs, in, reads, &n_reads, writes, &n_writes)) {
		ret->kind = LP_MACHINE_END;
		return;
	}
	const cs_x86_op *op = in->detail->x86.operands;
	bool is_same = in->detail->x86.op_count == 2 && op[0].type == X86_OP_REG &&
		       op[1].type == X86_OP_REG && op[0].reg == op[1].reg &&
		       (in->id == X86_INS_XOR || in->id == X86_INS_SUB || in->id == X86_INS_SBB);
	for (uint8_t i = 0; i < n_writes; i++)
		ret->has_flags = ret->has_flags || writes[i] == X86_REG_EFLAGS;
	ret->reads = is_same ? 0 : mask_of(reads, n_reads);
	ret->writes = mask_of(writes, n_writes);
}

/* Bytes that are no instruction are passed over. */
static int decode_range(struct lp_python *py, csh cs, cs_insn *in, const __u64 range[2],
			struct lp_machine *m)
{
	lp_auto(lp_free) uint8_t *bytes = malloc(range[1] - range[0]);
	const uint8_t *at = bytes;
	uint64_t addr = range[0];
	size_t left = range[1] - range[0];
	struct lp_machine_insn one;

	if (!bytes)
		return -ENOMEM;
	if (py->memory.memory.read(&py->memory.memory, range[0], bytes, left) < 0)
		return -ENOENT;
	while (left) {
		if (!cs_disasm_iter(cs, &at, &left, &addr, in)) {
			at++;
			addr++;
			left--;
			continue;
		}
		decode_one(cs, in, &one);
		if (lp_vec_push(m, one) < 0)
			return -ENOMEM;
	}
	return 0;
}

int lp_machine_decode(struct lp_python *py, struct lp_machine *ret, struct lp_err *err)
{
	lp_auto(lp_machine_done) struct lp_machine m = { 0 };
	csh cs;
	int r = 0;

	if (cs_open(CS_ARCH_X86, CS_MODE_64, &cs) != CS_ERR_OK)
		return lp_err_nomem(err);
	cs_option(cs, CS_OPT_DETAIL, CS_OPT_ON);
	cs_insn *in = cs_malloc(cs);
	for (size_t i = 0; in && r >= 0 && i < LP_PY_RANGES_MAX && py->runtime.loop[i][1]; i++)
		r = decode_range(py, cs, in, py->runtime.loop[i], &m);
	if (in)
		cs_free(in, 1);
	cs_close(&cs);
	if (!in || r == -ENOMEM)
		return lp_err_nomem(err);
	if (r < 0)
		return lp_err_set(err, ENOTSUP, "CPython %s: the code of its loop can't be read",
				  py->version);
	*ret = m;
	m.data = NULL;
	m.len = m.cap = 0;
	return 0;
}
