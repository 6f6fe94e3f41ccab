/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/watch.h
 *
 * watch - the events of hardware watchpoints: which of those that a thread has for one byte counts, and
 * how many the kernel has brought here.
 *
 * A thread can have several for one byte: its own, those that it has inherited, that of the processor. A
 * hit then comes by each of them, in any order, and counts once. The one that counts is found at each hit
 * anew, among those that are switched on: others may come and go between hits. None does while one is
 * brought: that is so on this processor, with interrupts off.
 */
#ifndef LP_BPF_WATCH_H
#define LP_BPF_WATCH_H

#include "world.h"

#define LP_RIVALS_MAX	   256 /* events of a thread, of all kinds, that are looked through */
#define LP_SOFTWARE_EVENTS 1   /* perf_sw_context, before 6.2 */

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

/* Of most of these there is no need to look for: user/probe/ gives each of them to a byte. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LP_WATCH_NEAR);
	__type(key, __u32);
	__type(value, struct lp_watch_near);
} watch_near SEC(".maps");

lp_inline struct lp_watch_runs *lp_watch_runs_of(__u64 key)
{
	__u32 n = LP_WATCH_NEAR_OF(key);
	struct lp_watch_near *near = bpf_map_lookup_elem(&watch_near, &n);

	return near && near->key == key ? &near->runs : bpf_map_lookup_elem(&watch_runs, &key);
}

/* struct bpf_perf_event_data_kern (include/linux/perf_event.h, since 4.9), which is what ctx points to. */
struct lp_perf_context {
	void *regs, *data, *event;
};

/* Events of this session for the byte, of those of a thread from `at` on. */
struct lp_rivals {
	struct list_head *at, *head;
	struct bpf_prog *prog;
	__u64 addr;
	__u64 number; /* the highest one's */
};

static long lp_rival_step(__u32 i, struct lp_rivals *r)
{
	struct perf_event *event =
		(void *)r->at - bpf_core_field_offset(struct perf_event, event_entry);
	__u64 number;

	(void)i;
	if (!r->at || r->at == r->head)
		return 1;
	number = BPF_CORE_READ(event, attr.config);
	if (number > r->number && BPF_CORE_READ(event, prog) == r->prog &&
	    BPF_CORE_READ(event, attr.bp_addr) == r->addr && BPF_CORE_READ(event, oncpu) >= 0)
		r->number = number;
	r->at = BPF_CORE_READ(event, event_entry.next);
	return 0;
}

/* Those of this thread; NULL: it has none. */
lp_inline struct perf_event_context *lp_events_of_thread(struct perf_event_context *of_event)
{
	struct task_struct___before_6_2 *before = (void *)bpf_get_current_task();
	struct task_struct *task = (void *)before;

	if (BPF_CORE_READ(of_event, task))
		return of_event;
	if (bpf_core_field_exists(before->perf_event_ctxp))
		return BPF_CORE_READ(before, perf_event_ctxp[LP_SOFTWARE_EVENTS]);
	return BPF_CORE_READ(task, perf_event_ctxp);
}

/* Does another event of this thread bring the same hit, and counts? An event has the number of the one that
 * it was inherited from; the latest one of a thread counts, before that of its processor.
 */
lp_global int lp_is_twice(struct bpf_perf_event_data *ctx, __u64 addr)
{
	struct lp_perf_context *kern = (void *)ctx;
	struct lp_rivals rivals = { .addr = addr };
	struct perf_event *event = 0;

	bpf_probe_read_kernel(&event, sizeof(event), &kern->event);
	struct perf_event_context *thread = lp_events_of_thread(BPF_CORE_READ(event, ctx));
	if (!thread)
		return 0;
	rivals.prog = BPF_CORE_READ(event, prog);
	rivals.head = (void *)thread + bpf_core_field_offset(struct perf_event_context, event_list);
	rivals.at = BPF_CORE_READ(thread, event_list.next);
	lp_loop(LP_RIVALS_MAX, lp_rival_step, &rivals);
	return rivals.number && rivals.number != BPF_CORE_READ(event, attr.config);
}

/* Counts what the kernel has brought; is it a hit that has come already? */
lp_inline int lp_watch_again(struct bpf_perf_event_data *ctx, __u64 addr)
{
	struct lp_watch_runs *runs = lp_watch_runs_of(addr);

	if (runs)
		runs->all++;
	if (!lp_live.watch_twice || !lp_is_twice(ctx, addr))
		return 0;
	if (runs)
		runs->twice++;
	return 1;
}

#endif
