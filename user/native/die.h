/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/die.h
 *
 * die - a DIE among the others of its unit: what stands in it, what it stands in, and so its whole name; where its code
 * is entered. What it says of itself is for scope_die.h.
 */
#ifndef LP_NATIVE_DIE_H
#define LP_NATIVE_DIE_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

struct lp_module;

/* Where a function or an inlined copy is entered. False: it has no code. */
bool lp_die_entry(struct lp_module *m, Dwarf_Die *die, uint64_t *ret);

/* "ns::Cls::method" of a function's DIE; NULL: it has no name. The module's. */
const char *lp_die_qualified_name(struct lp_module *m, Dwarf_Die *die);

/* The same of a DIE without an origin that is known to stand in a scope: "ns::Cls::", or "". */
const char *lp_die_name_in(struct lp_module *m, Dwarf_Die *die, const char *scope);

#define LP_DIE_DEPTH 200 /* nested DIEs below this are not looked at */

/* What a DIE stands in, the unit first; ret[n] is the DIE itself. Returns n; -ENOENT: its unit does not
 * have it, so deep.
 */
int lp_die_path(Dwarf_Die *die, Dwarf_Die ret[LP_DIE_DEPTH]);

/* Visits a DIE's descendants. enter() returns 1 to go below a DIE, and leave() is then called
 * after that; 0 to pass it by; negative stops and is returned. leave may be NULL.
 */
struct lp_die_visitor {
	int (*enter)(Dwarf_Die *die, int tag, void *arg);
	void (*leave)(Dwarf_Die *die, int tag, void *arg);
	void *arg;
};
int lp_die_walk(Dwarf_Die *die, const struct lp_die_visitor *v);

#endif
