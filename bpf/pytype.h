/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/pytype.h
 *
 * pytype - how objects of a class are laid out, found out once a hit: its own memory and that of its
 * bases. What is read is copied as well: names, what tells that it is still the same class, and
 * the names in __slots__.
 */
#ifndef LP_BPF_PYTYPE_H
#define LP_BPF_PYTYPE_H

#include "pytext.h"

/* Of a keys object whose header is in the record at `at`: bytes of its indices; have its entries hashes? */
lp_inline __u64 lp_py_index_bytes(struct lp_vm *vm, const struct lp_py_layout *l, __u32 at)
{
	if (l->keys_have_kind)
		return 1ull << (lp_py_word(vm, at + l->keys_log2_bytes) & 63);

	__u64 size = lp_py_word(vm, at + l->keys_size);
	return size * (size <= 0xff ? 1 : size <= 0xffff ? 2 : size <= 0xffffffff ? 4 : 8);
}

lp_inline __u32 lp_py_is_general(struct lp_vm *vm, const struct lp_py_layout *l, __u32 at)
{
	return !l->keys_have_kind || !(lp_py_word(vm, at + l->keys_kind) & 0xff);
}

#define LP_PY_CSTRING 64u /* bytes of a C string that names something, terminator included */

/* Kinds of the interpreter's own types. */
lp_global int lp_py_known(struct lp_vm *vm, __u64 type)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;

	if (!rt)
		return LP_PK_UNKNOWN;
#define KNOWN(name, member)                                                                        \
	if (type == rt->member)                                                                    \
		return LP_PK_##name;
	LP_PY_KNOWN(KNOWN)
#undef KNOWN
	return LP_PK_UNKNOWN;
}

lp_inline __u32 lp_py_flagged(__u64 flags)
{
#define FLAGGED(name, flag)                                                                        \
	if (flags & (flag))                                                                        \
		return LP_PK_##name;
	LP_PY_FLAGGED(FLAGGED)
#undef FLAGGED
	return LP_PK_UNKNOWN;
}

static const struct {
	union {
		char text[LP_PY_NAMED_LEN];
		__u64 words[LP_PY_NAMED_LEN / 8];
	};
} lp_py_names[] = {
#define NAMED(kind, name) { { .text = name } },
	LP_PY_NAMED(NAMED)
#undef NAMED
};

static const __u8 lp_py_name_kinds[] = {
#define NAMED(kind, name) LP_PK_##kind,
	LP_PY_NAMED(NAMED)
#undef NAMED
};

#define LP_PY_NAMES (sizeof(lp_py_name_kinds) / sizeof(*lp_py_name_kinds))

/* Of w->name. */
lp_inline __u32 lp_py_named(const struct lp_py_walk *w)
{
	const __u64 *name = (const __u64 *)w->name;

	for (__u32 i = 0; i < LP_PY_NAMES; i++)
		if (name[0] == lp_py_names[i].words[0] && name[1] == lp_py_names[i].words[1] &&
		    name[2] == lp_py_names[i].words[2])
			return lp_py_name_kinds[i];
	return LP_PK_UNKNOWN;
}

/* Has w->name a dot? Names of classes made by a class statement haven't. */
lp_inline int lp_py_is_dotted(const struct lp_py_walk *w)
{
	for (__u32 i = 0; i < LP_PY_CSTRING / 8; i++) {
		__u64 x = ((const __u64 *)w->name)[i] ^ 0x2e2e2e2e2e2e2e2eull;

		if ((x - 0x0101010101010101ull) & ~x & 0x8080808080808080ull)
			return 1;
	}
	return 0;
}

/* The C string at addr into w->name, padded with zeros, and into the record. */
lp_inline void lp_py_cstring(struct lp_vm *vm, __u64 addr)
{
	struct lp_py_walk *w = &vm->walk;
	__u8 *to = lp_vm_tail(vm, LP_PY_CSTRING);

	long n = lp_mem_read_str(w->name, LP_PY_CSTRING, addr);
	if (n < 1 || n > LP_PY_CSTRING) {
		lp_vm_note(vm, LP_SLOT_MEM, LP_ST_UNREADABLE, addr);
		return;
	}
	for (__u32 i = 0; i < LP_PY_CSTRING / 8; i++) {
		__u64 *word = (__u64 *)w->name + i;

		if (i * 8 >= (__u32)n)
			*word = 0;
		else if (i * 8 + 8 > (__u32)n) /* what lies behind the terminator is not known */
			*word &= (1ull << ((__u32)n & 7) * 8) - 1;
	}
	if (!to) {
		vm->flags |= LP_RECF_CUT;
		return;
	}
	for (__u32 i = 0; i < LP_PY_CSTRING / 8; i++)
		((lp_word *)to)[i] = ((__u64 *)w->name)[i];
	lp_vm_block(vm, LP_SLOT_MEM, LP_ST_OK, n == LP_PY_CSTRING ? LP_BLKF_CUT : 0, n - 1, addr);
}

