// SPDX-License-Identifier: GPL-2.0-only
#include "python/object.h"

#include <errno.h>
#include <string.h>

#include "base/utf8.h"

#define CHUNK	  4096	   /* bytes read at once */
#define SPLIT_MAX 0x10000u /* entries of keys that instances share: hundreds at most */

/* Objects/dictobject.c: dk_kind */
enum keys_kind { KEYS_GENERAL, KEYS_UNICODE, KEYS_SPLIT };

int lp_py_u64(struct lp_memory *m, uint64_t addr, uint64_t *ret)
{
	return m->read(m, addr, ret, sizeof(*ret));
}

int lp_py_u32(struct lp_memory *m, uint64_t addr, uint32_t *ret)
{
	return m->read(m, addr, ret, sizeof(*ret));
}

int lp_py_u8(struct lp_memory *m, uint64_t addr, uint8_t *ret)
{
	return m->read(m, addr, ret, sizeof(*ret));
}

bool lp_py_cstring_is(struct lp_memory *m, uint64_t addr, const char *text)
{
	const size_t len = strlen(text);
	char have[64];
	int cut;

	return m->read_string(m, addr, have, sizeof(have), &cut) == (long)len &&
	       !memcmp(have, text, len);
}

int lp_py_type(struct lp_memory *m, const struct lp_py_layout *l, uint64_t object, uint64_t *ret)
{
	return object ? lp_py_u64(m, object + l->ob_type, ret) : -EFAULT;
}

int lp_py_flags(struct lp_memory *m, const struct lp_py_layout *l, uint64_t object, uint64_t *ret)
{
	uint64_t type;
	int r = lp_py_type(m, l, object, &type);

	return r < 0 ? r : lp_py_u64(m, type + l->tp_flags, ret);
}

bool lp_py_is(struct lp_memory *m, const struct lp_py_layout *l, uint64_t object, uint64_t type)
{
	uint64_t have;

	return lp_py_type(m, l, object, &have) == 0 && have == type;
}

static bool has_flag(struct lp_memory *m, const struct lp_py_layout *l, uint64_t object,
		     uint64_t flag)
{
	uint64_t flags;

	return lp_py_flags(m, l, object, &flags) == 0 && (flags & flag);
}

bool lp_py_is_dict(struct lp_memory *m, const struct lp_py_layout *l, uint64_t object)
{
	return has_flag(m, l, object, LP_PY_TP_DICT);
}

bool lp_py_is_str(struct lp_memory *m, const struct lp_py_layout *l, uint64_t object)
{
	return has_flag(m, l, object, LP_PY_TP_STR);
}

/* --- text --- */

struct text_place {
	uint64_t data, length;
	unsigned int kind; /* bytes of a character */
};

static int find_text(struct lp_memory *m, const struct lp_py_layout *l, uint64_t str,
		     struct text_place *ret)
{
	uint32_t state;
	int r;

	if (!lp_py_is_str(m, l, str))
		return -EINVAL;
	r = lp_py_u64(m, str + l->str_length, &ret->length);
	if (r == 0)
		r = lp_py_u32(m, str + l->str_state, &state);
	if (r < 0)
		return r;

	state >>= l->str_kind_shift;
	ret->kind = state & 7;
	if (ret->kind != 1 && ret->kind != 2 && ret->kind != 4)
		return -EINVAL;
	if (!(state & 8))
		return lp_py_u64(m, str + l->str_data, &ret->data);
	ret->data = str + (state & 16 ? l->str_ascii : l->str_compact);
	return 0;
}

static uint32_t character(const unsigned char *p, unsigned int kind)
{
	uint32_t code = 0;

	memcpy(&code, p, kind); /* little endian, as the target */
	return code;
}

static void add_character(struct lp_buf *out, uint32_t code)
{
	char utf8[4];
	size_t n = lp_utf8_encode(utf8, code);

	if (n)
		lp_buf_add(out, utf8, n);
	else if (code >= 0xdc80 && code <= 0xdcff)
		lp_buf_char(out, (char)(code & 0xff));
	else
		lp_buf_str(out, "\xef\xbf\xbd");
}

int lp_py_text(struct lp_memory *m, const struct lp_py_layout *l, uint64_t str, size_t max,
	       struct lp_buf *ret)
{
	unsigned char chunk[CHUNK];
	struct text_place t;
	int r = find_text(m, l, str, &t);

	if (r < 0)
		return r;
	if (t.length > max)
		return -E2BIG;
	for (uint64_t left = t.length * t.kind, n; left; left -= n, t.data += n) {
		n = left < sizeof(chunk) ? left : sizeof(chunk);
		r = m->read(m, t.data, chunk, n);
		if (r < 0)
			return r;
		for (uint64_t i = 0; i < n; i += t.kind)
			add_character(ret, character(chunk + i, t.kind));
	}
	return ret->failed ? -ENOMEM : 0;
}

