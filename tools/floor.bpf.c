/* SPDX-License-Identifier: GPL-2.0-only */
/* tools/floor.bpf.c - the least that a probe with BPF can do: nothing; and that with one step of logpoint's */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "lp/record.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lp_site);
} sites SEC(".maps");

SEC("uprobe")
int nothing(void *ctx)
{
	(void)ctx;
	return 0;
}

/* Which logpoint's place is it? */
SEC("uprobe")
int find_site(void *ctx)
{
	__u32 id = bpf_get_attach_cookie(ctx);
	struct lp_site *site = bpf_map_lookup_elem(&sites, &id);

	(void)*(volatile __u32 *)(site ? &site->point : &id);
	return 0;
}

SEC("perf_event")
int nothing_watched(void *ctx)
{
	(void)ctx;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
