// SPDX-License-Identifier: GPL-2.0-only
#include <dwarf.h>

#include "native/cfi.h"
#include "native/location_impl.h"
#include "native/location_tls.h"
#include "native/scope_die.h"

static bool push(struct lp_eval_dwarf *ev, enum lp_item_kind kind, uint64_t k)
{
	return lp_eval_push(ev, (struct lp_item){ .kind = kind, .k = (int64_t)k, .size = 8 });
}

static bool pick(struct lp_eval_dwarf *ev, uint64_t index)
{
	if (index >= ev->depth)
		return lp_eval_fail(ev, LP_ST_UNAVAILABLE);
	return lp_eval_push(ev, ev->stack[ev->depth - 1 - index]);
}

/* Turns the top n items: the topmost goes below the others. */
static bool rotate(struct lp_eval_dwarf *ev, size_t n)
{
	if (ev->depth < n)
		return lp_eval_fail(ev, LP_ST_UNAVAILABLE);

	struct lp_item *top = &ev->stack[ev->depth - 1], item = *top;
	for (size_t i = 0; i + 1 < n; i++)
		top[-(ptrdiff_t)i] = top[-(ptrdiff_t)i - 1];
	top[-(ptrdiff_t)(n - 1)] = item;
	return true;
}

static bool drop(struct lp_eval_dwarf *ev)
{
	struct lp_item item;

	if (!lp_eval_pop(ev, &item))
		return false;
	lp_eval_drop(ev, &item);
	return true;
}

bool lp_eval_stack_op(struct lp_eval_dwarf *ev, const Dwarf_Op *op)
{
	if (op->atom >= DW_OP_lit0 && op->atom <= DW_OP_lit31)
		return push(ev, LP_ITEM_CONST, op->atom - DW_OP_lit0);
	switch (op->atom) {
	case DW_OP_nop:
		return true;
	case DW_OP_addr:
		return push(ev, LP_ITEM_LINK, op->number);
	case DW_OP_const1u:
	case DW_OP_const1s:
	case DW_OP_const2u:
	case DW_OP_const2s:
	case DW_OP_const4u:
	case DW_OP_const4s:
	case DW_OP_const8u:
	case DW_OP_const8s:
	case DW_OP_constu:
	case DW_OP_consts:
		return push(ev, LP_ITEM_CONST, op->number);
	case DW_OP_dup:
		return pick(ev, 0);
	case DW_OP_over:
		return pick(ev, 1);
	case DW_OP_pick:
		return pick(ev, op->number);
	case DW_OP_drop:
		return drop(ev);
	case DW_OP_swap:
		return rotate(ev, 2);
	case DW_OP_rot:
		return rotate(ev, 3);
	default:
		return false;
	}
}

bool lp_eval_push_cfa(struct lp_eval_dwarf *ev)
{
	lp_auto(lp_cfi_done) struct lp_cfi cfi = { 0 };
	struct lp_item item;

	if (ev->at->no_regs)
		return lp_eval_fail(ev, ev->at->no_regs);
	if (lp_cfi_at(ev->at->module, ev->at->vaddr, &cfi) < 0)
		return lp_eval_fail(ev, LP_ST_UNAVAILABLE);
	return lp_eval_nested(ev, ev->at, NULL, cfi.ops, cfi.n_ops, &item) &&
	       lp_eval_push(ev, item);
}

static bool push_frame_base(struct lp_eval_dwarf *ev, int64_t offset)
{
	Dwarf_Attribute *base = ev->at->frame_base;
	struct lp_item item;
	Dwarf_Op *ops;
	size_t n;

	if (ev->at->no_regs || ev->at->no_frame)
		return lp_eval_fail(ev, ev->at->no_regs ? ev->at->no_regs : ev->at->no_frame);
	if (!base || dwarf_getlocation_addr(base, ev->at->vaddr, &ops, &n, 1) != 1)
		return lp_eval_fail(ev, LP_ST_UNAVAILABLE);
	if (!lp_eval_nested(ev, ev->at, base, ops, n, &item))
		return false;
	item.k = (int64_t)((uint64_t)item.k + (uint64_t)offset);
	return lp_eval_push(ev, item);
}

static bool push_addrx(struct lp_eval_dwarf *ev, const Dwarf_Op *op, enum lp_item_kind kind)
{
	Dwarf_Attribute inner;
	Dwarf_Addr addr;

	if (!ev->attr || dwarf_getlocation_attr(ev->attr, op, &inner) != 0 ||
	    dwarf_formaddr(&inner, &addr) != 0)
		return lp_eval_fail(ev, LP_ST_UNAVAILABLE);
	return push(ev, kind, addr);
}

