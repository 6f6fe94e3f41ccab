// SPDX-License-Identifier: GPL-2.0-only
#include <dwarf.h>

#include "native/location_impl.h"

#define SPARE_REGS 3 /* that an expression leaves to the program around it */

bool lp_eval_fail(struct lp_eval_dwarf *ev, enum lp_status why)
{
	ev->why = why;
	return false;
}

bool lp_eval_push(struct lp_eval_dwarf *ev, struct lp_item item)
{
	if (ev->depth >= LP_LOC_STACK_MAX)
		return lp_eval_fail(ev, LP_ST_UNAVAILABLE);
	ev->stack[ev->depth++] = item;
	return true;
}

bool lp_eval_pop(struct lp_eval_dwarf *ev, struct lp_item *ret)
{
	if (ev->depth == 0)
		return lp_eval_fail(ev, LP_ST_UNAVAILABLE);
	*ret = ev->stack[--ev->depth];
	return true;
}

void lp_eval_drop(struct lp_eval_dwarf *ev, const struct lp_item *item)
{
	if (item->kind != LP_ITEM_VREG || !(ev->owned & 1u << item->reg))
		return;
	for (size_t i = 0; i < ev->depth; i++)
		if (ev->stack[i].kind == LP_ITEM_VREG && ev->stack[i].reg == item->reg)
			return;
	ev->owned &= ~(1u << item->reg);
	lp_emit_release(ev->emit, item->reg);
}

/* The program around the location needs registers too: better no value than no program. */
bool lp_eval_reg(struct lp_eval_dwarf *ev, uint8_t *ret)
{
	uint32_t unused = ~ev->emit->regs & ((1u << LP_VM_REGS) - 1);

	if (__builtin_popcount(unused) <= SPARE_REGS)
		return lp_eval_fail(ev, LP_ST_UNAVAILABLE);
	*ret = lp_emit_reg(ev->emit);
	ev->owned |= 1u << *ret;
	return true;
}

bool lp_eval_load(struct lp_eval_dwarf *ev, const struct lp_item *item, uint8_t *ret)
{
	struct lp_emit *e = ev->emit;
	uint64_t k = (uint64_t)item->k;

	if (item->kind == LP_ITEM_VREG && item->k == 0) {
		*ret = item->reg;
		return true;
	}
	if (!lp_eval_reg(ev, ret))
		return false;
	switch (item->kind) {
	case LP_ITEM_CONST:
		lp_emit(e, IMM, .dst = *ret, .imm = k);
		break;
	case LP_ITEM_MACH:
		lp_emit(e, REG, .dst = *ret, .b = item->reg, .imm = k);
		break;
	case LP_ITEM_LINK:
		lp_emit(e, CTX, .dst = *ret, .n = LP_CTX_BIAS);
		lp_emit(e, ADDI, .dst = *ret, .a = *ret, .imm = k);
		break;
	case LP_ITEM_VREG:
		lp_emit(e, ADDI, .dst = *ret, .a = item->reg, .imm = k);
		break;
	}
	return true;
}

static struct lp_item generic(enum lp_item_kind kind, uint8_t reg, int64_t k)
{
	return (struct lp_item){ .kind = kind, .reg = reg, .k = k, .size = 8 };
}

static int64_t cut(int64_t v, uint8_t size, bool is_signed)
{
	unsigned int shift = 64 - 8u * size;
	uint64_t up = (uint64_t)v << shift;

	return is_signed ? (int64_t)up >> shift : (int64_t)(up >> shift);
}

/* Brings a result back into its type's range. */
static bool push_typed(struct lp_eval_dwarf *ev, struct lp_item item, const struct lp_item *like)
{
	item.size = like->size;
	item.is_signed = like->is_signed;
	item.typed = like->typed;
	if (item.size == 8)
		return lp_eval_push(ev, item);
	if (item.kind == LP_ITEM_CONST) {
		item.k = cut(item.k, item.size, item.is_signed);
		return lp_eval_push(ev, item);
	}

	uint8_t from, to;
	uint32_t n = item.size | (item.is_signed ? LP_SIGNED : 0);
	if (!lp_eval_load(ev, &item, &from) || !lp_eval_reg(ev, &to))
		return false;
	lp_emit(ev->emit, EXT, .dst = to, .a = from, .n = n);
	item.kind = LP_ITEM_VREG;
	item.reg = to;
	item.k = 0;
	return lp_eval_push(ev, item);
}

/* unsigned and signed: for DWARF's generic type, division and comparison are signed, remainder
 * is not (DWARF 5, 2.5.1.4).
 */
