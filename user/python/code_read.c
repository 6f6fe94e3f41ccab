// SPDX-License-Identifier: GPL-2.0-only
/* The units and tables of one code object. */
#include <errno.h>
#include <string.h>

#include "python/code.h"

/* What a bytecode points to. */
struct kept {
	struct lp_buf units, linetable, handlers;
};

static void kept_done(struct kept *k)
{
	lp_buf_done(&k->units);
	lp_buf_done(&k->linetable);
	lp_buf_done(&k->handlers);
}
LP_CLEANUP_DONE(struct kept, kept_done)

static int read_bytes(struct lp_python *py, uint64_t pointer, struct lp_buf *b,
		      struct lp_py_bytes *ret)
{
	struct lp_memory *m = &py->memory.memory;
	uint64_t object;
	int r = lp_py_u64(m, pointer, &object);

	if (r == 0)
		r = lp_py_bytes(m, &py->runtime.layout, object, LP_PY_CODE_BYTES, b);
	if (r < 0)
		return r == -ENOMEM ? r : -ENOENT;
	*ret = (struct lp_py_bytes){ (const uint8_t *)(b->data ? b->data : ""), b->len };
	return 0;
}

/* From 3.11 on the units are part of the object, and what specialisation has made of them. */
static int read_units(struct lp_python *py, uint64_t code, struct kept *k, struct lp_py_bytes *ret,
		      uint64_t *ret_units)
{
	const struct lp_py_layout *l = &py->runtime.layout;
	struct lp_memory *m = &py->memory.memory;
	uint64_t n, object;

	if (l->minor <= 10) {
		if (lp_py_u64(m, code + l->code_code, &object) < 0)
			return -ENOENT;
		*ret_units = object + l->bytes_data;
		return read_bytes(py, code + l->code_code, &k->units, ret);
	}
	if (lp_py_u64(m, code + l->ob_size, &n) < 0 || n > LP_PY_CODE_BYTES / 2)
		return -ENOENT;
	char *room = lp_buf_room(&k->units, 2 * n);
	if (!room)
		return -ENOMEM;
	*ret_units = code + l->code_code;
	if (n > 0 && m->read(m, *ret_units, room, 2 * n) < 0)
		return -ENOENT;
	*ret = (struct lp_py_bytes){ (const uint8_t *)room, 2 * n };
	return 0;
}

/* Where the original opcodes are that instrumentation has replaced (_PyCoMonitoringData). */
static const struct {
	int minor;
	unsigned int
		before_traceable;   /* bytes that _co_monitoring lies before _co_firsttraceable */
	unsigned int lines, single; /* of the pointers in it */
} monitoring[] = {
	{ 12, 8, 40, 56 },
	{ 13, 8, 32, 48 },
};

static bool hides(int minor, uint8_t op, uint8_t kind)
{
	return lp_py_opcodes[minor - LP_PY_MINOR_MIN][op].kind == kind;
}

/* Puts back what INSTRUMENTED_LINE and INSTRUMENTED_INSTRUCTION stand for. */
static void uncover(struct lp_python *py, uint64_t code, uint8_t *units, size_t n)
{
	const struct lp_py_layout *l = &py->runtime.layout;
	struct lp_memory *m = &py->memory.memory;
	uint64_t data, lines = 0, single = 0;
	bool hidden = false;
	size_t i;

	for (i = 0; i < LP_ARRAY_SIZE(monitoring); i++)
		if (monitoring[i].minor == l->minor)
			break;
	if (i == LP_ARRAY_SIZE(monitoring))
		return;
	for (size_t k = 0; k < n; k++)
		hidden |= hides(l->minor, units[2 * k], LP_PYOP_HIDDEN_LINE) ||
			  hides(l->minor, units[2 * k], LP_PYOP_HIDDEN_SINGLE);
	if (!hidden ||
	    lp_py_u64(m, code + l->code_firsttraceable - monitoring[i].before_traceable, &data) < 0)
		return;
	lp_py_u64(m, data + monitoring[i].lines, &lines);
	lp_py_u64(m, data + monitoring[i].single, &single);
	for (size_t k = 0; k < n; k++) {
		uint8_t *op = units + 2 * k;

		/* an entry is the opcode and how far the line is */
		if (lines && hides(l->minor, *op, LP_PYOP_HIDDEN_LINE))
			lp_py_u8(m, lines + 2 * k, op);
		if (single && hides(l->minor, *op, LP_PYOP_HIDDEN_SINGLE))
			lp_py_u8(m, single + k, op);
	}
}

static int read_bytecode(struct lp_python *py, const struct lp_py_code *code, struct kept *k,
			 struct lp_py_bytecode *ret, uint64_t *ret_units)
{
	const struct lp_py_layout *l = &py->runtime.layout;
	struct lp_memory *m = &py->memory.memory;
	uint64_t type, name;
	int r;

	*ret = (struct lp_py_bytecode){ .minor = l->minor, .firstlineno = (int)code->firstlineno };
	if (lp_py_u64(m, code->addr + l->ob_type, &type) < 0 || type != py->runtime.type_code ||
	    lp_py_u64(m, code->addr + l->code_name, &name) < 0 || name != code->name)
		return -ENOENT;
	r = read_units(py, code->addr, k, &ret->units, ret_units);
	if (r == 0)
		r = read_bytes(py, code->addr + l->code_linetable, &k->linetable, &ret->linetable);
	if (r == 0 && l->code_exceptiontable != LP_PY_NONE)
		r = read_bytes(py, code->addr + l->code_exceptiontable, &k->handlers,
			       &ret->handlers);
	return r;
}

int lp_py_code_flow(struct lp_python *py, const struct lp_py_code *code, struct lp_py_flow *ret,
		    uint64_t *ret_units)
{
	lp_auto(kept_done) struct kept k = { 0 };
	struct lp_py_bytecode b;
	int r = read_bytecode(py, code, &k, &b, ret_units);

	if (r < 0)
		return r;
	uncover(py, code->addr, (uint8_t *)k.units.data, b.units.len / 2);
	return lp_py_flow_init(ret, &b);
}

int lp_py_code_arguments(struct lp_python *py, const struct lp_py_code *code, uint32_t *ret)
{
	const struct lp_py_layout *l = &py->runtime.layout;
	struct lp_memory *m = &py->memory.memory;
	uint32_t positional, keyword;

	if (lp_py_u32(m, code->addr + l->code_argcount, &positional) < 0 ||
	    lp_py_u32(m, code->addr + l->code_kwonlyargcount, &keyword) < 0)
		return -ENOENT;
	*ret = positional + keyword + !!(code->flags & LP_PY_CO_VARARGS) +
	       !!(code->flags & LP_PY_CO_VARKEYWORDS);
	return 0;
}

int lp_py_code_lines(struct lp_python *py, const struct lp_py_code *code,
		     struct lp_py_line_list *ret)
{
	lp_auto(kept_done) struct kept k = { 0 };
	struct lp_py_bytecode b;
	uint64_t units;
	int r = read_bytecode(py, code, &k, &b, &units);

	if (r < 0)
		return r;
	if (lp_vec_reserve(ret, b.units.len / 2 + 1) < 0)
		return -ENOMEM;
	lp_py_lines(&b, ret->data);
	ret->len = b.units.len / 2;
	return 0;
}
