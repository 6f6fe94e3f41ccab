/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/pycopy.h
 *
 * pycopy - blocks of memory for the walk (pywalk.h): what is copied, what was seen, what waits.
 * Nothing here takes a page fault: the programs that walk can't.
 */
#ifndef LP_BPF_PYCOPY_H
#define LP_BPF_PYCOPY_H

#include "lp/pybody.h"
#include "python_late.h"

enum lp_py_what {
	LP_PW_OBJECTS, /* pointers */
	LP_PW_FIELDS,  /* items of a named tuple, of which some are not shown */
	LP_PW_SLOTS,   /* words of an instance, of which some are pointers to be shown */
	LP_PW_ENTRIES, /* of a dict */
	LP_PW_SET,     /* entries of a set */
	LP_PW_KEYS,    /* a keys object, then ENTRIES */
	LP_PW_DEQUE,   /* a block of a deque */
	LP_PW_RAW,     /* text that goes on */
	LP_PW_CODE,    /* a code object, then two OBJECTS: its names */
	LP_PW_FRAME,   /* a frame that a generator points to, then CODE */
	LP_PW_CNAME,   /* a pointer to a C string */
};

/* 0: not on record */
lp_inline __u64 lp_py_word(struct lp_vm *vm, __u32 at)
{
	__u64 word = *(lp_word *)(vm->rec + lp_at_most(at, LP_RECORD_MAX));

	return at <= LP_RECORD_MAX ? word : 0;
}

/* The same bytes of a short piece of memory, and some more, without the helper. */
lp_inline long lp_py_copy_soon(struct lp_vm *vm, __u64 addr, __u32 len)
{
	__u8 *to = lp_vm_tail(vm, 2 * LP_PY_HEAD);

	lp_opaque(len);
	if (!to || len > 2 * LP_PY_HEAD || lp_page_left(addr) < 2 * LP_PY_HEAD ||
	    lp_mem_direct(vm, (__u64 *)to, addr) ||
	    (len > LP_PY_HEAD && lp_mem_direct(vm, (__u64 *)(to + LP_PY_HEAD), addr + LP_PY_HEAD)))
		return -1;
	if (len & 7)
		*(lp_word *)(to + (len & 0x78)) &= (1ull << (len & 7) * 8) - 1;
	return 0;
}

/* A block of len <= LP_READ_MAX bytes: where in the record the bytes are; 0: there is none. */
lp_global int lp_py_copy(struct lp_vm *vm, __u64 addr, __u32 len, __u32 flags)
{
	if (!vm)
		return 0;

	__u8 *to = lp_vm_tail(vm, len);
	__u32 at = vm->len + sizeof(struct lp_block);

	lp_opaque(len);
	if (!to || !len || len > LP_READ_MAX) {
		vm->flags |= LP_RECF_CUT;
		return 0;
	}
	*(lp_word *)(to + (len & ~7u)) = 0; /* no stale byte in the padding */
	if (lp_late_hides(vm, addr, len) ||
	    (lp_py_copy_soon(vm, addr, len) && lp_mem_read(to, len, addr))) {
		lp_vm_note(vm, LP_SLOT_MEM, LP_ST_UNREADABLE, addr);
		return 0;
	}
	if (vm->py.n_late)
		lp_late_record(vm, at, addr, len);
	lp_vm_block(vm, LP_SLOT_MEM, LP_ST_OK, flags, len, addr);
	return at;
}

/* The same of len <= LP_PY_HEAD bytes that are in `words` already. */
lp_inline int lp_py_put(struct lp_vm *vm, const __u64 *words, __u64 addr, __u32 len)
{
	__u8 *to = lp_vm_tail(vm, LP_PY_HEAD);
	__u32 at = vm->len + sizeof(struct lp_block);

	lp_opaque(len);
	if (!to || len > LP_PY_HEAD) {
		vm->flags |= LP_RECF_CUT;
		return 0;
	}
	for (__u32 i = 0; i < LP_PY_HEAD / 8; i++)
		((lp_word *)to)[i] = words[i];
	if (len & 7)
		*(lp_word *)(to + (len & 0x38)) &= (1ull << (len & 7) * 8) - 1;
	lp_vm_block(vm, LP_SLOT_MEM, LP_ST_OK, 0, len, addr);
	return at;
}

