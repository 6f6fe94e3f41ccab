// SPDX-License-Identifier: GPL-2.0-only
/* entry, return and call FUNCTION, and FUNCTION+OFFSET: entries become places, and what can't be
 * had is said.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "native/entries.h"
#include "native/lines.h"
#include "native/mention.h"

#define MAX_NAMED 6 /* names or addresses that a message lists */

struct near_name {
	const char *name;
	unsigned int distance;
};

struct near_search {
	struct lp_module *m;
	const char *wanted; /* its last component */
	struct near_name near[MAX_NAMED];
	size_t n;
};

static void consider(struct near_search *s, const char *last, const char *name)
{
	const struct near_name made = { name, lp_name_distance(s->wanted, last) };
	size_t at = s->n;

	if (made.distance > 3 || !name)
		return;
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->near[i].name, name))
			return;
	while (at > 0 && s->near[at - 1].distance > made.distance)
		at--;
	if (at >= MAX_NAMED)
		return;
	if (s->n < MAX_NAMED)
		s->n++;
	memmove(&s->near[at + 1], &s->near[at], (s->n - at - 1) * sizeof(made));
	s->near[at] = made;
}

static int consider_function(const struct lp_function *f, void *arg)
{
	struct near_search *s = arg;

	if (lp_name_distance(s->wanted, f->last) <= 3)
		consider(s, f->last, lp_function_name(f));
	return 0;
}

static int unknown_function(struct lp_module *m, const char *name, struct lp_err *err)
{
	struct near_search s = { .m = m, .wanted = lp_name_last(name) };
	struct lp_module_index *index = lp_module_symbols(m);
	lp_auto(lp_buf_done) struct lp_buf b = { 0 };

	lp_functions_each(m, consider_function, &s);
	if (index)
		lp_vec_each (&index->symbols, sym)
			if (sym->function)
				consider(&s, sym->name, sym->name);
	for (size_t i = 0; i < s.n; i++)
		lp_buf_fmt(&b, "%s%s", i ? ", " : "", s.near[i].name);
	if (b.failed)
		return lp_err_nomem(err);
	if (s.n == 0)
		return lp_err_set(err, ENOENT, "no function '%s' in %s", name, m->path);
	return lp_err_set(err, ENOENT, "no function '%s' in %s; there is %s", name, m->path,
			  b.data);
}

/* What a symbol like memcpy can turn out to be when the program is loaded. */
static int chosen_at_load(struct lp_module *m, const char *name, struct lp_err *err)
{
	struct lp_module_index *index = lp_module_symbols(m);
	lp_auto(lp_buf_done) struct lp_buf b = { 0 };
	const size_t len = strlen(name);
	size_t n = 0;

	lp_vec_each (&index->symbols, s) {
		const char *plain = s->name + strspn(s->name, "_");

		if (!s->function || strncmp(plain, name, len) != 0 || plain[len] != '_' ||
		    n++ >= MAX_NAMED)
			continue;
		lp_buf_fmt(&b, "%s%s", b.len ? ", " : "", s->name);
	}
	if (b.failed)
		return lp_err_nomem(err);
	return lp_err_set(err, ENOENT,
			  "'%s' is chosen among several functions when the program is loaded%s%s%s",
			  name, n ? "; they are: " : "", b.len ? b.data : "",
			  n > MAX_NAMED ? ", ..." : "");
}

static int add_entry(struct lp_module *m, const struct lp_entry *e, struct lp_places *ret,
		     struct lp_err *err)
{
	const char *file = NULL, *decl_file;
	int line = 0, decl_line, r;
	struct lp_place p;
	Dwarf_Die die;

	lp_module_line_at(m, e->vaddr, true, &file, &line);
	if (e->die && dwarf_offdie(m->dwarf, e->die, &die) &&
	    lp_die_decl(m, &die, &decl_file, &decl_line) == 0) {
		line = decl_line;
		file = lp_unit_path(m, e->vaddr, decl_file);
	}
	r = lp_place_init(&p, m, e->vaddr, file, line, err);
	if (r < 0)
		return r;
	if (e->die)
		lp_place_set_function(&p, m, e->die, e->inlined);
	else
		p.function = e->symbol;
	return lp_vec_push(ret, p) < 0 ? lp_err_nomem(err) : 0;
}

