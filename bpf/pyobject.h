/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/pyobject.h
 *
 * pyobject - one object: its body is copied, and what it points to waits its turn (pycopy.h).
 */
#ifndef LP_BPF_PYOBJECT_H
#define LP_BPF_PYOBJECT_H

#include "pytype.h"

/* With the depth: */
#define LP_PY_AGAIN 0x100u /* its class is known as far as it can be */
#define LP_PY_ANEW  0x200u /* also where it was copied already */

enum lp_py_want {
	LP_PW_WANT_NOTHING,
	LP_PW_WANT_CLASS, /* w->type is to be known first */
	LP_PW_WANT_SELF,  /* the object is a class: what there is to know of it */
};

/* Kinds that may have attributes that are shown. */
#define LP_PY_WITH_ATTRIBUTES                                                                      \
	(1u << LP_PK_INSTANCE | 1u << LP_PK_LONG | 1u << LP_PK_FLOAT | 1u << LP_PK_COMPLEX |       \
	 1u << LP_PK_STR | 1u << LP_PK_BYTES | 1u << LP_PK_TUPLE | 1u << LP_PK_DATE |              \
	 1u << LP_PK_DATETIME | 1u << LP_PK_DELTA)

/* Kinds that lead nowhere: once is enough, whatever the depth. */
#define LP_PY_LEAVES                                                                               \
	(1u << LP_PK_NONE | 1u << LP_PK_LONG | 1u << LP_PK_FLOAT | 1u << LP_PK_COMPLEX |           \
	 1u << LP_PK_STR | 1u << LP_PK_BYTES | 1u << LP_PK_BYTEARRAY)

/* len bytes of the object, of which the head is there. */
lp_inline __u32 lp_py_body(struct lp_vm *vm, __u64 addr, __u32 len)
{
	if (len <= vm->walk.head_len)
		return lp_py_put(vm, vm->walk.head, addr, len);
	return lp_py_copy(vm, addr, len, 0);
}

lp_inline void lp_py_long(struct lp_vm *vm, const struct lp_py_layout *l, __u64 addr)
{
	__s64 size = lp_py_at(vm, l->long_tag);
	__u64 n = l->long_is_tagged ? (__u64)size >> 3 : (__u64)(size < 0 ? -size : size);

	/* the size alone where there are too many */
	lp_py_body(vm, addr, l->long_digits + (n > LP_PY_DIGITS_MAX ? 0 : (__u32)n * 4));
}

/* LIST and TUPLE: w->from to w->to of it. */
lp_inline void lp_py_sequence(struct lp_vm *vm, const struct lp_py_layout *l, __u64 addr,
			      int is_list, __u32 depth)
{
	struct lp_py_walk *w = &vm->walk;
	__u64 n = lp_py_at(vm, l->ob_size), items = addr + l->tuple_items;

	lp_py_body(vm, addr, is_list ? l->list_items + 8 : l->ob_size + 8);
	if (is_list)
		items = lp_py_at(vm, l->list_items);
	if (n > w->to)
		n = w->to;
	n = n > w->from ? n - w->from : 0;
	if (n > w->items)
		n = w->items;
	if (!n || depth >= w->depth)
		return;

	struct lp_py_run *run = lp_py_push(vm, w->fields ? LP_PW_FIELDS : LP_PW_OBJECTS,
					   items + (__u64)w->from * 8, (__u32)n, depth + 1);
	if (run) {
		run->used = w->from;
		run->type = w->fields - 1;
	}
}

lp_inline void lp_py_table(struct lp_vm *vm, const struct lp_py_layout *l, __u64 addr, int is_dict,
			   __u32 depth)
{
	struct lp_py_run *run = 0;

	lp_py_body(vm, addr, is_dict ? l->dict_values + 8 : l->set_table + 8);
	if (depth >= vm->walk.depth)
		return;
	if (is_dict) {
		run = lp_py_push(vm, LP_PW_KEYS, lp_py_at(vm, l->dict_keys), 1, depth + 1);
		if (run)
			run->extra = lp_py_at(vm, l->dict_values);
	} else {
		__u64 n = lp_py_at(vm, l->set_mask) + 1;

		if (n > LP_PY_SCAN_MAX)
			n = LP_PY_SCAN_MAX;
		if (!lp_py_at(vm, l->set_used))
			return;
		run = lp_py_push(vm, LP_PW_SET, lp_py_at(vm, l->set_table), (__u32)n, depth + 1);
		if (run)
			run->stride = 16;
	}
}

