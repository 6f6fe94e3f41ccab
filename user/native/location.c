// SPDX-License-Identifier: GPL-2.0-only
#include "native/location.h"

#include <dwarf.h>
#include <string.h>

#include "native/cfi.h"
#include "native/location_impl.h"
#include "native/scope_die.h"

#define PIECES_MAX     32
#define PIECE_BITS_MAX (1u << 20)

struct lp_loc lp_location_none(enum lp_status why)
{
	return (struct lp_loc){ .kind = LP_LOC_NONE, .why = why };
}

struct lp_loc lp_location_register(unsigned int reg)
{
	if (reg > 15)
		return lp_location_none(LP_ST_UNAVAILABLE);
	return (struct lp_loc){ .kind = LP_LOC_VALUE_MACH, .reg = (uint8_t)reg };
}

struct lp_loc lp_location_link(struct lp_emit *e, uint64_t vaddr)
{
	uint8_t r = lp_emit_reg(e);

	lp_emit(e, CTX, .dst = r, .n = LP_CTX_BIAS);
	return (struct lp_loc){ .kind = LP_LOC_MEM, .reg = r, .disp = (int64_t)vaddr };
}

/* What ends an expression or a piece of it: a description of where the value is. */
static bool describes(unsigned int atom)
{
	return (atom >= DW_OP_reg0 && atom <= DW_OP_reg31) || atom == DW_OP_regx ||
	       atom == DW_OP_stack_value || atom == DW_OP_implicit_value ||
	       atom == DW_OP_implicit_pointer || atom == DW_OP_GNU_implicit_pointer;
}

static bool point(struct lp_eval_dwarf *ev, const Dwarf_Op *op, struct lp_part *ret)
{
	Dwarf_Die die;

	if (!ev->attr || !ev->at->pointee || dwarf_getlocation_die(ev->attr, op, &die) != 0)
		return lp_eval_fail(ev, LP_ST_OPTIMIZED_OUT);
	ret->kind = LP_PART_POINTEE;
	ret->disp = (int64_t)op->number2;
	ret->pointee = ev->at->pointee(ev->at->pointee_arg, &die);
	if (!ret->pointee)
		ev->nomem = true;
	return ret->pointee != NULL;
}

static bool describe(struct lp_eval_dwarf *ev, const Dwarf_Op *op, struct lp_part *ret)
{
	Dwarf_Block block;

	*ret = (struct lp_part){ 0 };
	switch (op->atom) {
	case DW_OP_stack_value:
		ret->kind = LP_PART_VALUE;
		return lp_eval_pop(ev, &ret->item);
	case DW_OP_implicit_value:
		if (!ev->attr || dwarf_getlocation_implicit_value(ev->attr, op, &block) != 0)
			return lp_eval_fail(ev, LP_ST_UNAVAILABLE);
		ret->kind = LP_PART_BYTES;
		ret->bytes = block.data;
		ret->len = block.length;
		return true;
	case DW_OP_implicit_pointer:
	case DW_OP_GNU_implicit_pointer:
		return point(ev, op, ret);
	default:
		if (ev->at->no_regs)
			return lp_eval_fail(ev, ev->at->no_regs);
		ret->kind = LP_PART_REG;
		ret->reg = op->atom - DW_OP_reg0;
		if (op->atom == DW_OP_regx)
			ret->reg = op->number < UINT16_MAX ? (unsigned int)op->number : UINT16_MAX;
		return true;
	}
}

static bool step(struct lp_eval_dwarf *ev, const Dwarf_Op *op)
{
	static bool (*const kinds[])(struct lp_eval_dwarf *, const Dwarf_Op *) = {
		lp_eval_stack_op,
		lp_eval_context_op,
		lp_eval_arith_op,
	};

	for (size_t i = 0; i < LP_ARRAY_SIZE(kinds); i++) {
		ev->why = LP_ST_OK;
		if (kinds[i](ev, op))
			return true;
		if (ev->why != LP_ST_OK || ev->nomem)
			return false;
	}
	return lp_eval_fail(ev, LP_ST_UNAVAILABLE);
}

