/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/probe.h
 *
 * probe - a hit of a native site: whose is it, a slot to work in, its registers; then hit.h.
 */
#ifndef LP_BPF_PROBE_H
#define LP_BPF_PROBE_H

#include "world.h"
#include "mapping.h"

lp_inline __u64 lp_mapping_at(void)
{
	return lp_live.mapping;
}

/* Where nothing is read so the verifier is to know. */
lp_inline __u64 lp_mapping(void)
{
	return lp_direct_type ? lp_mapping_at() : 0;
}

#include "resident.h"

#define lp_mem_word(tables, to, addr)  lp_resident_word(tables, to, addr)
#define lp_mem_words(vm, to, addr)     lp_resident_words((vm)->tables, to, addr)
#define lp_mem_text(vm, to, max, addr) lp_resident_text((vm)->tables, to, max, addr, &(vm)->word)

#include "hit.h"
#include "quick.h"
#include "registers.h"

#ifdef LP_LEAN /* no returns */
#define lp_probe_site(ctx) lp_site_soon(ctx)
#else
#define lp_probe_site(ctx) bpf_get_attach_cookie(ctx)
#endif

/* Uprobe programs can be preempted, or sleep in a page fault, with another hit on the same CPU
 * meanwhile: a slot has one owner.
 */
lp_inline struct lp_vm *take_slot(void)
{
	__u32 first = lp_cpu() * LP_SLOTS_PER_CPU;

	for (__u32 i = 0; i < LP_SLOTS_PER_CPU; i++) {
		__u32 key = first + i;
		struct lp_vm *vm = bpf_map_lookup_elem(&slots, &key);

		if (!vm)
			return 0;
		if (!vm->busy && !__sync_val_compare_and_swap(&vm->busy, 0, 1)) {
			vm->id = key;
			vm->tables = 0;
			*(volatile __u32 *)&key = 0; /* rounds differ in nothing else */
			lp_meet(vm);
			return vm;
		}
	}
	return 0;
}

/* Of a hit without a slot: nobody else counts these, so that atomic among such hits is enough. */
#define count_slotless(point, what)                                                                \
	do {                                                                                       \
		struct lp_counts *c_ = lp_counts_at(lp_cpu() * LP_SLOTS_PER_CPU, (point));         \
		if (c_)                                                                            \
			__sync_fetch_and_add(&c_->what, 1);                                        \
	} while (0)

lp_inline void give_slot(struct lp_vm *vm)
{
	*(volatile __u64 *)&vm->busy = 0; /* its CPU is the only one that looks */
}

/* Has this execution had its hit, where an instruction failed on the way here (fault.h)? */
static __attribute__((noinline)) int lp_had_hit(__u32 site, __u64 meant, __u64 sp)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct lp_faulted_key key = { sp, bpf_get_current_pid_tgid(), site };
	const struct lp_faulted *had = bpf_map_lookup_elem(&faulted, &key);

	if (!had || !had->goes_on || had->meant != meant || had->start != task->start_time)
		return 0;
	bpf_map_delete_elem(&faulted, &key);
	return 1;
}

lp_inline int probe(struct pt_regs *ctx, long (*do_step)(__u32 i, struct lp_step *step))
{
	const __u32 id = lp_probe_site(ctx);
	__u64 pid_tgid;
	struct task_struct *task = bpf_get_current_task_btf();
	struct lp_site *site = lp_site_hit(id, task, &pid_tgid);

	if (!site ||
	    (site->goes_on && lp_had_hit(id, ctx->rip + site->ip_shift, ctx->rsp + site->sp_shift)))
		return 0;

	const __u64 tables = lp_tables_of(task);

	if (lp_has(LP_PART_QUICK) && site->quick.test &&
	    lp_quick_false(&site->quick, register_of(ctx, site->quick.reg), tables)) {
		count_slotless(site->point, quick);
		return 0;
	}

	struct lp_vm *vm = take_slot();
	if (!vm) {
		if (site->kind != LP_SITE_ENTER) /* its return will miss it and count */
			count_slotless(site->point, lost[LP_LOSS_BUSY]);
		return 0;
	}
	vm->pid_tgid = pid_tgid;
	vm->tables = tables;
	lp_comm_of(task, vm->comm);
	copy_registers(vm->mach, ctx);
	vm->mach[LP_MACH_IP] += site->ip_shift;
	vm->mach[LP_MACH_SP] += site->sp_shift;
	lp_hit(vm, site, id, do_step);
	give_slot(vm);
	return 0;
}

/* Programs of several sites, one after the other: one instruction of the one that runs, or the next one. A loop
 * within another would be one function more than the verifier lets be within each other. begin: 1 there is no
 * further one; else vm->py.running says whether it runs.
 */
lp_inline long lp_turn(__u32 i, struct lp_step *step, long (*begin)(struct lp_vm *vm),
		       long (*do_step)(__u32 i, struct lp_step *step),
		       long (*finish)(struct lp_vm *vm))
{
	struct lp_vm *vm = step->vm;
	long r;

	if (!vm->py.running) {
		r = begin(vm);
		lp_opaque(r); /* the verifier knows nothing of it */
		return r != 0;
	}
	if (vm->py.steps++ < LP_VM_STEPS_MAX && !do_step(i, step))
		return 0;
	finish(vm);
	vm->py.running = 0;
	return 0;
}

#endif
