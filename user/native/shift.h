/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/shift.h
 *
 * shift - which instruction can carry the probe of another one: the cheapest that is equivalent. It is
 * executed exactly when the other one is, and what the program reads is then the same, but for the
 * instruction pointer and the stack pointer, of which is told by how much they differ.
 *
 * Between the two nothing is called, nothing jumps in or out, no register and no memory changes that
 * the program reads. Nor can an instruction fail, as memory elsewhere than on the stack, in the module's own
 * image or in the thread's own block can: a hit would be lost there, or come too soon. Unless somebody
 * takes the hit where it fails: then what is on the way forwards may, if no place is better.
 *
 * Threads' hits keep their order, too, where one thread has told another what it has done. A store that
 * others can see is not passed forwards, but where no probe can be otherwise: they could have their hits
 * before this one has come. Backwards no
 * load is passed of what others can have stored, as this hit would come before theirs. What a function
 * has on its stack is its own until its code gives away an address there.
 */
#ifndef LP_NATIVE_SHIFT_H
#define LP_NATIVE_SHIFT_H

#include "base/machine.h"
#include "lp/limits.h"
#include "native/native.h"

#define LP_SHIFT_MAX 24 /* instructions passed, at most */

/* What is asked. */
struct lp_shift_query {
	uint64_t vaddr; /* where the program belongs */
	const struct lp_reads *reads;
	uint32_t emulated; /* LP_FORM_BIT() */
	bool keeps_stack;  /* the stack pointer must be as it is there: a return address is at it */
	bool may_fail;	   /* where an instruction fails that is passed, the hit is taken there */
	uint64_t from, to; /* only (from, to): what other logpoints have in use lies there */
};

/* An instruction that is passed. */
struct lp_shift_step {
	uint8_t at; /* bytes from the query's address on */
	int16_t sp; /* as that of the probe, where this one is about to be executed */
};

struct lp_shift {
	uint64_t vaddr; /* where the probe goes */
	uint8_t form;	/* enum lp_form, of the instruction there */
	int32_t ip, sp; /* to be added there, for what they are at the query's address */
	/* those passed, from the query's address on, where one of them can fail; none: nothing can */
	uint8_t n_passed;
	struct lp_shift_step passed[LP_SHIFT_MAX];
};

/* The registers that a stack is unwound with from an address on: a bit for each. */
uint32_t lp_shift_stack_regs(struct lp_module *m, uint64_t vaddr);

/* Where a function of Go begins, it looks whether its stack has room and nobody else's turn has come, else it
 * begins once more later: what is to be hit once a call goes behind that. False: this is no such address.
 */
bool lp_shift_past_check(struct lp_module *m, uint64_t vaddr, struct lp_shift *ret);

/* The query's own address where nothing else is better. */
int lp_shift_find(struct lp_module *m, const struct lp_shift_query *q, struct lp_shift *ret,
		  struct lp_err *err);

/* The code from the query's address to its probe, which is behind it. False: it can't be read. */
bool lp_shift_code(struct lp_module *m, const struct lp_shift *at, uint8_t *ret);

/* The same on code that is there, which begins at an instruction and has no others than those that a
 * probe may go to.
 */
struct lp_shift_text {
	const uint8_t *bytes;
	size_t len;
	uint64_t vaddr;
	const uint64_t *arrivals; /* ascending: where control can come from elsewhere */
	size_t n_arrivals;
	bool has_frame;	     /* rbp is the frame's, at the query's address */
	uint64_t kept_until; /* in front of it others can't know of what is on the stack */
	/* Is that memory of the module's image, to be read, or written? */
	bool (*is_image)(void *arg, uint64_t vaddr, uint32_t len, bool written);
	void *arg;
};
void lp_shift_choose(const struct lp_shift_text *code, const struct lp_shift_query *q,
		     struct lp_shift *ret);

#endif
