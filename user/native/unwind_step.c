// SPDX-License-Identifier: GPL-2.0-only
#include "native/unwind_step.h"

#include <dwarf.h>

#include "native/cfi.h"

#define STACK_MAX 64

struct machine {
	uint64_t stack[STACK_MAX];
	size_t depth;
	bool is_value, failed;
	const struct lp_unwind_regs *regs;
	const uint64_t *cfa;
	struct lp_memory *memory;
};

static void push(struct machine *m, uint64_t v)
{
	if (m->depth == STACK_MAX)
		m->failed = true;
	else
		m->stack[m->depth++] = v;
}

static uint64_t pop(struct machine *m)
{
	if (m->depth)
		return m->stack[--m->depth];
	m->failed = true;
	return 0;
}

static uint64_t reg(struct machine *m, uint64_t n)
{
	if (n < LP_MACH_REGS && m->regs->known & 1u << n)
		return m->regs->value[n];
	m->failed = true;
	return 0;
}

static uint64_t load(struct machine *m, uint64_t addr, uint64_t size)
{
	uint64_t v = 0;

	if (size == 0 || size > sizeof(v) || m->memory->read(m->memory, addr, &v, size) < 0)
		m->failed = true;
	return v;
}

/* a was pushed before b. False: not an operation on two. */
static bool binary(unsigned int atom, uint64_t a, uint64_t b, uint64_t *ret)
{
	int64_t sa = (int64_t)a, sb = (int64_t)b;

	switch (atom) {
	case DW_OP_plus:
		return *ret = a + b, true;
	case DW_OP_minus:
		return *ret = a - b, true;
	case DW_OP_mul:
		return *ret = a * b, true;
	case DW_OP_and:
		return *ret = a & b, true;
	case DW_OP_or:
		return *ret = a | b, true;
	case DW_OP_xor:
		return *ret = a ^ b, true;
	case DW_OP_shl:
		return *ret = b < 64 ? a << b : 0, true;
	case DW_OP_shr:
		return *ret = b < 64 ? a >> b : 0, true;
	case DW_OP_shra:
		return *ret = (uint64_t)(sa >> (b < 64 ? b : 63)), true;
	case DW_OP_eq:
		return *ret = a == b, true;
	case DW_OP_ne:
		return *ret = a != b, true;
	case DW_OP_lt:
		return *ret = sa < sb, true;
	case DW_OP_le:
		return *ret = sa <= sb, true;
	case DW_OP_gt:
		return *ret = sa > sb, true;
	case DW_OP_ge:
		return *ret = sa >= sb, true;
	default:
		return false;
	}
}

/* False: not an operation that only moves what is on the stack, or changes its top. */
static bool shuffle(struct machine *m, const Dwarf_Op *op)
{
	uint64_t a, b;

	switch (op->atom) {
	case DW_OP_dup:
		a = pop(m);
		push(m, a);
		return push(m, a), true;
	case DW_OP_drop:
		return pop(m), true;
	case DW_OP_over:
	case DW_OP_pick: {
		size_t back = op->atom == DW_OP_over ? 1 : op->number;
		bool there = back < m->depth;

		if (!there)
			m->failed = true;
		return push(m, there ? m->stack[m->depth - 1 - back] : 0), true;
	}
	case DW_OP_swap:
		b = pop(m);
		a = pop(m);
		push(m, b);
		return push(m, a), true;
	case DW_OP_neg:
		return push(m, -pop(m)), true;
	case DW_OP_not:
		return push(m, ~pop(m)), true;
	case DW_OP_plus_uconst:
		return push(m, pop(m) + op->number), true;
	case DW_OP_deref:
		return push(m, load(m, pop(m), sizeof(uint64_t))), true;
	case DW_OP_deref_size:
		return push(m, load(m, pop(m), op->number)), true;
	case DW_OP_nop:
		return true;
	default:
		return false;
	}
}

/* False: not an operation that only pushes. */
static bool produce(struct machine *m, const Dwarf_Op *op)
{
	unsigned int atom = op->atom;

	if (atom >= DW_OP_lit0 && atom <= DW_OP_lit31)
		return push(m, atom - DW_OP_lit0), true;
	if (atom >= DW_OP_breg0 && atom <= DW_OP_breg31)
		return push(m, reg(m, atom - DW_OP_breg0) + op->number), true;
	if (atom >= DW_OP_reg0 && atom <= DW_OP_reg31) {
		m->is_value = true;
		return push(m, reg(m, atom - DW_OP_reg0)), true;
	}

	switch (atom) {
	case DW_OP_bregx:
		return push(m, reg(m, op->number) + op->number2), true;
	case DW_OP_regx:
		m->is_value = true;
		return push(m, reg(m, op->number)), true;
	case DW_OP_const1u:
	case DW_OP_const1s:
	case DW_OP_const2u:
	case DW_OP_const2s:
	case DW_OP_const4u:
	case DW_OP_const4s:
	case DW_OP_const8u:
	case DW_OP_const8s:
	case DW_OP_constu:
	case DW_OP_consts:
		return push(m, op->number), true;
	case DW_OP_call_frame_cfa:
		if (!m->cfa)
			return false;
		return push(m, *m->cfa), true;
	default:
		return false;
	}
}

