// SPDX-License-Identifier: GPL-2.0-only
/* The filters: which names the DIEs of a unit have. What they leave out is what nobody asks for: what stands in
 * functions, but for functions, and, where no DIE is more of one in another unit, what is only declared.
 */
#include <dwarf.h>
#include <errno.h>
#include <string.h>

#include "base/io.h"
#include "base/parallel.h"
#include "native/dies.h"
#include "native/digest_impl.h"
#include "native/naming.h"

/* What is around a DIE. */
struct around {
	uint64_t scope;
	bool in_function;
};

/* What a DIE's abbreviation says of it. */
enum kind {
	PASSED,	  /* nothing of it is asked for */
	SCOPE,	  /* others can stand in it */
	DECLARED, /* its name counts if another DIE is more of it */
	NAMED,
};

/* Offsets are those in the unit. */
struct declared {
	uint64_t offset, scope;
};

struct found {
	uint64_t tag, word, linkage, scope;
	uint64_t origin; /* what it is more of, in the unit; 0: nothing */
	bool declaration;
};

/* The keys of a unit: a hash table. */
struct keys {
	uint64_t *slots; /* 0: free */
	size_t n, size;	 /* a power of two */
};

struct reading {
	const struct lp_naming_file *f;
	struct lp_dies dies;
	LP_VEC(struct around) around;
	LP_VEC(uint8_t) kinds; /* of the abbreviations */
	LP_VEC(struct declared) declared;
	LP_VEC(uint64_t) origins;
	struct keys keys;
	uint8_t *unit; /* its bytes, without the length */
	size_t len, cap;
	const char *str;
};

static void reading_done(struct reading *r)
{
	lp_dies_done(&r->dies);
	lp_vec_done(&r->around);
	lp_vec_done(&r->kinds);
	lp_vec_done(&r->declared);
	lp_vec_done(&r->origins);
	free(r->keys.slots);
	free(r->unit);
}

static void put_key(struct keys *k, uint64_t key)
{
	size_t at = key & (k->size - 1);

	while (k->slots[at] && k->slots[at] != key)
		at = (at + 1) & (k->size - 1);
	k->n += !k->slots[at];
	k->slots[at] = key;
}

static int grow_keys(struct keys *k)
{
	struct keys grown = { .size = k->size ? 2 * k->size : 1024 };

	grown.slots = calloc(grown.size, sizeof(*grown.slots));
	if (!grown.slots)
		return -ENOMEM;
	for (size_t i = 0; i < k->size; i++)
		if (k->slots[i])
			put_key(&grown, k->slots[i]);
	free(k->slots);
	*k = grown;
	return 0;
}

static int add_key(struct keys *k, uint64_t key)
{
	if (k->n >= k->size / 2 && grow_keys(k) < 0)
		return -ENOMEM;
	put_key(k, key);
	return 0;
}

static int add_word(struct reading *r, const struct found *f, uint64_t word)
{
	int e = word ? add_key(&r->keys, lp_digest_name_key(f->tag, word)) : 0;

	if (e == 0 && word && f->tag == DW_TAG_subprogram && f->scope != LP_DIGEST_NO_SCOPE)
		e = add_key(&r->keys, lp_digest_scoped_key(word, f->scope));
	return e;
}

static int add_names(struct reading *r, const struct found *f)
{
	const int e = add_word(r, f, f->word);

	return e < 0 ? e : add_word(r, f, f->linkage);
}

static bool is_meant(uint64_t tag)
{
	return tag < 64 && (LP_NAMING_ANYTHING & LP_SKIM_TAG(tag));
}

/* What stands in these can be found by its name from outside. */
static bool is_open(uint64_t tag)
{
	return tag < 64 && ((LP_NAMING_STRUCTS | LP_SKIM_TAG(DW_TAG_compile_unit) |
			     LP_SKIM_TAG(DW_TAG_partial_unit) | LP_SKIM_TAG(DW_TAG_namespace) |
			     LP_SKIM_TAG(DW_TAG_module)) &
			    LP_SKIM_TAG(tag));
}

