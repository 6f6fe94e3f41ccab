/* SPDX-License-Identifier: GPL-2.0-only */
/* Functions, offsets and addresses to places, in programs compiled here. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "native_program.h"

static size_t count_inlined(void)
{
	size_t n = 0;

	lp_vec_each (&program.places, p)
		n += p->inlined;
	return n;
}

static void resolve(enum lp_location_kind kind, const char *name, size_t n, size_t inlined)
{
	if (native_program_function(&program, kind, name) < 0)
		fail_msg("%s: %s", name, program.err.msg);
	if (program.places.len != n || count_inlined() != inlined)
		fail_msg("%s: %zu places, %zu inlined", name, program.places.len, count_inlined());
}

static const char classes_cc[] =
	"namespace ns {\n"
	"struct Cart {\n"
	"	int n;\n"
	"	Cart(int v);\n"
	"	__attribute__((noinline)) int total(int by) const;\n"
	"	bool operator<(const Cart &o) const;\n"
	"};\n"
	"Cart::Cart(int v) : n(v) {}\n"	    /* 8 */
	"int Cart::total(int by) const {\n" /* 9 */
	"	return n * by;\n"
	"}\n"
	"bool Cart::operator<(const Cart &o) const { return n < o.n; }\n"
	"namespace {\n"
	"__attribute__((noinline)) int hidden(int v) { return v + 3; }\n"
	"}\n"
	"template <typename T> __attribute__((noinline)) T twice(T v) {\n"
	"	return v + v;\n"
	"}\n"
	"int use(int v) { return hidden(v) + twice(v) + (int)twice(1.5); }\n"
	"}\n"
	"__attribute__((noinline)) int total(int v) { return v; }\n" /* 21 */
	"int main(int c, char **) {\n"
	"	ns::Cart a(c), b(2);\n"
	"	auto again = [c](int v) __attribute__((noinline)) { return v * c; };\n"
	"	return a.total(2) + (a < b) + ns::use(c) + total(c) + again(3);\n"
	"}\n";

static void names_of_cxx(void **state)
{
	static const char *const builds[] = { "g++ -O0 -g", "g++ -O2 -gdwarf-4 -g",
					      "clang++ -O0 -g", "clang++ -O2 -g" };

	(void)state;
	native_program_write(&program, "classes.cc", classes_cc);
	for (size_t i = 0; i < LP_ARRAY_SIZE(builds); i++) {
		native_program_run(&program, "%s classes.cc -o app", builds[i]);
		native_program_open(&program, "app");
		resolve(LP_AT_ENTRY, "ns::Cart::total", 1, 0);
		assert_string_equal(program.places.data[0].function, "ns::Cart::total");
		assert_int_equal(program.places.data[0].line, 9);
		assert_int_equal(program.places.data[0].vaddr,
				 native_program_symbol(&program, "app", "_ZNK2ns4Cart5totalEi"));
		resolve(LP_AT_ENTRY, "Cart::total", 1, 0);
		resolve(LP_AT_ENTRY, "_ZNK2ns4Cart5totalEi", 1, 0);
		resolve(LP_AT_ENTRY, "total", 2, 0);
		resolve(LP_AT_ENTRY, "::total", 1, 0);
		assert_string_equal(program.places.data[0].function, "total");
		resolve(LP_AT_RETURN, "twice", 2, 0);
		resolve(LP_AT_RETURN, "twice<int>", 1, 0);
		assert_string_equal(program.places.data[0].function, "ns::twice<int>");
		resolve(LP_AT_ENTRY, "ns::tw*", 2, 0);
		resolve(LP_AT_ENTRY, "*idde?", 1, 0);
		assert_string_equal(program.places.data[0].function,
				    "ns::(anonymous namespace)::hidden");
		resolve(LP_AT_RETURN, "Cart::operator<", 1, 0);
		assert_int_equal(native_program_function(&program, LP_AT_ENTRY, "art::total"),
				 -ENOENT);
		assert_int_equal(native_program_function(&program, LP_AT_ENTRY, "Cart::totla"),
				 -ENOENT);
		assert_non_null(strstr(program.err.msg, "there is "));
		assert_non_null(strstr(program.err.msg, "ns::Cart::total"));
	}
}

