/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/crash.h
 *
 * crash - a signal that ends a process, in the thread that it was delivered to, before anything of it
 * is gone: kernel/signal.c, get_signal(), which comes here for each signal that it takes from the queue
 * (5.10 to 6.18: the same), before a core is dumped. Nothing here can sleep.
 *
 * What leaves no core has marked the process when it was sent: each thread then finds a SIGKILL without
 * an origin, and the process's exit code is the signal. A process dies once: its first thread counts.
 */
#ifndef LP_BPF_CRASH_H
#define LP_BPF_CRASH_H

#include <linux/signal.h>

#include "crash_maps.h"
#include "hit.h"
#include "messages.h"
#include "probe.h"
#include "python_world.h"
#include "siginfo.h"
#include "world.h"

/* kernel: include/linux/sched/signal.h */
#define LP_SIGNAL_GROUP_EXIT 0x4u
#define LP_SIGNAL_UNKILLABLE 0x40u
/* kernel: struct sigqueue is a list_head, an int and this, since 2.6 */
#define LP_QUEUED_INFO 24

/* Logpoints: a bit for each signal (LP_SIGNAL_BIT; none: there is no logpoint), and their sites. */
volatile __u64 lp_crash_wanted[LP_CRASHES_MAX];
volatile __u32 lp_crash_sites[LP_CRASHES_MAX];
volatile __u64 lp_crash_signals; /* of all of them */

struct lp_crash_key {
	__u64 tgid;
	__u64 start; /* of the process: its number may have been another's */
};

/* Processes that are dying. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct lp_crash_key);
	__type(value, __u8);
} crash_seen SEC(".maps");

/* kernel/signal.c: siginfo_layout() */
lp_inline void lp_crash_origin(struct lp_signal *s, const struct lp_siginfo *info)
{
	const __u64 faults = LP_SIGNAL_BIT(SIGILL) | LP_SIGNAL_BIT(SIGTRAP) |
			     LP_SIGNAL_BIT(SIGBUS) | LP_SIGNAL_BIT(SIGFPE) |
			     LP_SIGNAL_BIT(SIGSEGV) | LP_SIGNAL_BIT(SIGSYS);
	const __s32 code = info->code;

	s->code = code;
	s->has = LP_SIGNAL_HAS_CODE;
	if (code > 0 && code < SI_KERNEL) {
		if (faults & LP_SIGNAL_BIT(s->number)) {
			s->addr = info->first;
			s->has |= LP_SIGNAL_HAS_ADDR;
		}
	} else if (code <= 0 && code != SI_TIMER && code != SI_SIGIO) {
		s->sender = info->first;
		s->has |= LP_SIGNAL_HAS_SENDER;
	}
}

/* The signal is still in the queue. */
static __attribute__((noinline)) int lp_crash_pending(struct lp_signal *s, __u64 head)
{
	struct lp_siginfo info;
	__u64 at = head;

	if (!s)
		return 0;
	for (int i = 0; i < LP_CRASH_PENDING; i++) {
		if (bpf_probe_read_kernel(&at, sizeof(at), (const void *)at) || at == head)
			return 0;
		if (bpf_probe_read_kernel(&info, sizeof(info), (const void *)(at + LP_QUEUED_INFO)))
			return 0;
		if (info.number == (__s32)s->number) {
			lp_crash_origin(s, &info);
			return 1;
		}
	}
	return 0;
}

/* What has marked this process for death; 0: no signal. */
static __attribute__((noinline)) int lp_crash_marked(struct lp_signal *s)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct signal_struct *group = task->signal;

	if (!s || !(BPF_CORE_READ(group, flags) & LP_SIGNAL_GROUP_EXIT))
		return 0;
	s->number = BPF_CORE_READ(group, group_exit_code) & 0x7f;
	if (s->number && !lp_crash_pending(s, (__u64)&group->shared_pending))
		lp_crash_pending(s, (__u64)&task->pending);
	return s->number;
}

/* Signals that leave a core were here themselves, and what follows them is the end of other threads. */
#define LP_CORE_SIGNALS                                                                            \
	(LP_SIGNAL_BIT(SIGQUIT) | LP_SIGNAL_BIT(SIGILL) | LP_SIGNAL_BIT(SIGTRAP) |                 \
	 LP_SIGNAL_BIT(SIGABRT) | LP_SIGNAL_BIT(SIGBUS) | LP_SIGNAL_BIT(SIGFPE) |                  \
	 LP_SIGNAL_BIT(SIGSEGV) | LP_SIGNAL_BIT(SIGXCPU) | LP_SIGNAL_BIT(SIGXFSZ) |                \
	 LP_SIGNAL_BIT(SIGSYS))

/* The signal of this delivery, with what is known of it; 0: it ends nothing that is wanted. */
static __attribute__((noinline)) int lp_crash_signal(struct bpf_raw_tracepoint_args *ctx,
						     struct lp_signal *ret)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct lp_siginfo info;
	__u64 handler;

	if (!ret)
		return 0;
	*ret = (struct lp_signal){ .number = ctx->args[0] };
	/* the first word of k_sigaction; 0 is SIG_DFL */
	if (bpf_probe_read_kernel(&handler, sizeof(handler), (const void *)ctx->args[2]) || handler)
		return 0;
	if (ret->number == SIGKILL) {
		if (!lp_crash_marked(ret) || LP_CORE_SIGNALS & LP_SIGNAL_BIT(ret->number))
			return 0;
	} else if (lp_crash_signals & LP_SIGNAL_BIT(ret->number)) {
		if (BPF_CORE_READ(task, signal, flags) & LP_SIGNAL_UNKILLABLE)
			return 0;
		if (!bpf_probe_read_kernel(&info, sizeof(info), (const void *)ctx->args[1]))
			lp_crash_origin(ret, &info);
	}
	return (lp_crash_signals & LP_SIGNAL_BIT(ret->number)) != 0;
}

