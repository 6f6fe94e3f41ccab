/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/capture.h
 *
 * capture - blocks appended to the record (lp/record.h), and errors, which are blocks too.
 * A capture that fails leaves a block that says so and the program goes on behind it.
 *
 * The includer may supply
 *
 *	lp_cap_mixed(vm, in, op)	CAP_PYSTACK and CAP_PYLOCALS of a hit in native code
 */
#ifndef LP_BPF_CAPTURE_H
#define LP_BPF_CAPTURE_H

#ifndef lp_cap_mixed
#define lp_cap_mixed(vm, in, op) ((void)0)
#endif

/* A block without bytes yet; 0: the record has no room for one. The offset it is at otherwise:
 * records begin with something else, so 0 is none.
 */
lp_inline int lp_vm_block(struct lp_vm *vm, __u32 slot, __u32 status, __u32 flags, __u32 len,
			  __u64 addr)
{
	__u32 at = vm->len;

	lp_opaque(at);
	if (at > LP_RECORD_MAX - sizeof(struct lp_block) ||
	    at + sizeof(struct lp_block) + LP_ALIGN(len) > vm->room) {
		vm->flags |= LP_RECF_CUT;
		return -1;
	}

	struct lp_block *block = (void *)(vm->rec + at);
	block->slot = slot;
	block->status = status;
	block->flags = flags;
	block->len = len;
	block->addr = addr;
	vm->len = at + sizeof(*block) + LP_ALIGN(len);
	return 0;
}

lp_inline void lp_vm_note(struct lp_vm *vm, __u32 slot, __u32 status, __u64 addr)
{
	lp_vm_block(vm, slot, status, 0, 0, addr);
}

/* The block that was begun at `start` has all that was appended since. NULL: there is none. */
lp_inline struct lp_block *lp_vm_block_end(struct lp_vm *vm, __u32 start)
{
	lp_opaque(start);
	if (start > LP_RECORD_MAX - sizeof(struct lp_block))
		return 0;

	struct lp_block *block = (void *)(vm->rec + start);
	block->len = vm->len - start - sizeof(*block);
	return block;
}

/* An error that TRY has a place for. */
lp_inline long lp_vm_raise(struct lp_vm *vm, __u32 status)
{
	if (vm->slot == LP_SLOT_COND) {
		vm->status = status;
		vm->outcome = LP_OUT_COND_ERROR;
		return 1;
	}
	lp_vm_note(vm, vm->slot, status, vm->fault);
	return lp_vm_jump(vm, vm->resume);
}

/* Room for a block of at most len bytes at the end of the record: where its bytes go. */
lp_inline __u8 *lp_vm_tail(struct lp_vm *vm, __u32 len)
{
	__u32 at = vm->len;

	lp_opaque(at);
	if (at > LP_RECORD_MAX - sizeof(struct lp_block) ||
	    at + sizeof(struct lp_block) + LP_ALIGN(len) > vm->room)
		return 0;
	return vm->rec + at + sizeof(struct lp_block);
}

/* The block whose bytes, at most as many as that was asked for, are there. */
lp_inline void lp_vm_tail_block(struct lp_vm *vm, __u8 *tail, __u32 slot, __u32 flags, __u32 len,
				__u64 addr)
{
	struct lp_block *block = (struct lp_block *)tail - 1;

	block->slot = slot;
	block->status = LP_ST_OK;
	block->flags = flags;
	block->len = len;
	block->addr = addr;
	vm->len += sizeof(*block) + LP_ALIGN(len);
}

/* Of a few bytes, which are known. */
lp_inline long lp_cap_word(struct lp_vm *vm, __u32 slot, __u64 v, __u32 len, __u32 flags,
			   __u64 addr)
{
	__u8 *to = lp_vm_tail(vm, 8);

	if (!to) {
		vm->flags |= LP_RECF_CUT;
		lp_vm_note(vm, slot, LP_ST_NO_ROOM, addr);
		return 0;
	}
	*(lp_word *)to = v;
	lp_vm_tail_block(vm, to, slot, flags, len > 8 ? 8 : len, addr);
	return 0;
}

/* More than a word. */
lp_inline long lp_cap_mem(struct lp_vm *vm, __u32 slot, __u64 addr, __u32 len, __u32 flags)
{
	__u8 *to = lp_vm_tail(vm, len);

	if (!to) {
		vm->flags |= LP_RECF_CUT;
		lp_vm_note(vm, slot, LP_ST_NO_ROOM, addr);
		return 0;
	}
	len = lp_at_most(len, LP_READ_MAX);
	*(lp_word *)(to + (len & ~7u)) = 0; /* no stale byte in the padding */
	if (lp_vm_read(vm, to, len, addr) < 0)
		lp_vm_note(vm, slot, LP_ST_UNREADABLE, vm->fault);
	else
		lp_vm_block(vm, slot, LP_ST_OK, flags, len, addr);
	return 0;
}

