// SPDX-License-Identifier: GPL-2.0-only
/* fault.bpf.c
 *
 * Hits at instructions that fail on the way to a probe, beside lean.bpf.c, with its maps. None of it can
 * sleep, so that nothing has to be verified as a part of what calls it.
 */
#define LP_LEAN	 1
#define LP_AWAKE 1

#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "core.h"
#include "world.h"
#include "fault.h"

char LICENSE[] SEC("license") = "GPL";
