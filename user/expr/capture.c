// SPDX-License-Identifier: GPL-2.0-only
#include "expr/capture.h"

#include <string.h>

/* Of one value: bytes, strings behind its pointers, redacted members. */
#define BYTES_MAX   16384u
#define STRINGS_MAX 64
#define HOLES_MAX   32

/* Programs that grow beyond this copy no more strings behind pointers. */
#define CODE_ENOUGH (LP_VM_STEPS_MAX - 256)

struct hole {
	uint64_t offset, len;
};

struct holes {
	struct hole list[HOLES_MAX];
	size_t n;
	bool too_many;
};

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint32_t string_max(const struct lp_capture *cap)
{
	return (uint32_t)smaller(cap->limits->string, LP_READ_MAX);
}

static bool is_memory(const struct lp_spot *spot)
{
	return spot->loc.kind == LP_LOC_MEM || spot->loc.kind == LP_LOC_MEM_MACH;
}

/* A register as the hit found it, all of it. */
static bool is_machine(const struct lp_spot *spot)
{
	return spot->loc.kind == LP_LOC_VALUE_MACH && !spot->bits;
}

const char *lp_capture_refused(const struct lp_tree *t)
{
	const struct lp_type *type = lp_type_strip(t->type);

	lp_type_complete(type, NULL);
	switch (type->kind) {
	case LP_TYPE_VOID:
		return "has no value";
	case LP_TYPE_FUNCTION:
		return "is a function";
	default:
		break;
	}
	if (type->kind == LP_TYPE_ARRAY || type->size)
		return NULL;
	return "is of a type that is only declared";
}

static void hole(struct lp_gen *g, uint16_t slot, uint64_t len, enum lp_status why)
{
	lp_emit(&g->e, CAP_HOLE, .n = LP_CAP(slot, smaller(len, LP_READ_MAX)), .imm = why);
}

static void capture_memory(struct lp_gen *g, const struct lp_loc *loc, uint64_t offset,
			   uint64_t len, uint16_t slot)
{
	for (uint64_t done = 0; done < len; done += LP_READ_MAX) {
		uint32_t n = LP_CAP(slot, smaller(len - done, LP_READ_MAX));
		uint64_t imm = (uint64_t)loc->disp + offset + done;

		if (loc->kind == LP_LOC_MEM)
			lp_emit(&g->e, CAP_MEM, .a = loc->reg, .n = n, .imm = imm);
		else
			lp_emit(&g->e, CAP_MEMM, .b = loc->reg, .n = n, .imm = imm);
	}
}

/* The string that the pointer at the spot plus offset points to. */
static void capture_pointed(struct lp_gen *g, const struct lp_loc *loc, uint64_t offset, uint32_t n)
{
	uint64_t imm = (uint64_t)loc->disp + offset;

	if (loc->kind == LP_LOC_MEM)
		lp_emit(&g->e, CAP_STRP, .a = loc->reg, .n = n, .imm = imm);
	else
		lp_emit(&g->e, CAP_STRPM, .b = loc->reg, .n = n, .imm = imm);
}

static void add_hole(struct holes *h, uint64_t offset, uint64_t len)
{
	if (h->n == HOLES_MAX) {
		h->too_many = true;
		return;
	}
	h->list[h->n].offset = offset;
	h->list[h->n++].len = len;
}

