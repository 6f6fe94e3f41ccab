// SPDX-License-Identifier: GPL-2.0-only
/* Memory as it will be when the machine code has stored what it has yet to store: numbers, windows of them,
 * and what is copied into a record. The memory is this program's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lp/python.h"

#define WORDS 512 /* to the end of a page */

static uint64_t memory[WORDS] __attribute__((aligned(4096)));

static long lp_mem_read(void *dst, __u32 len, __u64 addr)
{
	if (addr - (uintptr_t)memory > sizeof(memory) - len)
		return -14;
	memcpy(dst, (const void *)(uintptr_t)addr, len);
	return 0;
}

#include "pyvm_world.h"

#define AT(word) ((uint64_t)(uintptr_t)&memory[word])

static struct lp_py_runtime runtime;

static int set_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < WORDS; i++)
		memory[i] = 1000 + i;
	memset(&vm, 0, sizeof(vm));
	lp_pyvm_forget(&vm);
	vm.room = LP_RECORD_MAX;
	vm.py.frame = AT(0);
	runtime = (struct lp_py_runtime){ .layout = { .frame_tags = 1 } };
	pyvm.runtime = &runtime;
	return 0;
}

static struct lp_py_late plain(uint8_t base, int64_t disp, uint8_t from)
{
	return (struct lp_py_late){
		.base = base, .index = LP_PY_NO_REGISTER, .disp = disp, .from = from, .size = 8
	};
}

/* A local as an expression sees it; the status of what can't be. */
static uint64_t local(uint32_t n, long *ret)
{
	vm.py.op = LP_OP_PY_FAST;
	vm.py.n = n;
	*ret = lp_pyvm_op_frame(&vm);
	return *ret < 0 ? 0 : vm.py.out;
}

static void expect(uint32_t n, uint64_t want)
{
	long r;

	assert_int_equal(local(n, &r), want & ~1ull);
	assert_true(r >= 0);
}

static void registers_and_constants(void **state)
{
	struct lp_py_late late = plain(3, 8, 0);

	(void)state;
	vm.mach[3] = AT(1);
	vm.mach[0] = 0x5550;
	late.add = 6;
	lp_late_add(&vm, &late); /* local 2 */
	late = plain(3, 24, LP_PY_NO_REGISTER);
	late.add = 0x7770;
	lp_late_add(&vm, &late); /* local 4 */
	expect(2, 0x5556);
	expect(4, 0x7770);
	expect(1, 1001);
	expect(3, 1003);
	expect(5, 1005);
	expect(40, 1040);
}

/* Where no window can be read. */
static void at_the_end_of_a_page(void **state)
{
	struct lp_py_late late = plain(3, 0, 0);

	(void)state;
	vm.mach[3] = AT(WORDS - 1);
	vm.mach[0] = 0x8880;
	lp_late_add(&vm, &late);
	expect(WORDS - 1, 0x8880);
	expect(WORDS - 2, 1000 + WORDS - 2);
}

/* Two to one place: the later counts. */
static void the_last_one_counts(void **state)
{
	struct lp_py_late late = plain(3, 0, 0);

	(void)state;
	vm.mach[3] = AT(6);
	vm.mach[0] = 0x100;
	vm.mach[1] = 0x200;
	lp_late_add(&vm, &late);
	late.from = 1;
	lp_late_add(&vm, &late);
	expect(6, 0x200);
}

