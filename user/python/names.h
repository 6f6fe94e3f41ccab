/* SPDX-License-Identifier: GPL-2.0-only */
/* user/python/names.h
 *
 * names - which functions and files a user means: text alone, nothing is looked up here.
 */
#ifndef LP_PYTHON_NAMES_H
#define LP_PYTHON_NAMES_H

#include <stdbool.h>

#define LP_PY_PATH_NAME_MAX 4096 /* longer names match nothing */

/* Does "total", "Cart.total", "shop.cart.Cart.total", "outer.inner" or "http_*" mean the function
 * with this qualified name in this file? "<locals>" may be left out. A name in angle brackets is
 * only matched by one with them.
 */
bool lp_py_name_matches(const char *wanted, const char *qualified, const char *file);

/* Does a path as the interpreter has it end in `wanted`, at a slash? A path that was relative to
 * some folder also matches where it is the end of `wanted`.
 */
bool lp_py_file_matches(const char *wanted, const char *path);

#endif