/* Where the block of a library that was loaded later is for this thread, from the number of the
 * library in `id` and the thread pointer in `tp`, in `tp`. glibc: tcbhead_t.dtv is at 8; a dtv_t has
 * 16 bytes; the one before the first holds how many there are, others begin with the block's address,
 * 0 or -1 where the thread has not used the library's variables yet.
 */
static void emit_dtv(struct lp_emit *e, uint8_t tp, uint8_t id)
{
	uint8_t n = lp_emit_reg(e);

	lp_emit(e, LOAD, .dst = tp, .a = tp, .n = 8, .imm = 8);
	lp_emit(e, LOAD, .dst = n, .a = tp, .n = 8, .imm = (uint64_t)-16);
	lp_emit(e, LTU, .dst = n, .a = n, .b = id);
	size_t too_short = lp_emit(e, JNZ, .a = n);
	lp_emit(e, MULI, .dst = id, .a = id, .imm = 16);
	lp_emit(e, ADD, .dst = tp, .a = tp, .b = id);
	lp_emit(e, LOAD, .dst = tp, .a = tp, .n = 8);
	lp_emit(e, ADDI, .dst = n, .a = tp, .imm = 1);
	lp_emit(e, LTUI, .dst = n, .a = n, .imm = 2);
	size_t there = lp_emit(e, JZ, .a = n);
	lp_emit_land(e, too_short);
	lp_emit(e, FAIL, .imm = LP_ST_UNAVAILABLE);
	lp_emit_land(e, there);
	lp_emit_release(e, n);
}

static bool push_tls(struct lp_eval_dwarf *ev)
{
	struct lp_emit *e = ev->emit;
	struct lp_item offset;
	struct lp_tls tls;

	if (!lp_eval_pop(ev, &offset))
		return false;
	if (offset.kind != LP_ITEM_CONST ||
	    lp_tls_find(ev->at->module, (uint64_t)offset.k, &tls) < 0)
		return lp_eval_fail(ev, LP_ST_UNAVAILABLE);

	struct lp_item slot = { .kind = LP_ITEM_LINK, .k = (int64_t)tls.slot, .size = 8 };
	uint8_t tp, r;
	if (!lp_eval_reg(ev, &tp))
		return false;
	lp_emit(e, CTX, .dst = tp, .n = LP_CTX_TLS);
	if (tls.kind != LP_TLS_FIXED) {
		if (!lp_eval_load(ev, &slot, &r))
			return false;
		lp_emit(e, LOAD, .dst = r, .a = r, .n = 8);
		if (tls.kind == LP_TLS_MODULE)
			emit_dtv(e, tp, r);
		else
			lp_emit(e, ADD, .dst = tp, .a = tp, .b = r);
		struct lp_item done = { .kind = LP_ITEM_VREG, .reg = r };
		lp_eval_drop(ev, &done);
	}
	return lp_eval_push(
		ev, (struct lp_item){ .kind = LP_ITEM_VREG, .reg = tp, .k = tls.disp, .size = 8 });
}

/* Size and sign of an integer base type; false for anything else. */
static bool base_type(struct lp_eval_dwarf *ev, const Dwarf_Op *op, struct lp_item *ret)
{
	uint64_t size, encoding;
	Dwarf_Die die;

	if (!ev->attr || dwarf_getlocation_die(ev->attr, op, &die) != 0 ||
	    dwarf_tag(&die) != DW_TAG_base_type || !lp_die_const(&die, DW_AT_byte_size, &size) ||
	    !lp_die_const(&die, DW_AT_encoding, &encoding))
		return lp_eval_fail(ev, LP_ST_UNAVAILABLE);
	if (size != 1 && size != 2 && size != 4 && size != 8)
		return lp_eval_fail(ev, LP_ST_UNAVAILABLE);
	switch (encoding) {
	case DW_ATE_signed:
	case DW_ATE_signed_char:
		ret->is_signed = true;
		break;
	case DW_ATE_unsigned:
	case DW_ATE_unsigned_char:
	case DW_ATE_boolean:
	case DW_ATE_address:
	case DW_ATE_UTF:
		ret->is_signed = false;
		break;
	default:
		return lp_eval_fail(ev, LP_ST_UNAVAILABLE);
	}
	ret->typed = true;
	ret->size = (uint8_t)size;
	return true;
}

