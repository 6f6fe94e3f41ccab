/* SPDX-License-Identifier: GPL-2.0-only */
/* What names and paths mean, static probes, and where a mapping lies. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "native/linetable.h"
#include "native/names.h"
#include "native_program.h"

static void names_match(void **state)
{
	static const struct {
		const char *pattern, *name;
		bool matches;
	} cases[] = {
		{ "f", "f", true },
		{ "f", "ns::f", true },
		{ "::f", "ns::f", false },
		{ "::f", "f", true },
		{ "C::f", "ns::C::f", true },
		{ "C::f", "ns::XC::f", false },
		{ "ns::C::f", "C::f", false },
		{ "f", "f<int>", true },
		{ "f<int>", "f<int>", true },
		{ "f<long>", "f<int>", false },
		{ "C::f", "C<std::vector<int> >::f<a::b>", true },
		{ "C<int>::f", "C<int>::f", true },
		{ "push", "std::vector<int>::push", true },
		{ "operator<", "C::operator<", true },
		{ "operator<<", "C::operator<<", true },
		{ "operator<", "C::operator<<", false },
		{ "operator<", "C<int>::operator<", true },
		{ "operator->", "C<int>::operator->", true },
		{ "operator*", "C::operator*", true },
		{ "operator*", "C::operator*=", false },
		{ "*operator*", "C::operator()", true },
		{ "C::operator?=", "ns::C::operator+=", false },
		{ "http_*", "http_get", true },
		{ "http_*", "ns::http_get", true },
		{ "http_*", "xhttp_get", false },
		{ "ns::*", "ns::C::f", true },
		{ "C::?et", "ns::C::get", false },
		{ "*::?et", "ns::C::get", true },
		{ "*", "anything", true },
		{ "main.handle", "main.handle", true },
		{ "handle", "main.handle", false },
	};

	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(cases); i++) {
		struct lp_name_pattern p;

		lp_name_pattern_init(&p, cases[i].pattern);
		if (lp_name_matches(&p, cases[i].name) != cases[i].matches)
			fail_msg("%s against %s", cases[i].pattern, cases[i].name);
		/* the quick look never loses what the full one would find */
		if (cases[i].matches && !lp_name_could_match(&p, lp_name_last(cases[i].name)))
			fail_msg("%s, last of %s", cases[i].pattern, cases[i].name);
	}
}

static void names_are_near(void **state)
{
	static const struct {
		const char *wanted, *name;
		unsigned int distance;
	} cases[] = {
		{ "total", "Total", 0 },  { "totla", "total", 2 },	  { "handel", "handle", 2 },
		{ "count", "counts", 1 }, { "read", "do_read_it", 3 },	  { "abc", "xyz", 4 },
		{ "f", "g", 4 },	  { "list_resize", "unlink", 4 },
	};

	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(cases); i++)
		if (lp_name_distance(cases[i].wanted, cases[i].name) != cases[i].distance)
			fail_msg("%s, %s: %u", cases[i].wanted, cases[i].name,
				 lp_name_distance(cases[i].wanted, cases[i].name));
}

