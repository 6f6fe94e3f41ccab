// SPDX-License-Identifier: GPL-2.0-only
#include "native/debugnames.h"

#include <dwarf.h>
#include <string.h>

#include "native/cursor.h"

#define LLVM	 "LLVM0700"
#define IDX_UNIT 1 /* DW_IDX_compile_unit */
#define IDX_TYPE 2 /* DW_IDX_type_unit */

/* One of the tables that linkers lay one behind the other. */
struct table {
	struct lp_span str;
	uint32_t n_units, n_names;
	const uint8_t *units, *strings, *entries; /* 4 bytes each */
	struct lp_span abbrevs, pool;
	size_t first; /* of its units in those of all */
};

static uint32_t u32_at(const uint8_t *array, size_t i)
{
	uint32_t v;

	memcpy(&v, array + i * sizeof(v), sizeof(v));
	return v;
}

/* An array of n items; NULL and a bad cursor: it does not fit. */
static const uint8_t *take(struct lp_cursor *c, uint64_t n, uint64_t size)
{
	const uint8_t *p = c->p;

	return lp_cursor_skip(c, n * size) ? p : NULL;
}

static struct lp_span take_span(struct lp_cursor *c, uint64_t len)
{
	const uint8_t *p = take(c, len, 1);

	return (struct lp_span){ p, p ? len : 0 };
}

/* The cursor is behind the table's length, and ends with the table. */
static int read_table(struct table *t, struct lp_cursor *c)
{
	const uint64_t version = lp_cursor_uint(c, 2);

	lp_cursor_skip(c, 2);
	t->n_units = (uint32_t)lp_cursor_uint(c, 4);
	const uint64_t n_types = lp_cursor_uint(c, 4), n_foreign = lp_cursor_uint(c, 4);
	const uint64_t n_buckets = lp_cursor_uint(c, 4);
	t->n_names = (uint32_t)lp_cursor_uint(c, 4);
	const uint64_t abbrevs = lp_cursor_uint(c, 4), made_by = lp_cursor_uint(c, 4);
	const struct lp_span by = take_span(c, made_by);

	if (c->bad || version != 5 || by.len != strlen(LLVM) || memcmp(by.data, LLVM, by.len) != 0)
		return -ENOTSUP;
	t->units = take(c, t->n_units, 4);
	take(c, n_types, 4);
	take(c, n_foreign, 8);
	take(c, n_buckets, 4);
	take(c, n_buckets ? t->n_names : 0, 4); /* hashes */
	t->strings = take(c, t->n_names, 4);
	t->entries = take(c, t->n_names, 4);
	t->abbrevs = take_span(c, abbrevs);
	t->pool = take_span(c, lp_cursor_left(c));
	return c->bad ? -EBADMSG : 0;
}

/* A value of an entry; a form that is not used there makes the cursor bad. */
static uint64_t read_value(struct lp_cursor *c, uint64_t form)
{
	switch (form) {
	case DW_FORM_data1:
	case DW_FORM_ref1:
	case DW_FORM_flag:
		return lp_cursor_uint(c, 1);
	case DW_FORM_data2:
	case DW_FORM_ref2:
		return lp_cursor_uint(c, 2);
	case DW_FORM_data4:
	case DW_FORM_ref4:
	case DW_FORM_sec_offset:
		return lp_cursor_uint(c, 4);
	case DW_FORM_data8:
	case DW_FORM_ref8:
	case DW_FORM_ref_sig8:
		return lp_cursor_uint(c, 8);
	case DW_FORM_udata:
	case DW_FORM_ref_udata:
		return lp_cursor_uleb(c);
	case DW_FORM_flag_present:
		return 1;
	}
	c->bad = true;
	return 0;
}

/* Where the attributes of an abbreviation stand; false: there is none of that code. */
static bool find_abbrev(const struct table *t, uint64_t code, struct lp_cursor *ret)
{
	struct lp_cursor c = { t->abbrevs.data, t->abbrevs.data + t->abbrevs.len, false };
	uint64_t at, name, form;

	while ((at = lp_cursor_uleb(&c)) != 0 && !c.bad) {
		lp_cursor_uleb(&c); /* its tag */
		*ret = c;
		if (at == code)
			return true;
		do {
			name = lp_cursor_uleb(&c);
			form = lp_cursor_uleb(&c);
		} while ((name || form) && !c.bad);
	}
	return false;
}

