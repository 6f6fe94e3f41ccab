/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/python_read.h
 *
 * python_read - operands taken apart.
 *
 * Functions return >= 0, or the negative of the enum lp_status that the instruction raises. Global
 * ones are verified once each; the verifier wants each to look at the pointer that it is given.
 *
 * Besides what the others want, the includer supplies:
 *
 *	const struct lp_py_runtime *lp_py_rt(struct lp_vm *vm)	of the hit
 */
#ifndef LP_BPF_PYTHON_READ_H
#define LP_BPF_PYTHON_READ_H

#include "python_words.h"

#define LP_PYVM_HEAD 16 /* of every object: reference count, type */
#define LP_PYVM_RANGE_LENGTH                                                                       \
	(LP_PYVM_HEAD + 24) /* rangeobject.length, an int (Objects/rangeobject.c) */
#define LP_PYVM_NOHASH (~0ull)

/* The slot of a type in one of its groups of methods; 0 where it has no such group. */
lp_inline long lp_pyvm_slot(struct lp_vm *vm, __u64 type, __u16 group, __u16 slot, __u64 *ret)
{
	long r = lp_pyvm_u64(vm, type + group, ret);

	if (r < 0 || !*ret)
		return r;
	return lp_pyvm_u64(vm, *ret + slot, ret);
}

/* What LP_PY_KEY and LP_PY_BYTES registers lead to: instruction n of the site's program. */
lp_inline const struct lp_insn *lp_pyvm_data(struct lp_vm *vm, __u64 n)
{
	return n < vm->ninsn ? lp_code_at(lp_all_code(), vm->code + (__u32)n) : 0;
}

/* Eight bytes of a constant's text, from byte `at` of the site's program on. */
lp_global long lp_pyvm_constant_word(struct lp_vm *vm, __u64 at)
{
	const struct lp_insn *in = vm ? lp_pyvm_data(vm, at >> 4) : 0;
	__u32 drop = ((__u32)at & 7) * 8;
	__u64 low, high = 0;

	if (!in)
		return -LP_ST_UNREADABLE;
	low = ((const lp_word *)in)[at >> 3 & 1];
	if (drop) {
		in = lp_pyvm_data(vm, (at + 8) >> 4);
		high = in ? ((const lp_word *)in)[(at + 8) >> 3 & 1] : 0;
		low = low >> drop | high << ((64 - drop) & 63);
	}
	vm->py.word = low;
	return 0;
}

/* Eight bytes of the text of a view, from byte `off` on; what lies behind its end is anything. */
lp_inline long lp_pyvm_text_word(struct lp_vm *vm, __u32 w, __u64 off)
{
	const struct lp_pyvm_view *v = &vm->py.view[w % LP_PYVM_VIEWS];
	if (v->constant == LP_IN_NAME) {
		lp_opaque(off);
		vm->py.word = off <= sizeof(vm->py.name) - 8 ? *(lp_word *)(vm->py.name + off) : 0;
		return 0;
	}
	if (v->constant == LP_IN_RECORD) {
		vm->py.word = *(lp_word *)(vm->rec + lp_at_most(v->addr + off, LP_REC_ROOM - 8));
		return 0;
	}
	if (v->constant)
		return lp_pyvm_constant_word(vm, v->addr + off);

	/* no further than the end, which may be that of a page */
	__u64 left = v->len * v->width - off;
	return lp_pyvm_word(vm, v->addr + off, left < 8 ? (__u32)left : 8);
}

lp_inline long lp_pyvm_view_int(struct lp_vm *vm, struct lp_pyvm_view *v,
				const struct lp_py_layout *l)
{
	__u64 tag, digits, d[3] = { 0 };

	if (lp_pyvm_near(vm, v->obj + l->long_tag, 8, &tag) < 0)
		return -LP_ST_UNREADABLE;
	if (l->long_is_tagged) {
		digits = tag >> 3;
		v->negative = (tag & 3) == 2;
		if ((tag & 3) == 1)
			digits = 0;
	} else {
		v->negative = (__s64)tag < 0;
		digits = v->negative ? -tag : tag;
	}
	v->kind = LP_KIND_INT;
	v->addr = v->obj + l->long_digits;
	v->len = digits;
	for (__u32 i = 0; i < 3 && i < digits; i++)
		if (lp_pyvm_get(vm, v->addr + i * 4, 4, &d[i]) < 0)
			return -LP_ST_UNREADABLE;

	__u64 magnitude = d[0] | d[1] << 30 | d[2] << 60;
	v->bits = v->negative ? -magnitude : magnitude;
	v->big = digits > 3 || d[2] >= 16 || (magnitude >> 63 && (!v->negative || magnitude << 1));
	return 0;
}

