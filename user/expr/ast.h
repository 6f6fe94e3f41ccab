/* SPDX-License-Identifier: GPL-2.0-only */
/* user/expr/ast.h
 *
 * ast - what the user typed, as a tree. Nothing is looked up yet: a name is only a name.
 * Nodes live in the arena of their lp_logpoint. No tree is higher than LP_NESTING_MAX, so that
 * whoever walks it may recurse.
 */
#ifndef LP_EXPR_AST_H
#define LP_EXPR_AST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "expr/template.h"

enum lp_node_kind {
	LP_NODE_NAME,	    /* name: "x", "::x", "ns::x" */
	LP_NODE_DOLLAR,	    /* name: "pid" of $pid */
	LP_NODE_NUMBERED,   /* value: 1 of $1 */
	LP_NODE_INT,	    /* value, literal_type */
	LP_NODE_BIG,	    /* beyond 64 bits. name, len: digits; value: their base */
	LP_NODE_FLOAT,	    /* f, literal_type */
	LP_NODE_CHAR,	    /* value */
	LP_NODE_STRING,	    /* name, len: its bytes; is_bytes: b"..." */
	LP_NODE_NULL,	    /* None, nullptr, NULL */
	LP_NODE_BOOL,	    /* value */
	LP_NODE_LIST,	    /* items: [1, 2]; is_tuple: (1, 2) */
	LP_NODE_UNARY,	    /* op, a */
	LP_NODE_BINARY,	    /* op, a, b */
	LP_NODE_COND,	    /* a: condition, b, c */
	LP_NODE_MEMBER,	    /* a, name */
	LP_NODE_INDEX,	    /* a, b */
	LP_NODE_SLICE,	    /* a; b, c, d: from, to, step, each may be NULL */
	LP_NODE_CAST,	    /* type_name, a */
	LP_NODE_SIZEOF,	    /* type_name or a; both where only the program can tell */
	LP_NODE_ISINSTANCE, /* a, b: a NAME (with type_name), MEMBERs of one, or a LIST of them */
	LP_NODE_CALL,	    /* name: len, type; a */
	LP_NODE_METHOD,	    /* a, name: startswith, endswith; b */
};

/* X(NAME, as typed, precedence: 0 is unary) */
#define LP_OPERATORS(X)                                                                            \
	X(OR, "or", 1)                                                                             \
	X(AND, "and", 2)                                                                           \
	X(EQ, "==", 4)                                                                             \
	X(NE, "!=", 4)                                                                             \
	X(LT, "<", 4)                                                                              \
	X(LE, "<=", 4)                                                                             \
	X(GT, ">", 4)                                                                              \
	X(GE, ">=", 4)                                                                             \
	X(IN, "in", 4)                                                                             \
	X(NOT_IN, "not in", 4)                                                                     \
	X(IS, "is", 4)                                                                             \
	X(IS_NOT, "is not", 4)                                                                     \
	X(BIT_OR, "|", 5)                                                                          \
	X(BIT_XOR, "^", 6)                                                                         \
	X(BIT_AND, "&", 7)                                                                         \
	X(SHL, "<<", 8)                                                                            \
	X(SHR, ">>", 8)                                                                            \
	X(ADD, "+", 9)                                                                             \
	X(SUB, "-", 9)                                                                             \
	X(MUL, "*", 10)                                                                            \
	X(DIV, "/", 10)                                                                            \
	X(MOD, "%", 10)                                                                            \
	X(FLOORDIV, "//", 10)                                                                      \
	X(POW, "**", 11)                                                                           \
	X(NOT, "not", 0)                                                                           \
	X(NEG, "-", 0)                                                                             \
	X(PLUS, "+", 0)                                                                            \
	X(INV, "~", 0)                                                                             \
	X(DEREF, "*", 0)                                                                           \
	X(ADDRESS, "&", 0)

enum lp_operator {
#define LP_OPERATOR_ENUM(name, text, precedence) LP_OPER_##name,
	LP_OPERATORS(LP_OPERATOR_ENUM)
#undef LP_OPERATOR_ENUM
		LP_OPER_COUNT
};

/* Name as typed, and precedence. */
struct lp_operator_desc {
	const char *text;
	int precedence;
};
extern const struct lp_operator_desc lp_operators[LP_OPER_COUNT];

/* A type as typed: "struct req" with stars. Qualifiers are dropped. */
struct lp_type_name {
	const char *name;
	size_t len;
	int stars;
	bool is_certain; /* can be nothing but a type: a keyword or a star says so */
	int col, width;
};

struct lp_node {
	enum lp_node_kind kind;
	enum lp_operator op;
	int col, width;	      /* of the whole, in the logpoint's text */
	int at_col, at_width; /* of the operator, the member's name, the function's name */
	int height;
	bool parens;	/* written in parentheses of its own */
	bool is_tuple;	/* of a list: in parentheses */
	bool is_chain;	/* of an AND: Python's a < b < c */
	bool is_bytes;	/* of a string */
	bool c_escapes; /* a string's escapes mean bytes to C and something else to Python */
	const char *name;
	size_t len;
	uint64_t value;
	double f;
	const struct lp_type *literal_type;
	struct lp_node *a, *b, *c, *d;
	struct lp_node
		*slices; /* the same text where it has "::" as Python means it; NULL: no other */
	struct lp_node **items;
	size_t n_items;
	struct lp_type_name *type_name;
};

/* Of a template: a literal, or an expression with its format. */
struct lp_text_part {
	const char *literal; /* NULL: an expression */
	size_t len;
	struct lp_node *expr;
	const char *text; /* of the expression, as typed */
	struct lp_format format;
	bool with_text; /* {expr=} */
};

#endif
