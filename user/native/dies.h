/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/dies.h
 *
 * dies - the DIEs of a unit as they stand in .debug_info, one after the other, without libdw: that looks up each one's
 * abbreviation anew and needs the file's other sections. 32-bit DWARF 2 to 5 of this machine's byte order.
 */
#ifndef LP_NATIVE_DIES_H
#define LP_NATIVE_DIES_H

#include "base/vec.h"
#include "native/cursor.h"
#include "native/linetable.h"

struct lp_dies_attr {
	uint64_t name, form;
	int size; /* -1: is told by the value */
};

/* What a DIE begins with is the code of one of these. */
struct lp_dies_abbrev {
	uint64_t code, tag;
	bool has_children;
	size_t first, n; /* of `attrs` */
	int64_t size;	 /* of all values together; -1: is told by them */
};

/* Of one unit. */
struct lp_dies {
	unsigned int address_size, version;
	LP_VEC(struct lp_dies_abbrev) abbrevs;
	LP_VEC(struct lp_dies_attr) attrs;
};

/* The cursor is behind a unit's length, and comes to its first DIE; false: of a kind that is not known. What was there
 * of another unit is forgotten.
 */
bool lp_dies_begin(struct lp_dies *d, struct lp_cursor *c, struct lp_span abbrevs);
void lp_dies_done(struct lp_dies *d);
LP_CLEANUP_DONE(struct lp_dies, lp_dies_done)

/* Of another code than the next one that is expected. */
const struct lp_dies_abbrev *lp_dies_search(const struct lp_dies *d, uint64_t code);

/* NULL: there is none. They are numbered from 1 on by all that write them, but need not be. */
static inline const struct lp_dies_abbrev *lp_dies_abbrev(const struct lp_dies *d, uint64_t code)
{
	if (code <= d->abbrevs.len && d->abbrevs.data[code - 1].code == code)
		return &d->abbrevs.data[code - 1];
	return lp_dies_search(d, code);
}

/* A value whose size is not known beforehand; of a form that is not known the cursor is bad. */
void lp_dies_skip_form(struct lp_cursor *c, uint64_t form);

/* Which DIE a value means. */
enum lp_dies_reference {
	LP_DIES_UNKNOWN,   /* of another kind, which is not skipped either */
	LP_DIES_HERE,	   /* *ret: offset in the unit */
	LP_DIES_ELSEWHERE, /* in .debug_info */
};
enum lp_dies_reference lp_dies_reference(const struct lp_dies *d, struct lp_cursor *c,
					 const struct lp_dies_attr *a, uint64_t *ret);

static inline void lp_dies_skip(struct lp_cursor *c, const struct lp_dies_attr *a)
{
	if (a->size >= 0)
		lp_cursor_skip(c, (uint64_t)a->size);
	else
		lp_dies_skip_form(c, a->form);
}

/* All values of a DIE. */
static inline void lp_dies_skip_all(const struct lp_dies *d, const struct lp_dies_abbrev *a,
				    struct lp_cursor *c)
{
	if (a->size >= 0) {
		lp_cursor_skip(c, (uint64_t)a->size);
		return;
	}
	for (size_t i = a->first; i < a->first + a->n; i++)
		lp_dies_skip(c, &d->attrs.data[i]);
}

#endif
