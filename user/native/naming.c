// SPDX-License-Identifier: GPL-2.0-only
#include "native/naming.h"

#include <ctype.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/parallel.h"
#include "native/debugnames.h"

#define PIECE	 ((size_t)1 << 20) /* of the strings, at once */
#define UNIT_MAX (UINT64_C(256) << 20)

/* Memory that the threads use again. */
struct scratch {
	uint8_t *data;
	size_t cap;
};

struct search {
	const struct lp_naming_file *f;
	const char *word, *inlined;
	uint64_t tags;
	bool whole;		    /* nothing may follow the word */
	struct lp_skim_scope scope; /* what the function stands in; skim NULL: anything */
	pthread_mutex_t lock;	    /* of what follows */
	LP_VEC(uint64_t) found;	    /* where names begin, or DIEs are */
	struct scratch scratch[LP_PARALLEL_MAX]; /* those not in use; data NULL: none */
	struct lp_skim *skim;
	LP_VEC(struct lp_named_unit) units; /* all there are */
	LP_VEC(int8_t) state;		    /* of each: not, declared, defined */
	LP_VEC(bool) passed_by; /* of each: the digest knows that it is not looked for */
	bool by_reference;
};

enum { NOT, DECLARED, DEFINED };

static void search_done(struct search *s)
{
	for (size_t i = 0; i < LP_PARALLEL_MAX; i++)
		free(s->scratch[i].data);
	lp_vec_done(&s->found);
	lp_vec_done(&s->units);
	lp_vec_done(&s->state);
	lp_vec_done(&s->passed_by);
	if (s->skim)
		lp_skim_done(s->skim);
	free(s->skim);
	pthread_mutex_destroy(&s->lock);
}
LP_CLEANUP_DONE(struct search, search_done)

void lp_naming_free(struct lp_naming *n)
{
	if (!n)
		return;
	lp_vec_done(&n->units);
	free(n->name);
	free(n);
}
LP_CLEANUP(struct lp_naming *, lp_naming_free)

static struct scratch take_scratch(struct search *s, size_t size)
{
	struct scratch taken = { 0 };

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < LP_PARALLEL_MAX && !taken.data; i++) {
		taken = s->scratch[i];
		s->scratch[i] = (struct scratch){ 0 };
	}
	pthread_mutex_unlock(&s->lock);
	if (taken.cap < size) {
		free(taken.data);
		taken.cap = size + size / 2;
		taken.data = malloc(taken.cap);
	}
	return taken;
}

static void give_back(struct search *s, struct scratch used)
{
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < LP_PARALLEL_MAX && used.data; i++)
		if (!s->scratch[i].data) {
			s->scratch[i] = used;
			used.data = NULL;
		}
	pthread_mutex_unlock(&s->lock);
	free(used.data);
}

static bool read_at(int fd, void *data, size_t len, uint64_t at)
{
	return lp_io_read(fd, data, len, at) == len;
}

static int note_found(struct search *s, uint64_t offset)
{
	pthread_mutex_lock(&s->lock);
	const int r = lp_vec_push(&s->found, offset);
	pthread_mutex_unlock(&s->lock);
	return r;
}

/* Strings can share their ends, so what stands before the word says nothing. After it, there are
 * template arguments at most.
 */
static int search_strings(size_t piece, void *arg)
{
	struct search *s = arg;
	const size_t word = strlen(s->word);
	const uint64_t at = piece * PIECE, left = s->f->str_len - at;
	const size_t len =
		left < PIECE + word ? left : PIECE + word; /* with what goes on after it */
	struct scratch mine = take_scratch(s, PIECE + LP_NAME_MAX);
	int r = mine.data && read_at(s->f->fd, mine.data, len, s->f->str + at) ? 0 : -EIO;

	const char *all = (const char *)mine.data, *end = all + len;
	for (const char *p = all; r == 0 && (p = memmem(p, (size_t)(end - p), s->word, word)); p++)
		if (p < all + PIECE && p + word < end &&
		    (!p[word] || (p[word] == '<' && !s->whole)))
			r = note_found(s, at + (uint64_t)(p - all));
	give_back(s, mine);
	return r;
}

