// SPDX-License-Identifier: GPL-2.0-only
#include "native/skim.h"

#include <dwarf.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "native/dies.h"
#include "native/pieces.h"

#define FEW 6 /* that are compared with faster than looked up */

int lp_skim_add(struct lp_skim *s, uint64_t offset)
{
	const uint32_t low = offset % (1u << LP_SKIM_BITS);

	if (offset > UINT32_MAX)
		return -ERANGE;
	s->low[low / 64] |= UINT64_C(1) << low % 64;
	return lp_vec_push(&s->names, (uint32_t)offset);
}

bool lp_skim_finds(const struct lp_skim *s, uint32_t offset)
{
	const size_t at = lp_partition_point(s->names.len, i, s->names.data[i] < offset);

	return at < s->names.len && s->names.data[at] == offset;
}

void lp_skim_done(struct lp_skim *s)
{
	lp_vec_done(&s->names);
}

/* Behind a name there can be template arguments: "f<>" fits where an offset would be. */
static bool ends_name(char next)
{
	return !next || next == '<';
}

static bool is_inlined(const char *name, const char *inlined)
{
	const size_t len = inlined ? strlen(inlined) : 0;

	return len > 0 && !strncmp(name, inlined, len) && ends_name(name[len]);
}

static bool occurs_inlined(const char *inlined, struct lp_span unit)
{
	const size_t len = strlen(inlined);
	const uint8_t *end = unit.data + unit.len;

	for (const uint8_t *p = unit.data; (p = memmem(p, (size_t)(end - p), inlined, len)); p++)
		if (p + len < end && ends_name((char)p[len]))
			return true;
	return false;
}

/* From a place on. */
static bool occurs_of_many(const struct lp_skim *s, struct lp_span unit, size_t i)
{
	uint32_t v;

	for (; i + sizeof(v) <= unit.len; i++) {
		memcpy(&v, unit.data + i, sizeof(v));
		if (lp_skim_has(s, v))
			return true;
	}
	return false;
}

/* 16 places at once, each compared with all. */
static bool occurs_of_few(const struct lp_skim *s, struct lp_span unit)
{
	typedef uint32_t four __attribute__((vector_size(16)));
	const size_t width = sizeof(four) + sizeof(uint32_t) - 1;
	size_t i = 0;

	for (; i + width <= unit.len; i += sizeof(four)) {
		four at[4], hit = { 0 };

		for (size_t k = 0; k < LP_ARRAY_SIZE(at); k++)
			memcpy(&at[k], unit.data + i + k, sizeof(four));
		lp_vec_each (&s->names, n)
			hit |= (four)((at[0] == *n) | (at[1] == *n) | (at[2] == *n) |
				      (at[3] == *n));
		if (hit[0] | hit[1] | hit[2] | hit[3])
			return true;
	}
	return occurs_of_many(s, unit, i);
}

bool lp_skim_occurs(const struct lp_skim *s, const char *inlined, struct lp_span unit)
{
	const bool occurs = s->names.len == 0	  ? false
			    : s->names.len <= FEW ? occurs_of_few(s, unit)
						  : occurs_of_many(s, unit, 0);

	return occurs || (inlined && occurs_inlined(inlined, unit));
}

static bool is_name(uint64_t attribute)
{
	return attribute == DW_AT_name || attribute == DW_AT_linkage_name ||
	       attribute == DW_AT_MIPS_linkage_name;
}

/* What is looked for in a unit, and what it has of it. */
struct looking {
	struct lp_skim_wanted want;
	LP_VEC(bool)
	fits; /* whether the DIE that we are in is the scope; of those around it, too */
	LP_VEC(uint64_t) named;	   /* offsets in the unit, ascending */
	LP_VEC(uint64_t) more;	   /* of these: by the last pass */
	struct lp_skim_dies *dies; /* NULL: the first with more than a declaration will do */
	uint64_t offset;	   /* of the unit */
	bool found;
};

static void looking_done(struct looking *k)
{
	lp_vec_done(&k->fits);
	lp_vec_done(&k->named);
	lp_vec_done(&k->more);
}
LP_CLEANUP_DONE(struct looking, looking_done)

