// SPDX-License-Identifier: GPL-2.0-only
/* life.bpf.c
 *
 * The turning points of a target's life. The set of targets is kept here, so that no child runs
 * unobserved until user space has heard of it. Each turning point tells the reader. An object of its own,
 * which is loaded beside the programs of hits, with their maps.
 */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "core.h"
#include "messages.h"
#include "tell.h"
#include "world.h"

char LICENSE[] SEC("license") = "GPL";

lp_inline void message_inherit(__u32 parent, __u32 child)
{
	__u64 *message = bpf_map_lookup_elem(&crash_messages, &parent);

	if (message) {
		__u64 there = *message;

		bpf_map_update_elem(&crash_messages, &child, &there, BPF_ANY);
	}
}

lp_inline void message_forget(__u32 tgid)
{
	bpf_map_delete_elem(&crash_messages, &tgid);
}

lp_inline __u64 numbers_of(struct task_struct *task)
{
	if (lp_pidns)
		return lp_task_numbers(task);
	return (__u64)BPF_CORE_READ(task, tgid) << 32 | (__u32)BPF_CORE_READ(task, pid);
}

/* Hits remember the interpreters in `targets`: said behind each change of one. */
lp_inline void changed(void)
{
	__sync_fetch_and_add(&lp_live.lives, 1);
}

/* (parent, child): a child runs its parent's executable, until it execs. */
SEC("raw_tp/sched_process_fork")
int lp_fork(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *child = (void *)ctx->args[1];
	__u64 pid_tgid = numbers_of(child);
	__u64 current = lp_pid_tgid();
	__u32 tgid = pid_tgid >> 32, parent = current >> 32;
	__u32 *runtime = bpf_map_lookup_elem(&targets, &parent), same = runtime ? *runtime : 0;

	if (tgid == parent || !lp_is_target(current)) /* a thread */
		return 0;
	if (lp_fixed.follow || lp_fixed.by_cgroup || lp_fixed.exe_ino)
		bpf_map_update_elem(&targets, &tgid, &same, BPF_ANY);

	message_inherit(parent, tgid);
	tell(LP_REC_FORK, pid_tgid, parent, 0);
	return 0;
}

lp_inline int is_wanted_exe(struct linux_binprm *program)
{
	struct inode *inode = BPF_CORE_READ(program, file, f_inode);

	return BPF_CORE_READ(inode, i_ino) == lp_fixed.exe_ino &&
	       BPF_CORE_READ(inode, i_sb, s_dev) == lp_fixed.exe_dev;
}

/* (task, its tid before, the program) */
SEC("raw_tp/sched_process_exec")
int lp_exec(struct bpf_raw_tracepoint_args *ctx)
{
	struct linux_binprm *program = (void *)ctx->args[2];
	__u64 pid_tgid = lp_pid_tgid();
	__u32 tgid = pid_tgid >> 32;
	int was = lp_is_target(pid_tgid);
	__u32 none = 0;

	message_forget(tgid);
	if (was && bpf_map_lookup_elem(&targets, &tgid)) {
		bpf_map_update_elem(&targets, &tgid, &none, BPF_ANY); /* another interpreter */
		changed();
	}
	if (lp_fixed.exe_ino && is_wanted_exe(program)) {
		bpf_map_update_elem(&targets, &tgid, &none, BPF_ANY);
		was = 1;
	} else if (lp_fixed.exe_ino && was && !lp_fixed.follow) {
		bpf_map_delete_elem(&targets, &tgid);
		tell(LP_REC_EXIT, pid_tgid, 1, 0);
		return 0;
	}
	if (was) {
		struct lp_hold *h = lp_hold_of(tgid);

		tell(LP_REC_EXEC, pid_tgid, 0, h && lp_hold_at_exec(h) ? h : 0);
	}
	return 0;
}

/* (task): when the last thread goes, and once even if two are the last at the same time. The number
 * may soon be another process's.
 */
SEC("raw_tp/sched_process_exit")
int lp_exit(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (void *)ctx->args[0];
	__u64 pid_tgid = lp_pid_tgid();
	__u32 tgid = pid_tgid >> 32;

	if (BPF_CORE_READ(task, signal, live.counter) || !lp_is_target(pid_tgid))
		return 0;
	message_forget(tgid);
	if (lp_live.only_tgid == tgid)
		lp_live.only_tgid = 0;
	long gone = bpf_map_delete_elem(&targets, &tgid);
	changed();
	if (gone && !lp_fixed.by_cgroup)
		return 0;
	tell(LP_REC_EXIT, pid_tgid, 0, 0);
	return 0;
}

/* The dynamic linker has changed its list of libraries. */
SEC("uprobe")
int lp_loader(struct pt_regs *ctx)
{
	__u64 pid_tgid = lp_pid_tgid();

	(void)ctx;
	if (lp_is_target(pid_tgid)) {
		struct lp_hold *h = lp_hold_of(pid_tgid >> 32);

		tell(LP_REC_MAPS, pid_tgid, 0, h && h->maps ? h : 0);
	}
	return 0;
}
