/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/python_dict.h
 *
 * python_dict - look-ups in hash tables as Objects/dictobject.c and setobject.c do them: by hash,
 * with their order of probing, bounded. A key whose hash is not known is looked for entry by entry.
 */
#ifndef LP_BPF_PYTHON_DICT_H
#define LP_BPF_PYTHON_DICT_H

#define LP_PERTURB_SHIFT 5
#define LP_SET_PROBES	 9 /* setobject.c: LINEAR_PROBES */

/* The text of view NAME at addr, where that is one byte a character. */
lp_inline long lp_pyvm_name_text(struct lp_vm *vm, __u64 addr)
{
	__u64 len = vm->py.view[LP_VIEW_NAME].len;

	lp_opaque(len);
	if (len > LP_PY_NAME_TEXT_MAX)
		return -LP_ST_TOO_BIG;
	if (lp_mem_read(vm->py.other, len, addr))
		return -LP_ST_UNREADABLE;
	for (__u32 i = 0; i < LP_PY_NAME_TEXT_MAX / 8; i++) {
		__u64 differ = ((lp_word *)vm->py.name)[i] ^ ((lp_word *)vm->py.other)[i];

		if (i * 8 + 8 >= len) /* the last word */
			return !(differ << ((i * 8 + 8 - len) * 8 & 63));
		if (differ)
			return 0;
	}
	return 1;
}

/* Is that key the str of view NAME? Names that are not ASCII: 64 bits of hash say it. */
lp_inline long lp_pyvm_name_matches(struct lp_vm *vm, const struct lp_py_runtime *rt, __u64 key)
{
	const struct lp_pyvm_view *name = &vm->py.view[LP_VIEW_NAME];
	const struct lp_py_layout *l = &rt->layout;
	__u64 type, len, hash, state;

	if (lp_pyvm_u64(vm, key + l->ob_type, &type) < 0 ||
	    lp_pyvm_u64(vm, key + l->str_length, &len) < 0 ||
	    lp_pyvm_u64(vm, key + l->str_hash, &hash) < 0 ||
	    lp_pyvm_get(vm, key + l->str_state, 4, &state) < 0)
		return -LP_ST_UNREADABLE;
	if (type != rt->type_str || (name->width && len != name->len) ||
	    (!vm->py.probe.in_turn && hash != name->hash))
		return 0;
	state >>= l->str_kind_shift & 31;
	if (!name->width)
		return !vm->py.probe.in_turn;
	if ((state & 0x1f) != 0x19) /* one byte a character, compact, ASCII */
		return 0;
	return lp_pyvm_name_text(vm, key + l->str_ascii);
}

/* Items of two tuples, the one looked for and the key in view ITEM. */
lp_inline long lp_pyvm_tuples_match(struct lp_vm *vm, __u32 w)
{
	__u64 n = vm->py.view[w % LP_PYVM_VIEWS].len, a = 0, b = 0;

	if (n != vm->py.view[LP_VIEW_ITEM].len)
		return 0;
	if (n > LP_PY_TUPLE_MAX)
		return -LP_ST_TOO_BIG;
	for (__u32 i = 0; i < LP_PY_TUPLE_MAX; i++) {
		if (i >= n)
			break;

		long r = lp_pyvm_item_view(vm, w, i, LP_VIEW_SUB, &a);
		if (r >= 0)
			r = lp_pyvm_item_view(vm, LP_VIEW_ITEM, i, LP_VIEW_SUB_OTHER, &b);
		if (r >= 0 && a == b)
			continue;
		if (r >= 0)
			r = lp_pyvm_relate(vm, lp_pyvm_pair(LP_VIEW_SUB, LP_VIEW_SUB_OTHER), 1);
		if (r == LP_REL_ITEMS)
			return -LP_ST_TOO_BIG;
		if (r != LP_REL_EQUAL && r != LP_REL_SAME)
			return r < 0 ? r : 0;
	}
	return 1;
}

