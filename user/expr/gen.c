// SPDX-License-Identifier: GPL-2.0-only
#include "expr/gen.h"

#include <errno.h>
#include <string.h>

/* Carried values are in r8 and up; the last one can hold flags: bit i, value i could be had. */
#define FIRST_KEEP (LP_VM_REGS - LP_VM_KEEP)
#define FLAGS_REG  (LP_VM_REGS - 1)

void lp_gen_reserve_keeps(struct lp_gen *g)
{
	for (int i = FIRST_KEEP; i < LP_VM_REGS; i++)
		g->e.regs |= 1u << i;
}

static bool can_fail(uint8_t op)
{
	static const uint8_t failing[] = { LP_OP_FAIL,	LP_OP_LOAD,  LP_OP_LOADM, LP_OP_DIVS,
					   LP_OP_DIVU,	LP_OP_MODS,  LP_OP_MODU,  LP_OP_STRLD,
					   LP_OP_MEMLD, LP_OP_STRLEN };

	return memchr(failing, op, sizeof(failing)) != NULL;
}

size_t lp_gen_try(struct lp_gen *g, uint16_t slot)
{
	return lp_emit(&g->e, TRY, .imm = slot);
}

static bool is_jump(uint8_t op)
{
	return op == LP_OP_JMP || op == LP_OP_JZ || op == LP_OP_JNZ || op == LP_OP_TRY;
}

void lp_gen_try_end(struct lp_gen *g, size_t index)
{
	struct lp_insn *code = g->e.code.data;
	size_t n = g->e.code.len, i = index + 1;

	while (i < n && !can_fail(code[i].op))
		i++;
	if (i < n) {
		lp_emit_land(&g->e, index);
		return;
	}
	if (index >= n)
		return;

	/* nothing to catch: take the TRY out again */
	memmove(&code[index], &code[index + 1], (n - index - 1) * sizeof(*code));
	g->e.code.len--;
	for (i = index; i + 1 < n; i++)
		if (is_jump(code[i].op))
			code[i].n--;
}

/* In the leave half: a value of the entry, computed there and carried over in a register. */
static uint8_t keep(struct lp_gen *g, const struct lp_tree *t)
{
	struct lp_gen *enter = g->enter;
	unsigned int i = g->n_keep++;
	uint8_t r = lp_emit_reg(&g->e);

	if (t->kind == LP_TREE_ADDRESS || i >= LP_VM_KEEP - 1) {
		if (!g->status)
			g->status =
				lp_err_at(g->err, EINVAL, t->col, t->width, "%s",
					  t->kind == LP_TREE_ADDRESS
						  ? "this is gone when the function returns: it "
						    "cannot be used together with $return"
						  : "too many values of the entry are used "
						    "together with $return or $elapsed");
		return r;
	}

	size_t first = enter->e.code.len;
	size_t try = lp_gen_try(enter, g->next_slot);
	uint8_t v = lp_gen_value(enter, t);
	lp_emit(&enter->e, MOV, .dst = (uint8_t)(FIRST_KEEP + i), .a = v);
	lp_emit_release(&enter->e, v);
	lp_emit(&enter->e, ADDI, .dst = FLAGS_REG, .a = FLAGS_REG, .imm = 1ull << i);
	lp_gen_try_end(enter, try);
	if (enter->never && !g->conditional)
		g->never = true;

	bool is_sure = first < enter->e.code.len && enter->e.code.data[first].op != LP_OP_TRY;
	if (is_sure) {
		enter->e.code.len--;
	} else {
		g->next_slot++;
		lp_emit(&g->e, BITS, .dst = r, .a = FLAGS_REG, .imm = LP_BITS(i, 1, 0));
		size_t ok = lp_emit(&g->e, JNZ, .a = r);
		lp_emit(&g->e, FAIL, .imm = LP_ST_UNREADABLE);
		lp_emit_land(&g->e, ok);
	}
	lp_emit(&g->e, MOV, .dst = r, .a = (uint8_t)(FIRST_KEEP + i));
	return r;
}

