/* SPDX-License-Identifier: GPL-2.0-only */
/* user/base/vec.h
 *
 * vec - a growing array of any type:
 *
 *	LP_VEC(int) v = { 0 };
 *	if (lp_vec_push(&v, 42) < 0) ...	// -ENOMEM
 *	lp_vec_each(&v, p) use(*p);		// p is int *
 *	lp_vec_done(&v);			// the array, not what its items own
 */
#ifndef LP_BASE_VEC_H
#define LP_BASE_VEC_H

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#define LP_VEC(type)                                                                               \
	struct {                                                                                   \
		type *data;                                                                        \
		size_t len, cap;                                                                   \
	}

#define lp_vec_reserve(v, n)                                                                       \
	lp_vec_reserve_((void **)&(v)->data, &(v)->cap, (n), sizeof(*(v)->data))

#define lp_vec_push(v, item)                                                                       \
	(lp_vec_reserve(v, (v)->len + 1) < 0 ? -ENOMEM : ((v)->data[(v)->len++] = (item), 0))

#define lp_vec_each(v, p)                                                                          \
	for (__typeof__((v)->data + 0) p = (v)->data; p && p < (v)->data + (v)->len; p++)

#define lp_vec_done(v)                                                                             \
	do {                                                                                       \
		free((v)->data);                                                                   \
		(v)->data = NULL;                                                                  \
		(v)->len = (v)->cap = 0;                                                           \
	} while (0)

static inline int lp_vec_reserve_(void **data, size_t *cap, size_t want, size_t item)
{
	if (want <= *cap)
		return 0;

	size_t grown = *cap ? *cap : 8;
	while (grown < want)
		grown *= 2;

	void *p = reallocarray(*data, grown, item);
	if (!p)
		return -ENOMEM;
	*data = p;
	*cap = grown;
	return 0;
}

/* Of n rows: how many there are before the first one, number `i`, of which `holds` is not so. It is of none behind
 * that.
 */
#define lp_partition_point(n, i, holds)                                                            \
	({                                                                                         \
		size_t low_ = 0, high_ = (n);                                                      \
		while (low_ < high_) {                                                             \
			const size_t i = low_ + (high_ - low_) / 2;                                \
			if (holds)                                                                 \
				low_ = i + 1;                                                      \
			else                                                                       \
				high_ = i;                                                         \
		}                                                                                  \
		low_;                                                                              \
	})

/* For qsort() and bsearch(). */
static inline int lp_compare_u64(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

#endif
