// SPDX-License-Identifier: GPL-2.0-only
/* What `logpoint list` shows: functions and files that have code. */
#include <errno.h>
#include <string.h>

#include "native/entries.h"
#include "native/die.h"
#include "native/lines.h"

struct listed {
	struct lp_function_info info;
	const void *key; /* lp_function_key(); NULL: a symbol */
};

struct listing {
	struct lp_module *m;
	LP_VEC(struct listed) all;
	LP_VEC(const void *) inlined; /* keys of what has inlined copies, ascending */
};

static int list_function(const struct lp_function *f, void *arg)
{
	struct listing *l = arg;
	Dwarf_Die die = f->die;
	struct listed made = { .info.has_dwarf = true, .key = lp_function_key(f) };

	made.info.inlined_only = f->unit->partial || !lp_die_entry(l->m, &die, &made.info.vaddr);
	if (made.info.inlined_only) {
		if (!lp_function_may_be_inlined(f))
			return 0;
		made.info.vaddr = 0;
	}
	made.info.name = lp_function_name(f);
	if (!made.info.name)
		return 0;
	lp_die_decl(l->m, &die, &made.info.file, &made.info.line);
	return lp_vec_push(&l->all, made);
}

static int compare_key(const void *a, const void *b)
{
	const uintptr_t x = (uintptr_t) * (const void *const *)a,
			y = (uintptr_t) * (const void *const *)b;

	return x < y ? -1 : x > y;
}

static int gather_key(uint64_t entry, Dwarf_Off die, const void *key, void *arg)
{
	struct listing *l = arg;

	(void)entry;
	(void)die;
	/* the copies of a function come in a row often enough */
	if (l->inlined.len > 0 && l->inlined.data[l->inlined.len - 1] == key)
		return 0;
	return lp_vec_push(&l->inlined, key);
}

/* Takes out what has no code at all. */
static void drop_unused(struct listing *l)
{
	size_t kept = 0;

	if (l->inlined.len > 0)
		qsort(l->inlined.data, l->inlined.len, sizeof(*l->inlined.data), compare_key);
	for (size_t i = 0; i < l->all.len; i++) {
		const struct listed at = l->all.data[i];

		if (!at.info.inlined_only ||
		    (l->inlined.len > 0 && bsearch(&at.key, l->inlined.data, l->inlined.len,
						   sizeof(at.key), compare_key)))
			l->all.data[kept++] = at;
	}
	l->all.len = kept;
}

static int compare_vaddr(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;

	return x->info.vaddr < y->info.vaddr ? -1 : x->info.vaddr > y->info.vaddr;
}

/* Functions that DWARF doesn't name at their address. */
static int list_symbols(struct listing *l)
{
	struct lp_module_index *index = lp_module_symbols(l->m);
	const size_t n_dwarf = l->all.len;
	uint64_t last = 0;

	if (!index)
		return -ENOMEM;
	if (n_dwarf > 0)
		qsort(l->all.data, n_dwarf, sizeof(*l->all.data), compare_vaddr);
	lp_vec_each (&index->symbols, s) {
		const struct listed made = { .info = { .vaddr = s->start } };

		if (!s->function || s->start == last || strstr(s->name, ".cold") ||
		    GELF_ST_TYPE(s->sym.st_info) == STT_GNU_IFUNC)
			continue;
		last = s->start;
		if (n_dwarf > 0 &&
		    bsearch(&made, l->all.data, n_dwarf, sizeof(made), compare_vaddr))
			continue;
		if (lp_vec_push(&l->all, made) < 0)
			return -ENOMEM;
		l->all.data[l->all.len - 1].info.name = lp_symbol_readable(l->m, s);
	}
	return 0;
}

/* By name; of one function, what has code first. */
static int compare_listed(const void *a, const void *b)
{
	const struct lp_function_info *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	if (r == 0)
		r = strcmp(x->file ? x->file : "", y->file ? y->file : "");
	if (r == 0)
		r = x->line < y->line ? -1 : x->line > y->line;
	if (r == 0)
		r = (int)x->inlined_only - (int)y->inlined_only;
	if (r == 0)
		r = x->vaddr < y->vaddr ? -1 : x->vaddr > y->vaddr;
	return r;
}