/* NULL: of a form that has no name to read. -EBADMSG: outside of the strings. */
static int read_name(const struct reading *r, struct lp_cursor *c, const struct lp_dies_attr *a,
		     const char **ret)
{
	*ret = NULL;
	if (a->form == DW_FORM_string) {
		*ret = lp_cursor_str(c);
	} else if (a->form == DW_FORM_strp) {
		const uint64_t at = lp_cursor_uint(c, 4);

		if (at >= r->f->str_len)
			return -EBADMSG;
		*ret = r->str + at;
	} else {
		lp_dies_skip(c, a);
	}
	return 0;
}

/* Nobody asks for mangled names here. */
static bool is_mangled(const char *name)
{
	return name[0] == '_' && (name[1] == 'Z' || name[1] == 'R');
}

static int read_origin(struct reading *r, struct lp_cursor *c, const struct lp_dies_attr *a,
		       struct found *f)
{
	uint64_t die;

	switch (lp_dies_reference(&r->dies, c, a, &die)) {
	case LP_DIES_HERE:
		f->origin = die;
		return 0;
	case LP_DIES_ELSEWHERE:
		return add_key(&r->keys, lp_digest_reference_key(die));
	case LP_DIES_UNKNOWN:
		break;
	}
	return -ENOTSUP;
}

static int read_attr(struct reading *r, struct lp_cursor *c, const struct lp_dies_attr *a,
		     struct found *f)
{
	const char *name;
	int e;

	switch (a->name) {
	case DW_AT_name:
	case DW_AT_linkage_name:
	case DW_AT_MIPS_linkage_name:
		e = read_name(r, c, a, &name);
		if (e < 0 || !name)
			return e;
		if (a->name == DW_AT_name)
			f->word = lp_digest_word(name);
		else if (!is_mangled(name))
			f->linkage = lp_digest_word(name);
		return 0;
	case DW_AT_declaration:
		f->declaration |= a->form == DW_FORM_flag_present;
		break;
	case DW_AT_specification:
	case DW_AT_abstract_origin:
		return read_origin(r, c, a, f);
	}
	lp_dies_skip(c, a);
	return 0;
}

static int read_attrs(struct reading *r, const struct lp_dies_abbrev *a, struct lp_cursor *c,
		      struct found *ret)
{
	int e = 0;

	for (size_t i = a->first; e == 0 && i < a->first + a->n; i++)
		e = read_attr(r, c, &r->dies.attrs.data[i], ret);
	return e;
}

static int read_named(struct reading *r, const struct lp_dies_abbrev *a, struct lp_cursor *c,
		      const struct around *in, uint64_t offset, uint64_t *ret_word)
{
	struct found f = { .tag = a->tag, .scope = in->scope };
	const struct declared declared = { offset, in->scope };
	int e = read_attrs(r, a, c, &f);

	*ret_word = f.word;
	if (e == 0 && f.origin && !r->f->far)
		e = lp_vec_push(&r->origins, f.origin);
	if (e < 0)
		return e;
	return r->f->far || !f.declaration ? add_names(r, &f) : lp_vec_push(&r->declared, declared);
}

/* The name of what others can stand in. */
static int read_scope(struct reading *r, const struct lp_dies_abbrev *a, struct lp_cursor *c,
		      uint64_t *ret_word)
{
	const char *name;
	int e = 0;

	for (size_t i = a->first; e == 0 && i < a->first + a->n; i++) {
		const struct lp_dies_attr *attr = &r->dies.attrs.data[i];

		if (attr->name != DW_AT_name) {
			lp_dies_skip(c, attr);
			continue;
		}
		e = read_name(r, c, attr, &name);
		if (e == 0 && name)
			*ret_word = lp_digest_word(name);
	}
	return e;
}

static int enter(struct reading *r, const struct lp_dies_abbrev *a, const struct around *in,
		 uint64_t word)
{
	const bool is_unit = a->tag == DW_TAG_compile_unit || a->tag == DW_TAG_partial_unit;
	const struct around inner = {
		.scope = is_unit			       ? LP_DIGEST_NO_SCOPE
			 : word && a->tag != DW_TAG_subprogram ? word
							       : LP_DIGEST_ANY_SCOPE,
		.in_function = in->in_function || !is_open(a->tag),
	};

	return lp_vec_push(&r->around, inner);
}

