// SPDX-License-Identifier: GPL-2.0-only
/* What is left of programs, and that they do the same then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/auto.h"
#include "probe/prune.h"

#define MAP	  7 /* descriptor */
#define LEN_MAX	  16
#define STEPS_MAX 200
#define DEPTH_MAX 8

/* Read as they lie there: a byte 0, a byte 1, and 0x11223344 from the eighth on. */
static const unsigned char constants[16] = { 0, 1, [8] = 0x44, 0x33, 0x22, 0x11 };
static const struct lp_known known = { MAP, constants, sizeof(constants) };

#define WIDE(dst, kind, low, high)                                                                 \
	{ BPF_LD | BPF_IMM | BPF_DW, dst, kind, 0, low },                                          \
	{                                                                                          \
		0, 0, 0, 0, high                                                                   \
	}
#define CONSTANTS(dst, at) WIDE(dst, BPF_PSEUDO_MAP_VALUE, MAP, at)
#define LOAD(size, dst, src, o)                                                                    \
	{                                                                                          \
		BPF_LDX | BPF_MEM | size, dst, src, o, 0                                           \
	}
#define ALU(op, dst, n)                                                                            \
	{                                                                                          \
		BPF_ALU64 | op | BPF_K, dst, 0, 0, n                                               \
	}
#define JUMP(op, dst, n, o)                                                                        \
	{                                                                                          \
		BPF_JMP | op | BPF_K, dst, 0, o, n                                                 \
	}
#define GO(o)                                                                                      \
	{                                                                                          \
		BPF_JMP | BPF_JA, 0, 0, o, 0                                                       \
	}
#define CALL(o)                                                                                    \
	{                                                                                          \
		BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, o                                       \
	}
#define EXIT                                                                                       \
	{                                                                                          \
		BPF_JMP | BPF_EXIT, 0, 0, 0, 0                                                     \
	}
#define SET(n) ALU(BPF_MOV, 0, n)

/* Of an array, up to the last EXIT. */
static size_t length_of(const struct bpf_insn *insns)
{
	size_t n = LEN_MAX;

	while (n && insns[n - 1].code != (BPF_JMP | BPF_EXIT))
		n--;
	return n;
}

static const struct {
	const char *what;
	struct bpf_insn before[LEN_MAX], after[LEN_MAX];
} rows[] = {
	{ "a switch that is off",
	  { CONSTANTS(1, 0), LOAD(BPF_B, 1, 1, 0), JUMP(BPF_JNE, 1, 0, 2), SET(1), EXIT, SET(2),
	    EXIT },
	  { CONSTANTS(1, 0), LOAD(BPF_B, 1, 1, 0), SET(1), EXIT } },
	{ "one that is on",
	  { CONSTANTS(1, 0), LOAD(BPF_B, 1, 1, 1), JUMP(BPF_JNE, 1, 0, 2), SET(1), EXIT, SET(2),
	    EXIT },
	  { CONSTANTS(1, 0), LOAD(BPF_B, 1, 1, 1), SET(2), EXIT } },
	{ "a bit",
	  { CONSTANTS(1, 8), LOAD(BPF_DW, 1, 1, 0), ALU(BPF_RSH, 1, 28), ALU(BPF_AND, 1, 1),
	    JUMP(BPF_JEQ, 1, 1, 1), SET(1), EXIT },
	  { CONSTANTS(1, 8), LOAD(BPF_DW, 1, 1, 0), ALU(BPF_RSH, 1, 28), ALU(BPF_AND, 1, 1),
	    EXIT } },
	{ "beyond its end nothing is known",
	  { CONSTANTS(1, 12), LOAD(BPF_DW, 1, 1, 0), JUMP(BPF_JEQ, 1, 0, 1), SET(1), EXIT },
	  { CONSTANTS(1, 12), LOAD(BPF_DW, 1, 1, 0), JUMP(BPF_JEQ, 1, 0, 1), SET(1), EXIT } },
	{ "another map",
	  { WIDE(1, BPF_PSEUDO_MAP_VALUE, MAP + 1, 0), LOAD(BPF_B, 1, 1, 0), JUMP(BPF_JEQ, 1, 0, 1),
	    SET(1), EXIT },
	  { WIDE(1, BPF_PSEUDO_MAP_VALUE, MAP + 1, 0), LOAD(BPF_B, 1, 1, 0), JUMP(BPF_JEQ, 1, 0, 1),
	    SET(1), EXIT } },
	{ "either of two",
	  { SET(1), JUMP(BPF_JEQ, 2, 0, 1), SET(2), JUMP(BPF_JEQ, 0, 1, 1), SET(3), EXIT },
	  { SET(1), JUMP(BPF_JEQ, 2, 0, 1), SET(2), JUMP(BPF_JEQ, 0, 1, 1), SET(3), EXIT } },
	{ "the same on both ways",
	  { SET(1), JUMP(BPF_JEQ, 2, 0, 1), SET(1), JUMP(BPF_JEQ, 0, 1, 1), SET(3), EXIT },
	  { SET(1), JUMP(BPF_JEQ, 2, 0, 1), SET(1), EXIT } },
	{ "a loop that counts",
	  { SET(0), JUMP(BPF_JEQ, 0, 9, 2), ALU(BPF_ADD, 0, 1), GO(-3), EXIT },
	  { SET(0), JUMP(BPF_JEQ, 0, 9, 2), ALU(BPF_ADD, 0, 1), GO(-3), EXIT } },
	{ "what a function gives",
	  { SET(0), CALL(2), JUMP(BPF_JEQ, 0, 0, 0), EXIT, SET(5), EXIT },
	  { SET(0), CALL(2), JUMP(BPF_JEQ, 0, 0, 0), EXIT, SET(5), EXIT } },
	{ "a jump over a jump",
	  { JUMP(BPF_JSGT, 2, 7, 1), GO(2), SET(1), EXIT, SET(2), EXIT },
	  { JUMP(BPF_JSLE, 2, 7, 2), SET(1), EXIT, SET(2), EXIT } },
	{ "one that others go to",
	  { JUMP(BPF_JEQ, 3, 0, 1), JUMP(BPF_JEQ, 2, 7, 1), GO(2), SET(1), EXIT, SET(2), EXIT },
	  { JUMP(BPF_JEQ, 3, 0, 1), JUMP(BPF_JEQ, 2, 7, 1), GO(2), SET(1), EXIT, SET(2), EXIT } },
	{ "a function that nobody calls",
	  { CONSTANTS(1, 0), LOAD(BPF_B, 1, 1, 0), JUMP(BPF_JEQ, 1, 0, 1), CALL(2), CALL(3), EXIT,
	    SET(5), EXIT, SET(6), EXIT },
	  { CONSTANTS(1, 0), LOAD(BPF_B, 1, 1, 0), CALL(1), EXIT, SET(6), EXIT } },
};