static __attribute__((noinline)) int lp_crash_is_first(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct lp_crash_key key = { .tgid = bpf_get_current_pid_tgid() >> 32,
				    .start = BPF_CORE_READ(task, group_leader, start_time) };
	__u8 yes = 1;

	return !bpf_map_update_elem(&crash_seen, &key, &yes, BPF_NOEXIST);
}

static long lp_crash_page_step(__u32 i, struct lp_step *step)
{
	struct lp_vm *vm = step->vm;
	__u64 word;

	(void)i;
	if (!lp_mem_read(&word, sizeof(word), vm->from & ~7ull))
		return 1;
	vm->from = (vm->from | (LP_PAGE - 1)) + 1;
	return 0;
}

/* Where the stack can be read: what has overflown it points below. */
lp_inline void lp_crash_find_stack(struct lp_vm *vm, struct lp_step *step)
{
	vm->from = vm->stack_at;
	if (lp_loop_seldom(LP_CRASH_PAGES, lp_crash_page_step, step) < LP_CRASH_PAGES)
		vm->stack_at = vm->from;
}

/* struct abort_msg_s of glibc: an unsigned size, the text. Not by lp_cap_str(), which could sleep: from
 * 6.14 on the kernel looks for that in functions without following them.
 */
lp_inline void lp_crash_message(struct lp_vm *vm)
{
	__u32 tgid = vm->pid_tgid >> 32;
	__u64 *where = bpf_map_lookup_elem(&crash_messages, &tgid), message;
	__u8 *to = lp_vm_tail(vm, LP_ABORT_MAX);

	if (!to || !where || lp_mem_read(&message, sizeof(message), *where) || !message)
		return;
	long n = lp_mem_read_str((char *)to, LP_ABORT_MAX, message + 4);
	if (n > 0)
		lp_vm_block(vm, LP_SLOT_ABORT, LP_ST_OK, n == LP_ABORT_MAX ? LP_BLKF_CUT : 0, n - 1,
			    message + 4);
}

lp_inline void lp_crash_what(struct lp_vm *vm)
{
	__u8 *to = lp_vm_tail(vm, sizeof(struct lp_signal));

	if (!to)
		return;
	for (__u32 i = 0; i < sizeof(struct lp_signal) / 8; i++)
		((lp_word *)to)[i] = ((lp_word *)&vm->signal)[i];
	lp_vm_block(vm, LP_SLOT_SIGNAL, LP_ST_OK, 0, sizeof(struct lp_signal), 0);
}

/* The next logpoint of the signal: 1 there is none; else vm->py.running says whether its program runs. What
 * has happened comes before what that has to add, which can fill the record.
 */
lp_global long lp_crash_begin(struct lp_vm *vm)
{
	struct lp_step step = { .vm = vm };
	__u32 i = vm ? vm->py.next++ : LP_CRASHES_MAX;

	if (!vm || i >= LP_CRASHES_MAX)
		return 1;

	__u32 id = lp_crash_sites[i];
	const struct lp_site *site =
		lp_crash_wanted[i] & LP_SIGNAL_BIT(vm->signal.number) ? lp_site_at(id) : 0;
	if (!site)
		return 0;
	lp_prepare(vm, site, id);
	lp_crash_find_stack(vm, &step);
	lp_crash_what(vm);
	lp_crash_message(vm);
	lp_crash_maps(vm);
	vm->py.steps = 0;
	vm->py.running = 1;
	return 0;
}

lp_global long lp_crash_finish(struct lp_vm *vm)
{
	if (vm)
		lp_finish(vm);
	return 0;
}

static long lp_signal_do(__u32 i, struct lp_step *step)
{
	(void)i;
	return lp_vm_do(step, 1, 0);
}

static long lp_crash_step(__u32 i, struct lp_step *step)
{
	return lp_turn(i, step, lp_crash_begin, lp_signal_do, lp_crash_finish);
}

/* Each logpoint of the signal has lost its hit. */
lp_inline void lp_crash_lost(const struct lp_signal *s)
{
	for (__u32 i = 0; i < LP_CRASHES_MAX; i++) {
		const struct lp_site *site = lp_crash_wanted[i] & LP_SIGNAL_BIT(s->number)
						     ? lp_site_at(lp_crash_sites[i])
						     : 0;

		if (site)
			count_slotless(site->point, lost[LP_LOSS_BUSY]);
	}
}

/* (signal, its info, what the process does about it) */
SEC("raw_tp/signal_deliver")
int lp_crash(struct bpf_raw_tracepoint_args *ctx)
{
	struct lp_signal signal;

	if (!lp_crash_signal(ctx, &signal))
		return 0;

	__u64 pid_tgid = lp_pid_tgid();
	if (!lp_is_target(pid_tgid) || !lp_crash_is_first())
		return 0;

	struct lp_vm *vm = take_slot();
	if (!vm) {
		lp_crash_lost(&signal);
		return 0;
	}
	struct lp_step step = { .vm = vm, .code = lp_code() };
	vm->pid_tgid = pid_tgid;
	lp_comm(vm->comm);
	vm->signal = signal;
	copy_registers(vm->mach,
		       (const struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf()));
	vm->py.next = vm->py.running = 0;
	if (step.code)
		lp_loop(LP_CRASHES_MAX * LP_VM_STEPS_MAX, lp_crash_step, &step);
	give_slot(vm);
	return 0;
}

#endif
