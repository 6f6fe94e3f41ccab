// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "native/cfi.h"
#include "native/lines.h"
#include "native/scope_impl.h"

#define PROLOGUE_MAX 64 /* bytes of instructions that are looked at */

#define REG_RBP 6
#define REG_RSP 7

/* Length of an instruction that changes nothing but rbp, rsp and the stack below the return
 * address: endbr64, nop, push, mov %rsp,%rbp, sub $n,%rsp. 0: any other.
 */
static size_t harmless(const uint8_t *p, size_t len)
{
	static const struct {
		uint8_t bytes[4];
		uint8_t n, total;
	} known[] = {
		{ { 0xf3, 0x0f, 0x1e, 0xfa }, 4, 4 }, /* endbr64 */
		{ { 0x90 }, 1, 1 },
		{ { 0x66, 0x90 }, 2, 2 },
		{ { 0x0f, 0x1f, 0x00 }, 3, 3 },
		{ { 0x0f, 0x1f, 0x40, 0x00 }, 4, 4 },
		{ { 0x0f, 0x1f, 0x44, 0x00 }, 4, 5 },
		{ { 0x48, 0x89, 0xe5 }, 3, 3 }, /* mov %rsp,%rbp */
		{ { 0x48, 0x8b, 0xec }, 3, 3 },
		{ { 0x48, 0x83, 0xec }, 3, 4 }, /* sub $imm8,%rsp */
		{ { 0x48, 0x81, 0xec }, 3, 7 },
	};

	if (len >= 1 && p[0] >= 0x50 && p[0] <= 0x57)
		return 1;
	if (len >= 2 && p[0] == 0x41 && p[1] >= 0x50 && p[1] <= 0x57)
		return 2;
	for (size_t i = 0; i < LP_ARRAY_SIZE(known); i++)
		if (len >= known[i].total && !memcmp(p, known[i].bytes, known[i].n))
			return known[i].total;
	return 0;
}

/* Nothing between the function's start and the place has touched what the caller passed. */
static bool untouched(struct lp_native_scope *s, uint64_t start)
{
	uint8_t code[PROLOGUE_MAX];
	size_t at = 0, distance = s->vaddr - start;

	if (s->vaddr < start || distance >= sizeof(code) ||
	    lp_module_bytes(s->module, start, code, distance) != distance)
		return false;
	while (at < distance) {
		size_t n = harmless(code + at, distance - at);
		if (n == 0)
			return false;
		at += n;
	}
	return true;
}

/* Which of the rows of the line table at this address the place's line is. */
static uint64_t view_of(struct lp_native_scope *s)
{
	uint64_t view;

	if (!s->base.line || lp_module_line_view(s->module, s->vaddr, s->base.line, &view) < 0)
		return LP_VIEW_LAST;
	return view;
}

/* The register that a frame base of one register is, -1 for any other. */
static int base_register(struct lp_native_scope *s)
{
	Dwarf_Op *ops;
	size_t n;

	if (!s->at.frame_base ||
	    dwarf_getlocation_addr(s->at.frame_base, s->vaddr, &ops, &n, 1) != 1 || n != 1)
		return -1;
	if (ops[0].atom >= DW_OP_reg0 && ops[0].atom <= DW_OP_reg31)
		return ops[0].atom - DW_OP_reg0;
	if (ops[0].atom >= DW_OP_breg0 && ops[0].atom <= DW_OP_breg31)
		return ops[0].atom - DW_OP_breg0;
	return -1;
}

/* Does the frame base's register already, and still, hold the frame? Call frame information knows:
 * rbp does where the CFA is told by it, rsp where it is as far from the CFA as in the body.
 */
static bool frame_stands(struct lp_native_scope *s, uint64_t body)
{
	unsigned int reg, body_reg;
	int64_t off, body_off;
	int base = base_register(s);

	if (base != REG_RBP && base != REG_RSP)
		return true;
	if (!lp_cfi_simple(s->module, s->vaddr, &reg, &off))
		return base == REG_RBP;
	if (base == REG_RBP)
		return reg == REG_RBP || !lp_cfi_simple(s->module, body, &body_reg, &body_off) ||
		       body_reg != REG_RBP;
	return lp_cfi_simple(s->module, body, &body_reg, &body_off) && body_reg == reg &&
	       body_off == off;
}

void lp_scope_frame(struct lp_native_scope *s)
{
	Dwarf_Addr low, high, start;
	GElf_Sym sym;

	s->at.view = LP_VIEW_LAST;
	if (s->half == LP_SCOPE_LEAVE) {
		s->at.no_regs = LP_ST_NOT_IN_SCOPE;
		return;
	}
	if (!s->has_function) {
		s->entry_state = lp_module_symbol_at(s->module, s->vaddr, &sym) &&
				 untouched(s, sym.st_value);
		s->at.at_entry = s->entry_state;
		return;
	}
	s->at.view = view_of(s);
	s->at.body = s->half == LP_SCOPE_HERE ? &s->body : NULL;
	if (lp_die_attr(&s->body, DW_AT_frame_base, &s->frame_base))
		s->at.frame_base = &s->frame_base;
	if (dwarf_entrypc(&s->body, &start) != 0)
		return;
	low = start;
	high = start;
	/* the range that the function starts in, where it is split into several */
	Dwarf_Addr base, from, to;
	for (ptrdiff_t at = 0; (at = dwarf_ranges(&s->body, at, &base, &from, &to)) > 0;)
		if (start >= from && start < to)
			high = to;

	uint64_t body = lp_module_prologue_end(s->module, low, high);
	s->entry_state = untouched(s, start);
	s->at.at_entry = s->entry_state;
	s->in_prologue = s->vaddr >= low && s->vaddr < body;
	if (s->in_prologue || !frame_stands(s, body))
		s->at.no_frame = frame_stands(s, body) ? LP_ST_OK : LP_ST_UNAVAILABLE;
}
