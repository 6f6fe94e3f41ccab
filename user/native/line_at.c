// SPDX-License-Identifier: GPL-2.0-only
/* From addresses and DIEs back to source lines. Who asks once asks again nearby, so what was
 * decoded of the last unit is kept.
 */
#include <dwarf.h>
#include <errno.h>
#include <string.h>

#include "native/lines.h"

struct cached_row {
	uint64_t addr;
	uint32_t file;
	int32_t line;
	uint32_t order; /* in the table: rows of one address keep it */
	bool end, is_stmt, prologue_end;
};

struct lp_row_cache {
	const struct lp_unit *unit;
	struct lp_linetable table;
	LP_VEC(struct cached_row) rows; /* by address, else as in the table */
	LP_VEC(const char *) paths;	/* by number of file, where asked for */
	struct lp_module *m;
};

struct lp_decl_files {
	const void *cu; /* of the unit's DIE */
	struct lp_linetable table;
	LP_VEC(const char *) paths;
};

void lp_row_cache_free(struct lp_row_cache *c)
{
	if (!c)
		return;
	lp_linetable_done(&c->table);
	lp_vec_done(&c->rows);
	lp_vec_done(&c->paths);
	free(c);
}

void lp_decl_files_free(struct lp_decl_files *d)
{
	if (!d)
		return;
	lp_linetable_done(&d->table);
	lp_vec_done(&d->paths);
	free(d);
}

/* The path of a file by its number, made once; `paths` is as long as the table's files. */
static const char *path_once(struct lp_module *m, const struct lp_linetable *t, const char **paths,
			     size_t n, uint64_t file)
{
	if (file >= n)
		return NULL;
	if (!paths[file]) {
		lp_auto(lp_free) char *path = lp_linetable_path(t, file);

		paths[file] = path ? lp_arena_strdup(&m->arena, path) : NULL;
	}
	return paths[file];
}

#define PATHS_INIT(paths, table)                                                                   \
	({                                                                                         \
		int r_ = lp_vec_reserve((paths), (table)->files.len + 1);                          \
		if (r_ == 0) {                                                                     \
			(paths)->len = (table)->files.len;                                         \
			memset((paths)->data, 0, (paths)->len * sizeof(*(paths)->data));           \
		}                                                                                  \
		r_;                                                                                \
	})

