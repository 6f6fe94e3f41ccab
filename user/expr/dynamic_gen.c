// SPDX-License-Identifier: GPL-2.0-only
/* Code for checked expressions. An operation that raises leaves its register as it was, so that a
 * shared register is 0 until its value is there; what happens to be 0 then is loaded again.
 */
#include <errno.h>
#include <string.h>

#include "expr/dynamic.h"

/* Carried values are in r8 and up; the last one holds flags: bit i, value i could be had. */
#define FIRST_KEEP (LP_VM_REGS - LP_VM_KEEP)
#define FLAGS_REG  (LP_VM_REGS - 1)

void lp_dyn_gen_done(struct lp_dyn_gen *g)
{
	lp_emit_done(&g->e);
	lp_vec_done(&g->names);
}

static bool is_shared_reg(const struct lp_dyn_gen *g, uint8_t reg)
{
	for (unsigned int i = 0; i < g->n_shared; i++)
		if (g->shared[i].reg == reg)
			return true;
	return false;
}

static void drop(struct lp_dyn_gen *g, uint8_t reg)
{
	if (!is_shared_reg(g, reg))
		lp_emit_release(&g->e, reg);
}

void lp_dyn_gen_drop(struct lp_dyn_gen *g, uint8_t reg)
{
	for (uint8_t i = 0; i < LP_VM_REGS; i++)
		if (g->parts[reg] >> i & 1)
			drop(g, i);
	g->parts[reg] = 0;
	drop(g, reg);
}

static unsigned int cost_of(const struct lp_dyn *t)
{
	unsigned int cost = 0;

	for (; t && t->kind != LP_DYN_NAME && t->kind != LP_DYN_RESULT; t = t->a)
		cost++;
	return cost + (t && t->kind == LP_DYN_NAME && !t->is_cheap);
}

static unsigned int worth_of(const struct lp_dyn *t)
{
	bool is_kept = t->kind == LP_DYN_NAME || t->kind == LP_DYN_ATTR || t->kind == LP_DYN_ITEM ||
		       t->kind == LP_DYN_LEN;

	return is_kept && t->refs > 1 && !t->redacted ? (t->refs - 1) * cost_of(t) : 0;
}

/* Puts t among the dearest; the cheapest falls out. */
static void keep_dearest(struct lp_dyn_gen *g, const struct lp_dyn *t, unsigned int max)
{
	unsigned int at = g->n_shared;

	while (at > 0 && worth_of(g->shared[at - 1].t) < worth_of(t))
		at--;
	if (at >= max)
		return;
	if (g->n_shared < max)
		g->n_shared++;
	for (unsigned int i = g->n_shared - 1; i > at; i--)
		g->shared[i] = g->shared[i - 1];
	g->shared[at].t = t;
}

void lp_dyn_gen_begin(struct lp_dyn_gen *g, const struct lp_dyn *latest, uint8_t half)
{
	/* half of the registers carry values between the halves of a call */
	bool is_call = half != 0;
	unsigned int max = is_call ? LP_DYN_KEPT_MAX / 2 : LP_DYN_KEPT_MAX;

	for (int i = FIRST_KEEP; is_call && i < LP_VM_REGS; i++)
		g->e.regs |= 1u << i;
	for (const struct lp_dyn *t = latest; t; t = t->older)
		if (worth_of(t) && (!is_call || t->needs == half))
			keep_dearest(g, t, max);
	for (unsigned int i = 0; i < g->n_shared; i++) {
		g->shared[i].reg = lp_emit_reg(&g->e);
		lp_emit(&g->e, IMM, .dst = g->shared[i].reg);
	}
}

/* Errors of the instructions from `first` on are about that name. */
void lp_dyn_gen_names(struct lp_dyn_gen *g, size_t first, const char *name)
{
	for (size_t pc = first; pc < g->e.code.len; pc++) {
		struct lp_pc_name entry = { (uint32_t)pc, name };

		if (lp_vec_push(&g->names, entry) < 0 && !g->status)
			g->status = lp_err_nomem(g->err);
	}
}

void lp_dyn_gen_fail(struct lp_dyn_gen *g, const struct lp_dyn *t, const char *why)
{
	if (!g->status)
		g->status = lp_err_at(g->err, EINVAL, t->col, t->width, "%s", why);
}

