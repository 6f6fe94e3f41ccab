/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/python_watch.h
 *
 * python_watch - a hit of a Python site: of a hardware watchpoint on the operand byte of a code unit,
 * or of a probe in the evaluation loop where all watchpoints are taken. What has read or written
 * the byte otherwise is no hit.
 */
#ifndef LP_BPF_PYTHON_WATCH_H
#define LP_BPF_PYTHON_WATCH_H

#include "python.h"

/* The first site of what is watched there: its number + 1; 0: none. Apart, for a small stack. */
static __attribute__((noinline)) __u32 lp_py_first_site(__u64 addr, __u32 runtime)
{
	struct lp_py_place_key key = { .addr = addr, .runtime = runtime };
	__u32 *id = bpf_map_lookup_elem(&py_places, &key);

	return id ? *id + 1 : 0;
}

/* For a hit in the interpreter `runtime`. */
lp_inline int lp_py_start_hit(struct lp_vm *vm, struct task_struct *task, __u64 pid_tgid,
			      __u32 runtime, __u64 ip)
{
	if (lp_py_take_runtime(vm, runtime) < 0)
		return -1;
	lp_pyvm_meet(vm, task);
	vm->pid_tgid = pid_tgid;
	vm->mach[LP_MACH_IP] = ip;
	vm->py.is_alone = 0;
	vm->py.fetched = vm->py.n_late = vm->py.n_hidden = 0;
	return 0;
}

/* The hit is lost to the sites from number `first` - 1 on. */
lp_inline void lp_py_lose(__u32 first)
{
	const struct lp_site *site = first ? lp_site_at(first - 1) : 0;

	if (site)
		count_slotless(site->point, lost[LP_LOSS_BUSY]);
}

/* A slot for these sites; NULL: there are none, or the hit is lost. Apart, for a small stack. */
static __attribute__((noinline)) struct lp_vm *lp_py_take(__u64 pid_tgid, __u32 runtime,
							  __u32 first, __u64 ip)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct lp_vm *vm = first ? take_slot() : 0;

	if (vm && lp_py_start_hit(vm, task, pid_tgid, runtime, ip) < 0) {
		give_slot(vm);
		vm = 0;
	}
	if (vm) {
		vm->py.next = first;
		vm->tables = lp_tables_of(task);
	} else {
		lp_py_lose(first);
	}
	return vm;
}

/* Each load from a context is one that the kernel's verifier writes anew, and moves all that follows: so they
 * are read where the context has them from.
 */
lp_inline void lp_py_registers(struct lp_vm *vm, const struct bpf_perf_event_data *ctx)
{
	if (lp_direct_type) {
		const struct lp_perf_context *kern = (const void *)lp_direct_at((__u64)ctx);
		const struct pt_regs *regs = (const void *)lp_direct_at((__u64)kern->regs);

		copy_registers(vm->mach, regs);
		vm->mach[LP_PY_FLAGS] = regs->eflags;
	} else {
		__u64 flags = ctx->regs.eflags;

		copy_each_register(vm->mach, (const struct pt_regs *)&ctx->regs);
		lp_opaque(flags);
		vm->mach[LP_PY_FLAGS] = flags;
	}
}

/* What the instruction that has read the unit has yet to store. What reads units otherwise than to execute
 * them, to specialise them or to look ahead, is no hit: 0. 1: the registers don't matter.
 */
static __attribute__((noinline)) int lp_py_fetched(struct lp_vm *vm,
						   const struct bpf_perf_event_data *ctx)
{
	struct lp_py_fetch_key key = { .ip = ctx->regs.rip, .runtime = (__u32)vm->rt_is - 1 };
	const struct lp_py_fetch *fetch = bpf_map_lookup_elem(&py_fetches, &key);

	if (!fetch)
		return 0;
	vm->py.fetched = fetch->flags;
	if (!fetch->n && !lp_py_uses(LP_OP_CAP_PYSTACK))
		return 1;
	lp_py_registers(vm, ctx);
	for (__u32 i = 0; i < LP_PY_LATE_MAX && i < fetch->n; i++)
		lp_late_add(vm, &fetch->late[i]);
	return 2;
}

/* Is the byte read to be executed, at a site? vm->py.next is the first one. */
static __attribute__((noinline)) int lp_py_is_hit(struct lp_vm *vm,
						  const struct bpf_perf_event_data *ctx, __u64 addr)
{
	__u64 ip = ctx->regs.rip;
	struct lp_pyvm_place *p = &vm->places[(addr >> 1 ^ addr >> 4 ^ ip) & (LP_PYVM_PLACES - 1)];

	if (p->is == vm->rt_is && p->addr == addr && p->ip == ip) {
		vm->py.next = p->first;
		vm->py.fetched = p->flags;
		return 1;
	}
	vm->py.next = lp_py_first_site(addr, (__u32)vm->rt_is - 1);

	int r = vm->py.next ? lp_py_fetched(vm, ctx) : 0;
	if (r == 1)
		*p = (struct lp_pyvm_place){ .addr = addr,
					     .ip = ip,
					     .is = vm->rt_is,
					     .first = vm->py.next,
					     .flags = vm->py.fetched };
	return r;
}