/* The value in r from two sides of a jump: the second side's is moved there. */
static void unite(struct lp_gen *g, uint8_t r, uint8_t second)
{
	if (second == r)
		return;
	lp_emit(&g->e, MOV, .dst = r, .a = second);
	lp_emit_release(&g->e, second);
	g->e.regs |= 1u << r;
}

static uint8_t gen_logic(struct lp_gen *g, const struct lp_tree *t,
			 uint8_t (*operand)(struct lp_gen *g, const struct lp_tree *t))
{
	uint8_t r = operand(g, t->a);
	size_t skip =
		t->op == LP_OPER_AND ? lp_emit(&g->e, JZ, .a = r) : lp_emit(&g->e, JNZ, .a = r);

	lp_emit_release(&g->e, r);
	g->conditional++;
	unite(g, r, operand(g, t->b));
	g->conditional--;
	lp_emit_land(&g->e, skip);
	return r;
}

static uint8_t gen_cond(struct lp_gen *g, const struct lp_tree *t)
{
	uint8_t cond = lp_gen_truth(g, t->a);
	size_t no = lp_emit(&g->e, JZ, .a = cond);

	lp_emit_release(&g->e, cond);
	g->conditional++;
	uint8_t r = lp_gen_value(g, t->b);
	size_t done = lp_emit(&g->e, JMP);
	lp_emit_land(&g->e, no);
	lp_emit_release(&g->e, r);
	unite(g, r, lp_gen_value(g, t->c));
	g->conditional--;
	lp_emit_land(&g->e, done);
	return r;
}

static uint8_t gen_imm(struct lp_gen *g, uint64_t v)
{
	uint8_t r = lp_emit_reg(&g->e);

	lp_emit(&g->e, IMM, .dst = r, .imm = v);
	return r;
}

static uint64_t double_bits(double f)
{
	uint64_t v;

	memcpy(&v, &f, sizeof(v));
	return v;
}

static uint8_t gen_float(struct lp_gen *g, const struct lp_tree *t)
{
	if (lp_type_strip(t->type)->size == 8)
		return gen_imm(g, double_bits(t->f));

	float f = (float)t->f;
	uint32_t v;
	memcpy(&v, &f, sizeof(v));
	return gen_imm(g, v);
}

static bool is_float(const struct lp_type *t)
{
	return lp_type_strip(t)->kind == LP_TYPE_FLOAT;
}

static uint8_t gen_double(struct lp_gen *g, const struct lp_tree *t)
{
	if (t->kind == LP_TREE_FLOAT)
		return gen_imm(g, double_bits(t->f));

	uint8_t r = lp_gen_value(g, t);
	if (lp_type_strip(t->type)->size == 4)
		lp_emit(&g->e, F32TOF64, .dst = r, .a = r);
	return r;
}

/* Conversions that need arithmetic are the collector's: lp_tree_needs_eval(). */
static uint8_t gen_convert(struct lp_gen *g, const struct lp_tree *t)
{
	const struct lp_type *to = lp_type_strip(t->type), *from = lp_type_strip(t->a->type);
	bool was_signed = lp_type_is_signed(from);
	uint8_t r = lp_gen_value(g, t->a);

	if (is_float(to) && is_float(from)) {
		if (from->size == 4)
			lp_emit(&g->e, F32TOF64, .dst = r, .a = r);
	} else if (is_float(to)) {
		if (was_signed)
			lp_emit(&g->e, S64TOF64, .dst = r, .a = r);
		else
			lp_emit(&g->e, U64TOF64, .dst = r, .a = r);
	} else if (to->kind == LP_TYPE_BOOL) {
		lp_emit(&g->e, EQI, .dst = r, .a = r);
		lp_emit(&g->e, NOT, .dst = r, .a = r);
	} else if (to->size < 8) {
		bool is_signed = lp_type_is_signed(to);
		bool fits = to->size > from->size
				    ? is_signed || !was_signed
				    : to->size == from->size && is_signed == was_signed;

		/* of a bit field, no more bits than it has */
		if (t->a->bit_size && t->a->bit_size < to->size * 8)
			fits = is_signed || !was_signed;
		if (!fits)
			lp_emit(&g->e, EXT, .dst = r, .a = r,
				.n = (uint32_t)to->size | (is_signed ? LP_SIGNED : 0));
	}
	return r;
}

