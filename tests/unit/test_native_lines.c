/* SPDX-License-Identifier: GPL-2.0-only */
/* Lines to addresses, in programs compiled here. What is right is known from how they are written,
 * from nm, and from objdump, which reads line tables with code of its own.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "native_program.h"

static const char *const compilers[] = { "gcc", "clang" };

/* How a program can be built; the facts below hold for each. */
static const char *const ways[] = {
	"-O0 -gdwarf-4 -no-pie", "-O0 -gdwarf-5 -pie -fPIE",  "-O2 -gdwarf-4 -pie -fPIE",
	"-O2 -gdwarf-5 -no-pie", "-O2 -gdwarf-5 -gz -no-pie", "-Og -gdwarf-5 -pie -fPIE",
};

static const char plain_c[] =
	"#include <stdio.h>\n"						    /* 1 */
	"volatile int sink;\n"						    /* 2 */
	"__attribute__((noinline)) int add(int a, int b) {\n"		    /* 3 */
	"	sink = a;\n"						    /* 4 */
	"	sink = b;\n"						    /* 5 */
	"\n"								    /* 6 */
	"	return a * b + 7;\n"					    /* 7 */
	"}\n"								    /* 8 */
	"static inline __attribute__((always_inline)) void note(int v) {\n" /* 9 */
	"	sink = v * 3;\n"					    /* 10 */
	"}\n"								    /* 11 */
	"__attribute__((noinline)) void first(int v) {\n"		    /* 12 */
	"	note(v);\n"						    /* 13 */
	"}\n"								    /* 14 */
	"__attribute__((noinline)) void second(int v) {\n"		    /* 15 */
	"	sink = 1;\n"						    /* 16 */
	"	note(v + 1);\n"						    /* 17 */
	"	sink = 2;\n"						    /* 18 */
	"	note(v + 2);\n"						    /* 19 */
	"}\n"								    /* 20 */
	"int main(int argc, char **argv) {\n"				    /* 21 */
	"	first(add(argc, 2));\n"					    /* 22 */
	"	second(argc);\n"					    /* 23 */
	"	return argv == NULL;\n"					    /* 24 */
	"}\n";								    /* 25 */

/* Each place lies in the function, and objdump says that the line is there. */
static void assert_places(const char *file, int line, size_t n, const char *function, bool inlined)
{
	if (native_program_line(&program, file, line) < 0)
		fail_msg("%s", program.err.msg);
	assert_int_equal(program.places.len, n);
	lp_vec_each (&program.places, p) {
		assert_string_equal(p->function, function);
		assert_int_equal(p->inlined, inlined);
		assert_int_equal(p->line, line);
		assert_true(p->function_die != 0);
		native_program_run(
			&program,
			"objdump --dwarf=decodedline app | awk '$2 == %d && $3 == \"0x%lx\"' "
			"| grep -q '^%s '",
			line, (unsigned long)p->vaddr, strrchr(p->file, '/') + 1);
	}
}

static void lines_of_a_plain_program(void **state)
{
	(void)state;
	native_program_write(&program, "plain.c", plain_c);
	for (size_t c = 0; c < LP_ARRAY_SIZE(compilers); c++)
		for (size_t w = 0; w < LP_ARRAY_SIZE(ways); w++) {
			native_program_run(&program, "%s %s plain.c -o app", compilers[c], ways[w]);
			native_program_open(&program, "app");
			assert_places("plain.c", 4, 1, "add", false);
			assert_places("plain.c", 5, 1, "add", false);
			assert_places("plain.c", 3, 1, "add", false);
			assert_int_equal(program.places.data[0].vaddr,
					 native_program_symbol(&program, "app", "add"));
			assert_places("plain.c", 16, 1, "second", false);
			assert_places("plain.c", 10, 3, "note", true);
			assert_places("plain.c", 23, 1, "main", false);
		}
}

static void offset_is_where_the_bytes_are(void **state)
{
	(void)state;
	native_program_write(&program, "plain.c", plain_c);
	native_program_run(&program, "gcc -g -O2 -pie -fPIE plain.c -o app");
	native_program_open(&program, "app");
	assert_places("plain.c", 3, 1, "add", false);

	const struct lp_place *p = &program.places.data[0];
	uint64_t by_objdump = native_program_hex(
		&program, "objdump -d app | awk '/<add>:/ { getline; print $2 $3 $4 $5 }'");
	uint64_t by_offset = native_program_hex(&program, "od -An -tx1 -j %lu -N 4 app | tr -d ' '",
						(unsigned long)p->offset);
	assert_int_equal(by_offset, by_objdump);
}

