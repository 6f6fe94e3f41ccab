// SPDX-License-Identifier: GPL-2.0-only
/* Bytes of a file at link addresses: those that the program has there, however they are asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "native/module.h"
#include "native_program.h"

#define TABLE (10 * LP_MODULE_BLOCK + 77)

static uint8_t expected[TABLE], found[TABLE + LP_MODULE_BLOCK];

static int setup(void **state)
{
	uint32_t word = 1;

	native_setup(state);
	for (size_t i = 0; i < TABLE; i++)
		expected[i] = (uint8_t)((word = word * 1103515245 + 12345) >> 16);
	return 0;
}

/* A program that has the table; its address. */
static uint64_t open_table(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/table.bin", program.dir);
	lp_auto(lp_fclose) FILE *f = fopen(path, "wbe");
	assert_non_null(f);
	assert_int_equal(fwrite(expected, 1, TABLE, f), TABLE);
	assert_int_equal(fflush(f), 0);
	native_program_write(
		&program, "table.c",
		"__asm__(\".data\\n.globl table\\ntable: .incbin \\\"table.bin\\\"\\n.text\");\n"
		"int main(void) { return 0; }\n");
	native_program_run(&program, "gcc table.c -o app");
	native_program_open(&program, "app");
	return native_program_symbol(&program, "app", "table");
}

static void bytes_are_those_of_the_file(void **state)
{
	static const size_t lengths[] = { 1, 8, 4096, LP_MODULE_BLOCK, LP_MODULE_BLOCK + 1, TABLE };
	const uint64_t table = open_table();

	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(lengths); i++)
		for (size_t at = 0; at + lengths[i] <= TABLE; at += 1021) {
			memset(found, 0, sizeof(found));
			assert_int_equal(
				lp_module_bytes(program.module, table + at, found, lengths[i]),
				lengths[i]);
			assert_memory_equal(found, expected + at, lengths[i]);
		}
}

static void a_file_that_was_cut_has_fewer(void **state)
{
	const uint64_t table = open_table();
	uint64_t offset;
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/app", program.dir);
	assert_int_equal(lp_module_offset(program.module, table, &offset), 0);
	assert_int_equal(truncate(path, (off_t)(offset + 1000)), 0);
	assert_int_equal(lp_module_bytes(program.module, table, found, TABLE), 1000);
	assert_int_equal(lp_module_bytes(program.module, table, found, 2000), 1000);
	assert_memory_equal(found, expected, 1000);
	assert_int_equal(lp_module_bytes(program.module, table + 1000, found, 8), 0);
	assert_int_equal(lp_module_bytes(program.module, table + TABLE + (1u << 30), found, 8), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(bytes_are_those_of_the_file, setup,
						native_teardown),
		cmocka_unit_test_setup_teardown(a_file_that_was_cut_has_fewer, setup,
						native_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