static const struct binary {
	uint8_t atom;
	uint8_t op_unsigned, op_signed, op_generic;
	bool truth; /* the result is 0 or 1 of the generic type */
	bool swap;  /* the operation has its operands the other way round */
} binaries[] = {
	{ DW_OP_and, LP_OP_AND, LP_OP_AND, LP_OP_AND, 0, 0 },
	{ DW_OP_or, LP_OP_OR, LP_OP_OR, LP_OP_OR, 0, 0 },
	{ DW_OP_xor, LP_OP_XOR, LP_OP_XOR, LP_OP_XOR, 0, 0 },
	{ DW_OP_plus, LP_OP_ADD, LP_OP_ADD, LP_OP_ADD, 0, 0 },
	{ DW_OP_minus, LP_OP_SUB, LP_OP_SUB, LP_OP_SUB, 0, 0 },
	{ DW_OP_mul, LP_OP_MUL, LP_OP_MUL, LP_OP_MUL, 0, 0 },
	{ DW_OP_div, LP_OP_DIVU, LP_OP_DIVS, LP_OP_DIVS, 0, 0 },
	{ DW_OP_mod, LP_OP_MODU, LP_OP_MODS, LP_OP_MODU, 0, 0 },
	{ DW_OP_shl, LP_OP_SHL, LP_OP_SHL, LP_OP_SHL, 0, 0 },
	{ DW_OP_shr, LP_OP_SHR, LP_OP_SHR, LP_OP_SHR, 0, 0 },
	{ DW_OP_shra, LP_OP_SAR, LP_OP_SAR, LP_OP_SAR, 0, 0 },
	{ DW_OP_eq, LP_OP_EQ, LP_OP_EQ, LP_OP_EQ, 1, 0 },
	{ DW_OP_ne, LP_OP_NE, LP_OP_NE, LP_OP_NE, 1, 0 },
	{ DW_OP_lt, LP_OP_LTU, LP_OP_LTS, LP_OP_LTS, 1, 0 },
	{ DW_OP_le, LP_OP_LEU, LP_OP_LES, LP_OP_LES, 1, 0 },
	{ DW_OP_gt, LP_OP_LTU, LP_OP_LTS, LP_OP_LTS, 1, 1 },
	{ DW_OP_ge, LP_OP_LEU, LP_OP_LES, LP_OP_LES, 1, 1 },
};

static bool fold(uint8_t op, int64_t x, int64_t y, int64_t *ret)
{
	uint64_t a = (uint64_t)x, b = (uint64_t)y;

	switch (op) {
	case LP_OP_AND:
		*ret = (int64_t)(a & b);
		return true;
	case LP_OP_OR:
		*ret = (int64_t)(a | b);
		return true;
	case LP_OP_XOR:
		*ret = (int64_t)(a ^ b);
		return true;
	case LP_OP_ADD:
		*ret = (int64_t)(a + b);
		return true;
	case LP_OP_SUB:
		*ret = (int64_t)(a - b);
		return true;
	case LP_OP_MUL:
		*ret = (int64_t)(a * b);
		return true;
	case LP_OP_SHL:
		*ret = b > 63 ? 0 : (int64_t)(a << b);
		return true;
	case LP_OP_EQ:
		*ret = a == b;
		return true;
	case LP_OP_NE:
		*ret = a != b;
		return true;
	case LP_OP_LTS:
		*ret = x < y;
		return true;
	case LP_OP_LTU:
		*ret = a < b;
		return true;
	default:
		return false;
	}
}

/* x + y and x - y where one of them is a constant. */
static bool displace(uint8_t op, const struct lp_item *x, const struct lp_item *y,
		     struct lp_item *ret)
{
	if (y->kind == LP_ITEM_CONST && (op == LP_OP_ADD || op == LP_OP_SUB)) {
		*ret = *x;
		ret->k = (int64_t)(op == LP_OP_ADD ? (uint64_t)x->k + (uint64_t)y->k
						   : (uint64_t)x->k - (uint64_t)y->k);
		return true;
	}
	if (x->kind == LP_ITEM_CONST && op == LP_OP_ADD) {
		*ret = *y;
		ret->k = (int64_t)((uint64_t)x->k + (uint64_t)y->k);
		return true;
	}
	return false;
}

static bool emit_binary(struct lp_eval_dwarf *ev, uint8_t op, const struct lp_item *x,
			const struct lp_item *y, struct lp_item *ret)
{
	uint8_t a, b, to;

	if (!lp_eval_load(ev, x, &a) || !lp_eval_load(ev, y, &b) || !lp_eval_reg(ev, &to))
		return false;
	lp_emit_op(ev->emit, (struct lp_insn){ .op = op, .dst = to, .a = a, .b = b });

	struct lp_item made[] = { generic(LP_ITEM_VREG, a, 0), generic(LP_ITEM_VREG, b, 0) };
	*ret = generic(LP_ITEM_VREG, to, 0);
	lp_eval_drop(ev, &made[0]);
	lp_eval_drop(ev, &made[1]);
	return true;
}

