/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/mapping.h
 *
 * mapping - words of the kernel's, by a load where they are: so of all memory, which it has mapped for itself. What is
 * not there reads as 0.
 */
#ifndef LP_BPF_MAPPING_H
#define LP_BPF_MAPPING_H

#include "state.h"

/* A number among the kernel's types: struct pt_regs, which begins with words. 0: there is no
 * bpf_rdonly_cast() (since 6.2), and nothing is read so. Set before load.
 */
const volatile __u32 lp_direct_type;
const volatile __u32 lp_five_levels; /* of page tables */

/* bpf_rdonly_cast(). To libbpf it is a helper, so that it does not look for it among all of the kernel's
 * types; user/probe/ puts in which function it is.
 */
static const volatile struct lp_direct_line *(*const lp_direct_cast)(const void *addr, __u32 type) =
	(void *)LP_DIRECT_CALL;

lp_inline const volatile struct lp_direct_line *lp_direct_at(__u64 addr)
{
	return lp_direct_cast((const void *)addr, lp_direct_type);
}

/* The page tables of a task's process; 0: it has none. No pointer is read as one of a type: to know whether it can be
 * trusted, the verifier looks for three names among all of the kernel's types, 4 ms in all.
 */
lp_inline __u64 lp_tables_of(const struct task_struct *task)
{
	if (!lp_direct_type)
		return 0;

	const __u64 mm =
		lp_direct_cast((const char *)task + bpf_core_field_offset(struct task_struct, mm),
			       lp_direct_type)
			->word[0];

	return mm ? lp_direct_at(mm + bpf_core_field_offset(struct mm_struct, pgd))->word[0] : 0;
}

#endif
