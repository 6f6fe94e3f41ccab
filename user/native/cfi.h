/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/cfi.h
 *
 * cfi - the canonical frame address (CFA: the stack pointer before the call) at one address, from
 * .eh_frame, else .debug_frame.
 */
#ifndef LP_NATIVE_CFI_H
#define LP_NATIVE_CFI_H

#include "native/module.h"

struct lp_cfi {
	Dwarf_Frame *frame; /* malloc'ed */
	Dwarf_Op *ops;	    /* the CFA as a DWARF expression; valid as long as frame */
	size_t n_ops;
	bool is_signal; /* a signal handler's trampoline */
};

/* -ENOENT: no call frame information there. */
int lp_cfi_at(struct lp_module *m, uint64_t vaddr, struct lp_cfi *ret);
void lp_cfi_done(struct lp_cfi *c);
LP_CLEANUP_DONE(struct lp_cfi, lp_cfi_done)

/* How a caller's register is found, as dwarf_frame_register() tells it: none of *ret_n operations and
 * *ret NULL, it is as it was; none and *ret == mem, it is lost. Where the row has no rule that is
 * the ABI's.
 */
bool lp_cfi_register(Dwarf_Frame *row, unsigned int reg, Dwarf_Op mem[3], Dwarf_Op **ret,
		     size_t *ret_n);

/* The CFA as a register and an offset; false where it is anything else. */
bool lp_cfi_simple(struct lp_module *m, uint64_t vaddr, unsigned int *ret_reg, int64_t *ret_off);

#endif
