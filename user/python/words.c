// SPDX-License-Identifier: GPL-2.0-only
/* The data of the interpreter's own file, looked through. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "python/impl.h"

#define WORDS 8192u /* of a piece */

static int each_in(struct lp_python *py, const struct lp_map *m, uint64_t *words, size_t keep,
		   lp_py_words_fn fn, void *arg)
{
	struct lp_memory *memory = &py->memory.memory;
	size_t have = 0, n;

	for (uint64_t at = m->start; at + sizeof(*words) <= m->end; at += n * sizeof(*words)) {
		n = (m->end - at) / sizeof(*words);
		if (n > WORDS - have)
			n = WORDS - have;
		if (memory->read(memory, at, words + have, n * sizeof(*words)) < 0)
			return 0;
		have += n;
		int r = fn(py, at - (have - n) * sizeof(*words), words, have, arg);
		if (r)
			return r;
		size_t again = have < keep ? have : keep;
		memmove(words, words + have - again, again * sizeof(*words));
		have = again;
	}
	return 0;
}

int lp_py_each_words(struct lp_python *py, bool writable, size_t keep, lp_py_words_fn fn, void *arg)
{
	lp_auto(lp_free) uint64_t *words = malloc(WORDS * sizeof(*words));
	int r = 0;

	if (!words)
		return -ENOMEM;
	lp_vec_each (&py->maps.all, m)
		if (!r && !m->exec && m->write == writable && !strcmp(m->path, py->file))
			r = each_in(py, m, words, keep, fn, arg);
	return r;
}
