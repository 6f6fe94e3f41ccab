/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/ranges.h
 *
 * ranges - whose addresses are: ranges of several owners, by where they start. They may overlap.
 */
#ifndef LP_NATIVE_RANGES_H
#define LP_NATIVE_RANGES_H

#include <stddef.h>
#include <stdint.h>

struct lp_range {
	uint64_t start, end; /* end is not part of it */
};

struct lp_owned_range {
	struct lp_range range;
	uint64_t max_end; /* of this one and all before it; by lp_ranges_sort() */
	size_t owner;	  /* its number */
};

/* By start, those of the same one by owner. */
void lp_ranges_sort(struct lp_owned_range *all, size_t n);

/* Of those that contain an address the last one before `behind`; NULL: of all. NULL: there is none. */
const struct lp_owned_range *lp_range_before(const struct lp_owned_range *all, size_t n,
					     uint64_t vaddr, const struct lp_owned_range *behind);

#endif
