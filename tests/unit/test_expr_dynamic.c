// SPDX-License-Identifier: GPL-2.0-only
/* The language over a Python function: what is written, what is refused, what is computed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/show.h"
#include "fake_dynamic.h"

#define START                                                                                      \
	"   0  GATE\n"                                                                             \
	"   1  CAP_PYTASK pytask:32\n"

static const struct {
	const char *text, *enter, *code;
} written[] = {
	/* loaded once, in the condition already; a failed load leaves 0 and is tried again */
	{ "shop/cart.py:88 \"{self.user.id} {len(items)}\" if e is not None and self.user.id == 7",
	  NULL,
	  "   0  IMM r0 0\n"
	  "   1  TRY cond ->14\n"
	  "   2  PY_FAST r1 6\n"
	  "   3  PY_NONE r2\n"
	  "   4  PY_IS r1 r1 r2\n"
	  "   5  NOT r1 r1\n"
	  "   6  PY_BOOL r1 r1\n"
	  "   7  JZ r1 ->13\n"
	  "   8  PY_FAST r1 0\n"
	  "   9  PY_ATTR r1 r1  \"user\"\n"
	  "  10  PY_ATTR r0 r1  \"id\"\n"
	  "  11  PY_INT r1 7\n"
	  "  12  PY_COMPARE r1 r0 r1 ==\n"
	  "  13  CHECK r1\n"
	  "  14  GATE\n"
	  "  15  CAP_PYTASK pytask:32\n"
	  "  16  TRY v0 ->22\n"
	  "  17  JNZ r0 ->21\n"
	  "  18  PY_FAST r1 0\n"
	  "  19  PY_ATTR r1 r1  \"user\"\n"
	  "  20  PY_ATTR r0 r1  \"id\"\n"
	  "  21  CAP_PY v0:32 r0 256,32,3\n"
	  "  22  TRY v1 ->26\n"
	  "  23  PY_FAST r1 1\n"
	  "  24  PY_LEN r1 r1\n"
	  "  25  CAP_PY v1:32 r1 256,32,3\n"
	  "  26  END\n" },
	{ "a.py:1 \"\" if total and n <= 10", NULL,
	  "   0  TRY cond ->8\n"
	  "   1  PY_CELL r0 5\n"
	  "   2  PY_TRUTH r0 r0\n"
	  "   3  JZ r0 ->7\n"
	  "   4  PY_FAST r0 2\n"
	  "   5  PY_INT r1 10\n"
	  "   6  PY_COMPARE r0 r0 r1 <=\n"
	  "   7  CHECK r0\n"
	  "   8  GATE\n"
	  "   9  CAP_PYTASK pytask:32\n"
	  "  10  END\n" },
	/* the same object is in, whatever it is equal to; of constants only the value counts */
	{ "a.py:1 \"{items[-1:]}\" if n not in (1, total)", NULL,
	  "   0  TRY cond ->12\n"
	  "   1  PY_FAST r0 2\n"
	  "   2  PY_INT r2 1\n"
	  "   3  PY_COMPARE r1 r0 r2 ==\n"
	  "   4  JNZ r1 ->9\n"
	  "   5  PY_CELL r2 5\n"
	  "   6  PY_IS r1 r0 r2\n"
	  "   7  JNZ r1 ->9\n"
	  "   8  PY_COMPARE r1 r0 r2 ==\n"
	  "   9  NOT r1 r1\n"
	  "  10  PY_BOOL r1 r1\n"
	  "  11  CHECK r1\n"
	  "  12  GATE\n"
	  "  13  CAP_PYTASK pytask:32\n"
	  "  14  TRY v0 ->19\n"
	  "  15  PY_FAST r0 1\n"
	  "  16  PY_INT r1 -1\n"
	  "  17  PY_SLICE r0 r0 r1 -\n"
	  "  18  CAP_PY v0:32 r0 256,32,3\n"
	  "  19  END\n" },
	{ "a.py:1 \"\" if isinstance(e, (int, shop.Bad)) or name.startswith(('a', b'b'))", NULL,
	  "   0  TRY cond ->16\n"
	  "   1  PY_FAST r0 6\n"
	  "   2  PY_GLOBAL r2  \"int\"\n"
	  "   3  PY_ISINSTANCE r1 r0 r2\n"
	  "   4  JNZ r1 ->8\n"
	  "   5  PY_GLOBAL r2  \"shop\"\n"
	  "   6  PY_ATTR r2 r2  \"Bad\"\n"
	  "   7  PY_ISINSTANCE r1 r0 r2\n"
	  "   8  JNZ r1 ->15\n"
	  "   9  PY_FAST r0 4\n"
	  "  10  PY_STR r2  \"a\"\n"
	  "  11  PY_STARTS r1 r0 r2\n"
	  "  12  JNZ r1 ->15\n"
	  "  13  PY_BYTES r2  \"b\"\n"
	  "  14  PY_STARTS r1 r0 r2\n"
	  "  15  CHECK r1\n"
	  "  16  GATE\n"
	  "  17  CAP_PYTASK pytask:32\n"
	  "  18  END\n" },
	{ "a.py:1 \"{items[n + 1] or field}\"", NULL,
	  START "   2  TRY v0 ->12\n"
		"   3  PY_FAST r0 1\n"
		"   4  PY_FAST r1 2\n"
		"   5  PY_INT r2 1\n"
		"   6  PY_ARITH r1 r1 r2 +\n"
		"   7  PY_ITEM r0 r0 r1\n"
		"   8  PY_TRUTH r1 r0\n"
		"   9  JNZ r1 ->11\n"
		"  10  PY_NAME r0 0  \"field\"\n"
		"  11  CAP_PY v0:32 r0 256,32,3\n"
		"  12  END\n" },
	{ "entry f", NULL,
	  START "   2  TRY v0 ->5\n"
		"   3  PY_FAST r0 0\n"
		"   4  CAP_PY v0:32 r0 256,32,3\n"
		"   5  TRY v1 ->8\n"
		"   6  PY_FAST r0 1\n"
		"   7  CAP_PY v1:32 r0 256,32,3\n"
		"   8  TRY v2 ->11\n"
		"   9  PY_FAST r0 2\n"
		"  10  CAP_PY v2:32 r0 256,32,3\n"
		"  11  END\n" },
	{ "return f", "   0  END\n",
	  START "   2  TRY v0 ->5\n"
		"   3  PY_RETURN r0\n"
		"   4  CAP_PY v0:32 r0 256,32,3\n"
		"   5  END\n" },
	/* what is of the entry is captured there; a whole number is carried to the return */
	{ "call f \"{n} {$return} {$elapsed} {$caller}\" if $return != n",
	  "   0  IMM r15 0\n"
	  "   1  TRY v0 ->5\n"
	  "   2  PY_FAST r0 2\n"
	  "   3  PY_KEEP r8 r0\n"
	  "   4  ADDI r15 r15 1\n"
	  "   5  TRY v1 ->8\n"
	  "   6  PY_FAST r0 2\n"
	  "   7  CAP_PY v1:32 r0 256,32,3\n"
	  "   8  END\n",
	  "   0  TRY cond ->8\n"
	  "   1  PY_RETURN r0\n"
	  "   2  BITS r1 r15 0:1u\n"
	  "   3  JNZ r1 ->5\n"
	  "   4  FAIL 3\n"
	  "   5  MOV r1 r8\n"
	  "   6  PY_COMPARE r0 r0 r1 !=\n"
	  "   7  CHECK r0\n"
	  "   8  GATE\n"
	  "   9  CAP_PYTASK pytask:32\n"
	  "  10  TRY v2 ->13\n"
	  "  11  PY_RETURN r0\n"
	  "  12  CAP_PY v2:32 r0 256,32,3\n"
	  "  13  CAP_PYSTACK 2\n"
	  "  14  END\n" },
	/* a tuple's items stay where they are until it has been looked up */
	{ "a.py:1 \"\" if items[n, 'a'] == (n, 99999999999999999999)", NULL,
	  "   0  TRY cond ->11\n"
	  "   1  PY_FAST r0 1\n"
	  "   2  PY_FAST r1 2\n"
	  "   3  PY_STR r2  \"a\"\n"
	  "   4  PY_TUPLE r3 33 2\n"
	  "   5  PY_ITEM r0 r0 r3\n"
	  "   6  PY_FAST r1 2\n"
	  "   7  PY_BIG r2  \"\\xff\\xff\\x0f#\\xb5x\\x1d/V\\x00\\x00\\x00\"\n"
	  "   8  PY_TUPLE r3 33 2\n"
	  "   9  PY_COMPARE r0 r0 r3 ==\n"
	  "  10  CHECK r0\n"
	  "  11  GATE\n"
	  "  12  CAP_PYTASK pytask:32\n"
	  "  13  END\n" },
	/* as Python chains and groups them */
	{ "a.py:1 \"\" if 0 < n <= -n ** 2 and $task == 'x'", NULL,
	  "   0  TRY cond ->16\n"
	  "   1  PY_INT r0 0\n"
	  "   2  PY_FAST r1 2\n"
	  "   3  PY_COMPARE r0 r0 r1 <\n"
	  "   4  JZ r0 ->11\n"
	  "   5  PY_FAST r0 2\n"
	  "   6  PY_FAST r1 2\n"
	  "   7  PY_INT r2 2\n"
	  "   8  PY_ARITH r1 r1 r2 **\n"
	  "   9  PY_NEG r1 r1\n"
	  "  10  PY_COMPARE r0 r0 r1 <=\n"
	  "  11  JZ r0 ->15\n"
	  "  12  PY_WHO r0 2\n"
	  "  13  PY_STR r1  \"x\"\n"
	  "  14  PY_COMPARE r0 r0 r1 ==\n"
	  "  15  CHECK r0\n"
	  "  16  GATE\n"
	  "  17  CAP_PYTASK pytask:32\n"
	  "  18  END\n" },
	/* nothing of a redacted name is copied */
	{ "a.py:1 \"{password} {items['api-key']} {self.token.value}\" with stack", NULL,
	  START "   2  CAP_PYSTACK 64\n"
		"   3  CAP_STACK 16384\n"
		"   4  CAP_PYAWAIT\n"
		"   5  END\n" },
	/* frames whose variables are no values: LP_PY_LOCALS_* and how many */
	{ "raise with locals", NULL,
	  START "   2  CAP_PYSTACK 2\n"
		"   3  PY_EXC r0\n"
		"   4  CAP_PYEXC pyexc:96 r0 256,32,3\n"
		"   5  CAP_PYLOCALS 65537 256,32,3\n"
		"   6  END\n" },
	{ "raise with stack locals", NULL,
	  START "   2  CAP_PYSTACK 64\n"
		"   3  CAP_STACK 16384\n"
		"   4  CAP_PYAWAIT\n"
		"   5  PY_EXC r0\n"
		"   6  CAP_PYEXC pyexc:96 r0 256,32,3\n"
		"   7  CAP_PYLOCALS 589888 256,32,3\n"
		"   8  END\n" },
	{ "uncaught with locals", NULL,
	  START "   2  CAP_PYSTACK 2\n"
		"   3  PY_EXC r0\n"
		"   4  CAP_PYEXC pyexc:96 r0 256,32,3\n"
		"   5  CAP_PYLOCALS 262145 256,32,3\n"
		"   6  END\n" },
	{ "uncaught with stack locals", NULL,
	  START "   2  CAP_PYSTACK 64\n"
		"   3  PY_EXC r0\n"
		"   4  CAP_PYEXC pyexc:96 r0 256,32,3\n"
		"   5  CAP_PYLOCALS 786496 256,32,3\n"
		"   6  END\n" },
};

