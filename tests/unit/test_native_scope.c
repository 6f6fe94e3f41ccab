// SPDX-License-Identifier: GPL-2.0-only
/* Where variables are, in programs that are built so that it is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "native_scoped.h"

enum { RAX, RDX, RCX, RBX, RSI, RDI, RBP, RSP, R8, R9 };

static void in_register(struct native_scoped *s, const char *name, int reg)
{
	struct lp_loc loc = native_scoped_where(s, name);

	if (loc.kind != LP_LOC_VALUE_MACH || loc.reg != reg)
		fail_msg("%s: location %d, register %d", name, loc.kind, loc.reg);
	assert_int_equal(s->emit.code.len, 0);
}

static void nowhere(struct native_scoped *s, const char *name, enum lp_status why)
{
	struct lp_loc loc = native_scoped_where(s, name);

	if (loc.kind != LP_LOC_NONE || loc.why != why)
		fail_msg("%s: location %d, why %d", name, loc.kind, loc.why);
}

/* Memory at the load bias plus a symbol's link address. */
static void at_symbol(struct native_scoped *s, const char *name, const char *symbol)
{
	uint64_t vaddr = native_program_symbol(&s->program, "p", symbol);
	struct lp_loc loc = native_scoped_where(s, name);

	assert_int_equal(loc.kind, LP_LOC_MEM);
	assert_int_equal(loc.disp, vaddr);
	assert_int_equal(s->emit.code.len, 1);
	assert_int_equal(s->emit.code.data[0].op, LP_OP_CTX);
	assert_int_equal(s->emit.code.data[0].n, LP_CTX_BIAS);
	assert_int_equal(s->emit.code.data[0].dst, loc.reg);
}

static const char entry_source[] =
	"struct two { long a; int b; }; struct mixed { long a; double b; };\n"
	"struct large { long a[4]; }; struct pair { int x, y; };\n"
	"int sink;\n"
	"__attribute__((noinline)) int f(int a, struct two t, double d, char c, struct large l,\n"
	"	struct mixed m, struct pair p, long last)\n"
	"{ int local = a + c; char room[64]; sink = room[a & 1] + local;\n"
	"  return local + t.b + (int)d + l.a[1] + m.a + p.x + last; /*body*/ }\n"
	"__attribute__((noinline)) struct large make(int n)\n"
	"{ struct large l = { { n } }; sink = l.a[0]; return l; }\n"
	"__attribute__((noinline)) struct pair halves(int n)\n"
	"{ struct pair p = { n, n }; return p; }\n"
	"__attribute__((noinline)) struct mixed blend(int n)\n"
	"{ struct mixed m = { n, n }; return m; }\n"
	"__attribute__((noinline)) double real(void) { return sink; }\n"
	"__attribute__((noinline)) void nothing(void) { sink++; }\n"
	"int main(void) { struct two t = { 1, 2 }; struct large l = { 0 };\n"
	"	struct mixed m = { 1, 2 }; struct pair p = { 3, 4 }; nothing();\n"
	"	return f(1, t, 2.0, 'c', l, m, p, 9) + make(1).a[0] + halves(2).x + blend(3).a +\n"
	"		(int)real(); }\n";

static const char *const unoptimised[] = { "gcc -O0 -gdwarf-4", "gcc -O0 -gdwarf-5",
					   "gcc -O0 -fcf-protection=none -fomit-frame-pointer",
					   "clang -O0 -gdwarf-5", "clang -O0 -gdwarf-4" };

static void arguments_at_entry_are_where_the_caller_put_them(void **state)
{
	struct native_scoped *s = *state;

	for (size_t i = 0; i < LP_ARRAY_SIZE(unoptimised); i++) {
		native_scoped_build(s, unoptimised[i], entry_source);
		native_scoped_entry(s, "f");
		in_register(s, "a", RDI);

		struct lp_loc t = native_scoped_where(s, "t");
		assert_int_equal(t.kind, LP_LOC_PIECES);
		assert_int_equal(t.n_pieces, 2);
		assert_int_equal(t.pieces[0].loc.reg, RSI);
		assert_int_equal(t.pieces[0].bit_size, 64);
		assert_int_equal(t.pieces[1].loc.reg, RDX);

		nowhere(s, "d", LP_ST_UNAVAILABLE);
		in_register(s, "c", RCX);

		struct lp_loc l = native_scoped_where(s, "l");
		assert_int_equal(l.kind, LP_LOC_MEM_MACH);
		assert_int_equal(l.reg, RSP);

		struct lp_loc m = native_scoped_where(s, "m");
		assert_int_equal(m.pieces[0].loc.reg, R8);
		assert_int_equal(m.pieces[1].loc.kind, LP_LOC_NONE);
		assert_int_equal(m.pieces[1].loc.why, LP_ST_UNAVAILABLE);

		in_register(s, "p", R9);
		struct lp_loc last = native_scoped_where(s, "last");
		assert_int_equal(last.kind, LP_LOC_MEM_MACH);
		assert_int_equal(last.disp, l.disp + 32);

		nowhere(s, "local", LP_ST_UNAVAILABLE);
		nowhere(s, "room", LP_ST_UNAVAILABLE);
	}
}

