// SPDX-License-Identifier: GPL-2.0-only
/* logpoint.bpf.c
 *
 * The programs that the kernel runs at a hit, all of them.
 */
#include <linux/bpf.h>
#include <linux/bpf_perf_event.h>
#include <linux/ptrace.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "core.h"
#include "world.h"
#include "calls.h"
#include "python_maps.h"
#include "probe.h"

char LICENSE[] SEC("license") = "GPL";

SEC("uprobe.s")
int lp_probe(struct pt_regs *ctx)
{
	return probe(ctx, lp_vm_step);
}

#include "watch.h"
#include "python_world.h"
#include "direct.h"
#include "python.h"
#include "mixed.h"
#include "python_watch.h"
#include "python_trap.h"
#include "python_hook.h"
#include "python_made.h"
#include "crash.h"
#include "fault.h"
