/* SPDX-License-Identifier: GPL-2.0-only */
/* user/expr/compile.h
 *
 * compile - a parsed logpoint at one place: type check, code, and the template of its records.
 *
 * A name that is not in scope is -ENOENT with its column and what is in scope; a type that does
 * not fit is -EINVAL. What the compiler of the target removed is no error in a template (the value
 * says so) and at one of several copies of a line no error in a condition (it raises there).
 */
#ifndef LP_EXPR_COMPILE_H
#define LP_EXPR_COMPILE_H

#include "expr/logpoint.h"
#include "expr/scope.h"
#include "expr/template.h"

struct lp_limits {
	uint32_t string, items, depth, frames;
	const char *const *redact; /* names whose values are not copied; NULL-terminated */
	bool all_frames;	   /* of stacks: those of libraries are shown, too */
};

#define LP_LIMITS_DEFAULT                                                                          \
	{                                                                                          \
		.string = LP_STRING_DEFAULT, .items = LP_ITEMS_DEFAULT, .depth = LP_DEPTH_DEFAULT, \
		.frames = LP_FRAMES_DEFAULT                                                        \
	}

struct lp_compiled {
	struct lp_arena arena; /* owns the template */
	struct lp_insn *code;  /* a PLAIN site, or the LEAVE half */
	size_t n_code;
	struct lp_insn *enter; /* the ENTER half of `return` and `call`; NULL else */
	size_t n_enter;
	bool condition_never; /* the condition reads what is known to be nowhere here */
	bool enter_optional; /* of `return` in Python: nothing asks for what the entry half finds out,
			       * which is the elapsed time: the leave halves can be PLAIN sites */
	struct lp_template template;
};

/* entry: the place's scope. leave: for `return` and `call` the scope of the return (its result()
 * works), else NULL.
 */
int lp_compile(const struct lp_logpoint *lp, struct lp_scope *entry, struct lp_scope *leave,
	       const struct lp_limits *limits, struct lp_compiled **ret, struct lp_err *err);
void lp_compiled_free(struct lp_compiled *c);
LP_CLEANUP(struct lp_compiled *, lp_compiled_free)

/* The built-in list of names that are redacted, and the comparison (no case, no '_' and '-'). */
extern const char *const lp_redact_default[];
bool lp_redacted(const char *const *names, const char *name, size_t len);

#endif