static bool binary(struct lp_eval_dwarf *ev, const struct binary *b)
{
	struct lp_item x, y, r = { 0 };

	if (!lp_eval_pop(ev, &y) || !lp_eval_pop(ev, &x))
		return false;
	/* a shift counts in any type; else both sides have one */
	bool shift = b->atom == DW_OP_shl || b->atom == DW_OP_shr || b->atom == DW_OP_shra;
	/* clang mixes addresses with 64-bit integers, which matters where the sign does */
	bool signless = b->op_generic == b->op_signed && b->op_signed == b->op_unsigned;
	if (!shift && (x.size != y.size || (x.typed != y.typed && !(signless && x.size == 8))))
		return lp_eval_fail(ev, LP_ST_UNAVAILABLE);
	if (!shift && !x.typed && y.typed)
		x.typed = true, x.is_signed = y.is_signed;

	uint8_t op = !x.typed ? b->op_generic : x.is_signed ? b->op_signed : b->op_unsigned;
	const struct lp_item *first = b->swap ? &y : &x, *second = b->swap ? &x : &y;
	struct lp_item type = b->truth ? generic(LP_ITEM_CONST, 0, 0) : x;
	int64_t k;

	/* the sign bits of a narrow signed value are not its own to shift in */
	if (b->atom == DW_OP_shr && x.is_signed && x.size < 8)
		return lp_eval_fail(ev, LP_ST_UNAVAILABLE);
	if (first->kind == LP_ITEM_CONST && second->kind == LP_ITEM_CONST &&
	    fold(op, first->k, second->k, &k))
		r = generic(LP_ITEM_CONST, 0, k);
	else if (!displace(op, &x, &y, &r) && !emit_binary(ev, op, first, second, &r))
		return false;
	return push_typed(ev, r, &type);
}

static bool unary(struct lp_eval_dwarf *ev, uint8_t op)
{
	struct lp_item x, r;
	uint8_t a, to;

	if (!lp_eval_pop(ev, &x))
		return false;
	if (x.kind == LP_ITEM_CONST) {
		r = generic(LP_ITEM_CONST, 0,
			    (int64_t)(op == LP_OP_NEG ? 0 - (uint64_t)x.k : ~(uint64_t)x.k));
		return push_typed(ev, r, &x);
	}
	if (!lp_eval_load(ev, &x, &a) || !lp_eval_reg(ev, &to))
		return false;
	lp_emit_op(ev->emit, (struct lp_insn){ .op = op, .dst = to, .a = a });
	r = generic(LP_ITEM_VREG, a, 0);
	lp_eval_drop(ev, &r);
	r.reg = to;
	return push_typed(ev, r, &x);
}

static bool absolute(struct lp_eval_dwarf *ev)
{
	struct lp_item x;

	if (!lp_eval_pop(ev, &x))
		return false;
	if (x.kind != LP_ITEM_CONST)
		return lp_eval_fail(ev, LP_ST_UNAVAILABLE);
	if (x.k < 0 && (!x.typed || x.is_signed))
		x.k = (int64_t)(0 - (uint64_t)x.k);
	return push_typed(ev, x, &x);
}

static bool deref(struct lp_eval_dwarf *ev, uint64_t size)
{
	struct lp_item x;
	uint8_t a, to;

	if (!lp_eval_pop(ev, &x))
		return false;
	if (size != 1 && size != 2 && size != 4 && size != 8)
		return lp_eval_fail(ev, LP_ST_UNAVAILABLE);
	if (x.kind == LP_ITEM_MACH) {
		if (!lp_eval_reg(ev, &to))
			return false;
		lp_emit(ev->emit, LOADM, .dst = to, .b = x.reg, .n = (uint32_t)size,
			.imm = (uint64_t)x.k);
		return lp_eval_push(ev, generic(LP_ITEM_VREG, to, 0));
	}

	int64_t k = x.kind == LP_ITEM_VREG ? x.k : 0;
	x.k -= k;
	if (!lp_eval_load(ev, &x, &a) || !lp_eval_reg(ev, &to))
		return false;
	lp_emit(ev->emit, LOAD, .dst = to, .a = a, .n = (uint32_t)size, .imm = (uint64_t)k);
	x = generic(LP_ITEM_VREG, a, 0);
	lp_eval_drop(ev, &x);
	return lp_eval_push(ev, generic(LP_ITEM_VREG, to, 0));
}

bool lp_eval_arith_op(struct lp_eval_dwarf *ev, const Dwarf_Op *op)
{
	struct lp_item c = generic(LP_ITEM_CONST, 0, (int64_t)op->number);

	for (size_t i = 0; i < LP_ARRAY_SIZE(binaries); i++)
		if (binaries[i].atom == op->atom)
			return binary(ev, &binaries[i]);
	switch (op->atom) {
	case DW_OP_plus_uconst:
		if (ev->depth == 0)
			return lp_eval_fail(ev, LP_ST_UNAVAILABLE);
		c.typed = ev->stack[ev->depth - 1].typed;
		c.size = ev->stack[ev->depth - 1].size;
		return lp_eval_push(ev, c) &&
		       lp_eval_arith_op(ev, &(Dwarf_Op){ .atom = DW_OP_plus });
	case DW_OP_neg:
		return unary(ev, LP_OP_NEG);
	case DW_OP_not:
		return unary(ev, LP_OP_INV);
	case DW_OP_abs:
		return absolute(ev);
	case DW_OP_deref:
		return deref(ev, 8);
	case DW_OP_deref_size:
		return deref(ev, op->number);
	default:
		return false;
	}
}
