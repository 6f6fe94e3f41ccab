/* SPDX-License-Identifier: GPL-2.0-only */
/* user/expr/scope.h
 *
 * scope - how the language asks a program for names: the seam between expr/ and native/, python/.
 * A scope is one place of one module (an address, a code unit); the answers hold exactly there.
 */
#ifndef LP_EXPR_SCOPE_H
#define LP_EXPR_SCOPE_H

#include <stdbool.h>

#include "base/auto.h"
#include "base/err.h"
#include "expr/emit.h"
#include "expr/type.h"

struct lp_scope;

enum lp_var_kind {
	LP_VAR_ARGUMENT,
	LP_VAR_LOCAL,
	LP_VAR_GLOBAL,	 /* of the unit, of the program; also static locals */
	LP_VAR_MEMBER,	 /* of `this`: found without writing this-> */
	LP_VAR_CONSTANT, /* an enumerator, a constant of the program */
	LP_VAR_RESULT,	 /* $return */
	LP_VAR_NUMBERED, /* $1... */
};

struct lp_var {
	enum lp_var_kind kind;
	const char *name; /* owned by the scope */
	const struct lp_type *type;
	int64_t constant; /* of LP_VAR_CONSTANT */
	const void *impl; /* the scope's own */
	uint64_t impl_aux;
};

enum lp_loc_kind {
	LP_LOC_NONE,	   /* `why` */
	LP_LOC_MEM,	   /* memory at virtual register reg + disp */
	LP_LOC_MEM_MACH,   /* memory at machine register reg + disp */
	LP_LOC_VALUE,	   /* the value is in virtual register reg */
	LP_LOC_VALUE_MACH, /* the value is in machine register reg, low bytes first */
	LP_LOC_CONST,	   /* the value is bytes, len */
	LP_LOC_PIECES,	   /* the value is pieces, n_pieces, in order, without gaps */
	LP_LOC_POINTEE,	   /* a pointer that exists nowhere, but what it points to does: at pointee,
			    * disp bytes in */
};

struct lp_piece;

struct lp_loc {
	enum lp_loc_kind kind;
	enum lp_status why; /* LP_ST_OPTIMIZED_OUT, _UNAVAILABLE, _NOT_IN_SCOPE */
	uint8_t reg;
	int64_t disp;
	const void *bytes;
	size_t len;
	const struct lp_piece *pieces;
	size_t n_pieces;
	const struct lp_var *pointee;
};

struct lp_piece {
	uint32_t bit_size;   /* how much of the value */
	uint32_t bit_offset; /* where in loc it begins */
	struct lp_loc loc;
};

/* What lp_scope.each() goes through */
#define LP_EACH_ARGUMENTS 0x1u
#define LP_EACH_LOCALS	  0x2u
#define LP_EACH_GLOBALS	  0x4u /* of the unit */

struct lp_scope_ops {
	/* The innermost variable of that name ("x", "::x", "ns::x", "Cls::x"). -ENOENT without a
	 * message: the caller knows the text and lists what there is.
	 */
	int (*lookup)(struct lp_scope *s, const char *name, size_t len, struct lp_var *ret,
		      struct lp_err *err);

	/* Where it is, exactly here. May write code; registers it hands out in *ret are the
	 * caller's to release, all others it has released. Unknown is not an error: LP_LOC_NONE.
	 */
	int (*locate)(struct lp_scope *s, const struct lp_var *v, struct lp_emit *e,
		      struct lp_loc *ret, struct lp_err *err);

	/* A type by its name in casts, sizeof, isinstance: "struct req", "unsigned long", "ns::T";
	 * pointers are the caller's business. -ENOENT without a message.
	 */
	int (*find_type)(struct lp_scope *s, const char *name, size_t len,
			 const struct lp_type **ret, struct lp_err *err);

	/* A pointer to t: for &x and casts. NULL when out of memory. */
	const struct lp_type *(*pointer_to)(struct lp_scope *s, const struct lp_type *t);

	/* Variables in scope, innermost first, a shadowed one not at all. fn != 0 stops. */
	int (*each)(struct lp_scope *s, unsigned int what,
		    int (*fn)(const struct lp_var *v, void *arg), void *arg);

	/* $return (in a return half), $1... ; -ENOENT with a message that says why not. */
	int (*result)(struct lp_scope *s, struct lp_var *ret, struct lp_err *err);
	int (*numbered)(struct lp_scope *s, unsigned int n, struct lp_var *ret, struct lp_err *err);

	/* The return address of the function: $caller. LP_LOC_NONE where it can't be known. */
	int (*caller)(struct lp_scope *s, struct lp_emit *e, struct lp_loc *ret,
		      struct lp_err *err);

	void (*free)(struct lp_scope *s);
};

/* A name of a program whose types are known at the hit only. */
struct lp_dynamic_name {
	enum lp_var_kind kind; /* ARGUMENT, LOCAL, GLOBAL (of the module, builtins) */
	const char *name;      /* owned by the scope */
};

/* What a scope of such a program (CPython) answers in place of lookup() to caller(): registers then
 * hold tagged values (lp/python.h), and names are found by code.
 */
struct lp_dynamic_ops {
	/* Writes code that loads the name into a register, which it hands out. -ENOENT without a
	 * message: no such local, and neither globals nor builtins have it now.
	 */
	int (*load)(struct lp_scope *s, const char *name, size_t len, struct lp_emit *e,
		    uint8_t *ret_reg, struct lp_err *err);
	/* The name of an attribute as the code around the place means it: "__x" within a class is
	 * "_Cart__x" (load() does so itself). malloc'ed; NULL: out of memory.
	 */
	char *(*mangle)(struct lp_scope *s, const char *name, size_t len);
	/* $return, in a return half; -ENOENT with a message that says why not. */
	int (*result)(struct lp_scope *s, struct lp_emit *e, uint8_t *ret_reg, struct lp_err *err);
	/* The hash that the target's interpreter gives to a str (is_bytes: a bytes). */
	uint64_t (*hash)(struct lp_scope *s, const char *text, size_t len, bool is_bytes);
	/* Names in scope, as scope_ops.each(). */
	int (*each)(struct lp_scope *s, unsigned int what,
		    int (*fn)(const struct lp_dynamic_name *n, void *arg), void *arg);
};

struct lp_scope {
	const struct lp_scope_ops *ops;
	const struct lp_dynamic_ops *dynamic; /* NULL: types are known; else ops has free() alone */
	const char *function, *file;	      /* of the place; NULL where not known */
	int line;
};

static inline void lp_scope_free(struct lp_scope *s)
{
	if (s)
		s->ops->free(s);
}
LP_CLEANUP(struct lp_scope *, lp_scope_free)

#endif
