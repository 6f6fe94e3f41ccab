/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/python_hook.h
 *
 * python_hook - a probe at a function that the interpreter calls when nobody has caught an exception
 * (struct lp_py_hook): what it is about, and whether it is wanted.
 */
#ifndef LP_BPF_PYTHON_HOOK_H
#define LP_BPF_PYTHON_HOOK_H

#include "python_trap.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct lp_py_hook_key);
	__type(value, struct lp_py_hook);
} py_hooks SEC(".maps");

/* Is the frame object's code that of the hook, by address or by name? */
static __attribute__((noinline)) int lp_hook_is_frame(const struct lp_py_runtime *rt,
						      const struct lp_py_hook *h, __u64 frame)
{
	const struct lp_py_layout *l = &rt->layout;
	__u64 code, str, len, words[LP_PY_HOOK_NAME / 8];

	if (l->pyframe_frame != LP_PY_NONE &&
	    lp_mem_read(&frame, sizeof(frame), frame + l->pyframe_frame))
		return 0;
	if (lp_mem_read(&code, sizeof(code), frame + l->frame_code))
		return 0;
	code &= ~(__u64)l->frame_tags;
	if (h->only)
		return code == h->only;
	if (lp_mem_read(&str, sizeof(str), code + l->code_name) ||
	    lp_mem_read(&len, sizeof(len), str + l->str_length) || len != h->name_len ||
	    lp_mem_read(words, sizeof(words), str + l->str_ascii))
		return 0;
	for (__u32 i = 0; i < LP_PY_HOOK_NAME / 8 && i * 8 < h->name_len; i++) {
		__u32 left = h->name_len - i * 8;
		__u64 mask = left < 8 ? (1ull << (left & 7) * 8) - 1 : ~0ull;

		if ((words[i] ^ ((const __u64 *)h->name)[i]) & mask)
			return 0;
	}
	return 1;
}

/* Is the call about what the hook is about? */
static __attribute__((noinline)) int lp_hook_applies(const struct pt_regs *ctx,
						     const struct lp_py_hook *h, __u32 number)
{
	const struct lp_py_runtime *rt = lp_py_runtime_at(number);
	__u64 about = register_of(ctx, h->about);
	__u8 flag = 0;

	if (!rt)
		return 0;
	if (h->flags & LP_PY_HOOK_FRAME)
		return lp_hook_is_frame(rt, h, about);
	if (h->only && about != h->only)
		return 0;
	if (!h->flag_mask)
		return 1;
	return !lp_mem_read(&flag, sizeof(flag), about + h->flag_at) && (flag & h->flag_mask);
}

/* The exception that the steps lead to: 1, as lp_pyvm_find_raised(). */
static __attribute__((noinline)) int lp_hook_follow(struct lp_vm *vm, const struct pt_regs *ctx,
						    const struct lp_py_hook *h)
{
	const struct lp_py_layout *l = &vm->rt.layout;
	__u64 at = register_of(ctx, h->from);

	vm->py.is_raw = 0;
	vm->py.raised_tb = 0;
	for (__u32 i = 0; i < LP_PY_HOOK_STEPS && i < h->n_steps; i++)
		if (lp_mem_read(&at, sizeof(at), at + h->step[i]))
			return 0;
	if (!at || at == vm->rt.none ||
	    lp_mem_read(&vm->py.raised_type, sizeof(vm->py.raised_type), at + l->ob_type))
		return 0;
	vm->py.raised = at;
	return 1;
}

/* SystemExit, KeyboardInterrupt, where they are left to somebody else. */
static __attribute__((noinline)) int lp_hook_leaves_out(struct lp_vm *vm,
							const struct lp_py_hook *h)
{
	for (__u32 i = 0; i < 2; i++)
		if (h->except[i] && lp_pyvm_is_subtype(vm, vm->py.raised_type, h->except[i]) == 1)
			return 1;
	return 0;
}

/* Its names are those where it was raised. */
static long lp_hook_tb_step(__u32 i, struct lp_step *step)
{
	struct lp_vm *vm = step->vm;
	__u64 next;

	(void)i;
	if (lp_pyvm_u64(vm, vm->py.base + LP_PYVM_TB_NEXT, &next) < 0 || !next)
		return 1;
	vm->py.base = next;
	return 0;
}

static __attribute__((noinline)) void lp_hook_find_frame(struct lp_vm *vm)
{
	struct lp_step step = { .vm = vm };
	__u64 frame = 0;

	vm->py.frame = vm->py.code = vm->py.unit = vm->py.units = 0;
	vm->py.base = vm->py.raised_tb;
	if (!vm->py.base && !vm->py.is_raw &&
	    lp_pyvm_u64(vm, vm->py.raised + vm->rt.layout.exc_traceback, &vm->py.base) < 0)
		return;
	if (!vm->py.base)
		return;
	lp_loop_seldom(LP_PYVM_TB_LOOK, lp_hook_tb_step, &step);
	if (lp_pyvm_u64(vm, vm->py.base + LP_PYVM_TB_FRAME, &frame) >= 0)
		lp_pyvm_raised_in(vm, frame);
}

/* The thread and the exception: is it wanted? */
static __attribute__((noinline)) int lp_hook_arrive(struct lp_vm *vm, const struct pt_regs *ctx,
						    const struct lp_py_hook *h)
{
	if (!lp_trap_thread(vm))
		return 0;
	if (h->flags & LP_PY_HOOK_CURRENT ? !lp_pyvm_find_current(vm) : !lp_hook_follow(vm, ctx, h))
		return 0;
	if (lp_hook_leaves_out(vm, h))
		return 0;
	lp_trap_judge(vm);
	if (!vm->py.wanted)
		return 0;
	lp_hook_find_frame(vm);
	return 1;
}

SEC("uprobe")
int lp_hook(struct pt_regs *ctx)
{
	__u64 pid_tgid = lp_pid_tgid();
	__u32 number = lp_py_runtime_of(pid_tgid), trap = bpf_get_attach_cookie(ctx);
	struct lp_py_hook_key key = { .runtime = number - 1, .trap = trap };
	const struct lp_py_hook *h = number ? bpf_map_lookup_elem(&py_hooks, &key) : 0;

	if (!h)
		return 0;
	lp_trap_count(trap);
	if (!lp_hook_applies(ctx, h, number - 1))
		return 0;

	__u32 first = lp_py_first_site(LP_PY_AT_UNCAUGHT, number - 1);
	struct lp_vm *vm = lp_py_take(pid_tgid, number - 1, first, ctx->rip);
	if (!vm)
		return 0;

	if (lp_hook_arrive(vm, ctx, h))
		lp_pyvm_run(vm);
	give_slot(vm);
	return 0;
}

#endif
