// SPDX-License-Identifier: GPL-2.0-only
/* The loop executes a unit by reading it, through a register, and jumping to where the table of computed
 * gotos says for its opcode. So an instruction that reads two bytes of which that jump depends is a
 * fetch. Where the two are read one by one (3.12) it is the one that reads the byte behind such an
 * opcode; from most of them the register is known that has the operand at each of these jumps, and
 * what is read into that for a jump is a fetch, too. In 3.11 and 3.12 the handler of a pair reads the
 * second unit's operand.
 */
#include "python/fetch.h"

#include <string.h>

#include "python/fetch_walk.h"
#include "python/step.h"

#define STACK	    7 /* the register */
#define FETCHES_MIN 16
#define POP_TOP	    1  /* up to 3.13 */
#define POP_TOP_14  31 /* in 3.14 */
#define LOOK	    6  /* instructions of its handler */

struct finder {
	struct lp_python *py;
	struct lp_machine code;
	uint8_t *flags; /* of each instruction: IS_... */
	uint8_t part_flags;
	size_t start;
	struct lp_walk walk;
	/* the stores of all ways from a fetch */
	struct lp_way all;
	size_t ways;
};

enum { IS_FETCH = 1, IS_PART = 2, IS_REACHED = 4, IS_FREEING = 8 };

static void finder_done(struct finder *f)
{
	lp_machine_done(&f->code);
	free(f->flags);
}
LP_CLEANUP_DONE(struct finder, finder_done)

void lp_py_fetches_done(struct lp_py_fetches *f)
{
	lp_vec_done(f);
}

/* --- which --- */

static void judge(struct lp_walk *w, const struct lp_way *way, const struct lp_machine_insn *jump)
{
	struct finder *f = w->arg;
	const struct lp_machine_insn *start = &f->code.data[f->start];
	bool depends = jump->reads & way->from_start;

	if (start->width == 2 && depends)
		f->flags[f->start] |= IS_FETCH;
	if (start->width == 1 && depends && way->above)
		f->flags[way->above] |= IS_FETCH;
	if (start->width == 1 && jump->reads & way->from_below)
		f->flags[f->start] |= IS_FETCH;
	if (depends)
		f->flags[jump - f->code.data] |= IS_REACHED;
}

static void judge_operand(struct lp_walk *w, const struct lp_way *way,
			  const struct lp_machine_insn *jump)
{
	struct finder *f = w->arg;

	if (way->is_kept && f->flags[jump - f->code.data] & IS_REACHED)
		f->flags[f->start] |= IS_FETCH;
}

static void find_operands(struct finder *f)
{
	size_t votes[16] = { 0 }, best = 0;

	lp_vec_each (&f->code, in)
		if (f->flags[in - f->code.data] & IS_FETCH && in->width == 1)
			votes[in->dst]++;
	for (size_t i = 1; i < LP_ARRAY_SIZE(votes); i++)
		if (votes[i] > votes[best])
			best = i;
	if (votes[best] < FETCHES_MIN)
		return;
	f->walk.at_end = judge_operand;
	for (f->start = 0; f->start < f->code.len; f->start++) {
		const struct lp_machine_insn *in = &f->code.data[f->start];

		if (in->kind == LP_MACHINE_LOAD && in->width == 1 && in->dst == best &&
		    in->base != STACK)
			lp_walk_run(&f->walk, f->start, 0);
	}
}

static void find_dispatches(struct finder *f)
{
	f->walk.at_end = judge;
	for (f->start = 0; f->start < f->code.len; f->start++) {
		const struct lp_machine_insn *in = &f->code.data[f->start];

		if (in->kind == LP_MACHINE_LOAD && in->width <= 2 && in->base < 16 &&
		    in->base != STACK)
			lp_walk_run(&f->walk, f->start, 0);
	}
}