static void check_listing(const struct lp_insn *code, size_t n, const char *expected)
{
	lp_auto(lp_buf_done) struct lp_buf b = { 0 };

	assert_int_equal(lp_program_verify_python(code, n, NULL), 0);
	/* native code cannot run it */
	if (strstr(expected, "PY"))
		assert_int_equal(lp_program_verify(code, n, NULL), -EINVAL);
	lp_program_print(&b, code, n);
	assert_string_equal(b.data, expected);
}

static void programs(void **state)
{
	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(written); i++) {
		lp_auto(lp_compiled_free) struct lp_compiled *c = NULL;
		struct lp_err err = { 0 };

		if (dynamic_compile(written[i].text, &c, &err) < 0)
			print_error("%s: %s\n", written[i].text, err.msg);
		assert_non_null(c);
		check_listing(c->code, c->n_code, written[i].code);
		assert_int_equal(c->enter != NULL, written[i].enter != NULL);
		if (c->enter)
			check_listing(c->enter, c->n_enter, written[i].enter);
	}
}

static const struct {
	const char *text;
	int code, col, width;
	const char *msg;
} refused[] = {
	{ "a.py:1 \"{selff}\"", ENOENT, 10, 5, "unknown name 'selff' (in scope: self, items, n" },
	{ "a.py:1 if LIMTI", ENOENT, 11, 5, "LIMIT" },
	{ "a.py:1 if isinstance(e, shop2.Bad)", ENOENT, 25, 5, "unknown name 'shop2'" },
	{ "a.py:1 if password == \"x\"", EINVAL, 11, 8, "'password' is redacted" },
	{ "a.py:1 if self.api_key", EINVAL, 11, 12, "--no-redact api_key" },
	{ "a.py:1 if items[\"token\"].x", EINVAL, 17, 7, "'token' is redacted" },
	{ "a.py:1 if n + 1.5 > 2", EINVAL, 11, 7, "a float sum in a condition" },
	{ "a.py:1 if n / 2 > 1", EINVAL, 11, 5, "'//' divides whole numbers" },
	{ "a.py:1 if \"a\" + name == \"b\"", EINVAL, 11, 10, "strings are not joined" },
	{ "a.py:1 if n is 5", EINVAL, 16, 1, "compare 'int' with '=='" },
	{ "a.py:1 if n < None", EINVAL, 11, 8, "'<' does not apply to 'object' and 'NoneType'" },
	{ "a.py:1 if len(items) < \"a\"", EINVAL, 11, 16, "'<' does not apply to 'int' and 'str'" },
	{ "a.py:1 \"{n + None}\"", EINVAL, 10, 8, "'+' does not apply" },
	{ "a.py:1 \"{'%s' % n}\"", EINVAL, 10, 8, "'%' does not apply" },
	{ "a.py:1 \"{1 / 0}\"", EINVAL, 10, 5, "division by zero" },
	{ "a.py:1 \"{n % 0}\"", EINVAL, 10, 5, "division by zero" },
	{ "a.py:1 if n ** -1", EINVAL, 11, 7, "a float sum in a condition" },
	{ "a.py:1 if n ** None", EINVAL, 11, 9, "'**' does not apply" },
	{ "a.py:1 \"{items[::0]}\"", EINVAL, 18, 1, "not 0" },
	{ "a.py:1 \"{items[::1.5]}\"", EINVAL, 18, 3, "ints" },
	{ "a.py:1 \"{items[n::None]}\"", EINVAL, 19, 4, "ints" },
	{ "a.py:1 \"{items[n::m]}\"", ENOENT, 19, 1, "unknown name 'm'" },
	{ "a.py:1 if items[n::n]", EINVAL, 20, 1, "for templates" },
	{ "a.py:1 \"{items[1:2:-1]}\"", EINVAL, 20, 2, "[::-1]" },
	{ "a.py:1 \"{items[::2][0]}\"", EINVAL, 10, 10, "computed after the hit" },
	{ "a.py:1 if items[::2]", EINVAL, 19, 1, "for templates" },
	{ "a.py:1 \"{(1, n)}\"", EINVAL, 10, 6, "only be a key" },
	{ "a.py:1 if len((1, n))", EINVAL, 15, 6, "only be a key" },
	{ "a.py:1 if n is (1, 2)", EINVAL, 16, 6, "only be a key" },
	{ "a.py:1 \"{$pid + 1 == (1, n)}\"", EINVAL, 10, 18, "computed after the hit" },
	{ "a.py:1 \"{items[n, name + 'x']}\"", EINVAL, 19, 10, "no key can be made" },
	{ "a.py:1 if items[1, 2, 3, 4, 5, 6, 7, 8, 9]", EINVAL, 17, 25, "at most 8" },
	{ "a.py:1 if *n", EINVAL, 11, 2, "'*' is C's" },
	{ "a.py:1 if &n", EINVAL, 11, 2, "'&' is C's" },
	{ "a.py:1 if (int)n", EINVAL, 11, 6, "cast is C's" },
	{ "a.py:1 if sizeof(n)", EINVAL, 11, 9, "sizeof is C's" },
	{ "a.py:1 if isinstance(n, struct req)", EINVAL, 25, 10, "type of C" },
	{ "a.py:1 if ns::x", EINVAL, 11, 5, "'::' is C++'s" },
	{ "a.py:1 \"{$1}\"", EINVAL, 10, 2, "static probes" },
	{ "a.py:1 \"{010}\"", EINVAL, 10, 3, "0o" },
	{ "a.py:1 \"{'\\xe9'}\"", EINVAL, 10, 6, "a byte in C and a character in Python" },
	{ "a.py:1 \"{len(n + 1)}\"", EINVAL, 14, 5, "computed after the hit" },
	{ "a.py:1 \"{(name + 'x').y}\"", EINVAL, 10, 12, "computed after the hit" },
	{ "a.py:1 \"{items['a' + name]}\"", EINVAL, 16, 10, "no key can be made" },
	{ "a.py:1 if [1, 2]", EINVAL, 11, 6, "right of 'in'" },
	{ "a.py:1 if n in 5", EINVAL, 16, 1, "nothing is in 'int'" },
	{ "a.py:1 if len(5)", EINVAL, 15, 1, "an int" },
	{ "a.py:1 if $thread < 1", EINVAL, 11, 11, "'<' does not apply to 'str' and 'int'" },
	{ "a.py:1 if $comm is 'x'", EINVAL, 11, 5, "compare 'str' with '=='" },
	{ "a.py:1 if $hit > 1", EINVAL, 11, 4, "clause 'hit'" },
	{ "a.py:1 \"{$return}\"", EINVAL, 10, 7, "'call FUNCTION'" },
	{ "a.py:1 \"{$elapsed}\"", EINVAL, 10, 8, "'call FUNCTION'" },
	{ "a.py:1 \"{$nope}\"", ENOENT, 10, 5, "unknown '$nope'" },
	{ "call f \"{$return in items}\"", EINVAL, 10, 16, "one operand is of the entry" },
	{ "call f \"{items[$return]}\"", EINVAL, 10, 14, "one operand is of the entry" },
	{ "call f if $return is n", EINVAL, 11, 12, "compare them with '=='" },
};

