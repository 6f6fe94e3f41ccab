// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "expr/gen.h"

bool lp_type_is_signed(const struct lp_type *t)
{
	t = lp_type_strip(t);
	return t->is_signed &&
	       (t->kind == LP_TYPE_INT || t->kind == LP_TYPE_CHAR || t->kind == LP_TYPE_ENUM);
}

void lp_gen_addi(struct lp_gen *g, uint8_t r, int64_t imm)
{
	if (imm)
		lp_emit(&g->e, ADDI, .dst = r, .a = r, .imm = (uint64_t)imm);
}

static void release_loc(struct lp_gen *g, const struct lp_loc *loc)
{
	if (loc->kind == LP_LOC_MEM || loc->kind == LP_LOC_VALUE)
		lp_emit_release(&g->e, loc->reg);
	for (size_t i = 0; loc->kind == LP_LOC_PIECES && i < loc->n_pieces; i++)
		release_loc(g, &loc->pieces[i].loc);
}

void lp_gen_release_spot(struct lp_gen *g, const struct lp_spot *spot)
{
	release_loc(g, &spot->loc);
}

static void locate(struct lp_gen *g, struct lp_scope *scope, const struct lp_var *var,
		   struct lp_spot *ret)
{
	int r = scope->ops->locate(scope, var, &g->e, &ret->loc, g->err);

	if (r >= 0)
		return;
	if (!g->status)
		g->status = r;
	ret->loc = (struct lp_loc){ .kind = LP_LOC_NONE, .why = LP_ST_OPTIMIZED_OUT };
}

static void move(struct lp_spot *spot, uint64_t bits)
{
	spot->bits += bits;
	if (spot->loc.kind == LP_LOC_MEM || spot->loc.kind == LP_LOC_MEM_MACH) {
		spot->loc.disp += (int64_t)spot->bits / 8;
		spot->bits %= 8;
	}
}

/* What the pointer at `spot` points to, without loading it where it is in a register already. */
static void through_pointer(struct lp_gen *g, const struct lp_tree *pointer, struct lp_spot *spot)
{
	if (spot->loc.kind == LP_LOC_POINTEE && pointer->kind == LP_TREE_VAR) {
		const struct lp_loc pointee = spot->loc;

		locate(g, pointer->scope, pointee.pointee, spot);
		move(spot, (uint64_t)pointee.disp * 8);
		return;
	}
	if (spot->bits == 0 && spot->loc.kind == LP_LOC_VALUE_MACH) {
		spot->loc.kind = LP_LOC_MEM_MACH;
		spot->loc.disp = 0;
		return;
	}

	uint8_t r = lp_gen_load(g, spot, pointer->type, 0);
	lp_gen_release_spot(g, spot);
	*spot = (struct lp_spot){ .loc = { .kind = LP_LOC_MEM, .reg = r } };
}

static bool is_pointer_cast(const struct lp_tree *t)
{
	return t->kind == LP_TREE_CONVERT && lp_tree_is_pointer(t) && lp_tree_is_pointer(t->a);
}

static void deref(struct lp_gen *g, const struct lp_tree *t, struct lp_spot *ret)
{
	const struct lp_tree *p = t->a;
	int64_t offset = 0;

	while (is_pointer_cast(p) ||
	       (p->kind == LP_TREE_BINARY && p->op == LP_OPER_ADD && p->b->kind == LP_TREE_INT)) {
		if (p->kind == LP_TREE_BINARY)
			offset += (int64_t)p->b->value;
		p = p->a;
	}
	if (p->kind == LP_TREE_ADDRESS) {
		lp_gen_spot(g, p->a, ret);
	} else if (lp_tree_is_object(p) && !(g->enter && p->needs == LP_NEEDS_ENTRY)) {
		lp_gen_spot(g, p, ret);
		through_pointer(g, p, ret);
	} else {
		ret->loc = (struct lp_loc){ .kind = LP_LOC_MEM, .reg = lp_gen_value(g, p) };
	}
	move(ret, (uint64_t)offset * 8);
}

