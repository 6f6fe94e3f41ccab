/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/names.h
 *
 * names - which functions a user means by a name: text alone, nothing is looked up here.
 */
#ifndef LP_NATIVE_NAMES_H
#define LP_NATIVE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LP_NAME_MAX 4096 /* longer names match nothing */

/* "handle", "ns::Cls::method", "Vec<int>::push", "::handle" (no namespace), "http_*", "_ZN..." */
struct lp_name_pattern {
	const char *text;
	const char *last; /* the last component of text */
	bool glob;
	bool global;  /* began with "::" */
	bool linkage; /* a mangled name */
	bool args;    /* names template arguments */
};

void lp_name_pattern_init(struct lp_name_pattern *p, const char *text);

/* Could a function with this last component match? Never says no wrongly. */
bool lp_name_could_match(const struct lp_name_pattern *p, const char *last);

/* The same for all last components that a pattern without wildcards can mean. */
uint32_t lp_name_hash(const char *last);

/* As compilers of C++ and Rust write it. */
bool lp_name_is_mangled(const char *name);

/* Does it match a qualified name? Whole, or from a "::" on; template arguments count only where
 * the pattern has some. A glob also matches the last component alone.
 */
bool lp_name_matches(const struct lp_name_pattern *p, const char *qualified);

/* The last component of a qualified name: "push" of "Vec<std::string>::push". */
const char *lp_name_last(const char *qualified);

/* Without template arguments, into buf of LP_NAME_MAX; what does not fit is cut. */
void lp_name_strip_args(const char *name, char *buf);

/* How unlike two names are: 0 the same but for case, up to 3; 4: not alike. */
unsigned int lp_name_distance(const char *wanted, const char *name);

#endif