/* Clones, and the copies that each unit has of an inline function, are one to the reader. */
static bool is_same_function(const struct lp_function_info *x, const struct lp_function_info *y)
{
	return x->has_dwarf && y->has_dwarf && !strcmp(x->name, y->name) && x->line == y->line &&
	       (x->file == y->file || (x->file && y->file && !strcmp(x->file, y->file)));
}

static int tell(struct listing *l, int (*fn)(const struct lp_function_info *f, void *arg),
		void *arg)
{
	const struct lp_function_info *last = NULL;
	int r = 0;

	if (l->all.len > 0)
		qsort(l->all.data, l->all.len, sizeof(*l->all.data), compare_listed);
	for (size_t i = 0; r == 0 && i < l->all.len; i++) {
		const struct lp_function_info *at = &l->all.data[i].info;

		if (last && is_same_function(last, at))
			continue;
		last = at;
		r = fn(at, arg);
	}
	return r;
}

int lp_module_each_function(struct lp_module *m,
			    int (*fn)(const struct lp_function_info *f, void *arg), void *arg,
			    struct lp_err *err)
{
	struct listing l = { .m = m };
	int r;

	_Static_assert(offsetof(struct listed, info) == 0, "compare_listed() sees the info alone");
	r = lp_functions_each(m, list_function, &l);
	if (r == 0)
		r = lp_inlined_each(m, NULL, gather_key, &l);
	if (r == 0) {
		drop_unused(&l);
		r = list_symbols(&l);
	}
	if (r < 0)
		r = lp_err_nomem(err);
	else
		r = tell(&l, fn, arg);
	lp_vec_done(&l.all);
	lp_vec_done(&l.inlined);
	return r;
}

struct file_listing {
	struct lp_module *m;
	LP_VEC(bool) used; /* by number, of the unit that is read */
	LP_VEC(char *) paths;
};

static int note_used(const struct lp_line_row *rows, size_t n, void *arg)
{
	struct file_listing *l = arg;

	if (!lp_sequence_is_live(l->m, rows))
		return 0;
	for (size_t i = 0; i + 1 < n; i++)
		if (rows[i].file < l->used.len && rows[i].is_stmt && rows[i].line > 0)
			l->used.data[rows[i].file] = true;
	return 0;
}

static int list_files_of(struct file_listing *l, struct lp_unit *unit)
{
	lp_auto(lp_linetable_done) struct lp_linetable t = { 0 };

	if (unit->partial || lp_unit_lines(l->m, unit, &t) < 0)
		return 0;
	if (lp_vec_reserve(&l->used, t.files.len + 1) < 0)
		return -ENOMEM;
	l->used.len = t.files.len;
	memset(l->used.data, 0, l->used.len * sizeof(*l->used.data));
	lp_linetable_run(&t, note_used, l);
	for (size_t i = 0; i < l->used.len; i++) {
		char *path = l->used.data[i] ? lp_linetable_path(&t, i) : NULL;

		if (path && lp_vec_push(&l->paths, path) < 0) {
			free(path);
			return -ENOMEM;
		}
	}
	return 0;
}

static int compare_path(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int lp_module_each_file(struct lp_module *m, int (*fn)(const char *path, void *arg), void *arg,
			struct lp_err *err)
{
	struct lp_module_index *index = lp_module_units(m);
	struct file_listing l = { .m = m };
	int r = 0;

	if (!index)
		return lp_err_nomem(err);
	for (size_t i = 0; r == 0 && i < index->units.len; i++)
		r = list_files_of(&l, &index->units.data[i]);
	if (r < 0)
		r = lp_err_nomem(err);
	if (r == 0 && l.paths.len > 0)
		qsort(l.paths.data, l.paths.len, sizeof(*l.paths.data), compare_path);
	for (size_t i = 0; r == 0 && i < l.paths.len; i++)
		if (i == 0 || strcmp(l.paths.data[i], l.paths.data[i - 1]) != 0)
			r = fn(l.paths.data[i], arg);
	lp_vec_each (&l.paths, p)
		free(*p);
	lp_vec_done(&l.paths);
	lp_vec_done(&l.used);
	return r;
}