int lp_py_bytes(struct lp_memory *m, const struct lp_py_layout *l, uint64_t bytes, size_t max,
		struct lp_buf *ret)
{
	uint64_t length;
	int r;

	if (!has_flag(m, l, bytes, LP_PY_TP_BYTES))
		return -EINVAL;
	r = lp_py_u64(m, bytes + l->ob_size, &length);
	if (r < 0)
		return r;
	if (length > max)
		return -E2BIG;
	char *room = lp_buf_room(ret, length);
	if (!room)
		return -ENOMEM;
	r = length ? m->read(m, bytes + l->bytes_data, room, length) : 0;
	if (r == 0)
		lp_buf_advance(ret, length);
	return r;
}

/* What one reading tells: can this str have that text? Most have another length or beginning. */
static bool may_be(const struct lp_py_layout *l, const unsigned char *head, const char *text)
{
	const size_t len = strlen(text);
	const uint64_t length = lp_py_u64_in(head, l->str_length);
	const uint32_t state = lp_py_u32_in(head, l->str_state);

	if (length > len || length * 4 < len)
		return false;
	bool compact_ascii = (state >> l->str_kind_shift & 0x18) == 0x18;
	return !compact_ascii || (length == len && head[l->str_ascii] == (unsigned char)*text);
}

static bool read_head(struct lp_memory *m, const struct lp_py_layout *l, uint64_t str,
		      unsigned char ret[LP_PY_STR_HEAD])
{
	return l->str_ascii < LP_PY_STR_HEAD && m->read(m, str, ret, l->str_ascii + 1u) == 0;
}

static bool text_is(struct lp_memory *m, const struct lp_py_layout *l, uint64_t str,
		    const char *text)
{
	lp_auto(lp_buf_done) struct lp_buf have = { 0 };
	size_t len = strlen(text);

	return lp_py_text(m, l, str, len, &have) == 0 && have.len == len &&
	       !memcmp(have.data ? have.data : "", text, len);
}

bool lp_py_text_is(struct lp_memory *m, const struct lp_py_layout *l, uint64_t str,
		   const char *text)
{
	unsigned char head[LP_PY_STR_HEAD];

	return read_head(m, l, str, head) && may_be(l, head, text) && text_is(m, l, str, text);
}

/* --- numbers and sequences --- */

int lp_py_int(struct lp_memory *m, const struct lp_py_layout *l, uint64_t object, int64_t *ret)
{
	uint64_t tag, count, value = 0;
	bool negative;
	int r;

	if (!has_flag(m, l, object, LP_PY_TP_LONG))
		return -EINVAL;
	r = lp_py_u64(m, object + l->long_tag, &tag);
	if (r < 0)
		return r;
	negative = l->long_is_tagged ? (tag & 3) == 2 : (int64_t)tag < 0;
	count = l->long_is_tagged ? tag >> 3 : negative ? -tag : tag;
	if (l->long_is_tagged && (tag & 3) == 1)
		count = 0;
	if (count > 2)
		return -ERANGE;
	for (uint64_t i = 0; i < count; i++) {
		uint32_t digit;

		r = lp_py_u32(m, object + l->long_digits + i * 4, &digit);
		if (r < 0)
			return r;
		value |= (uint64_t)(digit & 0x3fffffff) << (30 * i);
	}
	*ret = negative ? -(int64_t)value : (int64_t)value;
	return 0;
}

int lp_py_items(struct lp_memory *m, const struct lp_py_layout *l, uint64_t object, uint64_t *ret,
		uint64_t *ret_n)
{
	int r = lp_py_length(m, l, object, ret_n);

	*ret = object + l->tuple_items;
	return r == 0 && has_flag(m, l, object, LP_PY_TP_LIST)
		       ? lp_py_u64(m, object + l->list_items, ret)
		       : r;
}

int lp_py_length(struct lp_memory *m, const struct lp_py_layout *l, uint64_t object, uint64_t *ret)
{
	if (!has_flag(m, l, object, LP_PY_TP_TUPLE | LP_PY_TP_LIST))
		return -EINVAL;
	return lp_py_u64(m, object + l->ob_size, ret);
}

int lp_py_tuple_item(struct lp_memory *m, const struct lp_py_layout *l, uint64_t tuple, uint64_t i,
		     uint64_t *ret)
{
	uint64_t length;

	if (!has_flag(m, l, tuple, LP_PY_TP_TUPLE))
		return -EINVAL;
	int r = lp_py_u64(m, tuple + l->ob_size, &length);
	if (r < 0)
		return r;
	return i < length ? lp_py_u64(m, tuple + l->tuple_items + i * 8, ret) : -EINVAL;
}

/* --- dictionaries --- */

struct dict_place {
	uint64_t entries, count;
	uint64_t values; /* 0: in the entries */
	unsigned int entry_size, key_at, value_at;
};

