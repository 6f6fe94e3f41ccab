/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/world.h
 *
 * world - what the machine (vm.h, hit.h) asks of the kernel, and which processes are targets.
 */
#ifndef LP_BPF_WORLD_H
#define LP_BPF_WORLD_H

#include "maps.h"
#include "pidns.h"

#define LP_CGROUP_DEPTH 32 /* levels above a process's own cgroup that are looked at */

/* lp_loop(): the kernel writes the loop out where it stands, if it knows the flags. Few hits come to
 * the others, and each that is written out makes all starts longer: lp_loop_seldom().
 */
volatile __u64 lp_no_flags;
#define lp_loop(n, fn, ctx)	   bpf_loop((n), (fn), (ctx), 0)
#define lp_loop_seldom(n, fn, ctx) bpf_loop((n), (fn), (ctx), lp_no_flags)

/* One more round of a loop that has no other bound for the kernel, which ends it after some millions: `may_goto`,
 * since 6.9. clang 14 does not know it. Each round is to begin with the same state, or the verifier follows all of
 * them: what a call could be given is cleared, and lp_point_of() takes the number where it is, not on the stack.
 */
lp_inline int lp_world_goes_on(void)
{
	__asm__ volatile goto("r1 = 0; r2 = 0; r3 = 0; r4 = 0; r5 = 0\n"
			      "1: .byte 0xe5, 0\n"
			      ".long ((%l[over] - 1b - 8) / 8) & 0xffff\n"
			      ".short 0"
			      :
			      :
			      : "r1", "r2", "r3", "r4", "r5"
			      : over);
	return 1;
over:
	return 0;
}
#define lp_may_go_on()	lp_world_goes_on()
#define lp_point_of(vm) bpf_map_lookup_elem(&points, &(vm)->point)

lp_inline long lp_mem_read(void *dst, __u32 len, __u64 addr)
{
	return bpf_probe_read_user(dst, len, (const void *)addr);
}

/* To kernels before 6.14 an empty string has no terminator. */
lp_inline long lp_mem_read_str(char *dst, __u32 size, __u64 addr)
{
	const long n = bpf_probe_read_user_str(dst, size, (const void *)addr);

	return n ? n : 1;
}

/* What can't sleep is loaded by itself, where this is 0. */
#ifndef LP_AWAKE
const volatile __u32 lp_can_sleep = 1;
#endif

lp_inline long lp_mem_touch(__u64 addr)
{
#ifndef LP_AWAKE
	__u8 byte;

	if (lp_can_sleep)
		return bpf_copy_from_user(&byte, 1, (const void *)addr);
#endif
	return -1;
}

lp_inline const struct lp_insn *lp_code(void)
{
	__u32 first = 0;

	return bpf_map_lookup_elem(&code, &first);
}

lp_inline const struct lp_insn *lp_code_at(const struct lp_insn *all, __u32 index)
{
	lp_opaque(index);
	if (index >= lp_fixed.max_code)
		return 0;
	lp_opaque(index); /* added behind the comparison, not before */
	return all + index;
}

lp_inline struct lp_point *lp_point_at(__u32 id)
{
	return bpf_map_lookup_elem(&points, &id);
}

lp_inline struct lp_site *lp_site_at(__u32 id)
{
	return bpf_map_lookup_elem(&sites, &id);
}

lp_inline __u32 lp_cpu(void)
{
	return bpf_get_smp_processor_id();
}

lp_inline struct lp_counts *lp_counts_at(__u32 slot, __u32 point)
{
	__u32 key = slot * lp_fixed.max_points + point;

	return point < lp_fixed.max_points ? bpf_map_lookup_elem(&counts, &key) : 0;
}

lp_inline __u64 lp_now(void)
{
	return bpf_ktime_get_ns();
}

lp_inline void lp_comm_of(struct task_struct *task, char *buf)
{
	((__u64 *)buf)[0] = *(__u64 *)&task->comm[0];
	((__u64 *)buf)[1] = *(__u64 *)&task->comm[8];
}

lp_inline void lp_comm(char *buf)
{
	lp_comm_of(bpf_get_current_task_btf(), buf);
}

lp_inline __u64 lp_thread_pointer(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return task->thread.fsbase;
}

/* Above it the stack of the first thread holds nothing: the kernel has put the environment there. */
lp_inline __u64 lp_stack_end(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct mm_struct *mm = task->mm;

	return mm ? mm->env_end : 0;
}

/* tgid << 32 | tid of a task */
lp_inline __u64 lp_task_numbers(struct task_struct *task)
{
	struct pid *tid = BPF_CORE_READ(task, thread_pid);
	struct pid *tgid = BPF_CORE_READ(task, group_leader, thread_pid);

	return (__u64)lp_number_in_pidns(tgid) << 32 | lp_number_in_pidns(tid);
}