/* Bytes of redacted members, in order where the members are. */
static void find_holes(const struct lp_capture *cap, const struct lp_type *t, uint64_t offset,
		       int depth, struct holes *ret)
{
	t = lp_type_strip(t);
	if (depth > 16 || ret->too_many)
		return;
	lp_type_complete(t, NULL);
	if (t->kind == LP_TYPE_ARRAY && t->target) {
		const struct lp_type *element = lp_type_strip(t->target);
		bool is_flat = element->kind != LP_TYPE_STRUCT && element->kind != LP_TYPE_UNION &&
			       element->kind != LP_TYPE_ARRAY;
		uint64_t n = is_flat ? 0 : smaller(t->count, cap->limits->items);

		for (uint64_t i = 0; i < n && !ret->too_many; i++)
			find_holes(cap, element, offset + i * element->size, depth + 1, ret);
		return;
	}
	if (t->kind != LP_TYPE_STRUCT && t->kind != LP_TYPE_UNION)
		return;
	for (size_t i = 0; i < t->n_members; i++) {
		const struct lp_member *m = &t->members[i];
		uint64_t at = offset + m->bit_offset / 8;
		uint64_t bits = m->bit_offset % 8 +
				(m->bit_size ? m->bit_size : lp_type_strip(m->type)->size * 8);

		if (m->name && lp_redacted(cap->limits->redact, m->name, strlen(m->name)))
			add_hole(ret, at, (bits + 7) / 8);
		else if (!m->is_virtual)
			find_holes(cap, m->type, at, depth + 1, ret);
	}
}

static void sort_holes(struct holes *h)
{
	for (size_t i = 1; i < h->n; i++)
		for (size_t j = i; j > 0 && h->list[j].offset < h->list[j - 1].offset; j--) {
			struct hole swap = h->list[j];

			h->list[j] = h->list[j - 1];
			h->list[j - 1] = swap;
		}
}

static void capture_around(struct lp_gen *g, const struct lp_loc *loc, uint64_t len, uint16_t slot,
			   const struct holes *h)
{
	uint64_t done = 0;

	for (size_t i = 0; i < h->n && done < len; i++) {
		uint64_t start = h->list[i].offset, end = smaller(start + h->list[i].len, len);

		if (end <= done || start >= len)
			continue;
		if (start > done)
			capture_memory(g, loc, done, start - done, slot);
		else
			start = done;
		for (; start < end; start += LP_READ_MAX)
			hole(g, slot, end - start, LP_ST_REDACTED);
		done = end;
	}
	if (done < len)
		capture_memory(g, loc, done, len - done, slot);
}

struct strings {
	const struct lp_capture *cap;
	const struct lp_spot *spot;
	uint64_t len; /* of the value as captured: pointers beyond are not shown */
	int n;
};

/* Where `width` bits of the value lie, from `start` on; false: in several places, or nowhere. */
static bool part_of(const struct lp_spot *spot, uint64_t start, uint64_t width, struct lp_spot *ret)
{
	uint64_t at = 0;

	*ret = *spot;
	ret->bits += start;
	for (size_t i = 0; spot->loc.kind == LP_LOC_PIECES; i++) {
		if (i == spot->loc.n_pieces)
			return false;
		const struct lp_piece *p = &spot->loc.pieces[i];
		const uint64_t want = spot->bits + start;
		if (want >= at && want + width <= at + p->bit_size) {
			*ret = (struct lp_spot){ .loc = p->loc, .bits = p->bit_offset + want - at };
			break;
		}
		at += p->bit_size;
	}
	return ret->loc.kind != LP_LOC_NONE && ret->loc.kind != LP_LOC_PIECES &&
	       ret->loc.kind != LP_LOC_POINTEE;
}

static void follow_string(struct lp_gen *g, const struct strings *s, const struct lp_type *t,
			  uint64_t offset)
{
	const uint32_t n = LP_CAP(LP_SLOT_MEM, string_max(s->cap));
	struct lp_spot part;

	if (!part_of(s->spot, offset * 8, t->size * 8, &part))
		return;
	if (is_memory(&part) && part.bits % 8 == 0) {
		capture_pointed(g, &part.loc, part.bits / 8, n);
		return;
	}
	uint8_t r = lp_gen_load(g, &part, t, 0);
	lp_emit(&g->e, CAP_STR, .a = r, .n = n);
	lp_emit_release(&g->e, r);
}

