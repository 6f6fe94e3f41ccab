// SPDX-License-Identifier: GPL-2.0-only
/* The first look at a condition against the machine that evaluates all of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "probe/kernel.h"
#include "some_world.h"
#include "../../bpf/quick.h"

#define VADDR 0x1234
#define RSI   4

static struct lp_quick quick_of(const struct lp_insn *code, size_t n)
{
	struct lp_quick q = { 0 };

	lp_quick_of(code, n, VADDR, &q);
	return q;
}

#define S4 (4 | LP_SIGNED)
#define CODE(...)                                                                                  \
	(const struct lp_insn[])                                                                   \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}
#define BEGIN	    INSN(TRY, .imm = LP_SLOT_COND, .n = 100)
#define CHECKED	    INSN(CHECK, .a = 1), INSN(GATE), INSN(END)
#define MEMBER(n_)  INSN(LOADM, .dst = 1, .b = RSI, .n = n_, .imm = 8)
#define BY(op, ...) INSN(op, .dst = 1, .a = 1, ##__VA_ARGS__)

static void usual_forms_are_known(void **state)
{
	static const struct {
		const char *what;
		bool known;
		struct lp_insn code[10];
	} rows[] = {
		{ "p->n == 7", true, { BEGIN, MEMBER(S4), BY(EQI, .imm = 7), CHECKED } },
		{ "p->n != 7", true, { BEGIN, MEMBER(S4), BY(EQI, .imm = 7), BY(NOT), CHECKED } },
		{ "p->n", true, { BEGIN, MEMBER(1), CHECKED } },
		{ "!p->n", true, { BEGIN, MEMBER(1), BY(NOT), CHECKED } },
		{ "a->b->c->d",
		  true,
		  { BEGIN, MEMBER(8), BY(LOAD, .n = 8, .imm = 16), BY(LOAD, .n = 2), CHECKED } },
		{ "too long a chain",
		  false,
		  { MEMBER(8), BY(LOAD, .n = 8), BY(LOAD, .n = 8), BY(LOAD, .n = 8), CHECKED } },
		{ "n < 7",
		  true,
		  { INSN(REG, .dst = 1, .b = 5), BY(EXT, .n = S4), BY(LTSI, .imm = 7), CHECKED } },
		{ "p->flags & 4",
		  true,
		  { MEMBER(4), INSN(IMM, .dst = 2, .imm = 4), BY(AND, .b = 2), CHECKED } },
		{ "p->bits == 3",
		  true,
		  { MEMBER(4), BY(BITS, .imm = LP_BITS(3, 5, 1)), BY(EQI, .imm = 3), CHECKED } },
		{ "a variable of the module",
		  true,
		  { INSN(CTX, .dst = 1, .n = LP_CTX_BIAS), BY(ADDI, .imm = 0x4000),
		    BY(LOAD, .n = 4), BY(EQI, .imm = 3), CHECKED } },
		{ "p->n == 7 && more",
		  true,
		  { MEMBER(4), BY(EQI, .imm = 7), INSN(JZ, .a = 1, .n = 4),
		    INSN(REG, .dst = 1, .b = 3), CHECKED } },
		{ "p->n == 7 || more",
		  false,
		  { MEMBER(4), BY(EQI, .imm = 7), INSN(JNZ, .a = 1, .n = 4),
		    INSN(REG, .dst = 1, .b = 3), CHECKED } },
		{ "a mask that is gone",
		  false,
		  { INSN(IMM, .dst = 1, .imm = 4), INSN(REG, .dst = 1, .b = 3), BY(AND, .b = 1),
		    CHECKED } },
		{ "another register",
		  false,
		  { MEMBER(4), INSN(EQI, .dst = 2, .a = 3), INSN(CHECK, .a = 2), INSN(END) } },
		{ "pid == 7",
		  false,
		  { INSN(CTX, .dst = 1, .n = LP_CTX_PID), BY(EQI, .imm = 7), CHECKED } },
		{ "an offset that is no int",
		  false,
		  { INSN(LOADM, .dst = 1, .b = RSI, .n = 8, .imm = 1ull << 32), CHECKED } },
		{ "no condition", false, { INSN(GATE), INSN(END) } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lp_quick q = quick_of(rows[i].code, 10);

		if ((q.test != LP_QUICK_NONE) != rows[i].known)
			fail_msg("%s", rows[i].what);
	}
}

/* Random programs in the compiler's style. */

