/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/direct.h
 *
 * direct - words of the running process, read where the kernel has mapped all of the machine's memory, by a
 * walk of the process's page tables. The helper that copies goes through half a dozen functions, and where
 * processors are kept from guessing returns (CVE-2023-20569) each takes its time: 150 ns for 8 bytes, where
 * a walk and 7 words take 30.
 *
 * Only where interrupts are off: no other CPU can take page tables away then (as for the kernel's own
 * gup_fast()). Only pages that are there and are plain memory. Whatever is odd is left to the helper, and
 * so are words that are all 0, as what is not mapped there (memfd_secret()) reads. Where the mapping begins
 * is found at the first hits, by words that the helper has read; some more are compared before any is
 * believed. x86-64 with four levels: with five, or encrypted memory, nothing is found.
 */
#ifndef LP_BPF_DIRECT_H
#define LP_BPF_DIRECT_H

#include "lp/live.h"
#include "world.h"

/* A number among the kernel's types: struct pt_regs, which begins with words. 0: there is no
 * bpf_rdonly_cast() (since 6.2). Set before load.
 */
const volatile __u32 lp_direct_type;

#define LP_DIRECT_STEP	 (1ull << 30) /* the mapping begins at a multiple of it */
#define LP_DIRECT_SPREAD 8192u	      /* of these, from the tables' own address down: 8 TiB of memory */
#define LP_DIRECT_TRIES	 32u	      /* a hit */
#define LP_DIRECT_PROOFS 32u	      /* comparisons before it is believed */
#define LP_DIRECT_DOUBTS 8u	      /* that may fail: other threads write, too */

/* arch/x86/include/asm/pgtable_types.h */
#define LP_PTE_PRESENT 0x1ull
#define LP_PTE_LARGE   0x80ull
#define LP_PTE_SPECIAL 0x200ull /* not the kernel's to hand out: devices, the page of zeros */
#define LP_PTE_ADDRESS 0x000ffffffffff000ull

volatile struct {
	__u64 start;  /* of the mapping; 0: not found yet */
	__u32 next;   /* candidate */
	__u32 proofs; /* that it is the one */
	__u32 doubts;
	__u32 pad;
} lp_direct;

struct lp_direct_line {
	__u64 word[LP_DIRECT_WORDS];
};

/* bpf_rdonly_cast(). To libbpf it is a helper, so that it does not look for it among all of the kernel's
 * types; user/probe/ puts in which function it is.
 */
static const volatile struct lp_direct_line *(*const lp_direct_cast)(const void *addr,
								     __u32 type) =
	(void *)LP_DIRECT_CALL;

lp_inline const volatile struct lp_direct_line *lp_direct_at(__u64 addr)
{
	return lp_direct_cast((const void *)addr, lp_direct_type);
}

/* The tables of the process that runs; 0: its memory is not read so. */
lp_inline __u64 lp_direct_tables(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct mm_struct *mm = task->mm;

	if (!lp_direct_type || !mm || lp_direct.doubts > LP_DIRECT_DOUBTS ||
	    lp_direct.next >= LP_DIRECT_SPREAD)
		return 0;
	return lp_direct_cast((const char *)mm + bpf_core_field_offset(struct mm_struct, pgd),
			      lp_direct_type)
		->word[0];
}

/* The entry of a table for an address; levels are counted from the pages up. */
lp_inline __u64 lp_direct_entry(__u64 table, __u64 addr, __u32 level)
{
	return table + (addr >> (12 + 9 * level) & 511) * 8;
}

/* Where the mapping has what is at addr; 0: that is for the helper. *ret_entry: what says so, and where. */
lp_inline __u64 lp_direct_walk(__u64 start, __u64 table, __u64 addr, __u64 *ret_at, __u64 *ret_entry)
{
	__u64 entry, at;

#pragma unroll
	for (int level = 3; level >= 0; level--) {
		at = lp_direct_entry(table, addr, level);
		entry = lp_direct_at(at)->word[0];
		if (!(entry & LP_PTE_PRESENT) || entry & LP_PTE_SPECIAL)
			return 0;
		if (!level || (level < 3 && entry & LP_PTE_LARGE)) {
			const __u64 inside = (1ull << (12 + 9 * level)) - 1;

			*ret_at = at;
			*ret_entry = entry;
			return start + (entry & LP_PTE_ADDRESS & ~inside) + (addr & inside);
		}
		table = start + (entry & LP_PTE_ADDRESS);
	}
	return 0;
}

/* The words from addr on, all of one page; < 0: they are for the helper. */
lp_inline long lp_direct_copy(__u64 *to, __u64 start, __u64 tables, __u64 addr)
{
	__u64 at, entry, any = 0;
	__u64 from = lp_direct_walk(start, tables, addr, &at, &entry);

	if (!from)
		return -1;

	const volatile struct lp_direct_line *line = lp_direct_at(from);
#pragma unroll
	for (int i = 0; i < LP_DIRECT_WORDS; i++) {
		__u64 word = line->word[i];

		any |= word;
		to[i] = word;
	}
	return any && lp_direct_at(at)->word[0] == entry ? 0 : -1;
}

lp_inline int lp_direct_is_same(const __u64 *a, const __u64 *b)
{
	__u64 differs = 0;

#pragma unroll
	for (int i = 0; i < LP_DIRECT_WORDS; i++)
		differs |= a[i] ^ b[i];
	return !differs;
}

/* 0, or < 0: they are for the helper. */
lp_inline long lp_direct_read(__u64 *to, __u64 tables, __u64 addr)
{
	if (!tables || lp_direct.proofs < LP_DIRECT_PROOFS)
		return -1;
	return lp_direct_copy(to, lp_direct.start, tables, addr);
}

/* The words from addr on, as the helper has read them. */
struct lp_direct_known {
	__u64 words[LP_DIRECT_WORDS];
	__u64 tables, addr;
};

static __attribute__((noinline)) int lp_direct_has(__u64 start, const struct lp_direct_known *k)
{
	__u64 words[LP_DIRECT_WORDS];

	return !lp_direct_copy(words, start, k->tables, k->addr) &&
	       lp_direct_is_same(words, k->words);
}

static long lp_direct_try(__u32 i, struct lp_direct_known *k)
{
	const __u32 n = lp_direct.next;
	const __u64 start = (k->tables & ~(LP_DIRECT_STEP - 1)) - n * LP_DIRECT_STEP;

	(void)i;
	if (lp_direct_has(start, k)) {
		lp_direct.start = start;
		return 1;
	}
	lp_direct.next = n + 1;
	return n + 1 >= LP_DIRECT_SPREAD;
}

/* Has the mapping what the helper reads at addr? */
static __attribute__((noinline)) void lp_direct_learn(__u64 tables, __u64 addr)
{
	struct lp_direct_known k = { .tables = tables, .addr = addr & ~7ull };
	const __u32 left = lp_page_left(k.addr);

	if (left < sizeof(k.words))
		k.addr -= sizeof(k.words) - left;
	if (lp_mem_read(k.words, sizeof(k.words), k.addr) || !(k.words[0] | k.words[1]) ||
	    !(k.words[2] | k.words[3])) /* too little to tell by */
		return;
	if (!lp_direct.start)
		lp_loop_seldom(LP_DIRECT_TRIES, lp_direct_try, &k);
	else if (lp_direct_has(lp_direct.start, &k))
		lp_direct.proofs++;
	else
		lp_direct.doubts++;
}

#endif
