/* SPDX-License-Identifier: GPL-2.0-only */
/* user/base/arena.h
 *
 * arena - memory that is freed together: types of a module, the tree of one logpoint, the values
 * of one event. lp_arena_reset() keeps the memory for the next round.
 */
#ifndef LP_BASE_ARENA_H
#define LP_BASE_ARENA_H

#include <stddef.h>

#include "base/auto.h"

struct lp_arena_chunk;

struct lp_arena {
	struct lp_arena_chunk *first, *current;
	size_t used; /* of current */
};

/* Zeroed, aligned to 16; NULL when out of memory. */
void *lp_arena_alloc(struct lp_arena *a, size_t size);
void *lp_arena_dup(struct lp_arena *a, const void *data, size_t size);
char *lp_arena_strndup(struct lp_arena *a, const char *s, size_t len);
char *lp_arena_strdup(struct lp_arena *a, const char *s);
char *lp_arena_fmt(struct lp_arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void lp_arena_reset(struct lp_arena *a);
void lp_arena_done(struct lp_arena *a);
LP_CLEANUP_DONE(struct lp_arena, lp_arena_done)

#define lp_arena_new(a, type)	   ((type *)lp_arena_alloc((a), sizeof(type)))
#define lp_arena_array(a, type, n) ((type *)lp_arena_alloc((a), sizeof(type) * (n)))

#endif
