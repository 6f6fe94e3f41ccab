/* SPDX-License-Identifier: GPL-2.0-only */
/* user/expr/emit.h
 *
 * emit - a program being written: instructions and the virtual registers in use.
 * Used by the code generator and by scopes that write the code of a variable's location.
 * Failures (out of memory, registers, LP_SITE_CODE_MAX) are remembered in `status` and reported
 * once by lp_emit_finish().
 */
#ifndef LP_EXPR_EMIT_H
#define LP_EXPR_EMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/vec.h"
#include "lp/program.h"
#include "lp/python.h"

struct lp_emit {
	LP_VEC(struct lp_insn) code;
	LP_VEC(uint8_t) data; /* constant bytes, placed behind the code by lp_emit_finish() */
	uint32_t regs;	      /* bit set of virtual registers in use */
	int status;	      /* 0 or the first -errno */
};

void lp_emit_done(struct lp_emit *e);

/* A free virtual register. Always a valid number; status tells when there was none. */
uint8_t lp_emit_reg(struct lp_emit *e);
void lp_emit_release(struct lp_emit *e, uint8_t reg);

/* Appends an instruction and returns its index. */
size_t lp_emit_op(struct lp_emit *e, struct lp_insn insn);
#define lp_emit(e, OP, ...) lp_emit_op((e), (struct lp_insn){ .op = LP_OP_##OP, __VA_ARGS__ })

/* Makes the jump or TRY at index go to the next instruction. */
void lp_emit_land(struct lp_emit *e, size_t index);

/* STRK of constant bytes into string buffer `buffer`. */
void lp_emit_const_string(struct lp_emit *e, uint8_t buffer, const char *s, size_t len);

/* An instruction with the constant in its imm: PY_STR, PY_BYTES, PY_NAME, PY_GLOBAL, PY_ATTR. The key
 * and the text, key->len bytes, are placed in the data. Returns the instruction's index.
 */
size_t lp_emit_key(struct lp_emit *e, enum lp_op op, uint8_t dst, uint8_t a,
		   const struct lp_py_key *key, const char *text);

/* Is imm the instruction at which constant data lies? Counted from the data's begin on until
 * lp_emit_finish() has placed it.
 */
bool lp_op_has_data(uint8_t op);

/* Hands the finished code over (malloc'ed); -E2BIG, -ENOMEM. */
int lp_emit_finish(struct lp_emit *e, struct lp_insn **ret, size_t *ret_n, struct lp_err *err);

/* One instruction a line, for -v. */
struct lp_buf;
void lp_program_print(struct lp_buf *b, const struct lp_insn *code, size_t n);

/* Registers valid, jumps forward and inside, slots and lengths within limits: what the kernel side
 * would have to check at each hit otherwise. -EINVAL names the instruction.
 */
int lp_program_verify(const struct lp_insn *code, size_t n, struct lp_err *err);
/* The same of the program of a Python site, which alone may have Python's operations. */
int lp_program_verify_python(const struct lp_insn *code, size_t n, struct lp_err *err);

#endif