static void line_without_code_names_the_nearest(void **state)
{
	(void)state;
	native_program_write(&program, "plain.c", plain_c);
	native_program_run(&program, "gcc -g -O0 plain.c -o app");
	native_program_open(&program, "app");
	assert_int_equal(native_program_line(&program, "plain.c", 6), -ESRCH);
	assert_string_equal(program.err.msg, "line 6 of plain.c has no code; nearest: 5, 7");
	assert_int_equal(native_program_line(&program, "plain.c", 1), -ESRCH);
	assert_string_equal(program.err.msg, "line 1 of plain.c has no code; nearest: 3");
	assert_int_equal(native_program_line(&program, "plain.c", 400), -ESRCH);
	assert_string_equal(program.err.msg, "line 400 of plain.c has no code; nearest: 25");
}

static void unknown_file_says_where_one_of_that_name_is(void **state)
{
	(void)state;
	native_program_write(&program, "plain.c", plain_c);
	native_program_run(&program, "gcc -g -O0 plain.c -o app");
	native_program_open(&program, "app");
	assert_int_equal(native_program_line(&program, "lain.c", 3), -ENOENT);
	assert_int_equal(native_program_line(&program, "src/plain.c", 3), -ENOENT);
	assert_non_null(strstr(program.err.msg, "there is /tmp/"));
}

static void two_files_of_one_name_are_an_error(void **state)
{
	(void)state;
	native_program_write(&program, "a/util.c", "int in_a(int v) {\n\treturn v + 1;\n}\n");
	native_program_write(&program, "b/util.c", "int in_b(int v) {\n\treturn v + 2;\n}\n");
	native_program_write(&program, "main.c",
			     "int in_a(int), in_b(int);\n"
			     "int main(int c, char **v) { (void)v; return in_a(c) + in_b(c); }\n");
	native_program_run(&program, "gcc -g -c a/util.c -o a.o && (cd b && clang -g -c util.c) && "
				     "gcc -g main.c a.o b/util.o -o app");
	native_program_open(&program, "app");
	assert_int_equal(native_program_line(&program, "util.c", 2), -EEXIST);
	assert_non_null(strstr(program.err.msg, "/a/util.c"));
	assert_non_null(strstr(program.err.msg, "/b/util.c"));
	assert_places("a/util.c", 2, 1, "in_a", false);
	assert_places("b/util.c", 2, 1, "in_b", false);
}

static void header_in_two_units_is_one_file(void **state)
{
	(void)state;
	native_program_write(&program, "include/twice.h",
			     "static int twice(int v) {\n\treturn v * 2;\n}\n");
	native_program_write(&program, "one.c",
			     "#include \"include/twice.h\"\n"
			     "int one(int v) { return twice(v); }\n");
	native_program_write(&program, "sub/two.c",
			     "#include \"../include/twice.h\"\nint one(int);\n"
			     "int main(int c, char **v) { (void)v; return twice(c) + one(c); }\n");
	for (size_t c = 0; c < LP_ARRAY_SIZE(compilers); c++) {
		native_program_run(&program,
				   "%1$s -g -O0 -c one.c && %1$s -g -O0 -c sub/two.c && "
				   "%1$s one.o two.o -o app",
				   compilers[c]);
		native_program_open(&program, "app");
		assert_places("twice.h", 2, 2, "twice", false);
		assert_places("include/twice.h", 2, 2, "twice", false);
	}
}

