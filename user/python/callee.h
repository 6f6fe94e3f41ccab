/* SPDX-License-Identifier: GPL-2.0-only */
/* user/python/callee.h
 *
 * callee - what the machine code of a single function of the interpreter, or of a module of its own, calls
 * and reads. Code is the file's, where no probe has left a breakpoint. x86-64.
 */
#ifndef LP_PYTHON_CALLEE_H
#define LP_PYTHON_CALLEE_H

#include "python/impl.h"

/* The file that code of the process lies in. Addresses are link addresses. */
struct lp_py_text {
	struct lp_symfile *symbols; /* own, or the interpreter's */
	uint64_t bias;
	const uint8_t *code; /* .text */
	uint64_t from, to;
	bool is_own;
};

/* The interpreter's own file. -ENOENT: it has no code. Nothing is to be given back. */
int lp_py_text_interpreter(struct lp_python *py, struct lp_py_text *ret);
/* The file that maps a run-time address. -ENOENT. */
int lp_py_text_open(struct lp_python *py, const struct lp_maps *maps, uint64_t addr,
		    struct lp_py_text *ret);
void lp_py_text_done(struct lp_py_text *t);
LP_CLEANUP_DONE(struct lp_py_text, lp_py_text_done)

/* Where a function that does nothing but call another ends up: with that one, in which callers that
 * the compiler has let call it themselves meet. -ENOENT: with one of the symbol table, called by its name.
 */
int lp_py_callee_last(const struct lp_py_text *t, uint64_t function, uint64_t *ret);

/* Does the function, or what the compiler has split off it, jump to or call the other one? */
bool lp_py_callee_reaches(const struct lp_py_text *t, uint64_t function, uint64_t other);

/* The only displacement between min and max at which the function reads memory, from a register.
 * -ENOENT: there is none, or more than one.
 */
int lp_py_callee_member(const struct lp_py_text *t, uint64_t function, int64_t min, int64_t max,
			int64_t *ret);

#endif
