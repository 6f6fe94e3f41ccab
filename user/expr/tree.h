/* SPDX-License-Identifier: GPL-2.0-only */
/* user/expr/tree.h
 *
 * tree - an expression with its names found and its types checked: C's conversions are nodes of
 * their own, constants are folded, members are offsets. What a code generator needs, and no more.
 *
 * Integers are 64 bits here and in virtual registers, extended as their type says; so a conversion
 * to a wider type costs nothing. Arithmetic is done in one of the lp_type_* types.
 */
#ifndef LP_EXPR_TREE_H
#define LP_EXPR_TREE_H

#include "expr/ast.h"
#include "expr/compile.h"
#include "expr/scope.h"

enum lp_tree_kind {
	LP_TREE_INT,	 /* value; also null pointers */
	LP_TREE_FLOAT,	 /* f */
	LP_TREE_STRING,	 /* str, len */
	LP_TREE_VAR,	 /* var: an object */
	LP_TREE_MEMBER,	 /* bit_offset, bit_size of a: an object */
	LP_TREE_DEREF,	 /* what the pointer a points to: an object */
	LP_TREE_ADDRESS, /* of the object a */
	LP_TREE_CONVERT, /* a as type */
	LP_TREE_UNARY,	 /* op: NEG, INV, NOT */
	LP_TREE_BINARY,	 /* op; a and b have one type, but for shifts and pointers plus integers */
	LP_TREE_COND,	 /* a ? b : c */
	LP_TREE_ANY_OF,	 /* a is one of values */
	LP_TREE_STRCMP,	 /* op: EQ, NE, LT, LE, GT, GE, or strop; a and b are strings */
	LP_TREE_STRLEN,	 /* of the string a, whose pointer or array it is */
	LP_TREE_SLICE,	 /* b items from the pointer a on; type is an array */
	LP_TREE_META,	 /* $time: only by itself */
	LP_TREE_CTX,	 /* ctx */
	LP_TREE_COMM,	 /* the name of the current thread: a string */
	LP_TREE_CALLER,	 /* the return address */
};

enum lp_strop {
	LP_STR_COMPARE,
	LP_STR_PREFIX,
	LP_STR_SUFFIX,
	LP_STR_HAS,
};

/* Where a tree can be evaluated, for `call` and `return` */
#define LP_NEEDS_ENTRY 0x1u
#define LP_NEEDS_LEAVE 0x2u

struct lp_tree {
	enum lp_tree_kind kind;
	enum lp_operator op;
	enum lp_strop strop;
	const struct lp_type *type;
	int col, width;
	uint8_t needs;			/* LP_NEEDS_* */
	const struct lp_node *redacted; /* the name in it that must not be read */
	const struct lp_tree *a, *b, *c;
	uint64_t value;
	double f;
	const char *str;
	size_t len;
	const uint64_t *values;
	size_t n_values;
	struct lp_var var;
	struct lp_scope *scope; /* of VAR and CALLER */
	uint64_t bit_offset;
	uint32_t bit_size; /* of a bit field; 0: not one */
	bool has_meta;	   /* by itself in a template it is `meta`: nothing to capture */
	enum lp_meta meta;
	enum lp_ctx ctx;
};

struct lp_check {
	struct lp_scope *entry, *leave; /* as lp_compile() */
	enum lp_location_kind location;
	const struct lp_limits *limits;
	struct lp_arena *arena;
	bool in_condition;
	struct lp_err *err;
	int status; /* 0 or the first -errno */
};

/* Of any type: an object, a value, a string. NULL: c->status and c->err say why. */
const struct lp_tree *lp_check_expr(struct lp_check *c, const struct lp_node *n);
/* A condition: 0 or not, refusing what the kernel side cannot evaluate. */
const struct lp_tree *lp_check_condition(struct lp_check *c, const struct lp_node *n);
/* A variable that scope.each() gave, as if it had been typed. */
const struct lp_tree *lp_check_var(struct lp_check *c, struct lp_scope *scope,
				   const struct lp_var *v);

/* Below: what the parts of the checker (check*.c) share. */

struct lp_tree *lp_tree_new(struct lp_check *c, enum lp_tree_kind kind, const struct lp_node *at,
			    const struct lp_type *type);
/* The same with operands, whose needs and redactions it inherits. */
struct lp_tree *lp_tree_over(struct lp_check *c, enum lp_tree_kind kind, const struct lp_node *at,
			     const struct lp_type *type, const struct lp_tree *a,
			     const struct lp_tree *b, const struct lp_tree *cc);
