/* SPDX-License-Identifier: GPL-2.0-only */
/* user/expr/template.h
 *
 * template - what a record of one site says: the fields that its captures fill and the text
 * around them. Made by lp_compile(), read by collect/. Valid as long as its lp_compiled.
 */
#ifndef LP_EXPR_TEMPLATE_H
#define LP_EXPR_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/value.h"
#include "expr/type.h"
#include "lp/program.h"

/* {expr:spec}: [[fill]align][sign][#][0][width][,][.precision][type], as Python's, with C's
 * types: d o x X c s p b e f g. Zero is the default of all.
 */
struct lp_format {
	char fill, align, sign, type; /* 0: none given */
	bool alternate, zero, comma;
	int width;
	int precision; /* -1: none */
};

enum lp_field_kind {
	LP_FIELD_VALUE, /* captured: blocks of `slot`, read as `type` */
	LP_FIELD_EVAL,	/* computed by the collector from other fields: `eval` (floats) */
	LP_FIELD_META,	/* of the hit itself: `meta` */
	LP_FIELD_FIXED, /* known now: `fixed` (a literal, a static why-not) */
};

enum lp_meta {
	LP_META_PID,
	LP_META_TID,
	LP_META_COMM,
	LP_META_THREAD,
	LP_META_TASK,
	LP_META_CPU,
	LP_META_TIME,
	LP_META_HIT,
	LP_META_FUNC,
	LP_META_FILE,
	LP_META_LINE,
	LP_META_ELAPSED,
	LP_META_CALLER, /* `slot` holds the return address; the collector names it. Python: the
			 * second frame of LP_SLOT_PYSTACK */
};

struct lp_eval; /* expr/eval.c */

struct lp_field {
	enum lp_field_kind kind;
	enum lp_meta meta;
	const char *text; /* as typed, without = and :spec: the key in "values"; NULL: not typed, as
			   * $return in a default message */
	const struct lp_type *type;
	uint16_t slot;
	bool hidden;	/* only an operand of an EVAL */
	bool is_local;	/* of `with locals`: not part of the message */
	bool is_result; /* the value of $return: JSON "return" */
	bool as_string; /* char * and char []: the bytes are the string's */
	bool is_python; /* a struct lp_py_value; errors are named by lp_template_reason() */
	bool in_enter;	/* captured by the entry half */
	bool optional;	/* where it is unbound, the message and the values leave it out */
	const struct lp_eval *eval;
	struct lp_value fixed;
};

struct lp_part {
	const char *literal; /* NULL: a field */
	size_t len;
	uint32_t field;
	struct lp_format format;
	bool quoted;   /* {expr=} and default messages: strings in quotes; Python: as repr() */
	bool optional; /* of a literal " name=": left out with its optional field; where the message
			* is empty before it, without its blank */
};

/* What the error of an instruction is about: "x" of x or a.x, an operator, a function. */
struct lp_pc_name {
	uint32_t pc;
	const char *name;
};

struct lp_template {
	struct lp_part *parts;
	size_t n_parts;
	struct lp_field *fields; /* operands of an EVAL come before it */
	size_t n_fields;
	bool with_stack, with_locals;
	bool has_exception;   /* LP_SLOT_PYEXC; the place is the first frame's */
	bool shows_exception; /* it is the message */
	/* of Python code: values show as Python writes them */
	bool is_python;
	bool condition_in_enter;
	const struct lp_pc_name *names, *enter_names; /* by pc, ascending */
	size_t n_names, n_enter_names;
};

/* "no attribute 'x'" and the like, for a status that only Python programs have, raised by the
 * instruction at pc; NULL: another status, whose block has an address. In a or constant.
 */
const char *lp_template_reason(const struct lp_template *t, bool in_enter, enum lp_status status,
			       uint64_t pc, struct lp_arena *a);

/* Computes an EVAL field from the values of the fields before it. Errors become an
 * LP_VAL_ERROR in *ret.
 */
void lp_eval_run(const struct lp_eval *eval, const struct lp_value *fields, struct lp_arena *a,
		 struct lp_value *ret);

#endif
