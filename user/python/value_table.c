// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "python/value_impl.h"

struct table {
	uint64_t entries;
	size_t n, stride, key_at;
};

static int read_number(struct lp_memory *m, uint64_t addr, size_t size, uint64_t *ret)
{
	*ret = 0;
	return m->read(m, addr, ret, size);
}

static int find_table(const struct lp_py_layout *l, struct lp_memory *m, uint64_t keys,
		      struct table *ret)
{
	uint64_t n = 0, size = 0, kind = 0;
	int r = read_number(m, keys + l->keys_nentries, 8, &n);

	if (r >= 0 && l->keys_have_kind) {
		r = read_number(m, keys + l->keys_log2_bytes, 1, &size);
		if (r >= 0)
			r = read_number(m, keys + l->keys_kind, 1, &kind);
		size = 1ull << (size & 63);
	} else if (r >= 0) {
		r = read_number(m, keys + l->keys_size, 8, &size);
		size *= size <= 0xff ? 1 : size <= 0xffff ? 2 : size <= 0xffffffff ? 4 : 8;
	}
	if (r < 0)
		return r;
	ret->entries = keys + l->keys_indices + size;
	ret->n = n < LP_PV_TABLE_MAX ? n : LP_PV_TABLE_MAX;
	ret->stride = kind ? 16 : 24;
	ret->key_at = kind ? 0 : 8;
	return 0;
}

/* The order in which values that lie apart were set: bytes, of which *ret_n are there. Up to 3.10 it
 * is that of the keys.
 */
static size_t read_order(const struct lp_py_layout *l, struct lp_memory *m, uint64_t values,
			 uint8_t *order, size_t max)
{
	uint8_t head[2] = { 0 }; /* capacity, size; of 3.11 and 3.12: size, bytes of the prefix */
	size_t n;

	if (l->minor < 11)
		return 0;
	if (l->minor >= 13) {
		if (m->read(m, values, head, 2) < 0)
			return 0;
		n = head[1] < max ? head[1] : max;
		return m->read(m, values + l->values_array + head[0] * 8u, order, n) < 0 ? 0 : n;
	}
	if (m->read(m, values - 2, head, 2) < 0)
		return 0;
	n = head[0] < max ? head[0] : max;
	if (m->read(m, values - 2 - n, order, n) < 0)
		return 0;
	for (size_t i = 0; i < n / 2; i++) {
		uint8_t b = order[i];

		order[i] = order[n - 1 - i];
		order[n - 1 - i] = b;
	}
	return n;
}

static int add_pair(struct lp_pv_pairs *ret, size_t max, struct lp_pv_pair pair)
{
	if (!pair.value || !pair.key)
		return 0;
	if (ret->len == max) {
		ret->cut = true;
		return 1;
	}
	return lp_vec_push(ret, pair);
}

static int read_split(struct lp_pv *p, struct lp_memory *m, const struct table *t, uint64_t values,
		      size_t max, struct lp_pv_pairs *ret)
{
	const struct lp_py_layout *l = p->l;
	uint8_t order[256];
	uint64_t array = values + (l->values_array == LP_PY_NONE ? 0 : l->values_array);
	size_t n = read_order(l, m, values, order, sizeof(order));
	bool in_order = l->minor < 11 || n;

	if (l->minor < 11)
		n = t->n;
	for (size_t i = 0; in_order && i < n; i++) {
		size_t k = l->minor < 11 ? i : order[i];
		struct lp_pv_pair pair;

		if (!lp_pv_look(p) ||
		    m->read(m, t->entries + k * t->stride + t->key_at, &pair.key, 8) < 0 ||
		    m->read(m, array + k * 8, &pair.value, 8) < 0) {
			ret->cut = true;
			break;
		}
		int r = add_pair(ret, max, pair);
		if (r)
			return r < 0 ? r : 0;
	}
	return 0;
}

int lp_pv_table(struct lp_pv *p, struct lp_memory *m, uint64_t keys, uint64_t values, size_t max,
		struct lp_pv_pairs *ret)
{
	struct table t;
	int r = find_table(p->l, m, keys, &t);

	if (r < 0)
		return r;
	if (values)
		return read_split(p, m, &t, values, max, ret);
	for (size_t i = 0; i < t.n; i++) {
		struct lp_pv_pair pair;

		if (!lp_pv_look(p) ||
		    m->read(m, t.entries + i * t.stride + t.key_at, &pair, sizeof(pair)) < 0) {
			ret->cut = true;
			break;
		}
		r = add_pair(ret, max, pair);
		if (r)
			return r < 0 ? r : 0;
	}
	return 0;
}

int lp_pv_dict_pairs(struct lp_pv *p, struct lp_memory *m, uint64_t dict, size_t max,
		     struct lp_pv_pairs *ret)
{
	uint64_t used = 0, keys = 0, values = 0;
	int r = m->read(m, dict + p->l->dict_used, &used, 8);

	if (r >= 0)
		r = m->read(m, dict + p->l->dict_keys, &keys, 8);
	if (r >= 0)
		r = m->read(m, dict + p->l->dict_values, &values, 8);
	if (r < 0 || !used)
		return r;
	r = lp_pv_table(p, m, keys, values, max, ret);
	if (r >= 0)
		ret->cut = ret->len < used;
	return r;
}

