// SPDX-License-Identifier: GPL-2.0-only
/* lean.bpf.c
 *
 * What most sessions need, and no more: hits in native code whose programs read memory, compare numbers
 * and capture values. Whatever else a program asks for is in logpoint.bpf.c, which takes four times as
 * long to load; it is loaded in addition, with these maps, once a session needs it.
 */
#define LP_LEAN	     1
#define lp_has(part) (lp_parts & (part))

#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "lp/program.h"

/* What the session's sites ask for, if that is known before this is loaded. */
const volatile __u32 lp_parts = LP_PARTS_LEAN;

#include "core.h"
#include "world.h"
#include "probe.h"

char LICENSE[] SEC("license") = "GPL";

SEC("uprobe.s")
int lp_probe(struct pt_regs *ctx)
{
	return probe(ctx, lp_vm_step);
}

/* The same where the kernel has what lp_may_go_on() asks for: each return takes its time, and this has few. */
SEC("uprobe.s")
int lp_probe_soon(struct pt_regs *ctx)
{
	return probe(ctx, 0);
}
