/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/pyclass.h
 *
 * pyclass - what a class's own namespace tells: where it was made, the names of a named tuple's fields.
 * Entries are looked at in turn, as in both cases what is wanted is among the first.
 */
#ifndef LP_BPF_PYCLASS_H
#define LP_BPF_PYCLASS_H

#include "pytype.h"

#define LP_PY_ATTR_KEY	 64u  /* bytes of a key that are looked at: a short str */
#define LP_PY_ATTRS_MAX	 256u /* entries looked at */
#define LP_PY_FIELDS_MAX 64u  /* of a named tuple; others are not shown */
#define LP_PY_NEAR_MAX	 4u   /* classes up to one that names its fields */

enum lp_py_attr { LP_PY_ATTR_FIELDS, LP_PY_ATTR_MODULE };

static const struct {
	__u64 words[2]; /* of the text, and zeros */
	__u32 len;
} lp_py_attrs[] = {
	[LP_PY_ATTR_FIELDS] = { { 0x0073646c6569665full, 0 }, 7 },	    /* _fields */
	[LP_PY_ATTR_MODULE] = { { 0x656c75646f6d5f5full, 0x5f5full }, 10 }, /* __module__ */
};

/* Is the key, whose first bytes are in w->body, the str that is wanted? */
lp_inline int lp_py_is_attr(const struct lp_py_walk *w, const struct lp_py_runtime *rt, __u64 type)
{
	const struct lp_py_layout *l = &rt->layout;
	__u32 name = w->attr_name & 1, len = lp_py_attrs[name].len;
	__u32 state = (__u32)(lp_py_tp(w, l->str_state) >> (l->str_state & 4) * 8);
	__u64 mask = len > 8 ? (1ull << (len - 8) * 8) - 1 : 0;

	state >>= l->str_kind_shift & 31;
	return type == rt->type_str && lp_py_tp(w, l->str_length) == len &&
	       (state & 0x1f) == 0x19 /* one byte a character, compact, ASCII */ &&
	       lp_py_tp(w, l->str_ascii) == lp_py_attrs[name].words[0] &&
	       (lp_py_tp(w, l->str_ascii + 8) & mask) == lp_py_attrs[name].words[1];
}

static long lp_py_attr_step(__u32 i, struct lp_step *step)
{
	struct lp_vm *vm = step->vm;
	struct lp_py_walk *w = &vm->walk;
	const struct lp_py_runtime *rt = lp_py_rt(vm);
	__u64 at = w->attr_at + (__u64)i * w->attr_stride, pair[2];

	if (!rt || i >= w->attr_n)
		return 1;
	if (lp_mem_read(pair, sizeof(pair), at + w->attr_stride - sizeof(pair)))
		return 1;
	if (!pair[0] || lp_mem_read(w->body, LP_PY_ATTR_KEY, pair[0]))
		return 0;
	if (!lp_py_is_attr(w, rt, lp_py_tp(w, rt->layout.ob_type)))
		return 0;
	w->attr_value = pair[1];
	w->attr_n = 0;
	lp_py_copy(vm, at, w->attr_stride, 0);
	lp_py_copy(vm, pair[0], LP_PY_ATTR_KEY, 0);
	return 1;
}

/* An attribute of the class itself, into w->attr_value: 1; 0 it has none; < 0 not known. */
lp_global long lp_py_class_attr(struct lp_vm *vm, __u64 type, __u32 name)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;
	struct lp_step step = { .vm = vm };
	__u64 dict;

	if (!rt)
		return -1;

	const struct lp_py_layout *l = &rt->layout;
	struct lp_py_walk *w = &vm->walk;
	w->attr_value = 0;
	if (lp_mem_read(&dict, sizeof(dict), type + l->tp_dict) || !dict)
		return -1;

	__u32 at = lp_py_copy(vm, dict, l->dict_values + 8, 0);
	__u64 keys = at ? lp_py_word(vm, at + l->dict_keys) : 0, n;
	at = keys ? lp_py_copy(vm, keys, l->keys_indices, 0) : 0;
	if (!at)
		return -1;
	n = lp_py_word(vm, at + l->keys_nentries);
	w->attr_at = keys + l->keys_indices + lp_py_index_bytes(vm, l, at);
	w->attr_stride = lp_py_is_general(vm, l, at) ? 24 : 16;
	w->attr_n = n > LP_PY_ATTRS_MAX ? LP_PY_ATTRS_MAX : n;
	w->attr_name = name;
	lp_loop_seldom(LP_PY_ATTRS_MAX, lp_py_attr_step, &step);
	return w->attr_value ? 1 : n > LP_PY_ATTRS_MAX ? -1 : 0;
}

/* Items of a named tuple whose names are not to be shown: bits of its class's `slots`. Where the names
 * can't be had, all are.
 */
lp_global int lp_py_fields(struct lp_vm *vm, __u32 index)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;

	if (!rt)
		return 0;

	const struct lp_py_layout *l = &rt->layout;
	struct lp_py_walk *w = &vm->walk;
	struct lp_py_class *c = &w->types[index & (LP_PY_TYPES_MAX - 1)];
	struct lp_step step = { .vm = vm };
	__u64 type = c->addr, names = 0, n;
	long found = 0;

	c->slots = ~0ull;
	for (__u32 i = 0; i < LP_PY_NEAR_MAX; i++) {
		found = lp_py_class_attr(vm, type, LP_PY_ATTR_FIELDS);
		if (found || lp_mem_read(&type, sizeof(type), type + l->tp_base))
			break;
		if (type == rt->type_tuple) {
			c->slots = 0; /* a tuple without names */
			return 0;
		}
		lp_py_copy(vm, type + l->tp_base, 16, 0); /* and tp_dict */
	}
	names = w->attr_value;

	__u32 at = found == 1 ? lp_py_copy(vm, names, l->tuple_items, 0) : 0;
	n = at ? lp_py_word(vm, at + l->ob_size) : 0;
	if (n > LP_PY_FIELDS_MAX)
		n = LP_PY_FIELDS_MAX;
	w->slot_at = n ? lp_py_copy(vm, names + l->tuple_items, (__u32)n * 8, 0) : 0;
	w->slot_left = w->slot_at ? (__u32)n : 0;
	w->slot_bit = 1;
	w->slots = 0;
	lp_loop_seldom(LP_PY_FIELDS_MAX, lp_py_slot_step, &step);
	c->slots = ~w->slots;
	return 0;
}

/* What repr() of the class itself shows. */
lp_global int lp_py_title(struct lp_vm *vm, __u64 type)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;
	__u64 name;

	if (!rt || lp_mem_read(&name, sizeof(name), type + rt->layout.ht_qualname))
		return 0;
	lp_py_name(vm, name);
	if (lp_py_class_attr(vm, type, LP_PY_ATTR_MODULE) == 1)
		lp_py_name(vm, vm->walk.attr_value);
	return 0;
}

#endif
