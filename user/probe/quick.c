// SPDX-License-Identifier: GPL-2.0-only
/* Follows the one value that a condition is made of, from a machine register to CHECK. What is not
 * known here ends it: each hit is then the program's.
 */
#include "probe/kernel.h"

/* The value so far. */
struct value {
	struct lp_quick q;
	uint8_t reg;	 /* the virtual register that it is in */
	uint8_t bits;	 /* that count, the rest is zeros or the sign; 64: may be an address */
	bool added;	 /* what only a read can add: q.offset[q.reads] is in use */
	bool over;	 /* compared: 0 or 1 from now on */
	bool settled;	 /* only where it is 0 */
	bool has_number; /* IMM has set number_reg */
	uint8_t number_reg;
	uint64_t number;
};

static bool add_offset(struct value *v, uint8_t at, uint64_t more)
{
	return !__builtin_add_overflow((int64_t)v->q.offset[at], (int64_t)more, &v->q.offset[at]);
}

/* Of the bits that count; all that was taken before began at bit 0. */
static bool take_bits(struct value *v, unsigned int off, unsigned int width, bool is_signed)
{
	if (v->over || v->added || v->q.up != v->q.down || v->q.mask != UINT64_MAX || !width ||
	    off + width > v->bits)
		return false;
	v->q.up = (uint8_t)(64 - off - width);
	v->q.down = (uint8_t)(64 - width);
	v->q.test = is_signed ? LP_QUICK_SIGNED : 0;
	v->bits = (uint8_t)width;
	return true;
}

static bool take_size(struct value *v, uint32_t n)
{
	return take_bits(v, 0, (n & 15) * 8, n & LP_SIGNED);
}

static bool add(struct value *v, uint64_t more)
{
	if (v->bits < 64 || v->over || v->q.mask != UINT64_MAX || v->q.reads == LP_QUICK_READS)
		return false;
	v->added = v->q.reads > 0;
	return add_offset(v, v->q.reads, more);
}

static bool load(struct value *v, const struct lp_insn *in)
{
	if (!add(v, in->imm))
		return false;
	v->q.reads++;
	v->added = false;
	return take_size(v, in->n);
}

static bool start(struct value *v, const struct lp_insn *in, uint64_t vaddr)
{
	bool is_bias = in->op == LP_OP_CTX && in->n == LP_CTX_BIAS;

	if (in->op != LP_OP_REG && in->op != LP_OP_LOADM && !is_bias)
		return false;
	*v = (struct value){ .reg = in->dst, .bits = 64, .q = { .mask = UINT64_MAX } };
	v->q.reg = is_bias ? LP_MACH_REGS - 1 : in->b;
	if (is_bias)
		return add(v, -vaddr);
	return in->op == LP_OP_LOADM ? load(v, in) : add(v, in->imm);
}

static bool mask(struct value *v, const struct lp_insn *in)
{
	uint8_t other = in->a == v->reg ? in->b : in->a;

	if (v->over || v->added || !v->has_number || other != v->number_reg)
		return false;
	v->q.mask &= v->number;
	return true;
}

static bool compare(struct value *v, enum lp_quick_test test, uint64_t constant)
{
	if (v->over || v->added)
		return false;
	v->over = true;
	v->q.test |= (uint8_t)test;
	v->q.constant = constant;
	return true;
}

static bool negate(struct value *v)
{
	if (v->settled || (!v->over && !compare(v, LP_QUICK_TRUTH, 0)))
		return false;
	v->q.test ^= LP_QUICK_NOT;
	return true;
}

/* An instruction that makes another value of it. */
static bool apply(struct value *v, const struct lp_insn *in)
{
	switch (in->op) {
	case LP_OP_MOV:
		return true;
	case LP_OP_LOAD:
		return load(v, in);
	case LP_OP_ADDI:
		return add(v, in->imm);
	case LP_OP_EXT:
		return take_size(v, in->n);
	case LP_OP_BITS:
		return take_bits(v, in->imm & 0xff, in->imm >> 8 & 0xff, in->imm >> 16 & 1);
	case LP_OP_AND:
		return mask(v, in);
	case LP_OP_NOT:
		return negate(v);
	case LP_OP_EQI:
		return compare(v, LP_QUICK_EQ, in->imm);
	case LP_OP_LTSI:
		return compare(v, LP_QUICK_LTS, in->imm);
	case LP_OP_LTUI:
		return compare(v, LP_QUICK_LTU, in->imm);
	default:
		return false;
	}
}

/* From instruction pc on: true at the value's CHECK. */
static bool follow(struct value *v, const struct lp_insn *code, size_t pc, size_t n)
{
	while (pc < n) {
		const struct lp_insn *in = &code[pc++];
		bool is_ours = in->a == v->reg || (in->op == LP_OP_AND && in->b == v->reg);

		if (in->op == LP_OP_IMM && in->dst != v->reg) {
			v->has_number = true;
			v->number_reg = in->dst;
			v->number = in->imm;
			continue;
		}
		if (!is_ours || (v->settled && in->op != LP_OP_JZ && in->op != LP_OP_MOV &&
				 in->op != LP_OP_CHECK))
			return false;
		if (in->op == LP_OP_CHECK)
			return v->over || compare(v, LP_QUICK_TRUTH, 0);
		if (in->op == LP_OP_JZ) { /* taken where it is 0: the end if CHECK is there */
			if ((!v->over && !compare(v, LP_QUICK_TRUTH, 0)) || in->n < pc)
				return false;
			v->settled = true;
			pc = in->n;
			continue;
		}
		if (!apply(v, in))
			return false;
		v->reg = in->dst;
		v->has_number &= v->number_reg != v->reg;
	}
	return false;
}

void lp_quick_of(const struct lp_insn *code, size_t n, uint64_t vaddr, struct lp_quick *ret)
{
	size_t first = n && code[0].op == LP_OP_TRY && code[0].imm == LP_SLOT_COND;
	struct value v;

	if (first >= n || !start(&v, &code[first], vaddr))
		return;

	if (follow(&v, code, first + 1, n))
		*ret = v.q;
}