void lp_gen_spot(struct lp_gen *g, const struct lp_tree *t, struct lp_spot *ret)
{
	*ret = (struct lp_spot){ 0 };
	switch (t->kind) {
	case LP_TREE_VAR:
		/* the frame is gone, and what was carried over is the values alone */
		if (g->enter && (t->needs & LP_NEEDS_ENTRY) && t->var.kind != LP_VAR_GLOBAL &&
		    !g->status)
			g->status = lp_err_at(g->err, EINVAL, t->col, t->width,
					      "this is gone when the function returns: it cannot "
					      "be used together with $return or $elapsed");
		locate(g, t->scope, &t->var, ret);
		break;
	case LP_TREE_MEMBER:
		lp_gen_spot(g, t->a, ret);
		move(ret, t->bit_offset);
		break;
	default:
		deref(g, t, ret);
		break;
	}
}

/* A value that is known not to be had. */
static uint8_t fail(struct lp_gen *g, enum lp_status why)
{
	lp_emit(&g->e, FAIL, .imm = why);
	if (!g->conditional)
		g->never = true;
	return lp_emit_reg(&g->e);
}

static uint8_t load_memory(struct lp_gen *g, const struct lp_loc *loc, int64_t offset, uint32_t n)
{
	uint8_t r = lp_emit_reg(&g->e);
	uint64_t imm = (uint64_t)(loc->disp + offset);

	if (loc->kind == LP_LOC_MEM)
		lp_emit(&g->e, LOAD, .dst = r, .a = loc->reg, .n = n, .imm = imm);
	else
		lp_emit(&g->e, LOADM, .dst = r, .b = loc->reg, .n = n, .imm = imm);
	return r;
}

static void bits(struct lp_gen *g, uint8_t r, uint64_t off, uint64_t width, bool is_signed)
{
	bool whole = off == 0 && (width == 8 || width == 16 || width == 32);

	if (off == 0 && width == 64)
		return;
	if (whole)
		lp_emit(&g->e, EXT, .dst = r, .a = r,
			.n = (uint32_t)(width / 8) | (is_signed ? LP_SIGNED : 0));
	else
		lp_emit(&g->e, BITS, .dst = r, .a = r, .imm = LP_BITS(off, width, is_signed));
}

/* hi << by | lo, in lo */
static void join(struct lp_gen *g, uint8_t lo, uint8_t hi, uint64_t by)
{
	uint8_t n = lp_emit_reg(&g->e);

	lp_emit(&g->e, IMM, .dst = n, .imm = by);
	lp_emit(&g->e, SHL, .dst = hi, .a = hi, .b = n);
	lp_emit(&g->e, OR, .dst = lo, .a = lo, .b = hi);
	lp_emit_release(&g->e, n);
	lp_emit_release(&g->e, hi);
}

static uint8_t load_bit_field(struct lp_gen *g, const struct lp_spot *spot, uint64_t size,
			      uint32_t width, bool is_signed)
{
	/* its declared type's unit, as the compiler reads it, so that no byte beyond the struct is
	 * touched; a packed one begins at its own first byte
	 */
	uint64_t off = spot->bits;
	int64_t start = 0, back = spot->loc.disp & (int64_t)(size - 1);

	if ((uint64_t)back * 8 + off + width <= size * 8) {
		start = -back;
		off += (uint64_t)back * 8;
	} else {
		for (size = 1; size < 8 && off + width > size * 8;)
			size *= 2;
	}

	uint8_t lo = load_memory(g, &spot->loc, start, (uint32_t)size);
	if (off + width <= 64) {
		bits(g, lo, off, width, is_signed);
		return lo;
	}
	bits(g, lo, off, 64 - off, false);
	join(g, lo, load_memory(g, &spot->loc, start + 8, 1), 64 - off);
	bits(g, lo, 0, width, is_signed);
	return lo;
}

static uint8_t load_const(struct lp_gen *g, const struct lp_spot *spot, uint64_t width,
			  bool is_signed)
{
	const uint8_t *bytes = spot->loc.bytes;
	uint64_t v = 0;

	if (spot->loc.len > UINT32_MAX || spot->bits > spot->loc.len * 8 ||
	    spot->bits + width > spot->loc.len * 8)
		return fail(g, LP_ST_OPTIMIZED_OUT);
	for (uint64_t i = 0; i < width; i++) {
		uint64_t bit = spot->bits + i;

		v |= (uint64_t)(bytes[bit / 8] >> bit % 8 & 1) << i;
	}
	if (is_signed && width < 64 && v >> (width - 1) & 1)
		v |= ~0ull << width;

	uint8_t r = lp_emit_reg(&g->e);
	lp_emit(&g->e, IMM, .dst = r, .imm = v);
	return r;
}

