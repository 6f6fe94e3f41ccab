// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/show.h"
#include "base/utf8.h"
#include "python/value_impl.h"

#define NAME_BYTES_MAX 1024 /* of an attribute's name */

/* Where the characters of a str are. */
struct text {
	uint64_t data, len; /* len: characters */
	unsigned int width;
};

static int find_text(struct lp_pv *p, struct lp_memory *m, uint64_t addr, struct text *ret)
{
	const struct lp_py_layout *l = p->l;
	uint32_t state = 0;
	int r = m->read(m, addr + l->str_length, &ret->len, 8);

	if (r >= 0)
		r = m->read(m, addr + l->str_state, &state, sizeof(state));
	if (r < 0)
		return r;
	state >>= l->str_kind_shift & 31;
	ret->width = state & 7;
	if ((ret->width != 1 && ret->width != 2 && ret->width != 4) || ret->len >> 40)
		return -ENODATA;
	if (state & 8)
		ret->data = addr + (state & 16 ? l->str_ascii : l->str_compact);
	else
		r = m->read(m, addr + l->str_data, &ret->data, 8);
	return r;
}

/* Characters of the interpreter's to WTF-8. */
static void put_characters(struct lp_buf *out, const uint8_t *data, size_t n, unsigned int width)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t c = 0;
		char utf8[4];

		memcpy(&c, data + i * width, width);
		size_t len = lp_utf8_encode(utf8, c);
		if (!len && c >= 0xd800 && c <= 0xdfff) {
			utf8[0] = (char)0xed;
			utf8[1] = (char)(0x80 | (c >> 6 & 0x3f));
			utf8[2] = (char)(0x80 | (c & 0x3f));
			len = 3;
		}
		lp_buf_add(out, len ? utf8 : "?", len ? len : 1);
	}
}

/* limit: bytes as the interpreter stores them. */
static int read_text(struct lp_pv *p, struct lp_memory *m, const struct text *t, size_t limit,
		     struct lp_value *ret)
{
	size_t want = t->len * t->width, cut = limit & ~3u;
	lp_auto(lp_buf_done) struct lp_buf out = { 0 };

	if (want > cut)
		want = cut;
	ret->cut = want < t->len * t->width;

	lp_auto(lp_free) uint8_t *data = malloc(want + 1);
	if (!data)
		return -ENOMEM;

	size_t got = lp_pv_read_some(m, t->data, data, want);
	if (got < want) {
		if (!got)
			return m->read(m, t->data, data, 1);
		ret->cut = true;
	}
	put_characters(&out, data, got / t->width, t->width);
	p->text += out.len;
	ret->kind = LP_VAL_STRING;
	ret->len = out.len;
	ret->str = out.failed ? NULL
			      : lp_arena_strndup(p->r->arena, out.data ? out.data : "", out.len);
	return ret->str ? 0 : -ENOMEM;
}

bool lp_pv_string(struct lp_pv *p, struct lp_memory *m, uint64_t addr, struct lp_value *ret)
{
	struct text t;
	int r = find_text(p, m, addr, &t);

	if (r >= 0)
		r = read_text(p, m, &t, p->r->max_string, ret);
	if (r < 0)
		lp_pv_error(ret, r, addr, p->r->arena);
	return r >= 0;
}

char *lp_pv_name(struct lp_pv *p, struct lp_memory *m, uint64_t addr)
{
	struct lp_value v = { 0 };
	size_t text = p->text; /* names are not what is shown */
	uint64_t type = 0;
	struct text t;

	if (!addr || m->read(m, addr + p->l->ob_type, &type, 8) < 0 ||
	    type != p->r->runtime->type_str || find_text(p, m, addr, &t) < 0 ||
	    read_text(p, m, &t, NAME_BYTES_MAX, &v) < 0 || (v.cut && !v.len))
		return NULL;
	p->text = text;
	return (char *)v.str;
}

void lp_pv_str(struct lp_pv *p, uint64_t addr, struct lp_pv_class *c, struct lp_value *ret)
{
	if (!lp_pv_enum(p, addr, c, ret))
		lp_pv_string(p, p->r->memory, addr, ret);
}

