// SPDX-License-Identifier: GPL-2.0-only
#include "expr/uses.h"

#include "base/auto.h"
#include "expr/ast.h"

#define ARITH (LP_PY_USE(PY_ARITH) | LP_PY_USE(PY_NEG) | LP_PY_USE(PY_INV))
#define IN    (LP_PY_USE(PY_IN) | LP_PY_USE(PY_COMPARE))

/* What every program may have, as names and constants are, or is no matter. */
#define ALWAYS                                                                                     \
	(LP_PY_USE(PY_INT) | LP_PY_USE(PY_FLOAT) | LP_PY_USE(PY_BOOL) | LP_PY_USE(PY_NONE) |       \
	 LP_PY_USE(PY_STR) | LP_PY_USE(PY_BYTES) | LP_PY_USE(PY_FAST) | LP_PY_USE(PY_CELL) |       \
	 LP_PY_USE(PY_NAME) | LP_PY_USE(PY_GLOBAL) | LP_PY_USE(PY_RETURN) | LP_PY_USE(PY_CONST) |  \
	 LP_PY_USE(PY_BIG) | LP_PY_USE(PY_TUPLE) | LP_PY_USE(PY_OBJECT) | LP_PY_USE(PY_TYPE) |     \
	 LP_PY_USE(PY_IS) | LP_PY_USE(CAP_PY) | LP_PY_USE(CAP_PYTASK))

static const uint64_t of_node[] = {
	[LP_NODE_DOLLAR] = LP_PY_USE(CAP_PYSTACK) | LP_PY_USE(PY_WHO), /* $caller */
	[LP_NODE_LIST] = IN,
	[LP_NODE_MEMBER] = LP_PY_USE(PY_ATTR),
	[LP_NODE_INDEX] = LP_PY_USE(PY_ITEM),
	[LP_NODE_SLICE] = LP_PY_USE(PY_SLICE),
	[LP_NODE_ISINSTANCE] = LP_PY_USE(PY_ISINSTANCE) | LP_PY_USE(PY_ATTR),
	[LP_NODE_CALL] = LP_PY_USE(PY_LEN),
	[LP_NODE_METHOD] = LP_PY_USE(PY_STARTS) | LP_PY_USE(PY_ENDS),
};

static const uint64_t of_operator[LP_OPER_COUNT] = {
	[LP_OPER_EQ] = LP_PY_USE(PY_COMPARE),
	[LP_OPER_NE] = LP_PY_USE(PY_COMPARE),
	[LP_OPER_LT] = LP_PY_USE(PY_COMPARE),
	[LP_OPER_LE] = LP_PY_USE(PY_COMPARE),
	[LP_OPER_GT] = LP_PY_USE(PY_COMPARE),
	[LP_OPER_GE] = LP_PY_USE(PY_COMPARE),
	[LP_OPER_IN] = IN,
	[LP_OPER_NOT_IN] = IN,
	[LP_OPER_BIT_OR] = ARITH,
	[LP_OPER_BIT_XOR] = ARITH,
	[LP_OPER_BIT_AND] = ARITH,
	[LP_OPER_SHL] = ARITH,
	[LP_OPER_SHR] = ARITH,
	[LP_OPER_ADD] = ARITH,
	[LP_OPER_SUB] = ARITH,
	[LP_OPER_MUL] = ARITH,
	[LP_OPER_DIV] = ARITH,
	[LP_OPER_MOD] = ARITH,
	[LP_OPER_FLOORDIV] = ARITH,
	[LP_OPER_POW] = ARITH,
	[LP_OPER_NEG] = ARITH,
	[LP_OPER_PLUS] = ARITH,
	[LP_OPER_INV] = ARITH,
};

static uint64_t uses(const struct lp_node *n);

static bool is_negative_number(const struct lp_node *n)
{
	return n->kind == LP_NODE_UNARY && n->op == LP_OPER_NEG &&
	       (n->a->kind == LP_NODE_INT || n->a->kind == LP_NODE_FLOAT);
}

