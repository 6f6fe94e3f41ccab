/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/scope_names_impl.h - the names of units: made in scope_names_unit.c, searched in scope_names.c. */
#ifndef LP_NATIVE_SCOPE_NAMES_IMPL_H
#define LP_NATIVE_SCOPE_NAMES_IMPL_H

#include "base/arena.h"
#include "base/vec.h"
#include "native/linetable.h"
#include "native/scope_die.h"
#include "native/scope_names.h"

#define ENTRY_DECLARATION 0x1u
#define ENTRY_LOCATED	  0x2u
#define ENTRY_EXTERNAL	  0x4u
#define ENTRY_OF_ORIGIN	  0x8u /* name and scope are another DIE's: `origin` */

struct lp_names_entry {
	uint64_t hash; /* of the qualified name */
	Dwarf_Off off;
	const void *origin; /* address of the DIE that names it */
	Dwarf_Off parent;   /* of an enumerator */
	uint32_t scope;
	uint8_t kind, flags;
};

struct lp_names_unit {
	Dwarf_Die cudie;
	Dwarf *dwarf;
	bool in_types;	       /* .debug_types of DWARF 4 */
	bool is_c, lang_known; /* by lp_names_is_c() */
	bool building, built, sorted;
	bool functionless;  /* built without functions */
	unsigned int paths; /* DIEs whose scope was asked for before it was built */
	uint32_t visit;	    /* of the search that saw it last */
	LP_VEC(struct lp_names_entry) by_hash, by_off;
	LP_VEC(const char *) scopes;
	LP_VEC(struct lp_names_unit *) imports;
};

struct lp_names {
	struct lp_module *module;
	Dwarf *dwarf;
	struct lp_arena arena;
	struct lp_ptrmap units; /* by Dwarf_CU */
	LP_VEC(struct lp_names_unit *) all;
	bool all_known;
	uint32_t visit;
	int depth; /* of units that are built because another needs their names */
	unsigned int scans;
	struct lp_span
		abbrevs; /* .debug_abbrev; of a file where no variable is of another unit: empty */
	bool abbrevs_known;
};

uint64_t lp_names_hash(const char *scope, const char *name, size_t len);

/* Known from now on, but not built; NULL when out of memory. */
struct lp_names_unit *lp_names_unit_of(struct lp_names *n, Dwarf_CU *cu);

/* Once, of C's units once more where a function is the first time looked for. While it is being built and not sorted yet, a
 * unit has no answer.
 */
void lp_names_build(struct lp_names *n, struct lp_names_unit *u, unsigned int kinds);

/* Most units are known, and never asked. */
bool lp_names_is_c(struct lp_names_unit *u);

bool lp_names_die(const struct lp_names_unit *u, const struct lp_names_entry *e, Dwarf_Die *ret);
int lp_names_compare_off(const void *a, const void *b);

#endif
