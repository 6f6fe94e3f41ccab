/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/vma.h
 *
 * vma - the mapping that an address of the running process lies in. The kernel's helper only tries the lock of the
 * process's mappings: while another thread has it for writing, or waits for it, there is no answer. Then the tree that
 * they are in is followed without it, as the kernel itself does at a page fault: nodes stay until programs as ours have
 * ended, and what is found says whether the address is in it. (kernel: lib/maple_tree.c, mtree_range_walk())
 */
#ifndef LP_BPF_VMA_H
#define LP_BPF_VMA_H

#include "state.h"

#define LP_MAPLE_NODE  256ull /* bytes of a node, which begins at a multiple of it */
#define LP_MAPLE_DEPTH 10u    /* far more than all mappings there can be need */

enum lp_maple_type {
	LP_MAPLE_LEAF_64 = 1,
	LP_MAPLE_RANGE_64,
	LP_MAPLE_ARANGE_64, /* with the largest gap below each entry */
};

#define LP_MAPLE_WIDE	15u /* pivots of a node; those of the last type have less */
#define LP_MAPLE_NARROW 9u

/* A node begins with its parent and its pivots, and one entry more than pivots follows.
 * (kernel: include/linux/maple_tree.h)
 */
#define LP_MAPLE_PIVOTS 8u

struct lp_vma {
	__u64 addr; /* which is asked for */
	__u64 start, end;
	__u64 offset; /* in the file, of its start */
	__u64 flags;  /* kernel: include/linux/mm.h, VM_* */
	__u64 ino;    /* 0: no file */
	__u32 dev;
	__u32 found;
};

/* Last is what tells that it is the address's. */
static __attribute__((noinline)) void lp_vma_copy(struct lp_vma *v,
						  const struct vm_area_struct *vma)
{
	struct file *file = BPF_CORE_READ(vma, vm_file);

	v->ino = v->dev = 0;
	if (file) {
		v->ino = BPF_CORE_READ(file, f_inode, i_ino);
		v->dev = BPF_CORE_READ(file, f_inode, i_sb, s_dev);
	}
	v->offset = BPF_CORE_READ(vma, vm_pgoff) * LP_PAGE;
	v->flags = BPF_CORE_READ(vma, vm_flags);
	v->start = BPF_CORE_READ(vma, vm_start);
	v->end = BPF_CORE_READ(vma, vm_end);
	v->found = v->addr >= v->start && v->addr < v->end;
}

static long lp_vma_locked(struct task_struct *task, struct vm_area_struct *vma, struct lp_vma *v)
{
	(void)task;
	lp_vma_copy(v, vma);
	return 0;
}

struct lp_vma_walk {
	__u64 addr;
	__u64 entry; /* of the tree: a node and of which type it is, or below a leaf the mapping */
	__u64 done;
};

/* One node: an entry ends where its pivot says; the last one's may be 0, or there is no room for it. */
static long lp_vma_level(__u32 level, struct lp_vma_walk *w)
{
	const __u64 node = w->entry & ~(LP_MAPLE_NODE - 1);
	const __u64 *pivot = (const __u64 *)(node + LP_MAPLE_PIVOTS);
	const __u32 type = w->entry >> 3 & 0xf;
	const __u32 n = type == LP_MAPLE_ARANGE_64 ? LP_MAPLE_NARROW : LP_MAPLE_WIDE;
	__u32 i;

	(void)level;
	for (i = 0; i < LP_MAPLE_WIDE && i != n; i++) {
		__u64 last;

		if (bpf_probe_read_kernel(&last, sizeof(last), pivot + i))
			return 1;
		if (last >= w->addr || (i && !last))
			break;
	}
	lp_opaque(i);
	w->done = type <= LP_MAPLE_LEAF_64;
	return bpf_probe_read_kernel(&w->entry, sizeof(w->entry), pivot + n + i) || w->done;
}

lp_inline void lp_vma_unlocked(struct lp_vma *v)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct lp_vma_walk w = { .addr = v->addr,
				 .entry = (__u64)BPF_CORE_READ(task, mm, mm_mt.ma_root) };
	const struct vm_area_struct *vma;

	if ((w.entry & 3) != 2) /* no node */
		return;
	lp_loop_seldom(LP_MAPLE_DEPTH, lp_vma_level, &w);
	vma = (const struct vm_area_struct *)w.entry;
	if (w.done && vma && BPF_CORE_READ(vma, vm_mm) == task->mm)
		lp_vma_copy(v, vma);
}

/* The mapping of v->addr: v->found says whether there is one. v is on the stack, as the helper wants it. */
static __attribute__((noinline)) int lp_vma_find(struct lp_vma *v)
{
	v->found = 0;
	if (bpf_find_vma(bpf_get_current_task_btf(), v->addr, lp_vma_locked, v, 0))
		lp_vma_unlocked(v);
	return v->found;
}

#endif