/* There is no slot for the hit, or no interpreter. */
lp_inline void lp_py_lose_watched(__u64 pid_tgid, __u64 addr)
{
	const __u32 number = lp_py_runtime_of(pid_tgid);

	if (number)
		lp_py_lose(lp_py_first_site(addr, number - 1));
}

lp_inline void lp_py_watched(struct lp_vm *vm, struct bpf_perf_event_data *ctx,
			     struct task_struct *task, __u64 pid_tgid, __u64 addr)
{
	const __u32 number = lp_py_known_runtime(vm, pid_tgid);

	if (!number)
		return;
	if (lp_py_start_hit(vm, task, pid_tgid, number - 1, ctx->regs.rip) < 0) {
		lp_py_lose_watched(pid_tgid, addr);
		return;
	}
	/* interrupts are off */
	lp_direct_begin(&vm->py.direct, lp_mapping() ? lp_tables_of(task) : 0);
	if (lp_py_is_hit(vm, ctx, addr)) {
		const struct lp_py_site *py = lp_py_site_at(vm->py.next - 1);

		if (py && lp_pyvm_arrive(vm, addr - vm->rt.layout.watch_byte, vm->mach[LP_MACH_IP],
					 py->flags & LP_PY_SITE_RESUMES))
			lp_pyvm_run(vm);
	}
	vm->py.direct.tables = 0;
}

SEC("perf_event")
int lp_watch(struct bpf_perf_event_data *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 addr = ctx->addr, pid_tgid = lp_pid_tgid_of(task);

	if (lp_watch_again(ctx, addr))
		return 0;

	struct lp_vm *vm = take_slot();
	if (!vm) {
		lp_py_lose_watched(pid_tgid, addr);
		return 0;
	}
	lp_py_watched(vm, ctx, task, pid_tgid, addr);
	give_slot(vm);
	return 0;
}

/* The loop's function is called for a frame: is it of the site's code, and does it begin there, not by an
 * exception (generator.throw())?
 */
lp_inline int lp_step_is_call(const struct pt_regs *ctx, const struct lp_py_site *py, __u64 frame)
{
	const struct lp_py_runtime *rt = lp_py_runtime_at(py->runtime);
	__u64 code = 0;

	return rt && !lp_mem_read(&code, sizeof(code), frame + rt->layout.frame_code) &&
	       code == py->code && !(__u32)register_of(ctx, (__u16)py->unit_delta);
}

/* An instruction of the evaluation loop begins, in whatever code: is it the unit of the site in the
 * cookie? Seldom: that has to be told soon. Apart, for a small stack.
 */
static __attribute__((noinline)) int lp_step_is_hit(struct pt_regs *ctx, __u32 id, __u64 pid_tgid)
{
	struct lp_watch_runs *runs = lp_watch_runs_of(LP_STEP_RUNS | id);
	const struct lp_py_site *py = lp_py_site_at(id);

	if (runs)
		runs->all++;
	if (!py)
		return 0;

	__u64 at = register_of(ctx, py->unit_register);
	if (py->flags & LP_PY_SITE_CALLED ? !lp_step_is_call(ctx, py, at)
					  : at + py->unit_delta != py->unit)
		return 0;
	return lp_py_runtime_of(pid_tgid) == py->runtime + 1;
}

SEC("uprobe")
int lp_step(struct pt_regs *ctx)
{
	__u32 id = bpf_get_attach_cookie(ctx);
	__u64 pid_tgid = lp_pid_tgid();

	if (!lp_step_is_hit(ctx, id, pid_tgid))
		return 0;

	const struct lp_py_site *py = lp_py_site_at(id);
	struct lp_vm *vm = py ? lp_py_take(pid_tgid, py->runtime, id + 1, ctx->rip) : 0;
	if (!vm)
		return 0;

	vm->py.is_alone = 1;
	if (lp_py_uses(LP_OP_CAP_PYSTACK))
		copy_registers(vm->mach, ctx);
	vm->py.frame = register_of(ctx, py->unit_register); /* of a CALLED one */
	if (lp_pyvm_arrive(vm, py->unit, ctx->rip, py->flags | LP_PY_SITE_STEPS))
		lp_pyvm_run(vm);
	give_slot(vm);
	return 0;
}

#endif
