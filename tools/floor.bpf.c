/* SPDX-License-Identifier: GPL-2.0-only */
/* tools/floor.bpf.c - the least that a probe with BPF can do: nothing */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("uprobe")
int nothing(void *ctx)
{
	(void)ctx;
	return 0;
}

SEC("perf_event")
int nothing_watched(void *ctx)
{
	(void)ctx;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
