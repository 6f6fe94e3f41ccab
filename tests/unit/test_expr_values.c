// SPDX-License-Identifier: GPL-2.0-only
/* Expressions compiled, run on the machine over this process's own memory, and compared with what
 * the C compiler makes of the very same text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>

#include "expr/eval.h"
#include "expr_machine.h"

static int64_t as_number(const struct lp_type *type, const void *bytes, size_t len)
{
	uint64_t v = 0;

	memcpy(&v, bytes, len < 8 ? len : 8);
	return (int64_t)lp_int_cut(type, v);
}

static const struct lp_field *compile_one(const char *expr, struct lp_compiled **ret)
{
	struct lp_err err = { 0 };
	char text[512];

	snprintf(text, sizeof(text), "app.c:42 \"{%s}\"", expr);
	if (fake_compile(text, ret, &err) < 0) {
		print_error("%s: %s\n", text, err.msg);
		return NULL;
	}
	return &(*ret)->template.fields[(*ret)->template.n_fields - 1];
}

static void check_number(const char *expr, int64_t want)
{
	lp_auto(lp_compiled_free) struct lp_compiled *c = NULL;
	const struct lp_field *f = compile_one(expr, &c);
	int64_t got;
	char bytes[16];
	int status = LP_ST_OK;
	bool cut;

	assert_non_null(f);
	set_up();
	run(c->code, c->n_code);
	assert_int_equal(vm.outcome, LP_OUT_DONE);
	if (f->kind == LP_FIELD_FIXED)
		got = f->fixed.s;
	else
		got = as_number(f->type, bytes,
				bytes_of(f->slot, bytes, sizeof(bytes), &status, &cut));
	if (status != LP_ST_OK || got != want)
		print_error("%s: status %d, got %ld, want %ld\n", expr, status, (long)got,
			    (long)want);
	assert_int_equal(status, LP_ST_OK);
	assert_true(got == want);
}

/* As a condition it must say what C says. */
static void check_condition(const char *expr, bool want)
{
	lp_auto(lp_compiled_free) struct lp_compiled *c = NULL;
	struct lp_err err = { 0 };
	char text[512];

	snprintf(text, sizeof(text), "app.c:42 \"\" if %s", expr);
	if (fake_compile(text, &c, &err) < 0)
		print_error("%s: %s\n", text, err.msg);
	assert_non_null(c);
	set_up();
	run(c->code, c->n_code);
	if (vm.outcome != (want ? LP_OUT_DONE : LP_OUT_FILTERED))
		print_error("%s: outcome %d\n", expr, vm.outcome);
	assert_int_equal(vm.outcome, want ? LP_OUT_DONE : LP_OUT_FILTERED);
}

struct number {
	const char *text;
	int64_t want;
};

#define NUMBER(e)                                                                                  \
	{                                                                                          \
		.text = #e, .want = (int64_t)(e)                                                   \
	}

