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

struct lp_skim {
	LP_VEC(uint32_t) names;
	uint64_t low_halves[UINT16_MAX / 64 + 1]; /* a set of what is in their low 16 bits */
};

int lp_skim_add(struct lp_skim *s, uint64_t offset);
void lp_skim_done(struct lp_skim *s);
LP_CLEANUP_DONE(struct lp_skim, lp_skim_done)

static inline bool lp_skim_has(const struct lp_skim *s, uint32_t offset)
{
	if (!(s->low_halves[(uint16_t)offset / 64] >> (uint16_t)offset % 64 & 1))
		return false;
	lp_vec_each (&s->names, name)
		if (offset == *name)
			return true;
	return false;
}

/* The name or the linkage name of a subprogram. Also true where that can't be told. */
bool lp_skim_names_function(const struct lp_skim *s, Elf *elf, Elf_Scn *info,
			    struct lp_span abbrevs);

#endif