lp_inline long lp_pyvm_view_str(struct lp_vm *vm, struct lp_pyvm_view *v,
				const struct lp_py_layout *l)
{
	__u64 state;

	if (lp_pyvm_u64(vm, v->obj + l->str_length, &v->len) < 0 ||
	    lp_pyvm_u64(vm, v->obj + l->str_hash, &v->hash) < 0 ||
	    lp_pyvm_get(vm, v->obj + l->str_state, 4, &state) < 0)
		return -LP_ST_UNREADABLE;
	state >>= l->str_kind_shift & 31;
	v->kind = LP_KIND_STR;
	v->width = state & 7;
	if (v->width != 1 && v->width != 2 && v->width != 4) /* not made ready, up to 3.11 */
		return -LP_ST_UNAVAILABLE;
	if (state >> 3 & 1)
		v->addr = v->obj + (state >> 4 & 1 ? l->str_ascii : l->str_compact);
	else if (lp_pyvm_u64(vm, v->obj + l->str_data, &v->addr) < 0)
		return -LP_ST_UNREADABLE;
	return v->len >> 40 ? -LP_ST_UNREADABLE : 0;
}

lp_inline long lp_pyvm_view_bytes(struct lp_vm *vm, struct lp_pyvm_view *v,
				  const struct lp_py_layout *l)
{
	v->kind = LP_KIND_BYTES;
	v->width = 1;
	if (lp_pyvm_u64(vm, v->obj + l->ob_size, &v->len) < 0)
		return -LP_ST_UNREADABLE;
	if (v->mutable) {
		if (lp_pyvm_u64(vm, v->obj + l->bytearray_start, &v->addr) < 0)
			return -LP_ST_UNREADABLE;
	} else {
		v->addr = v->obj + l->bytes_data;
		if (lp_pyvm_u64(vm, v->obj + l->bytes_hash, &v->hash) < 0)
			return -LP_ST_UNREADABLE;
	}
	return v->len >> 40 ? -LP_ST_UNREADABLE : 0;
}

lp_inline long lp_pyvm_view_items(struct lp_vm *vm, struct lp_pyvm_view *v,
				  const struct lp_py_layout *l, __u32 kind)
{
	long r;

	v->kind = kind;
	v->width = 8;
	switch (kind) {
	case LP_KIND_DICT:
		r = lp_pyvm_u64(vm, v->obj + l->dict_used, &v->len);
		break;
	case LP_KIND_SET:
		r = lp_pyvm_u64(vm, v->obj + l->set_used, &v->len);
		break;
	case LP_KIND_LIST:
		r = lp_pyvm_u64(vm, v->obj + l->list_items, &v->addr);
		if (r >= 0)
			r = lp_pyvm_u64(vm, v->obj + l->ob_size, &v->len);
		break;
	default:
		v->addr = v->obj + l->tuple_items;
		r = lp_pyvm_u64(vm, v->obj + l->ob_size, &v->len);
		break;
	}
	return r < 0 ? r : v->len >> 40 ? -LP_ST_UNREADABLE : 0;
}

lp_inline __u32 lp_pyvm_kind_of_builtin(const struct lp_py_runtime *rt, __u64 type)
{
	return type == rt->type_long || type == rt->type_bool	      ? LP_KIND_INT
	       : type == rt->type_str				      ? LP_KIND_STR
	       : type == rt->type_none				      ? LP_KIND_NONE
	       : type == rt->type_float				      ? LP_KIND_FLOAT
	       : type == rt->type_list				      ? LP_KIND_LIST
	       : type == rt->type_dict				      ? LP_KIND_DICT
	       : type == rt->type_tuple				      ? LP_KIND_TUPLE
	       : type == rt->type_bytes || type == rt->type_bytearray ? LP_KIND_BYTES
	       : type == rt->type_set || type == rt->type_frozenset   ? LP_KIND_SET
								      : LP_KIND_OTHER;
}

