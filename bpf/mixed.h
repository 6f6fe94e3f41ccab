/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/mixed.h
 *
 * mixed - what a hit in native code has to do with Python: the frames of the thread that it runs in, and
 * their variables. A program of its own, as that is much to load: where a session wants it.
 */
#ifndef LP_BPF_MIXED_H
#define LP_BPF_MIXED_H

/* The thread and its frame: 1; 0: it runs no Python. */
lp_inline int lp_mixed_arrive(struct lp_vm *vm)
{
	__u32 number = lp_py_runtime_of(vm->pid_tgid);
	struct lp_pyvm_thread *t = number ? lp_pyvm_thread_of(vm->pid_tgid) : 0;

	vm->py.n_frames = vm->py.chain_n = vm->py.locals_turn = 0;
	vm->py.unit = 0;
	vm->py.fetched = vm->py.n_late = vm->py.n_hidden = 0;
	lp_pyvm_forget(vm);
	lp_pyvm_meet(vm, bpf_get_current_task_btf());
	if (!number || lp_py_take_runtime(vm, number - 1) < 0 ||
	    lp_pyvm_know_thread(vm, &vm->rt, t) || lp_pyvm_find_frame(vm, &vm->rt.layout) < 0)
		return 0;
	return 1;
}

/* CAP_PYSTACK of a native site: no block where no Python runs. */
lp_global int lp_mixed_stack(struct lp_vm *vm, __u32 max)
{
	if (vm && lp_mixed_arrive(vm))
		lp_pyvm_cap_stack(vm, max);
	return 0;
}

static long lp_mixed_step(__u32 i, struct lp_step *step)
{
	long r = lp_vm_do(step, 1, 1);

	(void)i;
	lp_opaque(r); /* the verifier knows nothing of what is apart */
	return r != 0;
}

SEC("uprobe.s")
int lp_probe_mixed(struct pt_regs *ctx)
{
	return probe(ctx, lp_mixed_step);
}

#endif