static int keep_rows(const struct lp_line_row *rows, size_t n, void *arg)
{
	struct lp_row_cache *c = arg;

	if (!lp_sequence_is_live(c->m, rows))
		return 0;
	for (size_t i = 0; i < n; i++) {
		const struct cached_row row = { rows[i].addr,	     rows[i].file,
						rows[i].line,	     (uint32_t)c->rows.len,
						rows[i].end,	     rows[i].is_stmt,
						rows[i].prologue_end };

		if (lp_vec_push(&c->rows, row) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* The end of a sequence comes before the beginning of the next at the same address. */
static int compare_row(const void *a, const void *b)
{
	const struct cached_row *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	if (x->end != y->end)
		return x->end ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static struct lp_row_cache *rows_of(struct lp_module *m, struct lp_unit *unit)
{
	struct lp_module_index *index = lp_module_index_get(m);

	if (index->rows && index->rows->unit == unit)
		return index->rows;
	lp_row_cache_free(lp_take(index->rows));

	struct lp_row_cache *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	index->rows = c;
	c->m = m;
	if (lp_unit_lines(m, unit, &c->table) == 0 && PATHS_INIT(&c->paths, &c->table) == 0)
		lp_linetable_run(&c->table, keep_rows, c);
	if (c->rows.len > 0)
		qsort(c->rows.data, c->rows.len, sizeof(*c->rows.data), compare_row);
	c->unit = unit;
	return c;
}

int lp_module_line_at(struct lp_module *m, uint64_t vaddr, bool first, const char **ret_file,
		      int *ret_line)
{
	struct lp_unit *unit = lp_unit_find(m, vaddr);
	struct lp_row_cache *c = unit ? rows_of(m, unit) : NULL;
	const size_t n = c ? lp_partition_point(c->rows.len, i, c->rows.data[i].addr <= vaddr) : 0;

	if (n == 0 || c->rows.data[n - 1].end)
		return -ENOENT;

	const struct cached_row *row = &c->rows.data[n - 1];
	while (first && row > c->rows.data && row->addr == vaddr && row[-1].addr == vaddr &&
	       !row[-1].end)
		row--;
	const char *path = path_once(m, &c->table, c->paths.data, c->paths.len, row->file);
	if (!path || row->line <= 0)
		return -ENOENT;
	*ret_file = path;
	*ret_line = row->line;
	return 0;
}

/* The first row at or behind an address. */
static size_t first_row(const struct lp_row_cache *c, uint64_t vaddr)
{
	return lp_partition_point(c->rows.len, i, c->rows.data[i].addr < vaddr);
}

uint64_t lp_module_prologue_end(struct lp_module *m, uint64_t low, uint64_t high)
{
	struct lp_unit *unit = lp_unit_find(m, low);
	struct lp_row_cache *c = unit ? rows_of(m, unit) : NULL;
	uint64_t second = high;

	for (size_t i = c ? first_row(c, low) : 0; c && i < c->rows.len; i++) {
		const struct cached_row *row = &c->rows.data[i];

		if (row->addr >= high)
			break;
		if (row->prologue_end)
			return row->addr;
		if (row->addr > low && row->addr < second)
			second = row->addr;
	}
	return second;
}

int lp_module_line_view(struct lp_module *m, uint64_t vaddr, int line, uint64_t *ret)
{
	struct lp_unit *unit = lp_unit_find(m, vaddr);
	struct lp_row_cache *c = unit ? rows_of(m, unit) : NULL;
	uint64_t view = 0;

	for (size_t i = c ? first_row(c, vaddr) : 0; c && i < c->rows.len; i++) {
		const struct cached_row *row = &c->rows.data[i];

		if (row->addr != vaddr)
			break;
		if (row->end)
			continue;
		if (row->line == line && row->is_stmt) {
			*ret = view;
			return 0;
		}
		view++;
	}
	return -ENOENT;
}

const char *lp_module_file(struct lp_module *m, uint64_t vaddr, uint64_t file)
{
	struct lp_unit *unit = lp_unit_find(m, vaddr);
	struct lp_row_cache *c = unit ? rows_of(m, unit) : NULL;

	return c ? path_once(m, &c->table, c->paths.data, c->paths.len, file) : NULL;
}

const char *lp_unit_path(struct lp_module *m, uint64_t vaddr, const char *path)
{
	struct lp_unit *unit = lp_unit_find(m, vaddr);
	struct lp_row_cache *c = unit ? rows_of(m, unit) : NULL;
	const char *base = lp_path_base(path);

	for (size_t i = 0; c && i < c->paths.len; i++) {
		if (strcmp(lp_path_base(c->table.files.data[i].name), base) != 0)
			continue;
		const char *known = path_once(m, &c->table, c->paths.data, c->paths.len, i);
		if (known && known[0] == '/' && lp_path_is_same(known, path))
			return known;
	}
	return path;
}

static struct lp_decl_files *decl_files_of(struct lp_module *m, Dwarf_Die *cu)
{
	struct lp_module_index *index = lp_module_units(m);
	struct lp_decl_files *d;

	if (!index)
		return NULL;
	if (index->decl_files && index->decl_files->cu == cu->addr)
		return index->decl_files;
	lp_decl_files_free(lp_take(index->decl_files));
	d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	index->decl_files = d;
	d->cu = cu->addr;
	const Dwarf_Off at = dwarf_dieoffset(cu);
	Dwarf *dwarf = dwarf_cu_getdwarf(cu->cu);
	lp_vec_each (&index->units, unit)
		if (unit->offset == at && unit->dwarf == dwarf) {
			if (lp_unit_lines(m, unit, &d->table) == 0)
				PATHS_INIT(&d->paths, &d->table);
			break;
		}
	return d;
}

int lp_die_decl(struct lp_module *m, Dwarf_Die *die, const char **ret_file, int *ret_line)
{
	Dwarf_Attribute attr;
	Dwarf_Word file, line;
	Dwarf_Die cu;

	if (!dwarf_attr_integrate(die, DW_AT_decl_line, &attr) ||
	    dwarf_formudata(&attr, &line) < 0 || line == 0 || line > INT32_MAX ||
	    !dwarf_attr_integrate(die, DW_AT_decl_file, &attr) ||
	    dwarf_formudata(&attr, &file) < 0 ||
	    !dwarf_cu_die(attr.cu, &cu, NULL, NULL, NULL, NULL, NULL, NULL))
		return -ENOENT;

	struct lp_decl_files *d = decl_files_of(m, &cu);
	const char *path = d ? path_once(m, &d->table, d->paths.data, d->paths.len, file) : NULL;
	if (!path)
		return -ENOENT;
	*ret_file = path;
	*ret_line = (int)line;
	return 0;
}
