// SPDX-License-Identifier: GPL-2.0-only
#include "native/ranges.h"

#include <stdlib.h>

#include "base/vec.h"

static int compare(const void *a, const void *b)
{
	const struct lp_owned_range *x = a, *y = b;

	if (x->range.start != y->range.start)
		return x->range.start < y->range.start ? -1 : 1;
	return x->owner < y->owner ? -1 : x->owner > y->owner;
}

void lp_ranges_sort(struct lp_owned_range *all, size_t n)
{
	uint64_t max_end = 0;

	if (n > 0)
		qsort(all, n, sizeof(*all), compare);
	for (size_t i = 0; i < n; i++) {
		if (all[i].range.end > max_end)
			max_end = all[i].range.end;
		all[i].max_end = max_end;
	}
}

const struct lp_owned_range *lp_range_before(const struct lp_owned_range *all, size_t n,
					     uint64_t vaddr, const struct lp_owned_range *behind)
{
	size_t at = behind ? (size_t)(behind - all)
			   : lp_partition_point(n, i, all[i].range.start <= vaddr);

	while (at-- > 0 && all[at].max_end > vaddr)
		if (all[at].range.end > vaddr)
			return &all[at];
	return NULL;
}