static void what_is_left(void **state)
{
	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(rows); i++) {
		struct bpf_insn insns[LEN_MAX];
		struct lp_code c = { .insns = insns, .n = length_of(rows[i].before) };

		memcpy(insns, rows[i].before, sizeof(insns));
		assert_int_equal(lp_prune(&c, &known), 0);
		if (c.n != length_of(rows[i].after) ||
		    memcmp(insns, rows[i].after, c.n * sizeof(*insns)))
			fail_msg("%s: %zu instructions", rows[i].what, c.n);
	}
}

/* The kernel wants a line where each function begins. */
static void functions_and_lines_move(void **state)
{
	struct bpf_insn insns[] = { CONSTANTS(1, 0),
				    LOAD(BPF_B, 1, 1, 0),
				    JUMP(BPF_JEQ, 1, 0, 1),
				    CALL(2),
				    CALL(3),
				    EXIT,
				    SET(5),
				    EXIT,
				    SET(6),
				    EXIT };
	struct bpf_func_info funcs[] = { { 0, 10 }, { 7, 11 }, { 9, 12 } };
	struct bpf_line_info lines[] = {
		{ 0, 1, 1, 1 }, { 3, 1, 1, 2 }, { 4, 1, 1, 3 },
		{ 5, 1, 1, 4 }, { 7, 1, 1, 5 }, { 9, 1, 1, 6 },
	};
	struct lp_code c = { insns, funcs, lines, LP_ARRAY_SIZE(insns), 3, 6 };

	(void)state;
	assert_int_equal(lp_prune(&c, &known), 0);
	assert_int_equal(c.n, 7);
	assert_int_equal(c.n_funcs, 2);
	assert_int_equal(funcs[1].insn_off, 5);
	assert_int_equal(funcs[1].type_id, 12);
	assert_int_equal(c.n_lines, 3);
	assert_int_equal(lines[1].insn_off, 3);
	assert_int_equal(lines[1].line_col, 4);
	assert_int_equal(lines[2].insn_off, 5);
	assert_int_equal(lines[2].line_col, 6);
}

struct machine {
	const struct bpf_insn *insns;
	size_t n;
	uint64_t reg[11];
	size_t back[DEPTH_MAX];
	uint64_t saved[DEPTH_MAX][4];
	unsigned int depth;
};

