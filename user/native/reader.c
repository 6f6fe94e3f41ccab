// SPDX-License-Identifier: GPL-2.0-only
#include "native/reader.h"

#include <errno.h>
#include <string.h>

#include "native/reader_impl.h"

#define REFERENCES_MAX (1u << 20) /* bytes read through one reference */
#define VALUES_MAX     65536	  /* made for one value of a record */
#define UNBOUNDED_MAX  16	  /* nesting where the caller sets no limit */

static void error(struct lp_value *ret, const char *why)
{
	*ret = (struct lp_value){ .kind = LP_VAL_ERROR, .str = why };
}

void lp_status_text(enum lp_status status, uint64_t addr, struct lp_arena *a, struct lp_value *ret)
{
	static const char *const texts[LP_ST_COUNT] = {
		[LP_ST_OK] = "not captured",
		[LP_ST_UNREADABLE] = "unreadable",
		[LP_ST_OPTIMIZED_OUT] = "optimized out",
		[LP_ST_UNAVAILABLE] = "unavailable",
		[LP_ST_DIV_ZERO] = "division by zero",
		[LP_ST_NO_ROOM] = "truncated",
		[LP_ST_TOO_LONG] = "too long",
		[LP_ST_NOT_IN_SCOPE] = "not in scope",
		[LP_ST_REDACTED] = "redacted",
		[LP_ST_UNBOUND] = "unbound",
		[LP_ST_NO_ATTR] = "no such attribute",
		[LP_ST_NO_ITEM] = "no such item",
		[LP_ST_WRONG_TYPE] = "wrong type",
		[LP_ST_RUNS_CODE] = "would run code",
		[LP_ST_TOO_BIG] = "too big",
	};

	error(ret, "unknown status");
	if ((unsigned int)status < LP_ST_COUNT && texts[status])
		ret->str = texts[status];
	if (status != LP_ST_UNREADABLE)
		return;
	const char *text = lp_arena_fmt(a, "unreadable 0x%llx", (unsigned long long)addr);
	if (text)
		ret->str = text;
}

/* Everything that overlaps [offset, offset + len) must be there. */
static bool check(const struct lp_reading *rd, uint64_t offset, uint64_t len, struct lp_value *ret)
{
	const struct lp_bytes *b = rd->bytes;

	for (size_t i = 0; i < b->n_holes; i++) {
		const struct lp_hole *h = &b->holes[i];
		if (h->offset >= offset + len || h->len == 0 ||
		    (h->offset < offset && offset - h->offset >= h->len))
			continue;
		lp_status_text(h->status, b->addr ? b->addr + h->offset : 0, rd->r->arena, ret);
		return false;
	}
	if (len > b->len || offset > b->len - len) {
		error(ret, "truncated");
		return false;
	}
	return true;
}

/* Little-endian, size <= 8, extended. */
static uint64_t load(const uint8_t *p, uint64_t size, bool is_signed)
{
	uint64_t v = 0;

	memcpy(&v, p, size);
	if (is_signed && size < 8) {
		unsigned int shift = 64 - 8 * (unsigned int)size;
		v = (uint64_t)((int64_t)(v << shift) >> shift);
	}
	return v;
}

static const uint8_t *at(const struct lp_reading *rd, uint64_t offset)
{
	return (const uint8_t *)rd->bytes->data + offset;
}

static void read_integer(struct lp_reading *rd, const struct lp_type *t, uint64_t offset, int depth,
			 struct lp_value *ret)
{
	(void)depth;
	if (!check(rd, offset, t->size, ret))
		return;
	if (t->size == 16)
		lp_reader_big(rd, at(rd, offset), t->is_signed, ret);
	else if (t->size == 0 || t->size > 8)
		error(ret, "of unknown size");
	else
		lp_type_value(t, load(at(rd, offset), t->size, t->is_signed), rd->r->arena, ret);
}

static void read_float(struct lp_reading *rd, const struct lp_type *t, uint64_t offset, int depth,
		       struct lp_value *ret)
{
	(void)depth;
	if (check(rd, offset, t->size, ret) &&
	    !lp_reader_float(at(rd, offset), t->size, t->is_quad, ret))
		error(ret, "of unknown format");
}

