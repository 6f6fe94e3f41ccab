/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/skim.h
 *
 * skim - has a function one of these names? Told from .debug_info itself, a unit at a time and only
 * units in which the places of the names occur; libdw would need all sections for that. Names are given
 * by where in .debug_str they begin.
 */
#ifndef LP_NATIVE_SKIM_H
#define LP_NATIVE_SKIM_H

#include <libelf.h>
#include <stdbool.h>

#include "base/vec.h"
#include "native/linetable.h"

#define LP_SKIM_BITS 19

struct lp_skim {
	LP_VEC(uint32_t) names;			 /* ascending */
	uint64_t low[(1u << LP_SKIM_BITS) / 64]; /* a set of what is in their low bits */
};

/* Each behind the one before. */
int lp_skim_add(struct lp_skim *s, uint64_t offset);
void lp_skim_done(struct lp_skim *s);
LP_CLEANUP_DONE(struct lp_skim, lp_skim_done)

bool lp_skim_finds(const struct lp_skim *s, uint32_t offset);

static inline bool lp_skim_has(const struct lp_skim *s, uint32_t offset)
{
	const uint32_t low = offset % (1u << LP_SKIM_BITS);

	return (s->low[low / 64] >> low % 64 & 1) && lp_skim_finds(s, offset);
}

/* The name or the linkage name of a subprogram. Also true where that can't be told. */
bool lp_skim_names_function(const struct lp_skim *s, Elf *elf, Elf_Scn *info,
			    struct lp_span abbrevs);

/* A unit, without the length that it begins with. */
struct lp_skimmed {
	struct lp_span unit, abbrevs;
	uint64_t offset; /* of its length, in .debug_info */
};

struct lp_skim_dies {
	LP_VEC(uint64_t); /* offsets in .debug_info */
};

/* Do the bytes of a place or a name occur at all in a unit, whatever they mean there? */
bool lp_skim_occurs(const struct lp_skim *s, const char *inlined, struct lp_span unit);

/* Of functions, LP_SKIM_DECLARED has no code, and no copies are made of it. */
enum lp_skim_has { LP_SKIM_NOTHING, LP_SKIM_DECLARED, LP_SKIM_DEFINED, LP_SKIM_UNKNOWN };

/* The name of the class or namespace that a function stands in itself. */
struct lp_skim_scope {
	struct lp_skim *skim;
	const char *inlined;
};

#define LP_SKIM_TAG(tag) (UINT64_C(1) << (tag)) /* all that have names of their own are below 64 */

/* What is looked for: DIEs by their names, or by what they are more of. */
struct lp_skim_wanted {
	uint64_t tags;			   /* LP_SKIM_TAG() */
	const struct lp_skim *skim;	   /* where names begin; by_reference: where DIEs are */
	const struct lp_skim_scope *scope; /* what they stand in; NULL: anything */
	const char *inlined; /* a name that can stand in the unit itself; NULL: none */
	bool by_reference;
};

/* What a unit has of that: only declarations, or more, as code or what copies are made from; or that can't be told.
 * dies, where not NULL, gets all of them.
 */
enum lp_skim_has lp_skim_unit(const struct lp_skim_wanted *w, const struct lp_skimmed *unit,
			      struct lp_skim_dies *dies);

#endif
