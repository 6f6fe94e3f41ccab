// SPDX-License-Identifier: GPL-2.0-only
/* Code objects as records have them: names and a table of lines. The process may have other code there. */
#include <string.h>

#include "base/vec.h"
#include "python/lines.h"
#include "python/object.h"
#include "python/value_impl.h"

#define UNITS_MAX (1u << 20)

const char *lp_py_name_in(const struct lp_py_reader *r, uint64_t str)
{
	struct lp_pv p = { .r = r, .l = &r->runtime->layout, .types = r->types };

	return lp_pv_name(&p, r->memory, str);
}

static const char *text_at(const struct lp_py_reader *r, uint64_t pointer)
{
	uint64_t str;

	return lp_py_u64(r->memory, pointer, &str) < 0 ? NULL : lp_py_name_in(r, str);
}

/* As much of the table as there is: copies are at most LP_READ_MAX bytes each. */
static void read_table(struct lp_memory *m, const struct lp_py_layout *l, uint64_t code,
		       struct lp_buf *ret)
{
	uint64_t table, size;

	if (lp_py_u64(m, code + l->code_linetable, &table) < 0 ||
	    lp_py_u64(m, table + l->ob_size, &size) < 0)
		return;
	if (!size && l->minor < 10) /* all is one line: what says so, too */
		lp_buf_add(ret, "\0\0", 2);
	if (size > LP_PY_LINES_MAX)
		size = LP_PY_LINES_MAX;
	for (uint64_t at = 0; at < size; at += LP_READ_MAX) {
		char piece[LP_READ_MAX];
		size_t n = size - at < sizeof(piece) ? size - at : sizeof(piece);

		if (m->read(m, table + l->bytes_data + at, piece, n) < 0)
			return;
		lp_buf_add(ret, piece, n);
	}
}

int lp_py_line_in(int minor, const struct lp_py_frame *f, const struct lp_buf *table)
{
	const size_t n = f->lasti / 2 + 1;

	if (!table->len || table->failed || n > UNITS_MAX)
		return 0;
	lp_auto(lp_free) struct lp_py_line *lines = calloc(n, sizeof(*lines));
	if (!lines)
		return 0;
	const struct lp_py_bytecode code = {
		.minor = minor,
		.firstlineno = (int)f->firstlineno,
		.units = { .len = n * 2 },
		.linetable = { .data = (const uint8_t *)table->data, .len = table->len },
	};
	lp_py_lines(&code, lines);
	return lines[n - 1].line;
}

bool lp_py_code_in(const struct lp_py_reader *r, const struct lp_py_frame *f,
		   const char **ret_function, const char **ret_file, struct lp_buf *ret_table)
{
	const struct lp_py_layout *l = &r->runtime->layout;
	const char *name =
		l->code_qualname == LP_PY_NONE ? NULL : text_at(r, f->code + l->code_qualname);

	if (!name)
		name = text_at(r, f->code + l->code_name);
	if (!name)
		return false;
	*ret_function = name;
	*ret_file = text_at(r, f->code + l->code_filename);
	read_table(r->memory, l, f->code, ret_table);
	return true;
}