lp_inline __u64 lp_py_tp(const struct lp_py_walk *w, __u32 off)
{
	__u32 i = off >> 3;

	lp_opaque(i);
	return i < LP_PY_TYPE / 8 ? w->body[i] : 0;
}

/* Words from..to of the type in w->body as a block. */
lp_inline void lp_py_stamp(struct lp_vm *vm, __u64 type, __u32 from, __u32 n)
{
	struct lp_py_walk *w = &vm->walk;
	__u64 words[7];

	for (__u32 i = 0; i < 7; i++)
		words[i] = i < n ? lp_py_tp(w, from + i * 8) : 0;
	lp_py_put(vm, words, type + from, n * 8);
}

/* The next name in __slots__, whose word of an instance is w->slot_bit of w->slots. */
static long lp_py_slot_step(__u32 i, struct lp_step *step)
{
	struct lp_vm *vm = step->vm;
	struct lp_py_walk *w = &vm->walk;

	(void)i;
	if (!w->slot_left)
		return 1;
	if (!lp_py_name(vm, lp_py_word(vm, w->slot_at)))
		w->slots |= w->slot_bit;
	w->slot_bit <<= 1;
	w->slot_at += 8;
	w->slot_left--;
	return 0;
}

/* What __slots__ of the class names: the words of an instance from the base's end on. */
lp_inline void lp_py_slots(struct lp_vm *vm, const struct lp_py_layout *l, __u64 names, __u64 base,
			   struct lp_py_class *c)
{
	struct lp_py_walk *w = &vm->walk;
	struct lp_step step = { .vm = vm };
	__u32 at = lp_py_copy(vm, names, l->tuple_items, 0);
	__u64 n = at ? lp_py_word(vm, at + l->ob_size) : 0;
	__u32 size_at = n ? lp_py_copy(vm, base + l->tp_basicsize, 8, 0) : 0;
	__u64 start = size_at ? lp_py_word(vm, size_at) : 0;

	if (start < 16 || start >= 16 + 64 * 8)
		return;
	if (n > LP_PY_SLOTS_MAX) {
		n = LP_PY_SLOTS_MAX;
		vm->flags |= LP_RECF_CUT;
	}
	w->slot_at = lp_py_copy(vm, names + l->tuple_items, (__u32)n * 8, 0);
	w->slot_left = w->slot_at ? (__u32)n : 0;
	w->slot_bit = 1ull << ((start - 16) / 8 & 63);
	w->slots = c->slots;
	lp_loop_seldom(LP_PY_SLOTS_MAX, lp_py_slot_step, &step);
	c->slots = w->slots;
}

#define LP_PY_METAS_MAX 3 /* from an enum's metaclass to enum's own */

/* Is it enum's metaclass, or made from it? */
lp_global int lp_py_is_enum(struct lp_vm *vm, __u64 meta)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;
	__u64 at = 0, name = 0;

	if (!rt)
		return 0;
	for (__u32 i = 0; i < LP_PY_METAS_MAX; i++) {
		if (!meta || meta == rt->type_type ||
		    lp_mem_read(&at, sizeof(at), meta + rt->layout.tp_name) ||
		    lp_mem_read(&name, sizeof(name), at))
			break;
		if (name == 0x6174654d6d756e45ull || name == 0x657079546d756e45ull)
			return 1; /* EnumMeta, EnumType from 3.11 on */
		if (lp_mem_read(&meta, sizeof(meta), meta + rt->layout.tp_base))
			break;
	}
	return 0;
}

static const struct {
	union {
		char text[16];
		__u64 words[2];
	};
} lp_py_leaf_names[] = {
#define LEAF(name) { { .text = name } },
	LP_PY_LEAF_NAMES(LEAF)
#undef LEAF
};

/* Of the class in w->body, by its name or its metaclass. */
lp_inline int lp_py_is_leaf(struct lp_vm *vm, const struct lp_py_runtime *rt, __u64 meta)
{
	const __u64 *name = (const __u64 *)vm->walk.name;

	for (__u32 i = 0; i < sizeof(lp_py_leaf_names) / sizeof(*lp_py_leaf_names); i++)
		if (name[0] == lp_py_leaf_names[i].words[0] &&
		    name[1] == lp_py_leaf_names[i].words[1])
			return 1;
	return meta != rt->type_type && lp_py_is_enum(vm, meta);
}

