/* SPDX-License-Identifier: GPL-2.0-only */
/* The tree of a unit is made from its bytes: it is the one that libdw makes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "native/tree_impl.h"
#include "native_program.h"

static const char one_cc[] =
	"#include <stdexcept>\n"
	"#include <vector>\n"
	"int other(int v);\n"
	"namespace ns {\n"
	"inline int twice(int v) { if (v > 3) { int w = v * 2; return w + other(w); } return v; }\n"
	"struct Outer { struct Inner { int deep(int k) { return twice(k) + 1; } }; };\n"
	"template <class T> T most(const std::vector<T> &v) { T m = v.at(0); for (T x : v) if (x > "
	"m) m "
	"= x; return m; }\n"
	"}\n"
	"static int tried(int v) {\n"
	"	try { if (v > 4) throw std::runtime_error(\"no\"); return other(v); }\n"
	"	catch (const std::exception &e) { return ns::twice((int)e.what()[0]); }\n"
	"}\n"
	"int use(int c) {\n"
	"	struct Local { __attribute__((noinline)) int area(int k) { return ns::twice(k) * "
	"3; } } l;\n"
	"	auto f = [&](int k) { return l.area(k) + ns::twice(c); };\n"
	"	std::vector<int> v = { c, 2, f(3) };\n"
	"	return tried(c) + ns::Outer::Inner().deep(c) + ns::most(v) + f(c);\n"
	"}\n";
static const char two_cc[] = "int use(int c);\n"
			     "int other(int v) { return v ^ 5; }\n"
			     "int main(int c, char **) { return use(c); }\n";

static int setup(void **state)
{
	setenv("LOGPOINT_CACHE", "", 1);
	native_setup(state);
	native_program_write(&program, "one.cc", one_cc);
	native_program_write(&program, "two.cc", two_cc);
	return 0;
}

static void are_same(const struct lp_func_tree *a, const struct lp_func_tree *b)
{
	assert_int_equal(a->nodes.len, b->nodes.len);
	assert_int_equal(a->ranges.len, b->ranges.len);
	for (size_t i = 0; i < a->ranges.len; i++) {
		assert_int_equal(a->ranges.data[i].start, b->ranges.data[i].start);
		assert_int_equal(a->ranges.data[i].end, b->ranges.data[i].end);
	}
	for (size_t i = 0; i < a->nodes.len; i++) {
		const struct lp_func_tree_node *x = &a->nodes.data[i], *y = &b->nodes.data[i];

		assert_int_equal(x->die, y->die);
		assert_int_equal(x->entry, y->entry);
		assert_int_equal(x->parent, y->parent);
		assert_int_equal(x->end, y->end);
		assert_int_equal(x->first_range, y->first_range);
		assert_int_equal(x->n_ranges, y->n_ranges);
		assert_int_equal(x->inlined, y->inlined);
	}
}

/* How many functions and copies begin elsewhere than at their first address. */
static size_t entered_late(const struct lp_func_tree *t)
{
	size_t n = 0;

	lp_vec_each (&t->nodes, node)
		n += node->entry != t->ranges.data[node->first_range].start;
	return n;
}

/* At the ends of all ranges, and beside them: the last node that contains the address. */
static void each_address_has_its_node(struct lp_func_tree *t)
{
	lp_vec_each (&t->ranges, r) {
		const uint64_t at[] = { r->start - 1, r->start, r->end - 1, r->end };

		for (size_t i = 0; i < LP_ARRAY_SIZE(at); i++) {
			uint32_t want = LP_FUNC_TREE_NO_NODE;

			for (uint32_t node = 0; node < t->nodes.len; node++)
				if (lp_func_tree_contains(t, node, at[i]))
					want = node;
			assert_int_equal(lp_func_tree_at(t, at[i]), want);
		}
	}
}

/* All trees of the program "app"; *ret_late: entered_late() in all. */
static void compare_trees(size_t *ret_late)
{
	size_t nodes = 0;

	*ret_late = 0;
	native_program_open(&program, "app");
	struct lp_module_index *index = lp_module_units(program.module);
	assert_non_null(index);
	lp_vec_each (&index->units, unit) {
		struct lp_func_tree *read = calloc(1, sizeof(*read));
		struct lp_func_tree *walked = calloc(1, sizeof(*walked));

		assert_true(read && walked);
		assert_int_equal(lp_func_tree_read(program.module, unit, read), 0);
		assert_int_equal(lp_func_tree_walk_dies(program.module, unit, walked), 0);
		are_same(read, walked);
		each_address_has_its_node(read);
		nodes += read->nodes.len;
		*ret_late += entered_late(walked);
		lp_func_tree_free(read);
		lp_func_tree_free(walked);
	}
	assert_true(nodes > 5);
}