static bool is_logic(const struct lp_node *n)
{
	return (n->kind == LP_NODE_BINARY && (n->op == LP_OPER_AND || n->op == LP_OPER_OR)) ||
	       (n->kind == LP_NODE_UNARY && n->op == LP_OPER_NOT);
}

static bool is_bool(const struct lp_node *n)
{
	static const uint64_t operators =
		1ull << LP_OPER_EQ | 1ull << LP_OPER_NE | 1ull << LP_OPER_LT | 1ull << LP_OPER_LE |
		1ull << LP_OPER_GT | 1ull << LP_OPER_GE | 1ull << LP_OPER_IN |
		1ull << LP_OPER_NOT_IN | 1ull << LP_OPER_IS | 1ull << LP_OPER_IS_NOT;

	return n->kind == LP_NODE_BOOL || n->kind == LP_NODE_METHOD ||
	       n->kind == LP_NODE_ISINSTANCE ||
	       (n->kind == LP_NODE_BINARY && operators >> n->op & 1);
}

static uint64_t truth(const struct lp_node *n)
{
	return uses(n) | (is_bool(n) || is_logic(n) ? 0 : LP_PY_USE(PY_TRUTH));
}

static uint64_t uses(const struct lp_node *n)
{
	uint64_t mask;

	if (n && n->slices)
		n = n->slices;
	if (!n || is_negative_number(n))
		return 0;
	mask = (size_t)n->kind < LP_ARRAY_SIZE(of_node) ? of_node[n->kind] : 0;
	if (n->kind == LP_NODE_UNARY || n->kind == LP_NODE_BINARY)
		mask |= of_operator[n->op];
	for (size_t i = 0; i < n->n_items; i++)
		mask |= uses(n->items[i]);
	if (is_logic(n))
		return mask | truth(n->a) | (n->kind == LP_NODE_BINARY ? truth(n->b) : 0);
	return mask | (n->kind == LP_NODE_COND ? truth(n->a) : uses(n->a)) | uses(n->b) |
	       uses(n->c) | uses(n->d);
}

uint64_t lp_logpoint_uses(const struct lp_logpoint *lp)
{
	uint64_t mask = ALWAYS | (lp->with_stack ? LP_PY_USE(CAP_PYSTACK) : 0);

	if (lp->with_stack && lp->location.kind != LP_AT_UNCAUGHT)
		mask |= LP_PY_USE(CAP_PYAWAIT);

	if (lp_at_exception(lp->location.kind))
		mask |= LP_PY_USE(PY_EXC) | LP_PY_USE(PY_VAR) | LP_PY_USE(CAP_PYEXC) |
			LP_PY_USE(CAP_PYSTACK);
	if (lp->with_locals && (lp->with_stack || lp_at_exception(lp->location.kind)))
		mask |= LP_PY_USE(CAP_PYLOCALS);

	/* values are carried from the entry to the return */
	if (lp->location.kind == LP_AT_CALL || lp->location.kind == LP_AT_RETURN)
		mask |= ARITH | LP_PY_USE(PY_KEEP);
	for (size_t i = 0; i < lp->n_parts; i++)
		if (!lp->parts[i].literal)
			mask |= uses(lp->parts[i].expr);
	return mask | (lp->condition ? truth(lp->condition) : 0);
}

static bool sounds_lean(const struct lp_node *n)
{
	static const uint32_t others = 1u << LP_NODE_FLOAT | 1u << LP_NODE_STRING |
				       1u << LP_NODE_ISINSTANCE | 1u << LP_NODE_CALL |
				       1u << LP_NODE_METHOD;

	if (!n)
		return true;
	for (size_t i = 0; i < n->n_items; i++)
		if (!sounds_lean(n->items[i]))
			return false;
	return !(others >> n->kind & 1) && sounds_lean(n->a) && sounds_lean(n->b) &&
	       sounds_lean(n->c) && sounds_lean(n->d);
}

bool lp_logpoint_sounds_lean(const struct lp_logpoint *lp)
{
	if (lp->with_stack || !sounds_lean(lp->condition))
		return false;
	for (size_t i = 0; i < lp->n_parts; i++)
		if (!lp->parts[i].literal && !sounds_lean(lp->parts[i].expr))
			return false;
	return true;
}
