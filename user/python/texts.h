/* SPDX-License-Identifier: GPL-2.0-only */
/* user/python/texts.h
 *
 * texts - texts of a process's str objects, each kept once, for as long as the set lives.
 */
#ifndef LP_PYTHON_TEXTS_H
#define LP_PYTHON_TEXTS_H

#include "base/arena.h"
#include "base/vec.h"
#include "python/impl.h"

struct lp_py_texts {
	struct lp_arena arena;
	const char **slots; /* hashed; n_slots is 0 or a power of two */
	size_t n_slots, n;
};

void lp_py_texts_done(struct lp_py_texts *t);

/* The same text always gives the same pointer. NULL: out of memory. */
const char *lp_py_texts_add(struct lp_py_texts *t, const char *text, size_t len);

/* Texts of many str objects: ret[i] is NULL where addrs[i] is none. -ENOMEM. */
int lp_py_texts_read(struct lp_py_texts *t, struct lp_python *py, const uint64_t *addrs, size_t n,
		     const char **ret);

#endif