/* The units of a name's entries. */
static int take_entries(const struct table *t, uint64_t at, struct lp_debugnames *to)
{
	if (at >= t->pool.len)
		return -EBADMSG;

	struct lp_cursor c = { t->pool.data + at, t->pool.data + t->pool.len, false };
	for (uint64_t code; (code = lp_cursor_uleb(&c)) != 0 && !c.bad;) {
		struct lp_cursor a;
		uint64_t unit = 0, name, form;
		bool is_type = false;

		if (!find_abbrev(t, code, &a))
			return -EBADMSG;
		while (name = lp_cursor_uleb(&a), form = lp_cursor_uleb(&a),
		       (name || form) && !a.bad) {
			const uint64_t v = read_value(&c, form);

			is_type |= name == IDX_TYPE;
			unit = name == IDX_UNIT ? v : unit;
		}
		if (a.bad || c.bad || (!is_type && unit >= t->n_units))
			return -EBADMSG;
		if (!is_type)
			to->units.data[t->first + unit].has = true;
	}
	return c.bad ? -EBADMSG : 0;
}

static bool is_word(const char *name, const char *word, size_t len)
{
	return !strncmp(name, word, len) && (!name[len] || name[len] == '<');
}

static int search_table(struct table *t, const char *word, struct lp_debugnames *to)
{
	const size_t len = strlen(word);

	t->first = to->units.len;
	for (uint32_t i = 0; i < t->n_units; i++) {
		const struct lp_debugnames_unit unit = { u32_at(t->units, i), false };

		if (lp_vec_push(&to->units, unit) < 0)
			return -ENOMEM;
	}
	for (uint32_t i = 0; i < t->n_names; i++) {
		const uint32_t at = u32_at(t->strings, i);
		int r = at < t->str.len ? 0 : -EBADMSG;

		if (r == 0 && is_word((const char *)t->str.data + at, word, len))
			r = take_entries(t, u32_at(t->entries, i), to);
		if (r < 0)
			return r;
	}
	return 0;
}

static int compare_unit(const void *a, const void *b)
{
	const struct lp_debugnames_unit *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* A unit can be known to several tables. */
static void sort_units(struct lp_debugnames *n)
{
	size_t kept = 0;

	if (n->units.len > 0)
		qsort(n->units.data, n->units.len, sizeof(*n->units.data), compare_unit);
	lp_vec_each (&n->units, u)
		if (kept > 0 && n->units.data[kept - 1].start == u->start)
			n->units.data[kept - 1].has |= u->has;
		else
			n->units.data[kept++] = *u;
	n->units.len = kept;
}

int lp_debugnames_find(struct lp_span section, struct lp_span str, const char *word,
		       struct lp_debugnames *ret)
{
	lp_auto(lp_debugnames_done) struct lp_debugnames found = { 0 };
	struct lp_cursor c = { section.data, section.data + section.len, false };

	/* so that every name ends in it */
	if (section.len == 0 || str.len == 0 || str.data[str.len - 1])
		return -ENOTSUP;
	while (lp_cursor_left(&c) > 0) {
		const uint64_t len = lp_cursor_uint(&c, 4);
		const struct lp_span all = take_span(&c, len); /* of 64-bit DWARF it never fits */
		struct table t = { .str = str };

		if (c.bad)
			return -EBADMSG;
		struct lp_cursor in = { all.data, all.data + all.len, false };
		int r = read_table(&t, &in);
		if (r == 0)
			r = search_table(&t, word, &found);
		if (r < 0)
			return r;
	}
	sort_units(&found);
	*ret = found;
	found = (struct lp_debugnames){ 0 };
	return 0;
}

void lp_debugnames_done(struct lp_debugnames *n)
{
	lp_vec_done(&n->units);
}

const struct lp_debugnames_unit *lp_debugnames_unit(const struct lp_debugnames *n, uint64_t start)
{
	const struct lp_debugnames_unit key = { .start = start };

	return n->units.len > 0
		       ? bsearch(&key, n->units.data, n->units.len, sizeof(key), compare_unit)
		       : NULL;
}
