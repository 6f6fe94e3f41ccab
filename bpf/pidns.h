/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/pidns.h
 *
 * pidns - numbers of processes as our own PID namespace has them. The includer has lp_pidns: the
 * inode of that namespace.
 */
#ifndef LP_BPF_PIDNS_H
#define LP_BPF_PIDNS_H

#define LP_PIDNS_DEPTH 33 /* kernel: MAX_PID_NS_LEVEL, and the initial one */

/* The number of a process in our own PID namespace, 0 where it has none. */
lp_inline __u32 lp_number_in_pidns(struct pid *pid)
{
	__u32 level = BPF_CORE_READ(pid, level);

	for (int i = 0; i < LP_PIDNS_DEPTH; i++) {
		struct upid up;

		if (bpf_core_read(&up, sizeof(up), &pid->numbers[level]))
			break;
		if (BPF_CORE_READ(up.ns, ns.inum) == lp_pidns)
			return up.nr;
		if (!level--)
			break;
	}
	return 0;
}

#endif
