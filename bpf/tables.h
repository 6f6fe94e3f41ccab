/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/tables.h
 *
 * tables - entries of page tables. Source: the kernel's arch/x86/include/asm/pgtable_types.h.
 */
#ifndef LP_BPF_TABLES_H
#define LP_BPF_TABLES_H

#include "state.h"

#define LP_PTE_PRESENT 0x1ull
#define LP_PTE_USER    0x4ull
#define LP_PTE_LARGE   0x80ull
#define LP_PTE_SPECIAL 0x200ull /* not the kernel's to hand out: devices, the page of zeros */
#define LP_PTE_ADDRESS 0x000ffffffffff000ull

#define LP_PT_LEVELS 5 /* at most */
#define LP_PT_BITS                                                                                 \
	47 /* of addresses of processes; what five levels have beyond is left to the helper */

/* The entry of a table for an address; levels are counted from the pages up. */
lp_inline __u64 lp_pt_entry(__u64 table, __u64 addr, __u32 level)
{
	return table + (addr >> (12 + 9 * level) & 511) * 8;
}

/* What an entry leads to is there, the process's, and plain memory. */
lp_inline int lp_pt_is_plain(__u64 entry)
{
	const __u64 all = LP_PTE_PRESENT | LP_PTE_USER | LP_PTE_SPECIAL;

	return (entry & all) == (LP_PTE_PRESENT | LP_PTE_USER);
}

/* Of an entry of a table of that level that leads to a page: the bits of an address that are within it. */
lp_inline __u64 lp_pt_inside(__u32 level)
{
	return (1ull << (12 + 9 * level)) - 1;
}

#endif
