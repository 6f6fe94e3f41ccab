/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/types.h
 *
 * types - DWARF types as struct lp_type, each made once a module and only when asked for.
 * Members and enumerators are read by lp_type_complete(); a struct that is only declared in one
 * unit is completed by the definition of the same name in another. Survives any DWARF: what makes
 * no sense becomes LP_TYPE_UNKNOWN. Types live as long as the module.
 */
#ifndef LP_NATIVE_TYPES_H
#define LP_NATIVE_TYPES_H

#include <elfutils/libdw.h>

#include "expr/type.h"
#include "native/module.h"

struct lp_types;
struct lp_names; /* native/scope_names.h */

/* The module's, made at the first call; works without DWARF too, then only for C's own types.
 * NULL when out of memory.
 */
struct lp_types *lp_types_get(struct lp_module *m);
void lp_types_free(struct lp_types *ts);

struct lp_names *lp_types_names(struct lp_types *ts);

/* The type that a type DIE describes; NULL when out of memory. */
const struct lp_type *lp_types_of(struct lp_types *ts, Dwarf_Die *die);

/* The DW_AT_type of a DIE, its origin's where it has none itself; void where there is none. */
const struct lp_type *lp_types_of_var(struct lp_types *ts, Dwarf_Die *die);

/* The DIE that a type was made of; false for types that no DIE describes. */
bool lp_types_die(const struct lp_type *t, Dwarf_Die *ret);

const struct lp_type *lp_types_pointer_to(struct lp_types *ts, const struct lp_type *t);

/* C's own types by any of their spellings: "unsigned", "long unsigned int", and those of stdint.h;
 * NULL: not one.
 */
const struct lp_type *lp_types_builtin(struct lp_types *ts, const char *name, size_t len);

#endif
