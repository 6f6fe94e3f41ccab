/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/tell.h
 *
 * tell - records about processes themselves: the reader hears of what happened to one.
 */
#ifndef LP_BPF_TELL_H
#define LP_BPF_TELL_H

#include "hold.h"
#include "world.h"

lp_inline void tell(__u32 kind, __u64 pid_tgid, __u32 arg, struct lp_hold *h)
{
	struct lp_record r = { .kind = kind, .len = sizeof(r), .point = LP_POINT_NONE, .arg = arg };

	r.time = lp_now();
	r.pid = pid_tgid >> 32;
	r.tid = (__u32)pid_tgid;
	r.cpu = lp_cpu();
	lp_comm(r.comm);
	if (h)
		lp_hold_and_tell(h, &r);
	else
		lp_ring_put(&r, sizeof(r));
}

#endif