/* Is the key what is looked for? 1, 0 or < 0. */
lp_inline long lp_pyvm_key_matches(struct lp_vm *vm, __u64 key)
{
	const struct lp_pyvm_probe *p = &vm->py.probe;
	__u32 w = p->view;
	long r;

	if (vm->py.view[w % LP_PYVM_VIEWS].obj == key)
		return 1;
	if (p->by_identity)
		return 0;
	r = lp_pyvm_view(vm, LP_VIEW_ITEM, LP_PY_OBJECT, key);
	if (r < 0)
		return r;
	if (p->in_turn && vm->py.view[LP_VIEW_ITEM].kind != LP_KIND_STR &&
	    vm->py.view[w % LP_PYVM_VIEWS].kind == LP_KIND_STR)
		return 0;
	r = lp_pyvm_relate(vm, lp_pyvm_pair(w, LP_VIEW_ITEM), 1);
	if (r == LP_REL_ITEMS)
		return lp_pyvm_looks_up() ? lp_pyvm_tuples_match(vm, w) : -LP_ST_TOO_BIG;
	return r < 0 ? r : r == LP_REL_EQUAL || r == LP_REL_SAME;
}

/* The number of the entry that comes next: < 0 the end of the probing, or a failure. */
lp_inline long lp_pyvm_dict_index(struct lp_vm *vm, struct lp_pyvm_probe *p, __u32 i, __u64 *ret)
{
	__u32 size = p->index_size, drop = (64 - size * 8) & 63;

	*ret = i;
	if (p->in_turn)
		return i < p->count ? 0 : -1;
	if (lp_pyvm_get(vm, p->indices + p->at * size, size, ret) < 0) {
		p->result = -LP_ST_UNREADABLE;
		return -1;
	}
	*ret = (__u64)((__s64)(*ret << drop) >> drop);
	p->perturb >>= LP_PERTURB_SHIFT;
	p->at = (p->at * 5 + p->perturb + 1) & p->mask;
	return *ret == ~0ull ? -1 : 0;
}

/* Key and value of entry `index`; 1: it can't be what is looked for. */
lp_inline long lp_pyvm_dict_entry(struct lp_vm *vm, struct lp_pyvm_probe *p)
{
	__u64 entry = p->entries + p->index * p->entry_size, hash;
	long r = 0;

	if (p->entry_size == 24) {
		r = lp_pyvm_u64(vm, entry, &hash);
		if (r >= 0 && !p->in_turn && hash != p->hash)
			return 1;
		entry += 8;
	}
	if (r >= 0)
		r = lp_pyvm_u64(vm, entry, &p->key);
	if (r >= 0)
		r = lp_pyvm_u64(vm, p->values ? p->values + p->index * 8 : entry + 8, &p->value);
	return r < 0 ? r : !p->key;
}

/* One entry: 0 go on, 1 done, 2 its key has to be compared. */
lp_inline long lp_pyvm_dict_next(struct lp_vm *vm, struct lp_pyvm_probe *p, __u32 i)
{
	__u64 index;
	long r;

	if (!lp_pyvm_spend(vm))
		return 1;
	p->result = 0;
	if (lp_pyvm_dict_index(vm, p, i, &index) < 0)
		return 1;
	p->result = -LP_ST_TOO_BIG; /* unless one of the steps to come finds the end */
	if (index == ~1ull)	    /* an entry that was removed */
		return 0;
	p->index = index;
	r = index < p->count ? lp_pyvm_dict_entry(vm, p) : -LP_ST_UNREADABLE;
	if (r < 0)
		p->result = r;
	return r < 0 ? 1 : r ? 0 : 2;
}

/* What the comparison of its key makes of it. */
lp_inline long lp_pyvm_dict_end(struct lp_pyvm_probe *p, long matches)
{
	if (!matches)
		return 0;
	p->result = matches < 0 ? matches : p->value != 0;
	return 1;
}

static long lp_pyvm_dict_step(__u32 i, struct lp_step *step)
{
	struct lp_vm *vm = step->vm;
	struct lp_pyvm_probe *p = &vm->py.probe;
	long r = lp_pyvm_dict_next(vm, p, i);

	return r < 2 ? r : lp_pyvm_dict_end(p, lp_pyvm_key_matches(vm, p->key));
}

static long lp_pyvm_name_step(__u32 i, struct lp_step *step)
{
	struct lp_vm *vm = step->vm;
	struct lp_pyvm_probe *p = &vm->py.probe;
	const struct lp_py_runtime *rt = lp_py_rt(vm);
	long r = rt ? lp_pyvm_dict_next(vm, p, i) : 1;

	return r < 2 ? r : lp_pyvm_dict_end(p, lp_pyvm_name_matches(vm, rt, p->key));
}

