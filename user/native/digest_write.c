// SPDX-License-Identifier: GPL-2.0-only
#include <dwarf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "native/digest_impl.h"
#include "native/lines.h"
#include "native/mention.h"
#include "native/pieces.h"
#include "native/scope_names.h"
#include "native/unpacked_impl.h"

struct writer {
	int fd;
	uint64_t at, end; /* no more than that */
	struct lp_digest_tail tail;
};

static int put(struct writer *w, const void *data, uint64_t len)
{
	static const uint8_t zeros[LP_DIGEST_ALIGNMENT];
	const uint64_t pad =
		(LP_DIGEST_ALIGNMENT - len % LP_DIGEST_ALIGNMENT) % LP_DIGEST_ALIGNMENT;

	if (len > w->end - w->at || pad > w->end - w->at - len)
		return -EFBIG;
	int r = lp_unpacked_pwrite(w->fd, data, len, w->at);
	if (r == 0)
		r = lp_unpacked_pwrite(w->fd, zeros, pad, w->at + len);
	w->at += len + pad;
	return r;
}

static int put_table(struct writer *w, int which, const void *data, uint64_t n, uint64_t size)
{
	w->tail.tables[which] = (struct lp_digest_table){ w->at, n };
	w->tail.sums[which] = lp_digest_sum(data, n * size);
	return put(w, data, n * size);
}

/* The executable parts of the program: its debug file has the same sections, without their contents. */
static int find_code(struct lp_module *m, struct lp_module_index *index)
{
	const uint64_t flags = SHF_ALLOC | SHF_EXECINSTR;
	GElf_Shdr sh;

	index->code_tried = true;
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(m->elf, scn));) {
		if (!gelf_getshdr(scn, &sh) || (sh.sh_flags & flags) != flags ||
		    (sh.sh_type != SHT_PROGBITS && sh.sh_type != SHT_NOBITS))
			continue;
		const struct lp_code_range code = { { sh.sh_addr, sh.sh_addr + sh.sh_size }, "" };

		if (code.range.end > code.range.start && lp_vec_push(&index->code, code) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int put_code(struct writer *w, const struct lp_module_index *index)
{
	LP_VEC(struct lp_range) ranges = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < index->code.len; i++)
		r = lp_vec_push(&ranges, index->code.data[i].range);
	if (r == 0)
		r = put_table(w, LP_DIGEST_CODE, ranges.data, ranges.len, sizeof(*ranges.data));
	lp_vec_done(&ranges);
	return r;
}

struct units {
	LP_VEC(struct lp_digest_unit);
	LP_VEC(uint32_t) files;
};

static void units_done(struct units *u)
{
	lp_vec_done(u);
	lp_vec_done(&u->files);
}
LP_CLEANUP_DONE(struct units, units_done)

/* Which section it is in. */
static int place_folder(struct lp_module *m, const char *dir, struct lp_digest_unit *ret)
{
	const uintptr_t at = (uintptr_t)dir;

	for (uint16_t i = 0; dir && i < LP_DIGEST_STRINGS; i++) {
		const struct lp_span s = lp_section_named(m->elf, lp_digest_strings[i]);

		if (at >= (uintptr_t)s.data && at < (uintptr_t)s.data + s.len) {
			ret->comp_dir = at - (uintptr_t)s.data;
			ret->comp_dir_in = i + 1;
			return 0;
		}
	}
	return dir ? -ENOTSUP : 0;
}

/* Of the files of a unit. */
struct rows {
	struct lp_module *m;
	uint32_t *hashes;
	size_t n;
};

static int note_rows(const struct lp_line_row *rows, size_t n, void *arg)
{
	const struct rows *noted = arg;

	if (!lp_sequence_is_live(noted->m, rows))
		return 0;
	for (size_t i = 0; i + 1 < n; i++)
		if (rows[i].file < noted->n && rows[i].line > 0)
			noted->hashes[rows[i].file] |= LP_FILE_HAS_ROWS;
	return 0;
}

static int add_files(struct lp_module *m, struct lp_unit *unit, struct units *to)
{
	lp_auto(lp_linetable_done) struct lp_linetable table = { 0 };
	const size_t before = to->files.len;

	if (lp_unit_lines(m, unit, &table) < 0)
		return 0;
	lp_vec_each (&table.files, f)
		if (lp_vec_push(&to->files, lp_file_hash(lp_path_base(f->name))) < 0)
			return -ENOMEM;
	struct rows noted = { m, to->files.data + before, table.files.len };
	/* of a program that is broken there are the sequences before that */
	return lp_linetable_run(&table, note_rows, &noted) == -ENOMEM ? -ENOMEM : 0;
}

static int add_unit(struct lp_module *m, struct lp_unit *unit, struct units *to)
{
	struct lp_digest_unit u = {
		.die = unit->offset,
		.line_table = unit->line_table,
		.first_file = to->files.len,
		.flags = (unit->has_code ? LP_DIGEST_UNIT_CODE : 0) |
			 (unit->partial ? LP_DIGEST_UNIT_PARTIAL : 0) |
			 (unit->go ? LP_DIGEST_UNIT_GO : 0),
	};
	int r = place_folder(m, unit->comp_dir, &u);

	if (r == 0)
		r = add_files(m, unit, to);
	if (to->files.len - u.first_file > UINT32_MAX)
		r = -ENOTSUP;
	u.n_files = (uint32_t)(to->files.len - u.first_file);
	return r < 0 ? r : lp_vec_push(to, u);
}

static int put_units(struct writer *w, struct lp_module *m)
{
	lp_auto(units_done) struct units units = { 0 };
	struct lp_module_index *index = lp_module_units(m);
	int r = index ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < index->units.len; i++)
		r = add_unit(m, &index->units.data[i], &units);
	if (r == 0)
		r = put_table(w, LP_DIGEST_UNITS, units.data, units.len, sizeof(*units.data));
	if (r == 0)
		r = put_table(w, LP_DIGEST_FILES, units.files.data, units.files.len,
			      sizeof(*units.files.data));
	return r < 0 ? r
		     : put_table(w, LP_DIGEST_RANGES, index->unit_ranges, index->n_unit_ranges,
				 sizeof(*index->unit_ranges));
}