/* What has no symbol is found by the debug information alone, and there short names stand elsewhere than long ones. */
static const char short_cc[] = "volatile int sink;\n"
			       "#define COPIED static inline __attribute__((always_inline)) void\n"
			       "struct Cat {\n"
			       "	COPIED purr() { sink += 2; }\n"
			       "};\n"
			       "template <class... T> struct K {\n"
			       "	COPIED call() { sink += 3; }\n"
			       "};\n"
			       "template <class... T> COPIED q() { sink += 4; }\n"
			       "void first() { Cat::purr(); K<>::call(); }\n";
static const char short_template_cc[] = "#include \"short.cc\"\n"
					"int main() { q(); Cat::purr(); }\n";
static const char short_main_cc[] = "void first(); int main() { first(); }\n";

static void short_names(void **state)
{
	static const char *const builds[] = { "g++ -O2 -g", "g++ -O2 -gdwarf-4 -g",
					      "clang++ -O2 -g" };

	(void)state;
	native_program_write(&program, "short.cc", short_cc);
	native_program_write(&program, "template.cc", short_template_cc);
	native_program_write(&program, "main.cc", short_main_cc);
	for (size_t i = 0; i < LP_ARRAY_SIZE(builds); i++) {
		native_program_run(&program, "%s short.cc main.cc -o app", builds[i]);
		native_program_open(&program, "app");
		resolve(LP_AT_ENTRY, "Cat::purr", 1, 1);
		resolve(LP_AT_ENTRY, "K::call", 1, 1);
		native_program_run(&program, "%s template.cc -o app", builds[i]);
		native_program_open(&program, "app");
		resolve(LP_AT_ENTRY, "q", 1, 1);
		resolve(LP_AT_ENTRY, "Cat::purr", 2, 2);
	}
}

static const char copies_c[] =
	"volatile int sink;\n"
	"static inline __attribute__((always_inline)) void note(int v) { sink = v * 3; }\n"
	"inline __attribute__((always_inline)) void both(int v) { sink = v * 5; }\n"
	"extern inline void both(int v);\n"
	"void (*kept)(int) = both;\n"
	"__attribute__((noinline)) void first(int v) { note(v); both(v); }\n"
	"__attribute__((noinline)) void second(int v) { note(v); both(v); note(v + 1); }\n"
	"int main(int c, char **v) { first(c); second(c); return v == 0; }\n";

static void inlined_copies_are_entries_without_return(void **state)
{
	static const char *const builds[] = { "gcc -O2 -g", "clang -O2 -g", "gcc -O0 -g",
					      "clang -O1 -gdwarf-4 -g" };

	(void)state;
	native_program_write(&program, "copies.c", copies_c);
	for (size_t i = 0; i < LP_ARRAY_SIZE(builds); i++) {
		native_program_run(&program, "%s copies.c -o app", builds[i]);
		native_program_open(&program, "app");
		resolve(LP_AT_ENTRY, "note", 3, 3);
		resolve(LP_AT_ENTRY, "both", 3, 2);
		resolve(LP_AT_CALL, "both", 1, 0);
		assert_int_equal(program.n_inlined, 2);
		assert_int_equal(native_program_function(&program, LP_AT_RETURN, "note"), -ENOENT);
		assert_non_null(strstr(program.err.msg, "only inlined copies (3)"));
	}
}