static uint8_t gen_unary(struct lp_gen *g, const struct lp_tree *t)
{
	uint8_t r = t->op == LP_OPER_NOT ? lp_gen_truth(g, t->a) : lp_gen_value(g, t->a);

	if (t->op == LP_OPER_NOT)
		lp_emit(&g->e, NOT, .dst = r, .a = r);
	else if (t->op == LP_OPER_NEG)
		lp_emit(&g->e, NEG, .dst = r, .a = r);
	else
		lp_emit(&g->e, INV, .dst = r, .a = r);
	if (t->op != LP_OPER_NOT && lp_type_strip(t->type)->size == 4)
		lp_emit(&g->e, EXT, .dst = r, .a = r,
			.n = 4 | (lp_type_is_signed(t->type) ? LP_SIGNED : 0));
	return r;
}

static void emit_binary(struct lp_gen *g, enum lp_op op, uint8_t dst, uint8_t a, uint8_t b)
{
	lp_emit_op(&g->e, (struct lp_insn){ .op = (uint8_t)op, .dst = dst, .a = a, .b = b });
}

static const struct {
	enum lp_op op[2]; /* unsigned, signed */
	bool cut;	  /* the result can be wider than its type */
} arithmetic[LP_OPER_COUNT] = {
	[LP_OPER_BIT_OR] = { { LP_OP_OR, LP_OP_OR }, false },
	[LP_OPER_BIT_XOR] = { { LP_OP_XOR, LP_OP_XOR }, false },
	[LP_OPER_BIT_AND] = { { LP_OP_AND, LP_OP_AND }, false },
	[LP_OPER_SHL] = { { LP_OP_SHL, LP_OP_SHL }, true },
	[LP_OPER_SHR] = { { LP_OP_SHR, LP_OP_SAR }, false },
	[LP_OPER_ADD] = { { LP_OP_ADD, LP_OP_ADD }, true },
	[LP_OPER_SUB] = { { LP_OP_SUB, LP_OP_SUB }, true },
	[LP_OPER_MUL] = { { LP_OP_MUL, LP_OP_MUL }, true },
	[LP_OPER_DIV] = { { LP_OP_DIVU, LP_OP_DIVS }, true },
	[LP_OPER_MOD] = { { LP_OP_MODU, LP_OP_MODS }, false },
};

static uint8_t gen_arithmetic(struct lp_gen *g, const struct lp_tree *t)
{
	bool is_signed = lp_type_is_signed(t->type);
	uint8_t r = lp_gen_value(g, t->a);

	if (t->b->kind == LP_TREE_INT && (t->op == LP_OPER_ADD || t->op == LP_OPER_SUB)) {
		lp_gen_addi(g, r, (int64_t)(t->op == LP_OPER_ADD ? t->b->value : -t->b->value));
	} else if (t->b->kind == LP_TREE_INT && t->op == LP_OPER_MUL) {
		lp_emit(&g->e, MULI, .dst = r, .a = r, .imm = t->b->value);
	} else {
		uint8_t b = lp_gen_value(g, t->b);

		emit_binary(g, arithmetic[t->op].op[is_signed], r, r, b);
		lp_emit_release(&g->e, b);
	}
	if (arithmetic[t->op].cut && lp_type_strip(t->type)->size == 4)
		lp_emit(&g->e, EXT, .dst = r, .a = r, .n = 4 | (is_signed ? LP_SIGNED : 0));
	return r;
}

static void invert(struct lp_gen *g, uint8_t r)
{
	lp_emit(&g->e, NOT, .dst = r, .a = r);
}

/* a op k as < and == alone: `a <= k` is `a < k + 1`, but for the greatest k. */
static uint8_t gen_compare_imm(struct lp_gen *g, enum lp_operator op, const struct lp_tree *a,
			       uint64_t k)
{
	bool is_signed = lp_type_is_signed(a->type);
	uint8_t r = lp_gen_value(g, a);

	if (op == LP_OPER_EQ || op == LP_OPER_NE) {
		lp_emit(&g->e, EQI, .dst = r, .a = r, .imm = k);
		if (op == LP_OPER_NE)
			invert(g, r);
		return r;
	}
	if (op == LP_OPER_LE || op == LP_OPER_GT) {
		if (k == (is_signed ? (uint64_t)INT64_MAX : UINT64_MAX)) {
			lp_emit(&g->e, IMM, .dst = r, .imm = op == LP_OPER_LE);
			return r;
		}
		k++;
	}
	if (is_signed)
		lp_emit(&g->e, LTSI, .dst = r, .a = r, .imm = k);
	else
		lp_emit(&g->e, LTUI, .dst = r, .a = r, .imm = k);
	if (op == LP_OPER_GE || op == LP_OPER_GT)
		invert(g, r);
	return r;
}

