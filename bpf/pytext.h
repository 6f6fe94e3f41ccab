/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/pytext.h
 *
 * pytext - str, bytes and bytearray objects, and which str is a name whose value is not shown.
 */
#ifndef LP_BPF_PYTEXT_H
#define LP_BPF_PYTEXT_H

#include "pycopy.h"

/* len bytes at start, cut to what a string may have; skip bytes before them are copied, too, and
 * lie in `head` if it is the object's own memory. Where the text is in the record.
 */
lp_inline __u32 lp_py_chars(struct lp_vm *vm, __u64 start, __u32 skip, __u64 len, int is_head)
{
	struct lp_py_walk *w = &vm->walk;
	__u32 limit = w->string & ~3u, flags = 0;

	if (len > limit) {
		len = limit;
		flags = LP_BLKF_CUT;
	}

	__u32 total = skip + (__u32)len, first = total > LP_READ_MAX ? LP_READ_MAX : total, at;
	if (!total)
		return 0;
	if (is_head && total <= w->head_len && !flags)
		at = lp_py_put(vm, w->head, start, total);
	else
		at = lp_py_copy(vm, start, first, total > first ? 0 : flags);
	if (total > first)
		lp_py_push(vm, LP_PW_RAW, start + first, total - first, flags);
	return at ? at + skip : 0;
}

/* A str whose head is there: w->from to w->to of it. */
lp_inline void lp_py_str(struct lp_vm *vm, const struct lp_py_layout *l, __u64 addr)
{
	struct lp_py_walk *w = &vm->walk;
	__u32 state = (__u32)(lp_py_at(vm, l->str_state) >> (l->str_state & 4) * 8);
	__u64 len = lp_py_at(vm, l->str_length), data = 0;
	__u32 skip;

	state >>= l->str_kind_shift & 31;
	w->width = state & 7;
	w->text = 0;
	if ((w->width != 1 && w->width != 2 && w->width != 4) || len >> 40) {
		lp_py_put(vm, w->head, addr, w->head_len);
		return;
	}
	w->len = len > LP_PY_NAME_MAX ? LP_PY_NAME_MAX + 1 : len;
	skip = state & 16 ? l->str_ascii : l->str_compact;
	if (state & 8) {
		if (!w->from && w->to >= len) {
			w->text = lp_py_chars(vm, addr, skip, len * w->width, 1);
			return;
		}
		lp_py_put(vm, w->head, addr, w->head_len < 48 ? w->head_len : 48);
		data = addr + skip;
	} else {
		__u32 at = lp_py_copy(vm, addr, l->str_data + 8, 0);

		data = at ? lp_py_word(vm, at + l->str_data) : 0;
	}
	if (w->to < len)
		len = w->to;
	if (data && w->from < len)
		w->text = lp_py_chars(vm, data + (__u64)w->from * w->width, 0,
				      (len - w->from) * w->width, 0);
}

lp_inline void lp_py_bytes(struct lp_vm *vm, const struct lp_py_layout *l, __u64 addr, int is_array)
{
	struct lp_py_walk *w = &vm->walk;
	__u64 len = lp_py_at(vm, l->ob_size), data = addr + l->bytes_data;

	if (len >> 40)
		len = 0;
	if (!is_array && !w->from && w->to >= len) {
		lp_py_chars(vm, addr, l->bytes_data, len, 1);
		return;
	}
	lp_py_put(vm, w->head, addr, 48 < w->head_len ? 48 : w->head_len);
	if (is_array)
		data = lp_py_at(vm, l->bytearray_start);
	if (w->to < len)
		len = w->to;
	if (w->from < len)
		lp_py_chars(vm, data + w->from, 0, len - w->from, 0);
}

/* STR, BYTES and BYTEARRAY, whose head is there. */
lp_global int lp_py_text(struct lp_vm *vm, __u64 addr, __u32 kind)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;

	if (!rt)
		return 0;
	if (kind == LP_PK_STR)
		lp_py_str(vm, &rt->layout, addr);
	else
		lp_py_bytes(vm, &rt->layout, addr, kind == LP_PK_BYTEARRAY);
	return 0;
}

/* One more character of LP_PY_NAME_SEED and so on: of the str at w->text in the record. */
static long lp_py_hash_one(__u32 i, struct lp_step *step)
{
	struct lp_vm *vm = step->vm;
	struct lp_py_walk *w = &vm->walk;
	__u32 width = w->width;

	if (i >= w->len)
		return 1;

	__u32 c = (__u32)lp_py_word(vm, w->text + i * width);
	c = width == 1 ? c & 0xff : width == 2 ? c & 0xffff : c;
	if (c == '_' || c == '-')
		return 0;
	if (c >= 'A' && c <= 'Z')
		c += 'a' - 'A';
	w->hash = (w->hash ^ c) * LP_PY_NAME_PRIME;
	return 0;
}

#define LP_PY_NO_STR  (-1)
#define LP_PY_NO_NAME (-2)

/* Is the value of this name not to be shown? NO_STR: it is none, or of a subclass; NO_NAME: it can't be
 * read.
 */
lp_global int lp_py_name(struct lp_vm *vm, __u64 addr)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;
	__u32 is_new;

	if (!rt || !addr)
		return 0;

	struct lp_py_seen *s = lp_py_find(vm, addr, &is_new);
	if (!s)
		return 0;
	lp_opaque(is_new); /* else it stays on the stack, of which there is no more */
	if (is_new) {
		struct lp_py_walk *w = &vm->walk;

		if (lp_py_head(vm, addr) < 0)
			return LP_PY_NO_NAME;
		if (lp_py_at(vm, rt->layout.ob_type) != rt->type_str) {
			s->serial = 0;
			return LP_PY_NO_STR;
		}
		w->from = 0;
		w->to = ~0u;
		lp_py_str(vm, &rt->layout, addr);
		s->text = w->text;
		s->width = w->width;
		s->len = w->len;
		s->left = 0xff;
	}
	if (!s->text)
		return LP_PY_NO_STR;
	if (s->len > LP_PY_NAME_MAX)
		return 0;

	struct lp_step step = { .vm = vm };
	vm->walk.text = s->text;
	vm->walk.width = s->width;
	vm->walk.len = s->len;
	vm->walk.hash = LP_PY_NAME_SEED;
	lp_loop_seldom(LP_PY_NAME_MAX, lp_py_hash_one, &step);
	return lp_py_is_redacted(vm->walk.hash);
}

#endif
