// SPDX-License-Identifier: GPL-2.0-only
#include "python/fetch_walk.h"

#include <string.h>

#define INSNS_MAX    80 /* on one way */
#define BRANCHES_MAX 7
#define STACK	     7 /* the register */

static uint16_t bit_of(uint8_t reg)
{
	return reg < 16 ? (uint16_t)(1u << reg) : 0;
}

static bool is_plain(const struct lp_walk_value *v)
{
	return v->what == LP_WALK_SUM && v->index == LP_PY_NO_REGISTER && !v->is_tagged;
}

static bool add_base(const struct lp_walk_value *v, struct lp_py_late *ret)
{
	if (v->is_tagged)
		return false;
	if (v->what == LP_WALK_WORD) {
		if (v->disp != (int32_t)v->disp)
			return false;
		ret->flags |= LP_PY_LATE_INDIRECT;
		ret->base_disp = (int32_t)v->disp;
	} else if (v->what != LP_WALK_SUM) {
		return false;
	}
	ret->disp += v->add;
	ret->base = v->reg;
	if (v->what == LP_WALK_SUM) {
		ret->index = v->index;
		ret->shift = v->shift;
		ret->part = v->part;
	}
	return true;
}

static bool add_index(const struct lp_walk_value *v, uint8_t scale, struct lp_py_late *ret)
{
	if (v->what != LP_WALK_SUM || v->is_tagged || ret->index != LP_PY_NO_REGISTER)
		return false;
	ret->disp += v->add * (1 << scale);
	if (is_plain(v)) {
		ret->index = v->reg;
		ret->shift = scale;
	} else if (v->reg == LP_PY_NO_REGISTER) {
		ret->index = v->index;
		ret->shift = v->shift + scale;
		ret->part = v->part;
	} else {
		return false;
	}
	return true;
}

/* An address of `in` as a struct lp_py_late has it; false: not known. */
static bool find_address(const struct lp_way *way, const struct lp_machine_insn *in,
			 struct lp_py_late *ret)
{
	*ret = (struct lp_py_late){
		.disp = in->disp,
		.base = LP_PY_NO_REGISTER,
		.index = LP_PY_NO_REGISTER,
		.from = LP_PY_NO_REGISTER,
		.size = in->width,
	};
	return (in->base >= 16 || add_base(&way->reg[in->base], ret)) &&
	       (in->index >= 16 || add_index(&way->reg[in->index], in->scale, ret));
}

/* As a value. */
static struct lp_walk_value find_sum(const struct lp_way *way, const struct lp_machine_insn *in)
{
	const struct lp_walk_value *base = in->base < 16 ? &way->reg[in->base] : NULL;
	struct lp_walk_value v = { 0 };
	struct lp_py_late place;

	if (find_address(way, in, &place) && !(place.flags & LP_PY_LATE_INDIRECT)) {
		v.what = LP_WALK_SUM;
		v.reg = place.base;
		v.index = place.index;
		v.shift = place.shift;
		v.part = place.part;
		v.add = place.disp;
	} else if (base && (is_plain(base) || base->what == LP_WALK_NEAR)) {
		v.what = LP_WALK_NEAR;
		v.reg = base->reg;
	}
	return v;
}

static bool same_place(const struct lp_py_late *a, const struct lp_py_late *b)
{
	return a->base == b->base && a->index == b->index && a->disp == b->disp &&
	       a->base_disp == b->base_disp && a->part == b->part && a->shift == b->shift &&
	       (a->flags & LP_PY_LATE_INDIRECT) == (b->flags & LP_PY_LATE_INDIRECT);
}

/* Reference counts go up and down; nobody wants to know them. They are first in an object. */
static bool is_count(const struct lp_machine_insn *in, const struct lp_py_late *place,
		     const struct lp_walk_value *v)
{
	if (in->kind == LP_MACHINE_CHANGE)
		return in->width >= 4 && in->index >= 16 && (in->base >= 16 || !in->disp);
	return v && v->what == LP_WALK_WORD && v->reg == place->base && v->disp == place->disp &&
	       place->index == LP_PY_NO_REGISTER && !(place->flags & LP_PY_LATE_INDIRECT);
}

/* In the order in which they come: the last to a place is what counts. */
static void add_store(struct lp_way *way, const struct lp_py_late *place)
{
	for (uint32_t i = 0; i < way->n; i++) {
		if (!same_place(&way->late[i], place) || way->late[i].size != place->size)
			continue;
		memmove(&way->late[i], &way->late[i + 1], (--way->n - i) * sizeof(*way->late));
		break;
	}
	if (way->n == LP_WALK_STORES)
		way->is_blind = true;
	else
		way->late[way->n++] = *place;
}

