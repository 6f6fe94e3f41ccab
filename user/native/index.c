// SPDX-License-Identifier: GPL-2.0-only
#include "native/index.h"

#include <dwarf.h>
#include <errno.h>
#include <search.h>
#include <string.h>

#include "native/arrive.h"
#include "native/insn.h"
#include "native/lines.h"
#include "native/mention.h"
#include "native/pieces.h"
#include "native/tree.h"

/* Nodes of the tree lie in the module's arena. */
static void keep(void *node)
{
	(void)node;
}

static void unit_done(struct lp_unit *unit)
{
	lp_func_tree_free(unit->tree);
	if (unit->bases_owned)
		free((void *)unit->bases);
}

void lp_module_index_free(struct lp_module_index *index)
{
	if (!index)
		return;
	lp_vec_each (&index->units, u)
		unit_done(u);
	for (size_t i = 0; index->flows && i < LP_KEPT_FLOWS; i++)
		lp_flow_done(&index->flows[i]);
	free(index->flows);
	lp_found_files_free(index->found_files);
	lp_arrivals_free(index->arrivals);
	lp_labels_free(index->labels);
	lp_mentions_free(index->mentions);
	lp_function_names_free(index->functions);
	lp_symbol_names_free(index->symbol_names);
	tdestroy(index->names, keep);
	lp_decl_files_free(index->decl_files);
	lp_row_cache_free(index->rows);
	lp_vec_done(&index->code);
	lp_vec_done(&index->units);
	lp_vec_done(&index->own_ranges);
	lp_vec_done(&index->symbols);
	free(index);
}

struct lp_module_index *lp_module_index_get(struct lp_module *m)
{
	if (!m->index)
		m->index = calloc(1, sizeof(*m->index));
	return m->index;
}

static int add_code(struct lp_module_index *index, uint64_t start, uint64_t size, const char *name)
{
	const struct lp_code_range code = { { start, start + size }, name };

	return size == 0 || start + size < start ? 0 : lp_vec_push(&index->code, code);
}

static int code_of_sections(struct lp_module *m, struct lp_module_index *index)
{
	size_t names;
	GElf_Shdr sh;
	int r = 0;

	if (elf_getshdrstrndx(m->elf, &names) < 0)
		return 0;
	for (Elf_Scn *scn = NULL; r == 0 && (scn = elf_nextscn(m->elf, scn));) {
		const uint64_t flags = SHF_ALLOC | SHF_EXECINSTR;

		if (!gelf_getshdr(scn, &sh) || sh.sh_type != SHT_PROGBITS ||
		    (sh.sh_flags & flags) != flags)
			continue;
		const char *name = elf_strptr(m->elf, names, sh.sh_name);
		r = add_code(index, sh.sh_addr, sh.sh_size, name ? name : "");
	}
	return r;
}

static int code_of_segments(struct lp_module *m, struct lp_module_index *index)
{
	size_t n;
	GElf_Phdr ph;
	int r = 0;

	if (elf_getphdrnum(m->elf, &n) < 0)
		return 0;
	for (size_t i = 0; r == 0 && i < n && gelf_getphdr(m->elf, (int)i, &ph); i++)
		if (ph.p_type == PT_LOAD && (ph.p_flags & PF_X))
			r = add_code(index, ph.p_vaddr, ph.p_filesz, NULL);
	return r;
}

const struct lp_code_range *lp_code_find(struct lp_module *m, uint64_t vaddr)
{
	struct lp_module_index *index = lp_module_index_get(m);

	if (!index)
		return NULL;
	if (!index->code_tried) {
		index->code_tried = true;
		if (code_of_sections(m, index) == 0 && index->code.len == 0)
			code_of_segments(m, index);
	}
	lp_vec_each (&index->code, c)
		if (vaddr >= c->range.start && vaddr < c->range.end)
			return c;
	return NULL;
}

bool lp_module_is_code(struct lp_module *m, uint64_t vaddr)
{
	return lp_code_find(m, vaddr) != NULL;
}