/* Instructions that execute the next unit, too: specialize.c of 3.11, bytecodes.c of 3.12. */
static const struct {
	uint8_t minor, opcode;
	uint8_t operand; /* byte from the first unit on */
	uint8_t flags;	 /* besides: IS_FREEING: of objects it changes only floats that it frees */
} parts[] = {
	{ 11, 44, 3, 0 },	   /* LOAD_CONST__LOAD_FAST */
	{ 11, 45, 3, 0 },	   /* LOAD_FAST__LOAD_CONST */
	{ 11, 46, 3, 0 },	   /* LOAD_FAST__LOAD_FAST */
	{ 11, 161, 3, 0 },	   /* STORE_FAST__LOAD_FAST */
	{ 11, 167, 3, 0 },	   /* STORE_FAST__STORE_FAST */
	{ 11, 27, 7, IS_FREEING }, /* COMPARE_OP_FLOAT_JUMP: behind two cache entries */
	{ 11, 28, 7, 0 },	   /* COMPARE_OP_INT_JUMP */
	{ 11, 29, 7, 0 },	   /* COMPARE_OP_STR_JUMP */
	{ 12, 84, 3, 0 },	   /* LOAD_CONST__LOAD_FAST */
	{ 12, 86, 3, 0 },	   /* LOAD_FAST__LOAD_CONST */
	{ 12, 88, 3, 0 },	   /* LOAD_FAST__LOAD_FAST */
	{ 12, 154, 3, 0 },	   /* STORE_FAST__LOAD_FAST */
	{ 12, 158, 3, 0 },	   /* STORE_FAST__STORE_FAST */
};

static void judge_part(struct lp_walk *w, const struct lp_way *way,
		       const struct lp_machine_insn *jump)
{
	struct finder *f = w->arg;

	(void)jump;
	if (way->first)
		f->flags[way->first] |= IS_FETCH | IS_PART | f->part_flags;
}

static void find_parts(struct finder *f)
{
	f->walk.at_end = judge_part;
	f->walk.base = (uint8_t)f->py->step_register;
	for (size_t i = 0; i < LP_ARRAY_SIZE(parts); i++) {
		const struct lp_machine_insn *in;

		if (parts[i].minor != f->py->runtime.layout.minor)
			continue;
		in = lp_machine_at(&f->code, f->py->step_table[parts[i].opcode]);
		f->walk.wanted = parts[i].operand;
		f->part_flags = parts[i].flags;
		if (in)
			lp_walk_run(&f->walk, SIZE_MAX, (size_t)(in - f->code.data));
	}
	f->walk.base = LP_MACHINE_NONE;
}

/* --- what each has not stored --- */

static const struct lp_py_late *find_late(const struct lp_way *way, const struct lp_py_late *late)
{
	for (uint32_t i = 0; i < way->n; i++)
		if (!memcmp(&way->late[i], late, sizeof(*late)))
			return &way->late[i];
	return NULL;
}

/* Only where it goes is. */
static struct lp_py_late unknown(const struct lp_py_late *late)
{
	struct lp_py_late u = *late;

	u.add = 0;
	u.from = LP_PY_NO_REGISTER;
	u.left = u.right = u.tags = 0;
	u.left_disp = 0;
	u.mask = u.right_or = 0;
	u.flags = (u.flags & LP_PY_LATE_INDIRECT) | LP_PY_LATE_UNKNOWN;
	return u;
}

/* What only some ways store is not known. */
static void join(struct lp_walk *w, const struct lp_way *way, const struct lp_machine_insn *jump)
{
	struct finder *f = w->arg;

	(void)jump;
	if (!f->ways++) {
		f->all = *way;
		return;
	}
	for (uint32_t i = 0; i < f->all.n; i++)
		if (!find_late(way, &f->all.late[i]))
			f->all.late[i] = unknown(&f->all.late[i]);
	for (uint32_t i = 0; i < way->n; i++) {
		const struct lp_py_late u = unknown(&way->late[i]);

		if (find_late(&f->all, &way->late[i]) || find_late(&f->all, &u))
			continue;
		if (f->all.n == LP_WALK_STORES) {
			f->all.is_blind = true;
			break;
		}
		f->all.late[f->all.n++] = u;
	}
	f->all.is_blind = f->all.is_blind || way->is_blind;
	f->all.stacks = f->all.stacks || way->stacks;
}

/* Where up to 3.10 the frame keeps its place is not looked at when a unit has been read; what the loop
 * has on its own stack is none of the program's, but for a CFrame.
 */
static bool is_wanted(const struct finder *f, const struct lp_py_late *late)
{
	const struct lp_py_layout *l = &f->py->runtime.layout;

	if (l->lasti_unit && late->size == 4 && late->disp == l->frame_lasti &&
	    late->index == LP_PY_NO_REGISTER)
		return false;
	return late->base != STACK || (l->cframe_frame != LP_PY_NONE && late->size == 8);
}

/* How deep calls are is counted in the thread's state, beside its frame: nobody looks at that. */
static bool is_depth(const struct finder *f, const struct lp_py_late *late)
{
	const struct lp_py_layout *l = &f->py->runtime.layout;

	if (late->size != 4 || !(late->flags & LP_PY_LATE_UNKNOWN) || l->minor < 13)
		return false;
	for (uint32_t i = 0; i < f->all.n; i++) {
		const struct lp_py_late *other = &f->all.late[i];

		if (other->base == late->base && other->disp == l->tstate_frame &&
		    other->size == 8 && !((other->flags | late->flags) & LP_PY_LATE_INDIRECT))
			return true;
	}
	return false;
}

