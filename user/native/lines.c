// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "native/lines.h"
#include "native/pieces.h"
#include "native/place.h"

#define MAX_KEPT_ROWS (1u << 18) /* of files looked for, before they are forgotten */

struct found_file {
	char *want;
	struct lp_rows rows;
};

struct lp_found_files {
	LP_VEC(struct found_file);
	size_t n_rows;
};

static struct lp_line_sections line_sections(Dwarf *dwarf)
{
	Elf *elf = dwarf ? dwarf_getelf(dwarf) : NULL;

	if (!elf)
		return (struct lp_line_sections){ 0 };
	return (struct lp_line_sections){
		.line = lp_section_named(elf, ".debug_line"),
		.line_str = lp_section_named(elf, ".debug_line_str"),
		.str = lp_section_named(elf, ".debug_str"),
	};
}

int lp_unit_lines(struct lp_module *m, struct lp_unit *unit, struct lp_linetable *ret)
{
	struct lp_module_index *index = lp_module_index_get(m);

	if (!index || unit->line_table == LP_NO_LINES)
		return -ENOENT;
	if (!index->lines_tried) {
		index->lines_tried = true;
		index->lines = line_sections(m->dwarf);
		index->alt_lines = line_sections(dwarf_getalt(m->dwarf));
	}
	return lp_linetable_init(ret, unit->dwarf == m->dwarf ? &index->lines : &index->alt_lines,
				 unit->line_table, unit->comp_dir);
}

/* The linker left what it dropped at address 0, or at a tombstone. */
bool lp_sequence_is_live(struct lp_module *m, const struct lp_line_row *rows)
{
	return lp_module_is_code(m, rows[0].addr);
}

bool lp_path_ends_in(const char *path, const char *end)
{
	const size_t lp = strlen(path), le = strlen(end);

	return le <= lp && !strcmp(path + lp - le, end) &&
	       (le == lp || end[0] == '/' || path[lp - le - 1] == '/');
}

/* What is looked for, and what was found of it. */
struct search {
	struct lp_module *m;
	struct lp_rows *rows;
	const char *want, *want_base;
	uint32_t want_hash; /* of want_base */

	/* of the unit that is read */
	size_t unit;
	const struct lp_linetable *table;
	LP_VEC(int32_t) path_of; /* by file number: index in rows->paths; -1: not looked for */
};

const char *lp_path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool lp_path_is_same(const char *a, const char *b)
{
	return !strcmp(a, b) || (a[0] != '/' && lp_path_ends_in(b, a)) ||
	       (b[0] != '/' && lp_path_ends_in(a, b));
}

/* Index of a full path among those seen; it is the same file in every unit. */
static int32_t path_index(struct search *s, char *path)
{
	const struct lp_source made = { .path = lp_arena_strdup(&s->m->arena, path) };

	lp_vec_each (&s->rows->paths, p)
		if (lp_path_is_same(p->path, path)) {
			if (path[0] == '/' && made.path)
				p->path = made.path;
			return (int32_t)(p - s->rows->paths.data);
		}
	if (!made.path || lp_vec_push(&s->rows->paths, made) < 0)
		return -ENOMEM;
	return (int32_t)s->rows->paths.len - 1;
}

/* 1: the table has files that match. */
static int match_files(struct search *s)
{
	bool any = false;

	s->path_of.len = 0;
	for (size_t i = 0; i < s->table->files.len; i++) {
		int32_t index = -1;

		if (!strcmp(lp_path_base(s->table->files.data[i].name), s->want_base)) {
			lp_auto(lp_free) char *path = lp_linetable_path(s->table, i);

			if (path && lp_path_ends_in(path, s->want)) {
				index = path_index(s, path);
				if (index < 0)
					return index;
				any = true;
			}
		}
		if (lp_vec_push(&s->path_of, index) < 0)
			return -ENOMEM;
	}
	return any;
}

static int32_t path_of(const struct search *s, uint32_t file)
{
	return file < s->path_of.len ? s->path_of.data[file] : -1;
}

/* One file can have several numbers. */
static bool same_line(const struct search *s, const struct lp_line_row *a,
		      const struct lp_line_row *b)
{
	return a->line == b->line &&
	       (a->file == b->file || path_of(s, a->file) == path_of(s, b->file));
}

static int take_run(struct search *s, const struct lp_line_row *run, size_t n)
{
	const int32_t path = path_of(s, run->file);
	size_t first = 0;

	if (path < 0 || run->line <= 0)
		return 0;
	s->rows->paths.data[path].has_code = true;
	while (first < n && !run[first].is_stmt)
		first++;

	const struct lp_reached made = {
		.addr = run[first < n ? first : 0].addr,
		.line = run->line,
		.path = (uint32_t)path,
		.unit = s->unit,
		.column = run[first < n ? first : 0].column,
		.is_stmt = first < n,
	};
	return lp_vec_push(&s->rows->reached, made);
}

