// SPDX-License-Identifier: GPL-2.0-only
/* logpoint.bpf.c
 *
 * The programs that the kernel runs: at a hit, when a library is loaded, and at the turning points
 * of a process's life.
 */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "core.h"
#include "world.h"
#include "hit.h"

char LICENSE[] SEC("license") = "GPL";

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
			return vm;
		}
	}
	return 0;
}

/* Nobody else counts these: atomic among those who found no slot. */
lp_inline void count_busy(__u32 point)
{
	struct lp_counts *c = lp_counts_at(lp_cpu() * LP_SLOTS_PER_CPU, point);

	if (c)
		__sync_fetch_and_add(&c->lost[LP_LOSS_BUSY], 1);
}

lp_inline void give_slot(struct lp_vm *vm)
{
	*(volatile __u64 *)&vm->busy = 0; /* its CPU is the only one that looks */
}

/* DWARF's numbering */
lp_inline void copy_registers(struct lp_vm *vm, const struct pt_regs *ctx)
{
	vm->mach[0] = ctx->rax;
	vm->mach[1] = ctx->rdx;
	vm->mach[2] = ctx->rcx;
	vm->mach[3] = ctx->rbx;
	vm->mach[4] = ctx->rsi;
	vm->mach[5] = ctx->rdi;
	vm->mach[6] = ctx->rbp;
	vm->mach[7] = ctx->rsp;
	vm->mach[8] = ctx->r8;
	vm->mach[9] = ctx->r9;
	vm->mach[10] = ctx->r10;
	vm->mach[11] = ctx->r11;
	vm->mach[12] = ctx->r12;
	vm->mach[13] = ctx->r13;
	vm->mach[14] = ctx->r14;
	vm->mach[15] = ctx->r15;
	vm->mach[16] = ctx->rip;
}

SEC("uprobe.s")
int lp_probe(struct pt_regs *ctx)
{
	__u32 id = bpf_get_attach_cookie(ctx);
	struct lp_site *site = bpf_map_lookup_elem(&sites, &id);

	if (!site)
		return 0;

	__u64 pid_tgid = lp_pid_tgid();
	if (!lp_is_target(pid_tgid))
		return 0;

	struct lp_vm *vm = take_slot();
	if (!vm) {
		if (site->kind != LP_SITE_ENTER) /* its return will miss it and count */
			count_busy(site->point);
		return 0;
	}
	vm->pid_tgid = pid_tgid;
	copy_registers(vm, ctx);
	lp_hit(vm, site, id);
	give_slot(vm);
	return 0;
}

#include "life.h"
