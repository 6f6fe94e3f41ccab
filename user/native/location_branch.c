// SPDX-License-Identifier: GPL-2.0-only
/* Jumps in DWARF expressions: what a minimum, a maximum or `a ? b : c` becomes. Where the condition
 * is known now, one way is followed. Else the hit decides: both ways are written, each up to the
 * end of the part, and leave their result in one register. A way whose end can't be had fails at
 * the hits that take it.
 */
#include <dwarf.h>

#include "native/location_impl.h"

/* The operation that a jump goes to, n for the end; false: none begins there. */
static bool target_of(const Dwarf_Op *ops, size_t n, const Dwarf_Op *op, size_t *ret)
{
	uint64_t target = op->offset + 3 + (uint64_t)(int64_t)(int16_t)op->number;

	for (size_t i = 0; i < n; i++) {
		if (ops[i].offset != target)
			continue;
		*ret = i;
		return true;
	}
	*ret = n;
	return (int64_t)target > (int64_t)ops[n - 1].offset;
}

/* A part's result in register `to`; false: it has none that fits in. */
static bool deliver(struct lp_eval_dwarf *ev, const struct lp_part *part, uint8_t to)
{
	struct lp_item item = part->item;
	uint8_t from;

	if (part->kind == LP_PART_REG) {
		if (!lp_eval_push_register(ev, part->reg, 0) || !lp_eval_pop(ev, &item))
			return false;
	} else if (part->kind != LP_PART_MEM && part->kind != LP_PART_VALUE) {
		return lp_eval_fail(ev, LP_ST_OPTIMIZED_OUT);
	}
	if (!lp_eval_load(ev, &item, &from))
		return false;
	lp_emit(ev->emit, MOV, .dst = to, .a = from);
	return true;
}

/* One of the two ways, from *index on. EMPTY: it fails. False: out of memory. */
static bool write_way(struct lp_eval_dwarf *ev, const Dwarf_Op *ops, size_t n, size_t *index,
		      uint8_t to, enum lp_part_kind *ret)
{
	size_t code = ev->emit->code.len;
	struct lp_part part;

	if (lp_eval_part(ev, ops, n, index, &part) && deliver(ev, &part, to)) {
		*ret = part.kind == LP_PART_MEM ? LP_PART_MEM : LP_PART_VALUE;
		return true;
	}
	if (ev->nomem)
		return false;
	ev->emit->code.len = code;
	lp_emit(ev->emit, FAIL, .imm = ev->why);
	*ret = LP_PART_EMPTY;
	return true;
}

static bool fork_here(struct lp_eval_dwarf *ev, const Dwarf_Op *ops, size_t n, size_t *index,
		      size_t target, uint8_t condition, uint8_t to, struct lp_part *ret)
{
	struct lp_item top = { .kind = LP_ITEM_VREG, .reg = condition };
	enum lp_part_kind taken, other;
	size_t end = *index + 1;

	size_t no = lp_emit(ev->emit, JZ, .a = condition);
	lp_eval_drop(ev, &top);
	struct lp_eval_dwarf *before = lp_arena_dup(ev->at->arena, ev, sizeof(*ev));
	uint32_t regs = ev->emit->regs;
	ev->nomem |= !before;
	if (ev->nomem || !write_way(ev, ops, n, &target, to, &taken))
		return false;

	size_t done = lp_emit(ev->emit, JMP);
	lp_emit_land(ev->emit, no);
	before->steps = ev->steps;
	enum lp_status why = ev->why;
	*ev = *before;
	ev->emit->regs = regs;
	if (!write_way(ev, ops, n, &end, to, &other))
		return false;
	lp_emit_land(ev->emit, done);
	before->steps = ev->steps;
	if (other == LP_PART_EMPTY)
		why = ev->why;
	*ev = *before;
	ev->emit->regs = regs;
	ev->depth = 0;

	if (taken == LP_PART_EMPTY && other == LP_PART_EMPTY)
		return lp_eval_fail(ev, why);
	/* one in memory and the other one not: nothing says at the hit which it was */
	bool agree = taken == other || taken == LP_PART_EMPTY || other == LP_PART_EMPTY;
	if (!agree || (taken && other && end != target))
		return lp_eval_fail(ev, LP_ST_UNAVAILABLE);
	*index = taken ? target : end;
	*ret = (struct lp_part){ .kind = taken ? taken : other,
				 .item = { .kind = LP_ITEM_VREG, .reg = to, .size = 8 } };
	return true;
}

bool lp_eval_jump(struct lp_eval_dwarf *ev, const Dwarf_Op *ops, size_t n, size_t *index,
		  bool *ret_done, struct lp_part *ret)
{
	const Dwarf_Op *op = &ops[*index];
	struct lp_item item = { .kind = LP_ITEM_CONST, .k = 1 };
	uint8_t condition, to;
	size_t target;

	if (op->atom == DW_OP_bra && !lp_eval_pop(ev, &item))
		return false;
	if (!target_of(ops, n, op, &target))
		return lp_eval_fail(ev, LP_ST_UNAVAILABLE);
	if (item.kind == LP_ITEM_CONST) {
		if (item.k)
			*index = target - 1; /* the caller goes on with the next one */
		return true;
	}
	if (ev->forks >= LP_LOC_FORKS_MAX || !lp_eval_reg(ev, &to) ||
	    !lp_eval_load(ev, &item, &condition))
		return lp_eval_fail(ev, LP_ST_UNAVAILABLE);
	ev->forks++;
	*ret_done = fork_here(ev, ops, n, index, target, condition, to, ret);
	ev->forks--;
	return *ret_done;
}