static void errors_point(void **state)
{
	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(refused); i++) {
		struct lp_compiled *c = NULL;
		struct lp_err err = { 0 };
		int r = dynamic_compile(refused[i].text, &c, &err);
		bool is_so = r == -refused[i].code && err.col == refused[i].col &&
			     err.width == refused[i].width && strstr(err.msg, refused[i].msg);

		if (!is_so)
			print_error("%s: %d at %d+%d: %s\n", refused[i].text, r, err.col, err.width,
				    err.msg);
		assert_true(is_so);
		assert_null(c);
	}
}

/* A record as the kernel side would make it of these names. */

#define PYTHON(...)                                                                                \
	{                                                                                          \
		.is_python = true, .size = 8, __VA_ARGS__                                          \
	}
static struct lp_value pair[] = { PYTHON(.kind = LP_VAL_INT, .s = 1), PYTHON(.kind = LP_VAL_NULL) };
static const struct {
	const char *name;
	struct lp_value value;
	bool truth;
} known[] = {
	{ "n", PYTHON(.kind = LP_VAL_INT, .s = -7), true },
	{ "name", PYTHON(.kind = LP_VAL_STRING, .str = "ann", .len = 3), true },
	{ "total", PYTHON(.kind = LP_VAL_FLOAT, .f = 2.5), true },
	{ "LIMIT", PYTHON(.kind = LP_VAL_BIGINT, .str = "18446744073709551616"), true },
	{ "items", PYTHON(.kind = LP_VAL_LIST, .items = pair, .len = 2), true },
	{ "self", PYTHON(.kind = LP_VAL_OBJECT, .type_name = "Cart", .u = 16), false },
	{ "e", { .kind = LP_VAL_ERROR, .str = "unbound 'e'" }, false },
	{ "money", PYTHON(.kind = LP_VAL_INT, .s = 5, .overrides = true), true },
	{ "level", PYTHON(.kind = LP_VAL_ENUM, .s = 5, .str = "Level.A", .items = pair, .len = 1),
	  true },
	{ "color",
	  PYTHON(.kind = LP_VAL_ENUM, .s = 5, .str = "Color.A", .items = pair, .len = 1,
		 .overrides = true),
	  true },
	{ "field", PYTHON(.kind = LP_VAL_STRING, .str = "abcd", .len = 4, .cut = true), true },
};

