/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/scope_impl.h
 *
 * scope_impl - one place of one module, between scope*.c alone.
 */
#ifndef LP_NATIVE_SCOPE_IMPL_H
#define LP_NATIVE_SCOPE_IMPL_H

#include "base/arena.h"
#include "native/location.h"
#include "native/scope_die.h"
#include "native/scope_names.h"
#include "native/types.h"

struct lp_native_scope {
	struct lp_scope base;
	struct lp_module *module;
	struct lp_types *types;
	struct lp_names *names; /* NULL: no DWARF */
	struct lp_arena arena;
	uint64_t vaddr;
	enum lp_scope_half half;
	const char *usdt_args;
	bool has_unit, has_function;
	Dwarf_Die function; /* subprogram or inlined_subroutine of the place */
	Dwarf_Die body;	    /* the subprogram whose code it is */
	bool inlined;
	Dwarf_Die unit; /* a DIE of the unit that wrote the function: whose globals are in scope */
	const char *prefix;	  /* "ns::Cls" that the function is in; "" */
	LP_VEC(Dwarf_Die) blocks; /* innermost first; the last one is function */
	Dwarf_Attribute frame_base;
	bool in_prologue; /* the frame is not complete yet, or no longer */
	bool entry_state; /* argument registers and stack are as the caller left them */
	struct lp_loc_at at;
};

enum lp_variable_kind {
	LP_VARIABLE_DIE,
	LP_VARIABLE_MEMBER, /* of what `die` (`this`) points to */
	LP_VARIABLE_RESULT,
	LP_VARIABLE_USDT,     /* aux: argument number, from 1 */
	LP_VARIABLE_REGISTER, /* aux: DWARF register */
};

/* lp_var.impl */
struct lp_variable {
	enum lp_variable_kind kind;
	Dwarf_Die die;
	const struct lp_member *member;
	uint64_t bit_offset; /* of the member in the whole object */
	bool is_virtual;     /* of a virtual base */
	uint64_t aux;
};

/* A variable of a DIE, in the arena of the scope; -ENOMEM. */
int lp_scope_var(struct lp_native_scope *s, Dwarf_Die *die, enum lp_var_kind kind,
		 struct lp_var *ret);

int lp_scope_locate(struct lp_scope *base, const struct lp_var *v, struct lp_emit *e,
		    struct lp_loc *ret, struct lp_err *err);
int lp_scope_caller(struct lp_scope *base, struct lp_emit *e, struct lp_loc *ret,
		    struct lp_err *err);
int lp_scope_result(struct lp_scope *base, struct lp_var *ret, struct lp_err *err);
int lp_scope_numbered(struct lp_scope *base, unsigned int n, struct lp_var *ret,
		      struct lp_err *err);

/* Fills frame_base, in_prologue, entry_state and at. */
void lp_scope_frame(struct lp_native_scope *s);

/* One argument of a static probe: "-4@%eax", from the n-th on. -ENOENT: there is none. */
int lp_usdt_type(struct lp_native_scope *s, unsigned int n, const struct lp_type **ret);
int lp_usdt_locate(struct lp_native_scope *s, unsigned int n, struct lp_emit *e,
		   struct lp_loc *ret);

#endif
