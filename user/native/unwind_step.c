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

/* One register of the caller; false: not known. */
static bool restore(Dwarf_Frame *row, int n, const struct lp_unwind_regs *regs, uint64_t cfa,
		    struct lp_memory *memory, uint64_t *ret, bool *ret_undefined)
{
	Dwarf_Op mem[3], *ops;
	size_t n_ops;
	bool is_value;
	uint64_t v;

	*ret_undefined = false;
	if (!lp_cfi_register(row, (unsigned int)n, mem, &ops, &n_ops))
		return false;
	if (!n_ops && ops == mem) {
		*ret_undefined = true;
		return false;
	}
	if (!n_ops) { /* the callee left it as it was */
		*ret = regs->value[n];
		return regs->known & 1u << n;
	}
	if (!lp_unwind_eval(ops, n_ops, regs, &cfa, memory, &v, &is_value))
		return false;
	if (is_value)
		*ret = v;
	return is_value || memory->read(memory, v, ret, sizeof(*ret)) == 0;
}

enum lp_unwind_result lp_unwind_step(Dwarf_Frame *row, const struct lp_unwind_regs *regs,
				     struct lp_memory *memory, struct lp_unwind_regs *ret)
{
	bool is_value, undefined, is_signal = false;
	uint64_t cfa;
	Dwarf_Op *ops;
	size_t n_ops;
	int ip = dwarf_frame_info(row, NULL, NULL, &is_signal);

	if (ip != LP_UNWIND_IP || dwarf_frame_cfa(row, &ops, &n_ops) != 0 || !n_ops ||
	    !lp_unwind_eval(ops, n_ops, regs, NULL, memory, &cfa, &is_value))
		return LP_UNWIND_LOST;

	*ret = (struct lp_unwind_regs){ .exact = is_signal };
	for (int n = 0; n < LP_MACH_REGS; n++) {
		if (restore(row, n, regs, cfa, memory, &ret->value[n], &undefined))
			ret->known |= 1u << n;
		else if (n == ip)
			return undefined ? LP_UNWIND_OUTER : LP_UNWIND_LOST;
	}
	return ret->value[ip] ? LP_UNWIND_CALLER : LP_UNWIND_OUTER;
}
