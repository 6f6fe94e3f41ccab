/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/watch.h
 *
 * watch - the events of hardware watchpoints: which of two that a thread has for one byte counts, and
 * how many the kernel has brought here.
 */
#ifndef LP_BPF_WATCH_H
#define LP_BPF_WATCH_H

#include "twice.h"
#include "world.h"

struct lp_twice_key {
	__u64 addr;
	__u64 tid;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct lp_twice_key);
	__type(value, struct lp_twice);
} watch_twice SEC(".maps");

/* By watched byte. The kernel's own count of the events is what should
 * have been. user/probe/ makes the entries.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct lp_watch_runs);
} watch_runs SEC(".maps");

/* struct bpf_perf_event_data_kern (include/linux/perf_event.h, since 4.9), which is what ctx points to. */
struct lp_perf_context {
	void *regs, *data, *event;
};

/* The same hit has come by another event of this thread. */
static __attribute__((noinline)) int lp_is_twice(struct bpf_perf_event_data *ctx, __u64 addr)
{
	struct lp_perf_context *kern = (void *)ctx;
	struct task_struct *task = bpf_get_current_task_btf();
	struct lp_twice_key key = { .addr = addr, .tid = bpf_get_current_pid_tgid() };
	struct lp_twice first = { .start = task->start_time };
	struct perf_event *event = 0;

	bpf_probe_read_kernel(&event, sizeof(event), &kern->event);
	first.event = BPF_CORE_READ(event, attr.config);
	struct lp_twice *known = bpf_map_lookup_elem(&watch_twice, &key);
	if (known && known->start == first.start)
		return lp_twice_look(known, first.event);
	bpf_map_update_elem(&watch_twice, &key, &first, BPF_ANY);
	return 0;
}

/* Counts what the kernel has brought; is it a hit that has come already? */
lp_inline int lp_watch_again(struct bpf_perf_event_data *ctx, __u64 addr)
{
	struct lp_watch_runs *runs = bpf_map_lookup_elem(&watch_runs, &addr);

	if (runs)
		runs->all++;
	if (!lp_live.watch_twice || !lp_is_twice(ctx, addr))
		return 0;
	if (runs)
		runs->twice++;
	return 1;
}

#endif
