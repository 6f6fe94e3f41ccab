// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "expr/emit.h"
#include "expr/uses.h"

struct op_desc {
	const char *name, *operands;
};

static const struct op_desc ops[LP_OP_COUNT] = {
#define OP_DESC(name, operands, effect) [LP_OP_##name] = { #name, operands },
	LP_OPS(OP_DESC)
#undef OP_DESC
};

static const struct {
	uint16_t slot;
	const char *name;
} named_slots[] = {
	{ LP_SLOT_COND, "cond" },	  { LP_SLOT_REGS, "regs" },
	{ LP_SLOT_STACK, "stack" },	  { LP_SLOT_PYSTACK, "pystack" },
	{ LP_SLOT_PYTHREAD, "pythread" }, { LP_SLOT_PYTASK, "pytask" },
	{ LP_SLOT_PYEXC, "pyexc" },	  { LP_SLOT_PYLOCALS, "pylocals" },
	{ LP_SLOT_PYAWAIT, "pyawait" },	  { LP_SLOT_MEM, "mem" },
};

bool lp_op_has_data(uint8_t op)
{
	return op == LP_OP_STRK || (op < LP_OP_COUNT && strchr(ops[op].operands, 'y'));
}

static bool n_is_size(uint8_t op)
{
	return op == LP_OP_LOAD || op == LP_OP_LOADM || op == LP_OP_EXT;
}

static const char *const py_operators[LP_PY_OPERATOR_COUNT] = {
	[LP_PY_EQ] = "==",  [LP_PY_NE] = "!=", [LP_PY_LT] = "<",	[LP_PY_LE] = "<=",
	[LP_PY_GT] = ">",   [LP_PY_GE] = ">=", [LP_PY_ADD] = "+",	[LP_PY_SUB] = "-",
	[LP_PY_MUL] = "*",  [LP_PY_MOD] = "%", [LP_PY_FLOORDIV] = "//", [LP_PY_AND] = "&",
	[LP_PY_OR] = "|",   [LP_PY_XOR] = "^", [LP_PY_SHL] = "<<",	[LP_PY_SHR] = ">>",
	[LP_PY_POW] = "**",
};

/* Those that only a hit with a Python frame can run. */
static bool is_python(uint8_t op)
{
	return op >= LP_OP_PY_INT && op < LP_OP_COUNT;
}

/* Of those, the ones that a hit in native code leaves out where no Python runs. */
static bool is_for_both(uint8_t op)
{
	return op == LP_OP_CAP_PYSTACK || op == LP_OP_CAP_PYLOCALS;
}

static void print_slot(struct lp_buf *b, uint16_t slot)
{
	for (size_t i = 0; i < LP_ARRAY_SIZE(named_slots); i++)
		if (named_slots[i].slot == slot) {
			lp_buf_str(b, named_slots[i].name);
			return;
		}
	lp_buf_fmt(b, "v%u", slot);
}

static void print_number(struct lp_buf *b, const struct lp_insn *insn)
{
	bool is_operator = insn->op == LP_OP_PY_COMPARE || insn->op == LP_OP_PY_ARITH;

	if (n_is_size(insn->op))
		lp_buf_fmt(b, "%c%u", insn->n & LP_SIGNED ? 's' : 'u', insn->n & ~LP_SIGNED);
	else if (is_operator && insn->n < LP_PY_OPERATOR_COUNT)
		lp_buf_str(b, py_operators[insn->n]);
	else if (insn->op == LP_OP_PY_SLICE && insn->n == LP_PY_OPEN)
		lp_buf_char(b, '-');
	else if (insn->op == LP_OP_PY_SLICE)
		lp_buf_fmt(b, "r%u", insn->n);
	else
		lp_buf_fmt(b, "%u", insn->n);
}

