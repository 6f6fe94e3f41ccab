/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/memory.h
 *
 * memory - reads of the target, and what a failed one does.
 * The first try takes no page fault; on failure each page is touched and read again, so that a
 * page that is not resident reads like any other. vm->fault says which address could not be read.
 *
 * The includer may supply what reads sooner, where it can (resident.h): 0, or < 0: that is for lp_mem_read().
 *
 *	lp_mem_words(vm, to, addr)		LP_WINDOW bytes of one page, words
 *	lp_mem_text(vm, to, max, addr)		a C string of at most max bytes, vm->word, and 8 bytes behind
 */
#ifndef LP_BPF_MEMORY_H
#define LP_BPF_MEMORY_H

#ifndef lp_mem_words
lp_inline long lp_mem_never(void)
{
	return -1;
}
#define lp_mem_words(vm, to, addr)     lp_mem_never()
#define lp_mem_text(vm, to, max, addr) lp_mem_never()
#endif

lp_inline long lp_vm_jump(struct lp_vm *vm, __u32 to)
{
	vm->pc = to > vm->pc ? to : vm->pc; /* only forward: a program ends */
	return 0;
}

/* At most LP_READ_MAX bytes, all or nothing. */
lp_inline long lp_vm_read(struct lp_vm *vm, void *dst, __u32 len, __u64 addr)
{
	if (!lp_mem_read(dst, len, addr))
		return 0;

	/* two pages at most */
	__u32 left = lp_page_left(addr);
	vm->fault = addr;
	if (lp_mem_touch(addr) < 0)
		return -1;
	if (len > left && lp_mem_touch(addr + left) < 0) {
		vm->fault = addr + left;
		return -1;
	}
	return lp_mem_read(dst, len, addr) ? -1 : 0;
}

/* LP_WINDOW bytes into window w. The kernel checks each destination of a copy, and is done soonest
 * with its own stack: 95 ns a read in place of 145. It takes that stack only for a function that
 * needs less than 64 bytes of it (since 6.13), so this one stands alone and is small.
 */
static __attribute__((noinline)) long lp_vm_fill_window(struct lp_vm *vm, __u32 w, __u64 addr)
{
	__u64 line[LP_WINDOW / 8];

	if (lp_mem_read(line, LP_WINDOW, addr))
		return -1;
	for (__u32 i = 0; i < LP_WINDOW / 8; i++)
		((lp_word *)vm->window[w & 1])[i] = line[i];
	return 0;
}

/* At most 8 bytes as a number. A read costs the same for a few bytes more: neighbours come along, so
 * that members of one object are read together. soon: constant, as what reads so takes room.
 */
lp_inline long lp_vm_read_word(struct lp_vm *vm, __u32 len, __u64 addr, __u64 *ret, int soon)
{
	__u64 off = addr - vm->window_at[0], word = 0;
	__u32 w = 0;

	len &= 15; /* no branch, after which all would be followed twice */
	if (off > LP_WINDOW - len) {
		off = addr - vm->window_at[1];
		w = 1;
	}
	if (off > LP_WINDOW - len) {
		off = addr & 7;
		if (lp_page_left(addr) < LP_WINDOW || off + len > LP_WINDOW)
			goto alone;
		w = vm->window_next & 1;
		vm->window_next = !w;
		vm->window_at[w] = LP_NO_WINDOW;
		lp_opaque(w);
		w &= 1;
		if ((!soon || lp_mem_words(vm, (lp_word *)vm->window[w], addr - off)) &&
		    lp_vm_fill_window(vm, w, addr - off))
			goto alone;
		vm->window_at[w] = addr - off;
	} else if (addr >= LP_NO_WINDOW) {
		goto alone;
	}
	lp_opaque(off);
	if (off > LP_WINDOW)
		return -1;
	word = *(lp_word *)(vm->window[w] + off);
	*ret = len < 8 ? word & ((1ull << (len & 7) * 8) - 1) : word;
	return 0;
alone:
	len = lp_at_most(len, 8);
	if (len && lp_vm_read(vm, &word, len, addr) < 0)
		return -1;
	*ret = word;
	return 0;
}

/* The C string at addr without its terminator, at most max <= LP_READ_MAX bytes: returns its
 * length and *ret_cut 1 where no terminator was within max, or within what can be read; < 0 where
 * nothing can be read. dst has room for max + 1 bytes.
 */
lp_inline long lp_vm_read_str(struct lp_vm *vm, char *dst, __u32 max, __u64 addr, __u8 *ret_cut)
{
	__u8 last = 0;
	long n = lp_mem_read_str(dst, max + 1, addr);

	if (n < 0) {
		/* page by page: the first ends within the second at the latest */
		__u32 left = lp_page_left(addr);

		vm->fault = addr;
		if (lp_mem_touch(addr) < 0)
			return -1;
		if (max >= left)
			lp_mem_touch(addr + left);
		n = lp_mem_read_str(dst, max + 1, addr);
		if (n < 0) {
			if (max < left || lp_mem_read(dst, left, addr))
				return -1;
			*ret_cut = 1;
			return left;
		}
	}
	if ((__u32)n <= max) { /* with its terminator */
		*ret_cut = 0;
		return n - 1;
	}
	/* all of max + 1 bytes: the helper ended it by force, unless a terminator was just there */
	if (lp_mem_read(&last, 1, addr + max))
		last = 1;
	*ret_cut = last != 0;
	return max;
}

#endif