bool lp_unwind_eval(const Dwarf_Op *ops, size_t n, const struct lp_unwind_regs *regs,
		    const uint64_t *cfa, struct lp_memory *memory, uint64_t *ret,
		    bool *ret_is_value)
{
	struct machine m = { .regs = regs, .cfa = cfa, .memory = memory };

	for (size_t i = 0; i < n && !m.failed; i++) {
		const Dwarf_Op *op = &ops[i];
		uint64_t v;

		if (op->atom == DW_OP_stack_value) {
			m.is_value = true;
			continue;
		}
		if (produce(&m, op) || shuffle(&m, op))
			continue;
		if (m.depth < 2 ||
		    !binary(op->atom, m.stack[m.depth - 2], m.stack[m.depth - 1], &v))
			return false;
		m.depth -= 2;
		push(&m, v);
	}
	*ret = pop(&m);
	*ret_is_value = m.is_value;
	return !m.failed;
}

static struct lp_unwind_rule read_rule(Dwarf_Frame *frame, unsigned int reg)
{
	Dwarf_Op mem[3], *ops;
	size_t n;

	if (!lp_cfi_register(frame, reg, mem, &ops, &n))
		return (struct lp_unwind_rule){ LP_UNWIND_UNKNOWN, 0 };
	if (!n)
		return (struct lp_unwind_rule){ ops ? LP_UNWIND_UNDEFINED : LP_UNWIND_SAME, 0 };

	const bool shifted = n >= 2 && ops[1].atom == DW_OP_plus_uconst;
	const bool is_value = n >= 2 && ops[n - 1].atom == DW_OP_stack_value;
	if (ops[0].atom != DW_OP_call_frame_cfa || n != 1u + shifted + is_value)
		return (struct lp_unwind_rule){ LP_UNWIND_COMPUTE, 0 };
	return (struct lp_unwind_rule){ is_value ? LP_UNWIND_CFA : LP_UNWIND_AT_CFA,
					shifted ? (int64_t)ops[1].number : 0 };
}

void lp_unwind_row_init(struct lp_unwind_row *row, struct lp_module *m, uint64_t vaddr)
{
	bool is_signal;

	*row = (struct lp_unwind_row){ .cfa_reg = LP_MACH_REGS };
	if (lp_cfi_at(m, vaddr, &row->cfi) < 0)
		return;

	const Dwarf_Op *op = row->cfi.ops;
	row->is_usable = dwarf_frame_info(row->cfi.frame, NULL, NULL, &is_signal) == LP_UNWIND_IP;
	if (row->cfi.n_ops == 1 && op->atom == DW_OP_bregx && op->number < LP_MACH_REGS) {
		row->cfa_reg = (unsigned int)op->number;
		row->cfa_offset = (int64_t)op->number2;
	}
	for (unsigned int reg = 0; reg < LP_MACH_REGS; reg++)
		row->rules[reg] = read_rule(row->cfi.frame, reg);
}

void lp_unwind_row_done(struct lp_unwind_row *row)
{
	lp_cfi_done(&row->cfi);
}

static bool compute(const struct lp_unwind_row *row, unsigned int n,
		    const struct lp_unwind_regs *regs, uint64_t cfa, struct lp_memory *memory,
		    uint64_t *ret)
{
	Dwarf_Op mem[3], *ops;
	size_t n_ops;
	bool is_value;
	uint64_t v;

	if (!lp_cfi_register(row->cfi.frame, n, mem, &ops, &n_ops) ||
	    !lp_unwind_eval(ops, n_ops, regs, &cfa, memory, &v, &is_value))
		return false;
	if (is_value)
		*ret = v;
	return is_value || memory->read(memory, v, ret, sizeof(*ret)) == 0;
}

/* One register of the caller; false: not known. */
static bool restore(const struct lp_unwind_row *row, unsigned int n,
		    const struct lp_unwind_regs *regs, uint64_t cfa, struct lp_memory *memory,
		    uint64_t *ret)
{
	const struct lp_unwind_rule *rule = &row->rules[n];

	switch (rule->how) {
	case LP_UNWIND_SAME:
		*ret = regs->value[n];
		return regs->known & 1u << n;
	case LP_UNWIND_CFA:
		*ret = cfa + (uint64_t)rule->offset;
		return true;
	case LP_UNWIND_AT_CFA:
		return memory->read(memory, cfa + (uint64_t)rule->offset, ret, sizeof(*ret)) == 0;
	case LP_UNWIND_COMPUTE:
		return compute(row, n, regs, cfa, memory, ret);
	default:
		return false;
	}
}

static bool find_cfa(const struct lp_unwind_row *row, const struct lp_unwind_regs *regs,
		     struct lp_memory *memory, uint64_t *ret)
{
	bool is_value;

	if (row->cfa_reg == LP_MACH_REGS)
		return lp_unwind_eval(row->cfi.ops, row->cfi.n_ops, regs, NULL, memory, ret,
				      &is_value);
	*ret = regs->value[row->cfa_reg] + (uint64_t)row->cfa_offset;
	return regs->known & 1u << row->cfa_reg;
}

enum lp_unwind_result lp_unwind_step(const struct lp_unwind_row *row,
				     const struct lp_unwind_regs *regs, struct lp_memory *memory,
				     struct lp_unwind_regs *ret)
{
	const unsigned int ip = LP_UNWIND_IP;
	uint64_t cfa;

	if (!row->is_usable || !find_cfa(row, regs, memory, &cfa))
		return LP_UNWIND_LOST;

	*ret = (struct lp_unwind_regs){ .exact = row->cfi.is_signal };
	for (unsigned int n = 0; n < LP_MACH_REGS; n++)
		if (restore(row, n, regs, cfa, memory, &ret->value[n]))
			ret->known |= 1u << n;
		else if (n == ip)
			return row->rules[n].how == LP_UNWIND_UNDEFINED ? LP_UNWIND_OUTER
									: LP_UNWIND_LOST;
	return ret->value[ip] ? LP_UNWIND_CALLER : LP_UNWIND_OUTER;
}
