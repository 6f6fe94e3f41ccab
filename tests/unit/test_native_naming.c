/* SPDX-License-Identifier: GPL-2.0-only */
/* Units that can have a function are told from the bytes of .debug_info where it is not compressed: whatever is asked
 * for, the answer is that of the same program with compression, where all units are walked.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "native/mention.h"
#include "native_program.h"

static struct native_program program;

static const char shape_h[] =
	"namespace geo {\n"
	"struct Shape { Shape(int s); virtual ~Shape(); int area(int k); int size; static int "
	"count(); };\n"
	"template <class T> struct Box { T v; int get(int k) { return k + (int)sizeof(v); } };\n"
	"struct Out { struct In { int deep(int k); }; In in; };\n"
	"inline int twice(int v) { return v * 2; }\n"
	"inline int min(int a, int b) { return a < b ? a : b; }\n"
	"int never(int v);\n"
	"}\n"
	"struct Other { int area(int k); };\n"
	"int area(int k);\n"
	"int use(geo::Shape &s, int k);\n";
static const char one_cc[] =
	"#include \"shape.h\"\n"
	"namespace geo {\n"
	"__attribute__((noinline)) Shape::Shape(int s) : size(s) {}\n"
	"__attribute__((noinline)) Shape::~Shape() {}\n"
	"__attribute__((noinline)) int Shape::area(int k) { return size * k + min(k, size); }\n"
	"__attribute__((noinline)) int Shape::count() { static int n; return ++n; }\n"
	"__attribute__((noinline)) int Out::In::deep(int k) { return k ^ 3; }\n"
	"}\n";
static const char two_cc[] =
	"#include \"shape.h\"\n"
	"namespace { __attribute__((noinline)) int hidden(int v) { return v + 7; } }\n"
	"__attribute__((noinline)) int Other::area(int k) { return k * 5; }\n"
	"__attribute__((noinline)) int area(int k) { return k * 11; }\n"
	"__attribute__((noinline)) int use(geo::Shape &s, int k) {\n"
	"	geo::Box<int> b = { 1 };\n"
	"	geo::Box<geo::Box<char>> c = { { 1 } };\n"
	"	struct Local { __attribute__((noinline)) int area(int k) { return k * 13; } } l;\n"
	"	return s.area(k) + b.get(k) + c.get(k) + geo::twice(k) + hidden(k) + l.area(k) + "
	"geo::min(k, 4);\n"
	"}\n";
static const char main_cc[] =
	"#include \"shape.h\"\n"
	"int main(int c, char **) {\n"
	"	geo::Shape s(c);\n"
	"	geo::Out o;\n"
	"	Other t;\n"
	"	return use(s, c) + geo::twice(c) + t.area(c) + area(c) + o.in.deep(c) +\n"
	"	       geo::Shape::count() - (c > 100 ? geo::twice(c + 1) : 0);\n"
	"}\n";

static int setup(void **state)
{
	(void)state;
	setenv("LOGPOINT_CACHE", "", 1);
	native_program_init(&program);
	native_program_write(&program, "shape.h", shape_h);
	native_program_write(&program, "one.cc", one_cc);
	native_program_write(&program, "two.cc", two_cc);
	native_program_write(&program, "main.cc", main_cc);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	native_program_done(&program);
	return 0;
}

struct answer {
	int result;
	uint64_t addrs[16];
	size_t n;
	char msg[512];
};

static struct answer ask(const char *file, const char *name, enum lp_location_kind kind)
{
	struct answer a = { 0 };

	native_program_open(&program, file);
	a.result = native_program_function(&program, kind, name);
	if (a.result < 0) {
		/* it names the file */
		const char *in = strstr(program.err.msg, " in ");
		snprintf(a.msg, sizeof(a.msg), "%.*s",
			 in ? (int)(in - program.err.msg) : (int)sizeof(a.msg) - 1,
			 program.err.msg);
		return a;
	}
	for (; a.n < program.places.len && a.n < LP_ARRAY_SIZE(a.addrs); a.n++)
		a.addrs[a.n] = program.places.data[a.n].vaddr;
	return a;
}

static const char *const builds[] = {
	"g++ -g -O2",
	"g++ -g -O0",
	"g++ -gdwarf-4 -O2",
	"g++ -g -O2 -flto",
	"clang++ -gdwarf-4 -O2",
	"clang++ -g -O1",
	"g++ -g -O2 -fdebug-types-section",
};
static const char *const names[] = {
	"area",
	"geo::Shape::area",
	"Shape::area",
	"Other::area",
	"Local::area",
	"::area",
	"geo::area",
	"Shape::Shape",
	"Shape",
	"get",
	"Box::get",
	"Box<int>::get",
	"geo::Box<int>::get",
	"geo::twice",
	"twice",
	"min",
	"geo::min",
	"hidden",
	"deep",
	"In::deep",
	"Out::In::deep",
	"Out::deep",
	"Shape::count",
	"never",
	"geo::never",
	"nothing",
	"Shape::nothing",
	"main",
	"use",
	"_ZN3geo5Shape4areaEi",
	"_Z4areai",
	"ar",
	"rea",
	"geo::Shape::~Shape",
	"(anonymous namespace)::hidden",
	"are*",
};

static void answers_are_those_of_all_units(void **state)
{
	(void)state;
	for (size_t b = 0; b < LP_ARRAY_SIZE(builds); b++) {
		/* one program, so that addresses are the same */
		native_program_run(&program,
				   "%s main.cc one.cc two.cc -o plain && "
				   "objcopy --compress-debug-sections plain packed",
				   builds[b]);
		for (size_t i = 0; i < LP_ARRAY_SIZE(names); i++)
			for (enum lp_location_kind kind = LP_AT_ENTRY; kind <= LP_AT_CALL;
			     kind += LP_AT_CALL - LP_AT_ENTRY) {
				const struct answer all = ask("packed", names[i], kind);
				const struct answer few = ask("plain", names[i], kind);

				if (memcmp(&all, &few, sizeof(all)) != 0)
					fail_msg("%s: %s: %zu places, %s; of all units %zu, %s",
						 builds[b], names[i], few.n, few.msg, all.n,
						 all.msg);
			}
	}
}

/* So that the comparison above is one. */
static void few_units_are_named(void **state)
{
	struct lp_name_pattern p;

	(void)state;
	native_program_run(&program, "g++ -g -O2 main.cc one.cc two.cc -o plain");
	native_program_open(&program, "plain");
	lp_name_pattern_init(&p, "geo::Shape::area");
	const struct lp_naming *n = lp_naming_of(program.module, &p, LP_NAMING_FUNCTIONS);
	assert_non_null(n);
	assert_int_equal(n->units.len, 2);
	size_t defined = 0;
	lp_vec_each (&n->units, u)
		defined += !u->declared;
	assert_int_equal(defined, 1);
	native_program_run(&program, "objcopy --compress-debug-sections plain packed");
	native_program_open(&program, "packed");
	assert_null(lp_naming_of(program.module, &p, LP_NAMING_FUNCTIONS));
	native_program_open(&program, "plain");
	lp_name_pattern_init(&p, "are*");
	assert_null(lp_naming_of(program.module, &p, LP_NAMING_FUNCTIONS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(answers_are_those_of_all_units, setup, teardown),
		cmocka_unit_test_setup_teardown(few_units_are_named, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