/* One DIE of those tags. */
struct found {
	uint64_t origin; /* what it is more of, in this unit; 0: nothing */
	bool named, declaration;
};

/* false: it has a form that is not known. */
static bool read_reference(const struct looking *k, const struct lp_dies *u, struct lp_cursor *c,
			   const struct lp_dies_attr *a, struct found *f)
{
	uint64_t die;

	switch (lp_dies_reference(u, c, a, &die)) {
	case LP_DIES_HERE:
		f->origin = die;
		return true;
	case LP_DIES_ELSEWHERE:
		f->named |= k->want.by_reference && lp_skim_has(k->want.skim, (uint32_t)die);
		return true;
	case LP_DIES_UNKNOWN:
		break;
	}
	return false;
}

static bool read_wanted(const struct looking *k, const struct lp_dies *u,
			const struct lp_dies_abbrev *a, struct lp_cursor *c, struct found *ret)
{
	const bool fits = !k->want.scope || k->fits.len == 0 || k->fits.data[k->fits.len - 1];

	*ret = (struct found){ 0 };
	for (size_t i = a->first; i < a->first + a->n; i++) {
		const struct lp_dies_attr *attr = &u->attrs.data[i];

		if (is_name(attr->name) && attr->form == DW_FORM_strp) {
			const uint32_t at = (uint32_t)lp_cursor_uint(c, 4);

			ret->named |=
				fits && !k->want.by_reference && lp_skim_has(k->want.skim, at);
		} else if (is_name(attr->name) && attr->form == DW_FORM_string) {
			const char *name = lp_cursor_str(c);

			ret->named |= fits && is_inlined(name, k->want.inlined);
		} else if (attr->name == DW_AT_declaration && attr->form == DW_FORM_flag_present) {
			ret->declaration = true;
		} else if (attr->name == DW_AT_specification ||
			   attr->name == DW_AT_abstract_origin) {
			if (!read_reference(k, u, c, attr, ret))
				return false;
		} else {
			lp_dies_skip(c, attr);
		}
	}
	return !c->bad;
}

/* Reads another DIE: can it be the scope? Only what is named otherwise can't, and the unit. */
static bool read_scope(const struct looking *k, const struct lp_dies *u,
		       const struct lp_dies_abbrev *a, struct lp_cursor *c)
{
	bool fits = a->tag != DW_TAG_compile_unit && a->tag != DW_TAG_partial_unit;

	if (!k->want.scope || !a->has_children) {
		lp_dies_skip_all(u, a, c);
		return fits;
	}
	for (size_t i = a->first; i < a->first + a->n; i++) {
		const struct lp_dies_attr *attr = &u->attrs.data[i];

		if (attr->name != DW_AT_name) {
			lp_dies_skip(c, attr);
		} else if (attr->form == DW_FORM_strp) {
			fits &= lp_skim_has(k->want.scope->skim, (uint32_t)lp_cursor_uint(c, 4));
		} else if (attr->form == DW_FORM_string) {
			const char *name = lp_cursor_str(c);

			fits &= is_inlined(name, k->want.scope->inlined);
		} else {
			lp_dies_skip(c, attr);
		}
	}
	return fits;
}

/* Calls fn with each DIE of the tags until it returns something else than 0, which is returned; 1 where that
 * can't be told.
 */
static int each_wanted(struct looking *k, const struct lp_dies *u, struct lp_span data,
		       struct lp_cursor c,
		       int (*fn)(struct looking *k, const struct found *f, uint64_t offset))
{
	int r = 0;

	k->fits.len = 0;
	while (r == 0 && lp_cursor_left(&c) > 0) {
		const uint64_t offset = (uint64_t)(c.p - data.data) + 4;
		const uint64_t code = lp_cursor_uleb(&c);
		bool fits = true; /* what stands in a function is not looked at so closely */
		struct found f;

		if (!code) { /* the end of siblings */
			if (k->fits.len > 0)
				k->fits.len--;
			continue;
		}
		const struct lp_dies_abbrev *a = lp_dies_abbrev(u, code);
		if (!a)
			return 1;
		if (a->tag < 64 && (k->want.tags & LP_SKIM_TAG(a->tag)))
			r = read_wanted(k, u, a, &c, &f) ? fn(k, &f, offset) : 1;
		else
			fits = read_scope(k, u, a, &c);
		if (c.bad || (a->has_children && lp_vec_push(&k->fits, fits) < 0))
			return 1;
	}
	return r;
}

