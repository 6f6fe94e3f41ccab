// SPDX-License-Identifier: GPL-2.0-only
/* The tree of a unit from its bytes. libdw looks for each attribute of a DIE from the first one on, and for the next DIE
 * behind all of them.
 */
#include <dwarf.h>

#include "native/die.h"
#include "native/dies.h"
#include "native/pieces.h"
#include "native/tree.h"
#include "native/tree_impl.h"

struct reading {
	struct lp_func_tree_walk w;
	struct lp_unit *unit;
	struct lp_dies dies;
	struct lp_cursor c;
	const uint8_t *info;		  /* the section */
	bool functions[LP_DIE_DEPTH + 1]; /* of the DIEs that we are in */
	unsigned int depth;
};

/* What a DIE says of its addresses. */
struct bounds {
	uint64_t low, high, entry;
	bool has_low, has_high, has_ranges, has_entry;
	bool high_is_offset, entry_is_offset;
	bool unknown; /* something of it is in another section */
};

/* false: not in the value itself. */
static bool read_value(struct lp_cursor *c, const struct lp_dies_attr *a, uint64_t *ret,
		       bool *ret_offset)
{
	*ret_offset = a->form != DW_FORM_addr;
	switch (a->form) {
	case DW_FORM_addr:
	case DW_FORM_data1:
	case DW_FORM_data2:
	case DW_FORM_data4:
	case DW_FORM_data8:
		*ret = lp_cursor_uint(c, (unsigned int)a->size);
		return true;
	case DW_FORM_udata:
		*ret = lp_cursor_uleb(c);
		return true;
	}
	lp_dies_skip(c, a);
	return false;
}

static struct bounds read_bounds(struct reading *r, const struct lp_dies_abbrev *a)
{
	struct bounds b = { 0 };

	for (size_t i = a->first; i < a->first + a->n; i++) {
		const struct lp_dies_attr *attr = &r->dies.attrs.data[i];
		bool low_is_offset = false;

		switch (attr->name) {
		case DW_AT_low_pc:
			b.has_low = true;
			b.unknown |=
				!read_value(&r->c, attr, &b.low, &low_is_offset) || low_is_offset;
			break;
		case DW_AT_high_pc:
			b.has_high = true;
			b.unknown |= !read_value(&r->c, attr, &b.high, &b.high_is_offset);
			break;
		case DW_AT_entry_pc:
			b.has_entry = true;
			b.unknown |= !read_value(&r->c, attr, &b.entry, &b.entry_is_offset);
			break;
		default:
			b.has_ranges |= attr->name == DW_AT_ranges;
			lp_dies_skip(&r->c, attr);
		}
	}
	return b;
}

/* Of a DIE with one range: as lp_die_entry() has it. */
static int add_plain(struct reading *r, Dwarf_Off die, bool inlined, const struct bounds *b)
{
	const struct lp_range range = { b->low, b->high_is_offset ? b->low + b->high : b->high };
	uint64_t entry = b->low;

	if (b->has_entry)
		entry = b->entry_is_offset ? b->low + b->entry : b->entry;
	if (range.start >= range.end || !lp_module_is_code(r->w.m, range.start))
		return lp_func_tree_add(&r->w, die, inlined, r->w.tree->ranges.len, UINT64_MAX);
	const size_t first = r->w.tree->ranges.len;
	if (lp_vec_push(&r->w.tree->ranges, range) < 0)
		return -ENOMEM;
	return lp_func_tree_add(&r->w, die, inlined, first,
				lp_module_is_code(r->w.m, entry) ? entry : UINT64_MAX);
}

static int add_function(struct reading *r, Dwarf_Off at, const struct lp_dies_abbrev *a)
{
	const bool inlined = a->tag == DW_TAG_inlined_subroutine;
	const struct bounds b = read_bounds(r, a);
	Dwarf_Die die;

	if (b.has_ranges || b.unknown)
		return dwarf_offdie(r->unit->dwarf, at, &die)
			       ? lp_func_tree_add_die(&r->w, &die, inlined)
			       : -EBADMSG;
	if (b.has_low && b.has_high)
		return add_plain(r, at, inlined, &b);
	return lp_func_tree_add(&r->w, at, inlined, r->w.tree->ranges.len, UINT64_MAX);
}