bool lp_eval_part(struct lp_eval_dwarf *ev, const Dwarf_Op *ops, size_t n, size_t *index,
		  struct lp_part *ret)
{
	bool described = false, done = false;

	*ret = (struct lp_part){ 0 };
	for (; *index < n; ++*index) {
		const Dwarf_Op *op = &ops[*index];
		bool ok;

		if (op->atom == DW_OP_piece || op->atom == DW_OP_bit_piece)
			break;
		/* nothing can follow a description but the next piece */
		if (described || ++ev->steps > LP_LOC_STEPS_MAX)
			return lp_eval_fail(ev, LP_ST_UNAVAILABLE);
		if (op->atom == DW_OP_skip || op->atom == DW_OP_bra)
			ok = lp_eval_jump(ev, ops, n, index, &done, ret);
		else if ((described = describes(op->atom)))
			ok = describe(ev, op, ret);
		else
			ok = step(ev, op);
		if (!ok || done)
			return ok;
	}
	if (!described && ev->depth > 0) {
		ret->kind = LP_PART_MEM;
		return lp_eval_pop(ev, &ret->item);
	}
	return true;
}

bool lp_eval_nested(struct lp_eval_dwarf *ev, const struct lp_loc_at *at, Dwarf_Attribute *attr,
		    const Dwarf_Op *ops, size_t n, struct lp_item *ret)
{
	struct lp_eval_dwarf *inner;
	struct lp_part part = { 0 };
	size_t index = 0;

	if (ev->nesting >= LP_LOC_DEPTH_MAX || n > LP_LOC_STEPS_MAX)
		return lp_eval_fail(ev, LP_ST_UNAVAILABLE);
	inner = lp_arena_new(ev->at->arena, struct lp_eval_dwarf);
	if (!inner) {
		ev->nomem = true;
		return false;
	}
	inner->at = at;
	inner->emit = ev->emit;
	inner->attr = attr;
	inner->nesting = ev->nesting + 1;
	inner->forks = ev->forks;
	inner->steps = ev->steps;

	bool ok = lp_eval_part(inner, ops, n, &index, &part) && index == n;
	/* a register names its content: the frame base is in rbp, the value is what rdi had */
	if (ok && part.kind == LP_PART_REG) {
		part.kind = LP_PART_VALUE;
		ok = lp_eval_push_register(inner, part.reg, 0) && lp_eval_pop(inner, &part.item);
	}
	ev->owned |= inner->owned;
	ev->steps = inner->steps;
	ev->nomem |= inner->nomem;
	if (!ok)
		return lp_eval_fail(ev, inner->why ? inner->why : LP_ST_UNAVAILABLE);
	if (part.kind != LP_PART_MEM && part.kind != LP_PART_VALUE)
		return lp_eval_fail(ev, LP_ST_UNAVAILABLE);
	*ret = part.item;
	return true;
}

static bool constant(struct lp_eval_dwarf *ev, int64_t k, uint64_t size, struct lp_loc *ret)
{
	uint64_t v = (uint64_t)k;

	ret->kind = LP_LOC_CONST;
	ret->len = size && size < 8 ? size : 8;
	ret->bytes = lp_arena_dup(ev->at->arena, &v, sizeof(v));
	ev->nomem |= !ret->bytes;
	return ret->bytes;
}

/* size: bytes wanted, 0 if not known. */
static bool finish_value(struct lp_eval_dwarf *ev, const struct lp_item *item, uint64_t size,
			 struct lp_loc *ret)
{
	if (size > 8)
		return lp_eval_fail(ev, LP_ST_UNAVAILABLE);
	if (item->kind == LP_ITEM_CONST)
		return constant(ev, item->k, size, ret);
	if (item->kind == LP_ITEM_MACH && item->k == 0) {
		*ret = lp_location_register(item->reg);
		return true;
	}
	ret->kind = LP_LOC_VALUE;
	return lp_eval_load(ev, item, &ret->reg);
}

