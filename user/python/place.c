// SPDX-License-Identifier: GPL-2.0-only
#include "python/place.h"

#include <errno.h>

#define LOCALS_MAX (1u << 16)

/* Words of a frame's localsplus before the value stack: locals, cells, free variables. */
static int stack_base(struct lp_python *py, uint64_t code, uint32_t *ret)
{
	const struct lp_py_layout *l = &py->runtime.layout;
	struct lp_memory *m = &py->memory.memory;
	uint64_t cells, frees, n_cells, n_frees;
	int r;

	if (l->code_nlocalsplus != LP_PY_NONE)
		r = lp_py_u32(m, code + l->code_nlocalsplus, ret);
	else
		r = lp_py_u32(m, code + l->code_nlocals, ret);
	if (r == 0 && l->code_nlocalsplus == LP_PY_NONE) {
		r = lp_py_u64(m, code + l->code_cellvars, &cells);
		if (r == 0)
			r = lp_py_u64(m, code + l->code_freevars, &frees);
		if (r == 0)
			r = lp_py_length(m, l, cells, &n_cells);
		if (r == 0)
			r = lp_py_length(m, l, frees, &n_frees);
		if (r == 0 && n_cells + n_frees < LOCALS_MAX)
			*ret += (uint32_t)(n_cells + n_frees);
	}
	return r == 0 && *ret < LOCALS_MAX ? 0 : -ENOENT;
}

/* A place of this code object but for its unit. */
static int place_init(struct lp_py_place *p, struct lp_python *py, const struct lp_py_code *code)
{
	*p = (struct lp_py_place){
		.site = {
			.code = code->addr,
			.name = code->name,
			.filename = code->filename,
			.firstlineno = code->firstlineno,
		},
		.function = code->function,
		.file = code->file,
	};
	return stack_base(py, code->addr, &p->site.stack_base);
}

static int add_unit(struct lp_py_places *ret, const struct lp_py_place *model, uint64_t units,
		    uint32_t unit, unsigned int watch_byte)
{
	struct lp_py_place p = *model;

	p.site.unit = units + 2 * (uint64_t)unit;
	p.watch = p.site.unit + watch_byte;
	return lp_vec_push(ret, p);
}

int lp_py_place_lines(struct lp_python *py, const struct lp_py_code *code, int line,
		      struct lp_py_places *ret)
{
	lp_auto(lp_py_flow_done) struct lp_py_flow flow = { 0 };
	struct lp_py_starts starts = { 0 };
	struct lp_py_place p;
	uint64_t units;
	int r = lp_py_code_flow(py, code, &flow, &units);

	if (r == 0)
		r = place_init(&p, py, code);
	if (r == 0)
		r = lp_py_flow_starts(&flow, line, &starts);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	if (!starts.exact)
		r = -ENOTSUP;
	p.line = line;
	lp_vec_each (&starts, s) {
		p.site.flags = s->flags | (uint32_t)line << 8;
		if (r == 0)
			r = add_unit(ret, &p, units, s->unit, py->runtime.layout.watch_byte);
	}
	lp_vec_done(&starts);
	return r;
}

static int line_of(const struct lp_py_flow *f, uint32_t at, const struct lp_py_code *code)
{
	return f->instrs.data[at].line ? f->instrs.data[at].line : (int)code->firstlineno;
}

int lp_py_place_function(struct lp_python *py, const struct lp_py_code *code, bool returns,
			 struct lp_py_places *ret)
{
	const unsigned int watch_byte = py->runtime.layout.watch_byte;
	lp_auto(lp_py_flow_done) struct lp_py_flow flow = { 0 };
	struct lp_py_place p;
	uint64_t units;
	int r = lp_py_code_flow(py, code, &flow, &units);

	if (r == 0)
		r = place_init(&p, py, code);
	if (r < 0)
		return r;
	p.line = line_of(&flow, flow.begin, code);
	p.by_call = flow.instrs.data[flow.begin].n_in > 1;
	if (py->runtime.layout.minor >= 12 && flow.instrs.data[flow.begin].kind == LP_PYOP_RESUME)
		p.site.flags = LP_PY_SITE_RESUMES;
	r = add_unit(ret, &p, units, flow.instrs.data[flow.begin].unit, watch_byte);
	p.by_call = false;
	p.site.flags = 0;
	p.is_return = true;
	for (uint32_t i = 0; r == 0 && returns && i < flow.instrs.len; i++) {
		const struct lp_py_instr *in = &flow.instrs.data[i];

		if (in->kind != LP_PYOP_RETURN && in->kind != LP_PYOP_RETURN_CONST)
			continue;
		p.line = line_of(&flow, i, code);
		r = add_unit(ret, &p, units, in->unit, watch_byte);
	}
	return r;
}
