/* SPDX-License-Identifier: GPL-2.0-only */
/* user/probe/prune.h
 *
 * prune - leaves out of a BPF program what it can't come to, by what it is told before it is loaded. The kernel's
 * verifier finds that out, too, and then moves all that follows, for each piece: so it takes longer for the
 * whole program. Kernels before 6.8 would even verify functions that nobody calls.
 *
 * What is not known is taken to be possible. The kernel verifies what is left, as ever.
 */
#ifndef LP_PROBE_PRUNE_H
#define LP_PROBE_PRUNE_H

#include <linux/bpf.h>
#include <stddef.h>

/* A map's one value, which does not change any more: bytes that a program reads from it are known. */
struct lp_known {
	int fd;
	const void *data;
	size_t size;
};

/* All its functions, and what says where they and their lines begin, in that order. */
struct lp_code {
	struct bpf_insn *insns;
	struct bpf_func_info *funcs;
	struct bpf_line_info *lines;
	size_t n, n_funcs, n_lines;
};

/* In place. -ENOMEM: nothing has changed. */
int lp_prune(struct lp_code *c, const struct lp_known *known);

#endif
