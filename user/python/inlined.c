// SPDX-License-Identifier: GPL-2.0-only
/* LOAD_FAST_AND_CLEAR saves what the local was; what follows runs under a handler of its own, which
 * puts it back, as does the first store behind. (Python/compile.c push_inlined_comprehension_state().)
 */
#include "python/inlined.h"

/* Opcodes; 0: that version has none. */
static const struct ops {
	int minor;
	uint8_t save, swap, make_cell, store, delete, store_cell;
	uint8_t store_load, store_store; /* the first number is in the high four bits */
} versions[] = {
	{ 12, 143, 99, 135, 125, 126, 138, 0, 0 },
	{ 13, 86, 115, 94, 110, 65, 109, 111, 112 },
	{ 14, 85, 117, 97, 112, 63, 111, 113, 114 },
};

static const struct ops *ops_of(int minor)
{
	for (size_t i = 0; i < LP_ARRAY_SIZE(versions); i++)
		if (versions[i].minor == minor)
			return &versions[i];
	return NULL;
}

/* Does it set the local, or clear it? */
static bool sets(const struct ops *o, const struct lp_py_instr *in, uint32_t local)
{
	if (in->op == o->store || in->op == o->delete || in->op == o->store_cell)
		return in->oparg == local;
	if (!o->store_load || (in->op != o->store_load && in->op != o->store_store))
		return false;
	return in->oparg >> 4 == local || (in->op == o->store_store && (in->oparg & 15) == local);
}

/* Instructions from..to of a comprehension, and where what it saved is put back: behind it, and where
 * an exception leaves it.
 */
struct comprehension {
	uint32_t from, to, behind, handler;
};

static uint32_t find_store(const struct lp_py_flow *f, const struct ops *o, uint32_t from,
			   uint32_t local)
{
	for (uint32_t i = from; i < f->instrs.len; i++)
		if (sets(o, &f->instrs.data[i], local))
			return i;
	return LP_PY_NOWHERE;
}

/* save: the index of its LOAD_FAST_AND_CLEAR. */
static bool read_comprehension(const struct lp_py_flow *f, const struct ops *o, uint32_t save,
			       uint32_t local, struct comprehension *ret)
{
	const uint32_t n = (uint32_t)f->instrs.len;
	uint32_t at = save;

	while (at < n && (f->instrs.data[at].op == o->save || f->instrs.data[at].op == o->swap ||
			  f->instrs.data[at].op == o->make_cell))
		at++;
	if (at == n || f->instrs.data[at].handler == LP_PY_NOWHERE)
		return false;
	const uint32_t handler = f->instrs.data[at].handler;
	uint32_t last = at;
	for (uint32_t i = at; i < n; i++)
		if (f->instrs.data[i].handler == handler && i < handler)
			last = i;

	const struct lp_py_instr *end = &f->instrs.data[last];
	const bool jumps = end->kind == LP_PYOP_JUMP && end->n_edges;
	const uint32_t next = jumps ? f->edges.data[end->first_edge].to : last + 1;
	*ret = (struct comprehension){
		.from = save,
		.to = last,
		.behind = find_store(f, o, next, local),
		.handler = find_store(f, o, handler, local),
	};
	return ret->behind != LP_PY_NOWHERE;
}

static bool is_in(const struct comprehension *c, uint32_t at)
{
	return (at >= c->from && at <= c->to) || at == c->behind || at == c->handler;
}

bool lp_py_inlined_elsewhere(const struct lp_py_flow *f, uint32_t local, uint32_t unit)
{
	const struct ops *o = ops_of(f->minor);
	const uint32_t n = (uint32_t)f->instrs.len;
	lp_auto(lp_free) bool *known = calloc(n, sizeof(*known));
	bool any = false, here = false;

	if (!o || !known)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		const struct lp_py_instr *in = &f->instrs.data[i];
		struct comprehension c;

		if (in->op != o->save || in->oparg != local)
			continue;
		if (!read_comprehension(f, o, i, local, &c))
			return false;
		any = true;
		for (uint32_t k = 0; k < n; k++) {
			known[k] |= is_in(&c, k);
			here |= is_in(&c, k) && f->instrs.data[k].unit == unit;
		}
	}
	for (uint32_t i = 0; any && i < n; i++)
		if (!known[i] && sets(o, &f->instrs.data[i], local))
			return false;
	return any && !here;
}
