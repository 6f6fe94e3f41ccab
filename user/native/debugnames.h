/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/debugnames.h
 *
 * debugnames - which units have a function of a name, by an index that is in the file: .debug_names (DWARF 5, section
 * 6.1.1). Only LLVM's is believed, which has all functions with code, wherever they stand, and those that are only inlined.
 * What gdb adds, as .gdb_index, lacks those of classes that stand in functions. Of units that it does not know it says
 * nothing.
 */
#ifndef LP_NATIVE_DEBUGNAMES_H
#define LP_NATIVE_DEBUGNAMES_H

#include "base/vec.h"
#include "native/linetable.h"

struct lp_debugnames_unit {
	uint64_t start; /* in .debug_info */
	bool has;	/* the name */
};

struct lp_debugnames {
	LP_VEC(struct lp_debugnames_unit) units; /* all that the index knows, by start */
};

/* The word is the name in full, or before its template arguments. -ENOTSUP: there is no index that is believed;
 * -EBADMSG: it is damaged.
 */
int lp_debugnames_find(struct lp_span section, struct lp_span str, const char *word,
		       struct lp_debugnames *ret);
void lp_debugnames_done(struct lp_debugnames *n);
LP_CLEANUP_DONE(struct lp_debugnames, lp_debugnames_done)

/* NULL: it does not know the unit. */
const struct lp_debugnames_unit *lp_debugnames_unit(const struct lp_debugnames *n, uint64_t start);

#endif