static void follow_strings(struct lp_gen *g, struct strings *s, const struct lp_type *t,
			   uint64_t offset, uint32_t depth)
{
	const struct lp_limits *limits = s->cap->limits;

	t = lp_type_strip(t);
	if (depth > limits->depth || s->n >= STRINGS_MAX || g->e.code.len >= CODE_ENOUGH)
		return;
	lp_type_complete(t, NULL);
	if (t->kind == LP_TYPE_POINTER && lp_type_is_string(t)) {
		if (offset + t->size <= s->len) {
			follow_string(g, s, t, offset);
			s->n++;
		}
	} else if (t->kind == LP_TYPE_ARRAY && t->target) {
		uint64_t size = lp_type_strip(t->target)->size;
		uint64_t n = size > 1 ? smaller(t->count, limits->items) : 0;

		for (uint64_t i = 0; i < n && s->n < STRINGS_MAX; i++)
			follow_strings(g, s, t->target, offset + i * size, depth + 1);
	} else if (t->kind == LP_TYPE_STRUCT || t->kind == LP_TYPE_UNION) {
		for (size_t i = 0; i < t->n_members; i++) {
			const struct lp_member *m = &t->members[i];

			if (m->bit_size || m->is_virtual ||
			    (m->name && lp_redacted(limits->redact, m->name, strlen(m->name))))
				continue;
			follow_strings(g, s, m->type, offset + m->bit_offset / 8, depth + 1);
		}
	}
}

/* len bytes that lie in registers or constants. */
static void capture_bits(struct lp_gen *g, const struct lp_spot *spot, uint64_t len, uint16_t slot);

static void capture_pieces(struct lp_gen *g, const struct lp_spot *spot, uint64_t len,
			   uint16_t slot)
{
	uint64_t start = 0, done = 0, width = len * 8;

	for (size_t i = 0; i < spot->loc.n_pieces && done < width; i++) {
		const struct lp_piece *p = &spot->loc.pieces[i];
		uint64_t want = spot->bits + done, end = start + p->bit_size;

		if (want < end) {
			uint64_t n = smaller(end - want, width - done);
			struct lp_spot sub = { .loc = p->loc,
					       .bits = p->bit_offset + want - start };

			if (n % 8)
				break;
			capture_bits(g, &sub, n / 8, slot);
			done += n;
		}
		start = end;
	}
	if (done < width)
		hole(g, slot, (width - done) / 8, LP_ST_OPTIMIZED_OUT);
}

static void capture_const(struct lp_gen *g, const struct lp_spot *spot, uint64_t len, uint16_t slot)
{
	uint64_t at = spot->bits / 8;

	for (uint64_t done = 0; done < len;) {
		uint64_t n = smaller(len - done, 8), v = 0;

		if (spot->bits % 8 || at + done + n > spot->loc.len) {
			hole(g, slot, len - done, LP_ST_OPTIMIZED_OUT);
			return;
		}
		memcpy(&v, (const char *)spot->loc.bytes + at + done, n);

		uint8_t r = lp_emit_reg(&g->e);
		lp_emit(&g->e, IMM, .dst = r, .imm = v);
		lp_emit(&g->e, CAP_REG, .a = r, .n = LP_CAP(slot, n));
		lp_emit_release(&g->e, r);
		done += n;
	}
}

static void capture_register(struct lp_gen *g, const struct lp_spot *spot, uint64_t len,
			     uint16_t slot)
{
	bool is_machine = spot->loc.kind == LP_LOC_VALUE_MACH;

	if (spot->bits > 64 || spot->bits + len * 8 > 64) {
		hole(g, slot, len, LP_ST_UNAVAILABLE);
		return;
	}
	if (is_machine && !spot->bits) {
		lp_emit(&g->e, CAP_MACH, .b = spot->loc.reg, .n = LP_CAP(slot, len));
		return;
	}
	if (!is_machine && !spot->bits) {
		lp_emit(&g->e, CAP_REG, .a = spot->loc.reg, .n = LP_CAP(slot, len));
		return;
	}

	uint8_t r = lp_emit_reg(&g->e);
	if (is_machine)
		lp_emit(&g->e, REG, .dst = r, .b = spot->loc.reg);
	lp_emit(&g->e, BITS, .dst = r, .a = is_machine ? r : spot->loc.reg,
		.imm = LP_BITS(spot->bits, 64 - spot->bits, 0));
	lp_emit(&g->e, CAP_REG, .a = r, .n = LP_CAP(slot, len));
	lp_emit_release(&g->e, r);
}