lp_inline void lp_py_deque(struct lp_vm *vm, const struct lp_py_layout *l, __u64 addr, __u32 depth)
{
	struct lp_py_walk *w = &vm->walk;
	__u64 n = lp_py_at(vm, l->ob_size);
	__u32 first = (__u32)lp_py_at(vm, LP_PY_DEQUE_INDEX);

	lp_py_copy(vm, addr, LP_PY_DEQUE_SIZE, 0);
	if (n > w->items)
		n = w->items;
	if (!n || depth >= w->depth || first >= LP_PY_BLOCK_LEN)
		return;

	struct lp_py_run *run =
		lp_py_push(vm, LP_PW_DEQUE, lp_py_at(vm, LP_PY_DEQUE_LEFT), (__u32)n, depth + 1);
	if (run)
		run->used = first;
}

/* Decimal: the digits are in the object or apart. */
lp_inline void lp_py_decimal(struct lp_vm *vm, __u64 addr)
{
	__u32 at = lp_py_copy(vm, addr, LP_PY_DEC_SIZE, 0);
	__u64 data = at ? lp_py_word(vm, at + LP_PY_DEC_DATA) : 0;
	__u64 n = at ? lp_py_word(vm, at + LP_PY_DEC_LEN) : 0;

	if (n > LP_READ_MAX / 8)
		n = LP_READ_MAX / 8;
	if (n && data != addr + LP_PY_DEC_SHORT)
		lp_py_copy(vm, data, (__u32)n * 8, 0);
}

/* Its name, and where it waits: the frame's code and latest instruction. */
lp_inline void lp_py_generator(struct lp_vm *vm, const struct lp_py_layout *l, __u64 addr)
{
	__u32 is_inside = l->minor >= 11;
	__u32 end = l->gen_frame + (is_inside ? l->frame_localsplus : 16);
	__u32 at = lp_py_copy(vm, addr, end > l->gen_qualname + 8u ? end : l->gen_qualname + 8u, 0);

	if (!at)
		return;
	lp_py_push_words(vm, at + l->gen_qualname, 1, 0);

	__u64 frame = lp_py_word(vm, at + l->gen_frame);
	if (is_inside)
		lp_py_push(vm, LP_PW_CODE,
			   lp_py_word(vm, at + l->gen_frame + l->frame_code) &
				   ~(__u64)l->frame_tags,
			   1, 0);
	else if (frame)
		lp_py_push(vm, LP_PW_FRAME, frame, 1, 0);
}

/* How long an object is, and where its words lie that are objects, too: one number for all, so that what the
 * verifier knows of it can end.
 */
#define LP_PY_SHAPE(len, at, n)	 ((__u64)(len) | (__u64)(at) << 16 | (__u64)(n) << 32)
#define LP_PY_SHAPE_LEN(shape)	 ((__u32)((shape)&0xffff))
#define LP_PY_SHAPE_AT(shape)	 ((__u32)((shape) >> 16 & 0xffff))
#define LP_PY_SHAPE_COUNT(shape) ((__u32)((shape) >> 32))

