// SPDX-License-Identifier: GPL-2.0-only
#include "python/flow.h"

#include <errno.h>
#include <string.h>

#define NOWHERE LP_PY_NOWHERE

/* What is being built; arrays by unit or by instruction. */
struct building {
	struct lp_py_flow *f;
	const struct lp_py_bytecode *b;
	uint32_t n_units;
	uint32_t *instr_at; /* by unit: the instruction that begins there */
	uint32_t *handler;  /* by instruction: where its exceptions go; NOWHERE */
	uint32_t *block;    /* by instruction, up to 3.10: its SETUP, NOWHERE: none, UNKNOWN */
	bool *is_handler;   /* by instruction: exceptions lead there */
	LP_VEC(uint32_t) todo;
};

#define UNKNOWN	     (UINT32_MAX - 1)
#define MAX_RERAISED 8 /* handlers around each other that are looked through */

static const struct lp_py_opcode *opcode_of(int minor, uint8_t op)
{
	return &lp_py_opcodes[minor - LP_PY_MINOR_MIN][op];
}

static int decode(struct building *w, const struct lp_py_line *lines)
{
	struct lp_py_flow *f = w->f;
	struct lp_py_instr in = { .unit = NOWHERE };
	uint32_t arg = 0;

	for (uint32_t i = 0; i < w->n_units; i++) {
		const uint8_t *unit = w->b->units.data + 2 * (size_t)i;
		const struct lp_py_opcode *op = opcode_of(f->minor, unit[0]);

		w->instr_at[i] = NOWHERE;
		if (in.unit == NOWHERE) {
			in = (struct lp_py_instr){ .unit = i, .line = lines[i].line };
			in.handler = NOWHERE;
			in.first = lines[i].first;
			w->instr_at[i] = (uint32_t)f->instrs.len;
		}
		arg = arg << 8 | unit[1];
		if (op->kind == LP_PYOP_EXTENDED)
			continue;
		if (op->kind == LP_PYOP_BAD || op->kind >= LP_PYOP_HIDDEN_LINE)
			return -EINVAL;
		in.op_unit = i;
		in.oparg = arg;
		in.kind = op->kind;
		in.op = op->base ? op->base : unit[0];
		if (lp_vec_push(&f->instrs, in) < 0)
			return -ENOMEM;
		in.unit = NOWHERE;
		arg = 0;
		for (unsigned int skip = op->caches; skip > 0 && i + 1 < w->n_units; skip--)
			w->instr_at[++i] = NOWHERE;
	}
	/* an EXTENDED_ARG at the very end belongs to nothing */
	if (in.unit != NOWHERE)
		w->instr_at[in.unit] = NOWHERE;
	return f->instrs.len > 0 ? 0 : -EINVAL;
}

static uint32_t at_unit(const struct building *w, uint64_t unit)
{
	return unit < w->n_units ? w->instr_at[unit] : NOWHERE;
}

/* Where an instruction jumps to. Offsets are in bytes up to 3.9, in units from 3.10 on. */
static uint32_t target_of(const struct building *w, const struct lp_py_instr *in)
{
	const int minor = w->f->minor;
	const uint64_t arg = minor <= 9 ? in->oparg / 2 : in->oparg;
	const uint8_t op = w->b->units.data[2 * (size_t)in->op_unit];
	const uint64_t next = (uint64_t)in->op_unit + 1 + opcode_of(minor, op)->caches;

	switch (in->kind) {
	case LP_PYOP_JUMP_TO:
	case LP_PYOP_BRANCH_TO:
		return at_unit(w, arg);
	case LP_PYOP_JUMP_BACK:
	case LP_PYOP_JUMP_WAIT:
	case LP_PYOP_BRANCH_BACK:
		return at_unit(w, next - arg);
	case LP_PYOP_FOR: /* over END_FOR, in 3.13 also the POP_TOP behind */
		return at_unit(w, next + arg + (minor == 13 ? 2 : minor >= 12));
	case LP_PYOP_JUMP:
	case LP_PYOP_BRANCH:
	case LP_PYOP_SETUP:
	case LP_PYOP_CALL_FINALLY:
		return at_unit(w, next + arg);
	default:
		return NOWHERE;
	}
}