static bool is_ascii(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] >= 0x80)
			return false;
	return true;
}

/* An instruction with a name or a text, hashed as the target does. Any scope of it can tell. */
static void emit_key(struct lp_dyn_gen *g, enum lp_op op, uint8_t dst, uint8_t a, const char *s,
		     size_t len, bool is_bytes)
{
	struct lp_py_key key = {
		.hash = g->scope->dynamic->hash(g->scope, s, len, is_bytes),
		.len = (uint32_t)len,
		.is_ascii = is_ascii(s, len),
	};

	lp_emit_key(&g->e, op, dst, a, &key, s);
}

static uint8_t gen_const(struct lp_dyn_gen *g, const struct lp_dyn *t)
{
	const struct lp_value *v = &t->constant;
	uint8_t r = lp_emit_reg(&g->e);

	switch (v->kind) {
	case LP_VAL_NULL:
		lp_emit(&g->e, PY_NONE, .dst = r);
		break;
	case LP_VAL_BOOL:
		lp_emit(&g->e, IMM, .dst = r, .imm = v->u);
		lp_emit(&g->e, PY_BOOL, .dst = r, .a = r);
		break;
	case LP_VAL_INT:
		lp_emit(&g->e, PY_INT, .dst = r, .imm = v->u);
		break;
	case LP_VAL_FLOAT:
		lp_emit(&g->e, PY_FLOAT, .dst = r, .imm = v->u);
		break;
	case LP_VAL_STRING:
		emit_key(g, LP_OP_PY_STR, r, 0, v->str, v->len, false);
		break;
	case LP_VAL_BYTES:
		emit_key(g, LP_OP_PY_BYTES, r, 0, v->str, v->len, true);
		break;
	case LP_VAL_UINT:
	case LP_VAL_BIGINT:
		lp_dyn_emit_big(g, r, v);
		break;
	default:
		lp_dyn_gen_fail(g, t, "this can only be shown by itself");
		break;
	}
	return r;
}

static uint8_t gen_name(struct lp_dyn_gen *g, const struct lp_dyn *t)
{
	size_t first = g->e.code.len;
	bool is_result = t->kind == LP_DYN_RESULT;
	uint8_t r = 0;
	int status =
		is_result ? t->scope->dynamic->result(t->scope, &g->e, &r, g->err)
			  : t->scope->dynamic->load(t->scope, t->name, t->len, &g->e, &r, g->err);

	if (status < 0) {
		if (!g->status)
			g->status = status;
		return lp_emit_reg(&g->e);
	}
	lp_dyn_gen_names(g, first, is_result ? "$return" : t->name);
	return r;
}

static uint8_t gen_nothing(struct lp_dyn_gen *g, const struct lp_dyn *t)
{
	lp_dyn_gen_fail(g, t, "this can only be shown by itself");
	return lp_emit_reg(&g->e);
}

static uint8_t gen_context(struct lp_dyn_gen *g, const struct lp_dyn *t)
{
	uint8_t r = lp_emit_reg(&g->e);

	lp_emit(&g->e, CTX, .dst = r, .n = t->ctx);
	return r;
}

static uint8_t gen_exc(struct lp_dyn_gen *g, const struct lp_dyn *t)
{
	uint8_t r = lp_emit_reg(&g->e);

	(void)t;
	lp_emit(&g->e, PY_EXC, .dst = r);
	return r;
}

static uint8_t gen_who(struct lp_dyn_gen *g, const struct lp_dyn *t)
{
	uint8_t r = lp_emit_reg(&g->e);

	lp_emit(&g->e, PY_WHO, .dst = r, .n = t->who);
	return r;
}

/* Its items stay in their registers until it is dropped. */
static uint8_t gen_tuple(struct lp_dyn_gen *g, const struct lp_dyn *t)
{
	uint32_t parts = 0;
	uint64_t numbers = 0;

	for (size_t i = 0; i < t->n_items; i++) {
		uint8_t r = lp_dyn_gen_value(g, t->items[i]);

		parts |= 1u << r;
		numbers |= (uint64_t)r << 4 * i;
	}

	uint8_t r = lp_emit_reg(&g->e);
	lp_emit(&g->e, PY_TUPLE, .dst = r, .imm = numbers, .n = (uint32_t)t->n_items);
	g->parts[r] = parts;
	return r;
}