static void print_immediate(struct lp_buf *b, const struct lp_insn *insn)
{
	if (insn->op == LP_OP_BITS)
		lp_buf_fmt(b, "%u:%u%s", (unsigned int)(insn->imm & 0xff),
			   (unsigned int)(insn->imm >> 8 & 0xff), insn->imm >> 16 & 1 ? "s" : "u");
	else if (insn->op == LP_OP_TRY)
		print_slot(b, (uint16_t)insn->imm);
	else if (insn->op == LP_OP_CAP_PY || insn->op == LP_OP_CAP_PYEXC ||
		 insn->op == LP_OP_CAP_PYLOCALS)
		lp_buf_fmt(b, "%u,%u,%u", LP_PY_CAPTURE_STRING(insn->imm),
			   LP_PY_CAPTURE_ITEMS(insn->imm), LP_PY_CAPTURE_DEPTH(insn->imm));
	else
		lp_buf_s64(b, (int64_t)insn->imm);
}

static void print_operand(struct lp_buf *b, const struct lp_insn *insn, char letter)
{
	switch (letter) {
	case 'd':
		lp_buf_fmt(b, "r%u", insn->dst);
		break;
	case 'a':
		lp_buf_fmt(b, "r%u", insn->a);
		break;
	case 'b':
		if (insn->op == LP_OP_PY_SLICE && insn->b == LP_PY_OPEN)
			lp_buf_char(b, '-');
		else
			lp_buf_fmt(b, "r%u", insn->b);
		break;
	case 'm':
		lp_buf_fmt(b, "m%u", insn->b);
		break;
	case 'k':
		lp_buf_fmt(b, "k%u", insn->dst);
		break;
	case 't':
		lp_buf_fmt(b, "->%u", insn->n);
		break;
	case 's':
		print_slot(b, LP_CAP_SLOT(insn->n));
		lp_buf_fmt(b, ":%u", LP_CAP_LEN(insn->n));
		break;
	case 'n':
		print_number(b, insn);
		break;
	case 'i':
		print_immediate(b, insn);
		break;
	}
}

static void print_insn(struct lp_buf *b, const struct lp_insn *insn)
{
	const struct op_desc *op = &ops[insn->op];

	lp_buf_str(b, op->name);
	for (const char *letter = op->operands; *letter; letter++) {
		lp_buf_char(b, ' ');
		print_operand(b, insn, *letter);
	}
}

static void print_text(struct lp_buf *b, const char *s, size_t len)
{
	lp_buf_str(b, " \"");
	for (size_t i = 0; i < len; i++)
		if (s[i] >= ' ' && s[i] < 0x7f && s[i] != '"' && s[i] != '\\')
			lp_buf_char(b, s[i]);
		else
			lp_buf_fmt(b, "\\x%02x", (unsigned char)s[i]);
	lp_buf_char(b, '"');
}

static size_t words_of(size_t bytes)
{
	return (bytes + sizeof(struct lp_insn) - 1) / sizeof(struct lp_insn);
}

/* The key at an instruction, if all of it is in the program. */
static const struct lp_py_key *key_at(const struct lp_insn *code, size_t n, uint64_t at)
{
	const struct lp_py_key *key = (const struct lp_py_key *)&code[at];

	return at < n && words_of(key->len) < n - at ? key : NULL;
}

static void print_data(struct lp_buf *b, const struct lp_insn *code, size_t n,
		       const struct lp_insn *insn)
{
	const struct lp_py_key *key;

	if (insn->op == LP_OP_STRK) {
		if (insn->imm <= n && words_of(insn->n) <= n - insn->imm)
			print_text(b, (const char *)&code[insn->imm], insn->n);
		return;
	}
	key = key_at(code, n, insn->imm);
	if (key)
		print_text(b, (const char *)(key + 1), key->len);
}

/* Where the constant data begins. */
static size_t code_end(const struct lp_insn *code, size_t n)
{
	size_t end = n;

	for (size_t i = 0; i < end; i++)
		if (lp_op_has_data(code[i].op) && code[i].imm < end)
			end = code[i].imm;
	return end;
}

uint64_t lp_program_uses(const struct lp_insn *code, size_t n)
{
	size_t end = code_end(code, n);
	uint64_t mask = 0;

	for (size_t i = 0; i < end; i++)
		if (is_python(code[i].op))
			mask |= 1ull << (code[i].op - LP_OP_PY_INT);
	return mask;
}