static void template_instances_are_all_covered(void **state)
{
	(void)state;
	native_program_write(&program, "tpl.cc",
			     "namespace ns {\n"
			     "template <typename T> struct Box {\n"
			     "	T v;\n"
			     "	__attribute__((noinline)) T get(T by) {\n"
			     "		return v * by;\n" /* 5 */
			     "	}\n"
			     "};\n"
			     "}\n"
			     "int main(int c, char **) {\n"
			     "	ns::Box<int> i{c};\n"
			     "	ns::Box<double> d{1.5};\n"
			     "	return i.get(2) + (int)d.get(3);\n"
			     "}\n");
	for (size_t c = 0; c < 2; c++)
		for (int o = 0; o <= 2; o += 2) {
			native_program_run(&program, "%s -g -O%d tpl.cc -o app",
					   c ? "clang++" : "g++", o);
			native_program_open(&program, "app");
			if (native_program_line(&program, "tpl.cc", 5) < 0)
				fail_msg("%s", program.err.msg);
			assert_int_equal(program.places.len, 2);
			bool of_int = false, of_double = false;
			lp_vec_each (&program.places, p) {
				of_int |= !strcmp(p->function, "ns::Box<int>::get");
				of_double |= !strcmp(p->function, "ns::Box<double>::get");
			}
			assert_true(of_int && of_double);
		}
}

static void for_line_is_reached_at_start_and_after_each_round(void **state)
{
	(void)state;
	native_program_write(&program, "loop.c",
			     "volatile int sink;\n"
			     "int main(int argc, char **argv) {\n"
			     "	for (int i = 0; i < argc * 10; i++)\n" /* 3 */
			     "		sink = i;\n"
			     "	return argv == 0;\n"
			     "}\n");
	for (size_t c = 0; c < LP_ARRAY_SIZE(compilers); c++) {
		native_program_run(&program, "%s -g -O0 loop.c -o app", compilers[c]);
		native_program_open(&program, "app");
		assert_places("loop.c", 3, 2, "main", false);
		assert_places("loop.c", 4, 1, "main", false);
	}
}

/* Built to be entered by a jump to the test, or left by one: still one hit a test. */
static void while_line_is_reached_once_a_test(void **state)
{
	(void)state;
	native_program_write(&program, "while.c",
			     "volatile int sink;\n"
			     "int main(int argc, char **argv) {\n"
			     "	int n = argc * 10;\n"
			     "	while (n) {\n" /* 4 */
			     "		sink = n;\n"
			     "		n--;\n"
			     "	}\n"
			     "	return argv == 0;\n"
			     "}\n");
	for (size_t c = 0; c < LP_ARRAY_SIZE(compilers); c++) {
		native_program_run(&program, "%s -g -O0 while.c -o app", compilers[c]);
		native_program_open(&program, "app");
		assert_places("while.c", 4, 1, "main", false);
		/* the place is where the test begins: it reads n */
		native_program_run(&program, "objdump -d app | grep -E '^ *%lx:.*(cmp|mov)'",
				   (unsigned long)program.places.data[0].vaddr);
	}
}

/* Copies of a loop's body are each reached. */
static void unrolled_copies_are_all_covered(void **state)
{
	(void)state;
	native_program_write(&program, "unroll.c",
			     "volatile int sink;\n"
			     "int main(int argc, char **argv) {\n"
			     "	_Pragma(\"clang loop unroll_count(4)\")\n"
			     "	for (int i = 0; i < 64; i++) {\n"
			     "		sink = argc * i;\n" /* 5 */
			     "		sink = argc + i;\n" /* 6 */
			     "	}\n"
			     "	return argv == 0;\n"
			     "}\n");
	native_program_run(&program, "clang -g -O2 unroll.c -o app");
	native_program_open(&program, "app");
	assert_places("unroll.c", 6, 4, "main", false);
}

/* The arguments are on lines of their own: the call's line comes twice, in one pass. */
static void statement_over_several_lines_is_one_place(void **state)
{
	(void)state;
	native_program_write(&program, "call.c",
			     "int get(int v) { return v; }\n"
			     "int put(int a, int b) { return a + b; }\n"
			     "int main(int argc, char **argv) {\n"
			     "	int r = put(get(argc),\n" /* 4 */
			     "		get(2));\n"
			     "	return argv == 0 ? r : 0;\n"
			     "}\n");
	for (size_t c = 0; c < LP_ARRAY_SIZE(compilers); c++)
		for (int o = 0; o <= 2; o++) {
			native_program_run(&program, "%s -g -O%d -fno-inline call.c -o app",
					   compilers[c], o);
			native_program_open(&program, "app");
			assert_places("call.c", 4, 1, "main", false);
		}
}

