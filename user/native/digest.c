// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "native/digest_impl.h"
#include "native/lines.h"
#include "native/pieces.h"

static const uint64_t item_sizes[LP_DIGEST_TABLES] = {
	[LP_DIGEST_CODE] = sizeof(struct lp_range),
	[LP_DIGEST_UNITS] = sizeof(struct lp_digest_unit),
	[LP_DIGEST_RANGES] = sizeof(struct lp_owned_range),
	[LP_DIGEST_FILES] = sizeof(uint32_t),
	[LP_DIGEST_FILTERS] = sizeof(struct lp_digest_filter),
};

static const void *table(const struct lp_digest *d, int which, uint64_t *ret_n)
{
	*ret_n = d->tail->tables[which].n;
	return d->file.data + d->tail->tables[which].at;
}

static bool is_good_table(const struct lp_digest *d, int which)
{
	const struct lp_digest_table *t = &d->tail->tables[which];
	const uint64_t size = item_sizes[which];

	return t->at % LP_DIGEST_ALIGNMENT == 0 && t->at <= d->file.len &&
	       t->n <= (d->file.len - t->at) / size &&
	       lp_digest_sum(d->file.data + t->at, t->n * size) == d->tail->sums[which];
}

void lp_digest_open(struct lp_digest *d, Elf *copy)
{
	const struct lp_digest_tail *tail;
	size_t len = 0;
	const char *file = elf_rawfile(copy, &len);

	*d = (struct lp_digest){ .file = { (const uint8_t *)file, len } };
	if (!file || len < sizeof(*tail) || len % LP_DIGEST_ALIGNMENT != 0)
		return;
	tail = (const void *)(file + len - sizeof(*tail));
	if (strncmp(tail->magic, LP_DIGEST_MAGIC, sizeof(tail->magic)) != 0 ||
	    tail->sum != lp_digest_sum(tail, offsetof(struct lp_digest_tail, sum)))
		return;
	d->tail = tail;
	for (int i = 0; i < LP_DIGEST_TABLES && d->tail; i++)
		if (!is_good_table(d, i))
			d->tail = NULL;
}

/* What is code is told by the program's sections, which its debug file can't have otherwise, unless they are of
 * different programs.
 */
static bool has_same_code(const struct lp_digest *d, struct lp_module *m,
			  const struct lp_module_index *index)
{
	uint64_t n;
	const struct lp_range *code = table(d, LP_DIGEST_CODE, &n);

	lp_code_find(m, 0);
	if (n != index->code.len || n == 0)
		return false;
	for (uint64_t i = 0; i < n; i++)
		if (index->code.data[i].range.start != code[i].start ||
		    index->code.data[i].range.end != code[i].end)
			return false;
	return true;
}

const char *const lp_digest_strings[LP_DIGEST_STRINGS] = { ".debug_str", ".debug_line_str",
							   ".debug_info" };

/* Most units have the same. */
struct folders {
	struct lp_span sections[LP_DIGEST_STRINGS];
	uint64_t last_at;
	uint16_t last_in;
	const char *last;
};

/* false: there is none where it should be. */
static bool folder_of(struct folders *f, const struct lp_digest_unit *u, const char **ret)
{
	if (u->comp_dir_in != f->last_in || u->comp_dir != f->last_at) {
		if (u->comp_dir_in > LP_DIGEST_STRINGS)
			return false;
		const struct lp_span s =
			u->comp_dir_in ? f->sections[u->comp_dir_in - 1] : (struct lp_span){ 0 };

		if (u->comp_dir_in && (u->comp_dir >= s.len ||
				       !memchr(s.data + u->comp_dir, '\0', s.len - u->comp_dir)))
			return false;
		f->last = u->comp_dir_in ? (const char *)s.data + u->comp_dir : NULL;
		f->last_in = u->comp_dir_in;
		f->last_at = u->comp_dir;
	}
	*ret = f->last;
	return true;
}

static bool add_unit(struct lp_module *m, struct lp_module_index *index, struct folders *f,
		     const struct lp_digest_unit *u)
{
	struct lp_unit unit = {
		.dwarf = m->dwarf,
		.offset = u->die,
		.line_table = u->line_table,
		.has_code = u->flags & LP_DIGEST_UNIT_CODE,
		.partial = u->flags & LP_DIGEST_UNIT_PARTIAL,
		.go = u->flags & LP_DIGEST_UNIT_GO,
		.bases_known = true,
	};
	uint64_t n;
	const uint32_t *files = table(&m->digest, LP_DIGEST_FILES, &n);

	if (u->first_file > n || u->n_files > n - u->first_file || !folder_of(f, u, &unit.comp_dir))
		return false;
	unit.bases = files + u->first_file;
	unit.n_bases = u->n_files;
	return lp_vec_push(&index->units, unit) == 0;
}

