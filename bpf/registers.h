/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/registers.h
 *
 * registers - those of the machine, in DWARF's numbering, the instruction pointer last.
 */
#ifndef LP_BPF_REGISTERS_H
#define LP_BPF_REGISTERS_H

#include "state.h"

/* X(number, name): DWARF's numbering */
#define REGISTERS(X)                                                                               \
	X(0, rax)                                                                                  \
	X(1, rdx)                                                                                  \
	X(2, rcx)                                                                                  \
	X(3, rbx)                                                                                  \
	X(4, rsi)                                                                                  \
	X(5, rdi)                                                                                  \
	X(6, rbp)                                                                                  \
	X(7, rsp)                                                                                  \
	X(8, r8)                                                                                   \
	X(9, r9)                                                                                   \
	X(10, r10)                                                                                 \
	X(11, r11)                                                                                 \
	X(12, r12)                                                                                 \
	X(13, r13)                                                                                 \
	X(14, r14)                                                                                 \
	X(15, r15)                                                                                 \
	X(16, rip)

/* Inlined: of a context each is a load of its own. */
lp_inline void copy_registers(__u64 *to, const struct pt_regs *from)
{
#define COPY(number, name) to[number] = from->name;
	REGISTERS(COPY)
#undef COPY
}

/* The same where there is another copy of them that must not become one with it. */
lp_inline void copy_each_register(__u64 *to, const struct pt_regs *from)
{
	__u64 v;

#define COPY(number, name)                                                                         \
	v = from->name;                                                                            \
	lp_opaque(v);                                                                              \
	to[number] = v;
	REGISTERS(COPY)
#undef COPY
}

/* One of them. The verifier wants the offset into ctx to be constant in each load, so the compiler
 * must not make one load of all.
 */
lp_inline __u64 register_of(const struct pt_regs *ctx, __u32 number)
{
	__u64 v = 0;

	switch (number) {
#define PICK(n, name)                                                                              \
	case n:                                                                                    \
		v = ctx->name;                                                                     \
		lp_opaque(v);                                                                      \
		break;
		REGISTERS(PICK)
#undef PICK
	}
	return v;
}

#endif