/* Clones for constant arguments have the name of the function. */
static void clones_are_covered(void **state)
{
	(void)state;
	native_program_write(
		&program, "clone.c",
		"volatile int sink;\n"
		"static __attribute__((noinline)) int work(int a, int *p, int mode) {\n"
		"	for (int i = 0; i < mode; i++) sink += a * *p;\n"
		"	return a + *p + mode;\n"
		"}\n"
		"int one(int v) { return work(v, &v, 3); }\n"
		"int two(int v) { return work(v, &v, 3) + work(v + 1, &v, 3); }\n"
		"int main(int c, char **v) { return one(c) + two(c) + (v == 0); }\n");
	native_program_run(&program, "gcc -O2 -g clone.c -o app && nm app | grep -q 'work[.]'");
	native_program_open(&program, "app");
	resolve(LP_AT_RETURN, "work", 1, 0);
	assert_string_equal(program.places.data[0].function, "work");

	native_program_run(&program, "strip -g app");
	native_program_open(&program, "app");
	resolve(LP_AT_RETURN, "work", 1, 0);
	assert_int_equal(program.places.data[0].function_die, 0);
}

/* The head of a split function is inlined in its callers; the rest is not entered by itself. */
static void split_function_is_entered_once(void **state)
{
	(void)state;
	native_program_write(
		&program, "part.c",
		"#include <stdio.h>\n"
		"#include <stdlib.h>\n"
		"int fill(int v) {\n"
		"	if (__builtin_expect(v < 3, 1)) return v;\n"
		"	for (int i = 0; i < v; i++) printf(\"%d %s\\n\", v, getenv(\"A\"));\n"
		"	puts(\"1\"); puts(\"2\"); puts(\"3\"); puts(\"4\"); puts(\"5\");\n"
		"	return v * 2;\n"
		"}\n"
		"int a(int v) { return fill(v) + 1; }\n"
		"int b(int v) { return fill(v) + fill(v + 1); }\n"
		"int main(int c, char **v) { return a(c) + b(c) + (v == 0); }\n");
	native_program_run(&program, "gcc -O2 -g part.c -o app");
	native_program_open(&program, "app");
	if (native_program_function(&program, LP_AT_ENTRY, "fill") < 0)
		fail_msg("%s", program.err.msg);
	uint64_t rest = native_program_hex(
		&program, "nm app | awk '/fill[.]part/ { print $1 } END { print 1 }'");
	lp_vec_each (&program.places, p)
		assert_true(p->vaddr != rest);
	assert_true(program.places.len >= 2);
}

static void functions_without_debug_information(void **state)
{
	(void)state;
	native_program_write(&program, "classes.cc", classes_cc);
	native_program_run(&program, "g++ -O2 classes.cc -o app");
	native_program_open(&program, "app");
	assert_false(lp_module_has_dwarf(program.module, NULL));
	resolve(LP_AT_ENTRY, "ns::Cart::total", 1, 0);
	assert_string_equal(program.places.data[0].function, "ns::Cart::total");
	assert_int_equal(program.places.data[0].function_die, 0);
	resolve(LP_AT_ENTRY, "Cart::total", 1, 0);
	resolve(LP_AT_ENTRY, "twice", 2, 0);
	resolve(LP_AT_ENTRY, "twice<int>", 1, 0);
	resolve(LP_AT_ENTRY, "ma*n", 1, 0);
	assert_int_equal(native_program_function(&program, LP_AT_ENTRY, "printf"), -ENOENT);
	assert_int_equal(native_program_line(&program, "classes.cc", 9), -ENOENT);
	assert_non_null(strstr(program.err.msg, "no debug information"));
}

static void assembly_beside_c(void **state)
{
	(void)state;
	native_program_write(&program, "fast.s",
			     ".text\n.globl fast\n.type fast, @function\nfast:\n"
			     "	lea 1(%rdi), %rax\n	ret\n.size fast, .-fast\n"
			     ".section .note.GNU-stack,\"\",@progbits\n");
	native_program_write(&program, "main.c",
			     "long fast(long);\nint main(int c, char **v) {\n"
			     "	return (int)fast(c) + (v == 0);\n}\n");
	native_program_run(&program, "gcc -g -O2 main.c fast.s -o app");
	native_program_open(&program, "app");
	resolve(LP_AT_CALL, "fast", 1, 0);
	assert_int_equal(program.places.data[0].vaddr,
			 native_program_symbol(&program, "app", "fast"));
	resolve(LP_AT_CALL, "main", 1, 0);
}