static bool finish_mem(struct lp_eval_dwarf *ev, const struct lp_item *item, struct lp_loc *ret)
{
	struct lp_item base = *item;

	ret->disp = item->k;
	if (item->kind == LP_ITEM_MACH) {
		ret->kind = LP_LOC_MEM_MACH;
		ret->reg = item->reg;
		return true;
	}
	ret->kind = LP_LOC_MEM;
	if (item->kind == LP_ITEM_LINK) {
		if (!lp_eval_reg(ev, &ret->reg))
			return false;
		lp_emit(ev->emit, CTX, .dst = ret->reg, .n = LP_CTX_BIAS);
		return true;
	}
	base.k = 0;
	return lp_eval_load(ev, &base, &ret->reg);
}

static bool finish(struct lp_eval_dwarf *ev, const struct lp_part *part, uint64_t size,
		   struct lp_loc *ret)
{
	*ret = (struct lp_loc){ 0 };
	switch (part->kind) {
	case LP_PART_EMPTY:
		*ret = lp_location_none(LP_ST_OPTIMIZED_OUT);
		return true;
	case LP_PART_MEM:
		return finish_mem(ev, &part->item, ret);
	case LP_PART_VALUE:
		return finish_value(ev, &part->item, size, ret);
	case LP_PART_REG:
		*ret = size > 8 ? lp_location_none(LP_ST_UNAVAILABLE)
				: lp_location_register(part->reg);
		return true;
	case LP_PART_BYTES:
		ret->kind = LP_LOC_CONST;
		ret->bytes = part->bytes;
		ret->len = part->len;
		return size <= part->len || lp_eval_fail(ev, LP_ST_UNAVAILABLE);
	case LP_PART_POINTEE:
		*ret = (struct lp_loc){ .kind = LP_LOC_POINTEE,
					.disp = part->disp,
					.pointee = part->pointee };
		return true;
	}
	return false;
}

/* One piece; the value's own bits beyond `left` are not part of it. */
static bool finish_piece(struct lp_eval_dwarf *ev, const Dwarf_Op *op, const struct lp_part *part,
			 uint64_t left, struct lp_piece *ret)
{
	bool bits = op->atom == DW_OP_bit_piece;
	uint64_t size = bits ? op->number : op->number * 8, offset = bits ? op->number2 : 0;

	if (op->number > PIECE_BITS_MAX || offset > PIECE_BITS_MAX || size == 0)
		return lp_eval_fail(ev, LP_ST_UNAVAILABLE);
	if (size > left)
		size = left;

	uint64_t bytes = (offset + size + 7) / 8;
	ret->bit_size = (uint32_t)size;
	ret->bit_offset = (uint32_t)offset;
	if (!finish(ev, part, part->kind == LP_PART_MEM ? 0 : bytes, &ret->loc)) {
		if (ev->nomem)
			return false;
		ret->loc = lp_location_none(ev->why);
	}
	return true;
}

static bool run_pieces(struct lp_eval_dwarf *ev, const Dwarf_Op *ops, size_t n, uint64_t size,
		       struct lp_loc *ret)
{
	struct lp_piece *pieces = lp_arena_array(ev->at->arena, struct lp_piece, PIECES_MAX);
	uint64_t left = size ? size * 8 : PIECE_BITS_MAX;
	size_t count = 0;