static void paths_are_normalised(void **state)
{
	static const char *const cases[][2] = {
		{ "/a/b/../c.c", "/a/c.c" },
		{ "/a/./b//c.c", "/a/b/c.c" },
		{ "/../../a.c", "/a.c" },
		{ "../a.c", "../a.c" },
		{ "../../a/../b.c", "../../b.c" },
		{ "a/../../b.c", "../b.c" },
		{ "./build/../src/x.c", "src/x.c" },
		{ "a/..", "" },
		{ "/", "/" },
		{ "/a/..", "/" },
		{ "x", "x" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(cases); i++) {
		char path[64];

		snprintf(path, sizeof(path), "%s", cases[i][0]);
		lp_path_normalise(path);
		assert_string_equal(path, cases[i][1]);
	}
}

/* As <sys/sdt.h> makes them, without it. */
static const char probes_c[] =
	"#define NOTE(label, name, sema, args) __asm__( \\\n"
	"	\".pushsection .note.stapsdt, \\\"\\\", \\\"note\\\"\\n .balign 4\\n\" \\\n"
	"	\".4byte 992f-991f, 994f-993f, 3\\n991: .asciz \\\"stapsdt\\\"\\n992: .balign "
	"4\\n\" \\\n"
	"	\"993: .8byte \" label \", _.stapsdt.base, \" sema \"\\n\" \\\n"
	"	\".asciz \\\"shop\\\"\\n .asciz \\\"\" name \"\\\"\\n .asciz \\\"\" args "
	"\"\\\"\\n\" \\\n"
	"	\"994: .balign 4\\n .popsection\\n\")\n"
	"__asm__(\".pushsection .stapsdt.base, \\\"aG\\\", \\\"progbits\\\", .stapsdt.base, "
	"comdat\\n\"\n"
	"	\"_.stapsdt.base: .space 1\\n .size _.stapsdt.base, 1\\n .popsection\\n\");\n"
	"__attribute__((section(\".probes\"))) unsigned short sold_semaphore;\n"
	"NOTE(\"at_one\", \"sold\", \"sold_semaphore\", \"-4@%edi 8@%rsi\");\n"
	"NOTE(\"at_two\", \"sold\", \"sold_semaphore\", \"-4@$7 8@%rsi\");\n"
	"NOTE(\"at_three\", \"paid\", \"0\", \"\");\n"
	"__asm__(\".globl sell\\n.type sell, @function\\nsell:\\n\"\n"
	"	\"push %rbp\\nat_one: nop\\nmov $5, %eax\\nat_two: nop\\nat_three: nop\\n\"\n"
	"	\"pop %rbp\\nret\\n.size sell, .-sell\\n\");\n"
	"int sell(int, char *);\n"
	"int main(int c, char **v) { return sell(c, v[0]); }\n";

static int probe(const char *name)
{
	const struct lp_location at = {
		.kind = LP_AT_USDT, .text = name, .provider = "shop", .name = name
	};

	return native_program_location(&program, &at);
}

static void static_probes(void **state)
{
	(void)state;
	native_program_write(&program, "probes.c", probes_c);
	for (int pie = 0; pie < 2; pie++) {
		native_program_run(&program, "gcc -g -O1 %s probes.c -o app",
				   pie ? "-pie -fPIE" : "-no-pie");
		native_program_open(&program, "app");
		assert_int_equal(probe("sold"), 0);
		assert_int_equal(program.places.len, 2);
		const struct lp_place *p = program.places.data;
		assert_int_equal(p[0].vaddr, native_program_symbol(&program, "app", "at_one"));
		assert_int_equal(p[1].vaddr, native_program_symbol(&program, "app", "at_two"));
		assert_string_equal(p[0].usdt_args, "-4@%edi 8@%rsi");
		assert_string_equal(p[1].usdt_args, "-4@$7 8@%rsi");
		const uint64_t in_file = native_program_hex(
			&program, "readelf -SW app | sed 's/^ *\\[ *[0-9]*\\]//' | awk '$1 == "
				  "\".probes\" { print $4 }'");
		assert_int_equal(p[0].semaphore, in_file);
		assert_int_equal(probe("paid"), 0);
		assert_int_equal(program.places.data[0].semaphore, 0);
		assert_int_equal(probe("lost"), -ENOENT);
		assert_non_null(strstr(program.err.msg, "there is shop:sold, shop:paid"));
	}
}

static void bias_of_a_mapping(void **state)
{
	(void)state;
	native_program_write(&program, "main.c",
			     "int data = 3;\nint main(void) { return data; }\n");
	for (int pie = 0; pie < 2; pie++) {
		native_program_run(&program, "gcc -g %s main.c -o app",
				   pie ? "-pie -fPIE" : "-no-pie");
		native_program_open(&program, "app");
		const uint64_t main_at = native_program_symbol(&program, "app", "main");
		const uint64_t link_page = main_at & ~UINT64_C(0xfff);
		uint64_t page = native_program_hex(
			&program, "readelf -lW app | awk '/LOAD/ && /R E/ { print $2 }'");
		assert_int_equal(lp_module_bias(program.module, 0x7f5500001000, page),
				 0x7f5500001000 - link_page);
		if (!pie)
			assert_int_equal(lp_module_bias(program.module, link_page, page), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_match),
		cmocka_unit_test(names_are_near),
		cmocka_unit_test(paths_are_normalised),
		cmocka_unit_test_setup_teardown(static_probes, native_setup, native_teardown),
		cmocka_unit_test_setup_teardown(bias_of_a_mapping, native_setup, native_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
