/* SPDX-License-Identifier: GPL-2.0-only */
/* user/expr/dynamic.h
 *
 * dynamic - the language over a program whose types are known at the hit only (CPython): checking,
 * code and fields. What an expression gives is what it gives in the program, or an error in place.
 *
 * Checked expressions are shared: the same text is the same node, so that what several expressions
 * have in common is loaded once. Registers hold tagged values (lp/python.h).
 */
#ifndef LP_EXPR_DYNAMIC_H
#define LP_EXPR_DYNAMIC_H

#include "expr/eval.h"
#include "expr/tree.h"

enum lp_dyn_kind {
	LP_DYN_CONST,	   /* constant */
	LP_DYN_NAME,	   /* name */
	LP_DYN_RESULT,	   /* $return */
	LP_DYN_CTX,	   /* ctx; meta where it is shown by itself */
	LP_DYN_META,	   /* meta: the collector knows it */
	LP_DYN_WHO,	   /* who: found out at the hit, for a condition */
	LP_DYN_EXC,	   /* $exc */
	LP_DYN_TUPLE,	   /* items: only to be compared and looked up */
	LP_DYN_ATTR,	   /* a.name */
	LP_DYN_ITEM,	   /* a[b] */
	LP_DYN_SLICE,	   /* a[b:c], either may be NULL */
	LP_DYN_STEP,	   /* every b-th item of the slice a; constant: it has no ends */
	LP_DYN_LEN,	   /* of a */
	LP_DYN_TYPE,	   /* of a */
	LP_DYN_UNARY,	   /* op a */
	LP_DYN_BINARY,	   /* a op b */
	LP_DYN_COND,	   /* b if a else c */
	LP_DYN_ANY_OF,	   /* a in items */
	LP_DYN_ISINSTANCE, /* a, items: one of these */
	LP_DYN_STARTS,	   /* a, items: with one of these */
	LP_DYN_ENDS,
};

/* What is known before the hit. */
enum lp_dyn_type {
	LP_DYN_ANY,
	LP_DYN_INT,
	LP_DYN_BOOL,
	LP_DYN_FLOAT,
	LP_DYN_STR,
	LP_DYN_BYTES,
	LP_DYN_NONE,
};

struct lp_dyn {
	enum lp_dyn_kind kind;
	enum lp_operator op;
	enum lp_dyn_type type;
	int col, width;
	uint8_t needs;			/* LP_NEEDS_* */
	bool computes;			/* in a template it is the collector's */
	bool is_cheap;			/* a name that is loaded at once: not worth to keep */
	const struct lp_node *redacted; /* the name in it that must not be read */
	struct lp_dyn *a, *b, *c;
	struct lp_dyn **items;
	size_t n_items;
	const char *name;
	size_t len;
	struct lp_scope *scope; /* of NAME and RESULT */
	struct lp_value constant;
	enum lp_ctx ctx;
	enum lp_meta meta;
	enum lp_py_who who;
	/* used by */
	unsigned int refs;
	struct lp_dyn *same_hash, *older;
	/* where it was captured: slot + 1, 0: nowhere; [1] its truth */
	uint32_t slot[2];
};

#define LP_DYN_BUCKETS 256

struct lp_dyn_check {
	struct lp_check base;
	const char *text; /* of the logpoint */
	struct lp_dyn *buckets[LP_DYN_BUCKETS], *latest;
	bool uses_elapsed;
};

/* NULL: c->base.status and c->base.err say why. */
struct lp_dyn *lp_dyn_check_expr(struct lp_dyn_check *c, const struct lp_node *n);
/* A condition, refusing what the kernel side cannot evaluate. */
struct lp_dyn *lp_dyn_check_condition(struct lp_dyn_check *c, const struct lp_node *n);
/* A name as scope.each() gave it. */
struct lp_dyn *lp_dyn_check_named(struct lp_dyn_check *c, const char *name);
struct lp_dyn *lp_dyn_check_result(struct lp_dyn_check *c, const struct lp_node *n);

/* Below: what the parts of the checker share. */

/* A node over operands, whose needs and redactions it inherits; finish with lp_dyn_share(). */
struct lp_dyn lp_dyn_node(enum lp_dyn_kind kind, const struct lp_node *at, enum lp_dyn_type type);
struct lp_dyn *lp_dyn_share(struct lp_dyn_check *c, struct lp_dyn *t);
struct lp_dyn *lp_dyn_constant(struct lp_dyn_check *c, const struct lp_node *at,
			       const struct lp_value *v);
/* As lp_dyn_check_expr(), where a tuple may stand: a key, an operand of a comparison. */
struct lp_dyn *lp_dyn_check_key(struct lp_dyn_check *c, const struct lp_node *n);
struct lp_dyn *lp_dyn_check_big(struct lp_dyn_check *c, const struct lp_node *n);
struct lp_dyn *lp_dyn_negate_big(struct lp_dyn_check *c, const struct lp_node *n,
				 const struct lp_value *of);