lp_inline __u64 lp_py_shape_of(const struct lp_vm *vm, const struct lp_py_layout *l, __u32 kind)
{
	/* date, time and datetime have a zone if a byte says so */
	__u32 zone = lp_py_at(vm, LP_PY_DATE_HAS_ZONE) & 0xff ? 1 : 0;

	switch (kind) {
	case LP_PK_FLOAT:
		return LP_PY_SHAPE(l->float_value + 8, 0, 0);
	case LP_PK_COMPLEX:
		return LP_PY_SHAPE(l->complex_value + 16, 0, 0);
	case LP_PK_RANGE:
		return LP_PY_SHAPE(LP_PY_RANGE_START + 24, LP_PY_RANGE_START, 3);
	case LP_PK_SLICE:
		return LP_PY_SHAPE(LP_PY_SLICE_START + 24, LP_PY_SLICE_START, 3);
	case LP_PK_DATE:
		return LP_PY_SHAPE(LP_PY_DATE_DATA + 4, 0, 0);
	case LP_PK_DELTA:
		return LP_PY_SHAPE(LP_PY_DELTA_DAYS + 12, 0, 0);
	case LP_PK_TIME:
		return LP_PY_SHAPE(LP_PY_TIME_ZONE + zone * 8, LP_PY_TIME_ZONE, zone);
	case LP_PK_DATETIME:
		return LP_PY_SHAPE(LP_PY_DATETIME_ZONE + zone * 8, LP_PY_DATETIME_ZONE, zone);
	case LP_PK_TIMEZONE:
		return LP_PY_SHAPE(LP_PY_TIMEZONE_OFFSET + 16, LP_PY_TIMEZONE_OFFSET, 2);
	case LP_PK_ZONEINFO:
		return LP_PY_SHAPE(LP_PY_ZONEINFO_KEY + 8, LP_PY_ZONEINFO_KEY, 1);
	case LP_PK_EXCEPTION:
		return LP_PY_SHAPE(LP_PY_EXC_ARGS + 8, LP_PY_EXC_ARGS, 1);
	case LP_PK_FUNCTION:
		return LP_PY_SHAPE(l->func_qualname + 8, l->func_qualname, 1);
	case LP_PK_METHOD:
		return LP_PY_SHAPE(LP_PY_METHOD_SELF + 8, LP_PY_METHOD_FUNC, 2);
	case LP_PK_CFUNCTION:
		return LP_PY_SHAPE(LP_PY_CFUNC_SELF + 8, LP_PY_CFUNC_SELF, 1);
	case LP_PK_CELL:
		return LP_PY_SHAPE(LP_PY_CELL_REF + 8, LP_PY_CELL_REF, 1);
	case LP_PK_MODULE:
		return LP_PY_SHAPE(l->module_name + 8, l->module_name, 1);
	default:
		return LP_PY_SHAPE(16, 0, 0);
	}
}

#define LP_PY_EXC_DEPTH 3u
#define LP_PY_EXC_WORDS 12u /* of what a builtin exception has beyond BaseException */

/* Objects that an exception has behind what all have: a file name, a reason. */
lp_inline void lp_py_exception(struct lp_vm *vm, const struct lp_py_layout *l, __u64 addr)
{
	struct lp_py_walk *w = &vm->walk;
	__u32 from = l->exc_suppress + 8u;
	__u64 size = 0;

	if (lp_mem_read(&size, sizeof(size), w->type + l->tp_basicsize) || size <= from)
		return;

	__u64 n = (size - from) / 8;
	n = lp_at_most(n, LP_PY_EXC_WORDS);
	/* as deep as the exceptions of a group, and what they are made of */
	lp_py_push_words(vm, n ? lp_py_copy(vm, addr + from, n * 8, 0) : 0, n,
			 w->depth > LP_PY_EXC_DEPTH ? w->depth - LP_PY_EXC_DEPTH : 0);
}

lp_inline void lp_py_plain(struct lp_vm *vm, const struct lp_py_layout *l, __u64 addr, __u32 kind,
			   __u32 depth)
{
	__u64 shape = lp_py_shape_of(vm, l, kind);
	lp_blur(vm, shape);
	__u32 at = lp_py_body(vm, addr, LP_PY_SHAPE_LEN(shape)), is_method = kind == LP_PK_METHOD;

	if (kind == LP_PK_CFUNCTION) {
		lp_py_push(vm, LP_PW_CNAME, lp_py_at(vm, LP_PY_CFUNC_DEF), 1, 0);
		depth = vm->walk.depth; /* what it is bound to: nothing but its class */
	}
	if (kind == LP_PK_EXCEPTION && vm->walk.whole == LP_WHOLE_EXCEPTIONS)
		lp_py_exception(vm, l, addr);
	if (at && LP_PY_SHAPE_COUNT(shape) && (depth < vm->walk.depth || kind != LP_PK_EXCEPTION))
		lp_py_push_words(vm, at + LP_PY_SHAPE_AT(shape), LP_PY_SHAPE_COUNT(shape),
				 depth + is_method);
}

