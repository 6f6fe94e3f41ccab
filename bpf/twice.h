/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/twice.h
 *
 * twice - a thread can have several events for one watched byte: its own, and those that it has inherited.
 * A hit then comes by each of them, and counts once. Which they are changes: those of a process that
 * has ended go, and the kernel lets threads that have inherited the same swap theirs instead of
 * setting the processor's registers (kernel/events/core.c: context_equiv()); so an event is known
 * by a number, which those that were inherited from it have, too, and one on all processors is one.
 */
#ifndef LP_BPF_TWICE_H
#define LP_BPF_TWICE_H

#include "state.h"

#define LP_TWICE_OTHERS 3 /* x86 has four registers (kernel: HBP_NUM) */

/* Of a thread and a byte. */
struct lp_twice {
	__u64 start;		       /* of the thread: its number may have been another's */
	__u64 event;		       /* the one that counts */
	__u64 others[LP_TWICE_OTHERS]; /* that came since it did */
	__u64 n;
};

/* Has the hit that comes by this event counted already? One that comes again before the one that counts
 * does takes its place: that is gone, or its turn is another now.
 */
lp_inline int lp_twice_look(struct lp_twice *t, __u64 event)
{
	int counts = event == t->event || t->n >= LP_TWICE_OTHERS;

	for (__u32 i = 0; i < LP_TWICE_OTHERS; i++)
		counts |= i < t->n && t->others[i] == event;
	if (counts) {
		t->event = event;
		t->n = 0;
		return 0;
	}
	for (__u32 i = 0; i < LP_TWICE_OTHERS; i++)
		if (i == t->n)
			t->others[i] = event;
	t->n++;
	return 1;
}

#endif
