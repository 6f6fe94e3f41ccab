/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/effect.h
 *
 * effect - what an instruction of x86-64 does to the machine, of those after which the next one is
 * executed for certain. Flags and vector registers are left out: no program reads them.
 */
#ifndef LP_NATIVE_EFFECT_H
#define LP_NATIVE_EFFECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/machine.h"

#define LP_EFFECT_STACK_MAX 0x10000 /* bytes that one instruction may move the stack pointer by */

/* Where an operand in memory lies. */
enum lp_operand_at {
	LP_OPERAND_NONE,
	LP_OPERAND_STACK,   /* rsp + offset, as rsp is before the instruction */
	LP_OPERAND_FRAME,   /* rbp + offset: the stack, where rbp is the frame's */
	LP_OPERAND_GLOBAL,  /* a link address: offset */
	LP_OPERAND_THREAD,  /* the thread's own block */
	LP_OPERAND_ANYWHERE /* may be no memory at all */
};

struct lp_effect {
	uint64_t addr;
	uint8_t size;
	bool passes;	 /* goes on to the next one, and all that changes is told here */
	bool is_mark;	 /* endbr64: where calls may arrive, it does nothing else */
	bool traps;	 /* may raise a signal, as arithmetic and a second operand in memory can */
	uint8_t form;	 /* enum lp_form */
	uint32_t writes; /* registers, the stack pointer where `sp` can't be told */
	int32_t sp;	 /* is added to the stack pointer */
	enum lp_operand_at at;
	bool loads, stores;
	int64_t offset;
	uint32_t len; /* bytes of the operand */
};

/* Decodes up to max instructions that begin at vaddr; returns how many there are. */
size_t lp_effects_decode(const uint8_t *code, size_t len, uint64_t vaddr, struct lp_effect *ret,
			 size_t max);

/* The form of an instruction, by its first bytes. */
enum lp_form lp_form_of(const uint8_t *code, size_t len);

#endif