/* The name that the program loads for a slot. */
static const char *name_of(const struct lp_compiled *c, uint16_t slot)
{
	const struct lp_template *t = &c->template;
	size_t at = 0;

	while (at < c->n_code && !(c->code[at].op == LP_OP_TRY && c->code[at].imm == slot))
		at++;
	for (size_t i = 0; i < t->n_names; i++)
		if (t->names[i].pc == at + 1)
			return t->names[i].name;
	return "";
}

static bool is_truth(const struct lp_compiled *c, uint16_t slot)
{
	for (size_t i = 1; i < c->n_code; i++)
		if (c->code[i].op == LP_OP_CAP_PY && LP_CAP_SLOT(c->code[i].n) == slot)
			return c->code[i - 1].op == LP_OP_PY_BOOL;
	return false;
}

static void fill(const struct lp_compiled *c, const struct lp_field *f, struct lp_value *ret)
{
	if (f->kind == LP_FIELD_META) {
		*ret = (struct lp_value){ .kind = LP_VAL_UINT, .u = 42 };
		return;
	}
	for (size_t i = 0; i < LP_ARRAY_SIZE(known); i++) {
		if (strcmp(known[i].name, name_of(c, f->slot)))
			continue;
		*ret = known[i].value;
		if (is_truth(c, f->slot) && ret->kind != LP_VAL_ERROR)
			*ret = (struct lp_value)PYTHON(.kind = LP_VAL_BOOL, .u = known[i].truth);
		return;
	}
	fail_msg("slot %u holds '%s'", f->slot, name_of(c, f->slot));
}

