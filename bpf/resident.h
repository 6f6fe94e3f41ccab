/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/resident.h
 *
 * resident - words and short strings of the running process, read by its page tables as direct.h does it, but
 * where interrupts are on: page tables may be taken away meanwhile, and pages given to others.
 *
 * So the way to the page is followed, the words are read, and each entry of the way is read again: only if all
 * are what they were the words are believed. x86 does loads in the order of the program. What is between is some
 * 20 ns long. Once that long, the way holds at its end, as it did at its begin, but for an entry that has become
 * another and the same again: a table or page that was taken away, used by another, and put back where it was.
 * Who takes one away waits for each CPU that runs the process, which is ours, or, of a virtual CPU that does not
 * run, has it look once it runs again; in either case we are interrupted. Words of another are read only if we are
 * interrupted twice within these 20 ns, before the words are read and after it, each time for as long as that
 * takes, and the same page comes back. Once is not enough: what is read before is then right at the begin, and
 * what is read behind at the end. Pages that are moved, copied for a child, or split change their entries.
 *
 * Loads of what is not there read as 0, so that words which are all 0 are for the helper, too, and so is all that
 * lies on two pages.
 *
 * Where the kernel's mapping of all memory is user/probe/mapping.c finds out.
 *
 * Besides what tables.h wants, the includer supplies:
 *
 *	__u64 lp_mapping()	where the mapping begins; 0: not known, or not to be used
 *	int lp_may_go_on(void)	0: a loop without other bounds is over
 */
#ifndef LP_BPF_RESIDENT_H
#define LP_BPF_RESIDENT_H

#include "tables.h"

#define LP_RESIDENT_TEXT 512u /* bytes of a string, with its terminator, at most */

lp_inline int lp_way_enter(struct lp_way *w, __u32 level, __u64 table, __u64 addr)
{
	w->at[level] = lp_pt_entry(table, addr, level);
	w->entry[level] = lp_direct_at(w->at[level])->word[0];
	return lp_pt_is_plain(w->entry[level]);
}

/* Where the mapping has what is at addr; 0: that is for the helper. tables: the process's; 0: not known. */
lp_inline __u64 lp_way_find(struct lp_way *w, __u64 tables, __u64 addr)
{
	const __u64 mapping = lp_mapping();
	__u64 inside = lp_pt_inside(1);

	if (!mapping || !tables || addr >> LP_PT_BITS)
		return 0;
	if (lp_five_levels) {
		if (!lp_way_enter(w, 4, tables, addr))
			return 0;
		tables = mapping + (w->entry[4] & LP_PTE_ADDRESS);
	}
	if (!lp_way_enter(w, 3, tables, addr) ||
	    !lp_way_enter(w, 2, mapping + (w->entry[3] & LP_PTE_ADDRESS), addr) ||
	    w->entry[2] & LP_PTE_LARGE ||
	    !lp_way_enter(w, 1, mapping + (w->entry[2] & LP_PTE_ADDRESS), addr))
		return 0;
	w->at[0] = w->at[1];
	w->entry[0] = w->entry[1];
	if (!(w->entry[1] & LP_PTE_LARGE)) {
		inside = lp_pt_inside(0);
		if (!lp_way_enter(w, 0, mapping + (w->entry[1] & LP_PTE_ADDRESS), addr))
			return 0;
	}
	return mapping + (w->entry[0] & LP_PTE_ADDRESS & ~inside) + (addr & inside);
}

/* Is it the same still? */
lp_inline int lp_way_holds(const struct lp_way *w)
{
	__u64 differs = 0;

	for (int level = 0; level < LP_PT_LEVELS - 1; level++)
		differs |= lp_direct_at(w->at[level])->word[0] ^ w->entry[level];
	if (lp_five_levels)
		differs |= lp_direct_at(w->at[4])->word[0] ^ w->entry[4];
	return !differs;
}

/* n words, at most LP_DIRECT_WORDS, from addr on, which lie in one page: 0, or < 0: they are for the helper. tables: the
 * process's. n: constant. w: what is used for it.
 */
lp_inline long lp_resident_read(struct lp_way *w, __u64 tables, lp_word *to, __u32 n, __u64 addr)
{
	const __u64 from = lp_way_find(w, tables, addr);
	__u64 any = 0;

	if (!from)
		return -1;

	const volatile struct lp_direct_line *line = lp_direct_at(from);
	for (__u32 i = 0; i < n; i++) {
		const __u64 word = line->word[i];

		any |= word;
		to[i] = word;
	}
	return any && lp_way_holds(w) ? 0 : -1;
}

/* LP_WINDOW bytes. */
lp_inline long lp_resident_words(__u64 tables, lp_word *to, __u64 addr)
{
	struct lp_way w;

	return lp_resident_read(&w, tables, to, LP_WINDOW / 8, addr);
}

/* 8 bytes: as above, but that they may be 0 where those around them are not. */
lp_inline long lp_resident_word(__u64 tables, __u64 *to, __u64 addr)
{
	struct lp_way w;
	const __u64 from = lp_way_find(&w, tables, addr);
	const __u32 left = lp_page_left(addr);
	__u64 any;

	if (!from || left < 8)
		return -1;
	*to = any = lp_direct_at(from)->word[0];
	if (!any && left >= LP_WINDOW) {
		const volatile struct lp_direct_line *line =
			lp_direct_at(from - (addr & (LP_WINDOW - 8)));

		any = line->word[0] | line->word[1] | line->word[2] | line->word[3];
	}
	return any && lp_way_holds(&w) ? 0 : -1;
}

/* Bits of the bytes of a word that are zero: the lowest is right, those above it may be wrong. */
lp_inline __u64 lp_zero_bytes(__u64 word)
{
	return (word - 0x0101010101010101) & ~word & 0x8080808080808080;
}

/* Which byte the lowest of these bits is of. */
lp_inline __u32 lp_zero_first(__u64 zero)
{
	return ((zero & -zero) >> 7) * 0x0001020304050607 >> 56;
}

/* The C string at addr, and at most 8 bytes behind it: *ret_len is without its terminator, which is within max + 1
 * bytes; < 0: it is for the helper. How far it is goes through memory, so that each round begins with the same state.
 */
lp_inline long lp_resident_text(__u64 tables, char *to, __u32 max, __u64 addr,
				volatile __u64 *ret_len)
{
	struct lp_way w;
	const __u64 from = lp_way_find(&w, tables, addr);
	const __u32 left = lp_page_left(addr);

	if (!from || !lp_direct_at(from)->word[0])
		return -1;
	*ret_len = 0;
	while (lp_may_go_on()) {
		__u64 at = *ret_len;

		lp_opaque(at);
		if (at >= LP_RESIDENT_TEXT || at + 8 > left || at > max)
			return -1;

		const __u64 word = lp_direct_at(from + at)->word[0];
		const __u64 zero = lp_zero_bytes(word);

		*(lp_word *)(to + at) = word;
		*ret_len = at + (zero ? lp_zero_first(zero) : 8);
		if (zero)
			break;
	}
	return *ret_len <= max && lp_way_holds(&w) ? 0 : -1;
}

#endif
