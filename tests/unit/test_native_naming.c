/* SPDX-License-Identifier: GPL-2.0-only */
/* Units that can have a function are told from the bytes of .debug_info where it is not compressed, or from the digest of a
 * copy in the cache: whatever is asked for, the answer is that of the same program with compression, where all units are
 * walked.
 */
#include <dwarf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "native/debugnames.h"
#include "native/mention.h"
#include "native/pieces.h"
#include "native/scope_die.h"
#include "native/scope_names.h"
#include "native/die.h"
#include "native_program.h"

static char cache[128];

/* Files with the same contents: with compression, without, and enough to be copied, which gives the copy a digest. */
#define MAKE_FILES                                                                                 \
	"objcopy --remove-section .debug_names --compress-debug-sections plain packed && "         \
	"objcopy --add-section .debug_pad=pad plain fat && objcopy --compress-debug-sections fat"

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
	"	struct Local { __attribute__((noinline)) int area(int k) { return k * 13; }\n"
	"		__attribute__((noinline)) int local(int k) { return k * 17; } } l;\n"
	"	return s.area(k) + b.get(k) + c.get(k) + geo::twice(k) + hidden(k) + l.area(k) + "
	"l.local(k) + "
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
	setenv("LOGPOINT_CACHE", "", 1);
	native_setup(state);
	snprintf(cache, sizeof(cache), "%s/cache", program.dir);
	native_program_run(&program, "head -c 9000000 /dev/zero >pad");
	native_program_write(&program, "shape.h", shape_h);
	native_program_write(&program, "one.cc", one_cc);
	native_program_write(&program, "two.cc", two_cc);
	native_program_write(&program, "main.cc", main_cc);
	return 0;
}

struct answer {
	int result;
	uint64_t addrs[16];
	size_t n;
	char msg[512];
};

/* Only of the large file there will be a copy. */
static void open_file(const char *file)
{
	setenv("LOGPOINT_CACHE", !strcmp(file, "fat") ? cache : "", 1);
	native_program_open(&program, file);
}

static struct answer ask(const char *file, const char *name, enum lp_location_kind kind)
{
	struct answer a = { 0 };