lp_inline long lp_pyvm_keys_open(struct lp_vm *vm, const struct lp_py_layout *l, __u64 keys)
{
	struct lp_pyvm_probe *p = &vm->py.probe;
	__u64 size, index_bytes, kind = 0;

	if (lp_pyvm_u64(vm, keys + l->keys_nentries, &p->count) < 0)
		return -LP_ST_UNREADABLE;
	if (l->keys_log2_size == LP_PY_NONE) { /* up to 3.10 */
		if (lp_pyvm_u64(vm, keys + l->keys_size, &size) < 0 || size >> 40)
			return -LP_ST_UNREADABLE;
		p->index_size = size <= 0xff ? 1 : size <= 0xffff ? 2 : size <= 0xffffffff ? 4 : 8;
		index_bytes = size * p->index_size;
	} else {
		__u64 log2_size, log2_bytes;

		if (lp_pyvm_get(vm, keys + l->keys_log2_size, 1, &log2_size) < 0 ||
		    lp_pyvm_get(vm, keys + l->keys_log2_bytes, 1, &log2_bytes) < 0 ||
		    lp_pyvm_get(vm, keys + l->keys_kind, 1, &kind) < 0 || log2_size > 40 ||
		    log2_bytes - log2_size > 3)
			return -LP_ST_UNREADABLE;
		size = 1ull << (log2_size & 63);
		p->index_size = 1u << ((log2_bytes - log2_size) & 3);
		index_bytes = 1ull << (log2_bytes & 63);
	}
	p->mask = size - 1;
	p->indices = keys + l->keys_indices;
	p->entries = p->indices + index_bytes;
	p->entry_size = l->keys_have_kind && kind ? 16 : 24;
	return p->count >> 40 ? -LP_ST_UNREADABLE : 0;
}

/* The view in keys (and their values apart, or 0): 1 found, in probe.value; 0 not; < 0. */
lp_global long lp_pyvm_keys_find(struct lp_vm *vm, __u64 keys, __u64 values, __u32 w)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;
	struct lp_step step = { .vm = vm };

	if (!rt)
		return -LP_ST_UNREADABLE;

	struct lp_pyvm_probe *p = &vm->py.probe;
	const struct lp_pyvm_view *v = &vm->py.view[w % LP_PYVM_VIEWS];
	long r = lp_pyvm_keys_open(vm, &rt->layout, keys);
	if (r < 0)
		return r;
	p->values = values;
	p->view = w;
	p->by_identity = v->kind == LP_KIND_OTHER;
	p->in_turn = p->by_identity || v->hash == LP_PYVM_NOHASH;
	p->hash = p->perturb = v->hash;
	p->at = p->hash & p->mask;
	p->result = -LP_ST_TOO_BIG;
	lp_loop_seldom(LP_PY_PROBES_MAX, lp_pyvm_dict_step, &step);
	return p->result;
}

/* The same of view NAME among keys that are all str: apart, as the verifier counts nested calls. */
lp_inline long lp_pyvm_keys_name_run(struct lp_vm *vm, const struct lp_py_runtime *rt, __u64 keys,
				     __u64 values)
{
	struct lp_step step = { .vm = vm };
	struct lp_pyvm_probe *p = &vm->py.probe;
	const struct lp_pyvm_view *v = &vm->py.view[LP_VIEW_NAME];
	long r = lp_pyvm_keys_open(vm, &rt->layout, keys);

	if (r < 0)
		return r;
	p->values = values;
	p->in_turn = v->hash == LP_PYVM_NOHASH;
	p->hash = p->perturb = v->hash;
	p->at = p->hash & p->mask;
	p->result = -LP_ST_TOO_BIG;
	lp_loop_seldom(LP_PY_PROBES_MAX, lp_pyvm_name_step, &step);
	return p->result;
}

lp_global long lp_pyvm_keys_name(struct lp_vm *vm, __u64 keys, __u64 values)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;

	return rt ? lp_pyvm_keys_name_run(vm, rt, keys, values) : -LP_ST_UNREADABLE;
}

