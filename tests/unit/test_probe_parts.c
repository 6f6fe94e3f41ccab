// SPDX-License-Identifier: GPL-2.0-only
/* Parts of the machine that a program does not ask for: without them it does what it does with all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "probe/kernel.h"

static uint32_t parts;
#define lp_has(part) (parts & (part))
#include "some_world.h"

#define PROGRAMS 20000
#define LENGTH	 12

static const enum lp_op lean[] = {
	LP_OP_TRY,	 LP_OP_FAIL,	 LP_OP_IMM,	 LP_OP_MOV,	 LP_OP_REG,
	LP_OP_LOAD,	 LP_OP_LOADM,	 LP_OP_BITS,	 LP_OP_EXT,	 LP_OP_CTX,
	LP_OP_ADD,	 LP_OP_MULI,	 LP_OP_AND,	 LP_OP_NOT,	 LP_OP_EQ,
	LP_OP_LTUI,	 LP_OP_CAP_MEM,	 LP_OP_CAP_MEMM, LP_OP_CAP_STR,	 LP_OP_CAP_STRP,
	LP_OP_CAP_STRPM, LP_OP_CAP_STRM, LP_OP_CAP_REG,	 LP_OP_CAP_MACH, LP_OP_CAP_HOLE,
};

/* What is captured is told in captures, so that all that is computed and read shows. */
static size_t some_program(struct lp_insn *code)
{
	static const uint32_t lengths[] = { 1, 4, 8, 9, 64 };
	const size_t kinds = 1 + roll() % LP_ARRAY_SIZE(lean);
	size_t n = 0;

	code[n++] = INSN(GATE);
	code[n++] = INSN(TRY, .imm = 1, .n = LENGTH - 1);
	while (n < LENGTH - 1) {
		const enum lp_op op = lean[roll() % kinds];
		const bool captures = op >= LP_OP_CAP_MEM;

		code[n] = (struct lp_insn){
			.op = (uint8_t)op,
			.dst = roll() % 3,
			.a = roll() % 3,
			.b = roll() % 5,
			.n = captures ? LP_CAP(n, ONE_OF(lengths)) : 1 + roll() % 8,
			.imm = roll() % 64,
		};
		if (op == LP_OP_TRY || op == LP_OP_FAIL)
			code[n].n = LENGTH - 1;
		n++;
	}
	code[n++] = INSN(END);
	return n;
}

/* Registers lead to words that lead to texts. */
static void some_world(void)
{
	some_pages();
	for (unsigned int i = 0; i < sizeof(world.memory); i += 8) {
		const uint64_t text = 0x0067666564636261, /* "abcdefg" */
			at = some_address(), word = roll() % 2 ? at : text;

		memcpy((uint8_t *)world.memory + i, &word, sizeof(word));
	}
	for (unsigned int i = 0; i < LP_MACH_REGS; i++)
		vm.mach[i] = some_address();
}

/* The record of a program, or none; to be freed. */
static uint8_t *record_of(size_t n, uint32_t with, uint32_t *ret_len)
{
	static struct world before;
	uint8_t *record = NULL;

	before = world;
	parts = with;
	memset(vm.reg, 0, sizeof(vm.reg));
	world_hit(&(struct lp_site){ .ninsn = (uint32_t)n });
	*ret_len = world.n_sent ? world.sent_len[0] : 0;
	if (world.n_sent)
		record = world.sent[--world.n_sent];
	world_drain();
	world = before;
	return record;
}

static bool differs(size_t n, uint32_t with)
{
	uint32_t len, other_len;
	uint8_t *all = record_of(n, LP_PARTS_ALL, &len), *some = record_of(n, with, &other_len);
	const bool r = len != other_len || (len && memcmp(all, some, len));

	free(all);
	free(some);
	return r;
}

static void what_is_asked_for_is_enough(void **state)
{
	static const uint32_t each[] = { LP_PART_VALUES, LP_PART_WORDS, LP_PART_COPY,
					 LP_PART_TEXT };
	unsigned int needed[LP_ARRAY_SIZE(each)] = { 0 }, little = 0;

	(void)state;
	for (unsigned int i = 0; i < PROGRAMS; i++) {
		if (i % 100 == 0)
			some_world();

		const size_t n = some_program(world.code);
		const uint32_t asked = lp_parts_of(LP_SITE_PLAIN, world.code, n);

		assert_int_equal(asked & LP_PART_REST, 0);
		if (differs(n, asked))
			fail_msg("program %u differs", i);
		little += asked != LP_PARTS_LEAN;
		for (size_t p = 0; p < LP_ARRAY_SIZE(each); p++)
			if (asked & each[p])
				needed[p] += differs(n, asked & ~each[p]);
	}
	assert_true(little > PROGRAMS / 10);
	for (size_t p = 0; p < LP_ARRAY_SIZE(each); p++)
		assert_true(needed[p] > 100);
}

static void the_rest_is_for_others(void **state)
{
	static const struct lp_insn rows[] = {
		INSN(DIVS),   INSN(MODU),      INSN(F32TOF64), INSN(FLE),     INSN(STRLD),
		INSN(STRHAS), INSN(CAP_STACK), INSN(PY_INT),   INSN(PY_ATTR),
	};

	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(rows); i++)
		if (!(lp_parts_of(LP_SITE_PLAIN, &rows[i], 1) & LP_PART_REST))
			fail_msg("instruction %u", rows[i].op);
	assert_true(lp_parts_of(LP_SITE_ENTER, NULL, 0) & LP_PART_REST);
}

static void conditions_that_are_quick_say_so(void **state)
{
	static const struct lp_insn member[] = {
		INSN(LOADM, .dst = 1, .b = 4, .n = 4),
		INSN(CHECK, .a = 1),
		INSN(END),
	};

	(void)state;
	assert_int_equal(lp_parts_of(LP_SITE_PLAIN, member, LP_ARRAY_SIZE(member)),
			 LP_PART_WORDS | LP_PART_QUICK);
	assert_int_equal(lp_parts_of(LP_SITE_PLAIN, member + 2, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_asked_for_is_enough),
		cmocka_unit_test(the_rest_is_for_others),
		cmocka_unit_test(conditions_that_are_quick_say_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
