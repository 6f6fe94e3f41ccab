/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/targets/target.h
 *
 * target - what the programs under trace share: the start signal and ways to keep a variable alive
 * through the optimiser. Lines that tests name carry a marker, a comment with an at sign and a
 * word.
 */
#ifndef TARGET_H
#define TARGET_H

#include <stdio.h>
#include <unistd.h>

#ifdef __clang__
#define NOINLINE __attribute__((noinline))
#else
#define NOINLINE __attribute__((noinline, noclone, noipa))
#endif

/* The optimiser can't know the value of a scalar that went through this, nor drop it. */
#define OPAQUE(x)                                                                                  \
	__extension__({                                                                            \
		__typeof__(x) opaque_ = (x);                                                       \
		__asm__ volatile("" : "+r"(opaque_));                                              \
		opaque_;                                                                           \
	})
/* The scalar is needed here: in a register, or in memory. */
#define KEEP(x) __extension__({ __asm__ volatile("" : : "r"(x)); })
/* The object is in memory, whole, and may have been changed. */
#define KEEP_MEM(x) __extension__({ __asm__ volatile("" : : "r"(&(x)) : "memory"); })

/* The same, on an instruction of its own: a line that is surely there. */
#define HERE(x) __extension__({ __asm__ volatile("nop" : : "r"(x)); })

/* Says "ready" and waits for a line, or the end, of standard input. */
static inline void target_wait(void)
{
	char c;

	puts("ready");
	fflush(stdout);
	while (read(0, &c, 1) == 1 && c != '\n')
		;
}

#endif