static int search_text(size_t piece, void *arg)
{
	struct search *s = arg;
	const size_t word = strlen(s->word);
	const uint64_t at = piece * PIECE, left = s->f->str_len - at;
	const size_t len = left < PIECE + word ? left : PIECE + word;
	struct scratch mine = take_scratch(s, PIECE + LP_NAME_MAX);
	const bool is_read = mine.data && read_at(s->f->fd, mine.data, len, s->f->str + at);
	const int r = !is_read || memmem(mine.data, len, s->word, word);

	give_back(s, mine);
	return r;
}

bool lp_naming_has_text(const struct lp_naming_file *f, const char *text)
{
	lp_auto(search_done) struct search s = { .f = f, .word = text };

	pthread_mutex_init(&s.lock, NULL);
	return lp_parallel((f->str_len + PIECE - 1) / PIECE, search_text, &s) != 0;
}

/* A function of a class or namespace is where that is named, too. The one of fewer places is the rarer and the quicker. */
static bool may_have(const struct search *s, struct lp_span unit)
{
	const struct lp_skim_scope name = { s->skim, s->inlined };

	if (!s->scope.skim)
		return true; /* lp_skim_unit() looks for the name */
	const bool scope_first = s->scope.skim->names.len < s->skim->names.len;
	const struct lp_skim_scope *first = scope_first ? &s->scope : &name;
	const struct lp_skim_scope *second = scope_first ? &name : &s->scope;
	return lp_skim_occurs(first->skim, first->inlined, unit) &&
	       lp_skim_occurs(second->skim, second->inlined, unit);
}

static int search_unit(size_t i, void *arg)
{
	struct search *s = arg;
	const struct lp_named_unit *unit = &s->units.data[i];
	const size_t len = unit->end - unit->start;
	struct lp_skim_dies dies = { 0 };
	int r = 0;

	if (s->passed_by.data[i])
		return 0;
	struct scratch mine = take_scratch(s, len);
	if (!mine.data || !read_at(s->f->fd, mine.data, len, s->f->info + unit->start)) {
		give_back(s, mine);
		return -EIO;
	}
	const struct lp_skimmed skimmed = { { mine.data + 4, len - 4 },
					    s->f->abbrevs,
					    unit->start };
	const struct lp_skim_wanted wanted = { .tags = s->tags,
					       .skim = s->skim,
					       .scope = s->scope.skim ? &s->scope : NULL,
					       .inlined = s->by_reference ? NULL : s->inlined,
					       .by_reference = s->by_reference };
	enum lp_skim_has has = LP_SKIM_NOTHING;
	if (may_have(s, skimmed.unit))
		has = lp_skim_unit(&wanted, &skimmed, s->f->far ? &dies : NULL);
	/* what refers to a unit that can't be read can't be known */
	if (has == LP_SKIM_UNKNOWN && s->f->far)
		r = -ENOTSUP;
	else if (has == LP_SKIM_DEFINED || has == LP_SKIM_UNKNOWN)
		s->state.data[i] = DEFINED;
	else if (has == LP_SKIM_DECLARED && s->state.data[i] == NOT)
		s->state.data[i] = DECLARED;
	lp_vec_each (&dies, d)
		r = r ? r : note_found(s, *d);
	lp_vec_done(&dies);
	give_back(s, mine);
	return r;
}

int lp_naming_each_unit(const struct lp_naming_file *f,
			int (*fn)(uint64_t start, uint64_t end, void *arg), void *arg)
{
	uint64_t at = 0;
	int r = 0;

	while (r == 0 && at < f->info_len) {
		const uint64_t start = at;
		uint32_t length;

		if (f->info_len - at < sizeof(length) ||
		    !read_at(f->fd, &length, sizeof(length), f->info + at))
			return -EIO;
		at += sizeof(length) + length;
		/* and 64-bit DWARF */
		if (at > f->info_len || length < 2 || length > UNIT_MAX)
			return -ENOTSUP;
		r = fn(start, at, arg);
	}
	return r;
}

static int add_unit(uint64_t start, uint64_t end, void *arg)
{
	struct search *s = arg;
	const struct lp_named_unit unit = { .start = start, .end = end };

	if (lp_vec_push(&s->units, unit) < 0 || lp_vec_push(&s->passed_by, false) < 0)
		return -ENOMEM;
	return lp_vec_push(&s->state, NOT);
}

/* By the digest they are known, and need not be looked for. */
static int list_units(struct search *s)
{
	const size_t n = s->f->digest ? lp_digest_n_filters(s->f->digest) : 0;
	int r = 0;

	if (n == 0)
		return lp_naming_each_unit(s->f, add_unit, s);
	for (size_t i = 0; r == 0 && i < n; i++) {
		uint64_t start, end;

		lp_digest_filtered(s->f->digest, i, &start, &end);
		r = end <= s->f->info_len ? add_unit(start, end, s) : -EIO;
	}
	return r;
}