/* What a DIE has below it, where that is not looked at. */
static int pass_by(struct reading *r)
{
	for (unsigned int depth = 1; depth > 0 && !r->c.bad;) {
		const uint64_t code = lp_cursor_uleb(&r->c);
		const struct lp_dies_abbrev *a = code ? lp_dies_abbrev(&r->dies, code) : NULL;

		if (!code) {
			depth--;
			continue;
		}
		if (!a)
			return -EBADMSG;
		lp_dies_skip_all(&r->dies, a, &r->c);
		depth += a->has_children;
	}
	return 0;
}

static int read_die(struct reading *r, Dwarf_Off at, const struct lp_dies_abbrev *a)
{
	const bool function = a->tag == DW_TAG_subprogram || a->tag == DW_TAG_inlined_subroutine;
	int e = 0;

	if (function)
		e = add_function(r, at, a);
	else
		lp_dies_skip_all(&r->dies, a, &r->c);
	if (e < 0)
		return e;
	if (a->has_children && (function || lp_func_tree_has_functions(a->tag)) &&
	    r->depth < LP_DIE_DEPTH) {
		r->functions[r->depth++] = function;
		return 0;
	}
	if (a->has_children)
		e = pass_by(r);
	if (function)
		lp_func_tree_leave(&r->w);
	return e;
}

static int read_dies(struct reading *r)
{
	for (;;) {
		const Dwarf_Off at = (Dwarf_Off)(r->c.p - r->info);
		const uint64_t code = lp_cursor_uleb(&r->c);

		if (!code && r->depth == 0)
			return r->c.bad ? -EBADMSG : 0;
		if (!code) {
			if (r->functions[--r->depth])
				lp_func_tree_leave(&r->w);
			continue;
		}
		const struct lp_dies_abbrev *a = lp_dies_abbrev(&r->dies, code);
		const int e = a ? read_die(r, at, a) : -EBADMSG;
		if (e < 0 || r->c.bad)
			return e < 0 ? e : -EBADMSG;
	}
}

/* The cursor to the first DIE of the unit, which ends with it. */
static bool find_unit(struct reading *r, Dwarf_Die *die)
{
	Elf *elf = dwarf_getelf(r->unit->dwarf);
	const struct lp_span info = lp_section_named(elf, ".debug_info");
	uint8_t address_size, offset_size;
	Dwarf_Half version;
	Dwarf_Die cu;

	if (!dwarf_cu_die(die->cu, &cu, &version, NULL, &address_size, &offset_size, NULL, NULL))
		return false;
	const uint64_t header = version >= 5 ? 12 : 11;
	if (offset_size != 4 || r->unit->offset < header || r->unit->offset >= info.len)
		return false;
	const uint8_t *begin = info.data + r->unit->offset - header;
	struct lp_cursor c = { begin, info.data + info.len, false };
	const uint64_t len = lp_cursor_uint(&c, 4);
	if (len > lp_cursor_left(&c))
		return false;
	r->c = (struct lp_cursor){ c.p, c.p + len, false };
	r->info = info.data;
	return lp_dies_begin(&r->dies, &r->c, lp_section_named(elf, ".debug_abbrev")) &&
	       r->c.p == info.data + r->unit->offset;
}

int lp_func_tree_read(struct lp_module *m, struct lp_unit *unit, struct lp_func_tree *tree)
{
	struct reading r = { .w = LP_FUNC_TREE_WALK(m, tree), .unit = unit };
	Dwarf_Die *die = lp_unit_die(unit);
	int e = die && find_unit(&r, die) ? 0 : -ENOTSUP;

	if (e == 0) {
		const struct lp_dies_abbrev *a = lp_dies_abbrev(&r.dies, lp_cursor_uleb(&r.c));

		if (a)
			lp_dies_skip_all(&r.dies, a, &r.c);
		e = !a || r.c.bad ? -EBADMSG : a->has_children ? read_dies(&r) : 0;
	}
	lp_dies_done(&r.dies);
	return e;
}
