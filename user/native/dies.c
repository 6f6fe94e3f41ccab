// SPDX-License-Identifier: GPL-2.0-only
/* Format: DWARF 5, sections 7.4 to 7.5; versions 2 to 4 differ in the unit's header only. */
#include "native/dies.h"

#include <dwarf.h>

#include "base/auto.h"

/* -1: not known */
static int fixed_size(const struct lp_dies *d, uint64_t form)
{
	static const uint8_t sizes[] = {
		[DW_FORM_data1] = 1,	 [DW_FORM_ref1] = 1,	 [DW_FORM_flag] = 1,
		[DW_FORM_strx1] = 1,	 [DW_FORM_addrx1] = 1,	 [DW_FORM_data2] = 2,
		[DW_FORM_ref2] = 2,	 [DW_FORM_strx2] = 2,	 [DW_FORM_addrx2] = 2,
		[DW_FORM_strx3] = 3,	 [DW_FORM_addrx3] = 3,	 [DW_FORM_data4] = 4,
		[DW_FORM_ref4] = 4,	 [DW_FORM_strp] = 4,	 [DW_FORM_sec_offset] = 4,
		[DW_FORM_line_strp] = 4, [DW_FORM_strx4] = 4,	 [DW_FORM_addrx4] = 4,
		[DW_FORM_ref_sup4] = 4,	 [DW_FORM_strp_sup] = 4, [DW_FORM_data8] = 8,
		[DW_FORM_ref8] = 8,	 [DW_FORM_ref_sig8] = 8, [DW_FORM_ref_sup8] = 8,
		[DW_FORM_data16] = 16,
	};

	if (form == DW_FORM_addr)
		return (int)d->address_size;
	if (form == DW_FORM_ref_addr)
		return d->version == 2 ? (int)d->address_size : 4;
	if (form == DW_FORM_GNU_ref_alt || form == DW_FORM_GNU_strp_alt)
		return 4;
	if (form == DW_FORM_flag_present || form == DW_FORM_implicit_const)
		return 0;
	return form < LP_ARRAY_SIZE(sizes) && sizes[form] ? sizes[form] : -1;
}

void lp_dies_skip_form(struct lp_cursor *c, uint64_t form)
{
	switch (form) {
	case DW_FORM_sdata:
	case DW_FORM_udata:
	case DW_FORM_ref_udata:
	case DW_FORM_strx:
	case DW_FORM_addrx:
	case DW_FORM_loclistx:
	case DW_FORM_rnglistx:
	case DW_FORM_GNU_addr_index:
	case DW_FORM_GNU_str_index:
		lp_cursor_uleb(c);
		break;
	case DW_FORM_string:
		lp_cursor_str(c);
		break;
	case DW_FORM_block1:
		lp_cursor_skip(c, lp_cursor_uint(c, 1));
		break;
	case DW_FORM_block2:
		lp_cursor_skip(c, lp_cursor_uint(c, 2));
		break;
	case DW_FORM_block4:
		lp_cursor_skip(c, lp_cursor_uint(c, 4));
		break;
	case DW_FORM_block:
	case DW_FORM_exprloc:
		lp_cursor_skip(c, lp_cursor_uleb(c));
		break;
	default:
		c->bad = true;
	}
}

enum lp_dies_reference lp_dies_reference(const struct lp_dies *d, struct lp_cursor *c,
					 const struct lp_dies_attr *a, uint64_t *ret)
{
	switch (a->form) {
	case DW_FORM_ref1:
	case DW_FORM_ref2:
	case DW_FORM_ref4:
	case DW_FORM_ref8:
		*ret = lp_cursor_uint(c, (unsigned int)a->size);
		return LP_DIES_HERE;
	case DW_FORM_ref_udata:
		*ret = lp_cursor_uleb(c);
		return LP_DIES_HERE;
	case DW_FORM_ref_addr:
		if (d->version == 2)
			break;
		*ret = lp_cursor_uint(c, 4);
		return LP_DIES_ELSEWHERE;
	}
	return LP_DIES_UNKNOWN;
}

static int add_attr(struct lp_dies *d, struct lp_dies_abbrev *a, uint64_t name, uint64_t form)
{
	const struct lp_dies_attr attr = { name, form, fixed_size(d, form) };

	a->size = a->size < 0 || attr.size < 0 ? -1 : a->size + attr.size;
	return lp_vec_push(&d->attrs, attr);
}

static int read_abbrevs(struct lp_dies *d, struct lp_span all, uint64_t offset)
{
	if (offset >= all.len)
		return -1;

	struct lp_cursor c = { all.data + offset, all.data + all.len, false };
	for (uint64_t code; (code = lp_cursor_uleb(&c)) != 0 && !c.bad;) {
		struct lp_dies_abbrev a = { .code = code, .first = d->attrs.len };

		a.tag = lp_cursor_uleb(&c);
		a.has_children = lp_cursor_uint(&c, 1) != 0;
		for (;;) {
			const uint64_t name = lp_cursor_uleb(&c), form = lp_cursor_uleb(&c);

			if ((!name && !form) || c.bad)
				break;
			if (form == DW_FORM_implicit_const)
				lp_cursor_sleb(&c);
			if (add_attr(d, &a, name, form) < 0)
				return -1;
		}
		a.n = d->attrs.len - a.first;
		if (lp_vec_push(&d->abbrevs, a) < 0)
			return -1;
	}
	return c.bad ? -1 : 0;
}

const struct lp_dies_abbrev *lp_dies_search(const struct lp_dies *d, uint64_t code)
{
	lp_vec_each (&d->abbrevs, a)
		if (a->code == code)
			return a;
	return NULL;
}

bool lp_dies_begin(struct lp_dies *d, struct lp_cursor *c, struct lp_span abbrevs)
{
	uint64_t type = DW_UT_compile, offset;

	d->abbrevs.len = d->attrs.len = 0;
	d->version = (unsigned int)lp_cursor_uint(c, 2);
	if (d->version < 2 || d->version > 5)
		return false;
	if (d->version == 5) {
		type = lp_cursor_uint(c, 1);
		d->address_size = (unsigned int)lp_cursor_uint(c, 1);
	}
	offset = lp_cursor_uint(c, 4);
	if (d->version < 5)
		d->address_size = (unsigned int)lp_cursor_uint(c, 1);
	return (type == DW_UT_compile || type == DW_UT_partial) && !c->bad &&
	       read_abbrevs(d, abbrevs, offset) == 0;
}

void lp_dies_done(struct lp_dies *d)
{
	lp_vec_done(&d->abbrevs);
	lp_vec_done(&d->attrs);
}
