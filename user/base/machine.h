/* SPDX-License-Identifier: GPL-2.0-only */
/* user/base/machine.h
 *
 * machine - what several folders say of machine code: the forms of instructions that the kernel may
 * emulate at a probe, rather than execute them out of line in a second trap, and what of the machine a
 * program reads. Registers are in DWARF's numbering, as in lp/program.h.
 */
#ifndef LP_BASE_MACHINE_H
#define LP_BASE_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(NAME, name) */
#define LP_FORMS(X)                                                                                \
	X(NOP, "nop")                                                                              \
	X(PUSH, "push")	     /* rax to rdi */                                                      \
	X(PUSH_HIGH, "push") /* r8 to r15 */                                                       \
	X(CALL, "call")                                                                            \
	X(JUMP, "jmp")                                                                             \
	X(BRANCH, "conditional jump")                                                              \
	X(LONG_NOP, "nop") /* of three bytes and more */

enum lp_form {
#define LP_FORM_ENUM(name, text) LP_FORM_##name,
	LP_FORMS(LP_FORM_ENUM)
#undef LP_FORM_ENUM
		LP_FORM_COUNT,
	LP_FORM_OTHER = LP_FORM_COUNT,
	LP_FORM_REFUSED, /* the kernel takes no probe there: a prefix that it doesn't like */
};

#define LP_FORM_BIT(form) (1u << (form))

/* Where it is not known: what kernels have emulated for ten years. */
#define LP_FORMS_USUAL (LP_FORM_BIT(LP_FORM_LONG_NOP) - 1)

#define LP_MACHINE_FRAME 6 /* rbp */
#define LP_MACHINE_STACK 7 /* rsp */
#define LP_MACHINE_IP	 16

#define LP_READS_MAX 32

/* Memory at a register and an offset. */
struct lp_read {
	uint8_t reg;
	int64_t offset;
	uint64_t len;
};

struct lp_reads {
	uint32_t regs; /* a bit for each */
	bool memory;   /* any, beside that in `at` */
	struct lp_read at[LP_READS_MAX];
	size_t n_at;
};

#endif
