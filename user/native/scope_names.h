/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/scope_names.h
 *
 * names - which DIE a qualified name ("x", "ns::Cls::x") outside of functions means.
 * One index a unit, made when the unit is first asked; a name that the own unit lacks is looked
 * for in the others in turn, as far as they can have it (native/mention.h). Partial units (dwz) are
 * indexed once and reached through imports.
 */
#ifndef LP_NATIVE_SCOPE_NAMES_H
#define LP_NATIVE_SCOPE_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "native/module.h"

struct lp_names;

#define LP_NAME_VARIABLE   0x01u
#define LP_NAME_FUNCTION   0x02u
#define LP_NAME_TYPE	   0x04u /* typedef, base type */
#define LP_NAME_TAG	   0x08u /* struct, union, class, enum */
#define LP_NAME_ENUMERATOR 0x10u

/* Of a module with debug information. */
struct lp_names *lp_names_new(struct lp_module *m);
void lp_names_free(struct lp_names *n);

/* Of the unit of `in` alone; a definition where it has one, else a declaration. */
bool lp_names_in_unit(struct lp_names *n, Dwarf_Die *in, const char *name, size_t len,
		      unsigned int kinds, Dwarf_Die *ret);

/* A definition, of the first unit that has one; of variables only external ones, as others are
 * not in scope outside of their unit.
 */
bool lp_names_anywhere(struct lp_names *n, const char *name, size_t len, unsigned int kinds,
		       Dwarf_Die *ret);

/* The DIE with the location of a variable whose own DIE has none: an extern declaration's
 * definition, the late DIE of link-time optimisation.
 */
bool lp_names_definition(struct lp_names *n, Dwarf_Die *declared, Dwarf_Die *ret);

/* The enclosing namespaces and classes of a DIE outside of functions: "ns::Cls", "". */
const char *lp_names_scope(struct lp_names *n, Dwarf_Die *die);

/* The enumeration that an enumerator outside of functions belongs to. */
bool lp_names_enumeration(struct lp_names *n, Dwarf_Die *enumerator, Dwarf_Die *ret);

/* Can a variable be more of one in another unit? That is how link-time optimisation tells places. Of one table of
 * abbreviations, or all.
 */
bool lp_names_have_far_variables(struct lp_span abbrevs, bool all);

/* Variables of the unit of `in`, in the order of the source. fn != 0 stops and is returned. */
int lp_names_each_variable(struct lp_names *n, Dwarf_Die *in,
			   int (*fn)(Dwarf_Die *die, const char *scope, void *arg), void *arg);

#endif
