// SPDX-License-Identifier: GPL-2.0-only
/* Values from bytes and types that are made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/show.h"
#include "native/reader.h"

#define TYPE(k, n, s, ...)                                                                         \
	{                                                                                          \
		.kind = LP_TYPE_##k, .name = n, .size = s, .complete = true, __VA_ARGS__           \
	}

static const struct lp_type t_int = TYPE(INT, "int", 4, .is_signed = true);
static const struct lp_type t_uint = TYPE(INT, "unsigned int", 4);
static const struct lp_type t_byte = TYPE(INT, "unsigned char", 1);
static const struct lp_type t_big = TYPE(INT, "__int128", 16, .is_signed = true);
static const struct lp_type t_char = TYPE(CHAR, "char", 1, .is_signed = true);
static const struct lp_type t_bool = TYPE(BOOL, "bool", 1);
static const struct lp_type t_half = TYPE(FLOAT, "_Float16", 2, .is_signed = true);
static const struct lp_type t_float = TYPE(FLOAT, "float", 4, .is_signed = true);
static const struct lp_type t_x87 = TYPE(FLOAT, "long double", 16, .is_signed = true);
static const struct lp_type t_quad = TYPE(FLOAT, "_Float128", 16, .is_quad = true);
static const struct lp_type t_complex = TYPE(COMPLEX, "complex float", 8, .is_signed = true);
static const struct lp_type t_string = TYPE(POINTER, "char *", 8, .target = &t_char);
static const struct lp_type t_pointer = TYPE(POINTER, "int *", 8, .target = &t_int);
static const struct lp_type t_reference = TYPE(REFERENCE, "int &", 8, .target = &t_int);
static const struct lp_type t_text = TYPE(ARRAY, "char [8]", 8, .target = &t_char, .count = 8);
static const struct lp_type t_row = TYPE(ARRAY, "int [2]", 8, .target = &t_int, .count = 2);
static const struct lp_type t_grid = TYPE(ARRAY, "int [2][2]", 16, .target = &t_row, .count = 2);
static const struct lp_type t_endless =
	TYPE(ARRAY, "int []", 0, .target = &t_int, .count = LP_TYPE_COUNT_UNKNOWN);
static const struct lp_type t_huge =
	TYPE(ARRAY, "int [...]", UINT64_MAX - 3, .target = &t_int, .count = UINT64_MAX / 4);
static const struct lp_type t_void = TYPE(VOID, "void", 0);

static struct lp_enumerator flag_names[] = { { "A", 1 }, { "B", 2 }, { "C", 4 } };
static const struct lp_type t_flags = TYPE(ENUM, "enum flags", 4, .is_flags = true,
					   .enumerators = flag_names, .n_enumerators = 3);
static struct lp_enumerator color_names[] = { { "RED", 0 }, { "BLUE", -3 } };
static const struct lp_type t_color = TYPE(ENUM, "enum color", 4, .is_signed = true,
					   .enumerators = color_names, .n_enumerators = 2);

static struct lp_member base_members[] = { { .name = "id", .type = &t_int } };
static const struct lp_type t_base =
	TYPE(STRUCT, "Base", 4, .members = base_members, .n_members = 1);
static struct lp_member node_members[] = {
	{ .type = &t_base, .is_base = true },
	{ .name = "low", .type = &t_uint, .bit_offset = 32, .bit_size = 3 },
	{ .name = "minus", .type = &t_int, .bit_offset = 35, .bit_size = 5 },
	{ .name = "_vptr", .type = &t_pointer, .is_artificial = true },
	{ .name = "row", .type = &t_row, .bit_offset = 64 },
};
static const struct lp_type t_node =
	TYPE(STRUCT, "Node", 16, .members = node_members, .n_members = 5);

static int read_memory(struct lp_memory *m, uint64_t addr, void *buf, size_t len)
{
	(void)m;
	if (addr != 0x1000 || len > 4)
		return -14;
	memcpy(buf, "\x2a\0\0\0", len);
	return 0;
}

static long read_string(struct lp_memory *m, uint64_t addr, char *buf, size_t max, int *ret_cut)
{
	size_t len = max < 5 ? max : 5;

	(void)m;
	if (addr != 0x2000)
		return -14;
	memcpy(buf, "hello", len);
	*ret_cut = max <= 5;
	return (long)len;
}

static const char *symbol(void *arg, uint64_t addr)
{
	(void)arg;
	return addr == 0x401000 ? "handle" : NULL;
}

static void check_limits(const struct lp_type *type, const struct lp_bytes *bytes, uint32_t items,
			 uint32_t depth, const char *expected)
{
	struct lp_memory memory = { .read = read_memory, .read_string = read_string };
	lp_auto(lp_arena_done) struct lp_arena arena = { 0 };
	lp_auto(lp_buf_done) struct lp_buf text = { 0 };
	struct lp_reader reader = {
		.memory = &memory,
		.arena = &arena,
		.max_string = 8,
		.max_items = items,
		.max_depth = depth,
		.symbol = symbol,
	};
	struct lp_value v;

	lp_read_value(&reader, type, bytes, &v);
	lp_show(&text, &v, false);
	assert_string_equal(text.data, expected);
}

static void check(const struct lp_type *type, const void *data, size_t len, const char *expected)
{
	struct lp_bytes bytes = { .data = data, .len = len, .addr = 0x5000 };

	check_limits(type, &bytes, 32, 3, expected);
}

#define CHECK(type, bytes, expected) check(&(type), bytes, sizeof(bytes) - 1, expected)

static void scalars(void **state)
{
	(void)state;
	CHECK(t_int, "\xfe\xff\xff\xff", "-2");
	CHECK(t_uint, "\xfe\xff\xff\xff", "4294967294");
	CHECK(t_byte, "\xff", "255");
	CHECK(t_char, "A", "'A'");
	CHECK(t_bool, "\1", "true");
	CHECK(t_big, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x80",
	      "-170141183460469231731687303715884105728");
	CHECK(t_big, "\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0", "18446744073709551616");
	CHECK(t_void, "\0", "<void>");
}

static void floats(void **state)
{
	(void)state;
	CHECK(t_half, "\0\x3e", "1.5");
	CHECK(t_float, "\0\0\xc0\x3f", "1.5");
	CHECK(t_x87, "\0\0\0\0\0\0\0\x90\0\x40......", "2.25");
	CHECK(t_x87, "\0\0\0\0\0\0\0\x80\xff\x7f......", "inf");
	CHECK(t_x87, "\0\0\0\0\0\0\0\0\0\x80......", "-0");
	CHECK(t_quad, "\0\0\0\0\0\0\0\0\0\0\0\0\0\x80\xff\x3f", "1.5");
	CHECK(t_complex, "\0\0\x80\x3f\0\0\0\x40", "1 + 2i");
}

static void enums(void **state)
{
	(void)state;
	CHECK(t_color, "\xfd\xff\xff\xff", "BLUE");
	CHECK(t_color, "\7\0\0\0", "(enum color) 7");
	CHECK(t_flags, "\5\0\0\0", "A | C");
	CHECK(t_flags, "\1\0\0\0", "A");
	CHECK(t_flags, "\x11\0\0\0", "(enum flags) 17");
}

static void pointers(void **state)
{
	(void)state;
	CHECK(t_pointer, "\0\0\0\0\0\0\0\0", "NULL");
	CHECK(t_pointer, "\0\x10\x40\0\0\0\0\0", "0x401000 <handle>");
	CHECK(t_string, "\0\x20\0\0\0\0\0\0", "\"hello\"");
	CHECK(t_string, "\x10\0\0\0\0\0\0\0", "<unreadable 0x10>");
	CHECK(t_string, "\0\0\0\0\0\0\0\0", "NULL");
	CHECK(t_reference, "\0\x10\0\0\0\0\0\0", "42");
	CHECK(t_reference, "\0\0\0\0\0\0\0\0", "<unreadable 0x0>");
}

static void arrays_and_structs(void **state)
{
	static const char grid[] = "\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0";
	struct lp_bytes bytes = { .data = grid, .len = 16 };

	(void)state;
	CHECK(t_text, "ab\0cdefg", "\"ab\"");
	CHECK(t_text, "abcdefgh", "\"abcdefgh\"");
	CHECK(t_text, "abc", "\"abc\"...");
	CHECK(t_grid, "\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0", "{{1, 2}, {3, 4}}");
	check_limits(&t_grid, &bytes, 1, 3, "{{1...}...}");
	check_limits(&t_grid, &bytes, 32, 1, "{..., ...}");
	CHECK(t_endless, "\1\0\0\0\2\0\0\0", "{1, 2}");
	CHECK(t_endless, "", "<of unknown size>");
	CHECK(t_node, "\7\0\0\0\xfd\0\0\0\1\0\0\0\2\0\0\0",
	      "{<Base> = {id = 7}, low = 5, minus = -1, row = {1, 2}}");
}

static void what_is_missing_says_why(void **state)
{
	static const struct lp_hole holes[] = { { 0, 4, LP_ST_OPTIMIZED_OUT },
						{ 12, 4, LP_ST_REDACTED } };
	static const char data[] = "....\xfd\0\0\0\1\0\0\0....";
	struct lp_bytes bytes = {
		.data = data, .len = 16, .addr = 0x5000, .holes = holes, .n_holes = 2
	};

	(void)state;
	check_limits(&t_node, &bytes, 32, 3,
		     "{<Base> = {id = <optimized out>}, low = 5, minus = -1, "
		     "row = {1, <redacted>}}");
	CHECK(t_node, "\7\0\0\0\xfd",
	      "{<Base> = {id = 7}, low = 5, minus = -1, row = <truncated>}");
	CHECK(t_int, "ab", "<truncated>");
	CHECK(t_huge, "\1\0\0\0", "{1...}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scalars),
		cmocka_unit_test(floats),
		cmocka_unit_test(enums),
		cmocka_unit_test(pointers),
		cmocka_unit_test(arrays_and_structs),
		cmocka_unit_test(what_is_missing_says_why),
	};

	return cmocka_run_group_tests_name("native_reader", tests, NULL, NULL);
}
