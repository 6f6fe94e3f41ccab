// SPDX-License-Identifier: GPL-2.0-only
/* Debug information entries, types and bytes of any kind: the input is the body of a unit in terms
 * of a fixed table of abbreviations. Every type that comes of it is completed, every variable
 * located, and a value read from the input's own bytes.
 */
#include <dwarf.h>
#include <stdlib.h>

#include "dwarf_file.h"
#include "base/show.h"
#include "native/reader.h"

#define INPUT_MAX 4096

#define REF   DW_AT_type, DW_FORM_ref1
#define SIZE  DW_AT_byte_size, DW_FORM_data1
#define NAME  DW_AT_name, DW_FORM_string
#define PLACE DW_AT_data_member_location, DW_FORM_data1

/* 1: the unit, and then one of each kind, with children where it can have some. */
/* clang-format off */
static const uint8_t abbrev[] = {
	1, DW_TAG_compile_unit, 1, DW_AT_language, DW_FORM_data1, 0, 0,
	2, DW_TAG_variable, 0, NAME, REF, DW_AT_location, DW_FORM_exprloc, 0, 0,
	3, DW_TAG_base_type, 0, NAME, SIZE, DW_AT_encoding, DW_FORM_data1, 0, 0,
	4, DW_TAG_pointer_type, 0, REF, 0, 0,
	5, DW_TAG_structure_type, 1, NAME, SIZE, 0, 0,
	6, DW_TAG_member, 0, NAME, REF, PLACE, 0, 0,
	7, DW_TAG_member, 0, REF, PLACE, DW_AT_bit_size, DW_FORM_data1,
		DW_AT_bit_offset, DW_FORM_data1, 0, 0,
	8, DW_TAG_array_type, 1, REF, 0, 0,
	9, DW_TAG_subrange_type, 0, DW_AT_upper_bound, DW_FORM_sdata, 0, 0,
	10, DW_TAG_enumeration_type, 1, NAME, SIZE, REF, 0, 0,
	11, DW_TAG_enumerator, 0, NAME, DW_AT_const_value, DW_FORM_sdata, 0, 0,
	12, DW_TAG_typedef, 0, NAME, REF, 0, 0,
	13, DW_TAG_const_type, 0, REF, 0, 0,
	14, DW_TAG_union_type, 1, NAME, SIZE, 0, 0,
	15, DW_TAG_subroutine_type, 1, REF, 0, 0,
	16, DW_TAG_formal_parameter, 0, NAME, REF, DW_AT_location, DW_FORM_exprloc, 0, 0,
	17, DW_TAG_reference_type, 0, REF, 0, 0,
	18, DW_TAG_inheritance, 0, REF, PLACE, 0, 0,
	19, DW_TAG_ptr_to_member_type, 0, REF, DW_AT_containing_type, DW_FORM_ref1, 0, 0,
	20, DW_TAG_namespace, 1, NAME, DW_AT_export_symbols, DW_FORM_flag_present, 0, 0,
	21, DW_TAG_subprogram, 1, NAME, REF, DW_AT_low_pc, DW_FORM_addr,
		DW_AT_high_pc, DW_FORM_data1, DW_AT_frame_base, DW_FORM_exprloc, 0, 0,
	22, DW_TAG_variable, 0, DW_AT_specification, DW_FORM_ref1,
		DW_AT_location, DW_FORM_exprloc, 0, 0,
	23, DW_TAG_structure_type, 0, NAME, DW_AT_declaration, DW_FORM_flag_present, 0, 0,
	24, DW_TAG_lexical_block, 1, DW_AT_abstract_origin, DW_FORM_ref1,
		DW_AT_low_pc, DW_FORM_addr, DW_AT_high_pc, DW_FORM_data1, 0, 0,
	25, DW_TAG_imported_unit, 0, DW_AT_import, DW_FORM_ref1, 0, 0,
	26, DW_TAG_variable, 0, NAME, REF, DW_AT_const_value, DW_FORM_block1, 0, 0,
	0,
};
/* clang-format on */

struct input {
	const uint8_t *data;
	size_t len;
	struct lp_scope *scope;
};

static int read_memory(struct lp_memory *m, uint64_t addr, void *buf, size_t len)
{
	(void)m;
	memset(buf, (int)(addr & 0xff), len);
	return addr & 1 ? -14 : 0;
}

static long read_string(struct lp_memory *m, uint64_t addr, char *buf, size_t max, int *ret_cut)
{
	(void)m;
	memset(buf, 'x', max);
	*ret_cut = 1;
	return addr & 1 ? -14 : (long)max;
}

static void read_one(const struct input *in, const struct lp_type *type)
{
	struct lp_memory memory = { .read = read_memory, .read_string = read_string };
	lp_auto(lp_arena_done) struct lp_arena arena = { 0 };
	lp_auto(lp_buf_done) struct lp_buf text = { 0 };
	struct lp_reader reader = {
		.memory = &memory, .arena = &arena, .max_string = 16, .max_items = 4, .max_depth = 3
	};
	struct lp_hole hole = { .offset = in->len / 2,
				.len = in->data[0],
				.status = LP_ST_OPTIMIZED_OUT };
	struct lp_bytes bytes = {
		.data = in->data, .len = in->len, .addr = 1, .holes = &hole, .n_holes = 1
	};
	struct lp_value v;

	lp_read_value(&reader, type, &bytes, &v);
	lp_show(&text, &v, false);
}

static int each(const struct lp_var *v, void *arg)
{
	struct input *in = arg;
	struct lp_emit e = { 0 };
	struct lp_loc loc;
	struct lp_var found;

	if (!v->name || !v->type || !v->type->name)
		abort();
	if (in->scope->ops->locate(in->scope, v, &e, &loc, NULL) < 0)
		abort();
	lp_emit_done(&e);
	read_one(in, v->type);
	in->scope->ops->lookup(in->scope, v->name, strlen(v->name), &found, NULL);
	if (!in->scope->ops->pointer_to(in->scope, v->type))
		abort();
	return 0;
}

static uint64_t first_function(struct dwarf_file *f)
{
	Dwarf_Die unit, c;
	Dwarf_CU *cu = NULL;

	if (dwarf_get_units(f->module.dwarf, cu, &cu, NULL, NULL, &unit, NULL) != 0 ||
	    dwarf_child(&unit, &c) != 0)
		return 0;
	do
		if (dwarf_tag(&c) == DW_TAG_subprogram)
			return dwarf_dieoffset(&c);
	while (dwarf_siblingof(&c, &c) == 0);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	lp_auto(lp_buf_done) struct lp_buf info = { 0 };
	struct lp_place place = { .vaddr = 0x1000 };
	struct input in = { .data = data, .len = len };
	const struct lp_type *t;
	struct dwarf_file f;

	if (len < 2 || len > INPUT_MAX)
		return 0;
	lp_buf_char(&info, 1);
	lp_buf_add(&info, data, len);
	if (dwarf_file_open(&f, info.data, info.len, abbrev, sizeof(abbrev)) == 0) {
		place.function_die = first_function(&f);
		if (lp_scope_open(&f.module, &place, LP_SCOPE_HERE, &in.scope, NULL) == 0) {
			in.scope->ops->each(in.scope, 7, each, &in);
			in.scope->ops->find_type(in.scope, "struct x", 8, &t, NULL);
			lp_scope_free(in.scope);
		}
	}
	dwarf_file_close(&f);
	return 0;
}
