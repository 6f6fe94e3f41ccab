// SPDX-License-Identifier: GPL-2.0-only
/* stacks.bpf.c
 *
 * Where the threads of a process are, without stopping them: the user registers of each that is not
 * on a CPU, and, of one that is, registers and stack at a tick of a clock.
 */
#include <linux/bpf.h>
#include <linux/bpf_perf_event.h>
#include <linux/ptrace.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "core.h"
#include "lp/stacks.h"
#include "registers.h"

const volatile __u32 lp_pidns;

#include "pidns.h"

char LICENSE[] SEC("license") = "GPL";

struct seq_file;

/* What iterators are given lies where it does in each kernel (linux/bpf.h: __bpf_md_ptr). */
struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct lp_stack_sample);
} sample SEC(".maps");

#define USER_SELECTOR 3 /* of cs: the code's ring */

/* The kernel's struct pt_regs has other names, in the same order. */
static int read_registers(struct task_struct *task, __u64 *to)
{
	struct pt_regs r;
	const void *from = (const void *)bpf_task_pt_regs(task);

	if (!from || bpf_probe_read_kernel(&r, sizeof(r), from))
		return -1;
	copy_registers(to, &r);
	return (r.cs & USER_SELECTOR) == USER_SELECTOR ? 0 : -1;
}

SEC("iter/task")
int lp_each_thread(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct lp_thread_regs t = { 0 };

	if (!task)
		return 0;
	t.tid = lp_pidns ? lp_number_in_pidns(task->thread_pid) : (__u32)task->pid;
	t.fsbase = task->thread.fsbase;
	t.switches = task->nvcsw + task->nivcsw;
	t.is_on_cpu = task->on_cpu;
	if (read_registers(task, t.regs))
		t.is_on_cpu = 1;
	/* has it run meanwhile? */
	if (task->on_cpu || task->nvcsw + task->nivcsw != t.switches)
		t.is_on_cpu = 1;
	bpf_seq_write(ctx->meta->seq, &t, sizeof(t));
	return 0;
}

static long copy_page(__u32 i, struct lp_stack_sample *s)
{
	__u32 len = s->len;
	__u64 addr = s->regs[LP_MACH_SP] + len;
	__u32 n = lp_page_left(addr);

	(void)i;
	if (len >= LP_STACK_MAX)
		return 1;
	if (n > LP_STACK_MAX - len)
		n = LP_STACK_MAX - len;
	lp_opaque(len);
	lp_opaque(n);
	if (len > LP_STACK_MAX - LP_PAGE || n > LP_PAGE || !n)
		return 1;
	if (bpf_probe_read_user(s->stack + len, n, (const void *)addr))
		return 1;
	s->len = len + n;
	return 0;
}

SEC("perf_event")
int lp_tick(struct bpf_perf_event_data *ctx)
{
	__u32 key = 0;
	struct lp_stack_sample *s = bpf_map_lookup_elem(&sample, &key);

	if (!s || s->state != LP_SAMPLE_WANTED)
		return 0;
	if ((ctx->regs.cs & USER_SELECTOR) == USER_SELECTOR)
		copy_registers(s->regs, &ctx->regs);
	else if (read_registers(bpf_get_current_task_btf(), s->regs))
		return 0;
	s->len = 0;
	for (__u32 i = 0; i < LP_STACK_MAX / LP_PAGE; i++)
		if (copy_page(i, s))
			break;
	s->state = LP_SAMPLE_TAKEN;
	return 0;
}