/* A line is reached at the first statement of each run of its rows. */
static int take_sequence(const struct lp_line_row *rows, size_t n, void *arg)
{
	struct search *s = arg;
	int r = 0;

	if (!lp_sequence_is_live(s->m, rows))
		return 0;
	for (size_t i = 0, len; r == 0 && i + 1 < n; i += len) {
		for (len = 1; i + len + 1 < n && same_line(s, &rows[i], &rows[i + len]);)
			len++;
		r = take_run(s, &rows[i], len);
	}
	return r;
}

uint32_t lp_file_hash(const char *name)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 16777619u;
	return h & ~LP_FILE_HAS_ROWS;
}

static int note_bases(struct lp_unit *unit, const struct lp_linetable *t)
{
	uint32_t *bases = calloc(t->files.len + 1, sizeof(*bases));

	if (!bases)
		return -ENOMEM;
	for (size_t i = 0; i < t->files.len; i++)
		bases[i] = lp_file_hash(lp_path_base(t->files.data[i].name)) | LP_FILE_HAS_ROWS;
	unit->bases = bases;
	unit->n_bases = t->files.len;
	unit->bases_known = unit->bases_owned = true;
	return 0;
}

/* Can it list the file, and have *ret_rows of it? */
static bool may_have(const struct lp_unit *unit, uint32_t base, bool *ret_rows)
{
	bool lists = false;

	*ret_rows = !unit->bases_known;
	for (size_t i = 0; i < unit->n_bases; i++)
		if ((unit->bases[i] & ~LP_FILE_HAS_ROWS) == base) {
			lists = true;
			*ret_rows |= unit->bases[i] & LP_FILE_HAS_ROWS;
		}
	return lists || !unit->bases_known;
}

static int search_unit(struct search *s, struct lp_unit *unit)
{
	lp_auto(lp_linetable_done) struct lp_linetable table = { 0 };
	bool has_rows;
	int r;

	if (!may_have(unit, s->want_hash, &has_rows) || lp_unit_lines(s->m, unit, &table) < 0)
		return 0;
	if (!unit->bases_known && note_bases(unit, &table) < 0)
		return -ENOMEM;
	s->table = &table;
	r = match_files(s);
	if (r <= 0 || !has_rows)
		return r < 0 ? r : 0;
	r = lp_linetable_run(&table, take_sequence, s);
	return r == -EBADMSG ? 0 : r;
}

static int search_units(struct lp_module *m, const char *want, struct lp_rows *ret)
{
	struct lp_module_index *index = lp_module_units(m);
	struct search s = { .m = m, .rows = ret, .want = want, .want_base = lp_path_base(want) };
	int r = index ? 0 : -ENOMEM;

	s.want_hash = lp_file_hash(s.want_base);
	for (size_t i = 0; r >= 0 && i < index->units.len; i++) {
		if (index->units.data[i].partial)
			continue;
		s.unit = i;
		r = search_unit(&s, &index->units.data[i]);
	}
	lp_vec_done(&s.path_of);
	return r < 0 ? r : 0;
}

static void rows_done(struct lp_rows *rows)
{
	lp_vec_done(&rows->paths);
	lp_vec_done(&rows->reached);
}

static void forget(struct lp_found_files *f)
{
	lp_vec_each (f, file) {
		free(file->want);
		rows_done(&file->rows);
	}
	f->len = f->n_rows = 0;
}

void lp_found_files_free(struct lp_found_files *f)
{
	if (!f)
		return;
	forget(f);
	lp_vec_done(f);
	free(f);
}

/* What was found before, or is found now, of a normalised path. */
static const struct lp_rows *rows_of_file(struct lp_module *m, const char *want)
{
	struct lp_module_index *index = lp_module_index_get(m);
	struct found_file made = { 0 };

	if (index && !index->found_files)
		index->found_files = calloc(1, sizeof(*index->found_files));
	struct lp_found_files *known = index ? index->found_files : NULL;
	if (!known)
		return NULL;
	lp_vec_each (known, f)
		if (!strcmp(f->want, want))
			return &f->rows;
	if (known->n_rows > MAX_KEPT_ROWS)
		forget(known);
	made.want = strdup(want);
	if (!made.want || search_units(m, want, &made.rows) < 0 || lp_vec_push(known, made) < 0) {
		rows_done(&made.rows);
		free(made.want);
		return NULL;
	}
	known->n_rows += made.rows.reached.len;
	return &known->data[known->len - 1].rows;
}

int lp_rows_find(struct lp_module *m, const char *file, const struct lp_rows **ret,
		 struct lp_err *err)
{
	lp_auto(lp_free) char *want = strdup(file);

	if (want)
		lp_path_normalise(want);
	*ret = want ? rows_of_file(m, want) : NULL;
	return *ret ? 0 : lp_err_nomem(err);
}