static bool convert_top(struct lp_eval_dwarf *ev, struct lp_item to)
{
	struct lp_item item;
	uint8_t from;

	if (!lp_eval_pop(ev, &item))
		return false;
	if (to.size < 8 && item.kind == LP_ITEM_CONST) {
		unsigned int shift = 64 - 8u * to.size;
		uint64_t up = (uint64_t)item.k << shift;
		item.k = to.is_signed ? (int64_t)up >> shift : (int64_t)(up >> shift);
	} else if (to.size < 8) {
		/* a copy: the value may be on the stack elsewhere, too */
		if (!lp_eval_load(ev, &item, &from))
			return false;
		uint8_t r;
		if (!lp_eval_reg(ev, &r))
			return false;
		lp_emit(ev->emit, EXT, .dst = r, .a = from,
			.n = to.size | (to.is_signed ? LP_SIGNED : 0u));
		item = (struct lp_item){ .kind = LP_ITEM_VREG, .reg = r };
	}
	item.size = to.size;
	item.is_signed = to.is_signed;
	item.typed = to.typed;
	return lp_eval_push(ev, item);
}

static bool convert(struct lp_eval_dwarf *ev, const Dwarf_Op *op)
{
	struct lp_item to = { .size = 8 };

	if (op->number != 0 && !base_type(ev, op, &to))
		return false;
	return convert_top(ev, to);
}

static bool const_type(struct lp_eval_dwarf *ev, const Dwarf_Op *op)
{
	struct lp_item to = { .size = 8 };
	Dwarf_Attribute inner;
	Dwarf_Block block;
	uint64_t v = 0;

	if (!base_type(ev, op, &to))
		return false;
	if (dwarf_getlocation_attr(ev->attr, op, &inner) != 0 ||
	    dwarf_formblock(&inner, &block) != 0 || block.length != to.size)
		return lp_eval_fail(ev, LP_ST_UNAVAILABLE);
	for (size_t i = 0; i < block.length; i++)
		v |= (uint64_t)block.data[i] << 8 * i;
	return push(ev, LP_ITEM_CONST, v) && convert_top(ev, to);
}

static bool typed_op(struct lp_eval_dwarf *ev, const Dwarf_Op *op)
{
	struct lp_item to = { .size = 8 };

	switch (op->atom) {
	case DW_OP_convert:
	case DW_OP_GNU_convert:
	case DW_OP_reinterpret:
	case DW_OP_GNU_reinterpret:
		return convert(ev, op);
	case DW_OP_const_type:
	case DW_OP_GNU_const_type:
		return const_type(ev, op);
	case DW_OP_regval_type:
	case DW_OP_GNU_regval_type:
		return base_type(ev, op, &to) && lp_eval_push_register(ev, op->number, 0) &&
		       convert_top(ev, to);
	case DW_OP_deref_type:
	case DW_OP_GNU_deref_type:
		return base_type(ev, op, &to) &&
		       lp_eval_arith_op(
			       ev, &(Dwarf_Op){ .atom = DW_OP_deref_size, .number = op->number }) &&
		       convert_top(ev, to);
	default:
		return false;
	}
}

bool lp_eval_context_op(struct lp_eval_dwarf *ev, const Dwarf_Op *op)
{
	if (op->atom >= DW_OP_breg0 && op->atom <= DW_OP_breg31)
		return lp_eval_push_register(ev, op->atom - DW_OP_breg0, (int64_t)op->number);
	switch (op->atom) {
	case DW_OP_bregx:
		return lp_eval_push_register(ev, op->number, (int64_t)op->number2);
	case DW_OP_fbreg:
		return push_frame_base(ev, (int64_t)op->number);
	case DW_OP_call_frame_cfa:
		return lp_eval_push_cfa(ev);
	case DW_OP_entry_value:
	case DW_OP_GNU_entry_value:
		return lp_eval_push_entry_value(ev, op);
	case DW_OP_GNU_parameter_ref:
		return lp_eval_push_parameter(ev, op);
	case DW_OP_addrx:
	case DW_OP_GNU_addr_index:
		return push_addrx(ev, op, LP_ITEM_LINK);
	case DW_OP_constx:
	case DW_OP_GNU_const_index:
		return push_addrx(ev, op, LP_ITEM_CONST);
	case DW_OP_form_tls_address:
	case DW_OP_GNU_push_tls_address:
		return push_tls(ev);
	default:
		return typed_op(ev, op);
	}
}
