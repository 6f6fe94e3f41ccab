// SPDX-License-Identifier: GPL-2.0-only
/* A frame by what a record has of its code object. */
#include <stdlib.h>
#include <string.h>

#include "python/code.h"
#include "python/lines.h"
#include "python/value.h"

/* The table of lines, a bytes object. */
static const uint8_t *table_of(const struct lp_py_reader *r, uint64_t code, size_t *ret_len)
{
	const struct lp_py_layout *l = &r->runtime->layout;
	uint64_t table, n;

	if (r->memory->read(r->memory, code + l->code_linetable, &table, sizeof(table)) < 0 ||
	    r->memory->read(r->memory, table + l->ob_size, &n, sizeof(n)) < 0 ||
	    n > LP_PY_TABLE_MAX)
		return NULL;
	uint8_t *data = lp_arena_alloc(r->arena, n + 1);
	if (!data || (n && r->memory->read(r->memory, table + l->bytes_data, data, n) < 0))
		return NULL;
	*ret_len = n;
	return data;
}

static int line_of(const struct lp_py_reader *r, const struct lp_py_frame *f)
{
	struct lp_py_bytecode b = { .minor = r->runtime->layout.minor,
				    .firstlineno = (int)f->firstlineno };
	const size_t unit = f->lasti / 2;

	b.linetable.data = table_of(r, f->code, &b.linetable.len);
	if (!b.linetable.data || unit >= LP_PY_CODE_BYTES / 2)
		return 0;
	b.units.len = 2 * (unit + 1);
	lp_auto(lp_free) struct lp_py_line *lines = calloc(unit + 1, sizeof(*lines));
	if (!lines)
		return 0;
	lp_py_lines(&b, lines);
	return lines[unit].line;
}

static const char *text_of(const struct lp_py_reader *r, uint64_t object)
{
	const struct lp_py_value v = { .tag = LP_PY_OBJECT, .bits = object };
	struct lp_value text;

	lp_py_read_value(r, &v, &text);
	return text.kind == LP_VAL_STRING ? lp_arena_strndup(r->arena, text.str, text.len) : NULL;
}

bool lp_py_frame_recorded(const struct lp_py_reader *r, const struct lp_py_frame *f,
			  const char **ret_function, const char **ret_file, int *ret_line)
{
	const struct lp_py_layout *l = &r->runtime->layout;
	uint64_t name = f->name;

	if (l->minor >= 11)
		r->memory->read(r->memory, f->code + l->code_qualname, &name, sizeof(name));
	const char *function = text_of(r, name), *file = text_of(r, f->filename);
	if (!function || !file)
		return false;
	*ret_function = function;
	*ret_file = file;
	*ret_line = line_of(r, f);
	return true;
}