static void note_blind(const struct lp_walk *w, struct lp_way *way,
		       const struct lp_machine_insn *in)
{
	const struct lp_walk_value *base = in->base < 16 ? &way->reg[in->base] : NULL;

	if (in->base == STACK)
		return;
	if (base && (base->what == LP_WALK_NEAR || base->what == LP_WALK_SUM) &&
	    base->reg == w->stack)
		way->stacks = true;
	else
		way->is_blind = true;
}

/* Can it be told what is stored? On the value stack nobody looks at tags. */
static bool is_known(const struct lp_walk *w, struct lp_walk_value v,
		     const struct lp_py_late *place)
{
	if (place->base == w->stack && !(place->flags & LP_PY_LATE_INDIRECT))
		v.is_tagged = false;
	return is_plain(&v);
}

static void note_store(struct lp_walk *w, struct lp_way *way, const struct lp_machine_insn *in)
{
	const struct lp_walk_value *v = in->src < 16 ? &way->reg[in->src] : NULL;
	const uint16_t on = bit_of(in->base) | bit_of(in->index) | bit_of(in->src);
	struct lp_py_late late;
	bool known = find_address(way, in, &late);

	if (w->is_part && way->from_start & on) /* comes after what is read */
		return;
	if (is_count(in, &late, v))
		return;
	if (!known || late.size > 8) {
		note_blind(w, way, in);
		return;
	}
	if (in->kind == LP_MACHINE_STORE && !v) {
		late.add = in->imm;
	} else if (in->kind == LP_MACHINE_STORE && is_known(w, *v, &late)) {
		late.add = v->add;
		late.from = v->reg;
	} else {
		late.flags |= LP_PY_LATE_UNKNOWN;
	}
	add_store(way, &late);
}

/* A word that is yet to be stored is not what memory says. */
static struct lp_walk_value load(const struct lp_way *way, const struct lp_machine_insn *in)
{
	struct lp_walk_value v = { 0 };
	struct lp_py_late place;

	if (in->width < 4 || !find_address(way, in, &place) || place.index != LP_PY_NO_REGISTER ||
	    place.flags & LP_PY_LATE_INDIRECT)
		return v;
	for (uint32_t i = 0; i < way->n; i++) {
		const struct lp_py_late *late = &way->late[i];

		if (!same_place(late, &place))
			continue;
		if (late->flags & LP_PY_LATE_UNKNOWN || in->width != 8 || late->size != 8)
			return v;
		v.what = LP_WALK_SUM;
		v.reg = late->from;
		v.index = LP_PY_NO_REGISTER;
		v.add = late->add;
		return v;
	}
	v.what = LP_WALK_WORD;
	v.reg = place.base;
	v.disp = place.disp;
	return v;
}

/* Only of a register as it was at the start: of what is more, nothing is known. */
static struct lp_walk_value part_of(const struct lp_walk_value *of, uint8_t part)
{
	struct lp_walk_value v = { .what = LP_WALK_SUM, .reg = LP_PY_NO_REGISTER, .part = part };

	if (of->what != LP_WALK_SUM || of->add || of->is_tagged)
		return (struct lp_walk_value){ 0 };
	if (is_plain(of) && of->reg != LP_PY_NO_REGISTER) {
		v.index = of->reg;
		return v;
	}
	if (of->reg != LP_PY_NO_REGISTER || of->shift || of->index == LP_PY_NO_REGISTER)
		return (struct lp_walk_value){ 0 };
	v.index = of->index;
	if (of->part == LP_PY_MINUS && part == LP_PY_SIGNED)
		v.part = LP_PY_MINUS;
	else if (of->part == LP_PY_BIT || of->part == LP_PY_HALF)
		v.part = part == LP_PY_SIGNED || part == LP_PY_LOW ? of->part : LP_PY_WHOLE;
	else if (of->part == LP_PY_SIGNED)
		v.part = part;
	else
		v.part = LP_PY_WHOLE;
	return v.part == LP_PY_WHOLE ? (struct lp_walk_value){ 0 } : v;
}

static struct lp_walk_value result(const struct lp_walk *w, const struct lp_way *way,
				   const struct lp_machine_insn *in)
{
	struct lp_walk_value v = { 0 };

	switch (in->kind) {
	case LP_MACHINE_MOVE:
		if (in->src < 16)
			v = way->reg[in->src];
		break;
	case LP_MACHINE_SET:
		v.what = LP_WALK_SUM;
		v.reg = v.index = LP_PY_NO_REGISTER;
		v.add = in->imm;
		break;
	case LP_MACHINE_ADD:
		v = way->reg[in->dst];
		v.add += in->imm;
		break;
	case LP_MACHINE_TAG:
		if ((in->imm & ~(int64_t)w->tags) == 0) {
			v = way->reg[in->dst];
			v.is_tagged = true;
		}
		break;
	case LP_MACHINE_PART:
		if (in->src < 16)
			v = part_of(&way->reg[in->src], (uint8_t)in->imm);
		break;
	case LP_MACHINE_LEA:
		v = find_sum(way, in);
		break;
	case LP_MACHINE_LOAD:
		v = load(way, in);
		break;
	}
	return v;
}

