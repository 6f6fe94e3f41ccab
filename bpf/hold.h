/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/hold.h
 *
 * hold - stops our own command where it is not armed yet for what comes next (lp/hold.h).
 */
#ifndef LP_BPF_HOLD_H
#define LP_BPF_HOLD_H

#include <linux/signal.h>

#include "lp/hold.h"
#include "world.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lp_hold);
} hold SEC(".maps");

/* Of this process; NULL: it is none of ours. */
lp_inline struct lp_hold *lp_hold_of(__u32 tgid)
{
	__u32 first = 0;
	struct lp_hold *h = bpf_map_lookup_elem(&hold, &first);

	return h && h->tgid == tgid ? h : 0;
}

lp_inline int lp_hold_at_exec(struct lp_hold *h)
{
	if (!h->execs)
		return 1;
	h->execs--;
	return 0;
}

/* Tells the reader, who will let the command go on. The signal comes first: what ends it must not come
 * before it.
 */
lp_inline void lp_hold_and_tell(struct lp_hold *h, struct lp_record *r)
{
	r->flags = LP_RECF_HELD;
	if (bpf_send_signal(SIGSTOP)) {
		r->flags = 0;
		lp_ring_put(r, sizeof(*r));
		return;
	}
	h->held++;
	if (bpf_ringbuf_output(&ring, r, sizeof(*r), BPF_RB_FORCE_WAKEUP)) {
		bpf_send_signal(SIGCONT);
		h->held--;
	}
}

#endif
