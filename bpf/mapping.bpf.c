// SPDX-License-Identifier: GPL-2.0-only
/* mapping.bpf.c
 *
 * Where the kernel has mapped all memory: looked for by words of the very process that runs this.
 */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "core.h"
#include "lp/live.h"
#include "mapping.h"

#define lp_loop_seldom(n, fn, ctx) bpf_loop((n), (fn), (ctx), 0)

static __always_inline long lp_mem_read(void *dst, __u32 len, __u64 addr)
{
	return bpf_probe_read_user(dst, len, (const void *)addr);
}

#include "find_mapping.h"

char LICENSE[] SEC("license") = "GPL";

_Static_assert(LP_MAPPING_WORDS == LP_DIRECT_WORDS, "all are compared");

SEC("syscall")
int lp_find_mapping(struct lp_mapping_ask *ask)
{
	const __u64 tables = lp_tables_of(bpf_get_current_task_btf());

	ask->mapping = 0;
	ask->in_vain = !tables || !lp_mapping_may_be();
	if (ask->in_vain)
		return 0;
	lp_mapping_learn(tables, ask->addr);
	if (lp_found.proofs >= LP_MAPPING_PROOFS)
		ask->mapping = lp_found.start;
	return 0;
}
