/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/fault.h
 *
 * fault - a probe may be some instructions behind its place (native/shift.h) although one of these can
 * fail. Where one does, the probe is not reached, or later, once a handler has done something about it.
 * So the hit is taken where the signal is delivered, with the registers of the instruction that failed:
 * nothing before it has changed what the program reads.
 *
 * Each execution of a place counts once. A handler that returns has the instruction executed again, which
 * can fail again or go on to the probe. One that jumps elsewhere ends that execution; the next one may
 * have the same stack pointer, and be at the same instruction. So the return is watched: restoring the
 * registers, rt_sigreturn(2) tells that those of the FPU are the thread's, as the kernel does when it goes
 * back to a thread that another one has been between; how the kernel was entered differs.
 *
 * Nothing here can sleep.
 */
#ifndef LP_BPF_FAULT_H
#define LP_BPF_FAULT_H

#include <asm-generic/siginfo.h>
#include <linux/signal.h>

#include "probe.h"
#include "siginfo.h"
#include "vma.h"
#include "world.h"

/* An instruction of a site's program. */
#ifdef LP_LEAN
#define lp_fault_do lp_vm_step
#else
#define lp_fault_do lp_signal_do
#endif

/* Instructions of all programs of one place, and windows that are looked at. */
#define LP_FAULT_STEPS (64 * LP_VM_STEPS_MAX + LP_WINDOWS_MAX)

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, LP_WINDOWS_MAX);
	__type(key, __u32);
	__type(value, struct lp_fault_window);
} windows SEC(".maps");

/* Where the kernel is entered for a system call: what is on a thread's kernel stack below its registers.
 * 0: not known yet; 1: it can't be told from other entries.
 */
volatile __u64 lp_fault_entry;
/* Our own process, while it finds out whether returns are seen, or 0; how many it has seen. */
volatile __u32 lp_fault_tester, lp_fault_returns;

lp_inline struct lp_fault_window *lp_fault_window_at(__u32 i)
{
	struct lp_fault_window *w = bpf_map_lookup_elem(&windows, &i);

	return w && w->site != LP_FAULT_NONE ? w : 0;
}

lp_inline __u64 lp_fault_distance(const struct lp_fault_window *w, __u64 ip)
{
	return (ip - w->offset) & (LP_PAGE - 1);
}

/* Which of the window's instructions begins so many bytes from the place on; LP_WINDOW_STEPS: none. */
lp_global __u32 lp_fault_step(struct lp_fault_window *w, __u32 at)
{
	__u32 found = LP_WINDOW_STEPS;

	if (!w)
		return found;
	for (__u32 i = 0; i < LP_WINDOW_STEPS; i++)
		if (i < w->n_steps && w->steps[i].at == at)
			found = i;
	return found;
}

/* The execution of the window's place that an address and a stack pointer belong to. */
lp_inline int lp_fault_key(struct lp_fault_window *w, __u64 ip, __u64 sp,
			   struct lp_faulted_key *ret)
{
	__u64 at = lp_fault_distance(w, ip);
	__u32 i = at <= w->len ? lp_fault_step(w, at) : LP_WINDOW_STEPS;

	lp_opaque(i);
	if (i >= LP_WINDOW_STEPS)
		return -1;
	ret->sp = sp + (__s64)w->steps[i].sp;
	ret->tid = bpf_get_current_pid_tgid();
	ret->site = w->site;
	return 0;
}

#define LP_FAULT_BREAK 0xcc /* int3, that of a probe too */
#define LP_FAULT_BYTES 0x0101010101010101ull

/* The upper bit of each byte that is not zero. */
lp_inline __u64 lp_fault_not_zero(__u64 v)
{
	const __u64 low = 0x7f * LP_FAULT_BYTES;

	return (((v & low) + low) | v) & ~low;
}

enum lp_fault_same {
	LP_FAULT_OTHER,	   /* there is no probe at the end */
	LP_FAULT_SAME,	   /* it is the window's code, perhaps with breakpoints in it */
	LP_FAULT_DIFFERENT /* it can't be read, or somebody has changed it */
};

