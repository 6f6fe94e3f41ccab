/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/functions.h
 *
 * functions - all functions that the debug information names, with their qualified names.
 */
#ifndef LP_NATIVE_FUNCTIONS_H
#define LP_NATIVE_FUNCTIONS_H

#include "native/names.h"
#include "native/place.h"

struct lp_function_walk;

struct lp_function {
	Dwarf_Die die; /* a subprogram: with code, to be inlined, or only declared */
	struct lp_unit *unit;
	const char *last; /* the last component of its name */
	struct lp_module *m;
	const struct lp_function_walk *walk;
};

/* Calls fn with each; what it returns, where not 0, stops and is returned. */
int lp_functions_each(struct lp_module *m, int (*fn)(const struct lp_function *f, void *arg),
		      void *arg);

/* With each that could be meant by the pattern, but perhaps not with one that is only declared, and perhaps with
 * others. What names there are is remembered once several have been asked for.
 */
int lp_functions_named(struct lp_module *m, const struct lp_name_pattern *p,
		       int (*fn)(const struct lp_function *f, void *arg), void *arg);

/* With those that were left out as they are only declared. */
int lp_functions_declared(struct lp_module *m, const struct lp_name_pattern *p,
			  int (*fn)(const struct lp_function *f, void *arg), void *arg);

/* "ns::Cls::method"; NULL when out of memory. */
const char *lp_function_name(const struct lp_function *f);

/* The DIE that all copies of a function lead to, as a key. */
const void *lp_function_key(const struct lp_function *f);

/* Can there be inlined copies of it? In the units that link-time optimisation reads, nothing says
 * so of functions: those there all can.
 */
bool lp_function_may_be_inlined(const struct lp_function *f);

/* Calls fn with each inlined copy that has code: where it is entered, its DIE, and the key of its
 * function. wanted, where not NULL, chooses units. Copies are in the unit of the function, unless
 * that is a unit without code: there dwz and link-time optimisation put what others use.
 */
int lp_inlined_each(struct lp_module *m, bool (*wanted)(const struct lp_unit *unit, void *arg),
		    int (*fn)(uint64_t entry, Dwarf_Off die, const void *key, void *arg),
		    void *arg);

#endif