void lp_program_print(struct lp_buf *b, const struct lp_insn *code, size_t n)
{
	size_t end = code_end(code, n);

	for (size_t i = 0; i < end; i++) {
		lp_buf_fmt(b, "%4zu  ", i);
		if (code[i].op >= LP_OP_COUNT) {
			lp_buf_fmt(b, "?%u\n", code[i].op);
			continue;
		}
		print_insn(b, &code[i]);
		if (lp_op_has_data(code[i].op))
			print_data(b, code, n, &code[i]);
		lp_buf_char(b, '\n');
	}
}

/* Verification: each check returns what is wrong, or NULL. */

static const char *check_operands(const struct lp_insn *insn, size_t at, size_t n)
{
	for (const char *letter = ops[insn->op].operands; *letter; letter++) {
		switch (*letter) {
		case 'd':
			if (insn->dst >= LP_VM_REGS)
				return "no such register to write";
			break;
		case 'a':
			if (insn->a >= LP_VM_REGS)
				return "no such register to read";
			break;
		case 'b':
			if (insn->b >= LP_VM_REGS &&
			    !(insn->op == LP_OP_PY_SLICE && insn->b == LP_PY_OPEN))
				return "no such register to read";
			break;
		case 'm':
			if (insn->b >= LP_MACH_REGS)
				return "no such machine register";
			break;
		case 'k':
			if (insn->dst > 1)
				return "no such string buffer";
			break;
		case 't':
			if (insn->n <= at || insn->n >= n)
				return "jump out of the program or backward";
			break;
		}
	}
	return NULL;
}

static const char *check_capture(const struct lp_insn *insn)
{
	uint16_t slot = LP_CAP_SLOT(insn->n), len = LP_CAP_LEN(insn->n);
	bool is_value = insn->op == LP_OP_CAP_REG || insn->op == LP_OP_CAP_MACH;

	if (slot >= LP_SLOT_MAX && slot != LP_SLOT_MEM)
		return "no such slot";
	if (len > (is_value ? 8 : LP_READ_MAX))
		return "capture too long";
	if (insn->op == LP_OP_CAP_HOLE && (insn->imm == LP_ST_OK || insn->imm >= LP_ST_COUNT))
		return "no such status";
	return NULL;
}

static const char *check_py_capture(const struct lp_insn *insn)
{
	uint16_t slot = LP_CAP_SLOT(insn->n);

	if (LP_CAP_LEN(insn->n) != sizeof(struct lp_py_value))
		return "capture of another length than a value's";
	if (insn->op == LP_OP_CAP_PYTASK ? slot != LP_SLOT_PYTASK : slot >= LP_SLOT_MAX)
		return "no such slot";
	return NULL;
}

static const char *check_exception(const struct lp_insn *insn)
{
	if (LP_CAP_LEN(insn->n) != sizeof(struct lp_py_exc))
		return "capture of another length than an exception's";
	return LP_CAP_SLOT(insn->n) == LP_SLOT_PYEXC ? NULL : "no such slot";
}

/* Operands of Python's operations that are in n. */
static const char *check_python(const struct lp_insn *insn)
{
	switch (insn->op) {
	case LP_OP_PY_SLICE:
		return insn->n < LP_VM_REGS || insn->n == LP_PY_OPEN ? NULL
								     : "no such register to read";
	case LP_OP_PY_COMPARE:
		return insn->n <= LP_PY_GE ? NULL : "no such comparison";
	case LP_OP_PY_ARITH:
		return insn->n >= LP_PY_ADD && insn->n < LP_PY_OPERATOR_COUNT ? NULL
									      : "no such operator";
	case LP_OP_PY_TUPLE:
		return insn->n <= LP_PY_TUPLE_MAX ? NULL : "too many items";
	case LP_OP_PY_WHO:
		return insn->n < LP_PY_WHO_COUNT ? NULL : "nobody is asked for";
	case LP_OP_CAP_PYSTACK:
		return insn->n && insn->n <= LP_RECORD_MAX / sizeof(struct lp_py_frame)
			       ? NULL
			       : "too many frames";
	case LP_OP_CAP_PY:
	case LP_OP_CAP_PYTASK:
		return check_py_capture(insn);
	case LP_OP_CAP_PYEXC:
		return check_exception(insn);
	default:
		return NULL;
	}
}