/* Without branches, each of which the verifier would follow. */
lp_global int lp_fault_compare(struct lp_fault_window *w, __u64 start)
{
	__u64 code[LP_WINDOW_MAX / 8 + 1] = { 0 }, different = 0;
	__u32 len = w ? w->len : 0;

	lp_opaque(len);
	if (!w || len > LP_WINDOW_MAX)
		return LP_FAULT_OTHER;
	if (lp_mem_read(code, len + 1, start))
		return LP_FAULT_DIFFERENT;
	for (__u32 i = 0; i < LP_WINDOW_MAX / 8; i++)
		different |= lp_fault_not_zero(code[i] ^ w->code[i]) & w->mask[i] &
			     lp_fault_not_zero(code[i] ^ LP_FAULT_BREAK * LP_FAULT_BYTES);
	lp_opaque(len);
	if (((const __u8 *)code)[len] != LP_FAULT_BREAK)
		return LP_FAULT_OTHER;
	return different ? LP_FAULT_DIFFERENT : LP_FAULT_SAME;
}

lp_global int lp_fault_find_one(struct lp_fault *f, __u32 i)
{
	struct lp_fault_window *w = f ? lp_fault_window_at(i) : 0;
	__u64 at = w ? lp_fault_distance(w, f->ip) : 0;

	if (!w || at >= w->len || lp_fault_step(w, at) == LP_WINDOW_STEPS)
		return 0;

	int same = lp_fault_compare(w, f->ip - at);
	if (same == LP_FAULT_OTHER)
		return 0;
	if (same == LP_FAULT_DIFFERENT) {
		f->is_unsure = 1;
		return 0;
	}
	if (f->n && (w->ino != f->ino || w->dev != f->dev || w->offset != f->offset))
		f->is_unsure = f->is_several = 1;
	f->ino = w->ino;
	f->dev = w->dev;
	f->offset = w->offset;
	f->n++;
	return 0;
}

static long lp_fault_find_step(__u32 i, struct lp_fault *f)
{
	lp_fault_find_one(f, i);
	return 0;
}

/* Is the window of that place, and the failure the first of its execution? Notes it. */
lp_global int lp_fault_is_new(struct lp_fault *f, struct lp_fault_window *w)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct lp_faulted_key key;

	if (!f || !w || w->ino != f->ino || w->dev != f->dev || lp_fault_key(w, f->ip, f->sp, &key))
		return 0;
	__u64 at = lp_fault_distance(w, f->ip);
	if (at >= w->len || (f->offset != w->offset && f->offset != w->offset + at))
		return 0;

	struct lp_faulted now = { task->start_time, f->ip - at, f->ip, 0 };
	struct lp_faulted *had = bpf_map_lookup_elem(&faulted, &key);
	if (had && had->goes_on && had->start == now.start && had->meant == now.meant) {
		*had = now;
		return 0;
	}
	if (f->has_handler) {
		lp_live.faulted = 1;
		bpf_map_update_elem(&faulted, &key, &now, BPF_ANY);
	}
	return 1;
}

/* Of a hit for which there was no slot. */
lp_global int lp_fault_lose_one(struct lp_fault *f, __u32 i)
{
	struct lp_fault_window *w = f ? lp_fault_window_at(i) : 0;
	const struct lp_site *site = w && lp_fault_is_new(f, w) ? lp_site_at(w->site) : 0;

	if (site && site->kind != LP_SITE_ENTER)
		count_slotless(site->point, lost[LP_LOSS_BUSY]);
	return 0;
}

static long lp_fault_lose_step(__u32 i, struct lp_fault *f)
{
	lp_fault_lose_one(f, i);
	return 0;
}