lp_inline long lp_cap_str(struct lp_vm *vm, __u32 slot, __u64 addr, __u32 max)
{
	/* a string may be cut to the room that is left */
	__u32 room = vm->room - vm->len;
	__u8 cut = 0;

	if (room > vm->room || room < sizeof(struct lp_block) + 8) {
		vm->flags |= LP_RECF_CUT;
		return 0;
	}
	room = (room - sizeof(struct lp_block)) & ~7u;
	if (max > room) {
		vm->flags |= LP_RECF_CUT;
		max = room;
	}

	__u8 *to = lp_vm_tail(vm, max);
	if (!to)
		return 0;
	max = lp_at_most(max, LP_READ_MAX);

	long n = lp_vm_read_str(vm, (char *)to, max, addr, &cut);
	if (n < 0) {
		lp_vm_block(vm, slot, LP_ST_UNREADABLE, addr ? 0 : LP_BLKF_NULL, 0, vm->fault);
		return 0;
	}
	vm->word = n;
	lp_meet(vm);
	n = lp_at_most(vm->word, LP_READ_MAX);
	*(lp_word *)(to + n) = 0;
	lp_vm_block(vm, slot, LP_ST_OK, cut ? LP_BLKF_CUT : 0, n, addr);
	return 0;
}

/* The same of one that there is room for, and that is read soon; < 0: it is not. */
lp_inline long lp_cap_text(struct lp_vm *vm, __u32 slot, __u64 addr, __u32 max)
{
	__u8 *to = lp_vm_tail(vm, max);

	if (!to || lp_mem_text(vm, (char *)to, max, addr))
		return -1;

	const __u32 n = lp_at_most(vm->word, LP_READ_MAX);
	*(lp_word *)(to + n) = 0;
	lp_vm_tail_block(vm, to, slot, 0, n, addr);
	return 0;
}

lp_inline long lp_cap_value(struct lp_vm *vm, __u32 slot, __u64 v, __u32 len)
{
	return lp_cap_word(vm, slot, v, len, 0, 0);
}

/* One page of stack: appended to the block that lies at the end of the record. may_sleep is constant: from 6.14
 * on the kernel takes a function by what it contains, whether that is reached or not.
 */
lp_inline long lp_cap_page(struct lp_vm *vm, int may_sleep)
{
	__u32 at = vm->len, len = lp_page_left(vm->from);

	if (len > vm->todo)
		len = vm->todo;
	if (!len || at > LP_RECORD_MAX)
		return 1;
	at = lp_at_most(at, LP_RECORD_MAX);
	len = lp_at_most(len, LP_READ_MAX);
	if (may_sleep ? lp_vm_read(vm, vm->rec + at, len, vm->from)
		      : lp_mem_read(vm->rec + at, len, vm->from))
		return 1;
	vm->len = at + len;
	vm->from += len;
	vm->todo -= len;
	return 0;
}

/* As much of len bytes as lies before the end: beyond, where nothing may be mapped, to ask for more takes a
 * page fault, ten times as long as the rest.
 */
lp_inline __u32 lp_cap_until(__u64 from, __u32 len, __u64 end)
{
	return end > from && end - from < len ? end - from : len;
}

/* page: lp_cap_stack_page(), or the same for programs that can't sleep. */
lp_inline long lp_cap_stack(struct lp_vm *vm, __u32 max, struct lp_step *step,
			    long (*page)(__u32 i, struct lp_step *step))
{
	__u8 *to = lp_vm_tail(vm, LP_MACH_REGS * 8);

	if (!to) {
		vm->flags |= LP_RECF_CUT;
		return 0;
	}
	for (int i = 0; i < LP_MACH_REGS; i++)
		((lp_word *)to)[i] = vm->mach[i];
	lp_vm_block(vm, LP_SLOT_REGS, LP_ST_OK, 0, LP_MACH_REGS * 8, 0);

	__u32 start = vm->len, room = vm->room - start;
	__u64 sp = vm->stack_at;

	/* C libraries put what they know of a thread behind its stack */
	max = lp_cap_until(sp, max, lp_thread_pointer());
	max = lp_cap_until(sp, max, lp_stack_end());
	if (lp_vm_block(vm, LP_SLOT_STACK, LP_ST_OK, 0, 0, sp) < 0)
		return 0;
	room = (room - sizeof(struct lp_block)) & ~7u;
	vm->from = sp;
	vm->todo = max < room ? max : room;
	lp_loop_seldom(LP_STACK_MAX / LP_PAGE + 1, page, step);

	struct lp_block *block = lp_vm_block_end(vm, start);
	__u32 end = vm->len;
	if (!block)
		return 0;
	if (block->len < max)
		block->flags = LP_BLKF_CUT;
	vm->len = LP_ALIGN(end);
	lp_opaque(end);
	if (end <= LP_RECORD_MAX)
		*(lp_word *)(vm->rec + end) = 0;
	return 0;
}

#endif
