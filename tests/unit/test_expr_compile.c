// SPDX-License-Identifier: GPL-2.0-only
/* What is written for an expression, and what is said about one that can't be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/buf.h"
#include "fake_scope.h"

static const struct {
	const char *text, *code;
} written[] = {
	{ "app.c:1 \"{count} {req->id} {req->path} {buf}\"", "   0  GATE\n"
							     "   1  CAP_MACH v0:4 m4\n"
							     "   2  CAP_MEMM v1:8 m5 16\n"
							     "   3  CAP_STRPM v2:256 m5 24\n"
							     "   4  CAP_MEMM v3:16 m6 8\n"
							     "   5  END\n" },
	{ "app.c:1 \"{req->peer->name}\" if req->status >= 500", "   0  TRY cond ->5\n"
								 "   1  LOADM r0 m5 s4 32\n"
								 "   2  LTSI r0 r0 500\n"
								 "   3  NOT r0 r0\n"
								 "   4  CHECK r0\n"
								 "   5  GATE\n"
								 "   6  TRY v0 ->9\n"
								 "   7  LOADM r0 m5 u8 48\n"
								 "   8  CAP_STRP v0:256 r0 0\n"
								 "   9  END\n" },
	{ "app.c:1 \"{$pid} {5} {req.retries}\" if count == 3 and $cpu", "   0  REG r0 m4 0\n"
									 "   1  EXT r0 r0 s4\n"
									 "   2  EQI r0 r0 3\n"
									 "   3  JZ r0 ->5\n"
									 "   4  CTX r0 2\n"
									 "   5  CHECK r0\n"
									 "   6  GATE\n"
									 "   7  TRY v0 ->11\n"
									 "   8  LOADM r0 m5 u4 40\n"
									 "   9  BITS r0 r0 0:3u\n"
									 "  10  CAP_REG v0:4 r0\n"
									 "  11  END\n" },
	{ "app.c:1 \"\" if req.path == \"/x\" with stack", "   0  TRY cond ->6\n"
							   "   1  LOADM r0 m5 u8 24\n"
							   "   2  STRLD k0 r0 3\n"
							   "   3  STRK k1 2 10 \"/x\"\n"
							   "   4  STREQ r0\n"
							   "   5  CHECK r0\n"
							   "   6  GATE\n"
							   "   7  CAP_PYSTACK 64\n"
							   "   8  CAP_STACK 8192\n"
							   "   9  END\n" },
	{ "app.c:1 \"{gone} {req.took * 2}\" if 1 < 2", "   0  GATE\n"
							"   1  CAP_HOLE v0:4 2\n"
							"   2  CAP_MEMM v1:8 m5 56\n"
							"   3  END\n" },
	{ "app.c:1 \"{text}\"", "   0  GATE\n"
				"   1  CAP_STRM v0:256 m13 0\n"
				"   2  END\n" },
	{ "return handle", "   0  GATE\n"
			   "   1  CAP_MACH v0:4 m0\n"
			   "   2  END\n" },
};

static void programs(void **state)
{
	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(written); i++) {
		lp_auto(lp_compiled_free) struct lp_compiled *c = NULL;
		lp_auto(lp_buf_done) struct lp_buf b = { 0 };
		struct lp_err err = { 0 };

		if (fake_compile(written[i].text, &c, &err) < 0)
			print_error("%s: %s\n", written[i].text, err.msg);
		assert_non_null(c);
		lp_program_print(&b, c->code, c->n_code);
		assert_string_equal(b.data, written[i].code);
	}
}

static const struct {
	const char *text;
	int code, col, width;
	const char *msg;
} refused[] = {
	{ "a.c:1 if cuont", ENOENT, 10, 5, "unknown name 'cuont' (in scope: count, " },
	{ "a.c:1 \"n={totl}\"", ENOENT, 11, 4, "(in scope: total, " },
	{ "a.c:1 if req.stauts", ENOENT, 14, 6, "(its members: status, " },
	{ "a.c:1 if req.virtually", EINVAL, 10, 13, "virtual base 'vbase'" },
	{ "a.c:1 if opaque.x", EINVAL, 10, 6, "only declared" },
	{ "a.c:1 if count.x", EINVAL, 16, 1, "'int' is no struct" },
	{ "a.c:1 if req.password", EINVAL, 10, 12, "--no-redact password" },
	{ "a.c:1 if token == None", EINVAL, 10, 5, "redacted" },
	{ "a.c:1 if *req", EINVAL, 10, 4, "no number" },
	{ "a.c:1 if req.ld > 1", EINVAL, 10, 10, "'long double' can be shown" },
	{ "a.c:1 if 1 + req.took > 2", EINVAL, 10, 12, "no floating-point arithmetic" },
	{ "a.c:1 if (int)req.took == 2", EINVAL, 10, 13, "no floating-point arithmetic" },
	{ "a.c:1 if $hit > 1", EINVAL, 10, 4, "clause 'hit'" },
	{ "a.c:1 if $time > 1", EINVAL, 10, 5, "templates" },
	{ "a.c:1 \"{$task}\"", EINVAL, 9, 5, "$thread" },
	{ "a.c:1 \"{$exc}\"", EINVAL, 9, 4, "'raise'" },
	{ "a.c:1 \"{$nope}\"", ENOENT, 9, 5, "unknown '$nope'" },
	{ "a.c:1 \"{$return}\"", EINVAL, 9, 7, "'call FUNCTION'" },
	{ "a.c:1 \"{$elapsed}\"", EINVAL, 9, 8, "'call FUNCTION'" },
	{ "a.c:1 \"{$time + 1}\"", EINVAL, 9, 5, "by itself" },
	{ "a.c:1 \"{$3}\"", ENOENT, 9, 2, "$1 and $2" },
	{ "return f \"{req}\"", EINVAL, 12, 3, "use 'call'" },
	{ "call f \"{$return + buf[$return]}\"", EINVAL, 0, 0, "gone when the function" },
	{ "a.c:1 if (struct nope *)req", ENOENT, 11, 13, "unknown type 'struct nope'" },
	{ "a.c:1 if req.state == BUZY", ENOENT, 23, 4, "has: BUSY, " },
	{ "a.c:1 if req.state == \"BUSY\"", EINVAL, 10, 19, "without quotes" },
	{ "a.c:1 if count == \"x\"", EINVAL, 10, 5, "'int' is no string" },
	{ "a.c:1 if req.body[8]", EINVAL, 19, 1, "ends at index 7" },
	{ "a.c:1 if count[1]", EINVAL, 10, 5, "no elements" },
	{ "a.c:1 if len(req.path[2:]) == 1", EINVAL, 14, 12, "needs an end" },
	{ "a.c:1 if buf[-1:]", EINVAL, 14, 2, "not negative" },
	{ "a.c:1 if &req.retries", EINVAL, 10, 12, "bit field" },
	{ "a.c:1 if req in 5", EINVAL, 17, 1, "'in' wants a list" },
	{ "a.c:1 if count / 0 or 1 / 0", EINVAL, 23, 5, "division by zero" },
	{ "a.c:1 if *(void *)req", EINVAL, 10, 12, "cast it" },
	{ "a.c:1 if req * 2", EINVAL, 10, 7, "'*' does not apply" },
	{ "a.c:1 if req.took & 2", EINVAL, 10, 12, "'&' does not apply to 'double'" },
	{ "a.c:1 if (1, 2)", EINVAL, 10, 6, "right of 'in'" },
	{ "a.c:1 if \"a\" if count else \"b\"", EINVAL, 10, 21, "choose between strings" },
	{ "a.c:1 if sizeof(*opaque)", EINVAL, 10, 15, "not known here" },
};

static void errors_point(void **state)
{
	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(refused); i++) {
		struct lp_compiled *c = NULL;
		struct lp_err err = { 0 };
		int r = fake_compile(refused[i].text, &c, &err);
		bool is_placed = !refused[i].col ||
				 (err.col == refused[i].col && err.width == refused[i].width);

		if (r != -refused[i].code || !is_placed || !strstr(err.msg, refused[i].msg))
			print_error("%s: %d at %d+%d: %s\n", refused[i].text, r, err.col, err.width,
				    err.msg);
		assert_int_equal(r, -refused[i].code);
		assert_true(is_placed);
		assert_non_null(strstr(err.msg, refused[i].msg));
		assert_null(c);
	}
}

static const struct lp_field *field_of(const struct lp_compiled *c, const char *text)
{
	for (size_t i = 0; i < c->template.n_fields; i++)
		if (c->template.fields[i].text && strcmp(c->template.fields[i].text, text) == 0)
			return &c->template.fields[i];
	return NULL;
}

static void fields_say_what_they_are(void **state)
{
	lp_auto(lp_compiled_free) struct lp_compiled *c = NULL;

	(void)state;
	assert_int_equal(fake_compile("call f \"{req.password} {req.path=} {$pid} {5} {type(req)} "
				      "{req.took + 1} {req.path:p} {req.body:s} {$return}\" "
				      "with locals stack",
				      &c, NULL),
			 0);
	assert_int_equal(field_of(c, "req.password")->kind, LP_FIELD_FIXED);
	assert_string_equal(field_of(c, "req.password")->fixed.str, "redacted");
	assert_true(field_of(c, "req.path")->as_string);
	assert_int_equal(field_of(c, "$pid")->kind, LP_FIELD_META);
	assert_int_equal(field_of(c, "5")->fixed.s, 5);
	assert_string_equal(field_of(c, "type(req)")->fixed.str, "struct req *");
	assert_int_equal(field_of(c, "req.took + 1")->kind, LP_FIELD_EVAL);
	assert_true(field_of(c, "req.body")->as_string);
	assert_true(field_of(c, "$return")->is_result);
	assert_true(field_of(c, "count")->is_local);
	assert_null(field_of(c, "buf")); /* no value yet at the entry */
	assert_true(c->template.with_stack && c->template.with_locals);
}