/* What is not known need be said once. */
static bool is_said(const struct lp_way *all, uint32_t n)
{
	for (uint32_t i = 0; i < n && all->late[n].flags & LP_PY_LATE_UNKNOWN; i++)
		if (!memcmp(&all->late[i], &all->late[n], sizeof(all->late[i])))
			return true;
	return false;
}

static struct lp_py_fetch fetch_of(struct finder *f, size_t i)
{
	const bool frees = f->flags[i] & IS_FREEING;
	struct lp_py_fetch fetch = { 0 };

	f->walk.at_end = join;
	f->walk.is_part = f->flags[i] & IS_PART;
	f->ways = 0;
	lp_walk_run(&f->walk, i, 0);
	if (!f->ways || (f->all.is_blind && !frees))
		fetch.flags |= LP_PY_FETCH_BLIND;
	if (f->ways && f->all.stacks)
		fetch.flags |= LP_PY_FETCH_STACK;
	for (uint32_t k = 0; f->ways && k < f->all.n; k++) {
		const struct lp_py_late *late = &f->all.late[k];

		if (!is_wanted(f, late) || is_depth(f, late) || is_said(&f->all, k) ||
		    (frees && late->flags & LP_PY_LATE_UNKNOWN))
			continue;
		if (fetch.n == LP_PY_LATE_MAX)
			fetch.flags |= LP_PY_FETCH_BLIND;
		else
			fetch.late[fetch.n++] = *late;
	}
	return fetch;
}

/* The register of the value stack's end: POP_TOP begins by reading the word below it. */
static void find_stack(struct finder *f)
{
	const uint8_t op = f->py->runtime.layout.minor >= 14 ? POP_TOP_14 : POP_TOP;
	const struct lp_machine_insn *in = lp_machine_at(&f->code, f->py->step_table[op]);
	const struct lp_machine_insn *end = f->code.data + f->code.len;

	f->walk.stack = LP_MACHINE_NONE;
	for (size_t n = 0; in && in < end && n < LOOK; n++, in++) {
		if (in->kind != LP_MACHINE_LOAD || in->width != 8 || in->disp != -8)
			continue;
		f->walk.stack = in->base;
		return;
	}
}

/* --- which read again what has been read --- */

struct edge {
	uint64_t to;
	size_t from;
};

struct edges {
	LP_VEC(struct edge);
};

static void edges_done(struct edges *e)
{
	lp_vec_done(e);
}
LP_CLEANUP_DONE(struct edges, edges_done)

static int compare_edges(const void *a, const void *b)
{
	const struct edge *p = a, *q = b;

	return p->to < q->to ? -1 : p->to > q->to;
}

static int find_edges(const struct finder *f, struct edges *ret)
{
	lp_vec_each (&f->code, in) {
		struct edge edge = { .to = (uint64_t)in->imm, .from = (size_t)(in - f->code.data) };

		if ((in->kind == LP_MACHINE_JUMP || in->kind == LP_MACHINE_BRANCH) &&
		    lp_vec_push(ret, edge) < 0)
			return -ENOMEM;
	}
	if (ret->len)
		qsort(ret->data, ret->len, sizeof(*ret->data), compare_edges);
	return 0;
}

static bool is_handler(const struct finder *f, uint64_t addr)
{
	for (size_t i = 0; i < 256; i++)
		if (f->py->step_table[i] == addr)
			return true;
	return false;
}

struct back {
	const struct finder *f;
	const struct edges *edges;
	const struct lp_machine_insn *of;
	uint8_t *seen;
	LP_VEC(size_t) todo;
	bool is_first; /* it is, on some way */
};

static void back_done(struct back *b)
{
	lp_vec_done(&b->todo);
	free(b->seen);
}
LP_CLEANUP_DONE(struct back, back_done)

/* One that comes directly before: a fetch of the same unit ends the way. */
static void go_back(struct back *b, size_t i)
{
	const struct lp_machine_insn *in = &b->f->code.data[i];

	if (b->seen[i])
		return;
	b->seen[i] = 1;
	if (b->f->flags[i] & IS_FETCH && !(b->f->flags[i] & IS_PART) && in->base == b->of->base &&
	    in->disp == b->of->disp && in->index == b->of->index && in->width == b->of->width)
		return;
	if (in->writes >> b->of->base & 1 || b->f->flags[i] & IS_FETCH ||
	    lp_vec_push(&b->todo, i) < 0)
		b->is_first = true;
}

