// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "python/value_impl.h"

static size_t at_most(const struct lp_pv *p, uint64_t n)
{
	return n < p->r->max_items ? n : p->r->max_items;
}

void lp_pv_pointers(struct lp_pv *p, uint64_t addr, uint64_t n, struct lp_value *ret)
{
	size_t shown = at_most(p, n);

	ret->cut = shown < n;
	if (!lp_pv_items(p, shown, ret))
		return;
	for (size_t i = 0; i < shown; i++) {
		uint64_t item = 0;

		if (lp_pv_read(p, addr + i * 8, &item, 8) < 0) {
			ret->len = i;
			ret->cut = true;
			return;
		}
		lp_pv_object(p, item, &ret->items[i]);
	}
}

/* A named tuple: fields with names, as far as they are known. */
static void name_fields(struct lp_pv *p, struct lp_pv_class *c, struct lp_value *ret)
{
	ret->type_name = lp_arena_strdup(p->r->arena, c->name);
	ret->kind = LP_VAL_STRUCT;
	for (size_t i = 0; i < ret->len && i < c->order.len; i++) {
		struct lp_value *item = &ret->items[i];

		item->name = lp_arena_strdup(p->r->arena, c->order.data[i]);
		if (lp_pv_is_redacted(p, c->order.data[i]))
			*item = (struct lp_value){ .kind = LP_VAL_ERROR,
						   .str = "redacted",
						   .name = item->name };
	}
}

void lp_pv_sequence(struct lp_pv *p, uint64_t addr, struct lp_pv_class *c, struct lp_value *ret)
{
	uint64_t n = 0, items = addr + p->l->tuple_items;
	int r = lp_pv_read(p, addr + p->l->ob_size, &n, 8);

	if (c->kind == LP_PK_TUPLE && lp_pv_enum(p, addr, c, ret))
		return;
	if (r >= 0 && c->kind == LP_PK_LIST)
		r = lp_pv_read(p, addr + p->l->list_items, &items, 8);
	if (r < 0) {
		lp_pv_error(ret, r, addr, p->r->arena);
		return;
	}
	ret->kind = c->kind == LP_PK_LIST ? LP_VAL_LIST : LP_VAL_TUPLE;
	lp_pv_pointers(p, items, n, ret);
	if (c->kind != LP_PK_TUPLE || !c->is_python)
		return;
	lp_pv_class_fields(p, c);
	if (c->order.len)
		name_fields(p, c, ret);
}

/* repr() of a dict's subclass names it in these cases alone. */
static void name_dict(const struct lp_pv_class *c, struct lp_value *ret)
{
	static const char *const names[][2] = { { "defaultdict", "..., " },
						{ "OrderedDict", NULL },
						{ "Counter", NULL } };

	for (size_t i = 0; i < LP_ARRAY_SIZE(names); i++)
		if (!strcmp(c->name, names[i][0])) {
			ret->type_name = names[i][0];
			ret->str = names[i][1];
		}
}

void lp_pv_dict(struct lp_pv *p, uint64_t addr, struct lp_pv_class *c, struct lp_value *ret)
{
	struct lp_pv_pairs pairs = { 0 };
	int r = lp_pv_dict_pairs(p, p->r->memory, addr, p->r->max_items, &pairs);

	name_dict(c, ret);
	if (r < 0 && r != -ENOMEM) {
		lp_pv_error(ret, r, addr, p->r->arena);
		goto out;
	}
	ret->kind = LP_VAL_MAP;
	ret->cut = pairs.cut;
	if (!lp_pv_items(p, pairs.len * 2, ret))
		goto out;
	for (size_t i = 0; i < pairs.len; i++) {
		struct lp_value *key = &ret->items[i * 2], *value = key + 1;
		const char *name = lp_pv_name(p, p->r->memory, pairs.data[i].key);

		lp_pv_object(p, pairs.data[i].key, key);
		if (!name && key->kind == LP_VAL_STRING) /* of a subclass of str */
			name = key->str;
		if (name && lp_pv_is_redacted(p, name)) {
			value->kind = LP_VAL_ERROR;
			value->str = "redacted";
		} else {
			lp_pv_object(p, pairs.data[i].value, value);
		}
	}
out:
	lp_vec_done(&pairs);
}

