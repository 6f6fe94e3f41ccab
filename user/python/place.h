/* SPDX-License-Identifier: GPL-2.0-only */
/* user/python/place.h
 *
 * place - the units of one code object that a location means. Used by python/ alone.
 */
#ifndef LP_PYTHON_PLACE_H
#define LP_PYTHON_PLACE_H

#include "python/code.h"

/* Where a line starts in it. -ENOMEM; -ENOTSUP: its starts can't be told from what goes on there; what
 * can't be read has none.
 */
int lp_py_place_lines(struct lp_python *py, const struct lp_py_code *code, int line,
		      struct lp_py_places *ret);

/* Where its body begins and, if asked for, each instruction that returns. -ENOMEM, -ENOENT. */
int lp_py_place_function(struct lp_python *py, const struct lp_py_code *code, bool returns,
			 struct lp_py_places *ret);

/* The one file that a name means, as lp_python_resolve(). */
int lp_py_choose_file(struct lp_python *py, struct lp_py_codes *codes, const char *wanted,
		      const char **ret, struct lp_err *err);

/* Is it a function, not the body of a class or a module? */
static inline bool lp_py_code_is_function(const struct lp_py_code *code)
{
	return code->flags & LP_PY_CO_OPTIMIZED;
}

#endif
