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

static bool is_register(const struct lp_walk_value *v)
{
	return v->what == LP_WALK_SUM && v->index == LP_PY_NO_REGISTER;
}

static bool is_plain(const struct lp_walk_value *v)
{
	return is_register(v) && !v->tags;
}

static bool is_constant(const struct lp_walk_value *v)
{
	return is_plain(v) && v->reg == LP_PY_NO_REGISTER;
}

static bool is_whole_word(const struct lp_walk_value *v)
{
	return v->what == LP_WALK_WORD && v->part == LP_PY_WHOLE && !v->add;
}

static struct lp_walk_value word_of(uint8_t reg, int64_t disp, uint8_t part)
{
	return (struct lp_walk_value){
		.what = LP_WALK_WORD, .reg = reg, .disp = disp, .part = part
	};
}

static bool add_base(const struct lp_walk_value *v, struct lp_py_late *ret)
{
	if (v->tags)
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
	if (v->what != LP_WALK_SUM || v->tags || ret->index != LP_PY_NO_REGISTER)
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
	for (uint32_t i = way->n; i-- > 0 && !(place->flags & LP_PY_LATE_IF);) {
		if (!same_place(&way->late[i], place) || way->late[i].size != place->size)
			continue;
		memmove(&way->late[i], &way->late[i + 1], (--way->n - i) * sizeof(*way->late));
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

/* What is stored, if that can be told. On the value stack nobody looks at tags. */
static void set_value(const struct lp_walk *w, struct lp_walk_value v, struct lp_py_late *late)
{
	if (late->base != w->stack || late->flags & LP_PY_LATE_INDIRECT)
		late->tags = v.tags;
	v.tags = 0;
	late->from = v.reg;
	if (is_plain(&v)) {
		late->add = v.add;
	} else if (is_whole_word(&v)) {
		late->add = v.disp;
		late->flags |= LP_PY_LATE_WORD;
	} else {
		late->from = LP_PY_NO_REGISTER;
		late->tags = 0;
		late->flags |= LP_PY_LATE_UNKNOWN;
	}
}

/* The one or the other. */
static void add_choice(const struct lp_walk *w, struct lp_way *way, struct lp_py_late late)
{
	const struct lp_walk_choice *c = &way->choice;
	struct lp_py_late other = late;

	set_value(w, c->plain, &late);
	add_store(way, &late);
	set_value(w, c->other, &other);
	other.flags |= c->if_equal ? LP_PY_LATE_EQUAL : LP_PY_LATE_UNEQUAL;
	if (c->test.is_word)
		other.flags |= LP_PY_LATE_LEFT_WORD;
	other.left = c->test.left;
	other.left_disp = c->test.disp;
	other.mask = c->test.mask;
	other.right = c->test.right;
	other.right_or = c->test.right_or;
	add_store(way, &other);
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
	if (in->kind == LP_MACHINE_STORE && v && v->what == LP_WALK_CHOICE) {
		add_choice(w, way, late);
		return;
	}
	if (in->kind == LP_MACHINE_CHANGE)
		late.flags |= LP_PY_LATE_UNKNOWN;
	else if (v)
		set_value(w, *v, &late);
	else
		late.add = in->imm;
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
	for (uint32_t i = way->n; i-- > 0;) {
		const struct lp_py_late *late = &way->late[i];

		if (!same_place(late, &place))
			continue;
		if (late->flags & (LP_PY_LATE_UNKNOWN | LP_PY_LATE_IF) || in->width != 8 ||
		    late->size != 8)
			return v;
		if (late->flags & LP_PY_LATE_WORD) {
			v = word_of(late->from, late->add, LP_PY_WHOLE);
		} else {
			v.what = LP_WALK_SUM;
			v.reg = late->from;
			v.index = LP_PY_NO_REGISTER;
			v.add = late->add;
		}
		v.tags = late->tags;
		return v;
	}
	return word_of(place.base, place.disp, in->width == 8 ? LP_PY_WHOLE : LP_PY_LOW);
}

/* What is compared. */
static struct lp_walk_test test_of(const struct lp_way *way, const struct lp_machine_insn *in)
{
	const struct lp_walk_value left = in->dst < 16 ? way->reg[in->dst] : load(way, in);
	const struct lp_walk_value *right = in->src < 16 ? &way->reg[in->src] : NULL;
	struct lp_walk_test t = { .left = left.reg,
				  .right = LP_PY_NO_REGISTER,
				  .right_or = (uint64_t)in->imm };

	t.mask = in->width == 8 ? ~0ull : 0xffffffff;
	if (left.what == LP_WALK_WORD) {
		t.is_word = true;
		t.disp = left.disp;
		t.is_known = !left.add && !left.tags && (int16_t)left.disp == left.disp &&
			     (left.part == LP_PY_WHOLE || in->width == 4);
	} else {
		t.is_known = is_plain(&left) && !left.add;
	}
	if (right) {
		t.is_known = t.is_known && is_register(right) &&
			     (right->reg == LP_PY_NO_REGISTER || !right->add);
		t.right = right->reg;
		t.right_or = (uint64_t)right->add | right->tags;
	}
	return t;
}

/* A move on a condition: of one register at a time it is known what it may be. */
static struct lp_walk_value choose(struct lp_way *way, const struct lp_machine_insn *in)
{
	struct lp_walk_value v = { 0 };

	for (uint8_t i = 0; i < 16; i++)
		if (way->reg[i].what == LP_WALK_CHOICE)
			way->reg[i] = v;
	way->choice = (struct lp_walk_choice){
		.test = way->test,
		.plain = way->reg[in->dst],
		.other = in->src < 16 ? way->reg[in->src] : load(way, in),
		.if_equal = in->kind == LP_MACHINE_EQUAL,
	};
	if (way->test.is_known)
		v.what = LP_WALK_CHOICE;
	return v;
}

/* Only of a register as it was at the start: of what is more, nothing is known. */
static struct lp_walk_value part_of(const struct lp_walk_value *of, uint8_t part)
{
	struct lp_walk_value v = { .what = LP_WALK_SUM, .reg = LP_PY_NO_REGISTER, .part = part };

	if (of->what != LP_WALK_SUM || of->add || of->tags)
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

static struct lp_walk_value result(const struct lp_walk *w, struct lp_way *way,
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
		if (way->reg[in->dst].what == LP_WALK_CHOICE || in->imm & way->reg[in->dst].tags)
			break;
		v = way->reg[in->dst];
		v.add += in->imm;
		break;
	case LP_MACHINE_TAG:
		if (is_constant(&way->reg[in->dst])) {
			v = way->reg[in->dst];
			v.add |= in->imm;
		} else if (way->reg[in->dst].what != LP_WALK_CHOICE &&
			   (in->imm & ~(int64_t)(uint8_t)w->tags) == 0) {
			v = way->reg[in->dst];
			v.tags |= (uint8_t)in->imm;
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
	case LP_MACHINE_EQUAL:
	case LP_MACHINE_UNEQUAL:
		v = choose(way, in);
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

		if (in->kind == LP_MACHINE_COMPARE)
			way.test = test_of(&way, in);
		else if (in->has_flags)
			way.test.is_known = false;
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
	struct lp_way way = { .test = { .is_known = true,
					.left = LP_PY_FLAGS,
					.right = LP_PY_NO_REGISTER,
					.mask = LP_PY_FLAG_ZERO,
					.right_or = LP_PY_FLAG_ZERO } };
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