/* The next window: 1 there is none; else vm->py.running says whether its site's program runs. */
lp_global long lp_fault_begin(struct lp_vm *vm)
{
	__u32 i = vm ? vm->py.next++ : LP_WINDOWS_MAX;

	if (!vm || i >= lp_live.n_windows)
		return 1;

	struct lp_fault_window *w = lp_fault_window_at(i);
	const struct lp_site *site = w && lp_fault_is_new(&vm->at, w) ? lp_site_at(w->site) : 0;
	struct lp_faulted_key key;
	if (!site || lp_fault_key(w, vm->at.ip, vm->at.sp, &key))
		return 0;
	vm->mach[LP_MACH_IP] = vm->at.ip - lp_fault_distance(w, vm->at.ip);
	vm->mach[LP_MACH_SP] = key.sp;
	lp_prepare(vm, site, w->site);
#ifndef LP_LEAN
	if (site->kind == LP_SITE_ENTER) {
		if (lp_return_dropped()) {
			lp_count(vm, lost[LP_LOSS_DEPTH]);
			return 0;
		}
		vm->len = 0;
		vm->room = LP_STASH_MAX;
	}
#endif
	vm->py.steps = 0;
	vm->py.running = 1;
	return 0;
}

lp_global long lp_fault_finish(struct lp_vm *vm)
{
	if (!vm)
		return 0;
#ifndef LP_LEAN
	const struct lp_site *site = lp_site_at(vm->site);
	if (site && site->kind == LP_SITE_ENTER) {
		lp_enter(vm, site->pair);
		return 0;
	}
#endif
	lp_finish(vm);
	return 0;
}

static long lp_fault_run_step(__u32 i, struct lp_step *step)
{
	return lp_turn(i, step, lp_fault_begin, lp_fault_do, lp_fault_finish);
}

/* Has an instruction of the thread's failed, or was the signal sent? */
static __attribute__((noinline)) int lp_fault_is_own(const struct bpf_raw_tracepoint_args *ctx)
{
	const __u32 number = ctx->args[0];
	struct lp_siginfo info;

	if (number != SIGSEGV && number != SIGBUS && number != SIGFPE)
		return 0;
	if (bpf_probe_read_kernel(&info, sizeof(info), (const void *)ctx->args[1]))
		return 0;
	return info.code > 0 && !(number == SIGBUS && info.code == BUS_MCEERR_AO);
}

/* A signal comes between two instructions of a window: whose handler has not returned here is not to. */
lp_global int lp_fault_forget_one(struct lp_fault *f, __u32 i)
{
	struct lp_fault_window *w = f ? lp_fault_window_at(i) : 0;
	struct lp_faulted_key key;

	if (!w || lp_fault_key(w, f->ip, f->sp, &key))
		return 0;
	const struct lp_faulted *had = bpf_map_lookup_elem(&faulted, &key);
	if (had && !had->goes_on && had->meant == f->ip - lp_fault_distance(w, f->ip))
		bpf_map_delete_elem(&faulted, &key);
	return 0;
}

static long lp_fault_forget_step(__u32 i, struct lp_fault *f)
{
	lp_fault_forget_one(f, i);
	return 0;
}

/* A signal of another thread, process or timer. */
static __attribute__((noinline)) int lp_fault_forget(const struct pt_regs *regs)
{
	struct lp_fault f = { .ip = regs->rip, .sp = regs->rsp };

	lp_loop_seldom(lp_live.n_windows, lp_fault_forget_step, &f);
	return 0;
}

/* The mapping tells which of several places it is, where that must be asked for. */
lp_inline void lp_fault_tell(struct lp_fault *f)
{
	struct lp_vma v = { .addr = f->ip };

	if (!lp_vma_find(&v))
		return;
	f->ino = v.ino;
	f->dev = v.dev;
	f->offset = f->ip - v.start + v.offset;
	f->is_several = 0;
	f->n = 1;
}

/* Which place the instruction follows that has failed: 0 none, or its hits are lost, as there is no slot or nothing
 * tells which of several it is.
 */