static uint8_t gen_attr(struct lp_dyn_gen *g, const struct lp_dyn *t)
{
	uint8_t a = lp_dyn_gen_value(g, t->a);
	size_t first = g->e.code.len;

	lp_dyn_gen_drop(g, a);
	uint8_t r = lp_emit_reg(&g->e);
	emit_key(g, LP_OP_PY_ATTR, r, a, t->name, t->len, false);
	lp_dyn_gen_names(g, first, t->name);
	return r;
}

static uint8_t gen_item(struct lp_dyn_gen *g, const struct lp_dyn *t)
{
	uint8_t a = lp_dyn_gen_value(g, t->a), b = lp_dyn_gen_value(g, t->b);
	size_t first = g->e.code.len;

	lp_dyn_gen_drop(g, a);
	lp_dyn_gen_drop(g, b);
	uint8_t r = lp_emit_reg(&g->e);
	lp_emit(&g->e, PY_ITEM, .dst = r, .a = a, .b = b);
	lp_dyn_gen_names(g, first, "[]");
	return r;
}

static uint8_t gen_slice(struct lp_dyn_gen *g, const struct lp_dyn *t)
{
	uint8_t a = lp_dyn_gen_value(g, t->a);
	uint8_t from = t->b ? lp_dyn_gen_value(g, t->b) : LP_PY_OPEN;
	uint8_t to = t->c ? lp_dyn_gen_value(g, t->c) : LP_PY_OPEN;
	size_t first = g->e.code.len;

	lp_dyn_gen_drop(g, a);
	if (t->b)
		lp_dyn_gen_drop(g, from);
	if (t->c)
		lp_dyn_gen_drop(g, to);
	uint8_t r = lp_emit_reg(&g->e);
	lp_emit(&g->e, PY_SLICE, .dst = r, .a = a, .b = from, .n = to);
	lp_dyn_gen_names(g, first, "[]");
	return r;
}

/* One operand, one operation. Drops it. */
static uint8_t gen_of(struct lp_dyn_gen *g, enum lp_op op, uint8_t a, const char *name)
{
	size_t first = g->e.code.len;

	lp_dyn_gen_drop(g, a);
	uint8_t r = lp_emit_reg(&g->e);
	lp_emit_op(&g->e, (struct lp_insn){ .op = (uint8_t)op, .dst = r, .a = a });
	lp_dyn_gen_names(g, first, name);
	return r;
}

static uint8_t gen_len(struct lp_dyn_gen *g, const struct lp_dyn *t)
{
	return gen_of(g, LP_OP_PY_LEN, lp_dyn_gen_value(g, t->a), "len");
}

static uint8_t gen_type(struct lp_dyn_gen *g, const struct lp_dyn *t)
{
	return gen_of(g, LP_OP_PY_TYPE, lp_dyn_gen_value(g, t->a), "type");
}

/* Two operands, one operation. Drops them. */
static uint8_t emit_pair(struct lp_dyn_gen *g, enum lp_op op, uint32_t n, uint8_t a, uint8_t b,
			 const char *name)
{
	size_t first = g->e.code.len;

	lp_dyn_gen_drop(g, a);
	lp_dyn_gen_drop(g, b);
	uint8_t r = lp_emit_reg(&g->e);
	lp_emit_op(&g->e, (struct lp_insn){ .op = (uint8_t)op, .dst = r, .a = a, .b = b, .n = n });
	lp_dyn_gen_names(g, first, name);
	return r;
}

static uint8_t gen_unary(struct lp_dyn_gen *g, const struct lp_dyn *t)
{
	if (t->op == LP_OPER_NOT) {
		uint8_t r = lp_dyn_gen_truth(g, t);

		lp_emit(&g->e, PY_BOOL, .dst = r, .a = r);
		return r;
	}
	if (t->op != LP_OPER_PLUS)
		return gen_of(g, t->op == LP_OPER_NEG ? LP_OP_PY_NEG : LP_OP_PY_INV,
			      lp_dyn_gen_value(g, t->a), lp_operators[t->op].text);

	/* +True is 1 */
	uint8_t a = lp_dyn_gen_value(g, t->a), zero = lp_emit_reg(&g->e);

	lp_emit(&g->e, PY_INT, .dst = zero);
	return emit_pair(g, LP_OP_PY_ARITH, LP_PY_ADD, a, zero, "+");
}

