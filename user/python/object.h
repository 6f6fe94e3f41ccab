/* SPDX-License-Identifier: GPL-2.0-only */
/* user/python/object.h
 *
 * object - objects of a live interpreter, read one by one: types, text, dictionaries.
 * The process goes on meanwhile: every pointer is checked before it is followed, every walk is
 * bounded, and what is read twice may differ. Functions give -EFAULT (not readable), -EINVAL (not
 * what it should be) or what they say, without a message.
 */
#ifndef LP_PYTHON_OBJECT_H
#define LP_PYTHON_OBJECT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/memory.h"
#include "lp/python.h"

/* The word, int or byte at addr. */
int lp_py_u64(struct lp_memory *m, uint64_t addr, uint64_t *ret);
int lp_py_u32(struct lp_memory *m, uint64_t addr, uint32_t *ret);
int lp_py_u8(struct lp_memory *m, uint64_t addr, uint8_t *ret);

/* Is it this C string at addr, of less than 64 bytes? */
bool lp_py_cstring_is(struct lp_memory *m, uint64_t addr, const char *text);

/* The word or int in bytes that have been read. */
static inline uint64_t lp_py_u64_in(const uint8_t *bytes, size_t at)
{
	uint64_t v;

	memcpy(&v, bytes + at, sizeof(v));
	return v;
}

static inline uint32_t lp_py_u32_in(const uint8_t *bytes, size_t at)
{
	uint32_t v;

	memcpy(&v, bytes + at, sizeof(v));
	return v;
}

/* Bytes of a code object in which all that is looked at lies but for its units. */
#define LP_PY_CODE_HEAD 152
/* Bytes of a str up to its first ASCII character, at most. */
#define LP_PY_STR_HEAD 64

/* The object's type; its object's tp_flags (LP_PY_TP_*). */
int lp_py_type(struct lp_memory *m, const struct lp_py_layout *l, uint64_t object, uint64_t *ret);
int lp_py_flags(struct lp_memory *m, const struct lp_py_layout *l, uint64_t object, uint64_t *ret);

/* Is it an object of this very type, a dict or a subclass of it? False where it can't be read. */
bool lp_py_is(struct lp_memory *m, const struct lp_py_layout *l, uint64_t object, uint64_t type);
bool lp_py_is_dict(struct lp_memory *m, const struct lp_py_layout *l, uint64_t object);
bool lp_py_is_str(struct lp_memory *m, const struct lp_py_layout *l, uint64_t object);

/* Appends the text of a str (or of a subclass) as UTF-8; a byte that surrogateescape has put away
 * comes out as the byte, another lone surrogate as U+FFFD. -E2BIG: more than max characters.
 */
int lp_py_text(struct lp_memory *m, const struct lp_py_layout *l, uint64_t str, size_t max,
	       struct lp_buf *ret);
/* Appends the bytes of a bytes object. -E2BIG: more than max. */
int lp_py_bytes(struct lp_memory *m, const struct lp_py_layout *l, uint64_t bytes, size_t max,
		struct lp_buf *ret);
/* Is it a str with exactly this text (UTF-8)? */
bool lp_py_text_is(struct lp_memory *m, const struct lp_py_layout *l, uint64_t str,
		   const char *text);
/* An int that fits. -ERANGE. */
int lp_py_int(struct lp_memory *m, const struct lp_py_layout *l, uint64_t object, int64_t *ret);

/* A tuple or list: where its items are and how many; how many, and one of them. A list's can move at any time. */
int lp_py_items(struct lp_memory *m, const struct lp_py_layout *l, uint64_t object, uint64_t *ret,
		uint64_t *ret_n);
int lp_py_length(struct lp_memory *m, const struct lp_py_layout *l, uint64_t object, uint64_t *ret);
int lp_py_tuple_item(struct lp_memory *m, const struct lp_py_layout *l, uint64_t tuple, uint64_t i,
		     uint64_t *ret);

/* Every entry of a dict in its order, at most LP_PY_DICT_MAX; fn != 0 stops and is returned. */
#define LP_PY_DICT_MAX (1u << 20)
int lp_py_dict_each(struct lp_memory *m, const struct lp_py_layout *l, uint64_t dict,
		    int (*fn)(uint64_t key, uint64_t value, void *arg), void *arg);

/* The value (and, where ret_key is not NULL, the key) under a str key. -ENOENT. */
int lp_py_dict_find(struct lp_memory *m, const struct lp_py_layout *l, uint64_t dict,
		    const char *key, uint64_t *ret_key, uint64_t *ret);
/* Several at once, which costs hardly more than one: 0 in ret[i] where keys[i] isn't there. */
int lp_py_dict_find_all(struct lp_memory *m, const struct lp_py_layout *l, uint64_t dict,
			const char *const *keys, size_t n, uint64_t *ret);

#endif
