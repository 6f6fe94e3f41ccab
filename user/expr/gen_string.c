// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "expr/gen.h"

static uint32_t smaller(size_t a, size_t b)
{
	return (uint32_t)(a < b ? a : b);
}

/* Raises where v is at least n: the string is longer than what was looked at. */
static void raise_if_cut(struct lp_gen *g, uint8_t v, uint32_t n)
{
	uint8_t fits = lp_emit_reg(&g->e);

	lp_emit(&g->e, LTUI, .dst = fits, .a = v, .imm = n);
	size_t ok = lp_emit(&g->e, JNZ, .a = fits);
	lp_emit(&g->e, FAIL, .imm = LP_ST_NO_ROOM);
	lp_emit_land(&g->e, ok);
	lp_emit_release(&g->e, fits);
}

/* An array whose bytes the debug information itself has. */
static bool load_constant(struct lp_gen *g, uint8_t k, const struct lp_spot *spot, size_t n)
{
	size_t at = spot->bits / 8;

	if (spot->loc.kind != LP_LOC_CONST || at > spot->loc.len)
		return false;
	const char *s = (const char *)spot->loc.bytes + at;
	lp_emit_const_string(&g->e, k, s, strnlen(s, smaller(n, spot->loc.len - at)));
	return true;
}

/* The address of the bytes; 255: the constant is loaded already. */
#define LOADED 255

static uint8_t string_address(struct lp_gen *g, uint8_t k, const struct lp_tree *t, size_t n)
{
	struct lp_spot spot;

	if (lp_type_strip(t->type)->kind != LP_TYPE_ARRAY)
		return lp_gen_value(g, t);
	lp_gen_spot(g, t, &spot);
	if (load_constant(g, k, &spot, n))
		return LOADED;
	return lp_gen_address(g, &spot);
}

/* String operand t into buffer k: its first n bytes. */
static void load_string(struct lp_gen *g, uint8_t k, const struct lp_tree *t, uint32_t n)
{
	if (t->kind == LP_TREE_STRING) {
		lp_emit_const_string(&g->e, k, t->str, t->len);
		return;
	}
	if (t->kind == LP_TREE_COMM) {
		lp_emit(&g->e, COMMLD, .dst = k);
		return;
	}
	if (t->kind == LP_TREE_SLICE) {
		uint8_t a = lp_gen_value(g, t->a), b = lp_gen_value(g, t->b);

		lp_emit(&g->e, MEMLD, .dst = k, .a = a, .b = b, .n = n);
		lp_emit_release(&g->e, a);
		lp_emit_release(&g->e, b);
		return;
	}

	n = smaller(n, lp_tree_max_len(t));
	uint8_t a = string_address(g, k, t, n);
	if (a == LOADED)
		return;
	lp_emit(&g->e, STRLD, .dst = k, .a = a, .n = n);
	lp_emit_release(&g->e, a);
}

/* The end of a string is looked at: all of it must fit into the buffer. */
static void check_length(struct lp_gen *g, const struct lp_tree *t)
{
	if (lp_tree_max_len(t) <= LP_STRBUF_MAX)
		return;
	if (t->kind == LP_TREE_SLICE) {
		uint8_t n = lp_gen_value(g, t->b);

		raise_if_cut(g, n, LP_STRBUF_MAX + 1);
		lp_emit_release(&g->e, n);
		return;
	}

	uint8_t a = string_address(g, 0, t, LP_STRBUF_MAX);
	if (a == LOADED)
		return;
	lp_emit(&g->e, STRLEN, .dst = a, .a = a, .n = LP_STRBUF_MAX + 1);
	raise_if_cut(g, a, LP_STRBUF_MAX + 1);
	lp_emit_release(&g->e, a);
}

static uint8_t gen_order(struct lp_gen *g, const struct lp_tree *t)
{
	size_t la = lp_tree_max_len(t->a), lb = lp_tree_max_len(t->b);
	uint32_t n = smaller(smaller(la, lb) + 1, LP_STRBUF_MAX);
	bool swap = t->op == LP_OPER_GT || t->op == LP_OPER_LE;
	bool is_equality = t->op == LP_OPER_EQ || t->op == LP_OPER_NE;

	/* one byte more than the shorter can have tells everything about the longer */
	load_string(g, swap, t->a, n);
	load_string(g, !swap, t->b, n);

	uint8_t r = lp_emit_reg(&g->e);
	if (is_equality)
		lp_emit(&g->e, STREQ, .dst = r);
	else
		lp_emit(&g->e, STRLT, .dst = r);
	if (t->op == LP_OPER_NE || t->op == LP_OPER_LE || t->op == LP_OPER_GE)
		lp_emit(&g->e, NOT, .dst = r, .a = r);
	return r;
}

uint8_t lp_gen_strcmp(struct lp_gen *g, const struct lp_tree *t)
{
	if (t->strop == LP_STR_COMPARE)
		return gen_order(g, t);

	bool is_prefix = t->strop == LP_STR_PREFIX;
	if (!is_prefix)
		check_length(g, t->a);
	load_string(g, 0, t->a,
		    is_prefix ? smaller(lp_tree_max_len(t->b), LP_STRBUF_MAX) : LP_STRBUF_MAX);
	load_string(g, 1, t->b, LP_STRBUF_MAX);

	uint8_t r = lp_emit_reg(&g->e);
	if (is_prefix)
		lp_emit(&g->e, STRPRE, .dst = r);
	else if (t->strop == LP_STR_SUFFIX)
		lp_emit(&g->e, STRSUF, .dst = r);
	else
		lp_emit(&g->e, STRHAS, .dst = r);
	return r;
}

uint8_t lp_gen_strlen(struct lp_gen *g, const struct lp_tree *t)
{
	uint8_t r = string_address(g, 0, t->a, LP_READ_MAX);

	if (r == LOADED) {
		r = lp_emit_reg(&g->e);
		lp_emit(&g->e, FAIL, .imm = LP_ST_UNAVAILABLE);
		return r;
	}
	lp_emit(&g->e, STRLEN, .dst = r, .a = r, .n = LP_READ_MAX);
	raise_if_cut(g, r, LP_READ_MAX);
	return r;
}
