/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/location.h
 *
 * location - DWARF expressions at one address as struct lp_loc, with code only where a register
 * and an offset don't say it. What can't be evaluated with certainty is LP_LOC_NONE; a guess
 * never. Takes any bytes: registers, stack depth, sizes are checked, jumps only go forward.
 */
#ifndef LP_NATIVE_LOCATION_H
#define LP_NATIVE_LOCATION_H

#include "expr/scope.h"
#include "native/module.h"

#define LP_VIEW_LAST UINT64_MAX

/* Where an expression is evaluated. */
struct lp_loc_at {
	struct lp_module *module;
	uint64_t vaddr;
	uint64_t view;		 /* which of the lines that begin at vaddr, from 0; LP_VIEW_LAST */
	bool at_entry;		 /* registers are as the caller left them */
	enum lp_status no_regs;	 /* LP_ST_OK, or why machine registers mean nothing here */
	enum lp_status no_frame; /* the same of the frame base */
	Dwarf_Attribute *frame_base; /* NULL: none */
	/* the subprogram, whose callers may tell what its registers held at its entry; NULL: code
	 * for that is of no use
	 */
	Dwarf_Die *body;
	const struct lp_loc_at *callee; /* registers are those of its caller; NULL: the hit's */
	struct lp_arena *arena;		/* of what a struct lp_loc points to */
	/* the variable that an implicit pointer points to; NULL: out of memory */
	const struct lp_var *(*pointee)(void *arg, Dwarf_Die *die);
	void *pointee_arg;
};

/* The expression of attr that holds at at->vaddr: of a list or a single one. die: what has attr,
 * or NULL. size: bytes of the variable's type; 0: not known. -ENOMEM; everything else that goes
 * wrong is in *ret.
 */
int lp_location_of(const struct lp_loc_at *at, Dwarf_Die *die, Dwarf_Attribute *attr, uint64_t size,
		   struct lp_emit *e, struct lp_loc *ret);

/* The canonical frame address plus disp, as memory. */
int lp_location_cfa(const struct lp_loc_at *at, int64_t disp, struct lp_emit *e,
		    struct lp_loc *ret);

/* Machine register reg (DWARF number) as a value; one that a program can't read is NONE. */
struct lp_loc lp_location_register(unsigned int reg);

struct lp_loc lp_location_none(enum lp_status why);

/* Memory at a link address plus the load bias. */
struct lp_loc lp_location_link(struct lp_emit *e, uint64_t vaddr);

#endif