static const struct {
	enum lp_op op;
	enum lp_py_operator n;
	bool invert;
} operations[LP_OPER_COUNT] = {
	[LP_OPER_EQ] = { LP_OP_PY_COMPARE, LP_PY_EQ, false },
	[LP_OPER_NE] = { LP_OP_PY_COMPARE, LP_PY_NE, false },
	[LP_OPER_LT] = { LP_OP_PY_COMPARE, LP_PY_LT, false },
	[LP_OPER_LE] = { LP_OP_PY_COMPARE, LP_PY_LE, false },
	[LP_OPER_GT] = { LP_OP_PY_COMPARE, LP_PY_GT, false },
	[LP_OPER_GE] = { LP_OP_PY_COMPARE, LP_PY_GE, false },
	[LP_OPER_IN] = { LP_OP_PY_IN, 0, false },
	[LP_OPER_NOT_IN] = { LP_OP_PY_IN, 0, true },
	[LP_OPER_IS] = { LP_OP_PY_IS, 0, false },
	[LP_OPER_IS_NOT] = { LP_OP_PY_IS, 0, true },
	[LP_OPER_BIT_OR] = { LP_OP_PY_ARITH, LP_PY_OR, false },
	[LP_OPER_BIT_XOR] = { LP_OP_PY_ARITH, LP_PY_XOR, false },
	[LP_OPER_BIT_AND] = { LP_OP_PY_ARITH, LP_PY_AND, false },
	[LP_OPER_SHL] = { LP_OP_PY_ARITH, LP_PY_SHL, false },
	[LP_OPER_SHR] = { LP_OP_PY_ARITH, LP_PY_SHR, false },
	[LP_OPER_ADD] = { LP_OP_PY_ARITH, LP_PY_ADD, false },
	[LP_OPER_SUB] = { LP_OP_PY_ARITH, LP_PY_SUB, false },
	[LP_OPER_MUL] = { LP_OP_PY_ARITH, LP_PY_MUL, false },
	[LP_OPER_FLOORDIV] = { LP_OP_PY_ARITH, LP_PY_FLOORDIV, false },
	[LP_OPER_MOD] = { LP_OP_PY_ARITH, LP_PY_MOD, false },
	[LP_OPER_POW] = { LP_OP_PY_ARITH, LP_PY_POW, false },
};

void lp_dyn_gen_invert(struct lp_dyn_gen *g, uint8_t r)
{
	lp_emit(&g->e, NOT, .dst = r, .a = r);
	lp_emit(&g->e, PY_BOOL, .dst = r, .a = r);
}

/* A register of the caller's own that holds what r holds, which is dropped. */
static uint8_t own_register(struct lp_dyn_gen *g, uint8_t r)
{
	if (!is_shared_reg(g, r))
		return r;

	uint8_t own = lp_emit_reg(&g->e);
	lp_emit(&g->e, MOV, .dst = own, .a = r);
	return own;
}

/* r = what is in second */
static void unite(struct lp_dyn_gen *g, uint8_t r, uint8_t second)
{
	if (second == r)
		return;
	lp_emit(&g->e, MOV, .dst = r, .a = second);
	lp_dyn_gen_drop(g, second);
	g->e.regs |= 1u << r;
}

/* `a and b`: a where that is false. */
static uint8_t gen_logic(struct lp_dyn_gen *g, const struct lp_dyn *t, bool as_truth)
{
	uint8_t r =
		own_register(g, as_truth ? lp_dyn_gen_truth(g, t->a) : lp_dyn_gen_value(g, t->a));
	bool is_plain = as_truth || t->a->type == LP_DYN_BOOL;
	uint8_t truth = is_plain ? r : lp_emit_reg(&g->e);

	if (!is_plain) {
		size_t first = g->e.code.len;

		lp_emit(&g->e, PY_TRUTH, .dst = truth, .a = r);
		lp_dyn_gen_names(g, first, "bool");
		lp_emit_release(&g->e, truth);
	}
	size_t skip = t->op == LP_OPER_AND ? lp_emit(&g->e, JZ, .a = truth)
					   : lp_emit(&g->e, JNZ, .a = truth);
	lp_emit_release(&g->e, r);
	unite(g, r, as_truth ? lp_dyn_gen_truth(g, t->b) : lp_dyn_gen_value(g, t->b));
	lp_emit_land(&g->e, skip);
	return r;
}