lp_inline long lp_pyvm_dict_open(struct lp_vm *vm, const struct lp_py_layout *l, __u64 dict,
				 __u64 *ret_keys, __u64 *ret_values)
{
	if (lp_pyvm_u64(vm, dict + l->dict_keys, ret_keys) < 0 ||
	    lp_pyvm_u64(vm, dict + l->dict_values, ret_values) < 0)
		return -LP_ST_UNREADABLE;
	if (*ret_values)
		*ret_values += l->values_array;
	return 0;
}

/* The same in a dict. */
lp_inline long lp_pyvm_dict_find(struct lp_vm *vm, const struct lp_py_layout *l, __u64 dict,
				 __u32 w)
{
	__u64 keys, values;
	long r = lp_pyvm_dict_open(vm, l, dict, &keys, &values);

	return r < 0 ? r : lp_pyvm_keys_find(vm, keys, values, w);
}

lp_inline long lp_pyvm_dict_name(struct lp_vm *vm, const struct lp_py_layout *l, __u64 dict)
{
	__u64 keys, values;
	long r = lp_pyvm_dict_open(vm, l, dict, &keys, &values);

	return r < 0 ? r : lp_pyvm_keys_name(vm, keys, values);
}

/* Goes on to the next entry of a set. */
lp_inline void lp_pyvm_set_next(struct lp_pyvm_probe *p)
{
	if (p->in_turn) {
		p->index++;
	} else if (p->probes) {
		p->probes--;
		p->index++;
	} else {
		p->perturb >>= LP_PERTURB_SHIFT;
		p->at = (p->at * 5 + 1 + p->perturb) & p->mask;
		p->index = p->at;
		p->probes = p->at + LP_SET_PROBES <= p->mask ? LP_SET_PROBES : 0;
	}
}

static long lp_pyvm_set_step(__u32 i, struct lp_step *step)
{
	struct lp_vm *vm = step->vm;
	struct lp_pyvm_probe *p = &vm->py.probe;
	__u64 hash;
	long r;

	(void)i;
	if (!lp_pyvm_spend(vm))
		return 1;
	p->result = 0;
	if (p->in_turn && p->index > p->mask)
		return 1;
	p->result = -LP_ST_UNREADABLE;
	if (lp_pyvm_u64(vm, p->entries + p->index * 16, &p->key) < 0 ||
	    lp_pyvm_u64(vm, p->entries + p->index * 16 + 8, &hash) < 0)
		return 1;
	if (!p->in_turn && !p->key) {
		p->result = 0;
		return 1;
	}
	/* an entry that was removed has the hash -1 */
	if (p->key && hash != ~0ull && (p->in_turn || hash == p->hash)) {
		r = lp_pyvm_key_matches(vm, p->key);
		if (r) {
			p->result = r;
			return 1;
		}
	}
	lp_pyvm_set_next(p);
	p->result = -LP_ST_TOO_BIG;
	return 0;
}

/* Is view w in the set? 1, 0 or < 0. */
lp_global long lp_pyvm_set_find(struct lp_vm *vm, __u64 set, __u32 w)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;
	struct lp_step step = { .vm = vm };

	if (!rt)
		return -LP_ST_UNREADABLE;

	struct lp_pyvm_probe *p = &vm->py.probe;
	const struct lp_pyvm_view *v = &vm->py.view[w % LP_PYVM_VIEWS];
	if (lp_pyvm_u64(vm, set + rt->layout.set_table, &p->entries) < 0 ||
	    lp_pyvm_u64(vm, set + rt->layout.set_mask, &p->mask) < 0 || p->mask >> 40)
		return -LP_ST_UNREADABLE;
	p->view = w;
	p->by_identity = v->kind == LP_KIND_OTHER;
	p->in_turn = p->by_identity || v->hash == LP_PYVM_NOHASH;
	p->hash = p->perturb = v->hash;
	p->at = p->hash & p->mask;
	p->index = p->in_turn ? 0 : p->at;
	p->probes = p->at + LP_SET_PROBES <= p->mask ? LP_SET_PROBES : 0;
	p->result = -LP_ST_TOO_BIG;
	lp_loop_seldom(LP_PY_PROBES_MAX, lp_pyvm_set_step, &step);
	return p->result;
}

#endif