static bool falls_through(uint8_t kind)
{
	return kind != LP_PYOP_JUMP && kind != LP_PYOP_JUMP_TO && kind != LP_PYOP_JUMP_BACK &&
	       kind != LP_PYOP_JUMP_WAIT && kind != LP_PYOP_RETURN &&
	       kind != LP_PYOP_RETURN_CONST && kind != LP_PYOP_RAISE && kind != LP_PYOP_RERAISE;
}

static bool can_raise(uint8_t kind)
{
	return kind == LP_PYOP_PLAIN || kind == LP_PYOP_RAISE || kind == LP_PYOP_RERAISE ||
	       kind == LP_PYOP_FOR || kind == LP_PYOP_BRANCH || kind == LP_PYOP_BRANCH_TO ||
	       kind == LP_PYOP_BRANCH_BACK || kind == LP_PYOP_END_FINALLY || kind == LP_PYOP_SETUP;
}

/* RERAISE with an argument takes the place of the instruction that raised first. */
static bool takes_place_of_another(const struct lp_py_instr *in, int minor)
{
	return minor >= 10 && in->kind == LP_PYOP_RERAISE && in->oparg > 0;
}

/* The line that a step from here comes from. */
static int line_before(const struct lp_py_flow *f, uint32_t from)
{
	/* a function's first step is one from nowhere */
	if (from == NOWHERE || (f->minor >= 11 && from <= f->begin))
		return 0;
	return f->instrs.data[from].line;
}

/* 3.9 reports the line of a handler, wherever in the line it begins, but not after the first
 * instruction of a line or anything in the first line of the table.
 */
static bool shows_handler(const struct lp_py_flow *f, uint32_t from)
{
	uint32_t first = from;

	while (first > 0 && !f->instrs.data[first].first)
		first--;
	return first > 0 && first < from;
}

static bool starts_line(const struct lp_py_flow *f, uint32_t from, uint32_t to, bool raises)
{
	const struct lp_py_instr *in = &f->instrs.data[to];
	const uint8_t kind = from == NOWHERE ? LP_PYOP_PLAIN : f->instrs.data[from].kind;
	/* what follows CALL_FINALLY is come to from the end of the `finally`, which lies behind */
	const bool back = from != NOWHERE &&
			  (to < from || (kind == LP_PYOP_CALL_FINALLY && to == from + 1)) &&
			  kind != LP_PYOP_JUMP_WAIT && !(raises && f->minor >= 12);

	if (in->line == 0 || (f->minor >= 11 && (in->kind == LP_PYOP_RESUME || to <= f->begin)))
		return false;
	if (f->minor >= 14 && !in->first)
		return false;
	if (raises && f->minor == 9 && shows_handler(f, from))
		return true;
	return back || (f->minor <= 9 ? in->first : in->line != line_before(f, from));
}

static int add_edge(struct building *w, uint32_t from, uint32_t to, bool raises)
{
	struct lp_py_flow *f = w->f;

	if (to == NOWHERE)
		return 0;
	const struct lp_py_edge e = { from, to, raises, starts_line(f, from, to, raises) };

	w->is_handler[to] |= raises;

	if (!f->instrs.data[to].reached) {
		f->instrs.data[to].reached = true;
		if (lp_vec_push(&w->todo, to) < 0)
			return -ENOMEM;
	}
	return lp_vec_push(&f->edges, e);
}

/* Up to 3.10: the block that is open behind an instruction. */
static uint32_t block_behind(const struct building *w, uint32_t at)
{
	const uint8_t kind = w->f->instrs.data[at].kind;

	if (kind == LP_PYOP_SETUP)
		return at;
	if (kind == LP_PYOP_POP_BLOCK && w->block[at] != NOWHERE)
		return w->block[w->block[at]];
	return w->block[at];
}