static void read_complex(struct lp_reading *rd, const struct lp_type *t, uint64_t offset, int depth,
			 struct lp_value *ret)
{
	(void)depth;
	if (!check(rd, offset, t->size, ret))
		return;
	struct lp_value *items = lp_arena_array(rd->r->arena, struct lp_value, 2);
	if (!items || !lp_reader_float(at(rd, offset), t->size / 2, t->is_quad, &items[0]) ||
	    !lp_reader_float(at(rd, offset + t->size / 2), t->size / 2, t->is_quad, &items[1])) {
		error(ret, items ? "of unknown format" : "out of memory");
		return;
	}
	ret->kind = LP_VAL_COMPLEX;
	ret->size = (uint8_t)t->size;
	ret->items = items;
	ret->len = 2;
}

static void read_string(struct lp_reading *rd, uint64_t addr, struct lp_value *ret)
{
	uint32_t max = rd->r->max_string;
	char *buf = lp_arena_alloc(rd->r->arena, (size_t)max + 1);
	int cut = 0;

	if (!buf) {
		error(ret, "out of memory");
		return;
	}
	long n = rd->r->memory ? rd->r->memory->read_string(rd->r->memory, addr, buf, max, &cut)
			       : -1;
	if (n == -ENODATA) {
		ret->kind = LP_VAL_POINTER;
		return;
	}
	if (n < 0) {
		lp_status_text(LP_ST_UNREADABLE, addr, rd->r->arena, ret);
		return;
	}
	ret->kind = LP_VAL_STRING;
	ret->str = buf;
	ret->len = (size_t)n;
	ret->cut = cut != 0;
}

static bool is_char(const struct lp_type *t)
{
	return t && t->kind == LP_TYPE_CHAR && t->size == 1;
}

static void read_pointer(struct lp_reading *rd, const struct lp_type *t, uint64_t offset, int depth,
			 struct lp_value *ret)
{
	(void)depth;
	if (t->size != 8) {
		error(ret, "of unknown size");
		return;
	}
	if (!check(rd, offset, 8, ret))
		return;
	ret->size = 8;
	ret->u = load(at(rd, offset), 8, false);
	if (ret->u == 0)
		ret->kind = LP_VAL_NULL;
	else if (t->target && is_char(lp_type_strip(t->target)))
		read_string(rd, ret->u, ret);
	else {
		ret->kind = LP_VAL_POINTER;
		ret->str = rd->r->symbol ? rd->r->symbol(rd->r->symbol_arg, ret->u) : NULL;
	}
}

static void read_member_pointer(struct lp_reading *rd, const struct lp_type *t, uint64_t offset,
				int depth, struct lp_value *ret)
{
	(void)depth;
	/* of a method, the first half: an address or an index of the virtual table */
	if (t->size < 8 || !check(rd, offset, t->size, ret))
		return;
	ret->kind = LP_VAL_INT;
	ret->size = 8;
	ret->u = load(at(rd, offset), 8, false);
}

static void read_enum(struct lp_reading *rd, const struct lp_type *t, uint64_t offset, int depth,
		      struct lp_value *ret)
{
	(void)depth;
	if (t->size == 0 || t->size > 8)
		error(ret, "of unknown size");
	else if (check(rd, offset, t->size, ret))
		lp_type_value(t, load(at(rd, offset), t->size, t->is_signed), rd->r->arena, ret);
}

/* A reference shows what it refers to. */
static void read_reference(struct lp_reading *rd, const struct lp_type *t, uint64_t offset,
			   int depth, struct lp_value *ret)
{
	if (t->size != 8) {
		error(ret, "of unknown size");
		return;
	}
	if (!check(rd, offset, 8, ret))
		return;

	uint64_t addr = load(at(rd, offset), 8, false), size = t->target ? t->target->size : 0;
	if (t->target && size == 0 && lp_type_complete(lp_type_strip(t->target), NULL) == 0)
		size = lp_type_strip(t->target)->size;
	if (depth + 1 > rd->max_depth + 1 || size == 0 || size > REFERENCES_MAX) {
		ret->kind = LP_VAL_POINTER;
		ret->size = 8;
		ret->u = addr;
		return;
	}

	void *data = lp_arena_alloc(rd->r->arena, size);
	if (!data) {
		error(ret, "out of memory");
		return;
	}
	int r = rd->r->memory ? rd->r->memory->read(rd->r->memory, addr, data, size) : -EFAULT;
	if (r == -ENODATA) {
		ret->kind = LP_VAL_POINTER;
		ret->size = 8;
		ret->u = addr;
		return;
	}
	if (r < 0) {
		lp_status_text(LP_ST_UNREADABLE, addr, rd->r->arena, ret);
		return;
	}
	struct lp_bytes bytes = { .data = data, .len = size, .addr = addr };
	struct lp_reading inner = *rd;
	inner.bytes = &bytes;
	lp_reader_read(&inner, t->target, 0, depth + 1, ret);
}