static void a_result_in_memory_moves_the_arguments(void **state)
{
	struct native_scoped *s = *state;

	native_scoped_build(s, "gcc -O0", entry_source);
	native_scoped_entry(s, "make");
	in_register(s, "n", RSI);
	native_scoped_entry(s, "halves");
	in_register(s, "n", RDI);
}

static void the_body_has_its_frame(void **state)
{
	struct native_scoped *s = *state;

	for (size_t i = 0; i < LP_ARRAY_SIZE(unoptimised); i++) {
		native_scoped_build(s, unoptimised[i], entry_source);
		native_scoped_line(s, "/*body*/");
		struct lp_loc loc = native_scoped_where(s, "local");
		assert_int_equal(loc.kind, LP_LOC_MEM_MACH);
		assert_true(loc.reg == RBP || loc.reg == RSP);
		assert_int_equal(s->emit.code.len, 0);
		assert_int_equal(native_scoped_where(s, "a").kind, LP_LOC_MEM_MACH);
	}
}

static void results_are_in_their_registers(void **state)
{
	struct native_scoped *s = *state;
	struct lp_err err = { 0 };
	struct lp_var v;

	native_scoped_build(s, "gcc -O2", entry_source);
	native_scoped_leave(s, "f");
	assert_int_equal(s->scope->ops->result(s->scope, &v, &err), 0);
	assert_string_equal(v.type->name, "int");
	struct lp_loc loc = native_scoped_locate(s, &v);
	assert_int_equal(loc.kind, LP_LOC_VALUE_MACH);
	assert_int_equal(loc.reg, RAX);

	native_scoped_leave(s, "make");
	assert_int_equal(s->scope->ops->result(s->scope, &v, &err), 0);
	loc = native_scoped_locate(s, &v);
	assert_int_equal(loc.kind, LP_LOC_MEM_MACH);
	assert_int_equal(loc.reg, RAX);
	assert_int_equal(loc.disp, 0);

	native_scoped_leave(s, "blend");
	assert_int_equal(s->scope->ops->result(s->scope, &v, &err), 0);
	loc = native_scoped_locate(s, &v);
	assert_int_equal(loc.n_pieces, 2);
	assert_int_equal(loc.pieces[0].loc.reg, RAX);
	assert_int_equal(loc.pieces[1].loc.why, LP_ST_UNAVAILABLE);

	native_scoped_leave(s, "real");
	assert_int_equal(s->scope->ops->result(s->scope, &v, &err), 0);
	assert_int_equal(native_scoped_locate(s, &v).why, LP_ST_UNAVAILABLE);

	native_scoped_leave(s, "nothing");
	assert_int_equal(s->scope->ops->result(s->scope, &v, &err), -ENOENT);
	assert_non_null(strstr(err.msg, "returns nothing"));

	native_scoped_entry(s, "f");
	assert_int_equal(s->scope->ops->result(s->scope, &v, &err), -ENOENT);
}

static const char globals_source[] =
	"extern int defined_later; static int own = 1; int defined_later = 2;\n"
	"static const int constant = 7; enum { NAMED = 42, OTHER };\n"
	"__thread int local_to_thread = 3;\n"
	"int f(int own_too) { static int calls; int shadow = 1; calls++;\n"
	"	{ int shadow = 2; shadow += own_too; /*inner*/ own += shadow; }\n"
	"	return calls + shadow + own + defined_later + constant + NAMED + local_to_thread; "
	"}\n"
	"int main(void) { return f(OTHER); }\n";

static int count(const struct lp_var *v, void *arg)
{
	(void)v;
	++*(int *)arg;
	return 0;
}