static void set_block(struct building *w, uint32_t at, uint32_t block)
{
	if (at == NOWHERE || w->block[at] != UNKNOWN)
		return;
	w->block[at] = block;
	w->handler[at] = block == NOWHERE ? NOWHERE : target_of(w, &w->f->instrs.data[block]);
}

static int visit(struct building *w, uint32_t at)
{
	const struct lp_py_instr *in = &w->f->instrs.data[at];
	const uint32_t next = at + 1 < w->f->instrs.len ? at + 1 : NOWHERE;
	const uint32_t target = target_of(w, in);
	const bool old = w->f->minor <= 10;
	const uint32_t first_edge = (uint32_t)w->f->edges.len;
	int r = 0;

	if (old && falls_through(in->kind))
		set_block(w, next, block_behind(w, at));
	/* a handler runs in the block around */
	if (old)
		set_block(w, target,
			  in->kind == LP_PYOP_SETUP ? w->block[at] : block_behind(w, at));
	if (falls_through(in->kind))
		r = add_edge(w, at, next, false);
	if (r == 0 && in->kind != LP_PYOP_SETUP)
		r = add_edge(w, at, target, false);
	if (r == 0 && can_raise(in->kind))
		r = add_edge(w, at, w->handler[at], true);
	if (r == 0 && takes_place_of_another(in, w->f->minor))
		r = add_edge(w, at, w->handler[at], true);
	w->f->instrs.data[at].handler = w->handler[at];
	w->f->instrs.data[at].first_edge = first_edge;
	w->f->instrs.data[at].n_edges = (uint32_t)w->f->edges.len - first_edge;
	return r;
}

static void note_handler(uint32_t start, uint32_t end, uint32_t target, void *arg)
{
	struct building *w = arg;

	for (uint32_t i = start; i < end; i++)
		if (w->instr_at[i] != NOWHERE)
			w->handler[w->instr_at[i]] = w->instr_at[target];
}

/* From 3.11 on the body begins at RESUME; before it, cells and the generator are made. */
static uint32_t begin_of(const struct lp_py_flow *f)
{
	for (uint32_t i = 0; f->minor >= 11 && i < f->instrs.len; i++)
		if (f->instrs.data[i].kind == LP_PYOP_RESUME)
			return i;
	return 0;
}

/* From 3.14 on: where the interpreter puts INSTRUMENTED_LINE, which a step must come upon. */
static void mark_lines(struct building *w)
{
	struct lp_py_flow *f = w->f;
	int line = 0;

	for (uint32_t i = 0; f->minor >= 14 && i < f->instrs.len; i++) {
		struct lp_py_instr *in = &f->instrs.data[i];
		const uint32_t target = target_of(w, in);

		if (target != NOWHERE)
			f->instrs.data[target].first = true;
		if (w->handler[i] != NOWHERE)
			f->instrs.data[w->handler[i]].first = true;
		if (in->kind == LP_PYOP_END || in->kind == LP_PYOP_RESUME)
			continue;
		in->first |= in->line != line;
		line = in->line;
	}
	lp_vec_each (&f->instrs, in)
		in->first &= f->minor <= 13 || in->kind != LP_PYOP_END;
}

static int walk(struct building *w)
{
	struct lp_py_flow *f = w->f;
	int r;

	for (uint32_t i = 0; i < f->instrs.len; i++) {
		w->handler[i] = NOWHERE;
		w->block[i] = f->minor <= 10 ? UNKNOWN : NOWHERE;
	}
	set_block(w, 0, NOWHERE);
	lp_py_handlers(w->b, note_handler, w);
	f->begin = begin_of(f);
	mark_lines(w);
	r = add_edge(w, NOWHERE, 0, false);
	while (r == 0 && w->todo.len > 0)
		r = visit(w, w->todo.data[--w->todo.len]);
	return r;
}

/* Which lines can it have been: this one, others. */
struct origins {
	bool same, other;
};