static void read_bytes(struct lp_pv *p, uint64_t data, uint64_t len, struct lp_value *ret)
{
	size_t want = len < (p->r->max_string & ~3u) ? len : p->r->max_string & ~3u;
	char *to = lp_arena_alloc(p->r->arena, want + 1);

	ret->kind = LP_VAL_BYTES;
	ret->str = to;
	ret->len = to ? lp_pv_read_some(p->r->memory, data, to, want) : 0;
	ret->cut = ret->len < len;
	p->text += ret->len;
	if (!to) {
		ret->kind = LP_VAL_ERROR;
		ret->str = "out of memory";
	}
}

static void wrap_bytearray(struct lp_pv *p, struct lp_value *ret)
{
	lp_auto(lp_buf_done) struct lp_buf text = { 0 }, quoted = { 0 };

	if (ret->kind != LP_VAL_BYTES)
		return;
	lp_show_python_string(&quoted, ret->str, ret->len, true);
	lp_buf_str(&text, "bytearray(b");
	/* its repr() escapes single quotes between double ones, too */
	for (size_t i = 0; i < quoted.len; i++) {
		if (quoted.data[i] == '\'' && quoted.data[0] == '"')
			lp_buf_char(&text, '\\');
		lp_buf_char(&text, quoted.data[i]);
	}
	lp_buf_str(&text, ret->cut ? "...)" : ")");
	ret->cut = false;
	lp_pv_text(p, &text, ret);
}

static void read_part(struct lp_pv *p, uint64_t addr, const struct lp_pv_class *c, uint64_t from,
		      uint64_t to, struct lp_value *ret)
{
	uint64_t len = 0, data = addr + p->l->bytes_data;
	int r = lp_pv_read(p, addr + p->l->ob_size, &len, 8);

	if (r >= 0 && c->kind == LP_PK_BYTEARRAY && len)
		r = lp_pv_read(p, addr + p->l->bytearray_start, &data, 8);
	if (r < 0) {
		lp_pv_error(ret, r, addr, p->r->arena);
		return;
	}
	if (to > len)
		to = len;
	read_bytes(p, data + from, to > from ? to - from : 0, ret);
	if (c->kind == LP_PK_BYTEARRAY)
		wrap_bytearray(p, ret);
}

void lp_pv_bytes(struct lp_pv *p, uint64_t addr, struct lp_pv_class *c, struct lp_value *ret)
{
	read_part(p, addr, c, 0, UINT64_MAX, ret);
}

static void slice_text(struct lp_pv *p, uint64_t addr, uint64_t from, uint64_t to,
		       struct lp_value *ret)
{
	struct text t;
	int r = find_text(p, p->r->memory, addr, &t);

	if (r >= 0) {
		if (to > t.len)
			to = t.len;
		t.len = to > from ? to - from : 0;
		t.data += from * t.width;
		r = read_text(p, p->r->memory, &t, p->r->max_string, ret);
	}
	if (r < 0)
		lp_pv_error(ret, r, addr, p->r->arena);
}

void lp_pv_slice(struct lp_pv *p, uint64_t addr, struct lp_pv_class *c, uint64_t from, uint64_t to,
		 struct lp_value *ret)
{
	uint64_t items = addr + p->l->tuple_items, n, len = 0;
	int r = 0;

	if (c->kind == LP_PK_STR) {
		slice_text(p, addr, from, to, ret);
		return;
	}
	if (c->kind == LP_PK_BYTES || c->kind == LP_PK_BYTEARRAY) {
		read_part(p, addr, c, from, to, ret);
		return;
	}
	if (c->kind == LP_PK_LIST)
		r = lp_pv_read(p, addr + p->l->list_items, &items, 8);
	else if (c->kind != LP_PK_TUPLE)
		r = -ENODATA;
	if (r >= 0)
		r = lp_pv_read(p, addr + p->l->ob_size, &len, 8);
	if (r < 0) {
		lp_pv_error(ret, r, addr, p->r->arena);
		return;
	}
	if (to > len)
		to = len;
	n = to > from ? to - from : 0;
	ret->kind = c->kind == LP_PK_LIST ? LP_VAL_LIST : LP_VAL_TUPLE;
	p->depth++;
	lp_pv_pointers(p, items + from * 8, n, ret);
	p->depth--;
}

