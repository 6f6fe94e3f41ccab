/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/quick.h
 *
 * quick - the first look at a condition: most hits of a logpoint with a condition end here, without a
 * slot and without the machine (vm.h). It only ever says "surely false"; whatever it can't tell, an
 * address that can't be read at once included, is left to the program, which evaluates all of it.
 *
 * The includer supplies long lp_mem_read(), as vm.h says, and may supply
 *
 *	long lp_mem_word(__u64 tables, __u64 *to, __u64 addr)	8 bytes sooner; < 0: that is for lp_mem_read()
 */
#ifndef LP_BPF_QUICK_H
#define LP_BPF_QUICK_H

#include "state.h"

#ifndef lp_mem_word
#define lp_mem_word(tables, to, addr) ((void)(tables), -1L)
#endif

lp_inline int lp_quick_holds(const struct lp_quick *q, __u64 v)
{
	v <<= q->up & 63;
	v = q->test & LP_QUICK_SIGNED ? (__u64)((__s64)v >> (q->down & 63)) : v >> (q->down & 63);
	v &= q->mask;

	int holds = v != 0;
	__u32 test = q->test & LP_QUICK_TEST;

	if (test == LP_QUICK_EQ)
		holds = v == q->constant;
	else if (test == LP_QUICK_LTS)
		holds = (__s64)v < (__s64)q->constant;
	else if (test == LP_QUICK_LTU)
		holds = v < q->constant;
	return q->test & LP_QUICK_NOT ? !holds : holds;
}

/* 8 bytes of the process. By itself, as alone.h says; with a small frame for what memory.h says. */
lp_global long lp_alone_quick(__u64 tables, __u64 *to, __u64 addr)
{
	if (!to)
		return -1;
	return lp_mem_word(tables, to, addr) ? lp_mem_read(to, sizeof(*to), addr) : 0;
}

/* Lean programs have the stack to inline it: a return takes its time. */
#ifdef LP_LEAN
#define lp_quick_inline lp_inline
#else
#define lp_quick_inline static __attribute__((noinline, unused))
#endif

/* v: of the machine register q->reg; tables: of the process's pages. */
lp_quick_inline long lp_quick_false(const struct lp_quick *q, __u64 v, __u64 tables)
{
	__u64 word;

	v += (__s64)q->offset[0];
	for (__u32 i = 0; i < LP_QUICK_READS; i++) {
		if (i == q->reads)
			break;
		if (i)
			v += (__s64)q->offset[i];
		if (lp_alone_quick(tables, &word, v))
			return 0;
		v = word;
	}
	return !lp_quick_holds(q, v);
}

#endif