static void find_origins(const struct building *w, uint32_t reraise, int line, unsigned int depth,
			 struct origins *ret)
{
	const struct lp_py_flow *f = w->f;
	uint32_t handler = reraise;

	/* the handler that it ends is the one that begins last before it */
	while (handler > 0 && !w->is_handler[handler])
		handler--;
	for (uint32_t i = 0; i < f->instrs.data[handler].n_in; i++) {
		const struct lp_py_edge *e =
			&f->edges.data[f->in[f->instrs.data[handler].first_in + i]];
		const struct lp_py_instr *from =
			e->from == NOWHERE ? NULL : &f->instrs.data[e->from];

		if (!from || !e->raises)
			continue;
		if (!takes_place_of_another(from, f->minor) || e->from == reraise)
			*(from->line == line ? &ret->same : &ret->other) = true;
		else if (depth < MAX_RERAISED)
			find_origins(w, e->from, line, depth + 1, ret);
	}
}

/* Sets what the steps from a RERAISE to the handler around it are. It has two of them. */
static void settle_reraise(struct building *w, uint32_t at)
{
	struct lp_py_flow *f = w->f;
	const struct lp_py_instr *in = &f->instrs.data[at];
	struct origins o = { 0 };

	if (in->n_edges != 2 || !takes_place_of_another(in, f->minor))
		return;

	struct lp_py_edge *e = &f->edges.data[in->first_edge];
	const int line = f->instrs.data[e->to].line;
	find_origins(w, at, line, 0, &o);
	e[0].starts = line != 0 && (o.other || (!o.same && e[0].starts));
	e[1].starts = e[0].starts && !o.same;
}

/* Sorts the edges by where they lead. */
static int index_edges(struct lp_py_flow *f)
{
	uint32_t first = 0;

	f->in = calloc(f->edges.len, sizeof(*f->in));
	if (!f->in)
		return -ENOMEM;
	lp_vec_each (&f->edges, e)
		f->instrs.data[e->to].n_in++;
	lp_vec_each (&f->instrs, in) {
		in->first_in = first;
		first += in->n_in;
		in->n_in = 0;
	}
	lp_vec_each (&f->edges, e) {
		struct lp_py_instr *to = &f->instrs.data[e->to];

		f->in[to->first_in + to->n_in++] = (uint32_t)(e - f->edges.data);
	}
	return 0;
}

int lp_py_flow_init(struct lp_py_flow *f, const struct lp_py_bytecode *b)
{
	const size_t n = b->units.len / 2;
	lp_auto(lp_free) struct lp_py_line *lines = calloc(n + 1, sizeof(*lines));
	lp_auto(lp_free) uint32_t *arrays = calloc(3 * (n + 1), sizeof(*arrays));
	lp_auto(lp_free) bool *is_handler = calloc(n + 1, sizeof(*is_handler));
	struct building w = { .f = f, .b = b, .n_units = (uint32_t)n, .is_handler = is_handler };
	int r;

	*f = (struct lp_py_flow){ .minor = b->minor };
	if (!lines || !arrays || !is_handler)
		return -ENOMEM;
	if (b->minor < LP_PY_MINOR_MIN || b->minor > LP_PY_MINOR_MAX || n > UINT32_MAX / 4)
		return -EINVAL;
	w.instr_at = arrays;
	w.handler = arrays + n + 1;
	w.block = arrays + 2 * (n + 1);
	lp_py_lines(b, lines);
	r = decode(&w, lines);
	if (r == 0)
		r = walk(&w);
	if (r == 0)
		r = index_edges(f);
	for (uint32_t i = 0; r == 0 && i < f->instrs.len; i++)
		settle_reraise(&w, i);
	lp_vec_done(&w.todo);
	if (r < 0)
		lp_py_flow_done(f);
	return r;
}

void lp_py_flow_done(struct lp_py_flow *f)
{
	lp_vec_done(&f->instrs);
	lp_vec_done(&f->edges);
	free(f->in);
	f->in = NULL;
}