static void addresses_of_all_forms(void **state)
{
	static const struct {
		uint8_t part;
		uint64_t index;
		uint32_t want;
	} cases[] = {
		{ LP_PY_WHOLE, 5, 15 },
		{ LP_PY_BIT, 0xff, 11 },
		{ LP_PY_HALF, 0xabcd0003, 13 },
		{ LP_PY_LOW, 0xabcd00000004, 14 },
		{ LP_PY_SIGNED, 0xfffffffe, 8 },
		{ LP_PY_MINUS, 3, 7 },
		{ LP_PY_SIGNED, 0xffff00000002, 12 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct lp_py_late late = plain(6, 0, 0);

		set_up(NULL);
		vm.mach[6] = AT(10);
		vm.mach[9] = cases[i].index;
		vm.mach[0] = 0xabc0;
		late.index = 9;
		late.shift = 3;
		late.part = cases[i].part;
		lp_late_add(&vm, &late);
		expect(cases[i].want, 0xabc0);
	}
}

static void address_in_memory(void **state)
{
	struct lp_py_late late = plain(7, -8, 0);

	(void)state;
	memory[20] = AT(31);
	vm.mach[7] = AT(18);
	vm.mach[0] = 0xddd0;
	late.flags = LP_PY_LATE_INDIRECT;
	late.base_disp = 16;
	lp_late_add(&vm, &late);
	expect(30, 0xddd0);

	vm.mach[7] = 16; /* not there */
	lp_late_add(&vm, &late);
	long r;
	local(30, &r);
	assert_int_equal(r, -LP_ST_UNAVAILABLE);
}

static void value_in_memory(void **state)
{
	struct lp_py_late late = plain(3, 0, 6);
	long r;

	(void)state;
	memory[50] = 0x9990;
	vm.mach[3] = AT(14);
	vm.mach[6] = AT(48);
	late.add = 16;
	late.flags = LP_PY_LATE_WORD;
	lp_late_add(&vm, &late);
	expect(14, 0x9990);

	vm.mach[6] = 16; /* not there */
	lp_late_add(&vm, &late);
	local(14, &r);
	assert_true(r < 0);
}

/* One value, and then another one on a condition: about a register, a word in memory, the flags. */
static void one_of_two_values(void **state)
{
	static const struct {
		uint8_t left, flags;
		uint64_t mask, right_or, value, want;
	} cases[] = {
		{ 9, LP_PY_LATE_EQUAL, 0xffffffff, 0, 0xff00000000, 0x200 },
		{ 9, LP_PY_LATE_EQUAL, ~0ull, 0, 0xff00000000, 0x100 },
		{ 9, LP_PY_LATE_UNEQUAL, ~0ull, 7, 8, 0x200 },
		{ 9, LP_PY_LATE_UNEQUAL, ~0ull, 7, 7, 0x100 },
		{ 9, LP_PY_LATE_EQUAL | LP_PY_LATE_LEFT_WORD, ~0ull, 1061, AT(62), 0x200 },
		{ 9, LP_PY_LATE_EQUAL | LP_PY_LATE_LEFT_WORD, ~0ull, 1062, AT(62), 0x100 },
		{ LP_PY_FLAGS, LP_PY_LATE_EQUAL, LP_PY_FLAG_ZERO, LP_PY_FLAG_ZERO, 0x246, 0x200 },
		{ LP_PY_FLAGS, LP_PY_LATE_EQUAL, LP_PY_FLAG_ZERO, LP_PY_FLAG_ZERO, 0x206, 0x100 },
	};
	struct lp_py_late late = plain(3, 0, 0), other = plain(3, 0, 1);
	long r;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		set_up(NULL);
		vm.mach[3] = AT(6);
		vm.mach[0] = 0x100;
		vm.mach[1] = 0x200;
		vm.mach[cases[i].left] = cases[i].value;
		other.left = cases[i].left;
		other.left_disp = -8;
		other.flags = cases[i].flags;
		other.mask = cases[i].mask;
		other.right = LP_PY_NO_REGISTER;
		other.right_or = cases[i].right_or;
		lp_late_add(&vm, &late);
		lp_late_add(&vm, &other);
		expect(6, cases[i].want);
	}
	other.flags |= LP_PY_LATE_LEFT_WORD; /* which is not there */
	lp_late_add(&vm, &other);
	local(6, &r);
	assert_true(r < 0);
}

static void half_a_word(void **state)
{
	struct lp_py_late late = plain(3, 4, 0);

	(void)state;
	memory[8] = 0x1111111122222222ull;
	vm.mach[3] = AT(8);
	vm.mach[0] = 0xffffffff33333332;
	late.size = 4;
	lp_late_add(&vm, &late);
	expect(8, 0x3333333222222222ull);

	__u64 v;
	assert_true(lp_pyvm_get(&vm, AT(8) + 4, 4, &v) >= 0);
	assert_int_equal(v, 0x33333332);
}

static void unknown_values_are_hidden(void **state)
{
	struct lp_py_late late = plain(3, 0, 0);
	long r;

	(void)state;
	vm.mach[3] = AT(12);
	late.flags = LP_PY_LATE_UNKNOWN;
	lp_late_add(&vm, &late);
	local(12, &r);
	assert_true(r < 0);
	expect(11, 1011);
	expect(13, 1013);
	assert_int_equal(lp_py_copy(&vm, AT(10), 32, 0), 0);
	assert_int_not_equal(lp_py_copy(&vm, AT(13), 32, 0), 0);
}