/* All kinds that have no file of their own, of an object whose head is there. */
lp_global int lp_py_copy_kind(struct lp_vm *vm, __u64 addr, __u32 kind, __u32 depth)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;

	if (!rt)
		return 0;

	const struct lp_py_layout *l = &rt->layout;
	switch (kind) {
	case LP_PK_LONG:
		lp_py_long(vm, l, addr);
		break;
	case LP_PK_LIST:
	case LP_PK_TUPLE:
		lp_py_sequence(vm, l, addr, kind == LP_PK_LIST, depth);
		break;
	case LP_PK_DICT:
	case LP_PK_SET:
		lp_py_table(vm, l, addr, kind == LP_PK_DICT, depth);
		break;
	case LP_PK_DEQUE:
		lp_py_deque(vm, l, addr, depth);
		break;
	case LP_PK_DECIMAL:
		lp_py_decimal(vm, addr);
		break;
	case LP_PK_GENERATOR:
		lp_py_generator(vm, l, addr);
		break;
	default:
		lp_py_plain(vm, l, addr, kind, depth);
	}
	return 0;
}

/* The word at addr + off, from a block of its own. */
lp_inline __u64 lp_py_member(struct lp_vm *vm, __u64 addr)
{
	__u32 at = lp_py_copy(vm, addr, 8, 0);

	return at ? lp_py_word(vm, at) : 0;
}

/* Where the dict of an object without managed dict is: bytes from its start. */
lp_inline __u64 lp_py_dict_offset(const struct lp_py_class *c, __u64 ob_size)
{
	__s64 off = c->dictoffset;

	if (off >= 0)
		return off;

	__u64 n = (__s64)ob_size < 0 ? -ob_size : ob_size;
	return ((c->basicsize + (__u64)c->itemsize * n + 7) & ~7ull) + off;
}

/* Attributes of an instance whose class is w->types[index]. ob_size: of one of variable size. */
lp_global int lp_py_attributes(struct lp_vm *vm, __u64 addr, __u32 index, __u32 depth,
			       __u64 ob_size)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;

	if (!rt)
		return 0;

	const struct lp_py_layout *l = &rt->layout;
	const struct lp_py_class *c = &vm->walk.types[index & (LP_PY_TYPES_MAX - 1)];
	__u64 values = 0, dict = 0;
	__u32 at = 0;

	if (c->flags & LP_PY_TP_MANAGED_DICT && l->managed_dict) {
		if (l->managed_values)
			values = lp_py_member(vm, addr - l->managed_values);
		at = lp_py_copy(vm, addr - l->managed_dict, 8, 0);
		dict = at ? lp_py_word(vm, at) : 0;
		if (l->managed_tagged && dict & 1) {
			values = dict + 1;
			dict = 0;
		} else if (!dict && l->inline_values && c->flags & LP_PY_TP_INLINE_VALUES) {
			values = addr + c->basicsize;
		}
	} else if (c->dictoffset) {
		at = lp_py_copy(vm, addr + lp_py_dict_offset(c, ob_size), 8, 0);
		dict = at ? lp_py_word(vm, at) : 0;
	}
	if (values && c->keys && (!dict || l->managed_values)) {
		struct lp_py_run *run = lp_py_push(vm, LP_PW_KEYS, c->keys, 1, depth + 1);

		if (run)
			run->extra = values;
	} else if (dict) {
		lp_py_push_words(vm, at, 1, depth);
	}
	return 0;
}

/* The words of an instance that __slots__ names. */
lp_inline void lp_py_instance(struct lp_vm *vm, __u64 addr, __u32 index, __u32 depth)
{
	const struct lp_py_class *c = &vm->walk.types[index & (LP_PY_TYPES_MAX - 1)];
	__u32 len = c->basicsize > 16 + 64 * 8 ? 16 + 64 * 8 : c->basicsize;

	if (!c->slots) {
		lp_py_body(vm, addr, 16);
		return;
	}

	__u32 at = lp_py_body(vm, addr, len & ~7u);
	struct lp_py_run *run =
		at && depth < vm->walk.depth ? lp_py_push(vm, LP_PW_SLOTS, 0, 0, depth + 1) : 0;
	if (run) {
		run->at = at + 16;
		run->n = (len - 16) / 8;
		run->type = index;
	}
}