/* What C makes of the list: mixed signs are the point of it. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Woverflow"
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
static size_t numbers(struct number *ret)
{
	struct req *req = &one, *spilled = &one;
	struct req whole = frame.whole, computed = frame.whole;
	int count = -7, konst = 42;
	long split = (long)(0xfffffffd00000000 | 0x80000001);
	unsigned long len = frame.len;
	double d = frame.d;
	char *buf = frame.buf;
	const struct number all[] = {
#include "expr_numbers.inc"
	};
#undef NUMBER

	memcpy(ret, all, sizeof(all));
	return LP_ARRAY_SIZE(all);
}

#pragma GCC diagnostic pop

static struct number list[512];

static void numbers_are_c_s(void **state)
{
	(void)state;
	set_up();
	size_t n = numbers(list);
	for (size_t i = 0; i < n; i++)
		check_number(list[i].text, list[i].want);
}

static void conditions_are_c_s(void **state)
{
	(void)state;
	set_up();
	size_t n = numbers(list);
	for (size_t i = 0; i < n; i++)
		check_condition(list[i].text, list[i].want != 0);
}

static const struct {
	const char *text;
	bool want;
} spoken[] = {
	{ "req->path == \"/checkout\"", true },
	{ "req->path == \"/check\"", false },
	{ "req->path == \"/checkouts\"", false },
	{ "req->path != \"/\"", true },
	{ "req->path < \"/d\"", true },
	{ "req->path > \"/check\"", true },
	{ "req->path >= \"/checkout\"", true },
	{ "req->path <= \"/checkou\"", false },
	{ "\"/checkout\" == req->path", true },
	{ "req.path.startswith(\"/che\")", true },
	{ "req.path.startswith(\"/ch3\")", false },
	{ "req.path.endswith(\"out\")", true },
	{ "req.path.endswith(\"/a/checkout\")", false },
	{ "\"eck\" in req.path", true },
	{ "\"ekc\" not in req.path", true },
	{ "req.path in (\"/\", \"/checkout\")", true },
	{ "req.path not in [\"/\", \"/checkout\"]", false },
	{ "req.name == \"seven\" and req.name != \"seve\"", true },
	{ "req.name == 's'", false },
	{ "buf == \"buffer\"", true },
	{ "buf[:3] == \"buf\"", true },
	{ "buf[2:len] == \"ff\"", true },
	{ "buf[2:2] == \"\"", true },
	{ "buf[5:2] == \"\"", true },
	{ "req->tag == \"tagged\"", true },
	{ "req.next.path == '/'", true },
	{ "(char *)req->body == \"\\x01\\x02\\x03\\xfa\"", true },
	{ "req.status in (500, 502)", true },
	{ "req.status in (501, 502)", false },
	{ "req.status not in (501, 502)", true },
	{ "req.status in (count + 507, 1)", true },
	{ "req.status in [500]", true },
	{ "req.state in (IDLE, BUSY)", true },
	{ "req.state == BROKEN", false },
	{ "req.state != state::BROKEN", true },
	{ "req.name[0] in \"xyzs\"", true },
	{ "req.name[0] in \"xyz\"", false },
	{ "req is None", false },
	{ "req.next.next is None", true },
	{ "req.next is not nullptr", true },
	{ "not req.next.next and req.ok == True", true },
	{ "req.next.next == NULL or req.next.next.next.status == 5", true },
	{ "1 if req.status == 500 else 0", true },
	{ "count if req.status == 501 else 0", false },
	{ "len(req.path) == 9 and len(req.body) == 8 and len(buf[:len]) == 4", true },
	{ "$comm == \"worker-1\"", true },
	{ "$comm.startswith(\"worker\") and $comm.endswith(\"-1\")", true },
	{ "$thread in (\"a\", \"worker-1\")", true },
	{ "$pid == 41 and $tid == 42 and $cpu == 3", true },
	{ "$func == \"handle\" and $line == 42 and $file.endswith(\".c\")", true },
	{ "type(req) == \"struct req *\"", true },
	{ "isinstance(req, base) and not isinstance(req, struct peer)", true },
	{ "isinstance(req, struct req *)", true },
	{ "req.base_id == 77 and ref.base_id == 77 and ref.status == 500", true },
	{ "nowhere.status == 500 and nowhere->drift == -7", true },
	{ "took > 2 and total == 1234", true },
	{ "$1 == req and $2 == -7", true },
	{ "$caller == 1", false },
	{ "req.took in (2.5, 3)", true },
};

static void conditions_of_python(void **state)
{
	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(spoken); i++)
		check_condition(spoken[i].text, spoken[i].want);
}

static void errors_of_conditions(void **state)
{
	static const char *const cases[] = {
		"gone == 1",
		"torn > 0",
		"vec > 0",
		"req.next.next.status == 1",
		"req.id / (count + 7) == 1",
		"req.next.next.path == \"x\"",
		"req.ok and req.next.next.ok",
	};

	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(cases); i++) {
		lp_auto(lp_compiled_free) struct lp_compiled *c = NULL;
		char text[256];

		snprintf(text, sizeof(text), "app.c:42 \"\" if %s", cases[i]);
		assert_int_equal(fake_compile(text, &c, NULL), 0);
		set_up();
		run(c->code, c->n_code);
		if (vm.outcome != LP_OUT_COND_ERROR)
			print_error("%s: outcome %d\n", cases[i], vm.outcome);
		assert_int_equal(vm.outcome, LP_OUT_COND_ERROR);
		assert_int_equal(c->condition_never, i < 3);
	}
}

static void check_string(const char *expr, const char *want, size_t want_len, bool want_cut)
{
	lp_auto(lp_compiled_free) struct lp_compiled *c = NULL;
	const struct lp_field *f = compile_one(expr, &c);
	char bytes[512] = "";
	int status;
	bool cut;

	assert_non_null(f);
	set_up();
	run(c->code, c->n_code);
	size_t len = bytes_of(f->slot, bytes, sizeof(bytes), &status, &cut);
	if (!f->as_string)
		len = strnlen(bytes, len);
	if (len != want_len || memcmp(bytes, want, len) != 0)
		print_error("%s: got '%.*s'\n", expr, (int)len, bytes);
	assert_int_equal(status, LP_ST_OK);
	assert_int_equal(len, want_len);
	assert_memory_equal(bytes, want, len);
	assert_int_equal(cut, want_cut);
}

static void strings(void **state)
{
	(void)state;
	check_string("req->path", "/checkout", 9, false);
	check_string("whole.path", "/checkout", 9, false);
	check_string("req->peer->name", "alpha.example", 13, false);
	check_string("req->name", "seven", 5, false);
	check_string("buf", "buffer", 6, false);
	check_string("buf[1:3]", "uf", 2, false);
	check_string("buf[:len]", "buff", 4, false);
	check_string("req->path[1:len + 1]", "chec", 4, false);
	check_string("req->path + 1", "checkout", 8, false);
	check_string("(char *)&req->tag", "tagged", 6, false);
	check_string("req->status == 500 ? req->path : req->name", "/checkout", 9, false);
	check_string("req->body[:3]:s", "\1\2\3", 3, false);
}

static void aggregates(void **state)
{
	lp_auto(lp_compiled_free) struct lp_compiled *c = NULL;
	const struct lp_field *f = compile_one("*req", &c);
	struct req copy;
	char text[64];
	int status;
	bool cut;

	(void)state;
	assert_non_null(f);
	set_up();
	run(c->code, c->n_code);
	memset(&copy, 0, sizeof(copy));
	/* the password is a hole in the middle: what lies around it is one value */
	size_t len = bytes_of(f->slot, &copy, sizeof(copy), &status, &cut);
	assert_int_equal(len, sizeof(copy) - sizeof(copy.password));
	assert_memory_equal(&copy, &one, offsetof(struct req, password));
	assert_memory_equal((char *)&copy + offsetof(struct req, password),
			    (char *)&one + offsetof(struct req, sc),
			    sizeof(one) - offsetof(struct req, sc));

	/* strings behind its pointers, but not the redacted one's */
	len = bytes_of(LP_SLOT_MEM, text, sizeof(text), &status, &cut);
	assert_int_equal(len, strlen("/checkoutinner"));
	assert_memory_equal(text, "/checkoutinner", len);
}