static struct lp_digest_forms forms_of(const struct lp_names_known *n)
{
	return (struct lp_digest_forms){ n->inline_max, n->indexed, n->far };
}

static int put_filters(struct writer *w, const struct lp_naming_file *file, struct lp_span str)
{
	lp_auto(lp_digest_filters_done) struct lp_digest_filters filters = { 0 };
	int r = lp_digest_filters_init(&filters, file, str);

	for (size_t i = 0; r == 0 && i < filters.units.len; i++) {
		struct lp_digest_filter *f = &filters.units.data[i];
		const uint64_t len = f->words * sizeof(uint64_t);

		f->at = w->at;
		f->sum = lp_digest_sum(filters.words.data[i], len);
		r = put(w, filters.words.data[i], len);
	}
	return r < 0 ? r
		     : put_table(w, LP_DIGEST_FILTERS, filters.units.data, filters.units.len,
				 sizeof(*filters.units.data));
}

/* Nothing is said of names that stand in the file in a way that is not known. */
static int put_names(struct writer *w, struct lp_module *m)
{
	const struct lp_span abbrevs = lp_section_named(m->elf, ".debug_abbrev");
	struct lp_names_known functions, others;
	struct lp_naming_file file;

	w->tail.tables[LP_DIGEST_FILTERS].at = w->at;
	w->tail.sums[LP_DIGEST_FILTERS] = lp_digest_sum(NULL, 0);
	if (!lp_naming_file_of(m, &file, &functions, &others))
		return 0;
	w->tail.functions = forms_of(&functions);
	w->tail.others = forms_of(&others);
	file.far = others.far;
	/* what is not of .debug_info is odd */
	if (!lp_names_have_far_variables(abbrevs, true))
		w->tail.flags |= LP_DIGEST_NEAR;
	int r = put_filters(w, &file, lp_section_named(m->elf, ".debug_str"));
	if (r == 0)
		w->tail.flags |= LP_DIGEST_NAMES | (others.far ? LP_DIGEST_FAR : 0);
	return r == -ENOTSUP || r == -EBADMSG ? 0 : r;
}

static int put_all(struct writer *w, struct lp_module *m)
{
	struct lp_module_index *index = lp_module_index_get(m);
	int r = index ? find_code(m, index) : -ENOMEM;

	if (r == 0)
		r = put_code(w, index);
	if (r == 0)
		r = put_units(w, m);
	if (r == 0)
		r = put_names(w, m);
	if (r < 0)
		return r;
	memcpy(w->tail.magic, LP_DIGEST_MAGIC, sizeof(LP_DIGEST_MAGIC));
	w->tail.sum = lp_digest_sum(&w->tail, offsetof(struct lp_digest_tail, sum));
	return put(w, &w->tail, sizeof(w->tail));
}

static void module_done(struct lp_module *m)
{
	lp_module_index_free(m->index);
	lp_arena_done(&m->arena);
	dwarf_end(m->dwarf);
	elf_end(m->elf);
}
LP_CLEANUP_DONE(struct lp_module, module_done)

int lp_digest_write(int copy, uint64_t at, uint64_t max, uint64_t *ret_len)
{
	lp_auto(module_done) struct lp_module m = { .fd = copy,
						    .debug_fd = -1,
						    .dwarf_tried = true };
	struct writer w = { .fd = copy, .at = at, .end = at + max };

	m.elf = elf_begin(copy, ELF_C_READ_MMAP_PRIVATE, NULL);
	m.dwarf = m.elf && !lp_elf_is_split(m.elf) ? dwarf_begin_elf(m.elf, DWARF_C_READ, NULL)
						   : NULL;
	if (!m.dwarf)
		return -ENOTSUP;
	const int r = put_all(&w, &m);
	if (r < 0)
		return r;
	*ret_len = w.at - at;
	return 0;
}