/* Is what is read in an array the address of a handler? Where the array is known; up to 3.10 the loop begins
 * with a `switch`, which has one of its own.
 */
static bool is_handler_of(const struct lp_walk *w, const struct lp_way *way,
			  const struct lp_machine_insn *in)
{
	const struct lp_walk_value *v = in->base < 16 ? &way->reg[in->base] : NULL;

	if (w->has_switch && in->width == 4 && in->index < 16 && in->scale == 2)
		return true;
	if (in->width != 8 || in->index >= 16 || in->scale != 3)
		return false;
	if (!v)
		return (uint64_t)in->disp == w->table;
	return !is_plain(v) || v->reg != LP_PY_NO_REGISTER ||
	       (uint64_t)(v->add + in->disp) == w->table;
}

static void step_taint(const struct lp_walk *w, struct lp_way *way,
		       const struct lp_machine_insn *in, uint16_t *mask)
{
	bool depends = in->reads & *mask;

	if (in->kind == LP_MACHINE_LOAD)
		depends = depends && is_handler_of(w, way, in);
	*mask = depends ? *mask | in->writes : *mask & (uint16_t)~in->writes;
}

/* A read of the byte behind what the start has read, before it, or of the wanted one. */
static uint16_t look_at_read(const struct lp_walk *w, struct lp_way *way,
			     const struct lp_machine_insn *in, const struct lp_py_late *start)
{
	struct lp_py_late place;

	if (in->kind != LP_MACHINE_LOAD || in->width > 2 || !find_address(way, in, &place) ||
	    place.index != LP_PY_NO_REGISTER || place.flags & LP_PY_LATE_INDIRECT)
		return 0;
	size_t number = (size_t)(in - w->code->data);
	if (!way->first && w->base == place.base && place.disp <= w->wanted &&
	    w->wanted < place.disp + in->width)
		way->first = number;
	if (!start || in->width != 1 || start->base != place.base || start->index != place.index)
		return 0;
	if (place.disp == start->disp + 1 && !way->above)
		way->above = number;
	return place.disp == start->disp - 1 ? in->writes : 0;
}

static void follow(struct lp_walk *w, size_t at, struct lp_way way, const struct lp_py_late *start,
		   unsigned int branches)
{
	const struct lp_machine *code = w->code;

	for (unsigned int n = 0; n < INSNS_MAX && at < code->len; n++) {
		const struct lp_machine_insn *in = &code->data[at], *to;

		switch (in->kind) {
		case LP_MACHINE_CALL:
		case LP_MACHINE_END:
			return;
		case LP_MACHINE_LEAVE:
			if (in->width && !is_handler_of(w, &way, in))
				return;
			w->at_end(w, &way, in);
			return;
		case LP_MACHINE_BRANCH:
			to = lp_machine_at(code, (uint64_t)in->imm);
			if (branches == BRANCHES_MAX)
				return;
			branches++;
			if (to)
				follow(w, (size_t)(to - code->data), way, start, branches);
			break;
		case LP_MACHINE_JUMP:
			to = lp_machine_at(code, (uint64_t)in->imm);
			if (!to)
				return;
			at = (size_t)(to - code->data);
			continue;
		case LP_MACHINE_STORE:
		case LP_MACHINE_CHANGE:
			note_store(w, &way, in);
		}
		uint16_t below = look_at_read(w, &way, in, start);
		struct lp_walk_value v = result(w, &way, in);

		step_taint(w, &way, in, &way.from_start);
		step_taint(w, &way, in, &way.from_below);
		way.from_below |= below;
		way.is_kept = way.is_kept && !(in->writes & way.start);
		for (uint8_t i = 0; i < 16; i++)
			if (in->writes >> i & 1)
				way.reg[i] = i == in->dst ? v : (struct lp_walk_value){ 0 };
		if (at + 1 < code->len && code->data[at + 1].addr != in->addr + in->size)
			return;
		at++;
	}
}

void lp_walk_run(struct lp_walk *w, size_t start, size_t first)
{
	struct lp_way way = { 0 };
	struct lp_py_late place;
	bool known = false;

	for (uint8_t i = 0; i < 16; i++)
		way.reg[i] = (struct lp_walk_value){ .what = LP_WALK_SUM,
						     .reg = i,
						     .index = LP_PY_NO_REGISTER };
	if (start != SIZE_MAX) {
		const struct lp_machine_insn *in = &w->code->data[start];

		way.from_start = way.start = in->writes;
		way.is_kept = true;
		/* where it overwrites what its address was made of, nothing is known of that */
		known = !((bit_of(in->base) | bit_of(in->index)) & in->writes) &&
			find_address(&way, in, &place);
		first = start + 1;
	}
	follow(w, first, way, known ? &place : NULL, 0);
}