lp_inline __u32 lp_pyvm_kind_of_flags(__u64 flags)
{
	return flags & LP_PY_TP_LONG	? LP_KIND_INT
	       : flags & LP_PY_TP_STR	? LP_KIND_STR
	       : flags & LP_PY_TP_LIST	? LP_KIND_LIST
	       : flags & LP_PY_TP_DICT	? LP_KIND_DICT
	       : flags & LP_PY_TP_TUPLE ? LP_KIND_TUPLE
	       : flags & LP_PY_TP_BYTES ? LP_KIND_BYTES
					: LP_KIND_OTHER;
}

/* The kind of a subclass; of float there is no flag, but a subclass compares as float does. */
lp_inline long lp_pyvm_subclass_kind(struct lp_vm *vm, struct lp_pyvm_view *v,
				     const struct lp_py_runtime *rt)
{
	__u64 compare;

	v->exact = 0;
	if (lp_pyvm_u64(vm, v->type + rt->layout.tp_flags, &v->flags) < 0)
		return -LP_ST_UNREADABLE;

	__u32 kind = lp_pyvm_kind_of_flags(v->flags);
	if (kind != LP_KIND_OTHER)
		return kind;
	if (lp_pyvm_u64(vm, v->type + rt->layout.tp_richcompare, &compare) < 0)
		return -LP_ST_UNREADABLE;
	return compare && compare == rt->float_compare ? LP_KIND_FLOAT : LP_KIND_OTHER;
}

lp_inline long lp_pyvm_view_object(struct lp_vm *vm, struct lp_pyvm_view *v,
				   const struct lp_py_runtime *rt, __u64 obj)
{
	const struct lp_py_layout *l = &rt->layout;

	v->obj = obj;
	if (!obj || lp_pyvm_u64(vm, obj + l->ob_type, &v->type) < 0)
		return -LP_ST_UNREADABLE;

	long kind = lp_pyvm_kind_of_builtin(rt, v->type);
	v->is_bool = v->type == rt->type_bool;
	v->mutable = v->type == rt->type_bytearray;
	if (kind == LP_KIND_OTHER)
		kind = lp_pyvm_subclass_kind(vm, v, rt);
	switch (kind) {
	case LP_KIND_INT:
		return lp_pyvm_view_int(vm, v, l);
	case LP_KIND_FLOAT:
		v->kind = kind;
		return lp_pyvm_u64(vm, obj + l->float_value, &v->bits);
	case LP_KIND_STR:
		return lp_pyvm_view_str(vm, v, l);
	case LP_KIND_BYTES:
		return lp_pyvm_view_bytes(vm, v, l);
	case LP_KIND_LIST:
	case LP_KIND_DICT:
	case LP_KIND_TUPLE:
	case LP_KIND_SET:
		return lp_pyvm_view_items(vm, v, l, kind);
	case LP_KIND_NONE:
	case LP_KIND_OTHER:
		v->kind = kind;
		return 0;
	default:
		return kind;
	}
}

/* Eight bytes of a constant in UTF-8: those that are 10xxxxxx begin no character. */
static long lp_pyvm_count_step(__u32 i, struct lp_step *step)
{
	struct lp_vm *vm = step->vm;
	struct lp_pyvm_view *v = &vm->py.view[vm->py.pair % LP_PYVM_VIEWS];
	__u64 at = i * 8ull, left = vm->py.limit - at;

	if (at >= vm->py.limit || lp_pyvm_constant_word(vm, v->addr + at) < 0)
		return 1;

	__u64 word = vm->py.word;
	__u64 more = word >> 7 & ~(word >> 6) & 0x0101010101010101ull;
	if (left < 8)
		more &= (1ull << (left & 7) * 8) - 1;
	v->len -= (more * 0x0101010101010101ull) >> 56;
	return 0;
}