static const struct {
	const char *expr, *result; /* as repr(), or <the error> */
} computed[] = {
#include "expr_dynamic.inc"
};

static void compute(const char *expr, struct lp_buf *ret)
{
	lp_auto(lp_compiled_free) struct lp_compiled *c = NULL;
	lp_auto(lp_arena_done) struct lp_arena arena = { 0 };
	struct lp_value values[32] = { 0 };
	struct lp_err err = { 0 };
	char text[256];

	snprintf(text, sizeof(text), "a.py:1 \"{%s}\"", expr);
	for (char *p = text + 9; (p = strchr(p, '"')) && p[1];)
		*p++ = '\'';
	if (dynamic_compile(text, &c, &err) < 0) {
		lp_buf_str(ret, err.msg);
		return;
	}
	assert_in_range(c->template.n_fields, 1, 32);
	for (size_t i = 0; i < c->template.n_fields; i++) {
		const struct lp_field *f = &c->template.fields[i];

		if (f->kind == LP_FIELD_EVAL)
			lp_eval_run(f->eval, values, &arena, &values[i]);
		else if (f->kind == LP_FIELD_FIXED)
			values[i] = f->fixed;
		else
			fill(c, f, &values[i]);
	}
	lp_show(ret, &values[c->template.n_fields - 1], false);
}