static void pieces(void **state)
{
	lp_auto(lp_compiled_free) struct lp_compiled *c = NULL;
	const struct lp_field *f = compile_one("split", &c);
	long v = 0;
	int status;
	bool cut;

	(void)state;
	assert_non_null(f);
	set_up();
	run(c->code, c->n_code);
	assert_int_equal(bytes_of(f->slot, &v, sizeof(v), &status, &cut), 8);
	assert_true(v == (long)(0xfffffffd00000000 | 0x80000001));

	lp_compiled_free(lp_take(c));
	f = compile_one("torn", &c);
	assert_non_null(f);
	set_up();
	run(c->code, c->n_code);
	assert_int_equal(bytes_of(f->slot, &v, sizeof(v), &status, &cut), 4);

	/* a string whose pointer is in a register */
	char text[16];
	lp_compiled_free(lp_take(c));
	f = compile_one("parts", &c);
	assert_non_null(f);
	set_up();
	run(c->code, c->n_code);
	assert_int_equal(bytes_of(f->slot, text, sizeof(text), &status, &cut), 16);
	assert_memory_equal(text, &alpha.name, sizeof(alpha.name));
	assert_int_equal(bytes_of(LP_SLOT_MEM, text, sizeof(text), &status, &cut), 13);
	assert_memory_equal(text, "alpha.example", 13);
}