/* A function that the linker drops is as long as everything before the code: its rows, which begin
 * at 0, must not be taken for live ones.
 */
static void dropped_functions_are_no_places(void **state)
{
	static const char *const linkers[] = { "-fuse-ld=bfd", "-fuse-ld=lld", "-fuse-ld=gold" };
	char text[16384] = "volatile int sink;\nint dropped(int v) {\n";
	size_t used = strlen(text);

	(void)state;
	for (int i = 0; i < 800; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "sink = v;\n");
	snprintf(text + used, sizeof(text) - used,
		 "return v;\n}\nint main(int c, char **v) {\nsink = c;\nreturn v == 0;\n}\n");
	native_program_write(&program, "drop.c", text);
	for (size_t l = 0; l < LP_ARRAY_SIZE(linkers); l++) {
		if (!native_program_has_tool(strchr(linkers[l], '=') + 1) &&
		    (l == 1 ? !native_program_has_tool("ld.lld")
			    : l == 2 && !native_program_has_tool("ld.gold")))
			continue;
		native_program_run(&program,
				   "clang -g -O0 -ffunction-sections -Wl,--gc-sections %s -pie "
				   "-fPIE drop.c -o app",
				   linkers[l]);
		native_program_open(&program, "app");
		assert_int_equal(native_program_line(&program, "drop.c", 500), -ESRCH);
		assert_places("drop.c", 806, 1, "main", false);
		assert_int_equal(native_program_function(&program, LP_AT_ENTRY, "dropped"),
				 -ENOENT);
	}
}

struct lines_seen {
	int lines[64];
	size_t places[64], n;
};

static int see_line(int line, size_t n_places, void *arg)
{
	struct lines_seen *seen = arg;

	seen->lines[seen->n] = line;
	seen->places[seen->n++] = n_places;
	return 0;
}

static void listed_lines_are_those_that_resolve(void **state)
{
	(void)state;
	native_program_write(&program, "plain.c", plain_c);
	for (size_t w = 0; w < LP_ARRAY_SIZE(ways); w++) {
		struct lines_seen seen = { .n = 0 };
		const char *path = NULL;

		native_program_run(&program, "gcc %s plain.c -o app", ways[w]);
		native_program_open(&program, "app");
		assert_int_equal(lp_module_each_line(program.module, "plain.c", see_line, &seen,
						     &path, &program.err),
				 0);
		assert_non_null(strstr(path, "/plain.c"));
		assert_true(seen.n > 10);
		for (int line = 1, i = 0; line < 30; line++) {
			int r = native_program_line(&program, "plain.c", line);

			if (i < (int)seen.n && seen.lines[i] == line) {
				assert_int_equal(r, 0);
				assert_int_equal(program.places.len, seen.places[i++]);
			} else {
				assert_int_equal(r, -ESRCH);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lines_of_a_plain_program, native_setup,
						native_teardown),
		cmocka_unit_test_setup_teardown(offset_is_where_the_bytes_are, native_setup,
						native_teardown),
		cmocka_unit_test_setup_teardown(line_without_code_names_the_nearest, native_setup,
						native_teardown),
		cmocka_unit_test_setup_teardown(unknown_file_says_where_one_of_that_name_is,
						native_setup, native_teardown),
		cmocka_unit_test_setup_teardown(two_files_of_one_name_are_an_error, native_setup,
						native_teardown),
		cmocka_unit_test_setup_teardown(header_in_two_units_is_one_file, native_setup,
						native_teardown),
		cmocka_unit_test_setup_teardown(template_instances_are_all_covered, native_setup,
						native_teardown),
		cmocka_unit_test_setup_teardown(for_line_is_reached_at_start_and_after_each_round,
						native_setup, native_teardown),
		cmocka_unit_test_setup_teardown(while_line_is_reached_once_a_test, native_setup,
						native_teardown),
		cmocka_unit_test_setup_teardown(unrolled_copies_are_all_covered, native_setup,
						native_teardown),
		cmocka_unit_test_setup_teardown(statement_over_several_lines_is_one_place,
						native_setup, native_teardown),
		cmocka_unit_test_setup_teardown(dropped_functions_are_no_places, native_setup,
						native_teardown),
		cmocka_unit_test_setup_teardown(listed_lines_are_those_that_resolve, native_setup,
						native_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
