/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/crash_maps.h
 *
 * crash_maps - where the code lies that a dying process has on its stack. The kernel tells the mapping of
 * an address, but not all that there are: asked is for the instruction pointer and for what can be
 * return addresses.
 */
#ifndef LP_BPF_CRASH_MAPS_H
#define LP_BPF_CRASH_MAPS_H

#include "hit.h"
#include "lp/crash.h"
#include "vma.h"

#define LP_VM_EXEC	0x4u	   /* kernel: include/linux/mm.h */
#define LP_STACK_ITSELF (1u << 20) /* words that lead so far up from the stack pointer are none */

/* There is room for one more. */
lp_inline void lp_crash_map(struct lp_vm *vm, __u64 addr)
{
	struct lp_vma v = { .addr = addr };
	__u32 n = vm->n_maps;
	struct lp_crash_map *m = &vm->maps[n & (LP_CRASH_MAPS_MAX - 1)];

	if (!lp_vma_find(&v))
		return;
	m->start = v.start;
	m->end = v.end;
	m->offset = v.offset;
	m->exec = (v.flags & LP_VM_EXEC) != 0;
	m->ino = v.ino;
	m->dev = v.dev;
	vm->n_maps = n + 1;
}

static __attribute__((noinline)) int lp_crash_is_known(const struct lp_vm *vm, __u64 addr)
{
	if (!vm)
		return 1;
	for (__u32 i = 0; i < LP_CRASH_MAPS_MAX; i++)
		if (i < vm->n_maps && addr >= vm->maps[i].start && addr < vm->maps[i].end)
			return 1;
	return 0;
}

static long lp_crash_word_step(__u32 i, struct lp_step *step)
{
	struct lp_vm *vm = step->vm;
	__u64 word = vm->mach[LP_MACH_IP];

	if (i && lp_mem_read(&word, sizeof(word), vm->stack_at + (__u64)(i - 1) * 8))
		return 1;
	if (vm->n_maps >= LP_CRASH_MAPS_MAX)
		return 1;
	if (word < LP_PAGE || word >> 47 || word - vm->stack_at < LP_STACK_ITSELF ||
	    lp_crash_is_known(vm, word))
		return 0;
	lp_crash_map(vm, word);
	return 0;
}

lp_global int lp_crash_maps(struct lp_vm *vm)
{
	struct lp_step step = { .vm = vm };

	if (!vm)
		return 0;
	vm->n_maps = 0;
	lp_loop_seldom(LP_CRASH_WORDS_MAX, lp_crash_word_step, &step);

	__u32 len = vm->n_maps * sizeof(struct lp_crash_map);
	__u8 *to = lp_vm_tail(vm, LP_CRASH_MAPS_MAX * sizeof(struct lp_crash_map));

	lp_opaque(len);
	if (!to || len > LP_CRASH_MAPS_MAX * sizeof(struct lp_crash_map))
		return 0;
	if (len && !bpf_probe_read_kernel(to, len, vm->maps))
		lp_vm_block(vm, LP_SLOT_MAPS, LP_ST_OK, 0, len, 0);
	return 0;
}

#endif