static uint64_t alu(unsigned int op, uint64_t a, uint64_t b, unsigned int bits)
{
	switch (op) {
	case BPF_ADD:
		return a + b;
	case BPF_SUB:
		return a - b;
	case BPF_AND:
		return a & b;
	case BPF_OR:
		return a | b;
	case BPF_XOR:
		return a ^ b;
	case BPF_LSH:
		return a << (b & bits);
	case BPF_RSH:
		return a >> (b & bits);
	case BPF_MUL:
		return a * b;
	default:
		return b;
	}
}

static bool holds(unsigned int op, uint64_t a, uint64_t b, int64_t sa, int64_t sb)
{
	switch (op) {
	case BPF_JEQ:
		return a == b;
	case BPF_JNE:
		return a != b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	case BPF_JLT:
		return a < b;
	case BPF_JLE:
		return a <= b;
	case BPF_JSGT:
		return sa > sb;
	case BPF_JSGE:
		return sa >= sb;
	case BPF_JSLT:
		return sa < sb;
	case BPF_JSLE:
		return sa <= sb;
	case BPF_JSET:
		return (a & b) != 0;
	default:
		return true;
	}
}

static void compute(struct machine *m, const struct bpf_insn *in)
{
	const bool is_long = BPF_CLASS(in->code) == BPF_ALU64;
	uint64_t b = BPF_SRC(in->code) == BPF_X ? m->reg[in->src_reg] : (uint64_t)(int64_t)in->imm;
	uint64_t a = m->reg[in->dst_reg];

	if (!is_long) {
		a = (uint32_t)a;
		b = (uint32_t)b;
	}
	a = alu(BPF_OP(in->code), a, b, is_long ? 63 : 31);
	m->reg[in->dst_reg] = is_long ? a : (uint32_t)a;
}

/* Where it goes on; SIZE_MAX: the program is over. */
static size_t branch(struct machine *m, size_t i)
{
	const struct bpf_insn *in = &m->insns[i];
	const bool is_long = BPF_CLASS(in->code) == BPF_JMP;
	const uint64_t a = m->reg[in->dst_reg], b = BPF_SRC(in->code) == BPF_X
							    ? m->reg[in->src_reg]
							    : (uint64_t)(int64_t)in->imm;

	if (BPF_OP(in->code) == BPF_EXIT) {
		if (!m->depth)
			return SIZE_MAX;
		memcpy(&m->reg[6], m->saved[--m->depth], sizeof(m->saved[0]));
		return m->back[m->depth];
	}
	if (BPF_OP(in->code) == BPF_CALL) {
		if (m->depth == DEPTH_MAX)
			return SIZE_MAX;
		memcpy(m->saved[m->depth], &m->reg[6], sizeof(m->saved[0]));
		m->back[m->depth++] = i + 1;
		return i + 1 + (size_t)(ptrdiff_t)in->imm;
	}
	if (is_long ? holds(BPF_OP(in->code), a, b, (int64_t)a, (int64_t)b)
		    : holds(BPF_OP(in->code), (uint32_t)a, (uint32_t)b, (int32_t)a, (int32_t)b))
		return i + 1 + (size_t)(ptrdiff_t)in->off;
	return i + 1;
}

/* What it has stored, in what order, and what it gives, as one number. Loads are of constants alone. */
static uint64_t run(struct machine *m)
{
	uint64_t result = 0;
	unsigned int stores = 0;

	for (size_t i = 0; i < m->n && stores < STEPS_MAX;) {
		const struct bpf_insn *in = &m->insns[i];

		switch (BPF_CLASS(in->code)) {
		case BPF_LD:
			m->reg[in->dst_reg] = (uint32_t)in[1].imm;
			i += 2;
			continue;
		case BPF_LDX:
			m->reg[in->dst_reg] = constants[in->off];
			break;
		case BPF_STX:
			result = result * 31 + m->reg[in->src_reg];
			stores++;
			break;
		case BPF_ALU:
		case BPF_ALU64:
			compute(m, in);
			break;
		default:
			i = branch(m, i);
			if (i == SIZE_MAX)
				return result * 31 + m->reg[0];
			continue;
		}
		i++;
	}
	return result;
}

static uint32_t seed = 1;

