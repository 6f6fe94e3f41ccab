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
 * and how many levels tables have is found at the first hits, by words that the helper has read; some
 * more are compared before any is believed. Where memory is encrypted nothing is found.
 *
 * The includer supplies:
 *
 *	lp_direct_type							0: nothing is read so
 *	const volatile struct lp_direct_line *lp_direct_at(__u64 addr)	words of the kernel's
 *	long lp_mem_read(void *dst, __u32 len, __u64 addr)		of the process's, 0 or < 0
 *	lp_loop_seldom(n, function, context)				as bpf_loop()
 */
#ifndef LP_BPF_DIRECT_H
#define LP_BPF_DIRECT_H

#include "tables.h"

#define LP_DIRECT_STEP	 (1ull << 30) /* the mapping begins at a multiple of it */
#define LP_DIRECT_SPREAD 8192u /* of these, from the tables' own address down: 8 TiB of memory */
#define LP_DIRECT_TRIES	 32u   /* a hit */
#define LP_DIRECT_PROOFS 32u   /* comparisons before it is believed */
#define LP_DIRECT_DOUBTS 8u    /* that may fail: other threads write, too */

#define LP_DIRECT_TABLE 21 /* bits of what one table of pages is for */

volatile struct {
	__u64 start;  /* of the mapping; 0: not found yet */
	__u32 next;   /* candidate: twice the steps, and 1 for tables of five levels */
	__u32 proofs; /* that it is the one */
	__u32 doubts;
	__u32 is_five;
} lp_direct;

/* Is it of use to look there, or has too much failed? */
lp_inline int lp_direct_may_be(void)
{
	return lp_direct_type && lp_direct.doubts <= LP_DIRECT_DOUBTS &&
	       lp_direct.next < 2 * LP_DIRECT_SPREAD;
}

/* The entry that says where the page of addr is: *ret_at in the mapping, *ret_level of its table; 0: that is
 * for the helper.
 */
lp_inline __u64 lp_direct_walk(__u64 start, __u32 is_five, __u64 table, __u64 addr, __u64 *ret_at,
			       __u32 *ret_level)
{
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
lp_inline __u64 lp_direct_place(__u64 start, __u64 entry, __u32 level, __u64 addr)
{
	const __u64 inside = lp_pt_inside(level);

	return start + (entry & LP_PTE_ADDRESS & ~inside) + (addr & inside);
}

/* The words from addr on, in the page that the entry at `at` leads to. */
lp_inline long lp_direct_words(__u64 *to, __u64 start, __u64 at, __u64 entry, __u32 level,
			       __u64 addr)
{
	const volatile struct lp_direct_line *line =
		lp_direct_at(lp_direct_place(start, entry, level, addr));
	__u64 any = 0;

	for (int i = 0; i < LP_DIRECT_WORDS; i++) {
		const __u64 word = line->word[i];

		any |= word;
		to[i] = word;
	}
	return any && lp_direct_at(at)->word[0] == entry ? 0 : -1;
}

/* A process's own, of which none was used. */
lp_inline void lp_direct_begin(struct lp_direct_tables *t, __u64 tables)
{
	t->tables = tables;
	for (__u32 i = 0; i < LP_DIRECT_LAST; i++)
		t->last_of[i] = ~0ull;
}

/* As lp_direct_walk(), by the table of last time if it is the same. */
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

	const __u64 entry = lp_direct_walk(lp_direct.start, lp_direct.is_five, t->tables, addr,
					   ret_at, ret_level);
	if (entry && !*ret_level) {
		t->last_of[n] = of;
		t->last[n] = *ret_at & ~(__u64)(LP_PAGE - 1);
	}
	return entry;
}

lp_inline int lp_direct_is_ready(const struct lp_direct_tables *t)
{
	return t->tables && lp_direct.proofs >= LP_DIRECT_PROOFS;
}

/* The words from addr on, which lie in one page: 0, or < 0: they are for the helper. */
lp_inline long lp_direct_read(struct lp_direct_tables *t, __u64 *to, __u64 addr)
{
	__u64 at = 0, entry = 0;
	__u32 level = 0;

	if (lp_direct_is_ready(t))
		entry = lp_direct_find(t, addr, &at, &level);
	return entry ? lp_direct_words(to, lp_direct.start, at, entry, level, addr) : -1;
}

/* The same of one word, which is not 0. */
lp_inline __u64 lp_direct_word(struct lp_direct_tables *t, __u64 addr)
{
	__u64 at = 0, entry = 0, word = 0;
	__u32 level = 0;

	if (lp_direct_is_ready(t))
		entry = lp_direct_find(t, addr, &at, &level);
	if (entry)
		word = lp_direct_at(lp_direct_place(lp_direct.start, entry, level, addr))->word[0];
	return word && lp_direct_at(at)->word[0] == entry ? word : 0;
}

_Static_assert(LP_DIRECT_WORDS * 8 == LP_PYVM_WINDOW, "a window at once");

/* Where nothing is read so the kernel must not see what would. */
lp_inline long lp_mem_direct(struct lp_vm *vm, __u64 *to, __u64 addr)
{
	return lp_direct_type ? lp_direct_read(&vm->py.direct, to, addr) : -1;
}

lp_inline __u64 lp_mem_direct_word(struct lp_vm *vm, __u64 addr)
{
	return lp_direct_type ? lp_direct_word(&vm->py.direct, addr) : 0;
}

/* The words from addr on, as the helper has read them. */
struct lp_direct_known {
	__u64 words[LP_DIRECT_WORDS];
	__u64 tables, addr;
};

/* Does the mapping have them, if it begins there? */
static __attribute__((noinline)) int lp_direct_has(__u64 start, __u32 is_five,
						   const struct lp_direct_known *k)
{
	__u64 words[LP_DIRECT_WORDS], differs = 0, at, entry;
	__u32 level;

	entry = lp_direct_walk(start, is_five, k->tables, k->addr, &at, &level);
	if (!entry || lp_direct_words(words, start, at, entry, level, k->addr))
		return 0;
	for (int i = 0; i < LP_DIRECT_WORDS; i++)
		differs |= words[i] ^ k->words[i];
	return !differs;
}

static long lp_direct_try(__u32 i, struct lp_direct_known *k)
{
	const __u32 n = lp_direct.next;
	const __u64 start = (k->tables & ~(LP_DIRECT_STEP - 1)) - (n >> 1) * LP_DIRECT_STEP;

	(void)i;
	if (lp_direct_has(start, n & 1, k)) {
		lp_direct.is_five = n & 1;
		lp_direct.start = start;
		return 1;
	}
	lp_direct.next = n + 1;
	return n + 1 >= 2 * LP_DIRECT_SPREAD;
}

/* Looks for the mapping, or whether it has what the helper reads at addr. */
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
	else if (lp_direct_has(lp_direct.start, lp_direct.is_five, &k))
		lp_direct.proofs++;
	else
		lp_direct.doubts++;
}

#endif