/* Up to 3.10 the size of an index follows from the table's (DK_IXSIZE). */
static uint64_t index_bytes(uint64_t size)
{
	return size * (size <= 0xff ? 1 : size <= 0xffff ? 2 : size <= 0xffffffff ? 4 : 8);
}

static int find_entries(struct lp_memory *m, const struct lp_py_layout *l, uint64_t keys,
			struct dict_place *ret)
{
	uint8_t kind = KEYS_GENERAL, log2_bytes;
	uint64_t size;
	int r = lp_py_u64(m, keys + l->keys_nentries, &ret->count);

	if (r < 0)
		return r;
	ret->entries = keys + l->keys_indices;
	if (l->keys_log2_bytes == LP_PY_NONE) {
		r = lp_py_u64(m, keys + l->keys_size, &size);
		ret->entries += index_bytes(size);
	} else {
		r = lp_py_u8(m, keys + l->keys_log2_bytes, &log2_bytes);
		if (r == 0)
			r = lp_py_u8(m, keys + l->keys_kind, &kind);
		ret->entries += 1ull << (log2_bytes & 63);
	}
	if (r < 0)
		return r;
	if (ret->count > (ret->values ? SPLIT_MAX : LP_PY_DICT_MAX) || kind > KEYS_SPLIT)
		return -EINVAL;
	bool has_hash = kind == KEYS_GENERAL;
	ret->key_at = has_hash ? 8 : 0;
	ret->value_at = ret->key_at + 8;
	ret->entry_size = ret->value_at + 8;
	return 0;
}

static int find_dict(struct lp_memory *m, const struct lp_py_layout *l, uint64_t dict,
		     struct dict_place *ret)
{
	uint64_t keys;
	int r;

	if (!lp_py_is_dict(m, l, dict))
		return -EINVAL;
	r = lp_py_u64(m, dict + l->dict_keys, &keys);
	if (r == 0)
		r = lp_py_u64(m, dict + l->dict_values, &ret->values);
	if (r < 0)
		return r;
	if (ret->values)
		ret->values += l->values_array;
	return find_entries(m, l, keys, ret);
}

int lp_py_dict_each(struct lp_memory *m, const struct lp_py_layout *l, uint64_t dict,
		    int (*fn)(uint64_t key, uint64_t value, void *arg), void *arg)
{
	unsigned char chunk[CHUNK];
	struct dict_place d;
	int r = find_dict(m, l, dict, &d);

	if (r < 0)
		return r;
	const uint64_t at_once = sizeof(chunk) / d.entry_size;
	for (uint64_t i = 0; i < d.count; i++) {
		if (i % at_once == 0) {
			uint64_t n = d.count - i < at_once ? d.count - i : at_once;
			r = m->read(m, d.entries + i * d.entry_size, chunk, n * d.entry_size);
			if (r < 0)
				return r;
		}
		const unsigned char *entry = chunk + i % at_once * d.entry_size;
		uint64_t key = lp_py_u64_in(entry, d.key_at),
			 value = lp_py_u64_in(entry, d.value_at);
		if (d.values && lp_py_u64(m, d.values + i * 8, &value) < 0)
			return -EFAULT;
		if (!key || !value) /* deleted */
			continue;
		r = fn(key, value, arg);
		if (r)
			return r;
	}
	return 0;
}

struct search {
	struct lp_memory *m;
	const struct lp_py_layout *l;
	const char *const *names;
	size_t n, found;
	uint64_t key; /* of the latest found */
	uint64_t *values;
};

static int match(uint64_t key, uint64_t value, void *arg)
{
	struct search *s = arg;
	unsigned char head[LP_PY_STR_HEAD];

	if (!read_head(s->m, s->l, key, head))
		return 0;
	for (size_t i = 0; i < s->n; i++) {
		if (s->values[i] || !may_be(s->l, head, s->names[i]) ||
		    !text_is(s->m, s->l, key, s->names[i]))
			continue;
		s->key = key;
		s->values[i] = value;
		return ++s->found == s->n;
	}
	return 0;
}

int lp_py_dict_find_all(struct lp_memory *m, const struct lp_py_layout *l, uint64_t dict,
			const char *const *keys, size_t n, uint64_t *ret)
{
	struct search s = { .m = m, .l = l, .names = keys, .n = n, .values = ret };

	memset(ret, 0, n * sizeof(*ret));
	int r = lp_py_dict_each(m, l, dict, match, &s);
	return r < 0 ? r : 0;
}

int lp_py_dict_find(struct lp_memory *m, const struct lp_py_layout *l, uint64_t dict,
		    const char *key, uint64_t *ret_key, uint64_t *ret)
{
	uint64_t value = 0;
	struct search s = { .m = m, .l = l, .names = &key, .n = 1, .values = &value };
	int r = lp_py_dict_each(m, l, dict, match, &s);

	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	if (ret_key)
		*ret_key = s.key;
	*ret = value;
	return 0;
}