static void capture_bits(struct lp_gen *g, const struct lp_spot *spot, uint64_t len, uint16_t slot)
{
	switch (spot->loc.kind) {
	case LP_LOC_MEM:
	case LP_LOC_MEM_MACH:
		capture_memory(g, &spot->loc, spot->bits / 8, len, slot);
		break;
	case LP_LOC_VALUE:
	case LP_LOC_VALUE_MACH:
		capture_register(g, spot, len, slot);
		break;
	case LP_LOC_CONST:
		capture_const(g, spot, len, slot);
		break;
	case LP_LOC_PIECES:
		capture_pieces(g, spot, len, slot);
		break;
	case LP_LOC_NONE:
		hole(g, slot, len, spot->loc.why);
		break;
	case LP_LOC_POINTEE:
		hole(g, slot, len, LP_ST_OPTIMIZED_OUT);
		break;
	}
}

/* Of an array: the items that are shown. */
static uint64_t shown_size(const struct lp_type *t, const struct lp_limits *limits)
{
	if (t->kind != LP_TYPE_ARRAY)
		return t->size;
	if (!t->target)
		return 0;

	uint64_t size = lp_type_strip(t->target)->size;
	/* int a[]: how many there are is not known */
	uint64_t n = t->count == LP_TYPE_COUNT_UNKNOWN ? 0 : smaller(t->count, limits->items);
	return size > BYTES_MAX ? (n ? BYTES_MAX : 0) : n * size;
}

static void capture_aggregate(struct lp_gen *g, const struct lp_spot *spot,
			      const struct lp_type *type, struct lp_capture *cap)
{
	const struct lp_type *t = lp_type_strip(type);
	uint64_t len = smaller(shown_size(t, cap->limits), BYTES_MAX);
	struct holes holes = { 0 };

	find_holes(cap, t, 0, 0, &holes);
	sort_holes(&holes);
	if (holes.too_many || (holes.n && !is_memory(spot))) {
		hole(g, cap->slot, len, LP_ST_REDACTED);
		return;
	}
	if (is_memory(spot))
		capture_around(g, &spot->loc, len, cap->slot, &holes);
	else
		capture_bits(g, spot, len, cap->slot);

	struct strings s = { .cap = cap, .spot = spot, .len = len };
	follow_strings(g, &s, t, 0, 0);
}

static void capture_slice(struct lp_gen *g, const struct lp_tree *t, struct lp_capture *cap)
{
	uint64_t size = lp_type_strip(lp_type_strip(t->type)->target)->size;
	bool is_text = lp_type_is_string(t->type) || (cap->want_string && lp_tree_is_text(t));
	uint64_t max =
		is_text ? string_max(cap) : smaller(cap->limits->items, LP_READ_MAX / size) * size;

	cap->as_string = is_text;
	max = max ? max : LP_READ_MAX;
	uint8_t a = lp_gen_value(g, t->a), b = lp_gen_value(g, t->b);
	if (size > 1)
		lp_emit(&g->e, MULI, .dst = b, .a = b, .imm = size);
	lp_emit(&g->e, CAP_MEMV, .a = a, .b = b, .n = LP_CAP(cap->slot, max));
	lp_emit_release(&g->e, a);
	lp_emit_release(&g->e, b);
}

static void capture_string_at(struct lp_gen *g, uint8_t r, uint64_t len,
			      const struct lp_capture *cap)
{
	lp_emit(&g->e, CAP_STR, .a = r, .n = LP_CAP(cap->slot, smaller(len, string_max(cap))));
	lp_emit_release(&g->e, r);
}