/* What a class in w->types makes of the walk: the depth of its object. */
lp_inline __u32 lp_py_by_class(struct lp_vm *vm, __u32 index, __u32 kind, __u32 depth)
{
	struct lp_py_walk *w = &vm->walk;
	const struct lp_py_class *c = &w->types[index];

	if (kind == LP_PK_TUPLE && c->is_python)
		w->fields = index + 1;
	/* the levels that a path's parts need */
	if (c->is_leaf && depth + 2 > w->depth) {
		depth = w->depth > 2 ? w->depth - 2 : 0;
		lp_blur(vm, depth);
	}
	return depth;
}

/* Levels that are looked at from an object on. */
lp_inline __u32 lp_py_levels(const struct lp_py_walk *w, __u32 depth)
{
	return depth < w->depth ? w->depth - depth + 1 : 1;
}

/* The object at addr: enum lp_py_want. */
lp_global int lp_py_object(struct lp_vm *vm, __u64 addr, __u32 depth)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;

	if (!rt || !addr || addr == rt->none || addr == rt->true_ || addr == rt->false_)
		return LP_PW_WANT_NOTHING;

	struct lp_py_walk *w = &vm->walk;
	__u32 is_new, again = depth & LP_PY_AGAIN, index = LP_PY_TYPES_MAX;
	struct lp_py_seen *s = lp_py_find(vm, addr, &is_new);
	__u32 anew = depth & (LP_PY_AGAIN | LP_PY_ANEW);

	depth &= 0xff;
	__u32 left = lp_py_levels(w, depth);
	if (!s || (!anew && s->left >= left))
		return LP_PW_WANT_NOTHING;
	if (w->from || ~w->to)
		left = 0; /* a part of it alone */
	lp_blur(vm, left);
	if (s->left < left)
		s->left = left;
	if (lp_py_head(vm, addr) < 0)
		return LP_PW_WANT_NOTHING;

	__u64 ob_size = lp_py_at(vm, rt->layout.ob_size);
	w->type = lp_py_at(vm, rt->layout.ob_type);

	__u32 kind = lp_py_known(vm, w->type);
	if (!kind) {
		index = lp_py_find_class(vm, w->type, &is_new);
		if (is_new && !again)
			return LP_PW_WANT_CLASS;
		if (is_new)
			index = LP_PY_TYPES_MAX;
		kind = is_new ? LP_PK_OPAQUE : w->types[index & (LP_PY_TYPES_MAX - 1)].kind;
	}
	lp_blur(vm, kind);
	kind &= 31;
	w->fields = 0;
	if (index < LP_PY_TYPES_MAX)
		depth = lp_py_by_class(vm, index, kind, depth);
	if (kind == LP_PK_STR || kind == LP_PK_BYTES || kind == LP_PK_BYTEARRAY) {
		lp_py_text(vm, addr, kind);
		if (kind == LP_PK_STR && left) {
			s->text = w->text;
			s->width = w->width;
			s->len = w->len;
		}
	} else if (kind == LP_PK_INSTANCE) {
		lp_py_instance(vm, addr, index, depth);
	} else {
		lp_py_copy_kind(vm, addr, kind, depth);
	}
	lp_blur(vm, kind);
	lp_blur(vm, index);
	lp_blur(vm, depth);
	if (index < LP_PY_TYPES_MAX && (LP_PY_WITH_ATTRIBUTES >> kind & 1) && depth < w->depth)
		lp_py_attributes(vm, addr, index, depth, ob_size);
	else if (left && LP_PY_LEAVES >> kind & 1)
		s->left = 0xff;
	return kind == LP_PK_CLASS ? LP_PW_WANT_SELF : LP_PW_WANT_NOTHING;
}

#endif