uint64_t lp_pv_dict_get(struct lp_pv *p, struct lp_memory *m, uint64_t dict, const char *name)
{
	uint64_t keys = 0;
	struct table t;

	if (m->read(m, dict + p->l->dict_keys, &keys, 8) < 0 || find_table(p->l, m, keys, &t) < 0)
		return 0;
	for (size_t i = 0; i < t.n && lp_pv_look(p); i++) {
		struct lp_pv_pair pair = { 0 };

		if (m->read(m, t.entries + i * t.stride + t.key_at, &pair, sizeof(pair)) < 0)
			continue;

		const char *key = lp_pv_name(p, m, pair.key);
		if (key && !strcmp(key, name))
			return pair.value;
	}
	return 0;
}

static int add_field(struct lp_pv_fields *ret, const char *name, uint64_t value)
{
	struct lp_pv_field f = { name, value };

	return lp_vec_push(ret, f);
}

static int add_pairs(struct lp_pv *p, const struct lp_pv_pairs *pairs, struct lp_pv_fields *ret)
{
	int r = 0;

	ret->cut |= pairs->cut;
	for (size_t i = 0; i < pairs->len && r >= 0; i++) {
		const char *name = lp_pv_name(p, p->r->memory, pairs->data[i].key);

		if (!name)
			ret->cut = true;
		else
			r = add_field(ret, name, pairs->data[i].value);
	}
	return r;
}

static bool read_word(struct lp_pv *p, uint64_t addr, uint64_t *ret)
{
	return lp_pv_read(p, addr, ret, 8) >= 0;
}

/* Where the attributes of an object are: a dict, or values apart from their keys; neither: it has
 * none. false: not copied.
 */
static bool find_attributes(struct lp_pv *p, uint64_t addr, const struct lp_pv_class *c,
			    uint64_t *ret_dict, uint64_t *ret_values)
{
	const struct lp_py_layout *l = p->l;
	uint64_t dict = 0, values = 0, n = 0;

	*ret_dict = *ret_values = 0;
	if (c->flags & LP_PY_TP_MANAGED_DICT && l->managed_dict) {
		if (l->managed_values && !read_word(p, addr - l->managed_values, &values))
			return false;
		if (!values && !read_word(p, addr - l->managed_dict, &dict))
			return false;
		if (l->managed_tagged && dict & 1) {
			values = dict + 1;
			dict = 0;
		} else if (!dict && l->inline_values && c->flags & LP_PY_TP_INLINE_VALUES) {
			uint8_t valid = 0;

			values = addr + (uint64_t)c->basicsize;
			if (lp_pv_read(p, values + l->values_valid, &valid, 1) < 0)
				return false;
			if (!valid)
				values = 0;
		}
	} else if (c->dictoffset) {
		uint64_t off = (uint64_t)c->dictoffset;

		if (c->dictoffset < 0) {
			if (!read_word(p, addr + l->ob_size, &n))
				return false;
			n = (int64_t)n < 0 ? -n : n;
			off += ((uint64_t)c->basicsize + (uint64_t)c->itemsize * n + 7) & ~7ull;
		}
		if (!read_word(p, addr + off, &dict))
			return false;
	}
	*ret_dict = dict;
	*ret_values = values;
	return true;
}

/* Fields of a dataclass with __slots__ come as the class statement has them. */
static void sort_fields(const struct lp_pv_class *c, struct lp_pv_fields *f)
{
	size_t at = 0;

	for (size_t i = 0; i < c->order.len; i++)
		for (size_t k = at; k < f->len; k++)
			if (!strcmp(f->data[k].name, c->order.data[i])) {
				struct lp_pv_field found = f->data[k];

				memmove(&f->data[at + 1], &f->data[at],
					(k - at) * sizeof(*f->data));
				f->data[at++] = found;
				break;
			}
}

int lp_pv_fields(struct lp_pv *p, uint64_t addr, struct lp_pv_class *c, struct lp_pv_fields *ret)
{
	struct lp_pv_pairs pairs = { 0 };
	uint64_t dict = 0, values = 0;
	int r = 0;

	lp_pv_class_fields(p, c);
	ret->cut |= c->lacks_slots;
	lp_vec_each (&c->slots, slot) {
		uint64_t value = 0;

		if (!read_word(p, addr + slot->offset, &value)) {
			/* the value of a name that is not to be shown alone was not left out */
			ret->cut = true;
			continue;
		}
		const char *name = value ? lp_arena_strdup(p->r->arena, slot->name) : NULL;
		if (name)
			r = add_field(ret, name, value);
	}
	if (!find_attributes(p, addr, c, &dict, &values))
		ret->cut = true;
	else if (values)
		r = lp_pv_table(p, p->r->memory, c->keys, values, p->r->max_items, &pairs);
	else if (dict)
		r = lp_pv_dict_pairs(p, p->r->memory, dict, p->r->max_items, &pairs);
	if (r == -ENODATA || r == -EFAULT) {
		ret->cut = true;
		r = 0;
	}
	if (r >= 0)
		r = add_pairs(p, &pairs, ret);
	lp_vec_done(&pairs);
	if (r >= 0 && c->slots.len)
		sort_fields(c, ret);
	return r;
}