/* The same of the current one, */
lp_inline __u64 lp_pid_tgid(void)
{
	if (!lp_pidns)
		return bpf_get_current_pid_tgid();
	return lp_task_numbers((struct task_struct *)bpf_get_current_task());
}

/* and by what is known already: the helper takes longer. */
lp_inline __u64 lp_pid_tgid_of(struct task_struct *current)
{
	if (!lp_pidns)
		return (__u64)(__u32)current->tgid << 32 | (__u32)current->pid;
	return lp_task_numbers((struct task_struct *)bpf_get_current_task());
}

/* The current task is in the cgroup or below. */
lp_inline int lp_in_cgroup(void)
{
	const __u64 wanted = lp_live.cgroup;

	if (!wanted || bpf_get_current_cgroup_id() == wanted)
		return wanted != 0;
	for (int level = 0; level < LP_CGROUP_DEPTH; level++) {
		__u64 id = bpf_get_current_ancestor_cgroup_id(level);

		if (!id)
			return 0;
		if (id == wanted)
			return 1;
	}
	return 0;
}

lp_inline int lp_is_target(__u64 pid_tgid)
{
	__u32 tgid = pid_tgid >> 32, only = lp_live.only_tgid;

	if (tgid &&
	    (only == tgid || lp_live.cost_tgid == tgid)) /* 0: outside of our PID namespace */
		return 1;
	if (only)
		return 0;
	if (lp_fixed.by_cgroup)
		return lp_in_cgroup();
	return bpf_map_lookup_elem(&targets, &tgid) != 0;
}

/* The site of a probe, which may not be one of a return: the helper takes 30 ns more than the table. */
lp_inline __u32 lp_site_soon(struct pt_regs *ctx)
{
	const __u32 near = lp_live.near[ctx->rip & (LP_NEAR_SITES - 1)];

	if (!near || near == LP_NEAR_SEVERAL)
		return bpf_get_attach_cookie(ctx);
	return near - 1;
}

/* Whose hit is this? NULL: not that of a target. */
lp_inline struct lp_site *lp_site_hit(__u32 id, struct task_struct *current, __u64 *ret_pid_tgid)
{
	struct lp_site *site = lp_site_at(id);
	if (!site)
		return 0;
	*ret_pid_tgid = lp_pid_tgid_of(current);
	return lp_is_target(*ret_pid_tgid) ? site : 0;
}

/* A reader that is asleep is woken once; while it is awake nobody pays. The record is in the ring
 * before the flag is looked at, and the reader looks into the ring after it has set the flag.
 */
lp_inline void lp_wake(void)
{
	if (!lp_live.sleeping)
		return;

	void *empty = bpf_ringbuf_reserve(&ring, 8, 0);
	if (!empty)
		return;
	lp_live.sleeping = 0;
	bpf_ringbuf_discard(empty, BPF_RB_FORCE_WAKEUP);
}

/* CPUs of one group wait for each other, those of two don't. */
lp_inline void *lp_ring(void)
{
	__u32 group;

	if (lp_fixed.n_rings <= 1)
		return &ring;
	group = lp_cpu() % lp_fixed.n_rings;
	return bpf_map_lookup_elem(&rings, &group);
}

lp_inline long lp_ring_put(void *record, __u32 len)
{
	void *to = lp_ring();
	long r = to ? bpf_ringbuf_output(to, record, len, BPF_RB_NO_WAKEUP) : -1;

	if (!r)
		lp_wake();
	return r;
}

/* A short record is copied here, a word at a time: the helper's copy, a byte at a time, takes 30 ns to begin. What is
 * reserved has to be constant, so that up to 31 bytes are left behind the record.
 */
#define LP_RING_LENGTHS(X) X(96) X(128) X(160) X(192) X(224) X(256)
#define LP_RING_COPY(length)                                                                       \
	if (len <= (length)) {                                                                     \
		into = bpf_ringbuf_reserve(to, (length), 0);                                       \
		if (!into)                                                                         \
			return -1;                                                                 \
		_Pragma("unroll") for (__u32 i = 0; i < (length) / 8; i++) into[i] = record[i];    \
	} else

lp_inline long lp_ring_put_soon(const __u64 *record, __u32 len)
{
	void *to = lp_ring();
	__u64 *into;

	lp_opaque(len);
	if (!to || len > LP_RECORD_MAX)
		return -1;
	LP_RING_LENGTHS(LP_RING_COPY)
	return lp_ring_put((void *)record, len);
	bpf_ringbuf_submit(into, BPF_RB_NO_WAKEUP);
	lp_wake();
	return 0;
}

#endif