static void copies_into_the_record(void **state)
{
	struct lp_py_late late = plain(3, 0, 0);

	(void)state;
	vm.mach[3] = AT(33);
	vm.mach[0] = 0x4444;
	lp_late_add(&vm, &late);
	late.disp = 8 * 20; /* outside */
	lp_late_add(&vm, &late);

	uint32_t at = lp_py_copy(&vm, AT(30), 64, 0);
	assert_int_not_equal(at, 0);
	for (uint32_t i = 0; i < 8; i++)
		assert_int_equal(lp_py_word(&vm, at + i * 8), i == 3 ? 0x4444 : 1030 + i);
	assert_true(lp_py_head(&vm, AT(32)) >= 0);
	assert_int_equal(vm.walk.head[0], 1032);
	assert_int_equal(vm.walk.head[1], 0x4444);
}

static void blind_fetches_show_nothing(void **state)
{
	long r;

	(void)state;
	vm.py.fetched = LP_PY_FETCH_STACK;
	expect(1, 1001);
	vm.py.op = LP_OP_PY_RETURN;
	assert_int_equal(lp_pyvm_op_frame(&vm), -LP_ST_UNAVAILABLE);
	vm.py.fetched = LP_PY_FETCH_BLIND;
	local(1, &r);
	assert_int_equal(r, -LP_ST_UNAVAILABLE);
}

/* A unit that a frame begins with, as 3.13 has it: it is read from the places of all kinds of calls, and by
 * the handler of a RESUME that had to change its code, which executes it again. Each row is a reading, after the one before.
 */
static void calls_from_everywhere_are_hits(void **state)
{
	static const struct {
		uint32_t flags;
		uint64_t ip, version, wanted, tracing;
		int is_hit;
	} rows[] = {
		{ 0, 1, 0, 0, 0, 1 },
		{ 0, 1, 0, 0, 0, 1 },
		{ 0, 2, 0, 0, 0, 1 },
		{ 0, 1, 0, 0, 0, 1 },
		{ LP_PY_SITE_RESUMES, 1, 0x100, 0x100, 0, 1 },
		{ LP_PY_SITE_RESUMES, 2, 0x100, 0x101, 0, 1 }, /* an event is waited for */
		{ LP_PY_SITE_RESUMES, 1, 0x100, 0x100, 0, 1 },
		{ LP_PY_SITE_RESUMES, 1, 0x100, 0x200, 0, 0 }, /* begins to trace */
		{ LP_PY_SITE_RESUMES, 3, 0x200, 0x200, 0, 1 },
		{ LP_PY_SITE_RESUMES, 1, 0x200, 0x200, 0, 1 },
		{ LP_PY_SITE_RESUMES, 1, 0x200, 0x300, 0, 0 }, /* ends to */
		{ LP_PY_SITE_RESUMES, 4, 0x300, 0x300, 0, 1 },
		{ LP_PY_SITE_RESUMES, 1, 0x100, 0x300, 1, 1 }, /* called by who traces */
	};
	const struct lp_py_layout layout = { .minor = 13,
					     .lasti_is_next = 1,
					     .frame_lasti = 56,
					     .tstate_breaker = 0,
					     .tstate_tracing = 8,
					     .code_instrumented = 16 };
	struct lp_pyvm_thread thread = { 0 };

	(void)state;
	memory[7] = AT(100);
	vm.py.tstate = AT(200);
	vm.py.code = AT(300);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		memory[200] = rows[i].wanted;
		memory[201] = rows[i].tracing;
		memory[302] = rows[i].version;
		lp_pyvm_forget(&vm);
		int is_hit =
			lp_pyvm_about_to(&vm, &layout, AT(100), &thread, rows[i].ip, rows[i].flags);
		if (is_hit != rows[i].is_hit)
			fail_msg("reading %zu: %d", i, is_hit);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(registers_and_constants, set_up),
		cmocka_unit_test_setup(at_the_end_of_a_page, set_up),
		cmocka_unit_test_setup(the_last_one_counts, set_up),
		cmocka_unit_test_setup(addresses_of_all_forms, set_up),
		cmocka_unit_test_setup(address_in_memory, set_up),
		cmocka_unit_test_setup(value_in_memory, set_up),
		cmocka_unit_test_setup(one_of_two_values, set_up),
		cmocka_unit_test_setup(half_a_word, set_up),
		cmocka_unit_test_setup(unknown_values_are_hidden, set_up),
		cmocka_unit_test_setup(copies_into_the_record, set_up),
		cmocka_unit_test_setup(blind_fetches_show_nothing, set_up),
		cmocka_unit_test_setup(calls_from_everywhere_are_hits, set_up),
	};

	return cmocka_run_group_tests_name("probe_late", tests, NULL, NULL);
}