struct lp_dyn *lp_dyn_check_name(struct lp_dyn_check *c, const struct lp_node *n);
struct lp_dyn *lp_dyn_check_dollar(struct lp_dyn_check *c, const struct lp_node *n);
struct lp_dyn *lp_dyn_check_unary(struct lp_dyn_check *c, const struct lp_node *n);
struct lp_dyn *lp_dyn_check_binary(struct lp_dyn_check *c, const struct lp_node *n);
/* Can the kernel side take it as the operand of what only it can do? */
bool lp_dyn_is_loaded(struct lp_dyn_check *c, const struct lp_node *n, const struct lp_dyn *t);
bool lp_dyn_is_compare(enum lp_operator op);
bool lp_dyn_is_arithmetic(enum lp_operator op);

/* Code. */

#define LP_DYN_KEPT_MAX	 4
#define LP_DYN_TUPLE_MAX 8 /* items of a tuple in the text */

struct lp_dyn_gen {
	struct lp_emit e;
	struct lp_dyn_gen *enter; /* in the leave half of `call`: where arguments are; NULL else */
	unsigned int n_keep;	  /* registers that carry values from the entry */
	uint16_t next_slot;	  /* of values; in the leave half for both */
	/* registers that hold what several expressions have in common, 0 until it is there */
	struct {
		const struct lp_dyn *t;
		uint8_t reg;
		bool used;
	} shared[LP_DYN_KEPT_MAX];
	unsigned int n_shared;
	uint32_t parts[LP_VM_REGS]; /* registers that the tuple in one is made of */
	LP_VEC(struct lp_pc_name) names;
	struct lp_scope *scope; /* any of the program: for hashes */
	struct lp_err *err;
	int status;
};

void lp_dyn_gen_done(struct lp_dyn_gen *g);
/* Sets registers aside for what is used more than once in this half. */
void lp_dyn_gen_begin(struct lp_dyn_gen *g, const struct lp_dyn *latest, uint8_t half);
/* The caller drops the register. */
uint8_t lp_dyn_gen_value(struct lp_dyn_gen *g, const struct lp_dyn *t);
/* A plain word: zero or not. */
uint8_t lp_dyn_gen_truth(struct lp_dyn_gen *g, const struct lp_dyn *t);
void lp_dyn_gen_drop(struct lp_dyn_gen *g, uint8_t reg);
void lp_dyn_gen_capture(struct lp_dyn_gen *g, const struct lp_dyn *t, bool truth, uint16_t slot,
			const struct lp_limits *limits);

/* Below: what the parts of the generator share. */

/* Errors of the instructions from `first` on are about that name. */
void lp_dyn_gen_names(struct lp_dyn_gen *g, size_t first, const char *name);
void lp_dyn_gen_fail(struct lp_dyn_gen *g, const struct lp_dyn *t, const char *why);
/* An int of more than 64 bits. */
void lp_dyn_emit_big(struct lp_dyn_gen *g, uint8_t dst, const struct lp_value *v);
/* r = not r, of a bool */
void lp_dyn_gen_invert(struct lp_dyn_gen *g, uint8_t r);
/* Is it so with one of the items? */
uint8_t lp_dyn_gen_items(struct lp_dyn_gen *g, const struct lp_dyn *t);

/* Fields. */

/* Of a message or the locals, in order: text, or an expression. */
struct lp_dyn_item {
	const char *literal;
	size_t len;
	struct lp_dyn *t;
	const char *text; /* as typed */
	const struct lp_format *format;
	bool is_part;  /* of the message */
	bool quoted;   /* {expr=} and default messages */
	bool optional; /* left out where it is unbound */
	bool is_local, is_result, hidden;
};

struct lp_dyn_fields {
	struct lp_dyn_check check;
	struct lp_dyn_gen here;	 /* the site's own program; of a call, the leave half */
	struct lp_dyn_gen enter; /* the entry half of a call */
	bool is_call, has_caller;
	struct lp_compiled *out;
	LP_VEC(struct lp_dyn_item) items;
	LP_VEC(struct lp_field) fields;
	LP_VEC(struct lp_part) parts;
};

void lp_dyn_fields_done(struct lp_dyn_fields *f);
int lp_dyn_fields_status(const struct lp_dyn_fields *f);
/* Checks what will be shown. */
void lp_dyn_fields_check(struct lp_dyn_fields *f, const struct lp_logpoint *lp);
/* Captures it. */
void lp_dyn_fields_write(struct lp_dyn_fields *f);

/* Operands of CAP_PYSTACK and, where a frame has so many bytes, of CAP_STACK. */
uint32_t lp_python_frames(const struct lp_limits *limits);
uint32_t lp_stack_size(const struct lp_limits *limits, uint32_t frame);
uint64_t lp_python_limits(const struct lp_limits *limits); /* LP_PY_CAPTURE() */

/* lp_compile() for such a scope. */
int lp_dynamic_compile(const struct lp_logpoint *lp, struct lp_scope *entry, struct lp_scope *leave,
		       const struct lp_limits *limits, struct lp_compiled *out, struct lp_err *err);

#endif