/* Characters of a constant that is not ASCII. */
lp_inline long lp_pyvm_count_characters(struct lp_vm *vm, __u32 w, __u32 bytes)
{
	struct lp_step step = { .vm = vm };
	struct lp_pyvm_view *v = &vm->py.view[w % LP_PYVM_VIEWS];

	if (bytes > LP_STRBUF_MAX)
		return -LP_ST_TOO_BIG;
	v->width = 0;
	vm->py.pair = w;
	vm->py.limit = bytes;
	lp_loop_seldom(LP_STRBUF_MAX / 8, lp_pyvm_count_step, &step);
	return 0;
}

lp_inline long lp_pyvm_view_constant(struct lp_vm *vm, __u32 w, __u64 at, __u32 kind)
{
	struct lp_pyvm_view *v = &vm->py.view[w % LP_PYVM_VIEWS];
	const struct lp_py_key *key = (const void *)lp_pyvm_data(vm, at);

	if (!key)
		return -LP_ST_UNREADABLE;
	v->kind = kind;
	v->constant = LP_IN_CODE;
	v->addr = (at + 1) * sizeof(struct lp_insn);
	v->hash = key->hash;
	v->len = key->len;
	v->width = 1;
	if (kind == LP_KIND_INT) { /* digits, and whether it is negative */
		v->len /= 4;
		v->negative = v->hash;
		v->big = 1;
	}
	if (kind == LP_KIND_STR && !key->is_ascii)
		return lp_pyvm_count_characters(vm, w, key->len);
	return 0;
}

/* A str or bytes in the hit's own memory. */
lp_inline void lp_pyvm_view_text(const struct lp_py_runtime *rt, struct lp_pyvm_view *v)
{
	__u64 bits = v->bits;
	__u32 is_bytes = bits >> 60 & 1;

	v->kind = is_bytes ? LP_KIND_BYTES : LP_KIND_STR;
	v->type = is_bytes ? rt->type_bytes : rt->type_str;
	v->constant = LP_IN_RECORD;
	v->addr = (__u32)bits;
	v->len = bits >> 32 & 0xffffff;
	v->width = bits >> 56 & 7;
}

lp_inline void lp_pyvm_reset(struct lp_pyvm_view *v, __u64 bits)
{
	v->obj = v->next = v->flags = v->len = v->addr = 0;
	v->hash = LP_PYVM_NOHASH;
	v->kind = v->big = v->negative = v->constant = v->is_bool = v->mutable = 0;
	v->exact = 1;
	v->bits = bits;
}

/* A value of that tag, into view w: an object (SLICE: the whole), a number. */
lp_global long lp_pyvm_view(struct lp_vm *vm, __u32 w, __u32 tag, __u64 bits)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;

	if (!rt)
		return -LP_ST_UNREADABLE;

	struct lp_pyvm_view *v = &vm->py.view[w % LP_PYVM_VIEWS];
	lp_pyvm_reset(v, bits);
	switch (tag) {
	case LP_PY_OBJECT:
	case LP_PY_SLICE:
		return lp_pyvm_view_object(vm, v, rt, bits);
	case LP_PY_FLOAT:
		v->kind = LP_KIND_FLOAT;
		v->type = rt->type_float;
		return 0;
	default: /* INT, BOOL */
		v->kind = LP_KIND_INT;
		v->is_bool = tag == LP_PY_BOOL;
		v->type = v->is_bool ? rt->type_bool : rt->type_long;
		v->negative = (__s64)bits < 0;
		return 0;
	}
}

