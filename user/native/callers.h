/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/callers.h
 *
 * callers - who calls a function by its address, and with what: the call sites of the same module
 * whose instruction is a direct call to it, with what the debug information tells of each
 * (DW_TAG_call_site). A return address that is in the list then says with certainty which call
 * the function was entered by.
 */
#ifndef LP_NATIVE_CALLERS_H
#define LP_NATIVE_CALLERS_H

#include "native/module.h"

#define LP_CALLERS_MAX 32 /* of one function; more are not looked at */

struct lp_caller {
	uint64_t after; /* what the call returns to: a link address */
	Dwarf_Die site;
	Dwarf_Die body; /* the subprogram that the call is in */
};

struct lp_callers {
	struct lp_callers *next;
	uint64_t entry;
	const struct lp_caller *list;
	size_t n;
};

/* Of the subprogram `body`; kept with the module. Empty where its entry could also be jumped to
 * with the return address of another call of it still in place. NULL: out of memory.
 */
const struct lp_callers *lp_callers_of(struct lp_module *m, Dwarf_Die *body);

/* The expression of a parameter's value at the call, to be evaluated in the caller: of the one in
 * machine register `reg`, or, with `parameter`, of a DIE of the function. False: not told.
 */
bool lp_caller_value(const struct lp_caller *c, unsigned int reg, const Dwarf_Die *parameter,
		     Dwarf_Attribute *ret);

#endif
