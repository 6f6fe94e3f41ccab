/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/python_words.h
 *
 * python_words - words of the interpreter's memory: 0, or the negative of the enum lp_status that the
 * instruction raises.
 *
 * Besides what vm.h wants, the includer supplies:
 *
 *	long lp_mem_direct(struct lp_vm *vm, __u64 *to, __u64 addr)	a window: 0, or < 0: not so
 *	__u64 lp_mem_direct_word(struct lp_vm *vm, __u64 addr)		a word; 0: it is, or not so
 */
#ifndef LP_BPF_PYTHON_WORDS_H
#define LP_BPF_PYTHON_WORDS_H

/* What was read is read no more: another hit. */
lp_inline void lp_pyvm_forget(struct lp_vm *vm)
{
	for (__u32 i = 0; i < LP_PYVM_WINDOWS; i++)
		vm->py.window_at[i] = LP_NO_WINDOW;
	vm->py.window_next = 0;
}

/* The bytes from addr on that lie on one page, and before it where those are too few, into a window: its
 * number, or < 0. Nothing but `line` is for the stack: so numbers are kept in vm, and forgotten.
 */
lp_inline long lp_pyvm_read_window(struct lp_vm *vm, __u64 addr, __u64 *line)
{
	__u32 w = vm->py.window_next++ & (LP_PYVM_WINDOWS - 1);
	__u32 left = lp_page_left(addr & ~7ull);

	addr &= ~7ull;
	if (left < LP_PYVM_WINDOW)
		addr -= LP_PYVM_WINDOW - left;
	vm->py.window_at[w] = addr;
	lp_opaque(w);
	w &= LP_PYVM_WINDOWS - 1;
	if (lp_mem_direct(vm, (__u64 *)vm->py.window[w], addr)) {
		if (lp_mem_read(line, LP_PYVM_WINDOW, addr)) {
			vm->py.window_at[w] = LP_NO_WINDOW;
			return -1;
		}

		lp_word *to = (lp_word *)vm->py.window[w];
		for (__u32 i = 0; i < LP_PYVM_WINDOW / 8; i++)
			to[i] = line[i];
	}
	if (vm->py.n_late)
		lp_late_window(vm, w);
	return w;
}

/* At most 8 bytes into vm->py.word. Neighbours come along, as lp_vm_read_word() has them, with a small stack
 * for the same reason, and without a second try: these programs can't sleep. Stores are within words,
 * and windows made of words.
 */
lp_global long lp_pyvm_word(struct lp_vm *vm, __u64 addr, __u32 len)
{
	__u64 line[LP_PYVM_WINDOW / 8], off = 0;
	long w, r;

	if (!vm || addr >= LP_NO_WINDOW || lp_late_hides(vm, addr, len))
		goto unreadable;
	for (w = 0; w < LP_PYVM_WINDOWS; w++) {
		off = addr - vm->py.window_at[w];
		if (off <= LP_PYVM_WINDOW - 8)
			break;
	}
	if (w == LP_PYVM_WINDOWS) {
		if (lp_page_left(addr) < len) { /* on two pages */
			line[0] = 0;
			len = lp_at_most(len, 8);
			if (lp_mem_read(line, len, addr))
				goto unreadable;
			vm->py.word = lp_late_word(vm, addr, line[0]);
			return 0;
		}
		w = lp_pyvm_read_window(vm, addr, line);
		if (w < 0)
			goto unreadable;
		off = addr - vm->py.window_at[w & (LP_PYVM_WINDOWS - 1)];
	}
	lp_opaque(off);
	if (off > LP_PYVM_WINDOW)
		goto unreadable;

	__u64 word = *(lp_word *)(vm->py.window[w & (LP_PYVM_WINDOWS - 1)] + off);
	vm->py.word = len < 8 ? word & ((1ull << (len & 7) * 8) - 1) : word;
	return 0;
unreadable:
	r = -LP_ST_UNREADABLE;
	lp_opaque(r); /* no constant, which would be kept on the stack */
	return r;
}

lp_inline long lp_pyvm_get(struct lp_vm *vm, __u64 addr, __u32 len, __u64 *ret)
{
	long r = lp_pyvm_word(vm, addr, len);

	*ret = vm->py.word;
	return r;
}

lp_inline long lp_pyvm_u64(struct lp_vm *vm, __u64 addr, __u64 *ret)
{
	return lp_pyvm_get(vm, addr, 8, ret);
}

/* The same of a word that has no neighbours of interest. Apart, for a small stack. */
lp_global long lp_pyvm_lone_word(struct lp_vm *vm, __u64 addr)
{
	__u64 word = 0;

	if (!vm)
		return -LP_ST_UNREADABLE;
	if (!vm->py.n_late && lp_page_left(addr) >= sizeof(word) && addr < LP_NO_WINDOW)
		word = lp_mem_direct_word(vm, addr);
	if (!word)
		return lp_pyvm_word(vm, addr, sizeof(word));
	vm->py.word = word;
	return 0;
}

lp_inline long lp_pyvm_lone(struct lp_vm *vm, __u64 addr, __u64 *ret)
{
	long r = lp_pyvm_lone_word(vm, addr);

	*ret = vm->py.word;
	return r;
}

/* The same, beside what was read last: where that is so there is no call. */
lp_inline long lp_pyvm_near(struct lp_vm *vm, __u64 addr, __u32 len, __u64 *ret)
{
	__u32 w = (vm->py.window_next - 1) & (LP_PYVM_WINDOWS - 1);
	__u64 off = addr - vm->py.window_at[w];

	if (off > LP_PYVM_WINDOW - 8 || addr >= LP_NO_WINDOW || vm->py.n_hidden)
		return lp_pyvm_get(vm, addr, len, ret);
	lp_opaque(off);
	if (off > LP_PYVM_WINDOW)
		return -LP_ST_UNREADABLE;
	*ret = *(lp_word *)(vm->py.window[w] + off);
	if (len < 8)
		*ret &= (1ull << (len & 7) * 8) - 1;
	return 0;
}

#endif