static void choice_at_load_time_is_refused(void **state)
{
	(void)state;
	native_program_write(&program, "ifunc.c",
			     "static int fill_slow(int v) { return v; }\n"
			     "static int fill_fast(int v) { return v + 1; }\n"
			     "static int (*choose(void))(int) {\n"
			     "	return &choose ? fill_fast : fill_slow;\n}\n"
			     "int fill(int v) __attribute__((ifunc(\"choose\")));\n"
			     "int main(int c, char **v) { return fill(c) + (v == 0); }\n");
	native_program_run(&program, "gcc -g -O0 ifunc.c -o app");
	native_program_open(&program, "app");
	assert_int_equal(native_program_function(&program, LP_AT_ENTRY, "fill"), -ENOENT);
	assert_non_null(strstr(program.err.msg, "chosen among several"));
	assert_non_null(strstr(program.err.msg, "fill_slow, fill_fast"));
	resolve(LP_AT_ENTRY, "fill_fast", 1, 0);
}

static int at_offset(const char *name, uint64_t offset)
{
	const struct lp_location at = {
		.kind = LP_AT_OFFSET, .text = name, .name = name, .offset = offset
	};

	return native_program_location(&program, &at);
}

static int at_address(uint64_t address)
{
	const struct lp_location at = { .kind = LP_AT_ADDRESS, .text = "0x", .offset = address };

	return native_program_location(&program, &at);
}

static void only_the_start_of_an_instruction_will_do(void **state)
{
	(void)state;
	native_program_write(&program, "known.c",
			     "int known(void);\n"
			     "__asm__(\".globl known\\n.type known, @function\\nknown:\\n\"\n"
			     "	\"push %rbp\\n mov $5, %eax\\n pop %rbp\\n ret\\n\"\n"
			     "	\".size known, .-known\\n\");\n"
			     "int object = 3;\n"
			     "int main(void) { return known() + object; }\n");
	native_program_run(&program, "gcc -g -O1 known.c -o app");
	native_program_open(&program, "app");

	const uint64_t known = native_program_symbol(&program, "app", "known");
	static const bool boundary[] = { true, true, false, false, false, false, true, true };
	for (size_t i = 0; i < LP_ARRAY_SIZE(boundary); i++) {
		assert_int_equal(at_offset("known", i), boundary[i] ? 0 : -EINVAL);
		assert_int_equal(at_address(known + i), boundary[i] ? 0 : -EINVAL);
		if (boundary[i])
			assert_int_equal(program.places.data[0].vaddr, known + i);
		else
			assert_non_null(strstr(program.err.msg, "is inside the instruction at 0x"));
	}
	assert_int_equal(at_offset("known", 8), -EINVAL);
	assert_non_null(strstr(program.err.msg, "only 8 bytes"));
	assert_int_equal(at_address(native_program_symbol(&program, "app", "object")), -EINVAL);
	assert_int_equal(at_address(UINT64_MAX), -EINVAL);
}

/* Link-time optimisation leaves symbols in .debug_info, whose values look like addresses of code. */
static void symbols_of_what_is_not_loaded_are_no_functions(void **state)
{
	(void)state;
	native_program_write(&program, "lto.c",
			     "__asm__(\".pushsection .offsets,\\\"\\\",@progbits\\n\"\n"
			     "	\".skip 0x401000\\n\"\n"
			     "	\".macro each\\nodd\\\\@:\\n.byte 0\\n.endm\\n\"\n"
			     "	\".rept 4096\\neach\\n.endr\\n.popsection\\n\");\n"
			     "int main(int c, char **v) {\n"
			     "	long n = c * 123456789L;\n" /* 6 */
			     "	return (int)(n >> 7) + !v;\n"
			     "}\n");
	native_program_run(&program, "gcc -g -O0 -no-pie lto.c -o app");
	native_program_open(&program, "app");

	const uint64_t start = native_program_symbol(&program, "app", "main");
	assert_in_range(start, 0x401000, 0x401000 + 4000);
	for (int line = 5; line <= 8; line++)
		if (native_program_line(&program, "lto.c", line) < 0)
			fail_msg("line %d: %s", line, program.err.msg);
	resolve(LP_AT_ENTRY, "main", 1, 0);
	assert_int_equal(native_program_function(&program, LP_AT_ENTRY, "odd77"), -ENOENT);
	/* push %rbp is one byte, mov %rsp,%rbp three */
	assert_int_equal(at_offset("main", 1), 0);
	assert_int_equal(at_offset("main", 2), -EINVAL);
}