static void read_chars(struct lp_reading *rd, const struct lp_type *t, uint64_t offset,
		       struct lp_value *ret)
{
	uint64_t len = t->size, have;

	/* what was captured of it may be less than the whole; then the string is cut */
	have = rd->bytes->len > offset ? rd->bytes->len - offset : 0;
	if (t->count == LP_TYPE_COUNT_UNKNOWN || len > have)
		len = have;
	if (!check(rd, offset, len, ret))
		return;

	const char *s = (const char *)at(rd, offset), *end = len ? memchr(s, 0, len) : NULL;
	ret->kind = LP_VAL_STRING;
	ret->str = s;
	ret->len = end ? (size_t)(end - s) : len;
	ret->cut = !end && len < t->size;
	if (ret->len > rd->r->max_string) {
		ret->len = rd->r->max_string;
		ret->cut = true;
	}
}

static void read_array(struct lp_reading *rd, const struct lp_type *t, uint64_t offset, int depth,
		       struct lp_value *ret)
{
	const struct lp_type *element = t->target ? lp_type_strip(t->target) : NULL;
	uint64_t size = element ? element->size : 0, count = t->count, have;

	if (is_char(element)) {
		read_chars(rd, t, offset, ret);
		return;
	}
	if (depth >= rd->max_depth) {
		ret->kind = LP_VAL_DEEPER;
		return;
	}
	ret->kind = LP_VAL_LIST;
	if (count == 0)
		return;
	if (size == 0) {
		error(ret, "of unknown size");
		return;
	}
	have = rd->bytes->len > offset ? (rd->bytes->len - offset) / size : 0;
	if (count == LP_TYPE_COUNT_UNKNOWN) {
		if (have == 0) {
			error(ret, "of unknown size");
			return;
		}
		count = have;
	}
	uint64_t shown = count < rd->r->max_items ? count : rd->r->max_items;
	if (shown > have)
		shown = have;
	if (shown == 0 && count > 0 && rd->r->max_items > 0) {
		check(rd, offset, size, ret);
		return;
	}

	struct lp_value *items = lp_arena_array(rd->r->arena, struct lp_value, shown);
	if (!items) {
		error(ret, "out of memory");
		return;
	}
	for (uint64_t i = 0; i < shown; i++)
		lp_reader_read(rd, t->target, offset + i * size, depth + 1, &items[i]);
	ret->items = items;
	ret->len = shown;
	ret->cut = shown < count;
}

static void read_bits(struct lp_reading *rd, const struct lp_member *m, uint64_t offset,
		      struct lp_value *ret)
{
	const struct lp_type *t = lp_type_strip(m->type);
	uint64_t first = offset + m->bit_offset / 8, shift = m->bit_offset % 8;
	uint64_t bytes = (shift + m->bit_size + 7) / 8;
	unsigned __int128 v = 0;

	if (m->bit_size > 64 || bytes > 16) {
		error(ret, "of unknown size");
		return;
	}
	if (!check(rd, first, bytes, ret))
		return;
	memcpy(&v, at(rd, first), bytes);

	uint64_t raw = (uint64_t)(v >> shift);
	if (m->bit_size < 64) {
		unsigned int up = 64 - m->bit_size;
		raw <<= up;
		raw = t->is_signed && t->kind != LP_TYPE_BOOL ? (uint64_t)((int64_t)raw >> up)
							      : raw >> up;
	}
	lp_type_value(t, raw, rd->r->arena, ret);
}

static const char *member_name(struct lp_reading *rd, const struct lp_member *m)
{
	if (!m->is_base)
		return m->name;
	return lp_arena_fmt(rd->r->arena, "<%s>", m->type->name);
}

static void read_struct(struct lp_reading *rd, const struct lp_type *t, uint64_t offset, int depth,
			struct lp_value *ret)
{
	size_t n = 0;

