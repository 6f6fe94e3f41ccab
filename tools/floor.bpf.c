/* SPDX-License-Identifier: GPL-2.0-only */
/* tools/floor.bpf.c - the least that a probe with BPF can do: nothing; and the least that a logpoint
 * does: the look-up of whose hit it is, by a logpoint's own code
 */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "core.h"
#include "world.h"

__u64 found; /* hits that were a target's */

SEC("uprobe")
int nothing(struct pt_regs *ctx)
{
	(void)ctx;
	return 0;
}

SEC("uprobe.s")
int look_up(struct pt_regs *ctx)
{
	__u64 pid_tgid;

	if (lp_site_hit(lp_site_soon(ctx), bpf_get_current_task_btf(), &pid_tgid))
		found++;
	return 0;
}

SEC("perf_event")
int nothing_watched(void *ctx)
{
	(void)ctx;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