static int stop_at_named(struct looking *k, const struct found *f, uint64_t offset)
{
	(void)k;
	(void)offset;
	return f->named;
}

static int take_named(struct looking *k, const struct found *f, uint64_t offset)
{
	if (!f->named)
		return 0;
	k->found |= !f->declaration;
	if (lp_vec_push(&k->named, offset) < 0)
		return -ENOMEM;
	return k->found && !k->dies;
}

static bool is_known(const struct looking *k, uint64_t offset)
{
	return bsearch(&offset, k->named.data, k->named.len, sizeof(offset), lp_compare_u64);
}

/* What is more of those known so far: the code, elsewhere than in its class, of what is declared there. */
static int take_more(struct looking *k, const struct found *f, uint64_t offset)
{
	if (f->origin == 0 || !is_known(k, f->origin) || is_known(k, offset))
		return 0;
	k->found = true;
	if (lp_vec_push(&k->more, offset) < 0)
		return -ENOMEM;
	return !k->dies;
}

/* A unit without the length that it begins with. */
static bool unit_names(const struct lp_skim *s, struct lp_span data, struct lp_span abbrevs)
{
	lp_auto(lp_dies_done) struct lp_dies u = { 0 };
	struct lp_cursor c = { data.data, data.data + data.len, false };
	lp_auto(looking_done) struct looking k = { .want = { .tags = LP_SKIM_TAG(DW_TAG_subprogram),
							     .skim = s } };

	if (!lp_skim_occurs(s, NULL, data))
		return false;
	return !lp_dies_begin(&u, &c, abbrevs) || each_wanted(&k, &u, data, c, stop_at_named) != 0;
}

/* Up to where it is clear, or until all are known. */
static int look(struct looking *k, const struct lp_dies *u, struct lp_span data, struct lp_cursor c)
{
	int r = each_wanted(k, u, data, c, take_named);

	while (r == 0 && k->named.len > 0) {
		k->more.len = 0;
		r = each_wanted(k, u, data, c, take_more);
		if (r != 0 || k->more.len == 0)
			break;
		lp_vec_each (&k->more, m)
			if (lp_vec_push(&k->named, *m) < 0)
				return -ENOMEM;
		qsort(k->named.data, k->named.len, sizeof(*k->named.data), lp_compare_u64);
	}
	if (k->dies)
		lp_vec_each (&k->named, n)
			if (lp_vec_push(k->dies, k->offset + *n) < 0)
				return -ENOMEM;
	return r;
}

enum lp_skim_has lp_skim_unit(const struct lp_skim_wanted *w, const struct lp_skimmed *unit,
			      struct lp_skim_dies *dies)
{
	const struct lp_span data = unit->unit;
	lp_auto(lp_dies_done) struct lp_dies u = { 0 };
	lp_auto(looking_done) struct looking k = { .want = *w,
						   .dies = dies,
						   .offset = unit->offset };
	struct lp_cursor c = { data.data, data.data + data.len, false };

	if (!lp_skim_occurs(w->skim, w->inlined, data))
		return LP_SKIM_NOTHING;
	if (!lp_dies_begin(&u, &c, unit->abbrevs))
		return LP_SKIM_UNKNOWN;
	const int r = look(&k, &u, data, c);
	if (k.found && r >= 0 && !dies)
		return LP_SKIM_DEFINED;
	if (r != 0)
		return LP_SKIM_UNKNOWN;
	return k.found ? LP_SKIM_DEFINED : k.named.len > 0 ? LP_SKIM_DECLARED : LP_SKIM_NOTHING;
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