/* Slices of what is not char are arrays, unless they are asked for as strings. */
static void slices_of_bytes(void **state)
{
	lp_auto(lp_compiled_free) struct lp_compiled *c = NULL;
	const struct lp_field *f = compile_one("req->body[:3]", &c);
	char bytes[8];
	int status;
	bool cut;

	(void)state;
	assert_non_null(f);
	assert_false(f->as_string);
	set_up();
	run(c->code, c->n_code);
	assert_int_equal(bytes_of(f->slot, bytes, sizeof(bytes), &status, &cut), 3);
	assert_memory_equal(bytes, "\1\2\3", 3);

	lp_compiled_free(lp_take(c));
	f = compile_one("req->body[:3]:s", &c);
	assert_non_null(f);
	assert_true(f->as_string);
}

/* One value that can't be had leaves the others alone. */
static void errors_stay_apart(void **state)
{
	static const int want[] = {
		LP_ST_OPTIMIZED_OUT, LP_ST_OK,	       LP_ST_UNREADABLE, LP_ST_DIV_ZERO,
		LP_ST_UNAVAILABLE,   LP_ST_UNREADABLE, LP_ST_OK
	};
	lp_auto(lp_compiled_free) struct lp_compiled *c = NULL;
	char bytes[64];
	bool cut;

	(void)state;
	assert_int_equal(
		fake_compile("app.c:42 \"{gone} {count} {req->next->next->id} {1 / (count + "
			     "7)} {vec} {req->next->next->path} {req->path}\"",
			     &c, NULL),
		0);
	set_up();
	run(c->code, c->n_code);
	assert_int_equal(vm.outcome, LP_OUT_DONE);
	for (size_t i = 0; i < LP_ARRAY_SIZE(want); i++) {
		int status;

		bytes_of(c->template.fields[i].slot, bytes, sizeof(bytes), &status, &cut);
		assert_int_equal(status, want[i]);
	}
}

/* Floating-point arithmetic: what the collector computes from what was captured. */
static void check_eval(const char *expr, double want)
{
	lp_auto(lp_compiled_free) struct lp_compiled *c = NULL;
	const struct lp_field *f = compile_one(expr, &c);
	struct lp_value fields[8], got;
	struct lp_arena arena = { 0 };
	char bytes[16];
	int status;
	bool cut;

	assert_non_null(f);
	assert_int_equal(f->kind, LP_FIELD_EVAL);
	set_up();
	run(c->code, c->n_code);
	for (size_t i = 0; i + 1 < c->template.n_fields; i++) {
		const struct lp_field *leaf = &c->template.fields[i];
		size_t len = bytes_of(leaf->slot, bytes, sizeof(bytes), &status, &cut);
		struct lp_tree t = { .kind = LP_TREE_INT, .type = leaf->type };

		assert_true(leaf->hidden);
		if (lp_type_strip(leaf->type)->kind == LP_TYPE_FLOAT) {
			t.kind = LP_TREE_FLOAT;
			t.f = len == 4 ? *(float *)bytes : *(double *)bytes;
		} else {
			t.value = (uint64_t)as_number(leaf->type, bytes, len);
		}
		lp_value_of_constant(&t, &arena, &fields[i]);
	}
	lp_eval_run(f->eval, fields, &arena, &got);
	lp_arena_done(&arena);

	double v = got.kind == LP_VAL_FLOAT ? got.f
		   : got.kind == LP_VAL_INT ? (double)got.s
					    : (double)got.u;
	if (got.kind == LP_VAL_ERROR || v != want)
		print_error("%s: %d %.17g, want %.17g\n", expr, got.kind, v, want);
	assert_int_not_equal(got.kind, LP_VAL_ERROR);
	assert_true(v == want);
}