static void globals_are_at_their_symbols(void **state)
{
	struct native_scoped *s = *state;

	for (size_t i = 0; i < LP_ARRAY_SIZE(unoptimised); i++) {
		native_scoped_build(s, unoptimised[i], globals_source);
		native_scoped_line(s, "/*inner*/");
		at_symbol(s, "own", "own");
		at_symbol(s, "defined_later", "defined_later");
		at_symbol(s, "::defined_later", "defined_later");
		at_symbol(s, "f", "f");
		assert_int_equal(native_scoped_var(s, "calls").kind, LP_VAR_GLOBAL);
		assert_int_equal(native_scoped_var(s, "NAMED").kind, LP_VAR_CONSTANT);
		assert_int_equal(native_scoped_var(s, "NAMED").constant, 42);
		assert_false(native_scoped_has(s, "no_such_name"));

		struct lp_loc tls = native_scoped_where(s, "local_to_thread");
		assert_int_equal(tls.kind, LP_LOC_MEM);
		assert_int_equal(tls.disp, -4);
		assert_int_equal(s->emit.code.data[0].n, LP_CTX_TLS);
	}
}

static void inner_blocks_shadow_outer_ones(void **state)
{
	struct native_scoped *s = *state;
	int n = 0;

	native_scoped_build(s, "gcc -O0", globals_source);
	native_scoped_line(s, "/*inner*/");
	struct lp_loc inner = native_scoped_where(s, "shadow");
	assert_int_equal(
		s->scope->ops->each(s->scope, LP_EACH_ARGUMENTS | LP_EACH_LOCALS, count, &n), 0);
	assert_int_equal(n, 3); /* own_too, calls, one shadow */
	native_scoped_line(s, "	return calls");
	struct lp_loc outer = native_scoped_where(s, "shadow");
	assert_int_not_equal(inner.disp, outer.disp);
}

static const char class_source[] =
	"namespace ns { int in_ns = 1;\n"
	"struct Base { int base; }; struct C : Base { static int shared; int plain; unsigned bits "
	": 3;\n"
	"	int method(int k); };\n"
	"int C::shared = 2;\n"
	"int C::method(int k)\n{\n"
	"	int plain_too = k + plain;\n"
	"	/*in*/ return plain_too + in_ns + "
	"shared + bits; }\n"
	"namespace { int hidden = 4; } }\n"
	"int main() { ns::C c = {}; return c.method(1) + ns::hidden; }\n";

static void methods_see_members_and_namespaces(void **state)
{
	static const char *const commands[] = { "g++ -O0 -gdwarf-4", "g++ -O0 -gdwarf-5",
						"clang++ -O0 -gdwarf-5" };
	struct native_scoped *s = *state;

	for (size_t i = 0; i < LP_ARRAY_SIZE(commands); i++) {
		native_scoped_build(s, commands[i], class_source);
		native_scoped_entry(s, "ns::C::method");
		in_register(s, "this", RDI);
		in_register(s, "k", RSI);

		native_scoped_line(s, "/*in*/");
		assert_int_equal(native_scoped_var(s, "plain").kind, LP_VAR_MEMBER);
		struct lp_loc plain = native_scoped_where(s, "plain");
		assert_int_equal(plain.kind, LP_LOC_MEM);
		assert_int_equal(plain.disp, 4);
		assert_int_equal(native_scoped_where(s, "base").disp, 0);
		struct lp_loc bits = native_scoped_where(s, "bits");
		assert_int_equal(bits.kind, LP_LOC_PIECES);
		assert_int_equal(bits.pieces[0].bit_size, 3);
		at_symbol(s, "in_ns", "_ZN2ns5in_nsE");
		at_symbol(s, "ns::in_ns", "_ZN2ns5in_nsE");
		at_symbol(s, "shared", "_ZN2ns1C6sharedE");
		at_symbol(s, "C::shared", "_ZN2ns1C6sharedE");
		at_symbol(s, "::ns::C::shared", "_ZN2ns1C6sharedE");
		at_symbol(s, "hidden", "_ZN2ns12_GLOBAL__N_16hiddenE");
		assert_false(native_scoped_has(s, "::in_ns"));
	}
}

/* gcc places the first lines of this function at one address; `sum` differs in them. */
static const char view_source[] = "__attribute__((noinline)) int f(int a, int b, double d) {\n"
				  "	int sum = a + b; /*first*/\n"
				  "	sum += 5; /*second*/\n"
				  "	sum += (int)d; /*third*/\n"
				  "	return sum; }\n"
				  "int main(int argc, char **argv) { return f(argc, 2, argc); }\n";

static void a_value_of_a_later_line_is_not_shown(void **state)
{
	struct native_scoped *s = *state;

	native_scoped_build(s, "gcc -O2 -gdwarf-5", view_source);
	native_scoped_line(s, "/*first*/");
	uint64_t first = s->program.places.data[0].vaddr;
	nowhere(s, "sum", LP_ST_OPTIMIZED_OUT);
	native_scoped_line(s, "/*second*/");
	assert_int_equal(s->program.places.data[0].vaddr, first);
	struct lp_loc second = native_scoped_where(s, "sum");
	assert_int_equal(second.kind, LP_LOC_VALUE);
}