static const struct lp_dies_attr *find_attr(const struct lp_dies *d, const struct lp_dies_abbrev *a,
					    uint64_t name)
{
	for (size_t i = a->first; i < a->first + a->n; i++)
		if (d->attrs.data[i].name == name)
			return &d->attrs.data[i];
	return NULL;
}

/* Members have no names outside of an object, unless they are static. */
static enum kind kind_of(const struct reading *r, const struct lp_dies_abbrev *a)
{
	const struct lp_dies *d = &r->dies;

	if (!is_meant(a->tag) || (a->tag == DW_TAG_member && !find_attr(d, a, DW_AT_external)))
		return a->has_children ? SCOPE : PASSED;
	const struct lp_dies_attr *declaration = find_attr(d, a, DW_AT_declaration);
	/* a type is named for what stands in it, too */
	if (r->f->far || !declaration || declaration->form != DW_FORM_flag_present ||
	    find_attr(d, a, DW_AT_specification) || find_attr(d, a, DW_AT_abstract_origin) ||
	    (a->has_children && a->tag != DW_TAG_subprogram))
		return NAMED;
	return DECLARED;
}

static int know_kinds(struct reading *r)
{
	r->kinds.len = 0;
	lp_vec_each (&r->dies.abbrevs, a)
		if (lp_vec_push(&r->kinds, (uint8_t)kind_of(r, a)) < 0)
			return -ENOMEM;
	return 0;
}

static int read_die(struct reading *r, const struct lp_dies_abbrev *a, struct lp_cursor *c,
		    uint64_t offset)
{
	static const struct around nothing = { .scope = LP_DIGEST_ANY_SCOPE };
	const struct around in = r->around.len > 0 ? r->around.data[r->around.len - 1] : nothing;
	const struct declared declared = { offset, in.scope };
	enum kind kind = r->kinds.data[a - r->dies.abbrevs.data];
	uint64_t word = 0;
	int e = 0;

	if (in.in_function && a->tag != DW_TAG_subprogram && kind > SCOPE)
		kind = a->has_children ? SCOPE : PASSED;
	if (kind == NAMED)
		e = read_named(r, a, c, &in, offset, &word);
	else if (kind == SCOPE)
		e = read_scope(r, a, c, &word);
	else
		lp_dies_skip_all(&r->dies, a, c);
	if (kind == DECLARED)
		e = lp_vec_push(&r->declared, declared);
	return e == 0 && a->has_children ? enter(r, a, &in, word) : e;
}

static int read_dies(struct reading *r, struct lp_cursor c)
{
	r->around.len = 0;
	while (lp_cursor_left(&c) > 0) {
		const uint64_t offset = (uint64_t)(c.p - r->unit) + 4;
		const uint64_t code = lp_cursor_uleb(&c);

		if (!code) {
			if (r->around.len > 0)
				r->around.len--;
			continue;
		}
		const struct lp_dies_abbrev *a = lp_dies_abbrev(&r->dies, code);
		const int e = a ? read_die(r, a, &c, offset) : -EBADMSG;
		if (e < 0 || c.bad)
			return e < 0 ? e : -EBADMSG;
	}
	return 0;
}

static const struct declared *find_declared(const struct reading *r, uint64_t offset)
{
	_Static_assert(offsetof(struct declared, offset) == 0, "by which they are compared");

	return r->declared.len > 0 ? bsearch(&offset, r->declared.data, r->declared.len,
					     sizeof(*r->declared.data), lp_compare_u64)
				   : NULL;
}

