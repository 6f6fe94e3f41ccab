// SPDX-License-Identifier: GPL-2.0-only
/* Format: DWARF 5, sections 7.4 to 7.5; versions 2 to 4 differ in the unit's header only. */
#include "native/skim.h"

#include <dwarf.h>
#include <string.h>

#include "base/buf.h"
#include "native/cursor.h"
#include "native/pieces.h"

struct attribute {
	uint64_t name, form;
};

/* What a DIE begins with is the code of one of these. */
struct abbrev {
	uint64_t code, tag;
	size_t first, n; /* of `attributes` */
};

struct unit {
	unsigned int address_size, version;
	LP_VEC(struct abbrev) abbrevs;
	LP_VEC(struct attribute) attributes;
};

static void unit_done(struct unit *u)
{
	lp_vec_done(&u->abbrevs);
	lp_vec_done(&u->attributes);
}
LP_CLEANUP_DONE(struct unit, unit_done)

int lp_skim_add(struct lp_skim *s, uint64_t offset)
{
	const uint16_t low = (uint16_t)offset;

	if (offset > UINT32_MAX)
		return -ERANGE;
	s->low_halves[low / 64] |= UINT64_C(1) << low % 64;
	return lp_vec_push(&s->names, (uint32_t)offset);
}

void lp_skim_done(struct lp_skim *s)
{
	lp_vec_done(&s->names);
}

static bool occurs(const struct lp_skim *s, const uint8_t *data, size_t len)
{
	uint32_t v;

	for (size_t i = 0; i + sizeof(v) <= len; i++) {
		memcpy(&v, data + i, sizeof(v));
		if (lp_skim_has(s, v))
			return true;
	}
	return false;
}

static int read_abbrevs(struct unit *u, struct lp_span all, uint64_t offset)
{
	if (offset >= all.len)
		return -1;

	struct lp_cursor c = { all.data + offset, all.data + all.len, false };
	for (uint64_t code; (code = lp_cursor_uleb(&c)) != 0 && !c.bad;) {
		struct abbrev a = { code, lp_cursor_uleb(&c), u->attributes.len, 0 };
		struct attribute attr;

		lp_cursor_skip(&c, 1);
		for (;;) {
			attr.name = lp_cursor_uleb(&c);
			attr.form = lp_cursor_uleb(&c);
			if ((!attr.name && !attr.form) || c.bad)
				break;
			if (attr.form == DW_FORM_implicit_const)
				lp_cursor_sleb(&c);
			if (lp_vec_push(&u->attributes, attr) < 0)
				return -1;
		}
		a.n = u->attributes.len - a.first;
		if (lp_vec_push(&u->abbrevs, a) < 0)
			return -1;
	}
	return c.bad ? -1 : 0;
}

/* They are numbered from 1 on by all that write them, but need not be. */
static const struct abbrev *find_abbrev(const struct unit *u, uint64_t code)
{
	if (code <= u->abbrevs.len && u->abbrevs.data[code - 1].code == code)
		return &u->abbrevs.data[code - 1];
	lp_vec_each (&u->abbrevs, a)
		if (a->code == code)
			return a;
	return NULL;
}

/* -1: not known */
static int fixed_size(const struct unit *u, uint64_t form)
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
		return (int)u->address_size;
	if (form == DW_FORM_ref_addr)
		return u->version == 2 ? (int)u->address_size : 4;
	if (form == DW_FORM_GNU_ref_alt || form == DW_FORM_GNU_strp_alt)
		return 4;
	if (form == DW_FORM_flag_present || form == DW_FORM_implicit_const)
		return 0;
	return form < LP_ARRAY_SIZE(sizes) && sizes[form] ? sizes[form] : -1;
}