/* The same of what lies in the site's program, its registers or the hit's memory. */
lp_global long lp_pyvm_view_own(struct lp_vm *vm, __u32 w, __u32 reg)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;

	if (!rt)
		return -LP_ST_UNREADABLE;

	struct lp_pyvm_view *v = &vm->py.view[w % LP_PYVM_VIEWS];
	__u64 bits = vm->reg[reg % LP_VM_REGS];
	lp_pyvm_reset(v, bits);
	switch (vm->py.tags[reg % LP_VM_REGS]) {
	case LP_PY_KEY:
		v->type = rt->type_str;
		return lp_pyvm_view_constant(vm, w, bits, LP_KIND_STR);
	case LP_PY_BYTES:
		v->type = rt->type_bytes;
		return lp_pyvm_view_constant(vm, w, bits, LP_KIND_BYTES);
	case LP_PY_BIG:
		v->type = rt->type_long;
		return lp_pyvm_view_constant(vm, w, bits, LP_KIND_INT);
	case LP_PY_TEXT:
		lp_pyvm_view_text(rt, v);
		return 0;
	case LP_PY_RAISED:
		v->exact = 0;
		v->type = vm->py.from[reg % LP_VM_REGS];
		return 0;
	case LP_PY_ARGS:
		return -LP_ST_UNAVAILABLE;
	default: /* TUPLE */
		v->kind = LP_KIND_TUPLE;
		v->type = rt->type_tuple;
		v->constant = LP_IN_REGISTERS;
		v->addr = bits;
		v->len = vm->py.from[reg % LP_VM_REGS];
		return 0;
	}
}

/* Those that lp_pyvm_view_own() knows. */
lp_inline int lp_pyvm_is_own(__u32 tag)
{
	return tag == LP_PY_KEY || tag == LP_PY_BYTES || tag == LP_PY_BIG || tag == LP_PY_TEXT ||
	       tag == LP_PY_TUPLE || tag == LP_PY_RAISED || tag == LP_PY_ARGS;
}

/* The constant at instruction `at` of the site's program into view NAME, its text into vm->py.name. */
lp_global long lp_pyvm_name_constant(struct lp_vm *vm, __u64 at)
{
	const struct lp_py_key *key = vm ? (const void *)lp_pyvm_data(vm, at) : 0;

	if (!key)
		return -LP_ST_UNREADABLE;

	struct lp_pyvm_view *v = &vm->py.view[LP_VIEW_NAME];
	v->kind = LP_KIND_STR;
	v->exact = 1;
	v->constant = LP_IN_NAME;
	v->obj = v->addr = v->next = 0;
	v->hash = key->hash;
	v->len = key->len;
	v->width = key->is_ascii;
	if (v->len > LP_PY_NAME_TEXT_MAX)
		return -LP_ST_TOO_BIG;
	for (__u32 i = 0; i < LP_PY_NAME_TEXT_MAX / sizeof(struct lp_insn); i++) {
		if (i * sizeof(struct lp_insn) >= v->len)
			break;

		const struct lp_insn *in = lp_pyvm_data(vm, at + 1 + i);
		if (!in)
			break;
		((lp_word *)vm->py.name)[2 * i] = ((const lp_word *)in)[0];
		((lp_word *)vm->py.name)[2 * i + 1] = ((const lp_word *)in)[1];
	}
	return 0;
}

/* Register `reg` into view w, with what a slice leaves of it. */
lp_global long lp_pyvm_operand(struct lp_vm *vm, __u32 w, __u32 reg)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;

	if (!rt)
		return -LP_ST_UNREADABLE;
	reg %= LP_VM_REGS;

	__u32 tag = vm->py.tags[reg];
	struct lp_pyvm_view *v = &vm->py.view[w % LP_PYVM_VIEWS];
	long r = lp_pyvm_is_own(tag) ? lp_pyvm_view_own(vm, w, reg)
				     : lp_pyvm_view(vm, w, tag, vm->reg[reg]);
	if (r < 0 || tag != LP_PY_SLICE)
		return r;

	__u64 from = vm->py.from[reg], to = vm->py.to[reg];
	if (to > v->len)
		to = v->len;
	if (from > to)
		from = to;
	v->addr += from * v->width;
	v->len = to - from;
	v->hash = LP_PYVM_NOHASH;
	v->exact = 1; /* a slice of a subclass is of the class itself */
	v->type = v->kind == LP_KIND_STR     ? rt->type_str
		  : v->kind == LP_KIND_TUPLE ? rt->type_tuple
		  : v->kind == LP_KIND_LIST  ? rt->type_list
					     : v->type;
	return 0;
}

#endif
