/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/python_late.h
 *
 * python_late - what the interpreter's machine code has yet to store when it has read the unit that it
 * is about to execute: its memory is shown as if that were done. What it stores is not always
 * known; then what is there is unreadable.
 */
#ifndef LP_BPF_PYTHON_LATE_H
#define LP_BPF_PYTHON_LATE_H

#define LATE_AT_MAX (LP_RECORD_MAX + sizeof(struct lp_block))

/* Is a byte of these among those of which the value is not known? */
lp_inline int lp_late_hides(struct lp_vm *vm, __u64 addr, __u64 len)
{
	if (!vm->py.n_hidden)
		return 0;
	for (__u32 i = 0; i < LP_PY_LATE_MAX; i++) {
		const struct lp_pyvm_late *l = &vm->py.late[i];

		if (i < vm->py.n_late && !l->mask && addr < l->addr + l->size &&
		    l->addr < addr + len)
			return 1;
	}
	return 0;
}

/* The word at addr, which memory says is `word`. Stores are within words. */
lp_inline __u64 lp_late_word(struct lp_vm *vm, __u64 addr, __u64 word)
{
	for (__u32 i = 0; i < LP_PY_LATE_MAX; i++) {
		const struct lp_pyvm_late *l = &vm->py.late[i];
		__u64 off = l->addr - addr;

		if (i >= vm->py.n_late || off >= 8)
			continue;
		off = off * 8 & 63;
		word = (word & ~(l->mask << off)) | l->value << off;
	}
	return word;
}

/* Those of window w. */
lp_inline void lp_late_window(struct lp_vm *vm, __u32 w)
{
	__u64 addr = vm->py.window_at[w & (LP_PYVM_WINDOWS - 1)];

	for (__u32 i = 0; i < LP_PY_LATE_MAX && i < vm->py.n_late; i++) {
		const struct lp_pyvm_late *l = &vm->py.late[i];
		__u64 off = l->addr - addr;

		if (off >= LP_PYVM_WINDOW)
			continue;

		lp_word *to = (lp_word *)(vm->py.window[w & (LP_PYVM_WINDOWS - 1)] + off);
		*to = (*to & ~l->mask) | l->value;
	}
}

/* Those of the walk's head, which was read at addr. */
lp_global int lp_late_head(struct lp_vm *vm, __u64 addr)
{
	if (!vm)
		return 0;
	for (__u32 i = 0; i < LP_PY_LATE_MAX && i < vm->py.n_late; i++) {
		const struct lp_pyvm_late *l = &vm->py.late[i];
		__u64 off = l->addr - addr;

		if (off >= LP_PY_HEAD)
			continue;

		lp_word *to = (lp_word *)((__u8 *)vm->walk.head + off);
		*to = (*to & ~l->mask) | l->value;
	}
	return 0;
}

/* Those of len bytes from addr on that have been read into the record at `at`. */
lp_inline void lp_late_record(struct lp_vm *vm, __u32 at, __u64 addr, __u32 len)
{
	for (__u32 i = 0; i < LP_PY_LATE_MAX; i++) {
		const struct lp_pyvm_late *l = &vm->py.late[i];
		__u64 off = l->addr - addr;

		if (i >= vm->py.n_late || off >= len)
			continue;

		lp_word *to = (lp_word *)(vm->rec + lp_at_most(at, LATE_AT_MAX) +
					  lp_at_most(off, LP_READ_MAX));
		*to = (*to & ~l->mask) | l->value;
	}
}

lp_inline __u64 lp_late_part(__u64 v, __u32 part)
{
	switch (part) {
	case LP_PY_BIT:
		return v & 1;
	case LP_PY_HALF:
		return (__u16)v;
	case LP_PY_LOW:
		return (__u32)v;
	case LP_PY_SIGNED:
		return (__u64)(__s64)(__s32)v;
	case LP_PY_MINUS:
		return (__u64)(__s64) - (__s32)v;
	default:
		return v;
	}
}

lp_inline __u64 lp_late_register(const struct lp_vm *vm, __u32 number)
{
	return number <= LP_PY_FLAGS ? vm->mach[number & (LP_MACH_ROOM - 1)] : 0;
}

/* Is one that is conditional done? < 0: it can't be told. Apart, for a small stack. */
static __attribute__((noinline, unused)) int lp_late_is_done(struct lp_vm *vm,
							     const struct lp_py_late *from)
{
	__u64 left = lp_late_register(vm, from->left), word = 0;

	if (from->flags & LP_PY_LATE_LEFT_WORD) {
		if (lp_mem_read(&word, sizeof(word), left + from->left_disp))
			return -1;
		left = word;
	}
	word = lp_late_register(vm, from->right) | from->right_or;
	return !((left ^ word) & from->mask) == !!(from->flags & LP_PY_LATE_EQUAL);
}

/* The value; unless it is known: 0, and *hidden. */
static __attribute__((noinline, unused)) __u64
lp_late_value(struct lp_vm *vm, const struct lp_py_late *from, int *hidden)
{
	__u64 v = lp_late_register(vm, from->from) + from->add, word = 0;

	*hidden = from->flags & LP_PY_LATE_UNKNOWN;
	if (!(from->flags & LP_PY_LATE_WORD))
		return v | from->tags;
	if (lp_mem_read(&word, sizeof(word), v))
		*hidden = 1;
	return word | from->tags;
}

/* Registers are in vm->mach. Apart, for a small stack. */
lp_global int lp_late_add(struct lp_vm *vm, const struct lp_py_late *from)
{
	if (!vm || !from)
		return 0;

	__u32 n = vm->py.n_late;
	__u64 base = lp_late_register(vm, from->base), word = 0;
	int done = from->flags & LP_PY_LATE_IF ? lp_late_is_done(vm, from) : 1, hidden;

	if (!done || n >= LP_PY_LATE_MAX)
		return 0;
	if (from->flags & LP_PY_LATE_INDIRECT) {
		if (lp_mem_read(&word, sizeof(word), base + from->base_disp)) {
			vm->py.fetched |= LP_PY_FETCH_BLIND;
			return 0;
		}
		base = word;
	}

	__u32 size = from->size & 15, shift = from->shift & 7;
	__u64 index = lp_late_part(lp_late_register(vm, from->index), from->part);
	struct lp_pyvm_late *l = &vm->py.late[n & (LP_PY_LATE_MAX - 1)];

	l->addr = base + (index << shift) + from->disp;
	l->size = size;
	l->value = lp_late_value(vm, from, &hidden);
	l->mask = hidden || done < 0 ? 0 : size < 8 ? (1ull << size * 8) - 1 : ~0ull;
	l->value &= l->mask;
	vm->py.n_hidden += !l->mask;
	vm->py.n_late = n + 1;
	return 0;
}

#endif