	open_file(file);
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
	"clang++ -gdwarf-5 -gpubnames -O1",
	"clang++ -gdwarf-5 -gpubnames -O2",
	"g++ -g -O2 -fdebug-types-section",
};
static const char *const names[] = {
	"area",
	"geo::Shape::area",
	"Shape::area",
	"Other::area",
	"Local::area",
	"local",
	"Local::local",
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

static bool has_filters(const char *file)
{
	open_file(file);
	assert_non_null(lp_module_dwarf(program.module));
	return lp_digest_n_filters(&program.module->digest) > 0;
}

static void answers_are_those_of_all_units(void **state)
{
	(void)state;
	for (size_t b = 0; b < LP_ARRAY_SIZE(builds); b++) {
		/* one program, so that addresses are the same */
		native_program_run(
			&program, "%s -Wl,--build-id main.cc one.cc two.cc -o plain && " MAKE_FILES,
			builds[b]);
		/* clang's names stand in the file as nothing is said of */
		assert_int_equal(has_filters("fat"), !strstr(builds[b], "clang++ -g ") &&
							     !strstr(builds[b], "-gpubnames"));
		for (size_t i = 0; i < LP_ARRAY_SIZE(names); i++)
			for (enum lp_location_kind kind = LP_AT_ENTRY; kind <= LP_AT_CALL;
			     kind += LP_AT_CALL - LP_AT_ENTRY) {
				const struct answer all = ask("packed", names[i], kind);
				for (int digest = 0; digest < 2; digest++) {
					const struct answer few =
						ask(digest ? "fat" : "plain", names[i], kind);

					if (memcmp(&all, &few, sizeof(all)) != 0)
						fail_msg("%s: %s: %zu places, %s; of all units "
							 "%zu, %s%s",
							 builds[b], names[i], few.n, few.msg, all.n,
							 all.msg, digest ? "; by the digest" : "");
				}
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

static size_t units_named(const char *name)
{
	struct lp_name_pattern p;

	lp_name_pattern_init(&p, name);
	const struct lp_naming *n = lp_naming_of(program.module, &p, LP_NAMING_FUNCTIONS);
	assert_non_null(n);
	return n->units.len;
}

/* An index is used if it has all functions, also those of classes in functions. */
static void an_index_names_units(void **state)
{
	struct lp_name_pattern p;

	(void)state;
	native_program_run(&program,
			   "clang++ -gdwarf-5 -gpubnames -O1 main.cc one.cc two.cc -o plain && "
			   "g++ -g -O1 main.cc one.cc two.cc -o other");
	native_program_open(&program, "plain");
	lp_name_pattern_init(&p, "Other::area");
	const struct lp_naming *n = lp_naming_of(program.module, &p, LP_NAMING_FUNCTIONS);
	assert_non_null(n);
	assert_true(n->partial);
	assert_int_equal(n->units.len, 2);
	assert_null(lp_naming_declared_of(program.module, &p, LP_NAMING_FUNCTIONS));
	assert_int_equal(units_named("hidden"), 1);
	assert_int_equal(units_named("local"), 1);
	/* what gdb makes is not */
	if (!native_program_has_tool("gdb-add-index"))
		return;
	native_program_run(&program, "gdb-add-index other");
	native_program_open(&program, "other");
	assert_int_equal(units_named("local"), 1);
	native_program_run(&program, "objcopy -R .gdb_index other && gdb-add-index -dwarf-5 other");
	native_program_open(&program, "other");
	assert_int_equal(units_named("local"), 1);
}

/* Whatever stands there, nothing outside of it is read. */
static void damaged_indexes_are_survived(void **state)
{
	uint32_t random = 1;
	size_t refused = 0;

	(void)state;
	native_program_run(&program,
			   "clang++ -gdwarf-5 -gpubnames -O1 main.cc one.cc two.cc -o plain");
	native_program_open(&program, "plain");
	Elf *elf = dwarf_getelf(lp_module_dwarf(program.module));
	const struct lp_span index = lp_section_named(elf, ".debug_names");
	const struct lp_span str = lp_section_named(elf, ".debug_str");
	assert_true(index.len > 100);
	for (size_t i = 0; i < 3000; i++) {
		lp_auto(lp_debugnames_done) struct lp_debugnames found = { 0 };
		/* as long as it is, so that what lies behind it is not ours */
		const size_t len = i % 3 ? index.len : index.len - i % index.len;
		lp_auto(lp_free) uint8_t *bytes = malloc(len);

		assert_non_null(bytes);
		memcpy(bytes, index.data, len);
		random = random * 1664525u + 1013904223u;
		bytes[(random >> 8) % len] = (uint8_t)(random >> 24);
		refused +=
			lp_debugnames_find((struct lp_span){ bytes, len }, str, "area", &found) < 0;
	}
	assert_true(refused > 1000);
}

/* What a module says of everything that it has outside of functions: its scope, where a variable is defined, where a name is
 * found anywhere; all by offsets, which are the same in the programs compared.
 */
struct said {
	struct lp_names *names;
	LP_VEC(const void *)
	placed; /* origins of the variables outside of functions that have a place */
	size_t n, found;
	uint64_t values[4096];
};

static void say(struct said *s, uint64_t value)
{
	assert_true(s->n < LP_ARRAY_SIZE(s->values));
	s->values[s->n++] = value;
}

static uint64_t hash(const char *text)
{
	uint64_t h = 5381;

	while (*text)
		h = h * 33 + (uint8_t)*text++;
	return h;
}

static int note_placed(Dwarf_Die *die, int tag, void *arg)
{
	struct said *s = arg;
	Dwarf_Die origin;

	lp_die_origin(die, &origin);
	if (tag == DW_TAG_variable && dwarf_hasattr(die, DW_AT_location))
		assert_int_equal(lp_vec_push(&s->placed, origin.addr), 0);
	return tag != DW_TAG_subprogram;
}

static bool has_place(const struct said *s, const Dwarf_Die *variable)
{
	lp_vec_each (&s->placed, p)
		if (*p == variable->addr)
			return true;
	return false;
}

static int ask_names(Dwarf_Die *die, int tag, void *arg)
{
	struct said *s = arg;
	const bool variable = tag == DW_TAG_variable;
	const bool type = tag == DW_TAG_structure_type || tag == DW_TAG_class_type ||
			  tag == DW_TAG_enumeration_type;
	const char *name = dwarf_diename(die);
	Dwarf_Die found;

	if (name && (variable || type || tag == DW_TAG_typedef)) {
		char full[512];
		const char *scope = lp_names_scope(s->names, die);

		say(s, hash(scope));
		snprintf(full, sizeof(full), "%s%s%s", scope, *scope ? "::" : "", name);
		const bool any = lp_names_anywhere(s->names, full, strlen(full),
						   variable ? LP_NAME_VARIABLE
						   : type   ? LP_NAME_TAG
							    : LP_NAME_TYPE,
						   &found);
		say(s, any ? dwarf_dieoffset(&found) : 0);
		s->found += any;
	}
	if (name && variable && !lp_die_has_location(die)) {
		/* one that has indexed no unit yet: those that are need not be chosen */
		struct lp_names *fresh = lp_names_new(program.module);
		assert_non_null(fresh);
		const bool any = lp_names_definition(fresh, die, &found);

		lp_names_free(fresh);
		if (!lp_die_flag(die, DW_AT_external) && !dwarf_hasattr(die, DW_AT_abstract_origin))
			assert_int_equal(any, has_place(s, die));
		say(s, any ? dwarf_dieoffset(&found) : 0);
		s->found += any;
	}
	return 1;
}

static void ask_all_names(const char *file, bool indexed, struct said *ret)
{
	Dwarf_CU *cu = NULL;
	Dwarf_Die unit;

	lp_vec_done(&ret->placed);
	memset(ret, 0, sizeof(*ret));
	open_file(file);
	Dwarf *dwarf = lp_module_dwarf(program.module);
	assert_non_null(dwarf);
	const struct lp_die_visitor placed = { note_placed, NULL, ret };
	while (dwarf_get_units(dwarf, cu, &cu, NULL, NULL, &unit, NULL) == 0)
		assert_int_equal(lp_die_walk(&unit, &placed), 0);
	cu = NULL;
	while (dwarf_get_units(dwarf, cu, &cu, NULL, NULL, &unit, NULL) == 0) {
		const struct lp_die_visitor v = { ask_names, NULL, ret };

		/* a new one, as a few names are asked for otherwise than many */
		ret->names = lp_names_new(program.module);
		assert_non_null(ret->names);
		if (indexed) {
			Dwarf_Die found;

			lp_names_in_unit(ret->names, &unit, "none", 4, LP_NAME_VARIABLE, &found);
		}
		assert_int_equal(lp_die_walk(&unit, &v), 0);
		lp_names_free(ret->names);
	}
}

static const char names_h[] =
	"extern int external; extern int inner_extern;\n"
	"namespace ns { extern long far; struct Open; inline namespace v1 { struct In { int i; "
	"static int shared; }; } enum Color { RED, BLUE }; typedef int number; }\n"
	"ns::Open *open(); int use(ns::In *in); int of_file(void);\n";
static const char names_one_cc[] =
	"#include \"names.h\"\n"
	"int external = 3; namespace ns { long far = 4; struct Open { int a, b; }; int In::shared "
	"= 5; }\n"
	"static int hidden = 6; static ns::Open opened;\n"
	"ns::Open *open() { return &opened; }\n"
	"int of_file(void) { static int kept; hidden += 2; return hidden + ++kept; }\n";
static const char names_two_cc[] = "#include \"names.h\"\n"
				   "static int hidden = 9; int inner_extern = 1;\n"
				   "int use(ns::In *in) { extern int external; static int counted; "
				   "int gone = in->i * 2; counted += 3; "
				   "ns::number k = gone; hidden -= 1; return external + ns::far + "
				   "in->shared + counted + hidden + k + ns::RED; }\n"
				   "int main(int c, char **) { ns::In in = { c }; return use(&in) "
				   "+ of_file() + (open() != 0) + inner_extern; }\n";

static void names_are_those_of_all_units(void **state)
{
	static struct said all, few, indexed, digest;

	(void)state;
	native_program_write(&program, "names.h", names_h);
	native_program_write(&program, "names_one.cc", names_one_cc);
	native_program_write(&program, "names_two.cc", names_two_cc);
	for (size_t b = 0; b < LP_ARRAY_SIZE(builds); b++) {
		native_program_run(
			&program,
			"%s -Wl,--build-id names_one.cc names_two.cc -o plain && " MAKE_FILES,
			builds[b]);
		ask_all_names("packed", false, &all);
		ask_all_names("plain", false, &few);
		ask_all_names("plain", true, &indexed);
		ask_all_names("fat", false, &digest);
		assert_true(all.found > 8);
		assert_int_equal(all.n, few.n);
		assert_int_equal(all.n, indexed.n);
		assert_int_equal(all.n, digest.n);
		for (size_t i = 0; i < all.n; i++)
			if (all.values[i] != few.values[i] || all.values[i] != indexed.values[i] ||
			    all.values[i] != digest.values[i])
				fail_msg("%s: answer %zu: %#llx, of few units %#llx, of indexed "
					 "ones %#llx, by the digest %#llx",
					 builds[b], i, (unsigned long long)all.values[i],
					 (unsigned long long)few.values[i],
					 (unsigned long long)indexed.values[i],
					 (unsigned long long)digest.values[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(names_are_those_of_all_units, setup,
						native_teardown),
		cmocka_unit_test_setup_teardown(answers_are_those_of_all_units, setup,
						native_teardown),
		cmocka_unit_test_setup_teardown(an_index_names_units, setup, native_teardown),
		cmocka_unit_test_setup_teardown(damaged_indexes_are_survived, setup,
						native_teardown),
		cmocka_unit_test_setup_teardown(few_units_are_named, setup, native_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