static enum lp_operator mirrored(enum lp_operator op)
{
	switch (op) {
	case LP_OPER_LT:
		return LP_OPER_GT;
	case LP_OPER_LE:
		return LP_OPER_GE;
	case LP_OPER_GT:
		return LP_OPER_LT;
	case LP_OPER_GE:
		return LP_OPER_LE;
	default:
		return op;
	}
}

static const struct {
	enum lp_op op[3]; /* unsigned, signed, double */
	bool swap, invert;
} comparisons[LP_OPER_COUNT] = {
	[LP_OPER_EQ] = { { LP_OP_EQ, LP_OP_EQ, LP_OP_FEQ }, false, false },
	[LP_OPER_NE] = { { LP_OP_EQ, LP_OP_EQ, LP_OP_FEQ }, false, true },
	[LP_OPER_LT] = { { LP_OP_LTU, LP_OP_LTS, LP_OP_FLT }, false, false },
	[LP_OPER_LE] = { { LP_OP_LEU, LP_OP_LES, LP_OP_FLE }, false, false },
	[LP_OPER_GT] = { { LP_OP_LTU, LP_OP_LTS, LP_OP_FLT }, true, false },
	[LP_OPER_GE] = { { LP_OP_LEU, LP_OP_LES, LP_OP_FLE }, true, false },
};

static uint8_t gen_compare(struct lp_gen *g, const struct lp_tree *t)
{
	bool floats = is_float(t->a->type);

	if (!floats && t->b->kind == LP_TREE_INT)
		return gen_compare_imm(g, t->op, t->a, t->b->value);
	if (!floats && t->a->kind == LP_TREE_INT)
		return gen_compare_imm(g, mirrored(t->op), t->b, t->a->value);

	uint8_t a = floats ? gen_double(g, t->a) : lp_gen_value(g, t->a);
	uint8_t b = floats ? gen_double(g, t->b) : lp_gen_value(g, t->b);
	int which = floats ? 2 : lp_type_is_signed(t->a->type);
	bool swap = comparisons[t->op].swap;

	emit_binary(g, comparisons[t->op].op[which], a, swap ? b : a, swap ? a : b);
	lp_emit_release(&g->e, b);
	if (comparisons[t->op].invert)
		invert(g, a);
	return a;
}

static uint8_t gen_binary(struct lp_gen *g, const struct lp_tree *t)
{
	if (t->op == LP_OPER_AND || t->op == LP_OPER_OR)
		return gen_logic(g, t, lp_gen_value);
	if (lp_operators[t->op].precedence == lp_operators[LP_OPER_EQ].precedence)
		return gen_compare(g, t);
	return gen_arithmetic(g, t);
}

static uint8_t gen_any_of(struct lp_gen *g, const struct lp_tree *t)
{
	size_t found[256], n = 0;
	uint8_t v = lp_gen_value(g, t->a), r = lp_emit_reg(&g->e);

	for (size_t i = 0; i < t->n_values && n < LP_ARRAY_SIZE(found); i++) {
		lp_emit(&g->e, EQI, .dst = r, .a = v, .imm = t->values[i]);
		if (i + 1 < t->n_values)
			found[n++] = lp_emit(&g->e, JNZ, .a = r);
	}
	while (n > 0)
		lp_emit_land(&g->e, found[--n]);
	lp_emit_release(&g->e, v);
	return r;
}

