/* SPDX-License-Identifier: GPL-2.0-only */
/* user/expr/type.h
 *
 * type - what the language and the value readers know of a type of the target. Made by whoever
 * knows the program (native/ from DWARF), owned by it, valid as long as its module is open.
 *
 * Types are made lazily: a struct's members and a pointer's target may be missing until
 * lp_type_complete(). name and size are always there.
 */
#ifndef LP_EXPR_TYPE_H
#define LP_EXPR_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/value.h"

enum lp_type_kind {
	LP_TYPE_VOID,
	LP_TYPE_BOOL,
	LP_TYPE_CHAR, /* a character: char, wchar_t, char16_t, Rust char; not signed/unsigned char */
	LP_TYPE_INT,  /* is_signed */
	LP_TYPE_FLOAT,	 /* 4, 8, 16 (x87 80 bits in 16), IEEE binary128 where is_quad */
	LP_TYPE_COMPLEX, /* two floats of size/2 */
	LP_TYPE_POINTER,
	LP_TYPE_REFERENCE,
	LP_TYPE_MEMBER_POINTER, /* C++ T Cls::*: shown as a number */
	LP_TYPE_ARRAY,
	LP_TYPE_STRUCT, /* struct, class */
	LP_TYPE_UNION,
	LP_TYPE_ENUM,
	LP_TYPE_FUNCTION,
	LP_TYPE_TYPEDEF, /* typedef; also const, volatile, restrict, _Atomic as a name with them */
	LP_TYPE_UNKNOWN, /* declared only, or a kind that is not known; size may be 0 */
};

#define LP_TYPE_COUNT_UNKNOWN UINT64_MAX /* int a[]: no bound in the type */

struct lp_type;

struct lp_member {
	const char *name; /* NULL: anonymous struct or union, or a base class */
	const struct lp_type *type;
	uint64_t bit_offset; /* from the start of the whole */
	uint32_t bit_size;   /* of a bit field; 0: not one */
	bool is_base;	     /* a C++ base class: its members are found through it */
	bool is_virtual;     /* a virtual base: its place is known only at run time */
	bool is_artificial;  /* _vptr and the like */
};

struct lp_enumerator {
	const char *name;
	int64_t value;
};

struct lp_type {
	enum lp_type_kind kind;
	bool is_signed;
	bool is_flags; /* enum whose values are single bits: combinations print as A | B */
	bool is_quad;
	bool complete;
	uint64_t size;	  /* bytes; 0 for void, functions and incomplete types */
	const char *name; /* as in the source: "struct request *", "uint32_t"; never NULL */
	const struct lp_type *target; /* pointer, reference, array element, typedef, return type */
	uint64_t count;		      /* array elements; LP_TYPE_COUNT_UNKNOWN */
	struct lp_member *members;
	size_t n_members;
	struct lp_enumerator *enumerators;
	size_t n_enumerators;

	int (*make_complete)(struct lp_type *t, struct lp_err *err);
	void *provider; /* make_complete()'s own */
};

/* Fills target, members and enumerators. A type that is only declared in this unit stays without
 * members and gives -ENOENT. Takes const because completing is not a change that readers can see.
 */
int lp_type_complete(const struct lp_type *t, struct lp_err *err);

/* Without typedefs and qualifiers; never NULL. */
const struct lp_type *lp_type_strip(const struct lp_type *t);

bool lp_type_is_integer(const struct lp_type *t); /* bool, char, int, enum */
bool lp_type_is_scalar(const struct lp_type *t);  /* integer, float, pointer */
bool lp_type_is_string(const struct lp_type *t);  /* char * or char [] after stripping */

/* An integer, bool, character, pointer or enum, whose flags are "A | B" in the arena; t is stripped. Sets kind, size,
 * bits and text.
 */
void lp_type_value(const struct lp_type *t, uint64_t v, struct lp_arena *a, struct lp_value *ret);

/* The types of literals and operators, which no program declares. */
extern const struct lp_type lp_type_int, lp_type_uint, lp_type_long, lp_type_ulong, lp_type_bool,
	lp_type_char, lp_type_float, lp_type_double, lp_type_void, lp_type_void_ptr,
	lp_type_char_ptr;

#endif
