/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/unit/host_loop.h
 *
 * host_loop - bpf_loop() on the host, for the kernel side's headers.
 */
#ifndef LP_TESTS_HOST_LOOP_H
#define LP_TESTS_HOST_LOOP_H

#define lp_loop(n, fn, ctx)                                                                        \
	do {                                                                                       \
		for (__u32 i_ = 0; i_ < (n); i_++)                                                 \
			if (fn(i_, (ctx)))                                                         \
				break;                                                             \
	} while (0)

#endif