static const char *check_size(const struct lp_insn *insn)
{
	uint32_t size = insn->n & ~LP_SIGNED;

	return size == 1 || size == 2 || size == 4 || size == 8 ? NULL : "no such size";
}

static const char *check_bits(const struct lp_insn *insn)
{
	uint64_t off = insn->imm & 0xff, width = insn->imm >> 8 & 0xff;

	return width && off + width <= 64 && insn->imm >> 17 == 0 ? NULL : "no such bits";
}

static const char *check_strk(const struct lp_insn *insn, size_t at, size_t n)
{
	if (insn->n > LP_STRBUF_MAX)
		return "string too long";
	/* data of no length may lie at the very end */
	return insn->imm > at && insn->imm <= n && words_of(insn->n) <= n - insn->imm
		       ? NULL
		       : "data out of the program";
}

static const char *check_values(const struct lp_insn *insn, size_t at, size_t n)
{
	switch (insn->op) {
	case LP_OP_LOAD:
	case LP_OP_LOADM:
	case LP_OP_EXT:
		return check_size(insn);
	case LP_OP_BITS:
		return check_bits(insn);
	case LP_OP_CTX:
		return insn->n < LP_CTX_COUNT ? NULL : "no such context";
	case LP_OP_TRY:
		if (insn->n <= at || insn->n >= n)
			return "jump out of the program or backward";
		return insn->imm <= LP_SLOT_COND ? NULL : "no such slot";
	case LP_OP_FAIL:
		return insn->imm != LP_ST_OK && insn->imm < LP_ST_COUNT ? NULL : "no such status";
	case LP_OP_STRLD:
	case LP_OP_MEMLD:
		return insn->n <= LP_STRBUF_MAX ? NULL : "string too long";
	case LP_OP_STRLEN:
		return insn->n <= LP_READ_MAX ? NULL : "string too long";
	case LP_OP_STRK:
		return check_strk(insn, at, n);
	case LP_OP_CAP_STACK:
		return insn->n <= LP_STACK_MAX ? NULL : "stack too long";
	default:
		if (is_python(insn->op))
			return check_python(insn);
		return strchr(ops[insn->op].operands, 's') ? check_capture(insn) : NULL;
	}
}

static const char *check_insn(const struct lp_insn *code, size_t at, size_t n, bool with_python)
{
	const struct lp_insn *insn = &code[at];

	if (insn->op >= LP_OP_COUNT)
		return "no such instruction";
	if (is_python(insn->op) && !is_for_both(insn->op) && !with_python)
		return "only a Python frame has what this reads";
	if (strchr(ops[insn->op].operands, 'y') && (insn->imm <= at || !key_at(code, n, insn->imm)))
		return "constant out of the program";

	const char *wrong = check_operands(insn, at, n);
	return wrong ? wrong : check_values(insn, at, n);
}

static int verify(const struct lp_insn *code, size_t n, bool with_python, struct lp_err *err)
{
	if (n == 0 || n > LP_SITE_CODE_MAX)
		return lp_err_set(err, EINVAL, "program of %zu instructions", n);

	/* jumps go forward, so one pass finds what can be reached; the rest is data */
	bool reached[LP_SITE_CODE_MAX] = { true };

	for (size_t i = 0; i < n; i++) {
		if (!reached[i])
			continue;

		const char *wrong = check_insn(code, i, n, with_python);
		if (wrong)
			return lp_err_set(err, EINVAL, "instruction %zu: %s", i, wrong);
		if (code[i].op == LP_OP_TRY || strchr(ops[code[i].op].operands, 't'))
			reached[code[i].n] = true;
		if (code[i].op == LP_OP_END || code[i].op == LP_OP_JMP || code[i].op == LP_OP_FAIL)
			continue;
		if (i + 1 == n)
			return lp_err_set(err, EINVAL, "instruction %zu: runs off the end", i);
		reached[i + 1] = true;
	}
	return 0;
}

int lp_program_verify(const struct lp_insn *code, size_t n, struct lp_err *err)
{
	return verify(code, n, false, err);
}

int lp_program_verify_python(const struct lp_insn *code, size_t n, struct lp_err *err)
{
	return verify(code, n, true, err);
}
