/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/direct.h
 *
 * direct - words of the running process, read where the kernel has mapped all of the machine's memory, by a
 * walk of the process's page tables. The helper that copies goes through half a dozen functions, and where
 * processors are kept from guessing returns (CVE-2023-20569) each takes its time: 150 ns for 8 bytes, where
 * a walk and 7 words take 30.
 *
 * Only where interrupts are off: no other CPU can take page tables away then (as for the kernel's own
 * gup_fast()); where they are on resident.h reads. Only pages that are there and are plain memory. Whatever is odd
 * is left to the helper, and so are words that are all 0, as what is not mapped there (memfd_secret()) reads.
 *
 * Besides what resident.h wants, the includer supplies lp_direct_type as mapping.h does, and __u64 lp_mapping_at(): where
 * the kernel's mapping begins.
 */
#ifndef LP_BPF_DIRECT_H
#define LP_BPF_DIRECT_H

#include "resident.h"

#define LP_DIRECT_TABLE 21 /* bits of what one table of pages is for */

/* A process's own, of which none was used; 0: the helper is to read all. */
lp_inline void lp_direct_begin(struct lp_direct_tables *t, __u64 tables)
{
	t->tables = tables;
	for (__u32 i = 0; i < LP_DIRECT_LAST; i++)
		t->last_of[i] = ~0ull;
}

/* As lp_pt_walk(), by the table of last time if it is the same. */
lp_inline __u64 lp_direct_find(struct lp_direct_tables *t, __u64 addr, __u64 *ret_at,
			       __u32 *ret_level)
{
	const __u64 of = addr >> LP_DIRECT_TABLE;
	const __u32 n = of & (LP_DIRECT_LAST - 1);

	if (t->last_of[n] == of) {
		*ret_at = lp_pt_entry(t->last[n], addr, 0);
		*ret_level = 0;

		const __u64 same = lp_direct_at(*ret_at)->word[0];
		return lp_pt_is_plain(same) ? same : 0;
	}

	const __u64 entry = lp_pt_walk(lp_mapping_at(), t->tables, addr, ret_at, ret_level);
	if (entry && !*ret_level) {
		t->last_of[n] = of;
		t->last[n] = *ret_at & ~(__u64)(LP_PAGE - 1);
	}
	return entry;
}

/* The words from addr on, which lie in one page: 0, or < 0: they are for the helper. t has the tables. */
lp_inline long lp_direct_read(struct lp_direct_tables *t, __u64 *to, __u64 addr)
{
	__u64 at = 0;
	__u32 level = 0;
	const __u64 entry = lp_direct_find(t, addr, &at, &level);

	return entry ? lp_pt_words(to, lp_mapping_at(), at, entry, level, addr) : -1;
}

/* The same of one word, which is not 0. */
lp_inline __u64 lp_direct_word(struct lp_direct_tables *t, __u64 addr)
{
	__u64 at = 0, entry = 0, word = 0;
	__u32 level = 0;

	if (t->tables)
		entry = lp_direct_find(t, addr, &at, &level);
	if (entry)
		word = lp_direct_at(lp_pt_place(lp_mapping_at(), entry, level, addr))->word[0];
	return word && lp_direct_at(at)->word[0] == entry ? word : 0;
}

_Static_assert(LP_DIRECT_WORDS * 8 == LP_PYVM_WINDOW, "a window at once");

/* Where nothing is read so the kernel must not see what would. */
lp_inline long lp_mem_direct(struct lp_vm *vm, __u64 *to, __u64 addr)
{
	if (!lp_direct_type)
		return -1;
	if (vm->py.direct.tables)
		return lp_direct_read(&vm->py.direct, to, addr);
	/* a probe's: they are on */
	return lp_resident_read(&vm->py.way, vm->tables, to, LP_DIRECT_WORDS, addr);
}

lp_inline __u64 lp_mem_direct_word(struct lp_vm *vm, __u64 addr)
{
	return lp_direct_type ? lp_direct_word(&vm->py.direct, addr) : 0;
}

#endif
