/* SPDX-License-Identifier: GPL-2.0-only */
/* tools/lookup.bpf.c - of a hit: nothing, and then the look-up of whose it is, by the code of a logpoint */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "core.h"
#include "world.h"

__u64 found; /* hits that were a target's */

SEC("uprobe.s")
int empty(struct pt_regs *ctx)
{
	(void)ctx;
	return 0;
}

SEC("uprobe.s")
int look_up(struct pt_regs *ctx)
{
	__u64 pid_tgid;
	__u32 id;

	if (lp_site_hit(ctx, &id, &pid_tgid))
		found++;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