/* char[N]: all of it where it is short, so that one without a terminator is not called cut. */
static void capture_char_array(struct lp_gen *g, const struct lp_spot *spot,
			       const struct lp_type *type, struct lp_capture *cap)
{
	uint64_t count = lp_type_strip(type)->count;

	if (is_memory(spot) && count > string_max(cap)) {
		struct lp_spot copy = *spot;
		uint8_t r = lp_gen_address(g, &copy);

		cap->as_string = true;
		if (spot->loc.kind == LP_LOC_MEM)
			g->e.regs |= 1u << r; /* still the spot's */
		lp_emit(&g->e, CAP_STR, .a = r, .n = LP_CAP(cap->slot, string_max(cap)));
		if (spot->loc.kind != LP_LOC_MEM)
			lp_emit_release(&g->e, r);
		return;
	}
	cap->as_string = count > 0 && !lp_type_is_string(type);
	capture_bits(g, spot, smaller(count, BYTES_MAX), cap->slot);
}

static bool is_array(const struct lp_type *t)
{
	return lp_type_strip(t)->kind == LP_TYPE_ARRAY;
}

static void capture_scalar(struct lp_gen *g, const struct lp_spot *spot, const struct lp_tree *t,
			   struct lp_capture *cap)
{
	uint64_t size = lp_type_strip(t->type)->size;

	if (!t->bit_size || spot->loc.kind == LP_LOC_NONE) {
		capture_bits(g, spot, size, cap->slot);
		return;
	}

	uint8_t r = lp_gen_load(g, spot, t->type, t->bit_size);
	lp_emit(&g->e, CAP_REG, .a = r, .n = LP_CAP(cap->slot, size));
	lp_emit_release(&g->e, r);
}

static void capture_object(struct lp_gen *g, const struct lp_tree *t, bool is_string,
			   struct lp_capture *cap)
{
	struct lp_spot spot;

	lp_gen_spot(g, t, &spot);
	if (is_string && is_array(t->type)) {
		capture_char_array(g, &spot, t->type, cap);
	} else if (is_string && spot.loc.kind == LP_LOC_NONE) {
		capture_scalar(g, &spot, t, cap);
	} else if (is_string && is_memory(&spot)) {
		cap->as_string = true;
		capture_pointed(g, &spot.loc, 0, LP_CAP(cap->slot, string_max(cap)));
	} else if (is_string && is_machine(&spot)) {
		cap->as_string = true;
		lp_emit(&g->e, CAP_STRM, .b = spot.loc.reg,
			.n = LP_CAP(cap->slot, string_max(cap)));
	} else if (is_string) {
		cap->as_string = true;
		capture_string_at(g, lp_gen_load(g, &spot, t->type, 0), LP_READ_MAX, cap);
	} else if (lp_type_is_scalar(t->type)) {
		capture_scalar(g, &spot, t, cap);
	} else {
		capture_aggregate(g, &spot, t->type, cap);
	}
	lp_gen_release_spot(g, &spot);
}

static bool shows_string(const struct lp_tree *t, const struct lp_capture *cap)
{
	if (cap->want_pointer || t->bit_size)
		return false;
	return lp_type_is_string(t->type) || (cap->want_string && lp_tree_is_string(t));
}

void lp_capture_tree(struct lp_gen *g, const struct lp_tree *t, struct lp_capture *cap)
{
	bool is_string = shows_string(t, cap);

	cap->type = t->type;
	cap->as_string = false;
	size_t try = lp_gen_try(g, cap->slot);
	if (t->kind == LP_TREE_SLICE) {
		capture_slice(g, t, cap);
	} else if (lp_tree_is_object(t)) {
		capture_object(g, t, is_string, cap);
	} else {
		uint8_t r = lp_gen_value(g, t);

		cap->as_string = is_string;
		if (is_string)
			capture_string_at(g, r, LP_READ_MAX, cap);
		else
			lp_emit(&g->e, CAP_REG, .a = r,
				.n = LP_CAP(cap->slot, smaller(lp_type_strip(t->type)->size, 8)));
		lp_emit_release(&g->e, r);
	}
	if (lp_tree_is_pointer(t) && cap->want_pointer)
		cap->type = &lp_type_void_ptr;
	lp_gen_try_end(g, try);
}
