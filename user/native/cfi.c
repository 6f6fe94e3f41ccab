// SPDX-License-Identifier: GPL-2.0-only
#include "native/cfi.h"

#include <dwarf.h>
#include <errno.h>

static int frame_in(Dwarf_CFI *cfi, uint64_t vaddr, struct lp_cfi *ret)
{
	struct lp_cfi c = { 0 };
	Dwarf_Addr start, end;

	if (!cfi || dwarf_cfi_addrframe(cfi, vaddr, &c.frame) != 0)
		return -ENOENT;
	if (dwarf_frame_info(c.frame, &start, &end, &c.is_signal) < 0 ||
	    dwarf_frame_cfa(c.frame, &c.ops, &c.n_ops) != 0 || c.n_ops == 0) {
		lp_cfi_done(&c);
		return -ENOENT;
	}
	*ret = c;
	return 0;
}

int lp_cfi_at(struct lp_module *m, uint64_t vaddr, struct lp_cfi *ret)
{
	Dwarf_Addr bias;

	if (frame_in(dwfl_module_eh_cfi(m->dwfl_module, &bias), vaddr, ret) == 0)
		return 0;
	/* libdwfl would open the file once more, and decompress it */
	return frame_in(m->copy ? dwarf_getcfi(m->dwarf)
				: dwfl_module_dwarf_cfi(m->dwfl_module, &bias),
			vaddr, ret);
}

void lp_cfi_done(struct lp_cfi *c)
{
	free(c->frame);
	*c = (struct lp_cfi){ 0 };
}

/* libdw (0.188) says of x86-64 that calls save rax, and not that they save rbx: its
 * table (backends/x86_64_cfi.c) has 0 where DWARF's number of rbx, 3, belongs.
 */
bool lp_cfi_register(Dwarf_Frame *row, unsigned int reg, Dwarf_Op mem[3], Dwarf_Op **ret,
		     size_t *ret_n)
{
	const unsigned int rax = 0, rbx = 3;

	if (dwarf_frame_register(row, (int)reg, mem, ret, ret_n) != 0)
		return false;
	if (*ret_n == 0 && reg == rax)
		*ret = mem;
	else if (*ret_n == 0 && reg == rbx)
		*ret = NULL;
	return true;
}

bool lp_cfi_simple(struct lp_module *m, uint64_t vaddr, unsigned int *ret_reg, int64_t *ret_off)
{
	lp_auto(lp_cfi_done) struct lp_cfi c = { 0 };

	if (lp_cfi_at(m, vaddr, &c) < 0 || c.n_ops != 1)
		return false;
	if (c.ops[0].atom >= DW_OP_breg0 && c.ops[0].atom <= DW_OP_breg31) {
		*ret_reg = c.ops[0].atom - DW_OP_breg0;
		*ret_off = (int64_t)c.ops[0].number;
		return true;
	}
	if (c.ops[0].atom != DW_OP_bregx)
		return false;
	*ret_reg = (unsigned int)c.ops[0].number;
	*ret_off = (int64_t)c.ops[0].number2;
	return true;
}
