// SPDX-License-Identifier: GPL-2.0-only
/* What a register held at the function's entry (DW_OP_entry_value): compilers ask for it where the
 * register has another value meanwhile. At the entry itself it is still there. Elsewhere it can be
 * worked out again from what the caller kept: which call it was says the return address, what was
 * passed says that call's DW_AT_call_value, in terms of registers that the function must restore
 * and of the caller's frame. All of that is code for the hit, one way for each direct call; at
 * the hits that came by another one the value is optimized out.
 */
#include <dwarf.h>

#include "native/callers.h"
#include "native/cfi.h"
#include "native/location_impl.h"
#include "native/scope_die.h"

#define MACH_REGS   16 /* rax..r15; what follows is no general register */
#define REG_RBP	    6
#define REG_RSP	    7
#define CODE_ENOUGH 512 /* instructions of one value */
#define FRAMES_MAX  3	/* that are gone up */

/* The register of a function that is not the innermost one, as its callee keeps it. */
static bool push_callers(struct lp_eval_dwarf *ev, unsigned int reg, int64_t k)
{
	const struct lp_loc_at *callee = ev->at->callee;
	lp_auto(lp_cfi_done) struct lp_cfi cfi = { 0 };
	struct lp_eval_dwarf *inner;
	struct lp_item item = { 0 };
	Dwarf_Op mem[3], *ops;
	size_t n;

	if (lp_cfi_at(callee->module, callee->vaddr, &cfi) < 0 ||
	    !lp_cfi_register(cfi.frame, reg, mem, &ops, &n))
		return lp_eval_fail(ev, LP_ST_UNAVAILABLE);
	inner = lp_arena_dup(ev->at->arena, ev, sizeof(*ev));
	if (!inner) {
		ev->nomem = true;
		return false;
	}
	inner->at = callee;
	inner->depth = 0;

	bool is_saved = n > 0 && n <= 2 && ops[0].atom == DW_OP_call_frame_cfa &&
			(n == 1 || ops[1].atom == DW_OP_plus_uconst);
	bool ok;
	if (reg == REG_RSP)
		ok = lp_eval_push_cfa(inner);
	else if (is_saved)
		ok = lp_eval_push_cfa(inner) && (n == 1 || lp_eval_arith_op(inner, &ops[1])) &&
		     lp_eval_arith_op(inner, &(Dwarf_Op){ .atom = DW_OP_deref });
	else if (n == 0)
		/* also one that calls may change: where a compiler says that it holds what was passed, it
		 * knows that this callee leaves it alone (DWARF 5, 3.4.2; gcc's -fipa-ra)
		 */
		ok = lp_eval_push_register(inner, reg, 0);
	else
		ok = lp_eval_fail(inner, LP_ST_OPTIMIZED_OUT);
	ok = ok && lp_eval_pop(inner, &item);
	ev->owned |= inner->owned;
	ev->nomem |= inner->nomem;
	if (!ok)
		return lp_eval_fail(ev, inner->why);
	item.k = (int64_t)((uint64_t)item.k + (uint64_t)k);
	return lp_eval_push(ev, item);
}

bool lp_eval_push_register(struct lp_eval_dwarf *ev, uint64_t reg, int64_t k)
{
	if (ev->at->no_regs)
		return lp_eval_fail(ev, ev->at->no_regs);
	if (reg >= MACH_REGS)
		return lp_eval_fail(ev, LP_ST_UNAVAILABLE);
	if (ev->at->callee)
		return push_callers(ev, (unsigned int)reg, k);
	return lp_eval_push(
		ev,
		(struct lp_item){ .kind = LP_ITEM_MACH, .reg = (uint8_t)reg, .k = k, .size = 8 });
}

/* What is asked for: of a register, or of a parameter. */
struct wanted {
	unsigned int reg;
	const Dwarf_Die *parameter;
};

/* The link address that the function returns to, in a register of its own. */
static bool load_return(struct lp_eval_dwarf *ev, uint8_t *ret)
{
	Dwarf_Op minus = { .atom = DW_OP_plus_uconst, .number = (Dwarf_Word)-8 };
	Dwarf_Op deref = { .atom = DW_OP_deref };
	struct lp_item item;
	uint8_t bias;

	if (!lp_eval_push_cfa(ev) || !lp_eval_arith_op(ev, &minus) ||
	    !lp_eval_arith_op(ev, &deref) || !lp_eval_pop(ev, &item) ||
	    !lp_eval_load(ev, &item, ret) || !lp_eval_reg(ev, &bias))
		return false;
	lp_emit(ev->emit, CTX, .dst = bias, .n = LP_CTX_BIAS);
	lp_emit(ev->emit, SUB, .dst = *ret, .a = *ret, .b = bias);
	lp_eval_drop(ev, &(struct lp_item){ .kind = LP_ITEM_VREG, .reg = bias });
	return true;
}