static int add_entries(struct lp_module *m, const struct lp_entries *entries, bool inlined,
		       struct lp_places *ret, struct lp_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < entries->len; i++)
		if (inlined || !entries->data[i].inlined)
			r = add_entry(m, &entries->data[i], ret, err);
	return r;
}

static int several_functions(const struct lp_entries *entries, const char *name, struct lp_err *err)
{
	lp_auto(lp_buf_done) struct lp_buf b = { 0 };
	size_t n = 0;

	lp_vec_each (entries, e)
		if (!e->inlined && n++ < MAX_NAMED)
			lp_buf_fmt(&b, "%s0x%" PRIx64, b.len ? ", " : "", e->vaddr);
	if (b.failed)
		return lp_err_nomem(err);
	return lp_err_set(err, EEXIST,
			  "'%s' has code at several addresses, and an offset fits only one of "
			  "them: %s%s",
			  name, b.data, n > MAX_NAMED ? ", ..." : "");
}

static int add_offset(struct lp_module *m, const struct lp_location *at,
		      const struct lp_entries *entries, struct lp_places *ret, struct lp_err *err)
{
	const struct lp_entry *only = NULL;
	struct lp_range bounds;
	struct lp_place p;
	int r;

	lp_vec_each (entries, e) {
		if (e->inlined)
			continue;
		if (only)
			return several_functions(entries, at->name, err);
		only = e;
	}
	r = lp_function_bounds(m, only->vaddr, &bounds);
	if (r == 0 && at->offset >= bounds.end - only->vaddr)
		return lp_err_set(err, EINVAL, "'%s' has only %" PRIu64 " bytes", at->name,
				  bounds.end - only->vaddr);
	r = lp_place_init(&p, m, only->vaddr + at->offset, NULL, 0, err);
	if (r < 0)
		return r;
	return lp_vec_push(ret, p) < 0 ? lp_err_nomem(err) : 0;
}

int lp_resolve_function(struct lp_module *m, const struct lp_location *at, struct lp_places *ret,
			size_t *ret_inlined, struct lp_err *err)
{
	struct lp_entries entries = { 0 };
	const bool is_program = lp_module_is_program(m);
	int r;

	if (!is_program && !lp_may_name_function(m, at->name))
		return lp_err_set(err, ENOENT, "no function '%s' in %s", at->name, m->path);
	r = lp_entries_find(m, at->name, &entries, err);
	if (r < 0)
		return r;
	if (entries.ifunc)
		r = chosen_at_load(m, at->name, err);
	else if (entries.len == 0 && entries.declared)
		r = lp_err_set(err, ENOENT, "'%s' is declared, but has no code in %s", at->name,
			       m->path);
	else if (entries.len == 0 && !is_program)
		r = lp_err_set(err, ENOENT, "no function '%s' in %s", at->name, m->path);
	else if (entries.len == 0)
		r = unknown_function(m, at->name, err);
	else if (at->kind == LP_AT_ENTRY)
		r = add_entries(m, &entries, true, ret, err);
	else if (entries.n_inlined == entries.len)
		r = lp_err_set(err, ENOENT,
			       "'%s' has only inlined copies (%zu), which have no %s; "
			       "'entry %s' or one of its lines works",
			       at->name, entries.n_inlined,
			       at->kind == LP_AT_OFFSET ? "address of their own" : "return",
			       at->name);
	else if (at->kind == LP_AT_OFFSET)
		r = add_offset(m, at, &entries, ret, err);
	else
		r = add_entries(m, &entries, false, ret, err);
	*ret_inlined = at->kind == LP_AT_ENTRY ? 0 : entries.n_inlined;
	lp_vec_done(&entries);
	return r;
}