/* One class on the way from an object's own to `object`: w->base, which moves on. */
lp_global int lp_py_base(struct lp_vm *vm, __u32 index, __u32 is_own)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;

	if (!rt)
		return 0;

	const struct lp_py_layout *l = &rt->layout;
	struct lp_py_walk *w = &vm->walk;
	struct lp_py_class *c = &w->types[index & (LP_PY_TYPES_MAX - 1)];
	__u64 type = w->base;

	w->base = 0;
	if (lp_mem_read(w->body, LP_PY_TYPE, type)) {
		lp_vm_note(vm, LP_SLOT_MEM, LP_ST_UNREADABLE, type);
		return 0;
	}

	__u64 flags = lp_py_tp(w, l->tp_flags), base = lp_py_tp(w, l->tp_base);
	lp_py_stamp(vm, type, l->ob_type, (l->tp_itemsize - l->ob_type) / 8u + 1);
	lp_py_stamp(vm, type, l->tp_flags, 1);
	lp_py_stamp(vm, type, l->tp_base, 2);
	lp_py_stamp(vm, type, l->tp_dictoffset, 1);
	if (flags & LP_PY_TP_EXCEPTION)
		lp_py_stamp(vm, type, l->tp_str, 1);
	lp_py_cstring(vm, lp_py_tp(w, l->tp_name));

	__u32 is_python = flags & LP_PY_TP_HEAPTYPE && !lp_py_is_dotted(w);
	__u32 kind = lp_py_flagged(flags);
	if (!kind)
		kind = lp_py_named(w);
	lp_blur(vm, kind);
	lp_blur(vm, is_python);
	if (is_own) {
		c->dictoffset = lp_py_tp(w, l->tp_dictoffset);
		c->basicsize = lp_py_tp(w, l->tp_basicsize);
		c->itemsize = lp_py_tp(w, l->tp_itemsize);
		c->flags = flags;
		c->is_python = is_python;
		c->is_leaf = is_python && lp_py_is_leaf(vm, rt, lp_py_tp(w, l->ob_type));
	}
	if (!kind)
		kind = base == rt->type_object ? LP_PK_OPAQUE : lp_py_known(vm, base);
	lp_blur(vm, kind);
	if (kind)
		c->kind = kind;
	if (is_python) {
		__u32 at = lp_py_copy(vm, type + l->ht_name, l->ht_cached_keys + 8 - l->ht_name, 0);
		__u64 slots = at ? lp_py_word(vm, at + l->ht_slots - l->ht_name) : 0;

		if (at && is_own)
			c->keys = lp_py_word(vm, at + l->ht_cached_keys - l->ht_name);
		if (slots)
			lp_py_slots(vm, l, slots, base, c);
	}
	if (base && base != rt->type_object && !kind)
		w->base = base;
	return 0;
}

/* Where a class is in w->types, or would be: LP_PY_TYPES_MAX: there are too many. */
lp_inline __u32 lp_py_find_class(struct lp_vm *vm, __u64 type, __u32 *ret_new)
{
	const struct lp_py_walk *w = &vm->walk;
	__u32 at = (__u32)((type >> 3) * 0x9e3779b1u) >> 8, found = LP_PY_TYPES_MAX;

	for (__u32 i = 0; i < 8; i++) {
		__u32 slot = at + i;

		lp_opaque(slot);
		slot &= LP_PY_TYPES_MAX - 1;
		if (w->types[slot].serial == w->serial && w->types[slot].addr != type)
			continue;
		found = slot;
		break;
	}
	lp_blur(vm, found);

	const struct lp_py_class *c = &w->types[found & (LP_PY_TYPES_MAX - 1)];
	__u32 is_new = c->serial != w->serial || c->addr != type;

	lp_blur(vm, is_new);
	*ret_new = is_new;
	return found;
}

/* Finds out what there is to know of a class. Its index in w->types, as lp_py_find_class(). */
lp_inline __u32 lp_py_class(struct lp_vm *vm, __u64 type)
{
	struct lp_py_walk *w = &vm->walk;
	__u32 is_new, index = lp_py_find_class(vm, type, &is_new);

	if (!is_new)
		return index;
	lp_opaque(index);
	if (index >= LP_PY_TYPES_MAX) {
		vm->flags |= LP_RECF_CUT;
		return index;
	}

	struct lp_py_class *c = &w->types[index];
	c->addr = type;
	c->serial = w->serial;
	c->keys = c->slots = c->dictoffset = 0;
	c->basicsize = c->itemsize = c->flags = 0;
	c->kind = LP_PK_OPAQUE;
	c->is_python = c->is_leaf = 0;
	w->base = type;
	for (__u32 i = 0; i < LP_PY_BASES_MAX; i++) {
		if (!w->base)
			break;
		lp_py_base(vm, index, !i);
	}
	if (c->kind == LP_PK_OPAQUE && c->is_python)
		c->kind = LP_PK_INSTANCE;
	return index;
}

#endif