static void evaluation(void **state)
{
	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(computed); i++) {
		lp_auto(lp_buf_done) struct lp_buf b = { 0 };

		compute(computed[i].expr, &b);
		if (strcmp(b.data, computed[i].result))
			print_error("%s: %s\n", computed[i].expr, b.data);
		assert_string_equal(b.data, computed[i].result);
	}
}

static void reasons(void **state)
{
	static const struct {
		enum lp_status status;
		uint64_t pc;
		const char *text;
	} cases[] = {
		{ LP_ST_UNBOUND, 3, "unbound 'self'" },
		{ LP_ST_NO_ATTR, 4, "no attribute 'x'" },
		{ LP_ST_RUNS_CODE, 4, "would run code: x" },
		{ LP_ST_NO_ITEM, 4, "no item" },
		{ LP_ST_WRONG_TYPE, 4, "wrong type" },
		{ LP_ST_TOO_BIG, 4, "too big" },
		{ LP_ST_NO_ATTR, 400, "no such attribute" },
		{ LP_ST_UNREADABLE, 4, NULL },
		{ LP_ST_COUNT, 4, NULL },
	};
	lp_auto(lp_compiled_free) struct lp_compiled *c = NULL;
	lp_auto(lp_arena_done) struct lp_arena a = { 0 };

	(void)state;
	assert_int_equal(dynamic_compile("a.py:1 \"{self.x}\"", &c, NULL), 0);
	for (size_t i = 0; i < LP_ARRAY_SIZE(cases); i++) {
		const char *text =
			lp_template_reason(&c->template, false, cases[i].status, cases[i].pc, &a);

		assert_int_equal(text != NULL, cases[i].text != NULL);
		if (text)
			assert_string_equal(text, cases[i].text);
	}
	/* the entry half has names of its own */
	assert_string_equal(lp_template_reason(&c->template, true, LP_ST_UNBOUND, 3, &a),
			    "unbound");
}

