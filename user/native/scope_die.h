/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/scope_die.h
 *
 * die - what scopes, types and locations ask of a DIE, through abstract origins and
 * specifications; and a map by pointer.
 */
#ifndef LP_NATIVE_SCOPE_DIE_H
#define LP_NATIVE_SCOPE_DIE_H

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An attribute of the DIE or of what it is a copy or definition of. */
static inline Dwarf_Attribute *lp_die_attr(Dwarf_Die *die, unsigned int at, Dwarf_Attribute *mem)
{
	Dwarf_Attribute *attr = dwarf_attr_integrate(die, at, mem);

	/* Go writes DWARF 4 with expressions as blocks, which libdw takes up to DWARF 3 only; a
	 * short one has the same bytes in both forms
	 */
	if (attr && (at == DW_AT_location || at == DW_AT_frame_base) &&
	    attr->form == DW_FORM_block1 && attr->valp[0] < 0x80)
		attr->form = DW_FORM_exprloc;
	return attr;
}

bool lp_die_flag(Dwarf_Die *die, unsigned int at);

/* A non-negative constant; false: absent or not a constant. */
bool lp_die_const(Dwarf_Die *die, unsigned int at, uint64_t *ret);

/* A constant whose sign is that of its form: data forms are never negative. */
bool lp_attr_number(Dwarf_Attribute *attr, int64_t *ret);

/* The DIE that an attribute of this very DIE refers to. */
bool lp_die_ref(Dwarf_Die *die, unsigned int at, Dwarf_Die *ret);

/* Follows abstract origins, then specifications, to the declaration in the source's own place. */
void lp_die_origin(Dwarf_Die *die, Dwarf_Die *ret);

/* Has a place or a value of its own, not only its declaration. */
bool lp_die_has_location(Dwarf_Die *die);

/* DW_LANG_* of the unit, 0 if unknown. */
int lp_die_lang(Dwarf_Die *die);
bool lp_lang_is_c(int lang);

/* Does its name come before those of what stands in it? Of an enumeration's it depends on the language. */
bool lp_tag_is_scope(int tag);
bool lp_lang_is_cxx(int lang);

/* Goes through the children; `for (bool ok = lp_die_first(parent, &c); ok; ok = lp_die_next(&c))` */
static inline bool lp_die_first(Dwarf_Die *parent, Dwarf_Die *ret)
{
	return dwarf_child(parent, ret) == 0;
}

static inline bool lp_die_next(Dwarf_Die *die)
{
	return dwarf_siblingof(die, die) == 0;
}

struct lp_ptrmap {
	const void **keys;
	void **values;
	size_t len, cap; /* cap: a power of two */
};

void *lp_ptrmap_get(const struct lp_ptrmap *m, const void *key);
/* Replaces; -ENOMEM. */
int lp_ptrmap_put(struct lp_ptrmap *m, const void *key, void *value);
void lp_ptrmap_done(struct lp_ptrmap *m);

#endif
