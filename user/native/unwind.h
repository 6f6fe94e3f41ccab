/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/unwind.h
 *
 * unwind - who called whom, from the registers of a hit and a copy of its stack: by call frame
 * information (.eh_frame, .debug_frame), without frame pointers and without the process. Copies
 * inlined by the compiler are frames of their own.
 *
 * Never guesses: where the copy ends, where code has no call frame information (compiled at run
 * time) or where a return probe has replaced a return address, the stack is cut and says so.
 *
 * What names an address is remembered by module and link address, so modules must outlive the
 * unwinder or lp_unwinder_clear() comes before one is freed.
 */
#ifndef LP_NATIVE_UNWIND_H
#define LP_NATIVE_UNWIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/err.h"
#include "lp/limits.h"
#include "native/native.h"
#include "native/reader.h"

struct lp_unwinder;

/* Which module is at a run-time address of the process, and its bias (run-time address minus link
 * address); NULL: none.
 */
struct lp_unwind_space {
	struct lp_module *(*find)(void *arg, uint64_t addr, uint64_t *ret_bias);
	void *arg;
	/* Do the frames of the code at addr need no name? Of the innermost it is asked where
	 * asks_first is set; NULL: never.
	 */
	bool (*is_hidden)(void *arg, uint64_t addr);
	bool asks_first;
	/* The DIE of the function that the first instruction is looked at in: what is inlined in it
	 * and begins there too has not been entered yet. 0: the innermost.
	 */
	uint64_t within;
};

struct lp_unwind_frame {
	const char *function; /* readable; NULL: not known */
	const char *file;     /* NULL: not known */
	int line;	      /* 0: not known */
	uint64_t addr;	      /* run-time address of the instruction, or of the return to it */
	const char *module;   /* path of the file; NULL: not of a file */
	bool inlined;	      /* into the next frame */
	/* for lp_unwind_locals() */
	struct lp_unwind_vars *vars; /* NULL: it has no debug information */
	size_t regs;
};

int lp_unwinder_new(struct lp_unwinder **ret, struct lp_err *err);
void lp_unwinder_free(struct lp_unwinder *u);
LP_CLEANUP(struct lp_unwinder *, lp_unwinder_free)
void lp_unwinder_clear(struct lp_unwinder *u);

/* Innermost first, at most max; how many. regs are LP_MACH_REGS in DWARF numbering, the
 * instruction pointer last; stack is len bytes from address sp on. *ret_cut: there are more frames
 * than could be had. Strings live as long as their modules.
 */
size_t lp_unwind(struct lp_unwinder *u, const struct lp_unwind_space *space, const uint64_t *regs,
		 uint64_t sp, const void *stack, size_t len, struct lp_unwind_frame *ret,
		 size_t max, bool *ret_cut);

/* Arguments and locals of a frame of the latest lp_unwind(), whose stack is still there. What lies
 * in a register that a callee may have overwritten is optimized out; what pointers lead to outside
 * of the stack is not known. Names that `redacted` (or NULL) is true for are not shown. All is
 * made in reader->arena; reader->memory is not used. How many.
 */
size_t lp_unwind_locals(struct lp_unwinder *u, const struct lp_unwind_frame *f,
			const struct lp_reader *reader,
			bool (*redacted)(void *arg, const char *name), void *redacted_arg,
			struct lp_named **ret);

#endif