static __attribute__((noinline)) int lp_fault_find(struct lp_vm *vm, const struct pt_regs *regs,
						   __u64 handler)
{
	struct lp_fault f = { .ip = regs->rip, .sp = regs->rsp, .has_handler = handler != 0 };

	lp_loop_seldom(lp_live.n_windows, lp_fault_find_step, &f);
	if (f.is_unsure)
		lp_fault_tell(&f);
	if (f.n && (!vm || f.is_several)) {
		lp_loop_seldom(lp_live.n_windows, lp_fault_lose_step, &f);
		return 0;
	}
	if (f.n && vm)
		vm->at = f;
	return f.n != 0;
}

/* (signal, its info, what the process does about it) */
SEC("raw_tp/signal_deliver")
int lp_fault_deliver(struct bpf_raw_tracepoint_args *ctx)
{
	int own = lp_fault_is_own(ctx);
	__u64 handler = 0;

	if (!own && !lp_live.faulted)
		return 0;
	__u64 pid_tgid = lp_pid_tgid();
	if (!lp_is_target(pid_tgid))
		return 0;

	const struct pt_regs *regs =
		(const struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	if (!own)
		return lp_fault_forget(regs);

	/* the first word of k_sigaction; 0 is SIG_DFL */
	bpf_probe_read_kernel(&handler, sizeof(handler), (const void *)ctx->args[2]);
	struct lp_vm *vm = take_slot();
	int found = lp_fault_find(vm, regs, handler);
	if (!vm)
		return 0;
	struct lp_step step = { .vm = vm, .code = lp_code() };
	if (found && step.code) {
		vm->pid_tgid = pid_tgid;
		lp_comm(vm->comm);
		copy_registers(vm->mach, regs);
		vm->py.next = vm->py.running = 0;
		lp_loop_seldom(LP_FAULT_STEPS, lp_fault_run_step, &step);
	}
	give_slot(vm);
	return 0;
}

lp_global int lp_fault_return_one(struct lp_fault *f, __u32 i)
{
	struct lp_fault_window *w = f ? lp_fault_window_at(i) : 0;
	struct lp_faulted_key key;

	if (!w || lp_fault_key(w, f->ip, f->sp, &key))
		return 0;
	struct lp_faulted *had = bpf_map_lookup_elem(&faulted, &key);
	__u64 at = lp_fault_distance(w, f->ip);
	struct lp_site *site = lp_site_at(w->site);
	if (!had || !site || had->meant != f->ip - at || (!at && had->ip != f->ip))
		return 0;
	had->goes_on = 1;
	site->goes_on = 1;
	return 0;
}

static long lp_fault_return_step(__u32 i, struct lp_fault *f)
{
	lp_fault_return_one(f, i);
	return 0;
}

/* The thread has its FPU's registers: from a signal's frame, if it is in a system call. Until that is known
 * (lp_fault_entry), what is called is that call, of our own.
 */
SEC("raw_tp/x86_fpu_regs_activated")
int lp_fault_return(struct bpf_raw_tracepoint_args *ctx)
{
	const struct pt_regs *regs;
	struct lp_fault f = { 0 };
	__u64 word = 0;

	(void)ctx;
	if (!lp_live.faulted && !lp_fault_tester)
		return 0;
	regs = (const struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	bpf_probe_read_kernel(&word, sizeof(word), (const void *)((__u64)regs - 8));
	if (!lp_fault_entry) {
		/* above the segment is what kind of entry it was, where all are one */
		lp_fault_entry = regs->ss >> 16 ? 1 : word;
		lp_fault_tester = bpf_get_current_pid_tgid() >> 32;
		return 0;
	}
	/* that call leaves no number, as nothing is to be restarted */
	if (word != lp_fault_entry || regs->orig_rax != -1ul)
		return 0;
	if (lp_fault_tester == bpf_get_current_pid_tgid() >> 32)
		lp_fault_returns++;
	if (!lp_is_target(lp_pid_tgid()))
		return 0;
	f.ip = regs->rip;
	f.sp = regs->rsp;
	lp_loop_seldom(lp_live.n_windows, lp_fault_return_step, &f);
	return 0;
}

#endif
