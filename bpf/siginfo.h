/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/siginfo.h
 *
 * siginfo - what kernel_siginfo begins with: the same that user space has.
 */
#ifndef LP_BPF_SIGINFO_H
#define LP_BPF_SIGINFO_H

struct lp_siginfo {
	__s32 number, error, code, pad;
	__u64 first; /* address; process and user */
};

#endif