/* What is only declared where it is named can be defined elsewhere in the unit. */
static int add_origins(struct reading *r)
{
	lp_vec_each (&r->origins, o) {
		const struct declared *d = find_declared(r, *o);

		if (!d)
			continue;
		struct lp_cursor c = { r->unit + d->offset - 4, r->unit + r->len, false };
		const struct lp_dies_abbrev *a = lp_dies_abbrev(&r->dies, lp_cursor_uleb(&c));
		struct found f = { .tag = a->tag, .scope = d->scope };
		int e = read_attrs(r, a, &c, &f);

		if (e == 0)
			e = add_names(r, &f);
		if (e < 0)
			return e;
	}
	return 0;
}

static int read_unit(struct reading *r, uint64_t start, uint64_t end)
{
	r->len = end - start - 4;
	if (r->cap < r->len) {
		free(r->unit);
		r->cap = r->len + r->len / 2;
		r->unit = malloc(r->cap);
		if (!r->unit) {
			r->cap = 0;
			return -ENOMEM;
		}
	}
	if (lp_io_read(r->f->fd, r->unit, r->len, r->f->info + start + 4) != r->len)
		return -EIO;

	struct lp_cursor c = { r->unit, r->unit + r->len, false };
	r->declared.len = r->origins.len = r->keys.n = 0;
	if (r->keys.slots)
		memset(r->keys.slots, 0, r->keys.size * sizeof(*r->keys.slots));
	if (!lp_dies_begin(&r->dies, &c, r->f->abbrevs))
		return -ENOTSUP;
	int e = know_kinds(r);
	if (e == 0)
		e = read_dies(r, c);
	return e < 0 ? e : add_origins(r);
}

static int make_filter(const struct keys *k, struct lp_digest_filter *ret, uint64_t **ret_words)
{
	const uint64_t words = (k->n * LP_DIGEST_BITS + 63) / 64 + 1;
	uint64_t *bits = calloc(words, sizeof(*bits));

	if (!bits)
		return -ENOMEM;
	for (size_t i = 0; i < k->size; i++)
		for (unsigned int p = 0; k->slots[i] && p < LP_DIGEST_PROBES; p++) {
			const uint64_t at = lp_digest_bit(k->slots[i], p, words);

			bits[at / 64] |= UINT64_C(1) << at % 64;
		}
	ret->words = words;
	*ret_words = bits;
	return 0;
}

#define UNITS_AT_ONCE 16 /* so that a thread's memory serves for several */

struct making {
	const struct lp_naming_file *f;
	const char *str;
	struct lp_digest_filters *made;
};

static int make_filters(size_t piece, void *arg)
{
	const struct making *m = arg;
	struct reading r = { .f = m->f, .str = m->str };
	int e = 0;

	for (size_t i = piece * UNITS_AT_ONCE;
	     e == 0 && i < (piece + 1) * UNITS_AT_ONCE && i < m->made->units.len; i++) {
		struct lp_digest_filter *u = &m->made->units.data[i];

		e = read_unit(&r, u->start, u->end);
		if (e == 0)
			e = make_filter(&r.keys, u, &m->made->words.data[i]);
		else if (e == -ENOTSUP || e == -EBADMSG)
			e = 0; /* it can have anything */
	}
	reading_done(&r);
	return e;
}

static int add_unit(uint64_t start, uint64_t end, void *arg)
{
	struct lp_digest_filters *f = arg;
	const struct lp_digest_filter unit = { .start = start, .end = end };

	return lp_vec_push(&f->units, unit) < 0 ? -ENOMEM : lp_vec_push(&f->words, NULL);
}

int lp_digest_filters_init(struct lp_digest_filters *f, const struct lp_naming_file *file,
			   struct lp_span str)
{
	const struct making m = { file, (const char *)str.data, f };

	/* so that every name ends in it */
	if (str.len != file->str_len || (str.len > 0 && str.data[str.len - 1]))
		return -EBADMSG;
	const int r = lp_naming_each_unit(file, add_unit, f);
	return r < 0 ? r
		     : lp_parallel((f->units.len + UNITS_AT_ONCE - 1) / UNITS_AT_ONCE, make_filters,
				   (void *)&m);
}

void lp_digest_filters_done(struct lp_digest_filters *f)
{
	lp_vec_each (&f->words, w)
		free(*w);
	lp_vec_done(&f->words);
	lp_vec_done(&f->units);
}
