/* SPDX-License-Identifier: GPL-2.0-only */
/* user/python/names.h
 *
 * names - which functions and files a user means: text alone, nothing is looked up here.
 */
#ifndef LP_PYTHON_NAMES_H
#define LP_PYTHON_NAMES_H

#include <stdbool.h>

#define LP_PY_PATH_NAME_MAX 4096 /* longer names match nothing */

/* How well a name means a function: the functions that are meant are those of the best. */
enum lp_py_match {
	LP_PY_NO_MATCH,
	LP_PY_MATCH_LOCAL,  /* in another function: "limited" is decorate.<locals>.limited */
	LP_PY_MATCH_MEMBER, /* of a class: "total" is Cart.total */
	LP_PY_MATCH_WHOLE,  /* all of its name; a glob */
};

/* How "total", "Cart.total", "shop.cart.Cart.total", "outer.inner" or "http_*" means the function
 * with this qualified name in this file. "<locals>" may be left out. A name in angle brackets is
 * only matched by one with them.
 */
enum lp_py_match lp_py_name_match(const char *wanted, const char *qualified, const char *file);

/* Is it a file of the standard library of 3.minor? Its functions are meant where no others are. */
bool lp_py_file_is_standard(const char *file, int minor);

/* Does a path as the interpreter has it end in `wanted`, at a slash? A path that was relative to
 * some folder also matches where it is the end of `wanted`.
 */
bool lp_py_file_matches(const char *wanted, const char *path);

#endif
