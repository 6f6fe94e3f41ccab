/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/find_mapping.h
 *
 * find_mapping - where the kernel's mapping of all memory begins: where a walk of the page tables of the process that
 * runs leads to words that the helper has read. Some more are compared before any is believed. Where memory is
 * encrypted nothing is found.
 *
 * Besides what tables.h wants, the includer supplies:
 *
 *	long lp_mem_read(void *dst, __u32 len, __u64 addr)	of the process's, 0 or < 0
 *	lp_loop_seldom(n, function, context)			as bpf_loop()
 */
#ifndef LP_BPF_FIND_MAPPING_H
#define LP_BPF_FIND_MAPPING_H

#include "tables.h"

#define LP_MAPPING_STEP	  (1ull << 30) /* it begins at a multiple of it */
#define LP_MAPPING_SPREAD 8192u /* of these, from the tables' own address down: 8 TiB of memory */
#define LP_MAPPING_TRIES  32u	/* at once */
#define LP_MAPPING_PROOFS 32u	/* comparisons before it is believed */
#define LP_MAPPING_DOUBTS 8u	/* that may fail */

volatile struct {
	__u64 start;  /* 0: not found yet */
	__u32 next;   /* candidate, in steps */
	__u32 proofs; /* that it is the one */
	__u32 doubts;
} lp_found;

/* Is it of use to look, or has too much failed? */
lp_inline int lp_mapping_may_be(void)
{
	return lp_found.doubts <= LP_MAPPING_DOUBTS && lp_found.next < LP_MAPPING_SPREAD;
}

/* The words from addr on, as the helper has read them. */
struct lp_mapping_known {
	__u64 words[LP_DIRECT_WORDS];
	__u64 tables, addr;
};

/* Does the mapping have them, if it begins there? */
static __attribute__((noinline)) int lp_mapping_has(__u64 start, const struct lp_mapping_known *k)
{
	__u64 words[LP_DIRECT_WORDS], differs = 0, at, entry;
	__u32 level;

	entry = lp_pt_walk(start, k->tables, k->addr, &at, &level);
	if (!entry || lp_pt_words(words, start, at, entry, level, k->addr))
		return 0;
	for (int i = 0; i < LP_DIRECT_WORDS; i++)
		differs |= words[i] ^ k->words[i];
	return !differs;
}

static long lp_mapping_try(__u32 i, struct lp_mapping_known *k)
{
	const __u32 n = lp_found.next;
	const __u64 start = (k->tables & ~(LP_MAPPING_STEP - 1)) - n * LP_MAPPING_STEP;

	(void)i;
	if (lp_mapping_has(start, k)) {
		lp_found.start = start;
		return 1;
	}
	lp_found.next = n + 1;
	return n + 1 >= LP_MAPPING_SPREAD;
}

/* Looks for it, or whether it has what the helper reads at addr. */
static __attribute__((noinline)) void lp_mapping_learn(__u64 tables, __u64 addr)
{
	struct lp_mapping_known k = { .tables = tables, .addr = addr & ~7ull };
	const __u32 left = lp_page_left(k.addr);

	if (left < sizeof(k.words))
		k.addr -= sizeof(k.words) - left;
	if (lp_mem_read(k.words, sizeof(k.words), k.addr) || !(k.words[0] | k.words[1]) ||
	    !(k.words[2] | k.words[3])) /* too little to tell by */
		return;
	if (!lp_found.start)
		lp_loop_seldom(LP_MAPPING_TRIES, lp_mapping_try, &k);
	else if (lp_mapping_has(lp_found.start, &k))
		lp_found.proofs++;
	else
		lp_found.doubts++;
}

#endif
