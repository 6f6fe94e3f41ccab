// SPDX-License-Identifier: GPL-2.0-only
#include "expr/emit.h"

#include <string.h>

#define ALL_REGS ((1u << LP_VM_REGS) - 1)

void lp_emit_done(struct lp_emit *e)
{
	lp_vec_done(&e->code);
	lp_vec_done(&e->data);
	*e = (struct lp_emit){ 0 };
}

static void fail(struct lp_emit *e, int status)
{
	if (!e->status)
		e->status = status;
}

uint8_t lp_emit_reg(struct lp_emit *e)
{
	uint32_t unused = ~e->regs & ALL_REGS;

	if (!unused) {
		fail(e, -EMFILE);
		return LP_VM_REGS - 1;
	}

	uint8_t reg = (uint8_t)__builtin_ctz(unused);
	e->regs |= 1u << reg;
	return reg;
}

void lp_emit_release(struct lp_emit *e, uint8_t reg)
{
	e->regs &= ~(1u << reg);
}

size_t lp_emit_op(struct lp_emit *e, struct lp_insn insn)
{
	size_t index = e->code.len;

	if (index >= LP_SITE_CODE_MAX)
		fail(e, -E2BIG);
	else if (lp_vec_push(&e->code, insn) < 0)
		fail(e, -ENOMEM);
	return index;
}

void lp_emit_land(struct lp_emit *e, size_t index)
{
	if (index < e->code.len)
		e->code.data[index].n = (uint32_t)e->code.len;
}

/* Where in the data: the instruction, counted from the data's begin on. Zeroed behind. */
static size_t add_data(struct lp_emit *e, const void *head, size_t head_len, const void *text,
		       size_t len)
{
	const size_t start = e->data.len;
	const size_t words = (head_len + len + sizeof(struct lp_insn) - 1) / sizeof(struct lp_insn);
	const size_t size = words * sizeof(struct lp_insn);

	if (lp_vec_reserve(&e->data, start + size) < 0) {
		fail(e, -ENOMEM);
		return 0;
	}
	if (size)
		memset(e->data.data + start, 0, size);
	if (head_len)
		memcpy(e->data.data + start, head, head_len);
	if (len)
		memcpy(e->data.data + start + head_len, text, len);
	e->data.len += size;
	return start / sizeof(struct lp_insn);
}

void lp_emit_const_string(struct lp_emit *e, uint8_t buffer, const char *s, size_t len)
{
	lp_emit(e, STRK, .dst = buffer, .n = (uint32_t)len, .imm = add_data(e, NULL, 0, s, len));
}

size_t lp_emit_key(struct lp_emit *e, enum lp_op op, uint8_t dst, uint8_t a,
		   const struct lp_py_key *key, const char *text)
{
	const uint64_t at = add_data(e, key, sizeof(*key), text, key->len);

	return lp_emit_op(e, (struct lp_insn){ .op = (uint8_t)op, .dst = dst, .a = a, .imm = at });
}

static int report(int status, struct lp_err *err)
{
	switch (status) {
	case -EMFILE:
		return lp_err_set(err, EINVAL,
				  "too complex: it needs more than %d intermediate values",
				  LP_VM_REGS);
	case -E2BIG:
		return lp_err_set(err, E2BIG, "too long: more than %d instructions",
				  LP_SITE_CODE_MAX);
	default:
		return lp_err_nomem(err);
	}
}

int lp_emit_finish(struct lp_emit *e, struct lp_insn **ret, size_t *ret_n, struct lp_err *err)
{
	size_t n_code = e->code.len;
	size_t n_data = e->data.len / sizeof(struct lp_insn);

	if (n_code + n_data > LP_SITE_CODE_MAX)
		fail(e, -E2BIG);
	if (!e->status && lp_vec_reserve(&e->code, n_code + n_data) < 0)
		fail(e, -ENOMEM);
	if (e->status)
		return report(e->status, err);

	lp_vec_each (&e->code, insn)
		if (lp_op_has_data(insn->op))
			insn->imm += n_code;
	if (n_data)
		memcpy(e->code.data + n_code, e->data.data, e->data.len);

	*ret = lp_take(e->code.data);
	*ret_n = n_code + n_data;
	e->code.len = e->code.cap = 0;
	lp_emit_done(e);
	return 0;
}