static uint8_t load_bits(struct lp_gen *g, const struct lp_spot *spot, uint64_t width,
			 bool is_signed);

static uint8_t load_pieces(struct lp_gen *g, const struct lp_spot *spot, uint64_t width,
			   bool is_signed)
{
	uint64_t start = 0, done = 0;
	uint8_t r = 0;

	for (size_t i = 0; i < spot->loc.n_pieces && done < width; i++) {
		const struct lp_piece *p = &spot->loc.pieces[i];
		uint64_t want = spot->bits + done, end = start + p->bit_size;

		if (want < end) {
			uint64_t n = end - want < width - done ? end - want : width - done;
			struct lp_spot sub = { .loc = p->loc };

			move(&sub, p->bit_offset + want - start);
			uint8_t v = load_bits(g, &sub, n, false);
			if (done)
				join(g, r, v, done);
			else
				r = v;
			done += n;
		}
		start = end;
	}
	if (done < width) {
		if (done)
			lp_emit_release(&g->e, r);
		return fail(g, LP_ST_OPTIMIZED_OUT);
	}
	if (is_signed)
		bits(g, r, 0, width, true);
	return r;
}

/* Up to 64 bits from the spot on, extended. */
static uint8_t load_bits(struct lp_gen *g, const struct lp_spot *spot, uint64_t width,
			 bool is_signed)
{
	const struct lp_loc *loc = &spot->loc;
	uint8_t r;

	switch (loc->kind) {
	case LP_LOC_MEM:
	case LP_LOC_MEM_MACH:
		if (spot->bits == 0 && width % 8 == 0 && (width & (width - 1)) == 0)
			return load_memory(g, loc, 0,
					   (uint32_t)width / 8 | (is_signed ? LP_SIGNED : 0));
		return load_bit_field(g, spot, 1, (uint32_t)width, is_signed);
	case LP_LOC_VALUE:
	case LP_LOC_VALUE_MACH:
		if (spot->bits > 64 || spot->bits + width > 64)
			return fail(g, LP_ST_UNAVAILABLE);
		r = lp_emit_reg(&g->e);
		if (loc->kind == LP_LOC_VALUE)
			lp_emit(&g->e, MOV, .dst = r, .a = loc->reg);
		else
			lp_emit(&g->e, REG, .dst = r, .b = loc->reg);
		bits(g, r, spot->bits, width, is_signed);
		return r;
	case LP_LOC_CONST:
		return load_const(g, spot, width, is_signed);
	case LP_LOC_PIECES:
		return load_pieces(g, spot, width, is_signed);
	case LP_LOC_NONE:
		return fail(g, loc->why);
	case LP_LOC_POINTEE:
		break;
	}
	return fail(g, LP_ST_OPTIMIZED_OUT);
}

uint8_t lp_gen_load(struct lp_gen *g, const struct lp_spot *spot, const struct lp_type *type,
		    uint32_t bit_size)
{
	const struct lp_type *t = lp_type_strip(type);
	bool is_memory = spot->loc.kind == LP_LOC_MEM || spot->loc.kind == LP_LOC_MEM_MACH;
	bool is_signed = lp_type_is_signed(t);

	if (t->size == 0 || t->size > 8 || bit_size > 64)
		return fail(g, LP_ST_UNAVAILABLE);
	if (bit_size && is_memory)
		return load_bit_field(g, spot, t->size, bit_size, is_signed);
	return load_bits(g, spot, bit_size ? bit_size : t->size * 8, is_signed);
}

uint8_t lp_gen_address(struct lp_gen *g, struct lp_spot *spot)
{
	uint8_t r;

	switch (spot->loc.kind) {
	case LP_LOC_MEM:
		lp_gen_addi(g, spot->loc.reg, spot->loc.disp);
		return spot->loc.reg;
	case LP_LOC_MEM_MACH:
		r = lp_emit_reg(&g->e);
		lp_emit(&g->e, REG, .dst = r, .b = spot->loc.reg, .imm = (uint64_t)spot->loc.disp);
		return r;
	case LP_LOC_NONE:
		return fail(g, spot->loc.why);
	default:
		/* it has no memory at this place */
		lp_gen_release_spot(g, spot);
		return fail(g, LP_ST_OPTIMIZED_OUT);
	}
}
