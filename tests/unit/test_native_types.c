// SPDX-License-Identifier: GPL-2.0-only
/* Types of programs that this test compiles, by every compiler and both versions of DWARF: the
 * compiler's own sizeof and offsetof say what is right, as constants that the program holds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "native_scoped.h"

static const char c_source[] =
	"#include <stddef.h>\n"
	"#include <stdbool.h>\n"
	"enum color { RED, GREEN = 5, BLUE = -3 };\n"
	"enum mask { M_A = 1, M_B = 2, M_C = 4, M_ALL = 7 };\n"
	"enum step { FIRST, SECOND, THIRD };\n"
	"typedef struct { double re, im; } cplx;\n"
	"struct opaque;\n"
	"struct node { struct node *next; const char *name; int (*fn)(int, char *);\n"
	"	unsigned a : 3; int b : 5; unsigned long c : 40; _Bool d : 1;\n"
	"	union { int i; float f; }; cplx z; short grid[2][3]; enum color color;\n"
	"	struct opaque *hidden; enum mask mask; enum step step; char tail[]; };\n"
	"struct node node; const volatile int *const cv = 0; char *names[4]; int (*rows)[3];\n"
	"long double ld; _Complex double cd; __int128 big; unsigned char byte; char text[8];\n"
	"unsigned long long wide; float real; bool truth; void *any; int empty[0];\n"
	"int (*table[2])(void);\n"
	"int main(void) { return node.a; }\n";

static const char *const c_compilers[] = {
	"gcc -O0 -gdwarf-4",
	"gcc -O2 -gdwarf-5",
	"clang -O0 -gdwarf-5",
	"clang -O2 -gdwarf-4",
	"gcc -gdwarf-4 -fdebug-types-section",
};

static void begin(struct native_scoped *s, const char *command, const char *source)
{
	native_scoped_build(s, command, source);
	native_scoped_entry(s, "main");
}

static const struct lp_type *type_of(struct native_scoped *s, const char *variable)
{
	return native_scoped_var(s, variable).type;
}

static const struct lp_member *member(const struct lp_type *type, const char *name)
{
	const struct lp_type *t = lp_type_strip(type);

	assert_int_equal(lp_type_complete(t, NULL), 0);
	for (size_t i = 0; i < t->n_members; i++)
		if (t->members[i].name && !strcmp(t->members[i].name, name))
			return &t->members[i];
	fail_msg("no member %s", name);
	return NULL;
}

static void names_are_the_source_s(void **state)
{
	static const struct {
		const char *variable, *name;
		enum lp_type_kind kind;
		uint64_t size;
	} cases[] = {
		{ "node", "struct node", LP_TYPE_STRUCT, 0 },
		{ "names", "char *[4]", LP_TYPE_ARRAY, 32 },
		{ "rows", "int (*)[3]", LP_TYPE_POINTER, 8 },
		{ "table", "int (*[2])(void)", LP_TYPE_ARRAY, 16 },
		{ "ld", "long double", LP_TYPE_FLOAT, 16 },
		{ "big", "__int128", LP_TYPE_INT, 16 },
		{ "byte", "unsigned char", LP_TYPE_INT, 1 },
		{ "text", "char [8]", LP_TYPE_ARRAY, 8 },
		{ "real", "float", LP_TYPE_FLOAT, 4 },
		{ "any", "void *", LP_TYPE_POINTER, 8 },
		{ "empty", "int [0]", LP_TYPE_ARRAY, 0 },
	};

	struct native_scoped *s = *state;

	for (size_t k = 0; k < LP_ARRAY_SIZE(c_compilers); k++) {
		begin(s, c_compilers[k], c_source);
		for (size_t i = 0; i < LP_ARRAY_SIZE(cases); i++) {
			const struct lp_type *type = type_of(s, cases[i].variable);
			assert_string_equal(type->name, cases[i].name);
			assert_int_equal(lp_type_strip(type)->kind, cases[i].kind);
			if (cases[i].size)
				assert_int_equal(type->size, cases[i].size);
		}
		const struct lp_type *cv = lp_type_strip(type_of(s, "cv"));
		assert_int_equal(cv->kind, LP_TYPE_POINTER);
		assert_int_equal(lp_type_strip(cv->target)->kind, LP_TYPE_INT);
		assert_int_equal(lp_type_strip(type_of(s, "truth"))->kind, LP_TYPE_BOOL);
		assert_int_equal(type_of(s, "cd")->kind, LP_TYPE_COMPLEX);
	}
}

static void members_are_where_the_compiler_put_them(void **state)
{
	struct native_scoped *s = *state;

	for (size_t k = 0; k < LP_ARRAY_SIZE(c_compilers); k++) {
		begin(s, c_compilers[k], c_source);
		const struct lp_type *node = type_of(s, "node");

		assert_int_equal(member(node, "next")->bit_offset, 0);
		assert_ptr_equal(lp_type_strip(member(node, "next")->type->target),
				 lp_type_strip(node));
		assert_string_equal(member(node, "name")->type->name, "const char *");
		assert_int_equal(member(node, "fn")->bit_offset, 16 * 8);
		assert_string_equal(member(node, "fn")->type->name, "int (*)(int, char *)");
		assert_int_equal(member(node, "a")->bit_offset, 24 * 8);
		assert_int_equal(member(node, "a")->bit_size, 3);
		assert_int_equal(member(node, "b")->bit_offset, 24 * 8 + 3);
		assert_int_equal(member(node, "c")->bit_offset, 24 * 8 + 8);
		assert_int_equal(member(node, "c")->bit_size, 40);
		assert_int_equal(member(node, "d")->bit_offset, 24 * 8 + 48);
		assert_int_equal(member(node, "z")->bit_offset, 40 * 8);
		assert_string_equal(member(node, "z")->type->name, "cplx");
		const struct lp_member *grid = member(node, "grid");
		assert_int_equal(grid->type->count, 2);
		assert_int_equal(grid->type->target->count, 3);
		assert_int_equal(member(node, "tail")->type->count, LP_TYPE_COUNT_UNKNOWN);
	}
}

static void enums_know_their_names_and_flags(void **state)
{
	struct native_scoped *s = *state;

	for (size_t k = 0; k < LP_ARRAY_SIZE(c_compilers); k++) {
		begin(s, c_compilers[k], c_source);
		const struct lp_type *node = type_of(s, "node");
		const struct lp_type *color = member(node, "color")->type;
		const struct lp_type *mask = member(node, "mask")->type;
		const struct lp_type *step = member(node, "step")->type;

		assert_int_equal(lp_type_complete(color, NULL), 0);
		assert_int_equal(color->n_enumerators, 3);
		assert_int_equal(color->enumerators[2].value, -3);
		assert_true(color->is_signed);
		assert_false(color->is_flags);
		assert_int_equal(lp_type_complete(mask, NULL), 0);
		assert_true(mask->is_flags);
		assert_int_equal(lp_type_complete(step, NULL), 0);
		assert_false(step->is_flags);
	}
}

static void what_is_only_declared_has_no_members(void **state)
{
	struct native_scoped *s = *state;
	struct lp_err err = { 0 };

	begin(s, "gcc", c_source);
	const struct lp_type *hidden = member(type_of(s, "node"), "hidden")->type->target;
	assert_string_equal(hidden->name, "struct opaque");
	assert_int_equal(lp_type_complete(hidden, &err), -ENOENT);
	assert_int_equal(hidden->n_members, 0);
}

static void types_are_found_by_any_spelling(void **state)
{
	static const struct {
		const char *name;
		enum lp_type_kind kind;
		uint64_t size;
		bool is_signed;
	} cases[] = {
		{ "unsigned", LP_TYPE_INT, 4, false },
		{ "long unsigned int", LP_TYPE_INT, 8, false },
		{ "unsigned long", LP_TYPE_INT, 8, false },
		{ "long  long", LP_TYPE_INT, 8, true },
		{ "short", LP_TYPE_INT, 2, true },
		{ "signed char", LP_TYPE_INT, 1, true },
		{ "char", LP_TYPE_CHAR, 1, true },
		{ "long double", LP_TYPE_FLOAT, 16, true },
		{ "unsigned __int128", LP_TYPE_INT, 16, false },
		{ "uint16_t", LP_TYPE_INT, 2, false },
		{ "enum color", LP_TYPE_ENUM, 4, true },
	};
	struct native_scoped *s = *state;
	const struct lp_type *type;

	begin(s, "gcc", c_source);
	for (size_t i = 0; i < LP_ARRAY_SIZE(cases); i++) {
		const char *name = cases[i].name;
		if (s->scope->ops->find_type(s->scope, name, strlen(name), &type, NULL) < 0)
			fail_msg("no type %s", name);
		type = lp_type_strip(type);
		assert_int_equal(type->kind, cases[i].kind);
		assert_int_equal(type->size, cases[i].size);
		assert_int_equal(type->is_signed, cases[i].is_signed);
	}
	static const char *const wrong[] = {
		"struct nothing", "unsigned float", "long long long",
		"struct cplx",	  "short char",	    "unsigned signed"
	};
	for (size_t i = 0; i < LP_ARRAY_SIZE(wrong); i++)
		assert_int_equal(
			s->scope->ops->find_type(s->scope, wrong[i], strlen(wrong[i]), &type, NULL),
			-ENOENT);
	assert_int_equal(s->scope->ops->find_type(s->scope, "struct node", 11, &type, NULL), 0);
	assert_ptr_equal(type, lp_type_strip(type_of(s, "node")));
	assert_string_equal(s->scope->ops->pointer_to(s->scope, type)->name, "struct node *");
}

static const char cxx_source[] =
	"namespace ns {\n"
	"struct Base { int id; virtual ~Base() {} };\n"
	"struct Mix { short m; };\n"
	"enum class Kind : unsigned char { One = 1, Two = 200 };\n"
	"class Cls : public Base, public Mix { public: struct Inner { int in; };\n"
	"	static int count; Kind kind; Inner inner; int &ref;\n"
	"	Cls(int &r) : kind(Kind::Two), inner{1}, ref(r) {} };\n"
	"int Cls::count = 3;\n"
	"}\n"
	"int some; ns::Cls *object = new ns::Cls(some);\n"
	"int ns::Cls::*pointer = 0; decltype(nullptr) nil; char16_t wide;\n"
	"int main() { return (int)object->kind + ns::Cls::count; }\n";

static void classes_have_their_bases_and_namespaces(void **state)
{
	static const char *const commands[] = { "g++ -gdwarf-4", "g++ -O2 -gdwarf-5",
						"clang++ -gdwarf-5" };

	struct native_scoped *s = *state;

	for (size_t k = 0; k < LP_ARRAY_SIZE(commands); k++) {
		const struct lp_type *found;

		begin(s, commands[k], cxx_source);
		const struct lp_type *cls = type_of(s, "object")->target;
		assert_string_equal(type_of(s, "object")->name, "ns::Cls *");
		assert_int_equal(lp_type_complete(cls, NULL), 0);
		assert_true(cls->members[0].is_base);
		assert_string_equal(cls->members[0].type->name, "ns::Base");
		assert_true(cls->members[1].is_base);
		assert_int_equal(cls->members[1].bit_offset, 12 * 8);
		assert_string_equal(member(cls, "kind")->type->name, "ns::Kind");
		assert_int_equal(member(cls, "kind")->type->size, 1);
		assert_string_equal(member(cls, "inner")->type->name, "ns::Cls::Inner");
		assert_int_equal(member(cls, "ref")->type->kind, LP_TYPE_REFERENCE);
		assert_int_equal(cls->n_members, 5); /* no static one */
		assert_int_equal(lp_type_strip(type_of(s, "pointer"))->kind,
				 LP_TYPE_MEMBER_POINTER);
		assert_int_equal(lp_type_strip(type_of(s, "wide"))->kind, LP_TYPE_CHAR);
		assert_int_equal(s->scope->ops->find_type(s->scope, "ns::Cls", 7, &found, NULL), 0);
		assert_ptr_equal(found, cls);
	}
}

#define scoped(test)                                                                               \
	cmocka_unit_test_setup_teardown(test, native_scoped_setup, native_scoped_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		scoped(names_are_the_source_s),
		scoped(members_are_where_the_compiler_put_them),
		scoped(enums_know_their_names_and_flags),
		scoped(what_is_only_declared_has_no_members),
		scoped(types_are_found_by_any_spelling),
		scoped(classes_have_their_bases_and_namespaces),
	};

	return cmocka_run_group_tests_name("native_types", tests, NULL, NULL);
}