/* Those whose filters have the name. */
static void choose_named(struct search *s)
{
	struct lp_digest_keys keys;

	if (!s->f->digest || !lp_digest_is_far(s->f->digest) || s->whole)
		return; /* mangled names are not in them */
	lp_digest_keys_init(&keys, s->tags, s->word, NULL);
	for (size_t i = 0; i < s->units.len; i++)
		s->passed_by.data[i] = !lp_digest_may_name(s->f->digest, i, &keys);
}

/* Those whose filters have a reference to what was found. */
static void choose_referring(struct search *s)
{
	if (!s->f->digest || !lp_digest_is_far(s->f->digest))
		return;
	for (size_t i = 0; i < s->units.len; i++)
		s->passed_by.data[i] =
			!lp_digest_may_refer(s->f->digest, i, s->found.data, s->found.len);
}

/* What was found is what is looked for next. */
static int look_for_found(struct search *s)
{
	if (s->found.len > 0)
		qsort(s->found.data, s->found.len, sizeof(*s->found.data), lp_compare_u64);
	lp_skim_done(s->skim);
	memset(s->skim, 0, sizeof(*s->skim));
	lp_vec_each (&s->found, f)
		if (lp_skim_add(s->skim, *f) < 0)
			return -ENOMEM;
	s->found.len = 0;
	return 0;
}