static void floats(void **state)
{
	struct req *req = &one;
	int count = -7;
	double d = -0.75;

	(void)state;
	set_up();
#define EVAL(e) check_eval(#e, (double)(e))
	EVAL(req->took * 2);
	EVAL(req->took + req->load);
	EVAL(req->load * 3);
	EVAL(req->load * req->load);
	EVAL(-req->took / 3);
	EVAL(req->took - count);
	EVAL(req->id / req->took);
	EVAL((int)req->took);
	EVAL((int)(req->took * -3.7) + 1);
	EVAL((float)req->took + req->load);
	EVAL(req->took * 2 > 4 ? d : count);
	EVAL(req->took * 2 > 4 && d * 2 < 0);
	EVAL((unsigned char)(req->took * 100) * 2);
	EVAL((float)req->id);
	EVAL(1 / (d + 0.75));
#undef EVAL
}

static void call_carries_over(void **state)
{
	static const struct {
		const char *text;
		int outcome;
	} cases[] = {
		{ "call handle \"{req->id} {$return}\" if req->status == 500", LP_OUT_DONE },
		{ "call handle \"{req->id} {$return}\" if req->status == 501", LP_OUT_FILTERED },
		{ "call handle \"{req->id} {$return}\" if $return == 2", LP_OUT_DONE },
		{ "call handle \"{req->id} {$return}\" if $return == 2 and req->cached and "
		  "count == -7",
		  LP_OUT_DONE },
		{ "call handle \"{req->id} {$return}\" if $return == 500 - req->status + 2",
		  LP_OUT_DONE },
		{ "call handle \"{req->id} {$return}\" if $return == 3 and "
		  "req->next->next->status",
		  LP_OUT_FILTERED },
		{ "call handle \"{req->id} {$return}\" if $return == 2 and "
		  "req->next->next->status",
		  LP_OUT_COND_ERROR },
		{ "call handle \"{req->id} {$return}\" if $elapsed > 5 and $return < 3",
		  LP_OUT_DONE },
	};

	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(cases); i++) {
		lp_auto(lp_compiled_free) struct lp_compiled *c = NULL;
		uint64_t v = 0;
		int status;
		bool cut;

		assert_int_equal(fake_compile(cases[i].text, &c, NULL), 0);
		set_up();
		memset(vm.reg, 0xa5, sizeof(vm.reg)); /* what another hit has left */
		run(c->enter, c->n_enter);
		if (vm.outcome == LP_OUT_DONE) {
			/* arguments are gone */
			memset(&one, 0xee, sizeof(one));
			for (int r = 1; r < LP_MACH_REGS; r++)
				vm.mach[r] = 0xbad;
			memset(vm.reg, 0xa5, FIRST_CARRIED * sizeof(vm.reg[0]));
			vm.elapsed = 10;
			run(c->code, c->n_code);
		}
		if (vm.outcome != cases[i].outcome)
			print_error("%s: outcome %d\n", cases[i].text, vm.outcome);
		assert_int_equal(vm.outcome, cases[i].outcome);
		if (vm.outcome != LP_OUT_DONE)
			continue;
		bytes_of(c->template.fields[0].slot, &v, sizeof(v), &status, &cut);
		assert_true(v == 0x1234567890);
		v = 0;
		bytes_of(c->template.fields[1].slot, &v, sizeof(v), &status, &cut);
		assert_true(v == 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_c_s),
		cmocka_unit_test(conditions_are_c_s),
		cmocka_unit_test(conditions_of_python),
		cmocka_unit_test(errors_of_conditions),
		cmocka_unit_test(strings),
		cmocka_unit_test(aggregates),
		cmocka_unit_test(pieces),
		cmocka_unit_test(slices_of_bytes),
		cmocka_unit_test(errors_stay_apart),
		cmocka_unit_test(floats),
		cmocka_unit_test(call_carries_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