static uint8_t gen_cond(struct lp_dyn_gen *g, const struct lp_dyn *t)
{
	uint8_t cond = lp_dyn_gen_truth(g, t->a);
	size_t no = lp_emit(&g->e, JZ, .a = cond);

	lp_dyn_gen_drop(g, cond);
	uint8_t r = own_register(g, lp_dyn_gen_value(g, t->b));
	size_t done = lp_emit(&g->e, JMP);
	lp_emit_land(&g->e, no);
	lp_emit_release(&g->e, r);
	unite(g, r, lp_dyn_gen_value(g, t->c));
	lp_emit_land(&g->e, done);
	return r;
}

static uint8_t gen_binary(struct lp_dyn_gen *g, const struct lp_dyn *t)
{
	if (t->op == LP_OPER_AND || t->op == LP_OPER_OR)
		return gen_logic(g, t, false);
	if (!operations[t->op].op) {
		lp_dyn_gen_fail(g, t,
				"the kernel cannot compute this: it is for templates, by itself");
		return lp_emit_reg(&g->e);
	}

	uint8_t a = lp_dyn_gen_value(g, t->a), b = lp_dyn_gen_value(g, t->b);
	uint8_t r = emit_pair(g, operations[t->op].op, operations[t->op].n, a, b,
			      lp_operators[t->op].text);
	if (operations[t->op].invert)
		lp_dyn_gen_invert(g, r);
	return r;
}

/* In the leave half: a value of the entry, computed there and carried over in a register. Objects
 * may be gone by then, so that it is a truth, a number or a text.
 */
static uint8_t keep(struct lp_dyn_gen *g, const struct lp_dyn *t, bool as_truth)
{
	struct lp_dyn_gen *enter = g->enter;
	unsigned int i = g->n_keep++;
	uint8_t r = lp_emit_reg(&g->e), kept = (uint8_t)(FIRST_KEEP + i);

	if (i >= LP_VM_KEEP - 1) {
		lp_dyn_gen_fail(g, t,
				"too many values of the entry are used together with $return or "
				"$elapsed");
		return r;
	}

	size_t try = lp_emit(&enter->e, TRY, .imm = g->next_slot++);
	uint8_t v = as_truth ? lp_dyn_gen_truth(enter, t) : lp_dyn_gen_value(enter, t);
	if (as_truth) {
		lp_emit(&enter->e, PY_BOOL, .dst = kept, .a = v);
	} else if (t->type == LP_DYN_INT || t->type == LP_DYN_BOOL) {
		lp_emit(&enter->e, MOV, .dst = kept, .a = v);
	} else {
		lp_emit(&enter->e, PY_KEEP, .dst = kept, .a = v);
	}
	lp_dyn_gen_drop(enter, v);
	lp_emit(&enter->e, ADDI, .dst = FLAGS_REG, .a = FLAGS_REG, .imm = 1ull << i);
	lp_emit_land(&enter->e, try);

	lp_emit(&g->e, BITS, .dst = r, .a = FLAGS_REG, .imm = LP_BITS(i, 1, 0));
	size_t ok = lp_emit(&g->e, JNZ, .a = r);
	lp_emit(&g->e, FAIL, .imm = LP_ST_UNAVAILABLE);
	lp_emit_land(&g->e, ok);
	lp_emit(&g->e, MOV, .dst = r, .a = kept);
	return r;
}

typedef uint8_t gen_fn(struct lp_dyn_gen *g, const struct lp_dyn *t);