static const uint8_t sizes[] = { 1, 2, 4, 8, 1 | LP_SIGNED, 2 | LP_SIGNED, S4, 8 | LP_SIGNED };
static const uint64_t numbers[] = { 0, 1, 2, 5, -1ull, -3ull, 127, 0x80, 0xffffffff, 1ull << 63 };

static struct lp_insn some_step(void)
{
	switch (roll() % 12) {
	case 0:
	case 1:
		return BY(LOAD, .n = ONE_OF(sizes), .imm = roll() % 64 - 16);
	case 2:
		return BY(ADDI, .imm = roll() % 64 - 16);
	case 3:
		return BY(EXT, .n = ONE_OF(sizes));
	case 4: {
		unsigned int width = 1 + roll() % 32;

		return BY(BITS, .imm = LP_BITS(roll() % (65 - width), width, roll() % 2));
	}
	case 5:
		return INSN(IMM, .dst = 2, .imm = ONE_OF(numbers));
	case 6:
		return BY(AND, .b = 2);
	case 7:
		return BY(NOT);
	case 8:
		return BY(EQI, .imm = ONE_OF(numbers));
	case 9:
		return BY(LTSI, .imm = ONE_OF(numbers));
	case 10:
		return BY(LTUI, .imm = ONE_OF(numbers));
	default:
		return INSN(MOV, .dst = 1, .a = 1);
	}
}

static size_t some_program(struct lp_insn *code)
{
	size_t n = 0;

	if (roll() % 2)
		code[n++] = INSN(TRY, .imm = LP_SLOT_COND, .n = 14);
	if (roll() % 8 == 0)
		code[n++] = INSN(CTX, .dst = 1, .n = LP_CTX_BIAS);
	else if (roll() % 2)
		code[n++] = INSN(LOADM, .dst = 1, .b = roll() % LP_MACH_REGS, .n = ONE_OF(sizes),
				 .imm = roll() % 64);
	else
		code[n++] = INSN(REG, .dst = 1, .b = roll() % LP_MACH_REGS, .imm = roll() % 64);
	for (size_t more = roll() % 7; more; more--)
		code[n++] = some_step();
	if (roll() % 4 == 0) {
		code[n] = INSN(JZ, .a = 1, .n = (uint32_t)n + 2);
		code[n + 1] = BY(EQI, .imm = ONE_OF(numbers));
		n += 2;
	}
	code[n++] = INSN(CHECK, .a = 1);
	code[n++] = INSN(GATE);
	while (n < 16)
		code[n++] = INSN(END);
	return n;
}

/* Words that point to words, and small numbers. */
static void some_world(void)
{
	some_pages();
	for (unsigned int i = 0; i < sizeof(world.memory); i += 8) {
		uint64_t word = roll() % 4 ? some_address() : ONE_OF(numbers);

		memcpy((uint8_t *)world.memory + i, &word, sizeof(word));
	}
	for (unsigned int i = 0; i < LP_MACH_REGS; i++)
		vm.mach[i] = roll() % 8 ? some_address() : ONE_OF(numbers);
}

static void surely_false_is_false(void **state)
{
	unsigned int known = 0, surely = 0, missed = 0;

	(void)state;
	for (unsigned int i = 0; i < 400000; i++) {
		if (i % 400 == 0)
			some_world();
		memset(world.counts, 0, sizeof(world.counts));
		memset(vm.reg, 0, sizeof(vm.reg));
		world_drain();

		size_t n = some_program(world.code);
		struct lp_quick q = quick_of(world.code, n);
		bool is_false = q.test && lp_quick_false(&q, vm.mach[q.reg], 0);

		world_hit(&(struct lp_site){ .ninsn = (uint32_t)n, .vaddr = VADDR });

		const struct lp_counts *c = &world.counts[0];
		bool really = c->filtered && !c->cond_errors;
		if (is_false && !really)
			fail_msg("program %u is not false", i);
		known += q.test != LP_QUICK_NONE;
		surely += is_false;
		missed += q.test && really && !is_false;
	}
	assert_true(known > 50000);
	assert_true(surely > 10000);
	assert_true(surely > 2 * missed); /* `&&`, and words at the end of what can be read */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usual_forms_are_known),
		cmocka_unit_test(surely_false_is_false),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