static void trees_are_those_of_libdw(void **state)
{
	static const char *const builds[] = {
		"g++ -g -O2",
		"g++ -g -O0",
		"g++ -gdwarf-4 -O2",
		"g++ -gdwarf-3 -gstrict-dwarf -O2",
		"g++ -g -O2 -flto",
		"clang++ -gdwarf-4 -O2",
		"clang++ -gdwarf-5 -O1",
		"g++ -g -O2 -fdebug-types-section",
		"g++ -g -O2 -ffunction-sections -Wl,--gc-sections",
	};
	size_t late;

	(void)state;
	for (size_t b = 0; b < LP_ARRAY_SIZE(builds); b++) {
		native_program_run(&program, "%s one.cc two.cc -o app", builds[b]);
		compare_trees(&late);
	}
}

/* Compilers hardly ever say so of what has one range. */
static void entries_need_not_come_first(void **state)
{
	size_t plain, late;

	(void)state;
	native_program_run(&program,
			   "g++ -S -dA -g -O2 one.cc -o one.s && g++ one.s two.cc -o app");
	compare_trees(&plain);
	native_program_run(&program, "sed -i '/DW_AT_entry_pc/s/quad\t[^\t]*/&+1/' one.s && "
				     "g++ one.s two.cc -o app");
	compare_trees(&late);
	assert_true(late > plain + 3);
}

/* A function that lies in another's DIE has code elsewhere; a copy that has is not believed, nor what is in it. */
static void odd_trees_are_looked_through_alike(void **state)
{
	enum { OUTER, COPY, STRAY, IN_STRAY, NESTED, OVERLAPPING, N };
	struct lp_func_tree_node nodes[N] = {
		[OUTER] = { .parent = LP_FUNC_TREE_NO_NODE, .end = OVERLAPPING },
		[COPY] = { .parent = OUTER, .end = STRAY },
		[STRAY] = { .parent = OUTER, .end = NESTED },
		[IN_STRAY] = { .parent = STRAY, .end = NESTED },
		[NESTED] = { .parent = LP_FUNC_TREE_NO_NODE, .end = OVERLAPPING },
		[OVERLAPPING] = { .parent = LP_FUNC_TREE_NO_NODE, .end = N },
	};
	struct lp_range ranges[N] = { { 16, 80 }, { 32, 40 }, { 200, 210 },
				      { 64, 70 }, { 96, 99 }, { 72, 90 } };
	struct lp_func_tree t = { .nodes = { nodes, N, N }, .ranges = { ranges, N, N } };
	static const struct {
		uint64_t at;
		uint32_t node;
	} rows[] = {
		{ 15, LP_FUNC_TREE_NO_NODE },
		{ 16, OUTER },
		{ 32, COPY },
		{ 40, OUTER },
		{ 64, OUTER },
		{ 71, OUTER },
		{ 72, OVERLAPPING },
		{ 89, OVERLAPPING },
		{ 90, LP_FUNC_TREE_NO_NODE },
		{ 96, NESTED },
		{ 205, STRAY },
	};

	(void)state;
	for (uint32_t i = 0; i < N; i++) {
		nodes[i].first_range = i;
		nodes[i].n_ranges = 1;
	}
	for (int round = 0; round < 4; round++)
		for (size_t i = 0; i < LP_ARRAY_SIZE(rows); i++)
			assert_int_equal(lp_func_tree_at(&t, rows[i].at), rows[i].node);
	assert_true(t.by_address.len > 0);
	lp_vec_done(&t.by_address);
}

static void nothing_is_in_a_tree_without_code(void **state)
{
	struct lp_func_tree t = { 0 };

	(void)state;
	for (int i = 0; i < 20; i++)
		assert_int_equal(lp_func_tree_at(&t, 16), LP_FUNC_TREE_NO_NODE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(trees_are_those_of_libdw, setup, native_teardown),
		cmocka_unit_test_setup_teardown(entries_need_not_come_first, setup,
						native_teardown),
		cmocka_unit_test(odd_trees_are_looked_through_alike),
		cmocka_unit_test(nothing_is_in_a_tree_without_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