const struct lp_tree *lp_tree_int(struct lp_check *c, const struct lp_node *at,
				  const struct lp_type *type, uint64_t value);
/* Remembers an error at n; always NULL. */
void *lp_check_fail(struct lp_check *c, const struct lp_node *n, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void *lp_check_fail_at(struct lp_check *c, int code, int col, int width, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

bool lp_tree_is_object(const struct lp_tree *t);
bool lp_tree_is_pointer(const struct lp_tree *t);
/* A string by its content: literal, $comm, array or slice of bytes. */
bool lp_tree_is_text(const struct lp_tree *t);
/* That, or a pointer to bytes. */
bool lp_tree_is_string(const struct lp_tree *t);
/* One byte that can be part of a string. */
bool lp_type_is_byte(const struct lp_type *t);

const struct lp_type *lp_check_pointer_to(struct lp_check *c, const struct lp_type *t);
/* As an operand: arrays and functions become pointers; a struct or void is an error. */
const struct lp_tree *lp_check_value(struct lp_check *c, const struct lp_node *n,
				     const struct lp_tree *t);
const struct lp_tree *lp_check_deref(struct lp_check *c, const struct lp_node *n,
				     const struct lp_tree *t);
const struct lp_tree *lp_check_truth(struct lp_check *c, const struct lp_node *n,
				     const struct lp_tree *t);
const struct lp_tree *lp_check_convert(struct lp_check *c, const struct lp_node *n,
				       const struct lp_type *type, const struct lp_tree *t);
const struct lp_type *lp_check_promoted(const struct lp_tree *t);
/* Both operands' common type; NULL after an error. */
const struct lp_type *lp_check_common(struct lp_check *c, const struct lp_node *n,
				      const struct lp_tree *a, const struct lp_tree *b);

const struct lp_tree *lp_check_name(struct lp_check *c, const struct lp_node *n);
const struct lp_tree *lp_check_member(struct lp_check *c, const struct lp_node *n);
const struct lp_tree *lp_check_dollar(struct lp_check *c, const struct lp_node *n);
/* Which of len rows of `size` bytes, each begins with its name, is the `$` that n names; -1: none, and it says which
 * there are, and `more`.
 */
int lp_check_pick_dollar(struct lp_check *c, const struct lp_node *n, const void *rows, size_t size,
			 size_t len, const char *more);
const struct lp_tree *lp_check_numbered(struct lp_check *c, const struct lp_node *n);
const struct lp_type *lp_check_type_name(struct lp_check *c, const struct lp_type_name *t,
					 bool must);
const struct lp_tree *lp_check_unary(struct lp_check *c, const struct lp_node *n);
const struct lp_tree *lp_check_binary(struct lp_check *c, const struct lp_node *n);
const struct lp_tree *lp_check_index(struct lp_check *c, const struct lp_node *n);
const struct lp_tree *lp_check_slice(struct lp_check *c, const struct lp_node *n);
const struct lp_tree *lp_check_compare(struct lp_check *c, const struct lp_node *n,
				       enum lp_operator op, const struct lp_tree *a,
				       const struct lp_tree *b);
const struct lp_tree *lp_check_in(struct lp_check *c, const struct lp_node *n);
const struct lp_tree *lp_check_strop(struct lp_check *c, const struct lp_node *n,
				     enum lp_strop strop, enum lp_operator op,
				     const struct lp_tree *a, const struct lp_tree *b);

/* An operand beside one of type `type`: an enumerator of it needs no qualification. */
const struct lp_tree *lp_check_beside(struct lp_check *c, const struct lp_node *n,
				      const struct lp_type *type);

/* Bytes that a string operand can have at most; SIZE_MAX: no bound is known. */
size_t lp_tree_max_len(const struct lp_tree *t);

/* Integer arithmetic as C does it in one of the lp_type_* types; shared by folding and by the
 * collector. False: division by zero, or no integer operator.
 */
bool lp_int_binary(enum lp_operator op, const struct lp_type *type, uint64_t a, uint64_t b,
		   uint64_t *ret);
/* v cut to the type and extended. */
uint64_t lp_int_cut(const struct lp_type *type, uint64_t v);

/* Must the collector compute it (floating-point arithmetic)? Returns the first such node. */
const struct lp_tree *lp_tree_needs_eval(const struct lp_tree *t);

#endif