static void skip_value(const struct unit *u, struct lp_cursor *c, uint64_t form)
{
	const int size = fixed_size(u, form);

	if (size >= 0) {
		lp_cursor_skip(c, (uint64_t)size);
		return;
	}
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

static bool is_name_attribute(const struct abbrev *a, const struct attribute *attr)
{
	return a->tag == DW_TAG_subprogram && attr->form == DW_FORM_strp &&
	       (attr->name == DW_AT_name || attr->name == DW_AT_linkage_name ||
		attr->name == DW_AT_MIPS_linkage_name);
}

/* Also true where that can't be told. */
static bool any_named(const struct lp_skim *s, const struct unit *u, struct lp_cursor *c)
{
	while (lp_cursor_left(c) > 0) {
		const uint64_t code = lp_cursor_uleb(c);
		if (!code) /* the end of siblings */
			continue;

		const struct abbrev *a = find_abbrev(u, code);
		if (!a)
			return true;
		for (size_t i = a->first; i < a->first + a->n; i++) {
			const struct attribute *attr = &u->attributes.data[i];

			if (!is_name_attribute(a, attr))
				skip_value(u, c, attr->form);
			else if (lp_skim_has(s, (uint32_t)lp_cursor_uint(c, 4)))
				return true;
		}
		if (c->bad)
			return true;
	}
	return false;
}

/* A unit without the length that it begins with. */
static bool unit_names(const struct lp_skim *s, struct lp_span data, struct lp_span abbrevs)
{
	lp_auto(unit_done) struct unit u = { 0 };
	struct lp_cursor c = { data.data, data.data + data.len, false };
	uint64_t type = DW_UT_compile, offset;

	if (!occurs(s, data.data, data.len))
		return false;
	u.version = (unsigned int)lp_cursor_uint(&c, 2);
	if (u.version < 2 || u.version > 5)
		return true;
	if (u.version == 5) {
		type = lp_cursor_uint(&c, 1);
		u.address_size = (unsigned int)lp_cursor_uint(&c, 1);
	}
	offset = lp_cursor_uint(&c, 4);
	if (u.version < 5)
		u.address_size = (unsigned int)lp_cursor_uint(&c, 1);
	if (type != DW_UT_compile && type != DW_UT_partial)
		return true;
	return c.bad || read_abbrevs(&u, abbrevs, offset) < 0 || any_named(s, &u, &c);
}

struct skimming {
	const struct lp_skim *skim;
	struct lp_span abbrevs;
	struct lp_buf begun; /* of a unit whose end has not come yet */
};

/* 1: there is one, or it can't be told. Otherwise *ret_used bytes are done with. */
static int skim_units(struct skimming *k, const uint8_t *data, size_t len, size_t *ret_used)
{
	struct lp_cursor c = { data, data + len, false };
	uint64_t length;

	*ret_used = 0;
	while ((length = lp_cursor_uint(&c, 4)) <= lp_cursor_left(&c) && !c.bad) {
		const struct lp_span unit = { c.p, length };

		if (unit_names(k->skim, unit, k->abbrevs))
			return 1;
		lp_cursor_skip(&c, length);
		*ret_used = (size_t)(c.p - data);
	}
	return !c.bad && length >= 0xfffffff0; /* 64-bit DWARF */
}

static int skim_piece(const uint8_t *data, size_t len, void *arg)
{
	struct skimming *k = arg;
	size_t used;

	lp_buf_add(&k->begun, data, len);
	if (k->begun.failed || skim_units(k, (uint8_t *)k->begun.data, k->begun.len, &used))
		return 1;
	memmove(k->begun.data, k->begun.data + used, k->begun.len - used);
	k->begun.len -= used;
	return 0;
}

bool lp_skim_names_function(const struct lp_skim *s, Elf *elf, Elf_Scn *info,
			    struct lp_span abbrevs)
{
	struct skimming k = { .skim = s, .abbrevs = abbrevs };

	const bool found = lp_section_pieces(elf, info, skim_piece, &k) != 0 || k.begun.len > 0;
	lp_buf_done(&k.begun);
	return found;
}