/* Ranges of functions that the linker dropped begin at 0, 1 or a tombstone: not in code. */
static int add_ranges(struct lp_module *m, struct lp_module_index *index, Dwarf_Die *die,
		      size_t unit, size_t *count)
{
	Dwarf_Addr base, start, end;
	ptrdiff_t next = 0;

	while ((next = dwarf_ranges(die, next, &base, &start, &end)) > 0) {
		const struct lp_owned_range r = { { start, end }, 0, unit };

		++*count;
		if (start < end && lp_module_is_code(m, start) &&
		    lp_vec_push(&index->own_ranges, r) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Some producers give a unit no ranges of its own: those of its functions then. */
static int add_function_ranges(struct lp_module *m, struct lp_module_index *index, Dwarf_Die *cu,
			       size_t unit)
{
	Dwarf_Die child;
	size_t count;

	if (dwarf_child(cu, &child) != 0)
		return 0;
	do {
		if (dwarf_tag(&child) == DW_TAG_subprogram &&
		    add_ranges(m, index, &child, unit, &count) < 0)
			return -ENOMEM;
	} while (dwarf_siblingof(&child, &child) == 0);
	return 0;
}

static bool made_by_go(Dwarf_Die *cu)
{
	Dwarf_Attribute attr;

	if (dwarf_srclang(cu) == DW_LANG_Go)
		return true;
	const char *producer = dwarf_formstring(dwarf_attr(cu, DW_AT_producer, &attr));
	return producer && !strncmp(producer, "Go cmd/compile", 14);
}

static void read_unit(struct lp_unit *unit)
{
	Dwarf_Attribute attr;
	Dwarf_Word offset;

	unit->line_table = LP_NO_LINES;
	if (dwarf_attr(&unit->die, DW_AT_stmt_list, &attr) && dwarf_formudata(&attr, &offset) == 0)
		unit->line_table = offset;
	unit->comp_dir = dwarf_formstring(dwarf_attr(&unit->die, DW_AT_comp_dir, &attr));
	unit->go = made_by_go(&unit->die);
}

static int add_unit(struct lp_module *m, struct lp_module_index *index, struct lp_unit *unit)
{
	const int tag = dwarf_tag(&unit->die);
	const size_t before = index->own_ranges.len;
	size_t count = 0;

	if (tag != DW_TAG_compile_unit && tag != DW_TAG_skeleton_unit && tag != DW_TAG_partial_unit)
		return 0;
	unit->offset = dwarf_dieoffset(&unit->die);
	unit->partial = tag == DW_TAG_partial_unit || unit->dwarf != m->dwarf;
	read_unit(unit);
	if (lp_vec_push(&index->units, *unit) < 0)
		return -ENOMEM;
	if (unit->partial)
		return 0;
	if (add_ranges(m, index, &unit->die, index->units.len - 1, &count) < 0 ||
	    (count == 0 && add_function_ranges(m, index, &unit->die, index->units.len - 1) < 0))
		return -ENOMEM;
	index->units.data[index->units.len - 1].has_code = index->own_ranges.len > before;
	return 0;
}

static int index_units(struct lp_module *m, struct lp_module_index *index, Dwarf *dwarf)
{
	struct lp_unit unit = { .dwarf = dwarf };
	Dwarf_CU *cu = NULL;

	while (dwarf && dwarf_get_units(dwarf, cu, &cu, NULL, NULL, &unit.die, NULL) == 0)
		if (add_unit(m, index, &unit) < 0)
			return -ENOMEM;
	return 0;
}

static void sort_ranges(struct lp_module_index *index)
{
	lp_ranges_sort(index->own_ranges.data, index->own_ranges.len);
	index->unit_ranges = index->own_ranges.data;
	index->n_unit_ranges = index->own_ranges.len;
}

struct lp_module_index *lp_module_units(struct lp_module *m)
{
	struct lp_module_index *index = lp_module_index_get(m);

	if (index && !index->units_tried) {
		Dwarf *dwarf = lp_module_dwarf(m);

		index->units_tried = lp_digest_units(m, index);
		if (index->units_tried)
			return index;
		if (index_units(m, index, dwarf) < 0 ||
		    index_units(m, index, dwarf ? dwarf_getalt(dwarf) : NULL) < 0) {
			lp_vec_done(&index->units);
			lp_vec_done(&index->own_ranges);
			return NULL;
		}
		sort_ranges(index);
		index->units_tried = true;
	}
	return index;
}

struct lp_unit *lp_unit_find(struct lp_module *m, uint64_t vaddr)
{
	struct lp_module_index *index = lp_module_units(m);
	const struct lp_owned_range *r = NULL;

	while (index && (r = lp_range_before(index->unit_ranges, index->n_unit_ranges, vaddr, r)))
		if (r->owner < index->units.len)
			return &index->units.data[r->owner];
	return NULL;
}

Dwarf_Die *lp_unit_die(struct lp_unit *unit)
{
	if (!unit->die.addr && !dwarf_offdie(unit->dwarf, unit->offset, &unit->die)) {
		unit->die.addr = NULL;
		return NULL;
	}
	return &unit->die;
}

struct lp_span lp_unit_bytes(struct lp_module *m, const struct lp_unit *unit)
{
	const struct lp_module_index *index = m->index;
	const struct lp_unit *next = unit + 1;
	struct lp_span info = lp_section_named(dwarf_getelf(unit->dwarf), ".debug_info");
	const uint64_t from = unit->offset;
	uint64_t to = info.len;

	if (next < index->units.data + index->units.len && next->dwarf == unit->dwarf)
		to = next->offset;
	/* type units of their own section have offsets of that */
	if (from >= to || to > info.len)
		return (struct lp_span){ 0 };
	return (struct lp_span){ info.data + from, to - from };
}

int lp_module_cu_at(struct lp_module *m, uint64_t vaddr, Dwarf_Die *ret)
{
	struct lp_unit *unit = lp_unit_find(m, vaddr);

	const Dwarf_Die *die = unit ? lp_unit_die(unit) : NULL;

	if (!die)
		return -ENOENT;
	*ret = *die;
	return 0;
}