/* Used entries of a set's table, in its order: their addresses. */
static size_t find_used(struct lp_pv *p, uint64_t table, uint64_t mask, size_t max, uint64_t *keys)
{
	size_t n = 0;

	for (uint64_t i = 0; i <= mask && i < LP_PV_TABLE_MAX && n < max; i++) {
		uint64_t entry[2]; /* key, hash: -1 of one that was removed */

		if (!lp_pv_look(p) ||
		    lp_pv_read(p, table + i * sizeof(entry), entry, sizeof(entry)) < 0)
			break;
		if (entry[0] && entry[1] != UINT64_MAX)
			keys[n++] = entry[0];
	}
	return n;
}

void lp_pv_set(struct lp_pv *p, uint64_t addr, struct lp_pv_class *c, struct lp_value *ret)
{
	const struct lp_py_layout *l = p->l;
	uint64_t used = 0, mask = 0, table = 0;
	int r = lp_pv_read(p, addr + l->set_used, &used, 8);

	if (r >= 0)
		r = lp_pv_read(p, addr + l->set_mask, &mask, 8);
	if (r >= 0)
		r = lp_pv_read(p, addr + l->set_table, &table, 8);
	if (r < 0) {
		lp_pv_error(ret, r, addr, p->r->arena);
		return;
	}
	ret->kind = LP_VAL_SET;
	if (c->addr != p->r->runtime->type_set)
		ret->type_name = lp_arena_strdup(p->r->arena, c->name);

	size_t max = at_most(p, used);
	uint64_t *keys = lp_arena_array(p->r->arena, uint64_t, max + 1);
	size_t n = keys && used ? find_used(p, table, mask, max, keys) : 0;
	ret->cut = n < used;
	if (!lp_pv_items(p, n, ret))
		return;
	for (size_t i = 0; i < n; i++)
		lp_pv_object(p, keys[i], &ret->items[i]);
}

/* Items of a deque lie in blocks, of which the first starts somewhere. */
static void read_blocks(struct lp_pv *p, uint64_t block, uint64_t index, struct lp_value *ret)
{
	for (size_t i = 0; i < ret->len; i++) {
		uint64_t item = 0;

		if (index == LP_PY_BLOCK_LEN) {
			index = 0;
			if (lp_pv_read(p, block + LP_PY_BLOCK_RIGHT, &block, 8) < 0)
				index = UINT64_MAX;
		}
		if (index >= LP_PY_BLOCK_LEN ||
		    lp_pv_read(p, block + LP_PY_BLOCK_DATA + index * 8, &item, 8) < 0) {
			ret->len = i;
			ret->cut = true;
			return;
		}
		lp_pv_object(p, item, &ret->items[i]);
		index++;
	}
}

void lp_pv_deque(struct lp_pv *p, uint64_t addr, struct lp_pv_class *c, struct lp_value *ret)
{
	uint64_t n = 0, block = 0, index = 0;
	int64_t max_len = -1;
	int r = lp_pv_read(p, addr + p->l->ob_size, &n, 8);

	if (r >= 0)
		r = lp_pv_read(p, addr + LP_PY_DEQUE_LEFT, &block, 8);
	if (r >= 0)
		r = lp_pv_read(p, addr + LP_PY_DEQUE_INDEX, &index, 8);
	if (r >= 0)
		r = lp_pv_read(p, addr + LP_PY_DEQUE_MAXLEN, &max_len, 8);
	if (r < 0) {
		lp_pv_error(ret, r, addr, p->r->arena);
		return;
	}
	ret->kind = LP_VAL_LIST;
	ret->type_name = lp_arena_strdup(p->r->arena, c->name);
	if (max_len >= 0)
		ret->str = lp_arena_fmt(p->r->arena, ", maxlen=%lld", (long long)max_len);

	size_t shown = at_most(p, n);
	ret->cut = shown < n;
	if (lp_pv_items(p, shown, ret))
		read_blocks(p, block, index, ret);
}

/* range and slice: start, stop, step */
void lp_pv_range(struct lp_pv *p, uint64_t addr, struct lp_pv_class *c, struct lp_value *ret)
{
	bool is_range = c->kind == LP_PK_RANGE;

	_Static_assert(LP_PY_RANGE_START == LP_PY_SLICE_START, "the same place");
	ret->kind = LP_VAL_STRUCT;
	ret->type_name = is_range ? "range" : "slice";
	lp_pv_pointers(p, addr + LP_PY_RANGE_START, 3, ret);
	if (is_range && ret->len == 3 && ret->items[2].kind == LP_VAL_INT && ret->items[2].s == 1)
		ret->len = 2;
}