/* The value that one caller passes, in `to`. */
static bool write_value(struct lp_eval_dwarf *ev, const struct lp_caller *c, const struct wanted *w,
			uint8_t to)
{
	struct lp_loc_at *at = lp_arena_dup(ev->at->arena, ev->at, sizeof(*at));
	Dwarf_Attribute *frame_base = lp_arena_new(ev->at->arena, Dwarf_Attribute);
	Dwarf_Attribute attr;
	struct lp_item item;
	Dwarf_Op *ops;
	size_t n;
	uint8_t from;

	ev->nomem |= !at || !frame_base;
	if (ev->nomem)
		return false;
	if (!lp_caller_value(c, w->reg, w->parameter, &attr) ||
	    dwarf_getlocation(&attr, &ops, &n) != 0)
		return lp_eval_fail(ev, LP_ST_OPTIMIZED_OUT);
	Dwarf_Die body = c->body;
	at->callee = ev->at;
	at->vaddr = c->after - 1;
	at->view = LP_VIEW_LAST;
	at->at_entry = false;
	at->no_frame = LP_ST_OK;
	at->body = lp_arena_dup(ev->at->arena, &c->body, sizeof(c->body));
	at->frame_base = lp_die_attr(&body, DW_AT_frame_base, frame_base);
	ev->nomem |= !at->body;
	if (ev->nomem || !lp_eval_nested(ev, at, &attr, ops, n, &item) ||
	    !lp_eval_load(ev, &item, &from))
		return false;
	lp_emit(ev->emit, MOV, .dst = to, .a = from);
	return true;
}

/* One way for each caller: if it was this one, its value. How many have been written. */
static size_t write_ways(struct lp_eval_dwarf *ev, const struct lp_callers *callers,
			 const struct wanted *w, uint8_t after, uint8_t to, size_t *done)
{
	struct lp_emit *e = ev->emit;
	size_t start = e->code.len, n = 0;

	for (size_t i = 0; i < callers->n && e->code.len - start < CODE_ENOUGH; i++) {
		size_t code = e->code.len;
		uint32_t regs = e->regs, owned = ev->owned;
		uint8_t is;

		if (!lp_eval_reg(ev, &is))
			break;
		lp_emit(e, EQI, .dst = is, .a = after, .imm = callers->list[i].after);
		size_t no = lp_emit(e, JZ, .a = is);
		bool ok = write_value(ev, &callers->list[i], w, to);
		e->regs = regs;
		ev->owned = owned;
		if (ok) {
			done[n++] = lp_emit(e, JMP);
			lp_emit_land(e, no);
		} else {
			e->code.len = code;
		}
	}
	return n;
}

static size_t frames_up(const struct lp_loc_at *at)
{
	size_t n = 0;

	for (; at; at = at->callee)
		n++;
	return n;
}

static bool ask_callers(struct lp_eval_dwarf *ev, const struct wanted *w)
{
	const struct lp_loc_at *at = ev->at;
	size_t code = ev->emit->code.len, done[LP_CALLERS_MAX];
	uint8_t after, to;

	if (!at->body || frames_up(at) > FRAMES_MAX)
		return lp_eval_fail(ev, LP_ST_OPTIMIZED_OUT);
	const struct lp_callers *callers = lp_callers_of(at->module, at->body);
	ev->nomem |= !callers;
	if (ev->nomem)
		return false;
	if (!callers->n)
		return lp_eval_fail(ev, LP_ST_OPTIMIZED_OUT);
	if (!lp_eval_reg(ev, &to) || !load_return(ev, &after))
		return false;
	size_t n = write_ways(ev, callers, w, after, to, done);
	lp_eval_drop(ev, &(struct lp_item){ .kind = LP_ITEM_VREG, .reg = after });
	if (ev->nomem)
		return false;
	if (!n) {
		ev->emit->code.len = code;
		lp_eval_drop(ev, &(struct lp_item){ .kind = LP_ITEM_VREG, .reg = to });
		return lp_eval_fail(ev, LP_ST_OPTIMIZED_OUT);
	}
	lp_emit(ev->emit, FAIL, .imm = LP_ST_OPTIMIZED_OUT);
	for (size_t i = 0; i < n; i++)
		lp_emit_land(ev->emit, done[i]);
	return lp_eval_push(ev, (struct lp_item){ .kind = LP_ITEM_VREG, .reg = to, .size = 8 });
}

bool lp_eval_push_entry_value(struct lp_eval_dwarf *ev, const Dwarf_Op *op)
{
	Dwarf_Attribute inner;
	Dwarf_Op *ops;
	size_t n;

	if (!ev->attr || dwarf_getlocation_attr(ev->attr, op, &inner) != 0 ||
	    dwarf_getlocation(&inner, &ops, &n) != 0)
		return lp_eval_fail(ev, LP_ST_UNAVAILABLE);
	/* memory at the entry may have changed since */
	if (n != 1 || ops[0].atom < DW_OP_reg0 || ops[0].atom >= DW_OP_reg0 + MACH_REGS)
		return lp_eval_fail(ev, LP_ST_OPTIMIZED_OUT);

	struct wanted w = { .reg = ops[0].atom - DW_OP_reg0 };
	/* rbp and rsp are what a prologue changes first */
	if (ev->at->at_entry && w.reg != REG_RBP && w.reg != REG_RSP)
		return lp_eval_push_register(ev, w.reg, 0);
	return ask_callers(ev, &w);
}

bool lp_eval_push_parameter(struct lp_eval_dwarf *ev, const Dwarf_Op *op)
{
	Dwarf_Die die;

	if (!ev->attr || dwarf_getlocation_die(ev->attr, op, &die) != 0)
		return lp_eval_fail(ev, LP_ST_OPTIMIZED_OUT);
	return ask_callers(ev, &(struct wanted){ .parameter = &die });
}