struct seen {
	size_t n, inlined_only, in_dwarf;
	const char *names[64];
};

static int see(const struct lp_function_info *f, void *arg)
{
	struct seen *s = arg;

	assert_true(s->n < LP_ARRAY_SIZE(s->names));
	s->inlined_only += f->inlined_only;
	s->in_dwarf += f->has_dwarf;
	s->names[s->n++] = f->name;
	return 0;
}

static void declared_elsewhere_is_said(void **state)
{
	(void)state;
	native_program_write(&program, "decl.c",
			     "int getpid(void);\n"
			     "int main(int c, char **v) { return getpid() + c + (v == 0); }\n");
	native_program_run(&program, "gcc -g -O2 decl.c -o app");
	native_program_open(&program, "app");
	assert_int_equal(native_program_function(&program, LP_AT_ENTRY, "getpid"), -ENOENT);
	assert_non_null(strstr(program.err.msg, "is declared, but has no code in"));
}

static void list_of_functions(void **state)
{
	struct seen s = { 0 };

	(void)state;
	native_program_write(&program, "copies.c", copies_c);
	native_program_run(&program, "gcc -O2 -g copies.c -o app");
	native_program_open(&program, "app");
	assert_int_equal(lp_module_each_function(program.module, see, &s, &program.err), 0);
	assert_int_equal(s.in_dwarf, 5); /* both, first, main, note, second */
	assert_int_equal(s.inlined_only, 1);
	assert_true(s.n > s.in_dwarf); /* _start and the like */
	for (size_t i = 1; i < s.n; i++)
		assert_true(strcmp(s.names[i - 1], s.names[i]) < 0);
}

static void symbol_of_an_address(void **state)
{
	uint64_t offset = 0;

	(void)state;
	native_program_write(&program, "classes.cc", classes_cc);
	native_program_run(&program, "g++ -g -O0 classes.cc -o app");
	native_program_open(&program, "app");
	const uint64_t at = native_program_symbol(&program, "app", "_ZNK2ns4Cart5totalEi");
	assert_string_equal(lp_module_symbol(program.module, at + 4, &offset), "ns::Cart::total");
	assert_int_equal(offset, 4);
	assert_null(lp_module_symbol(program.module, 1, &offset));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(names_of_cxx, native_setup, native_teardown),
		cmocka_unit_test_setup_teardown(short_names, native_setup, native_teardown),
		cmocka_unit_test_setup_teardown(inlined_copies_are_entries_without_return,
						native_setup, native_teardown),
		cmocka_unit_test_setup_teardown(clones_are_covered, native_setup, native_teardown),
		cmocka_unit_test_setup_teardown(split_function_is_entered_once, native_setup,
						native_teardown),
		cmocka_unit_test_setup_teardown(functions_without_debug_information, native_setup,
						native_teardown),
		cmocka_unit_test_setup_teardown(assembly_beside_c, native_setup, native_teardown),
		cmocka_unit_test_setup_teardown(choice_at_load_time_is_refused, native_setup,
						native_teardown),
		cmocka_unit_test_setup_teardown(only_the_start_of_an_instruction_will_do,
						native_setup, native_teardown),
		cmocka_unit_test_setup_teardown(symbols_of_what_is_not_loaded_are_no_functions,
						native_setup, native_teardown),
		cmocka_unit_test_setup_teardown(declared_elsewhere_is_said, native_setup,
						native_teardown),
		cmocka_unit_test_setup_teardown(list_of_functions, native_setup, native_teardown),
		cmocka_unit_test_setup_teardown(symbol_of_an_address, native_setup,
						native_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