/* Digits of 30 bits, lowest first, to decimal. */
static char *to_decimal(struct lp_arena *a, uint32_t *digits, size_t n, bool negative)
{
	size_t room = n * 10 + 3, at = room - 1;
	char *text = lp_arena_alloc(a, room);

	if (!text)
		return NULL;
	while (n) {
		uint64_t rest = 0;

		for (size_t i = n; i-- > 0;) {
			rest = rest << 30 | digits[i];
			digits[i] = (uint32_t)(rest / 1000000000);
			rest %= 1000000000;
		}
		while (n && !digits[n - 1])
			n--;
		for (int i = 0; i < 9 && (n || rest); i++, rest /= 10)
			text[--at] = (char)('0' + rest % 10);
	}
	if (negative)
		text[--at] = '-';
	return text + at;
}

static void put_big(struct lp_pv *p, uint64_t addr, uint64_t n, bool negative, struct lp_value *ret)
{
	uint32_t digits[LP_PY_DIGITS_MAX];
	int r = 0;

	if (n && n <= LP_PY_DIGITS_MAX)
		r = lp_pv_read(p, addr + p->l->long_digits, digits, n * 4);

	if (r < 0) {
		lp_pv_error(ret, r, addr, p->r->arena);
		return;
	}
	if (n > LP_PY_DIGITS_MAX) {
		ret->kind = LP_VAL_OBJECT;
		ret->str = lp_arena_fmt(p->r->arena, "<int of about %llu bits>",
					(unsigned long long)n * 30);
		ret->u = addr;
		ret->type_name = "int";
		return;
	}

	unsigned __int128 v = 0;
	for (size_t i = 0; i < n; i++)
		digits[i] &= (1u << 30) - 1;
	for (size_t i = n < 3 ? n : 3; i-- > 0;)
		v = v << 30 | digits[i];
	if (n <= 3 && v <= (uint64_t)INT64_MAX) {
		ret->kind = LP_VAL_INT;
		ret->size = 8;
		ret->s = negative ? -(int64_t)v : (int64_t)v;
		return;
	}
	p->text += n * 10;
	ret->kind = LP_VAL_BIGINT;
	ret->str = to_decimal(p->r->arena, digits, n, negative);
	if (!ret->str)
		ret->kind = LP_VAL_DEEPER;
}

void lp_pv_long(struct lp_pv *p, uint64_t addr, struct lp_pv_class *c, struct lp_value *ret)
{
	int64_t tag = 0;

	if (lp_pv_enum(p, addr, c, ret))
		return;

	int r = lp_pv_read(p, addr + p->l->long_tag, &tag, 8);
	if (r < 0)
		lp_pv_error(ret, r, addr, p->r->arena);
	else if (p->l->long_is_tagged)
		put_big(p, addr, (uint64_t)tag >> 3, (tag & 3) == 2, ret);
	else
		put_big(p, addr, tag < 0 ? -(uint64_t)tag : (uint64_t)tag, tag < 0, ret);
}

void lp_pv_float(struct lp_pv *p, uint64_t addr, struct lp_pv_class *c, struct lp_value *ret)
{
	if (lp_pv_enum(p, addr, c, ret))
		return;

	int r = lp_pv_read(p, addr + p->l->float_value, &ret->f, sizeof(ret->f));
	ret->kind = LP_VAL_FLOAT;
	ret->size = 8;
	if (r < 0)
		lp_pv_error(ret, r, addr, p->r->arena);
}

void lp_pv_complex(struct lp_pv *p, uint64_t addr, struct lp_pv_class *c, struct lp_value *ret)
{
	double parts[2];
	int r = lp_pv_read(p, addr + p->l->complex_value, parts, sizeof(parts));

	(void)c;
	if (r < 0) {
		lp_pv_error(ret, r, addr, p->r->arena);
		return;
	}
	ret->kind = LP_VAL_COMPLEX;
	if (!lp_pv_items(p, 2, ret))
		return;
	for (int i = 0; i < 2; i++)
		ret->items[i] = (struct lp_value){
			.kind = LP_VAL_FLOAT, .is_python = true, .size = 8, .f = parts[i]
		};
}
