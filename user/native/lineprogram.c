// SPDX-License-Identifier: GPL-2.0-only
#include <dwarf.h>
#include <errno.h>

#include "native/cursor.h"
#include "native/linetable.h"

#define BYTES_A_ROW 4 /* of a program, or more */

/* What a special opcode advances by. */
struct special {
	uint64_t addr;
	int32_t line;
};

struct machine {
	const struct lp_linetable *t;
	struct lp_cursor c;
	struct lp_line_row row;
	LP_VEC(struct lp_line_row) rows;
	int (*fn)(const struct lp_line_row *rows, size_t n, void *arg);
	void *arg;
	struct special
		specials[256]; /* by opcode; divisions are slow, and these are most of a program */
};

static void restart(struct machine *s)
{
	s->row = (struct lp_line_row){ .file = 1, .line = 1, .is_stmt = s->t->default_is_stmt };
	s->rows.len = 0;
}

static inline int emit_row(struct machine *s)
{
	const int r = lp_vec_push(&s->rows, s->row);

	s->row.prologue_end = false;
	return r;
}

static void advance_line(struct machine *s, int64_t by)
{
	s->row.line = (int32_t)((uint32_t)s->row.line + (uint32_t)by);
}

static int end_sequence(struct machine *s)
{
	s->row.end = true;
	int r = emit_row(s);
	if (r == 0)
		r = s->fn(s->rows.data, s->rows.len, s->arg);
	restart(s);
	return r;
}

static int run_extended(struct machine *s)
{
	const uint64_t len = lp_cursor_uleb(&s->c);
	const uint8_t *begin = s->c.p;
	int r = 0;

	if (s->c.bad || len == 0 || !lp_cursor_skip(&s->c, len))
		return -EBADMSG;
	switch (*begin) {
	case DW_LNE_end_sequence:
		r = end_sequence(s);
		break;
	case DW_LNE_set_address: {
		struct lp_cursor operand = { begin + 1, s->c.p, false };

		s->row.addr = lp_cursor_uint(&operand, (unsigned int)(len - 1));
		if (operand.bad)
			return -EBADMSG;
		break;
	}
	}
	return r;
}

static void skip_unknown(struct machine *s, uint8_t opcode)
{
	for (unsigned int n = s->t->opcode_lengths[opcode - 1]; n > 0; n--)
		lp_cursor_uleb(&s->c);
}

static int run_standard(struct machine *s, uint8_t opcode)
{
	const struct lp_linetable *t = s->t;

	switch (opcode) {
	case DW_LNS_copy:
		return emit_row(s);
	case DW_LNS_advance_pc:
		s->row.addr += lp_cursor_uleb(&s->c) * t->min_length;
		break;
	case DW_LNS_advance_line:
		advance_line(s, lp_cursor_sleb(&s->c));
		break;
	case DW_LNS_set_file:
		s->row.file = (uint32_t)lp_cursor_uleb(&s->c);
		break;
	case DW_LNS_set_column:
		s->row.column = (uint32_t)lp_cursor_uleb(&s->c);
		break;
	case DW_LNS_negate_stmt:
		s->row.is_stmt = !s->row.is_stmt;
		break;
	case DW_LNS_set_prologue_end:
		s->row.prologue_end = true;
		break;
	case DW_LNS_const_add_pc:
		s->row.addr += s->specials[255].addr;
		break;
	case DW_LNS_fixed_advance_pc:
		s->row.addr += lp_cursor_uint(&s->c, 2);
		break;
	default:
		skip_unknown(s, opcode);
	}
	return 0;
}

static void know_specials(struct machine *s)
{
	const struct lp_linetable *t = s->t;

	for (unsigned int opcode = t->opcode_base; opcode < 256; opcode++) {
		const unsigned int by = opcode - t->opcode_base;

		s->specials[opcode].addr = (uint64_t)(by / t->line_range) * t->min_length;
		s->specials[opcode].line = t->line_base + (int)(by % t->line_range);
	}
}

static int run_one(struct machine *s)
{
	const uint8_t opcode = *s->c.p++;

	if (opcode >= s->t->opcode_base) {
		s->row.addr += s->specials[opcode].addr;
		advance_line(s, s->specials[opcode].line);
		return emit_row(s);
	}
	return opcode == 0 ? run_extended(s) : run_standard(s, opcode);
}

int lp_linetable_run(const struct lp_linetable *t,
		     int (*fn)(const struct lp_line_row *rows, size_t n, void *arg), void *arg)
{
	struct machine s = {
		.t = t,
		.c = { t->program.data, t->program.data + t->program.len, false },
		.fn = fn,
		.arg = arg,
	};
	/* one sequence can have most rows; what is not used takes no memory */
	int r = lp_vec_reserve(&s.rows, t->program.len / BYTES_A_ROW);

	know_specials(&s);
	restart(&s);
	while (r == 0 && lp_cursor_left(&s.c) > 0) {
		r = run_one(&s);
		if (r == 0 && s.c.bad)
			r = -EBADMSG;
	}
	lp_vec_done(&s.rows);
	return r;
}