static unsigned int below(unsigned int n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

#define RANDOM_LEN 40
#define FUNCTION   26 /* begins there */

/* A main program and a function; in both each loop stores, so that it is seen to turn. */
static void random_program(struct bpf_insn *insns)
{
	static const unsigned char ops[] = { BPF_ADD, BPF_SUB, BPF_AND, BPF_OR,	 BPF_XOR,
					     BPF_LSH, BPF_RSH, BPF_MUL, BPF_MOV, BPF_MOV };
	static const unsigned char jumps[] = { BPF_JA,	 BPF_JEQ,  BPF_JNE,  BPF_JGT,
					       BPF_JGE,	 BPF_JLT,  BPF_JLE,  BPF_JSGT,
					       BPF_JSGE, BPF_JSLT, BPF_JSLE, BPF_JSET };

	for (unsigned int i = 0; i < RANDOM_LEN; i++) {
		const unsigned int begin = i < FUNCTION ? 0 : FUNCTION,
				   end = i < FUNCTION ? FUNCTION : RANDOM_LEN, what = below(10);
		struct bpf_insn *in = &insns[i];

		*in = (struct bpf_insn){ .dst_reg = below(10) & 15, .src_reg = below(10) & 15 };
		if (i + 1 == end) {
			*in = (struct bpf_insn)EXIT;
		} else if (what < 4) {
			in->code = (unsigned char)(ops[below(LP_ARRAY_SIZE(ops))] |
						   (below(2) ? BPF_ALU64 : BPF_ALU) |
						   (below(4) ? BPF_K : BPF_X));
			in->imm = (int)below(5) - 2;
		} else if (what < 6 && i + 3 < end) {
			const struct bpf_insn pair[] = { CONSTANTS(5, 0),
							 LOAD(BPF_B, 5, 5, (short)below(2)) };

			memcpy(in, pair, sizeof(pair));
			i += 2;
		} else if (what < 7) {
			*in = (struct bpf_insn){ BPF_STX | BPF_MEM | BPF_DW, 10, below(10) & 15, -8,
						 0 };
		} else if (what < 8 && i < FUNCTION) {
			*in = (struct bpf_insn)CALL((int)(FUNCTION - i) - 1);
		} else {
			in->code = (unsigned char)(jumps[below(LP_ARRAY_SIZE(jumps))] |
						   (below(2) ? BPF_K : BPF_X) | BPF_JMP);
			if (BPF_OP(in->code) != BPF_JA && below(2))
				in->code |= BPF_JMP32;
			in->imm = (int)below(5) - 2;
			in->off = (short)(begin + below(end - begin) - i - 1);
		}
	}
	/* no jump into the middle of a wide one, and none back that stores nothing */
	for (unsigned int i = 0; i < RANDOM_LEN; i++) {
		struct bpf_insn *in = &insns[i];
		const unsigned int to = i + 1 + (unsigned int)in->off;

		if (BPF_CLASS(in->code) != BPF_JMP && BPF_CLASS(in->code) != BPF_JMP32)
			continue;
		if (BPF_OP(in->code) == BPF_CALL || BPF_OP(in->code) == BPF_EXIT)
			continue;
		if ((to <= i && BPF_CLASS(insns[to].code) != BPF_STX) ||
		    (!insns[to].code && to != i))
			in->off = 0;
	}
}

static void they_do_the_same(void **state)
{
	unsigned int shorter = 0;

	(void)state;
	for (unsigned int i = 0; i < 100000; i++) {
		struct bpf_insn insns[RANDOM_LEN], before[RANDOM_LEN];
		struct lp_code c = { .insns = insns, .n = RANDOM_LEN };

		random_program(insns);
		memcpy(before, insns, sizeof(insns));
		assert_int_equal(lp_prune(&c, &known), 0);
		shorter += c.n < RANDOM_LEN;
		for (unsigned int k = 0; k < 4; k++) {
			struct machine a = { .insns = before, .n = RANDOM_LEN }, b;

			for (unsigned int r = 0; r < 10; r++)
				a.reg[r] = (uint64_t)below(5) - 2;
			b = a;
			b.insns = insns;
			b.n = c.n;
			if (run(&a) != run(&b))
				fail_msg("program %u is another one", i);
		}
	}
	assert_true(shorter > 50000);
}

static void odd_ones_are_left_alone(void **state)
{
	struct bpf_insn out[] = { GO(5), EXIT }, wide[] = { EXIT, { BPF_LD | BPF_DW, 0, 0, 0, 0 } };
	struct lp_code c = { .insns = out, .n = 2 };

	(void)state;
	assert_int_equal(lp_prune(&c, &known), 0);
	assert_int_equal(c.n, 2);
	c.insns = wide;
	assert_int_equal(lp_prune(&c, &known), 0);
	assert_int_equal(c.n, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_left),
		cmocka_unit_test(functions_and_lines_move),
		cmocka_unit_test(they_do_the_same),
		cmocka_unit_test(odd_ones_are_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