static void a_default_message_leaves_out_what_is_unbound(void **state)
{
	lp_auto(lp_compiled_free) struct lp_compiled *c = NULL;
	const struct lp_template *t;

	(void)state;
	assert_int_equal(dynamic_compile("a.py:1", &c, NULL), 0);
	t = &c->template;
	assert_int_equal(t->n_parts, 14);
	for (size_t i = 0; i < t->n_parts; i += 2) {
		assert_true(t->parts[i].optional);
		assert_int_equal(t->parts[i].literal[0], ' ');
		assert_int_equal(t->parts[i].field, t->parts[i + 1].field);
		assert_true(t->fields[t->parts[i].field].optional);
	}
	/* redacted, and still there */
	assert_string_equal(t->fields[3].text, "password");
	assert_int_equal(t->fields[3].kind, LP_FIELD_FIXED);
}

static void a_return_tells_whether_it_needs_the_entry(void **state)
{
	static const struct {
		const char *text;
		bool optional;
	} cases[] = {
		{ "return f", true },
		{ "return f \"{$elapsed}\"", false },
		{ "return f if $elapsed > 1000", false },
		{ "call f", false },
	};

	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(cases); i++) {
		lp_auto(lp_compiled_free) struct lp_compiled *c = NULL;

		assert_int_equal(dynamic_compile(cases[i].text, &c, NULL), 0);
		assert_int_equal(c->enter_optional, cases[i].optional);
	}
}

static void the_verifier_knows_pythons_operands(void **state)
{
	static const struct lp_insn cases[][2] = {
		{ { LP_OP_PY_COMPARE, 0, 0, 0, LP_PY_ADD, 0 }, { .op = LP_OP_END } },
		{ { LP_OP_PY_ARITH, 0, 0, 0, LP_PY_EQ, 0 }, { .op = LP_OP_END } },
		{ { LP_OP_PY_ARITH, 0, 0, 0, LP_PY_OPERATOR_COUNT, 0 }, { .op = LP_OP_END } },
		{ { LP_OP_PY_SLICE, 0, 0, 16, LP_PY_OPEN, 0 }, { .op = LP_OP_END } },
		{ { LP_OP_PY_SLICE, 0, 0, LP_PY_OPEN, 16, 0 }, { .op = LP_OP_END } },
		{ { LP_OP_PY_ITEM, 0, 0, LP_PY_OPEN, 0, 0 }, { .op = LP_OP_END } },
		{ { LP_OP_CAP_PY, 0, 0, 0, LP_CAP(0, 8), 0 }, { .op = LP_OP_END } },
		{ { LP_OP_CAP_PY, 0, 0, 0, LP_CAP(LP_SLOT_PYTASK, 32), 0 }, { .op = LP_OP_END } },
		{ { LP_OP_CAP_PYTASK, 0, 0, 0, LP_CAP(0, 32), 0 }, { .op = LP_OP_END } },
		{ { LP_OP_CAP_PYSTACK, 0, 0, 0, 0, 0 }, { .op = LP_OP_END } },
		{ { LP_OP_PY_TUPLE, 0, 0, 0, 17, 0 }, { .op = LP_OP_END } },
		{ { LP_OP_PY_WHO, 0, 0, 0, LP_PY_WHO_COUNT, 0 }, { .op = LP_OP_END } },
		{ { LP_OP_PY_STR, 0, 0, 0, 0, 0 }, { .op = LP_OP_END } },
		{ { LP_OP_PY_STR, 0, 0, 0, 0, 2 }, { .op = LP_OP_END } },
	};
	static const struct lp_insn good[] = { { LP_OP_PY_SLICE, 0, 0, LP_PY_OPEN, LP_PY_OPEN, 0 },
					       { .op = LP_OP_END } };

	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(cases); i++)
		assert_int_equal(lp_program_verify_python(cases[i], 2, NULL), -EINVAL);
	assert_int_equal(lp_program_verify_python(good, 2, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs),
		cmocka_unit_test(errors_point),
		cmocka_unit_test(evaluation),
		cmocka_unit_test(reasons),
		cmocka_unit_test(a_default_message_leaves_out_what_is_unbound),
		cmocka_unit_test(a_return_tells_whether_it_needs_the_entry),
		cmocka_unit_test(the_verifier_knows_pythons_operands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
