/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/pychunk.h
 *
 * pychunk - the next part of an array, table or chain that waits, into the record.
 */
#ifndef LP_BPF_PYCHUNK_H
#define LP_BPF_PYCHUNK_H

#include "pytype.h"

#define LP_PY_CHUNK_ENTRIES 160u /* of a dict, 24 bytes each */
#define LP_PY_CHUNK_WORDS   (LP_READ_MAX / 8)
#define LP_PY_VALUES_MAX    64u /* attributes that lie apart from their keys */

/* `size` pointers, or bytes of text. */
lp_inline void lp_py_chunk_array(struct lp_vm *vm, struct lp_py_run *run, __u32 size, __u32 most)
{
	__u32 n = run->left < most ? run->left : most;
	__u32 at =
		lp_py_copy(vm, run->addr, n * size, size == 1 && n == run->left ? run->depth : 0);

	run->at = at;
	run->n = at && size > 1 ? n : 0;
	run->i = 0;
	run->addr += n * size;
	run->left = at ? run->left - n : 0;
}

/* Not more of a table than is likely to be wanted. */
lp_inline void lp_py_chunk_table(struct lp_vm *vm, struct lp_py_run *run)
{
	__u32 want = vm->walk.items - run->used, stride = run->stride;

	if (want > LP_PY_CHUNK_ENTRIES)
		want = LP_PY_CHUNK_ENTRIES;
	want = run->what == LP_PW_SET ? want * 2 + 8 : want + 4;
	if (want > LP_PY_CHUNK_ENTRIES)
		want = LP_PY_CHUNK_ENTRIES;
	lp_py_chunk_array(vm, run, stride, want);
}

/* Values that lie apart, in the order of their keys; 3.11 and 3.12: the order in which they were set
 * is in bytes before them, from 3.13 on in bytes behind them.
 */
lp_inline void lp_py_chunk_values(struct lp_vm *vm, const struct lp_py_layout *l,
				  struct lp_py_run *run, __u32 n)
{
	__u64 head = 0;
	__u32 first = l->values_array == LP_PY_NONE ? 0 : l->values_array, before = 0;
	__u32 len, at;

	if (l->minor >= 13) {
		__u32 capacity;

		lp_mem_read(&head, sizeof(head), run->extra);
		capacity = head & 0xff;
		if (capacity < n)
			capacity = n;
		len = first + capacity * 9;
	} else {
		len = n * 8;
		before = l->minor >= 11 ? (n + 2 + 7) & ~7u : 0;
	}
	at = lp_py_copy(vm, run->extra - before, before + len, 0);
	run->values = at ? at + before + first : 0;
	if (!at)
		run->left = 0;
}

lp_inline void lp_py_chunk_keys(struct lp_vm *vm, const struct lp_py_layout *l,
				struct lp_py_run *run)
{
	__u64 keys = run->addr;
	__u32 at = lp_py_copy(vm, keys, l->keys_indices, 0);

	run->left = 0;
	if (!at)
		return;

	__u64 n = lp_py_word(vm, at + l->keys_nentries), indices = lp_py_index_bytes(vm, l, at);
	__u32 general = lp_py_is_general(vm, l, at);

	run->what = LP_PW_ENTRIES;
	run->addr = keys + l->keys_indices + indices;
	run->stride = general ? 24 : 16;
	run->key_at = general ? 8 : 0;
	if (run->extra && n > LP_PY_VALUES_MAX)
		n = LP_PY_VALUES_MAX;
	run->left = n > LP_PY_SCAN_MAX ? LP_PY_SCAN_MAX : n;
	if (run->extra && n) {
		lp_py_chunk_values(vm, l, run, (__u32)n);
		if (run->left)
			lp_py_chunk_array(vm, run, run->stride, LP_PY_VALUES_MAX);
	}
}

/* The items that are left in this block of a deque. */
lp_inline void lp_py_chunk_deque(struct lp_vm *vm, struct lp_py_run *run)
{
	__u64 block = run->addr;
	__u32 first = run->used & (LP_PY_BLOCK_LEN - 1), n = LP_PY_BLOCK_LEN - first, at;

	if (n > run->left)
		n = run->left;
	run->at = lp_py_copy(vm, block + LP_PY_BLOCK_DATA + first * 8, n * 8, 0);
	run->n = run->at ? n : 0;
	run->i = 0;
	run->left -= n;
	run->used = 0;
	if (!run->left)
		return;
	at = lp_py_copy(vm, block + LP_PY_BLOCK_RIGHT, 8, 0);
	run->addr = at ? lp_py_word(vm, at) : 0;
	if (!run->addr)
		run->left = 0;
}

lp_inline void lp_py_chunk_frame(struct lp_vm *vm, const struct lp_py_layout *l,
				 struct lp_py_run *run)
{
	__u64 frame = run->addr;
	__u32 at = lp_py_copy(vm, frame + l->frame_code, 8, 0);

	lp_py_copy(vm, frame + (l->frame_lasti & ~7u), 16, 0);
	run->addr = at ? lp_py_word(vm, at) : 0;
	run->what = LP_PW_CODE;
	run->left = run->addr != 0;
}

/* co_filename and co_name are neighbours. */
lp_inline void lp_py_chunk_code(struct lp_vm *vm, const struct lp_py_layout *l,
				struct lp_py_run *run)
{
	__u64 code = run->addr;
	__u32 at = code ? lp_py_copy(vm, code + l->code_filename, 16, 0) : 0;

	run->left = 0;
	if (!at)
		return;
	lp_py_copy(vm, code + (l->code_firstlineno & ~7u), 8, 0);
	run->what = LP_PW_OBJECTS;
	run->at = at;
	run->n = 2;
	run->i = 0;
}

lp_inline void lp_py_chunk_cname(struct lp_vm *vm, struct lp_py_run *run)
{
	__u32 at = lp_py_copy(vm, run->addr, 8, 0);

	run->left = 0;
	if (at)
		lp_py_cstring(vm, lp_py_word(vm, at));
}

/* Of the run whose turn it is, which has something left. */
lp_global int lp_py_chunk(struct lp_vm *vm)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;

	if (!rt)
		return 0;

	const struct lp_py_layout *l = &rt->layout;
	struct lp_py_run *run = &vm->walk.runs[vm->walk.runs_out & (LP_PY_RUNS_MAX - 1)];
	switch (run->what) {
	case LP_PW_KEYS:
		lp_py_chunk_keys(vm, l, run);
		break;
	case LP_PW_ENTRIES:
	case LP_PW_SET:
		lp_py_chunk_table(vm, run);
		break;
	case LP_PW_DEQUE:
		lp_py_chunk_deque(vm, run);
		break;
	case LP_PW_RAW:
		lp_py_chunk_array(vm, run, 1, LP_READ_MAX);
		break;
	case LP_PW_FRAME:
		lp_py_chunk_frame(vm, l, run);
		break;
	case LP_PW_CODE:
		lp_py_chunk_code(vm, l, run);
		break;
	case LP_PW_CNAME:
		lp_py_chunk_cname(vm, run);
		break;
	default:
		lp_py_chunk_array(vm, run, 8, LP_PY_CHUNK_WORDS);
	}
	return 0;
}

#endif