bool lp_digest_units(struct lp_module *m, struct lp_module_index *index)
{
	const struct lp_digest *d = &m->digest;
	struct folders f = { 0 };
	uint64_t n;

	if (!d->tail || !has_same_code(d, m, index))
		return false;
	for (int i = 0; i < LP_DIGEST_STRINGS; i++)
		f.sections[i] = lp_section_named(m->copy, lp_digest_strings[i]);
	const struct lp_digest_unit *units = table(d, LP_DIGEST_UNITS, &n);
	if (lp_vec_reserve(&index->units, n) < 0)
		return false;
	for (uint64_t i = 0; i < n; i++)
		if (!add_unit(m, index, &f, &units[i])) {
			index->units.len = 0;
			return false;
		}
	index->unit_ranges = table(d, LP_DIGEST_RANGES, &n);
	index->n_unit_ranges = n;
	return true;
}

bool lp_digest_lists(const struct lp_digest *d, const char *base)
{
	const uint32_t wanted = lp_file_hash(base);
	uint64_t n;
	const uint32_t *files = table(d, LP_DIGEST_FILES, &n);

	for (uint64_t i = 0; i < n; i++)
		if ((files[i] & ~LP_FILE_HAS_ROWS) == wanted)
			return true;
	return false;
}

static struct lp_names_known known_of(const struct lp_digest_forms *f)
{
	return (struct lp_names_known){ true, f->inline_max, f->indexed != 0, f->far != 0 };
}

bool lp_digest_forms(const struct lp_digest *d, struct lp_names_known *ret_functions,
		     struct lp_names_known *ret_others)
{
	if (!d->tail || !(d->tail->flags & LP_DIGEST_NAMES))
		return false;
	*ret_functions = known_of(&d->tail->functions);
	*ret_others = known_of(&d->tail->others);
	return true;
}

bool lp_digest_is_near(const struct lp_digest *d)
{
	return d->tail && (d->tail->flags & LP_DIGEST_NEAR);
}

bool lp_digest_is_far(const struct lp_digest *d)
{
	return d->tail && (d->tail->flags & LP_DIGEST_FAR);
}

static const struct lp_digest_filter *filters(const struct lp_digest *d)
{
	uint64_t n;

	return table(d, LP_DIGEST_FILTERS, &n);
}

size_t lp_digest_n_filters(const struct lp_digest *d)
{
	return d->tail && (d->tail->flags & LP_DIGEST_NAMES) ? d->tail->tables[LP_DIGEST_FILTERS].n
							     : 0;
}

void lp_digest_filtered(const struct lp_digest *d, size_t i, uint64_t *ret_start, uint64_t *ret_end)
{
	*ret_start = filters(d)[i].start;
	*ret_end = filters(d)[i].end;
}

void lp_digest_keys_init(struct lp_digest_keys *k, uint64_t tags, const char *word,
			 const char *scope)
{
	const uint64_t hash = lp_digest_word(word);

	k->n = 0;
	if (scope) {
		k->keys[k->n++] = lp_digest_scoped_key(hash, lp_digest_word(scope));
		k->keys[k->n++] = lp_digest_scoped_key(hash, LP_DIGEST_ANY_SCOPE);
		return;
	}
	for (unsigned int tag = 0; tag < 64; tag++)
		if (tags & UINT64_C(1) << tag)
			k->keys[k->n++] = lp_digest_name_key(tag, hash);
}

/* NULL: the unit can have anything, or what is there is damaged. */
static const uint64_t *words_of(const struct lp_digest *d, const struct lp_digest_filter *f)
{
	const size_t size = sizeof(uint64_t);

	if (f->words == 0 || f->at % size != 0 || f->at > d->file.len ||
	    f->words > (d->file.len - f->at) / size ||
	    lp_digest_sum(d->file.data + f->at, f->words * size) != f->sum)
		return NULL;
	return (const void *)(d->file.data + f->at);
}

static bool has_key(const uint64_t *words, uint64_t n, uint64_t key)
{
	for (unsigned int p = 0; p < LP_DIGEST_PROBES; p++) {
		const uint64_t at = lp_digest_bit(key, p, n);

		if (!(words[at / 64] >> at % 64 & 1))
			return false;
	}
	return true;
}

bool lp_digest_may_name(const struct lp_digest *d, size_t i, const struct lp_digest_keys *k)
{
	const struct lp_digest_filter *f = &filters(d)[i];
	const uint64_t *words = words_of(d, f);

	for (size_t n = 0; words && n < k->n; n++)
		if (has_key(words, f->words, k->keys[n]))
			return true;
	return !words;
}

bool lp_digest_may_refer(const struct lp_digest *d, size_t i, const uint64_t *dies, size_t n)
{
	const struct lp_digest_filter *f = &filters(d)[i];
	const uint64_t *words = words_of(d, f);

	for (size_t k = 0; words && k < n; k++)
		if (has_key(words, f->words, lp_digest_reference_key(dies[k])))
			return true;
	return !words;
}