	if (depth >= rd->max_depth) {
		ret->kind = LP_VAL_DEEPER;
		return;
	}
	if (lp_type_complete(t, NULL) < 0) {
		error(ret, "of incomplete type");
		return;
	}
	if (t->n_members > VALUES_MAX - *rd->values) {
		ret->kind = LP_VAL_DEEPER;
		return;
	}
	struct lp_value *items = lp_arena_array(rd->r->arena, struct lp_value, t->n_members);
	if (!items) {
		error(ret, "out of memory");
		return;
	}
	for (size_t i = 0; i < t->n_members; i++) {
		const struct lp_member *m = &t->members[i];
		struct lp_value *item = &items[n];

		/* what the compiler put in: the pointer to the virtual table */
		if (m->is_artificial)
			continue;
		n++;
		*item = (struct lp_value){ 0 };
		if (m->is_virtual)
			error(item, "virtual base");
		else if (m->bit_size)
			read_bits(rd, m, offset, item);
		else
			lp_reader_read(rd, m->type, offset + m->bit_offset / 8,
				       m->name || m->is_base ? depth + 1 : depth, item);
		item->name = member_name(rd, m);
	}
	ret->kind = LP_VAL_STRUCT;
	ret->items = items;
	ret->len = n;
}

static void read_function(struct lp_reading *rd, const struct lp_type *t, uint64_t offset,
			  int depth, struct lp_value *ret)
{
	(void)t;
	(void)depth;
	ret->kind = LP_VAL_POINTER;
	ret->size = 8;
	ret->u = rd->bytes->addr ? rd->bytes->addr + offset : 0;
	ret->str = rd->r->symbol ? rd->r->symbol(rd->r->symbol_arg, ret->u) : NULL;
}

static void read_void(struct lp_reading *rd, const struct lp_type *t, uint64_t offset, int depth,
		      struct lp_value *ret)
{
	(void)rd;
	(void)offset;
	(void)depth;
	error(ret, t->kind == LP_TYPE_VOID ? "void" : "of unknown type");
}

static void (*const readers[])(struct lp_reading *rd, const struct lp_type *t, uint64_t offset,
			       int depth, struct lp_value *ret) = {
	[LP_TYPE_VOID] = read_void,
	[LP_TYPE_BOOL] = read_integer,
	[LP_TYPE_CHAR] = read_integer,
	[LP_TYPE_INT] = read_integer,
	[LP_TYPE_FLOAT] = read_float,
	[LP_TYPE_COMPLEX] = read_complex,
	[LP_TYPE_POINTER] = read_pointer,
	[LP_TYPE_REFERENCE] = read_reference,
	[LP_TYPE_MEMBER_POINTER] = read_member_pointer,
	[LP_TYPE_ARRAY] = read_array,
	[LP_TYPE_STRUCT] = read_struct,
	[LP_TYPE_UNION] = read_struct,
	[LP_TYPE_ENUM] = read_enum,
	[LP_TYPE_FUNCTION] = read_function,
	[LP_TYPE_TYPEDEF] = read_void, /* a chain that never ends */
	[LP_TYPE_UNKNOWN] = read_void,
};

void lp_reader_read(struct lp_reading *rd, const struct lp_type *type, uint64_t offset, int depth,
		    struct lp_value *ret)
{
	const struct lp_type *t = lp_type_strip(type);

	*ret = (struct lp_value){ 0 };
	if ((unsigned int)t->kind >= LP_ARRAY_SIZE(readers)) {
		error(ret, "of unknown type");
		return;
	}
	if (*rd->values >= VALUES_MAX) {
		ret->kind = LP_VAL_DEEPER;
		return;
	}
	++*rd->values;
	/* a struct without a name of its own has its typedef's */
	ret->type_name = strchr(t->name, '{') ? type->name : t->name;
	readers[t->kind](rd, t, offset, depth, ret);
}

void lp_read_value(const struct lp_reader *r, const struct lp_type *type,
		   const struct lp_bytes *bytes, struct lp_value *ret)
{
	uint32_t values = 0;
	struct lp_reading rd = { .r = r, .bytes = bytes, .values = &values };

	rd.max_depth =
		r->max_depth && r->max_depth < UNBOUNDED_MAX ? (int)r->max_depth : UNBOUNDED_MAX;
	lp_reader_read(&rd, type, 0, 0, ret);
}