/* As lp_vm_fill_window(), and for the same reason alone and small. */
lp_global long lp_py_fill_head(struct lp_vm *vm, __u64 addr)
{
	__u64 line[LP_PY_HEAD / 8];

	if (!vm)
		return -1;
	if (lp_page_left(addr) >= LP_PY_HEAD && !lp_mem_direct(vm, vm->walk.head, addr))
		return 0;
	if (lp_mem_read(line, LP_PY_HEAD, addr))
		return -1;
	for (__u32 i = 0; i < LP_PY_HEAD / 8; i++)
		vm->walk.head[i] = line[i];
	return 0;
}

/* The first bytes of an object; < 0: it can't be read, and a block says so. */
lp_inline long lp_py_head(struct lp_vm *vm, __u64 addr)
{
	struct lp_py_walk *w = &vm->walk;
	__u32 left = lp_page_left(addr);

	w->head_len = 0;
	/* the next page may not be there */
	lp_opaque(left);
	if (lp_late_hides(vm, addr, LP_PY_HEAD))
		;
	else if (!lp_py_fill_head(vm, addr))
		w->head_len = LP_PY_HEAD;
	else if (left < LP_PY_HEAD && left >= 16 && !lp_mem_read(w->head, left, addr))
		w->head_len = left;
	if (w->head_len) {
		if (vm->py.n_late)
			lp_late_head(vm, addr);
		return 0;
	}
	lp_vm_note(vm, LP_SLOT_MEM, LP_ST_UNREADABLE, addr);
	return -1;
}

lp_inline __u64 lp_py_at(const struct lp_vm *vm, __u32 off)
{
	return vm->walk.head[off >> 3 & 7];
}

/* What is known of addr in this hit; *ret_new: nothing was. The last one is for all that find no place. It is never
 * NULL, which is for the verifier: as a place that is bounded otherwise it would be two.
 */
lp_inline struct lp_py_seen *lp_py_find(struct lp_vm *vm, __u64 addr, __u32 *ret_new)
{
	struct lp_py_walk *w = &vm->walk;
	__u32 at = (__u32)((addr >> 4) * 0x9e3779b1u) >> 8, found = LP_PY_SEEN_MAX;

	*ret_new = 1;
	for (__u32 i = 0; i < 8; i++) {
		__u32 slot = (at + i) & (LP_PY_SEEN_MAX - 1);

		lp_opaque(slot);
		slot &= LP_PY_SEEN_MAX - 1;
		if (w->seen[slot].serial == w->serial && w->seen[slot].addr != addr)
			continue;
		found = slot;
		break;
	}
	lp_blur(vm, found);
	if (found > LP_PY_SEEN_MAX)
		return 0;

	struct lp_py_seen *s = &w->seen[found];
	if (s->serial == w->serial && s->addr == addr) {
		*ret_new = 0;
		return s;
	}
	s->addr = addr;
	s->serial = w->serial;
	s->text = 0;
	s->left = 0;
	return s;
}

/* A run to fill in; NULL: too many wait. */
lp_inline struct lp_py_run *lp_py_push(struct lp_vm *vm, __u32 what, __u64 addr, __u32 left,
				       __u32 depth)
{
	struct lp_py_walk *w = &vm->walk;
	__u32 in = w->runs_in;

	if (in - w->runs_out >= LP_PY_RUNS_MAX) {
		vm->flags |= LP_RECF_CUT;
		return 0;
	}
	w->runs_in = in + 1;

	struct lp_py_run *run = &w->runs[in & (LP_PY_RUNS_MAX - 1)];
	run->addr = addr;
	run->extra = 0;
	run->at = run->n = run->i = run->values = run->used = run->type = 0;
	run->left = left;
	run->what = what;
	run->depth = depth;
	run->stride = 8;
	run->key_at = 0;
	return run;
}

/* n pointers that are in the record at `at`. */
lp_inline void lp_py_push_words(struct lp_vm *vm, __u32 at, __u32 n, __u32 depth)
{
	struct lp_py_run *run = at ? lp_py_push(vm, LP_PW_OBJECTS, 0, 0, depth) : 0;

	if (run) {
		run->at = at;
		run->n = n;
	}
}

#endif
