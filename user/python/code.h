/* SPDX-License-Identifier: GPL-2.0-only */
/* user/python/code.h
 *
 * code - the code objects of a process, found by looking through its memory for their type: also
 * those that only a closure, a decorator or the constants of another one hold.
 */
#ifndef LP_PYTHON_CODE_H
#define LP_PYTHON_CODE_H

#include "base/buf.h"
#include "python/flow.h"
#include "python/impl.h"
#include "python/texts.h"

/* Bits of co_flags (Include/cpython/code.h). */
#define LP_PY_CO_OPTIMIZED	 0x1u /* a function: its locals are numbered */
#define LP_PY_CO_VARARGS	 0x4u
#define LP_PY_CO_VARKEYWORDS	 0x8u
#define LP_PY_CO_GENERATOR	 0x20u
#define LP_PY_CO_COROUTINE	 0x80u
#define LP_PY_CO_ASYNC_GENERATOR 0x200u

#define LP_PY_CODE_BYTES (1u << 24) /* of the units or of a table, at most */

struct lp_py_code {
	uint64_t addr;
	uint64_t name, qualname, filename; /* str objects; qualname 0 up to 3.10 */
	uint64_t consts;		   /* a tuple */
	uint64_t globals; /* the dict of the module that a function of it was made in; 0 */
	uint64_t parent;  /* up to 3.10: the code object whose constant it is; 0: not known */
	const char *file, *base_name; /* text of filename and name */
	const char *function;	      /* qualified */
	uint32_t firstlineno, flags;
};

struct lp_py_line_list {
	LP_VEC(struct lp_py_line); /* by unit */
};

struct lp_py_known_lines {
	uint64_t code, name;
	uint32_t firstlineno;
	struct lp_py_line_list lines;
};

struct lp_py_codes {
	LP_VEC(struct lp_py_code) all; /* by address */
	bool is_partial;	       /* not looked for: who is in whom is not known */
	struct lp_py_texts texts;
	LP_VEC(struct lp_py_known_lines) lines; /* by address; of frames */
};

struct lp_py_addrs {
	LP_VEC(uint64_t);
};

/* By address, none twice. */
void lp_py_addrs_sort(struct lp_py_addrs *a);

/* What has been found; looks through the memory where that was not done yet. */
int lp_py_codes_get(struct lp_python *py, struct lp_py_codes **ret, struct lp_err *err);

/* The one at an address; NULL. Good until more are taken in. */
struct lp_py_code *lp_py_code_at(struct lp_py_codes *c, uint64_t addr);

/* Reads code objects, and functions for what they say of their code, and takes them in; what was
 * known of these addresses is replaced. What is none is left out. -ENOMEM.
 */
int lp_py_codes_take(struct lp_python *py, struct lp_py_codes *c, const struct lp_py_addrs *codes,
		     const struct lp_py_addrs *functions);

/* The items of a tuple that are code objects. -ENOMEM. */
int lp_py_code_consts(struct lp_python *py, uint64_t consts, struct lp_py_addrs *ret);

/* Its instructions, as they lie in memory now, and the address of the first unit. -ENOENT: it is no
 * longer there; -EINVAL: it can't be understood; -ENOMEM. No message.
 */
int lp_py_code_flow(struct lp_python *py, const struct lp_py_code *code, struct lp_py_flow *ret,
		    uint64_t *ret_units);

/* How many of its first locals are arguments: bound where it begins. -ENOENT. */
int lp_py_code_arguments(struct lp_python *py, const struct lp_py_code *code, uint32_t *ret);

/* Its lines alone, by unit. -ENOENT, -ENOMEM. */
int lp_py_code_lines(struct lp_python *py, const struct lp_py_code *code,
		     struct lp_py_line_list *ret);

#endif