static void static_probes_have_their_operands(void **state)
{
	static const struct {
		const char *args;
		unsigned int n;
		const char *type;
		enum lp_loc_kind kind;
		int reg;
		int64_t disp;
	} cases[] = {
		{ "-4@%edi", 1, "int32_t", LP_LOC_VALUE_MACH, RDI, 0 },
		{ "8@%rax 1@%r9b", 2, "uint8_t", LP_LOC_VALUE_MACH, R9, 0 },
		{ "-8@-24(%rbp)", 1, "int64_t", LP_LOC_MEM_MACH, RBP, -24 },
		{ "2@(%rsp)", 1, "uint16_t", LP_LOC_MEM_MACH, RSP, 0 },
		{ "4@$-5", 1, "uint32_t", LP_LOC_CONST, 0, 0 },
		{ "8@8(%rax,%rdx,4)", 1, "uint64_t", LP_LOC_MEM, -1, 8 },
		{ "8f@%xmm0", 1, "double", LP_LOC_NONE, 0, 0 },
		{ "8@%fs:16", 1, "uint64_t", LP_LOC_NONE, 0, 0 },
		{ "8@nosuch(%rip)", 1, "uint64_t", LP_LOC_NONE, 0, 0 },
		{ "8@(%rax", 1, "uint64_t", LP_LOC_NONE, 0, 0 },
		{ "1@%ah", 1, "uint8_t", LP_LOC_VALUE, -1, 0 },
	};
	struct native_scoped *s = *state;
	struct lp_place place = { 0 };
	struct lp_err err;
	struct lp_var v;

	native_scoped_build(s, "gcc -O0", entry_source);
	for (size_t i = 0; i < LP_ARRAY_SIZE(cases); i++) {
		place.usdt_args = cases[i].args;
		native_scoped_open(s, &place, LP_SCOPE_HERE);
		assert_int_equal(s->scope->ops->numbered(s->scope, cases[i].n, &v, &err), 0);
		assert_string_equal(v.type->name, cases[i].type);
		struct lp_loc loc = native_scoped_locate(s, &v);
		if (loc.kind != cases[i].kind)
			fail_msg("%s: location %d", cases[i].args, loc.kind);
		if (cases[i].reg >= 0)
			assert_int_equal(loc.reg, cases[i].reg);
		assert_int_equal(loc.disp, cases[i].disp);
		assert_int_equal(s->scope->ops->numbered(s->scope, cases[i].n + 1, &v, &err),
				 -ENOENT);
	}
}

static void without_debug_information_arguments_have_numbers(void **state)
{
	struct native_scoped *s = *state;
	struct lp_err err = { 0 };
	struct lp_var v;

	native_scoped_build(s, "gcc -O0", entry_source);
	native_program_run(&s->program, "strip -g p");
	native_program_open(&s->program, "p");
	native_scoped_entry(s, "f");
	assert_int_equal(s->scope->ops->numbered(s->scope, 2, &v, &err), 0);
	assert_int_equal(v.type->size, 8);
	assert_int_equal(native_scoped_locate(s, &v).reg, RSI);
	assert_int_equal(s->scope->ops->numbered(s->scope, 7, &v, &err), -ENOENT);
	assert_false(native_scoped_has(s, "a"));
}

static void changed_interfaces_are_not_trusted(void **state)
{
	struct native_scoped *s = *state;

	native_scoped_build(s, "gcc -O0",
			    "int f(int a) __asm__(\"f.isra.0\");\n"
			    "int f(int a) { return a + 1; }\n"
			    "int g(int a) { return f(a); }\n"
			    "int main(int argc, char **argv) { return g(argc); }\n");
	native_scoped_entry(s, "g");
	in_register(s, "a", RDI);
	native_scoped_entry(s, "f");
	nowhere(s, "a", LP_ST_UNAVAILABLE);
}

#define scoped(test)                                                                               \
	cmocka_unit_test_setup_teardown(test, native_scoped_setup, native_scoped_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		scoped(arguments_at_entry_are_where_the_caller_put_them),
		scoped(a_result_in_memory_moves_the_arguments),
		scoped(the_body_has_its_frame),
		scoped(results_are_in_their_registers),
		scoped(globals_are_at_their_symbols),
		scoped(inner_blocks_shadow_outer_ones),
		scoped(methods_see_members_and_namespaces),
		scoped(a_value_of_a_later_line_is_not_shown),
		scoped(static_probes_have_their_operands),
		scoped(without_debug_information_arguments_have_numbers),
		scoped(changed_interfaces_are_not_trusted),
	};

	return cmocka_run_group_tests_name("native_scope", tests, NULL, NULL);
}