static uint8_t gen_caller(struct lp_gen *g, const struct lp_tree *t)
{
	struct lp_spot spot = { 0 };
	int r = t->scope->ops->caller(t->scope, &g->e, &spot.loc, g->err);

	if (r < 0) {
		if (!g->status)
			g->status = r;
		return lp_emit_reg(&g->e);
	}
	uint8_t v = lp_gen_load(g, &spot, &lp_type_ulong, 0);
	lp_gen_release_spot(g, &spot);
	return v;
}

/* Not each signal has an address, or a sender: without, it can't be evaluated. */
static uint8_t gen_context(struct lp_gen *g, const struct lp_tree *t)
{
	static const uint8_t needs[LP_CTX_COUNT] = {
		[LP_CTX_CODE] = LP_SIGNAL_HAS_CODE,
		[LP_CTX_ADDR] = LP_SIGNAL_HAS_ADDR,
		[LP_CTX_SENDER] = LP_SIGNAL_HAS_SENDER,
	};
	uint8_t r = lp_emit_reg(&g->e);

	if (needs[t->ctx]) {
		lp_emit(&g->e, CTX, .dst = r, .n = LP_CTX_SIGNAL_HAS);
		lp_emit(&g->e, BITS, .dst = r, .a = r,
			.imm = LP_BITS(__builtin_ctz(needs[t->ctx]), 1, 0));
		size_t has = lp_emit(&g->e, JNZ, .a = r);
		lp_emit(&g->e, FAIL, .imm = LP_ST_UNAVAILABLE);
		lp_emit_land(&g->e, has);
	}
	lp_emit(&g->e, CTX, .dst = r, .n = t->ctx);
	return r;
}

static uint8_t gen_object(struct lp_gen *g, const struct lp_tree *t)
{
	struct lp_spot spot;

	lp_gen_spot(g, t, &spot);
	uint8_t r = lp_gen_load(g, &spot, t->type, t->bit_size);
	lp_gen_release_spot(g, &spot);
	return r;
}

uint8_t lp_gen_value(struct lp_gen *g, const struct lp_tree *t)
{
	struct lp_spot spot;

	if (g->enter && t->needs == LP_NEEDS_ENTRY)
		return keep(g, t);
	switch (t->kind) {
	case LP_TREE_INT:
		return gen_imm(g, t->value);
	case LP_TREE_FLOAT:
		return gen_float(g, t);
	case LP_TREE_VAR:
	case LP_TREE_MEMBER:
	case LP_TREE_DEREF:
		return gen_object(g, t);
	case LP_TREE_ADDRESS:
		lp_gen_spot(g, t->a, &spot);
		return lp_gen_address(g, &spot);
	case LP_TREE_CONVERT:
		return gen_convert(g, t);
	case LP_TREE_UNARY:
		return gen_unary(g, t);
	case LP_TREE_BINARY:
		return gen_binary(g, t);
	case LP_TREE_COND:
		return gen_cond(g, t);
	case LP_TREE_ANY_OF:
		return gen_any_of(g, t);
	case LP_TREE_STRCMP:
		return lp_gen_strcmp(g, t);
	case LP_TREE_STRLEN:
		return lp_gen_strlen(g, t);
	case LP_TREE_CTX:
		return gen_context(g, t);
	case LP_TREE_CALLER:
		return gen_caller(g, t);
	case LP_TREE_STRING:
	case LP_TREE_SLICE:
	case LP_TREE_META:
	case LP_TREE_COMM:
		break; /* never a number: lp_check_value() */
	}
	if (!g->status)
		g->status = lp_err_at(g->err, EINVAL, t->col, t->width, "this is no number");
	return lp_emit_reg(&g->e);
}

static bool is_not_zero(const struct lp_tree *t)
{
	return t->kind == LP_TREE_BINARY && t->op == LP_OPER_NE && t->b->kind == LP_TREE_INT &&
	       t->b->value == 0;
}

uint8_t lp_gen_truth(struct lp_gen *g, const struct lp_tree *t)
{
	if (g->enter && t->needs == LP_NEEDS_ENTRY)
		return keep(g, t);
	if (is_not_zero(t))
		return lp_gen_value(g, t->a);
	if (t->kind == LP_TREE_BINARY && (t->op == LP_OPER_AND || t->op == LP_OPER_OR))
		return gen_logic(g, t, lp_gen_truth);
	return lp_gen_value(g, t);
}
