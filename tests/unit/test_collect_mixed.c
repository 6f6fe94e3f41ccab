// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "collect/mixed.h"

#define FRAMES_MAX 16

/* Frames in a row, one a word: a native function; [ a call of the evaluation loop, with its address behind
 * it; of Python, one that C has called ends in !, one a loop; ~ before one of a library, = before the
 * interpreter's own.
 */
static size_t frames_of(const char *text, struct lp_frame *ret)
{
	static char words[8][256];
	static int turn;
	char *rest, *copy = words[turn++ % 8];
	size_t n = 0;

	snprintf(copy, 256, "%s", text);
	for (char *w = strtok_r(copy, " ", &rest); w; w = strtok_r(NULL, " ", &rest)) {
		struct lp_frame f = { .addr = 100 + n };
		size_t len = strlen(w);

		f.is_loop = *w == '[';
		f.is_glue = *w == '=';
		f.is_library = *w == '~' || *w == '=';
		if (f.is_loop && w[1])
			f.addr = (uint64_t)w[1];
		for (; w[len - 1] == '!'; w[--len] = '\0')
			f.n_loops++;
		f.function = w;
		ret[n++] = f;
	}
	return n;
}

static const char *text_of(const struct lp_frame *frames, size_t n)
{
	static char text[512];
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < n; i++)
		if (frames[i].kind == LP_FRAME_FOLDED)
			at += (size_t)sprintf(text + at, "%s<%u>", i ? " " : "",
					      frames[i].n_folded);
		else
			at += (size_t)sprintf(text + at, "%s%s", i ? " " : "",
					      frames[i].kind == LP_FRAME_GAP ? "..."
									     : frames[i].function);
	return text;
}

struct merge_case {
	const char *native, *python, *want;
	bool native_cut, python_cut, in_python, in_native, adjoin, want_cut;
};

#define CASE(n, p, w, ...)                                                                         \
	{                                                                                          \
		.native = n, .python = p, .want = w, ##__VA_ARGS__                                 \
	}

static void merged(void **state)
{
	static const struct merge_case cases[] = {
		/* a loop for all Python that Python has called */
		CASE("c1 c2 [ main", "f g h!", "c1 c2 f g h main"),
		/* one for each frame, up to 3.10 */
		CASE("c [ =v [ =v [ main", "f! g! h!", "c f =v g =v h main"),
		CASE("[ =v c [ main", "f g! h!", "f g =v c h main", .in_python = true),
		/* code that is inlined in the loop has its address */
		CASE("c [x [x main", "f!", "c f main"),
		/* handlers that call each other */
		CASE("c [x [y main", "f!", "c f main", .adjoin = true),
		CASE("c [x [y main", "f! g!", "c f g main"),
		/* no Python, no native frames, neither */
		CASE("c main", "", "c main"),
		CASE("", "f g!", "f g", .in_python = true),
		CASE("", "", ""),
		/* what could not be unwound */
		CASE("c [ =v", "f! g! h!", "c f =v ... g h", .native_cut = true, .want_cut = true),
		CASE("c", "f g!", "c ... f g", .native_cut = true, .want_cut = true),
		CASE("[ c main", "f g", "f g c main", .python_cut = true, .want_cut = true),
		/* the loop has not begun with its frame */
		CASE("[ =v [ main", "f!", "=v f main"),
		/* a loop in between has not */
		CASE("[ gc [ map [ main", "f!! g!", "f gc map g main", .in_python = true),
		/* of the loop's Python nothing is known */
		CASE("c [ =v [ main", "", "c ... =v ... main"),
		/* the hit itself is first */
		CASE("late [ main", "f!", "f main", .in_python = true),
		CASE("[x [x c [ main", "f g! h!", "[x f g c h main", .in_native = true),
		CASE("c [ main", "f!", "c f main", .in_native = true),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct merge_case *c = &cases[i];
		struct lp_frame native[FRAMES_MAX], python[FRAMES_MAX],
			ret[2 * FRAMES_MAX + LP_MIXED_SPARE];
		const struct lp_stack_parts parts = { .native = native,
						      .python = python,
						      .n_native = frames_of(c->native, native),
						      .n_python = frames_of(c->python, python),
						      .has_native = true,
						      .native_cut = c->native_cut,
						      .python_cut = c->python_cut,
						      .in_python = c->in_python,
						      .in_native = c->in_native,
						      .loops_adjoin = c->adjoin };
		bool cut;

		size_t n = lp_frames_merge(&parts, ret, &cut);
		assert_string_equal(text_of(ret, n), c->want);
		assert_int_equal(cut, c->want_cut);
	}
}

static void without_a_native_stack(void **state)
{
	struct lp_frame python[FRAMES_MAX], ret[FRAMES_MAX + LP_MIXED_SPARE];
	struct lp_stack_parts parts = { .python = python,
					.n_python = frames_of("f g", python),
					.native_cut = true };
	bool cut;

	(void)state;
	size_t n = lp_frames_merge(&parts, ret, &cut);
	assert_string_equal(text_of(ret, n), "f g");
	assert_false(cut);
	parts.python_cut = true;
	lp_frames_merge(&parts, ret, &cut);
	assert_true(cut);
}

static void folded(void **state)
{
	static const struct {
		const char *frames;
		size_t keep;
		const char *want;
	} cases[] = {
		{ "f g main", 1, "f g main" },
		{ "f ~a ~b g ~c", 1, "f <2> g <1>" },
		{ "~a ~b f", 1, "~a <1> f" },
		{ "f =v =w g", 1, "f g" },
		{ "f =v ~a =w ~b g =m", 1, "f <2> g" },
		{ "=v =w f", 1, "=v f" },
		{ "~a", 3, "~a" },
		{ "", 1, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct lp_frame frames[FRAMES_MAX];
		size_t n = frames_of(cases[i].frames, frames);

		n = lp_frames_fold(frames, n, cases[i].keep);
		assert_string_equal(text_of(frames, n), cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(merged),
		cmocka_unit_test(without_a_native_stack),
		cmocka_unit_test(folded),
	};

	return cmocka_run_group_tests_name("collect_mixed", tests, NULL, NULL);
}
