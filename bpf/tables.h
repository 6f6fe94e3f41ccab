/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/tables.h
 *
 * tables - page tables: their entries, the way to a page, and its words where the kernel has mapped all memory.
 * Source: the kernel's arch/x86/include/asm/pgtable_types.h.
 *
 * The includer supplies, as mapping.h does:
 *
 *	const volatile struct lp_direct_line *lp_direct_at(__u64 addr)	words of the kernel's
 *	lp_five_levels		constant: page tables have five
 */
#ifndef LP_BPF_TABLES_H
#define LP_BPF_TABLES_H

#include "state.h"

#define LP_PTE_PRESENT 0x1ull
#define LP_PTE_USER    0x4ull
#define LP_PTE_LARGE   0x80ull
#define LP_PTE_SPECIAL 0x200ull /* not the kernel's to hand out: devices, the page of zeros */
#define LP_PTE_ADDRESS 0x000ffffffffff000ull

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

/* The entry that says where the page of addr is: *ret_at in the mapping, *ret_level of its table; 0: that is
 * for the helper. start: of the mapping; table: the first one's.
 */
lp_inline __u64 lp_pt_walk(__u64 start, __u64 table, __u64 addr, __u64 *ret_at, __u32 *ret_level)
{
	const __u32 is_five = lp_five_levels;

	if (addr >> LP_PT_BITS)
		return 0;
	for (int level = LP_PT_LEVELS - 1; level >= 0; level--) {
		if (level == LP_PT_LEVELS - 1 && !is_five)
			continue;

		const __u64 at = lp_pt_entry(table, addr, level);
		const __u64 entry = lp_direct_at(at)->word[0];

		if (!lp_pt_is_plain(entry))
			return 0;
		if (!level || (level < 3 && entry & LP_PTE_LARGE)) {
			*ret_at = at;
			*ret_level = level;
			return entry;
		}
		table = start + (entry & LP_PTE_ADDRESS);
	}
	return 0;
}

/* Where addr is in the mapping, by the entry for its page. */
lp_inline __u64 lp_pt_place(__u64 start, __u64 entry, __u32 level, __u64 addr)
{
	const __u64 inside = lp_pt_inside(level);

	return start + (entry & LP_PTE_ADDRESS & ~inside) + (addr & inside);
}

/* The words from addr on, in the page that the entry at `at` leads to. */
lp_inline long lp_pt_words(__u64 *to, __u64 start, __u64 at, __u64 entry, __u32 level, __u64 addr)
{
	const volatile struct lp_direct_line *line =
		lp_direct_at(lp_pt_place(start, entry, level, addr));
	__u64 any = 0;

	for (int i = 0; i < LP_DIRECT_WORDS; i++) {
		const __u64 word = line->word[i];

		any |= word;
		to[i] = word;
	}
	return any && lp_direct_at(at)->word[0] == entry ? 0 : -1;
}

#endif