	ev->nomem |= !pieces;
	if (ev->nomem)
		return false;
	for (size_t i = 0; i < n && left > 0; i++) {
		struct lp_part part = { 0 };

		if (count + 1 >= PIECES_MAX)
			return lp_eval_fail(ev, LP_ST_UNAVAILABLE);
		bool ok = lp_eval_part(ev, ops, n, &i, &part);
		if (ev->nomem)
			return false;
		for (; !ok && i < n; i++)
			if (ops[i].atom == DW_OP_piece || ops[i].atom == DW_OP_bit_piece)
				break;
		if (i >= n)
			return lp_eval_fail(ev, LP_ST_UNAVAILABLE);
		enum lp_status why = ev->why;
		if (!finish_piece(ev, &ops[i], &part, left, &pieces[count]))
			return false;
		/* a piece that can't be had is a hole in the value; the others are still true */
		if (!ok)
			pieces[count].loc = lp_location_none(why);
		ev->depth = 0;
		left -= pieces[count++].bit_size;
	}
	if (size && left) /* the rest was never described */
		pieces[count++] = (struct lp_piece){ .bit_size = (uint32_t)left,
						     .loc = lp_location_none(LP_ST_OPTIMIZED_OUT) };
	*ret = (struct lp_loc){ .kind = LP_LOC_PIECES, .pieces = pieces, .n_pieces = count };
	return true;
}

static bool run(struct lp_eval_dwarf *ev, const Dwarf_Op *ops, size_t n, uint64_t size,
		struct lp_loc *ret)
{
	struct lp_part part;
	size_t index = 0;

	if (n > LP_LOC_STEPS_MAX || size > PIECE_BITS_MAX)
		return lp_eval_fail(ev, LP_ST_UNAVAILABLE);
	for (size_t i = 0; i < n; i++)
		if (ops[i].atom == DW_OP_piece || ops[i].atom == DW_OP_bit_piece)
			return run_pieces(ev, ops, n, size, ret);
	return lp_eval_part(ev, ops, n, &index, &part) && finish(ev, &part, size, ret);
}

static uint32_t handed_out(const struct lp_loc *loc)
{
	uint32_t regs = 0;

	if (loc->kind == LP_LOC_MEM || loc->kind == LP_LOC_VALUE)
		return 1u << loc->reg;
	for (size_t i = 0; loc->kind == LP_LOC_PIECES && i < loc->n_pieces; i++)
		regs |= handed_out(&loc->pieces[i].loc);
	return regs;
}

/* Runs; leaves no code of a location that turns out to be none. */
static int evaluate(struct lp_eval_dwarf *ev, const Dwarf_Op *ops, size_t n, uint64_t size,
		    struct lp_loc *ret)
{
	size_t code = ev->emit->code.len;
	uint32_t regs = ev->emit->regs;

	if (!run(ev, ops, n, size, ret)) {
		ev->emit->code.len = code;
		ev->emit->regs = regs;
		*ret = lp_location_none(ev->why);
		return ev->nomem ? -ENOMEM : 0;
	}
	ev->emit->regs = regs | handed_out(ret);
	return 0;
}

int lp_location_of(const struct lp_loc_at *at, Dwarf_Die *die, Dwarf_Attribute *attr, uint64_t size,
		   struct lp_emit *e, struct lp_loc *ret)
{
	struct lp_eval_dwarf *ev = lp_arena_new(at->arena, struct lp_eval_dwarf);
	Dwarf_Op *ops;
	size_t n;

	if (!ev)
		return -ENOMEM;
	ev->at = at;
	ev->emit = e;
	ev->attr = attr;
	switch (lp_location_find(at, die, attr, &ops, &n)) {
	case 0:
		*ret = lp_location_none(LP_ST_OPTIMIZED_OUT);
		return 0;
	case 1:
		return evaluate(ev, ops, n, size, ret);
	default:
		*ret = lp_location_none(LP_ST_UNAVAILABLE);
		return 0;
	}
}

int lp_location_cfa(const struct lp_loc_at *at, int64_t disp, struct lp_emit *e, struct lp_loc *ret)
{
	struct lp_eval_dwarf *ev = lp_arena_new(at->arena, struct lp_eval_dwarf);
	Dwarf_Op ops[] = { { .atom = DW_OP_call_frame_cfa },
			   { .atom = DW_OP_plus_uconst, .number = (Dwarf_Word)disp } };

	if (!ev)
		return -ENOMEM;
	ev->at = at;
	ev->emit = e;
	return evaluate(ev, ops, LP_ARRAY_SIZE(ops), 0, ret);
}