/* Those that refer to what was found in another unit; then those that refer to these. */
static int search_references(struct search *s)
{
	lp_auto(lp_free) uint64_t *all = NULL;
	size_t n_all = 0;

	for (s->by_reference = true; s->found.len > 0;) {
		size_t kept = 0;

		for (size_t i = 0; i < s->found.len; i++)
			if (!n_all ||
			    !bsearch(&s->found.data[i], all, n_all, sizeof(*all), lp_compare_u64))
				s->found.data[kept++] = s->found.data[i];
		s->found.len = kept;
		if (kept == 0)
			break;
		uint64_t *grown = reallocarray(all, n_all + kept, sizeof(*all));
		if (!grown)
			return -ENOMEM;
		all = grown;
		memcpy(all + n_all, s->found.data, kept * sizeof(*all));
		n_all += kept;
		qsort(all, n_all, sizeof(*all), lp_compare_u64);

		choose_referring(s);
		int r = look_for_found(s);
		if (r == 0)
			r = lp_parallel(s->units.len, search_unit, s);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Where the word begins in the strings, to be looked for. */
static int search_word(struct search *s, const char *word)
{
	s->word = word;
	s->inlined = strlen(word) <= s->f->inline_max ? word : NULL;
	const int r = lp_parallel((s->f->str_len + PIECE - 1) / PIECE, search_strings, s);
	return r == 0 ? look_for_found(s) : r;
}

/* The first part of a name that DIEs' names are or begin with; false: there is none that one could rely on. */
static bool literal(const char *name, const char *end, char ret[LP_NAME_MAX])
{
	size_t n = 0;

	while (n < LP_NAME_MAX - 1 && name + n < end &&
	       (isalnum((unsigned char)name[n]) || name[n] == '_'))
		n++;
	memcpy(ret, name, n);
	ret[n] = '\0';
	return n > 0 && n < LP_NAME_MAX - 1 && (name + n == end || name[n] == '<');
}

/* The component before the last one. */
static bool scope_of(const struct lp_name_pattern *p, char ret[LP_NAME_MAX])
{
	const char *end = p->last - 2, *start = end;

	if (p->linkage || p->last < p->text + 2 || memchr(p->text, '<', (size_t)(end - p->text)))
		return false;
	while (start > p->text && start[-1] != ':')
		start--;
	return literal(start, end, ret);
}

static int search_all(struct search *s, const struct lp_name_pattern *p, const char *word)
{
	lp_auto(lp_free) char *scope = malloc(LP_NAME_MAX);
	lp_auto(lp_free) struct lp_skim *scopes = NULL;
	int r = scope ? 0 : -ENOMEM;

	/* of a function that refers to another unit, what it stands in is there; enumerators and what is in
	 * inline namespaces have names without what they stand in
	 */
	if (r == 0 && !s->f->far && s->tags == LP_NAMING_FUNCTIONS && scope_of(p, scope)) {
		r = search_word(s, scope);
		/* inline_max is that of functions */
		s->scope = (struct lp_skim_scope){ s->skim, scope };
		scopes = s->skim;
		s->skim = calloc(1, sizeof(*s->skim));
		if (!s->skim)
			r = -ENOMEM;
	}
	if (r == 0)
		r = search_word(s, word);
	if (r == 0 && (s->skim->names.len > 0 || s->inlined)) {
		r = list_units(s);
		if (r == 0) {
			choose_named(s);
			r = lp_parallel(s->units.len, search_unit, s);
		}
		if (r == 0 && s->f->far)
			r = search_references(s);
	}
	if (scopes)
		lp_skim_done(scopes);
	return r;
}

/* The filters alone say it, where no DIE is more of one in another unit. 1: they don't. */
static int ask_filters(struct search *s, const struct lp_name_pattern *p, const char *word)
{
	lp_auto(lp_free) char *scope = malloc(LP_NAME_MAX);
	struct lp_digest_keys keys;

	if (!s->f->digest || !lp_digest_n_filters(s->f->digest) || s->f->far || p->linkage ||
	    s->f->inline_max == SIZE_MAX)
		return 1;
	if (!scope || list_units(s) < 0)
		return -ENOMEM;
	lp_digest_keys_init(&keys, s->tags, word,
			    s->tags == LP_NAMING_FUNCTIONS && scope_of(p, scope) ? scope : NULL);
	for (size_t i = 0; i < s->units.len; i++)
		if (lp_digest_may_name(s->f->digest, i, &keys))
			s->state.data[i] = DEFINED;
	return 0;
}

/* So does an index in the file. 1: there is none. */
static int ask_index(struct search *s, const struct lp_name_pattern *p, const char *word)
{
	lp_auto(lp_debugnames_done) struct lp_debugnames found = { 0 };

	if (s->tags != LP_NAMING_FUNCTIONS || p->linkage || s->f->names.len == 0 ||
	    lp_debugnames_find(s->f->names, s->f->str_data, word, &found) < 0)
		return 1;
	const int r = lp_naming_each_unit(s->f, add_unit, s);
	for (size_t i = 0; r == 0 && i < s->units.len; i++) {
		const struct lp_debugnames_unit *u =
			lp_debugnames_unit(&found, s->units.data[i].start);

		if (!u || u->has)
			s->state.data[i] = DEFINED;
	}
	return r;
}

static int keep_units(struct lp_naming *n, const struct search *s)
{
	for (size_t i = 0; i < s->units.len; i++) {
		struct lp_named_unit unit = s->units.data[i];

		unit.declared = s->state.data[i] == DECLARED;
		if (s->state.data[i] != NOT && lp_vec_push(&n->units, unit) < 0)
			return -ENOMEM;
	}
	return 0;
}

struct lp_naming *lp_naming_new(const struct lp_naming_file *f, const struct lp_name_pattern *p,
				uint64_t tags)
{
	lp_auto(lp_naming_free) struct lp_naming *n = calloc(1, sizeof(*n));
	lp_auto(lp_free) char *word = malloc(LP_NAME_MAX);
	lp_auto(search_done) struct search s = { .f = f, .tags = tags, .whole = p->linkage };
	const char *name = p->linkage ? p->text : p->last;

	pthread_mutex_init(&s.lock, NULL);
	s.skim = calloc(1, sizeof(*s.skim));
	if (!n || !word || !s.skim || !(n->name = strdup(p->text)))
		return NULL;
	n->tags = tags;
	int r = 1;
	if (!p->glob && !strstr(p->text, "operator") && literal(name, name + strlen(name), word) &&
	    !(p->linkage && strchr(name, '<'))) {
		r = ask_filters(&s, p, word);
		if (r == 1)
			r = ask_index(&s, p, word);
		n->partial = r == 0;
		if (r == 1 && f->inline_max != SIZE_MAX)
			r = search_all(&s, p, word);
	}
	n->known = r == 0 && keep_units(n, &s) == 0;
	return lp_take(n);
}

const struct lp_named_unit *lp_naming_find(const struct lp_naming *n, uint64_t die)
{
	const size_t at = lp_partition_point(n->units.len, i, n->units.data[i].end <= die);

	return at < n->units.len && n->units.data[at].start <= die ? &n->units.data[at] : NULL;
}
