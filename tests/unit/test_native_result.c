// SPDX-License-Identifier: GPL-2.0-only
/* Results that compilers leave out, because no caller needs them, must not be shown. */
#include "native_scoped.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "native/scope_die.h"

static const char source[] =
	"#include <stdio.h>\n"
	"#define ALONE static __attribute__((noinline))\n"
	"#define OPAQUE(x) __asm__ volatile(\"\" : \"+r\"(x))\n"
	"struct two { long first, second; };\n"
	"ALONE struct two halved(long n) { OPAQUE(n); return (struct two){ n * 2, n + 1 }; }\n"
	"ALONE struct two both(long n) { OPAQUE(n); return (struct two){ n * 3, n + 2 }; }\n"
	"ALONE int unused(int n) { OPAQUE(n); return n * 3 + 1; }\n"
	"ALONE int used(int n) { OPAQUE(n); return n * 5 + 1; }\n"
	"ALONE int constant(int n) { OPAQUE(n); return 7; }\n"
	"ALONE int recursive(int n) { OPAQUE(n); return n < 2 ? n : recursive(n - 1) + 3; }\n"
	"ALONE int passed_on(int n) { OPAQUE(n); return n * 7 + 5; }\n"
	"ALONE int passing(int n) { OPAQUE(n); return passed_on(n + 1); }\n"
	"int exported(int n) { OPAQUE(n); return n + 9; }\n"
	"int main(int argc, char **argv)\n"
	"{\n"
	"	struct two a = halved(argc), b = both(argc);\n"
	"	printf(\"%ld %ld\\n\", a.first, b.first + b.second);\n"
	"	unused(argc);\n"
	"	exported(argc);\n"
	"	printf(\"%d\\n\", constant(argc));\n"
	"	printf(\"%d\\n\", recursive(argc + 3));\n"
	"	printf(\"%d\\n\", passing(argc));\n"
	"	return used(argc) > 5;\n"
	"}\n";

static bool shown(struct native_scoped *s, const char *function)
{
	struct lp_err err = { 0 };
	struct lp_var v;

	native_scoped_leave(s, function);
	if (s->scope->ops->result(s->scope, &v, &err) < 0)
		fail_msg("%s: %s", function, err.msg);
	struct lp_loc loc = native_scoped_locate(s, &v);
	if (loc.kind == LP_LOC_NONE)
		assert_int_equal(loc.why, LP_ST_UNAVAILABLE);
	return loc.kind != LP_LOC_NONE;
}

static void check_used(struct native_scoped *s)
{
	static const char *const functions[] = { "both",      "used",	 "recursive",
						 "passed_on", "passing", "exported" };

	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
		if (!shown(s, functions[i]))
			fail_msg("$return of %s is lost", functions[i]);
}

static void clang_leaves_out_what_no_caller_needs(void **state)
{
	static const char *const commands[] = { "clang -O2", "clang -O2 -gdwarf-4", "clang -Os",
						"clang -O1 -fno-pie -no-pie" };
	struct native_scoped *s = *state;

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		print_message("%s\n", commands[i]);
		native_scoped_build(s, commands[i], source);
		check_used(s);
		assert_false(shown(s, "unused"));
		assert_false(shown(s, "constant"));
		assert_false(shown(s, "halved"));
	}
}

static void gcc_says_so_in_the_name(void **state)
{
	struct native_scoped *s = *state;

	native_scoped_build(s, "gcc -O2", source);
	check_used(s);
	assert_false(shown(s, "unused"));
	assert_true(shown(s, "constant"));
	assert_true(shown(s, "halved"));
}

static void unoptimized_code_returns_all(void **state)
{
	static const char *const commands[] = { "gcc -O0", "clang -O0" };
	struct native_scoped *s = *state;

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		native_scoped_build(s, commands[i], source);
		check_used(s);
		assert_true(shown(s, "unused"));
		assert_true(shown(s, "constant"));
		assert_true(shown(s, "halved"));
	}
}

/* https://dwarfstd.org/languages.html */
static void languages_newer_than_dwarf_5(void **state)
{
	(void)state;
	assert_true(lp_lang_is_c(0x2c));
	assert_true(lp_lang_is_c(0x3e));
	assert_true(lp_lang_is_cxx(0x2a));
	assert_true(lp_lang_is_cxx(0x2b));
	assert_true(lp_lang_is_cxx(0x3a));
	assert_false(lp_lang_is_c(0x2d));
	assert_false(lp_lang_is_cxx(0x1c));
}

#define scoped(test)                                                                               \
	cmocka_unit_test_setup_teardown(test, native_scoped_setup, native_scoped_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		scoped(clang_leaves_out_what_no_caller_needs),
		scoped(gcc_says_so_in_the_name),
		scoped(unoptimized_code_returns_all),
		cmocka_unit_test(languages_newer_than_dwarf_5),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