static gen_fn *const gens[] = {
	[LP_DYN_CONST] = gen_const,
	[LP_DYN_NAME] = gen_name,
	[LP_DYN_RESULT] = gen_name,
	[LP_DYN_CTX] = gen_context,
	[LP_DYN_META] = gen_nothing,
	[LP_DYN_WHO] = gen_who,
	[LP_DYN_EXC] = gen_exc,
	[LP_DYN_TUPLE] = gen_tuple,
	[LP_DYN_ATTR] = gen_attr,
	[LP_DYN_ITEM] = gen_item,
	[LP_DYN_SLICE] = gen_slice,
	[LP_DYN_STEP] = gen_nothing,
	[LP_DYN_LEN] = gen_len,
	[LP_DYN_TYPE] = gen_type,
	[LP_DYN_UNARY] = gen_unary,
	[LP_DYN_BINARY] = gen_binary,
	[LP_DYN_COND] = gen_cond,
	[LP_DYN_ANY_OF] = lp_dyn_gen_items,
	[LP_DYN_ISINSTANCE] = lp_dyn_gen_items,
	[LP_DYN_STARTS] = lp_dyn_gen_items,
	[LP_DYN_ENDS] = lp_dyn_gen_items,
};

static bool has_jump(const struct lp_dyn_gen *g, size_t first)
{
	for (size_t i = first; i < g->e.code.len; i++)
		switch (g->e.code.data[i].op) {
		case LP_OP_JMP:
		case LP_OP_JZ:
		case LP_OP_JNZ:
			return true;
		}
	return false;
}

/* Loads a shared value where it isn't there yet. */
static void load_shared(struct lp_dyn_gen *g, const struct lp_dyn *t, uint8_t reg, bool *used)
{
	bool maybe = *used;
	size_t have = maybe ? lp_emit(&g->e, JNZ, .a = reg) : 0, first = g->e.code.len;
	uint8_t v = gens[t->kind](g, t);
	size_t n = g->e.code.len;

	/* the instruction that makes it can put it there */
	if (n > first && g->e.code.data[n - 1].dst == v && !has_jump(g, first))
		g->e.code.data[n - 1].dst = reg;
	else
		lp_emit(&g->e, MOV, .dst = reg, .a = v);
	lp_dyn_gen_drop(g, v);
	if (maybe)
		lp_emit_land(&g->e, have);
	*used = true;
}

uint8_t lp_dyn_gen_value(struct lp_dyn_gen *g, const struct lp_dyn *t)
{
	if (g->enter && t->needs == LP_NEEDS_ENTRY && t->kind != LP_DYN_TUPLE)
		return keep(g, t, false);
	for (unsigned int i = 0; i < g->n_shared; i++)
		if (g->shared[i].t == t) {
			load_shared(g, t, g->shared[i].reg, &g->shared[i].used);
			return g->shared[i].reg;
		}
	return gens[t->kind](g, t);
}

uint8_t lp_dyn_gen_truth(struct lp_dyn_gen *g, const struct lp_dyn *t)
{
	if (g->enter && t->needs == LP_NEEDS_ENTRY)
		return keep(g, t, true);
	if (t->kind == LP_DYN_BINARY && (t->op == LP_OPER_AND || t->op == LP_OPER_OR))
		return gen_logic(g, t, true);
	if (t->kind == LP_DYN_UNARY && t->op == LP_OPER_NOT) {
		uint8_t a = lp_dyn_gen_truth(g, t->a);

		lp_dyn_gen_drop(g, a);
		uint8_t r = lp_emit_reg(&g->e);
		lp_emit(&g->e, NOT, .dst = r, .a = a);
		return r;
	}
	if (t->type == LP_DYN_BOOL)
		return lp_dyn_gen_value(g, t);
	return gen_of(g, LP_OP_PY_TRUTH, lp_dyn_gen_value(g, t), "bool");
}

void lp_dyn_gen_capture(struct lp_dyn_gen *g, const struct lp_dyn *t, bool truth, uint16_t slot,
			const struct lp_limits *limits)
{
	size_t try = lp_emit(&g->e, TRY, .imm = slot);
	uint8_t r = truth ? lp_dyn_gen_truth(g, t) : lp_dyn_gen_value(g, t);

	if (truth) {
		uint8_t plain = r;

		lp_dyn_gen_drop(g, plain);
		r = lp_emit_reg(&g->e);
		lp_emit(&g->e, PY_BOOL, .dst = r, .a = plain);
	}
	lp_emit(&g->e, CAP_PY, .a = r, .n = LP_CAP(slot, sizeof(struct lp_py_value)),
		.imm = lp_python_limits(limits));
	lp_dyn_gen_drop(g, r);
	lp_emit_land(&g->e, try);
}