static void go_back_all(struct back *b, size_t i)
{
	const struct lp_machine *code = &b->f->code;
	const struct edge key = { .to = code->data[i].addr };
	const struct edge *e =
		bsearch(&key, b->edges->data, b->edges->len, sizeof(*e), compare_edges);
	size_t ways = 0;

	if (is_handler(b->f, key.to)) {
		b->is_first = true;
		return;
	}
	for (; e && e > b->edges->data && e[-1].to == key.to; e--)
		;
	for (; e && e < b->edges->data + b->edges->len && e->to == key.to; e++, ways++)
		go_back(b, e->from);
	if (i && code->data[i - 1].addr + code->data[i - 1].size == key.to &&
	    code->data[i - 1].kind != LP_MACHINE_JUMP &&
	    code->data[i - 1].kind != LP_MACHINE_LEAVE &&
	    code->data[i - 1].kind != LP_MACHINE_END) {
		go_back(b, i - 1);
		ways++;
	}
	/* what fills up the space before a label is not executed */
	b->is_first = b->is_first || (!ways && code->data[i].kind != LP_MACHINE_NOTHING);
}

/* Has every way to this fetch read the same unit already? Calls leave the register alone that it is
 * read through: else compilers would not keep it there.
 */
static bool is_repeat(const struct finder *f, const struct edges *edges, size_t i)
{
	const struct lp_machine_insn *in = &f->code.data[i];
	lp_auto(back_done) struct back b = { .f = f, .edges = edges, .of = in };

	b.seen = calloc(f->code.len, 1);
	if (!b.seen || f->flags[i] & IS_PART)
		return false;
	go_back_all(&b, i);
	while (b.todo.len && !b.is_first)
		go_back_all(&b, b.todo.data[--b.todo.len]);
	return !b.is_first;
}

/* --- all --- */

static int collect(struct finder *f, struct lp_py_fetches *ret)
{
	lp_auto(edges_done) struct edges edges = { 0 };

	if (find_edges(f, &edges) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < f->code.len; i++) {
		const struct lp_machine_insn *in = &f->code.data[i];

		if (!(f->flags[i] & IS_FETCH))
			continue;
		struct lp_py_fetch_at at = { .ip = in->addr + in->size, .fetch = fetch_of(f, i) };
		if (is_repeat(f, &edges, i))
			at.fetch.flags |= LP_PY_FETCH_REPEAT;
		if (lp_vec_push(ret, at) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* A jump through the table that no fetch leads to is one that is not understood, or one to what the
 * unit has just been changed into: there are few of those.
 */
static bool is_whole(const struct finder *f)
{
	size_t reached = 0, others = 0;

	lp_vec_each (&f->code, in) {
		if (f->flags[in - f->code.data] & IS_REACHED)
			reached++;
		else if (in->kind == LP_MACHINE_LEAVE && in->width && in->base == LP_MACHINE_NONE &&
			 (uint64_t)in->disp == f->walk.table)
			others++;
	}
	return reached >= FETCHES_MIN && others * 16 <= reached;
}

int lp_python_fetches(struct lp_python *py, struct lp_py_fetches *ret, struct lp_err *err)
{
	lp_auto(finder_done) struct finder f = { .py = py };
	lp_auto(lp_py_fetches_done) struct lp_py_fetches found = { 0 };

	int r = lp_python_prepare_steps(py, err);
	if (r >= 0)
		r = lp_machine_decode(py, &f.code, err);
	if (r < 0)
		return r;
	f.flags = calloc(f.code.len + 1, 1);
	if (!f.flags)
		return lp_err_nomem(err);
	f.walk = (struct lp_walk){
		.code = &f.code,
		.table = py->step_table_at,
		.tags = py->runtime.layout.frame_tags,
		.has_switch = py->runtime.layout.minor <= 10,
		.base = LP_MACHINE_NONE,
		.arg = &f,
	};
	find_stack(&f);
	find_dispatches(&f);
	find_operands(&f);
	find_parts(&f);
	if (collect(&f, &found) < 0)
		return lp_err_nomem(err);
	if (found.len > LP_PY_FETCHES_MAX || !is_whole(&f))
		return lp_err_set(err, ENOTSUP,
				  "CPython %s: how its loop reads instructions can't be told",
				  py->version);
	*ret = found;
	found.data = NULL;
	found.len = found.cap = 0;
	return 0;
}