static void default_messages(void **state)
{
	static const struct {
		const char *text;
		size_t values;
		const char *first;
	} cases[] = {
		{ "entry f", 2, "req" },
		{ "call f", 3, "req" },
		{ "return f", 1, "-> " },
	};

	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(cases); i++) {
		lp_auto(lp_compiled_free) struct lp_compiled *c = NULL;

		assert_int_equal(fake_compile(cases[i].text, &c, NULL), 0);
		assert_string_equal(c->template.parts[0].literal, cases[i].first);
		size_t shown = 0;
		for (size_t p = 0; p < c->template.n_parts; p++)
			shown += !c->template.parts[p].literal;
		assert_int_equal(shown, cases[i].values);
	}
}

static void bad_programs_are_refused(void **state)
{
	static const struct lp_insn cases[][2] = {
		{ { .op = LP_OP_COUNT }, { .op = LP_OP_END } },
		{ { .op = LP_OP_MOV, .dst = LP_VM_REGS }, { .op = LP_OP_END } },
		{ { .op = LP_OP_REG, .b = LP_MACH_REGS }, { .op = LP_OP_END } },
		{ { .op = LP_OP_JMP, .n = 0 }, { .op = LP_OP_END } },
		{ { .op = LP_OP_JMP, .n = 2 }, { .op = LP_OP_END } },
		{ { .op = LP_OP_TRY, .n = 0 }, { .op = LP_OP_END } },
		{ { .op = LP_OP_TRY, .n = 1, .imm = LP_SLOT_MEM }, { .op = LP_OP_END } },
		{ { .op = LP_OP_LOAD, .n = 3 }, { .op = LP_OP_END } },
		{ { .op = LP_OP_BITS, .imm = LP_BITS(60, 8, 0) }, { .op = LP_OP_END } },
		{ { .op = LP_OP_BITS, .imm = LP_BITS(0, 0, 0) }, { .op = LP_OP_END } },
		{ { .op = LP_OP_CTX, .n = LP_CTX_COUNT }, { .op = LP_OP_END } },
		{ { .op = LP_OP_FAIL, .imm = 0 }, { .op = LP_OP_END } },
		{ { .op = LP_OP_STRLD, .n = LP_STRBUF_MAX + 1 }, { .op = LP_OP_END } },
		{ { .op = LP_OP_STRK, .n = 17, .imm = 1 }, { .op = LP_OP_END } },
		{ { .op = LP_OP_STRK, .dst = 2, .imm = 1 }, { .op = LP_OP_END } },
		{ { .op = LP_OP_CAP_MEM, .n = LP_CAP(0, LP_READ_MAX + 1) }, { .op = LP_OP_END } },
		{ { .op = LP_OP_CAP_MEM, .n = LP_CAP(LP_SLOT_COND, 8) }, { .op = LP_OP_END } },
		{ { .op = LP_OP_CAP_REG, .n = LP_CAP(0, 9) }, { .op = LP_OP_END } },
		{ { .op = LP_OP_CAP_STACK, .n = LP_STACK_MAX + 1 }, { .op = LP_OP_END } },
		{ { .op = LP_OP_NOT }, { .op = LP_OP_NOT } },
	};
	static const struct lp_insn good[] = { { .op = LP_OP_TRY, .n = 1 }, { .op = LP_OP_END } };

	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(cases); i++)
		assert_int_equal(lp_program_verify(cases[i], 2, NULL), -EINVAL);
	assert_int_equal(lp_program_verify(good, 0, NULL), -EINVAL);
	assert_int_equal(lp_program_verify(good, 2, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs),
		cmocka_unit_test(errors_point),
		cmocka_unit_test(fields_say_what_they_are),
		cmocka_unit_test(default_messages),
		cmocka_unit_test(bad_programs_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
