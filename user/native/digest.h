/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/digest.h
 *
 * digest - what stands behind a copy of the cache (native/unpacked.h): what one would otherwise have to read all of its debug
 * information for. Its units with their addresses and files, and of each a filter of the names it has. Made once, with the
 * copy, by the code that is used where there is none, and as good as the copy is: it belongs to the same file of the same
 * time. A part whose checksum is wrong is not used. Without a digest all is found as with it, only later.
 *
 * A filter (Bloom's) says of a name "not here" or "perhaps"; a "no" is never false.
 */
#ifndef LP_NATIVE_DIGEST_H
#define LP_NATIVE_DIGEST_H

#include <libelf.h>
#include <stdbool.h>
#include <stdint.h>

#include "native/linetable.h"
#include "native/names.h"

struct lp_module;
struct lp_module_index;
struct lp_digest_tail;

/* Of a copy that libelf has mapped; lives as long as that. */
struct lp_digest {
	struct lp_span file;		   /* all of the copy */
	const struct lp_digest_tail *tail; /* NULL: there is none */
};

/* How names stand in the file: those of functions, or those of anything else that has names. */
struct lp_names_known {
	bool tried;
	size_t inline_max; /* names up to that length may be in .debug_info */
	bool indexed;	   /* names may be found by way of .debug_str_offsets */
	bool far;	   /* such a DIE can be more of one in another unit */
};

/* What is there is checked first. */
void lp_digest_open(struct lp_digest *d, Elf *copy);

/* Units and their addresses, as lp_module_units() would read them; false: nothing that is good for this module. */
bool lp_digest_units(struct lp_module *m, struct lp_module_index *index);

/* Does a unit list a file of that name? Only of a digest that there is. */
bool lp_digest_lists(const struct lp_digest *d, const char *base);

/* false: it does not say. */
bool lp_digest_forms(const struct lp_digest *d, struct lp_names_known *ret_functions,
		     struct lp_names_known *ret_others);

/* Is no variable more of one in another unit, and are all units in .debug_info? */
bool lp_digest_is_near(const struct lp_digest *d);

/* Units with a filter, of whatever kind they are, in their order; 0: it does not say. */
size_t lp_digest_n_filters(const struct lp_digest *d);
/* Where in .debug_info. */
void lp_digest_filtered(const struct lp_digest *d, size_t i, uint64_t *ret_start,
			uint64_t *ret_end);

/* Do the filters know of declarations, and of references to other units? */
bool lp_digest_is_far(const struct lp_digest *d);

/* What filters are asked for. The word is the name that DIEs have in full, or before their template arguments; scope as in
 * struct lp_skim_scope, or NULL: of functions alone.
 */
struct lp_digest_keys {
	uint64_t keys[64]; /* any of them will do */
	size_t n;
};
void lp_digest_keys_init(struct lp_digest_keys *k, uint64_t tags, const char *word,
			 const char *scope);

/* Can a unit have more of that than a declaration, or, where DIEs are more of some in other units, that? */
bool lp_digest_may_name(const struct lp_digest *d, size_t i, const struct lp_digest_keys *k);

/* Can a unit refer to one of these DIEs of another one? */
bool lp_digest_may_refer(const struct lp_digest *d, size_t i, const uint64_t *dies, size_t n);

/* Writes that of a copy, at its end. -EFBIG: it is longer than `max`. -ENOTSUP and others: there is none. */
int lp_digest_write(int copy, uint64_t at, uint64_t max, uint64_t *ret_len);

#endif
