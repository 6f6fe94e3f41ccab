// SPDX-License-Identifier: GPL-2.0-only
/* DWARF expressions of any bytes: the first byte divides the input into the frame base and the
 * location of a variable. What comes out must be a program that the machine would take.
 */
#include <dwarf.h>
#include <stdlib.h>

#include "dwarf_file.h"
#include "native/location.h"

#define EXPRESSION_MAX 4000

/* unit { variable (name "", location), base type (int), variable (frame base) } */
static const uint8_t abbrev[] = {
	1,
	DW_TAG_compile_unit,
	1,
	DW_AT_language,
	DW_FORM_data1,
	0,
	0, /* C */
	2,
	DW_TAG_variable,
	0,
	DW_AT_location,
	DW_FORM_exprloc,
	0,
	0, /* any */
	3,
	DW_TAG_base_type,
	0,
	DW_AT_byte_size,
	DW_FORM_data1,
	DW_AT_encoding,
	DW_FORM_data1,
	0,
	0,
	0,
};

static void add_uleb(struct lp_buf *b, size_t v)
{
	do {
		lp_buf_char(b, (char)((v & 0x7f) | (v > 0x7f ? 0x80 : 0)));
		v >>= 7;
	} while (v);
}

static void add_variable(struct lp_buf *b, const uint8_t *data, size_t len)
{
	lp_buf_char(b, 2);
	add_uleb(b, len);
	lp_buf_add(b, data, len);
}

static const struct lp_var *pointee(void *arg, Dwarf_Die *die)
{
	(void)die;
	return arg;
}

static void check(const struct lp_loc *loc, int depth)
{
	if (loc->kind > LP_LOC_POINTEE || (loc->kind == LP_LOC_NONE && loc->why == LP_ST_OK))
		abort();
	if ((loc->kind == LP_LOC_MEM || loc->kind == LP_LOC_VALUE) && loc->reg >= LP_VM_REGS)
		abort();
	if ((loc->kind == LP_LOC_MEM_MACH || loc->kind == LP_LOC_VALUE_MACH) &&
	    loc->reg >= LP_MACH_REGS)
		abort();
	if (loc->kind == LP_LOC_CONST && loc->len)
		(void)*(volatile const char *)((const char *)loc->bytes + loc->len - 1);
	for (size_t i = 0; loc->kind == LP_LOC_PIECES && i < loc->n_pieces; i++) {
		if (depth > 1 || !loc->pieces[i].bit_size)
			abort();
		check(&loc->pieces[i].loc, depth + 1);
	}
}

static void evaluate(struct dwarf_file *f, Dwarf_Die *variable, Dwarf_Die *base, uint64_t size,
		     bool at_entry)
{
	lp_auto(lp_arena_done) struct lp_arena arena = { 0 };
	Dwarf_Attribute attr, base_attr;
	struct lp_emit e = { 0 };
	struct lp_loc loc;
	struct lp_var var = { .name = "it" };
	struct lp_loc_at at = {
		.module = &f->module,
		.vaddr = 0x1000,
		.view = LP_VIEW_LAST,
		.at_entry = at_entry,
		.frame_base = dwarf_attr(base, DW_AT_location, &base_attr),
		.arena = &arena,
		.pointee = pointee,
		.pointee_arg = &var,
	};

	if (!dwarf_attr(variable, DW_AT_location, &attr) ||
	    lp_location_of(&at, variable, &attr, size, &e, &loc) < 0)
		abort();
	check(&loc, 0);
	lp_emit(&e, END);
	if (e.status < 0 || lp_program_verify(e.code.data, e.code.len, NULL) < 0)
		abort();
	lp_emit_done(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	lp_auto(lp_buf_done) struct lp_buf info = { 0 };
	struct dwarf_file f;
	Dwarf_Die unit, base, type, variable;
	Dwarf_CU *cu = NULL;

	if (len < 2 || len > EXPRESSION_MAX)
		return 0;
	size_t first = data[0] % (len - 1);
	lp_buf_add(&info, "\1\14", 2);
	add_variable(&info, data + 1, first);
	lp_buf_add(&info, "\3\4\5", 3);
	add_variable(&info, data + 1 + first, len - 1 - first);
	lp_buf_char(&info, 0);

	if (dwarf_file_open(&f, info.data, info.len, abbrev, sizeof(abbrev)) == 0 &&
	    dwarf_get_units(f.module.dwarf, cu, &cu, NULL, NULL, &unit, NULL) == 0 &&
	    dwarf_child(&unit, &base) == 0 && dwarf_siblingof(&base, &type) == 0 &&
	    dwarf_siblingof(&type, &variable) == 0) {
		evaluate(&f, &variable, &base, 0, false);
		evaluate(&f, &variable, &base, 4, true);
		evaluate(&f, &variable, &base, 24, false);
	}
	dwarf_file_close(&f);
	return 0;
}
