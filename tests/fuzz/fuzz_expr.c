// SPDX-License-Identifier: GPL-2.0-only
/* Any text as a logpoint: parsed, compiled against a scope with every kind of location and one of
 * Python. What comes out must be a program that the verifier accepts, and a template whose fields
 * exist; an error must point into the text.
 */
#include <stdint.h>
#include <stdlib.h>

#include "../unit/fake_dynamic.h"
#include "../unit/fake_scope.h"
#include "base/buf.h"
#include "base/show.h"

static void check_error(const struct lp_err *err, const char *text)
{
	size_t len = strlen(text);

	if (err->code <= 0 || !err->msg[0] || err->col < 0 || (size_t)err->col > len + 1)
		abort();
}

static void check_template(const struct lp_template *t)
{
	for (size_t i = 0; i < t->n_parts; i++)
		if (!t->parts[i].literal && t->parts[i].field >= t->n_fields)
			abort();
	for (size_t i = 0; i < t->n_fields; i++) {
		const struct lp_field *f = &t->fields[i];

		const bool is_crash = f->kind == LP_FIELD_META && f->meta == LP_META_CRASH;

		if ((!f->text && !f->is_result && !is_crash) ||
		    (f->kind == LP_FIELD_EVAL && !f->eval))
			abort();
	}
}

/* What a record can hold, whatever the type that was expected. */
static void fill(struct lp_value *v, size_t i, bool is_python)
{
	static struct lp_value items[2] = { { .kind = LP_VAL_INT, .is_python = true } };
	static const struct lp_value kinds[] = {
		{ .kind = LP_VAL_INT, .s = -1 },
		{ .kind = LP_VAL_STRING, .str = "ab", .len = 2, .cut = true },
		{ .kind = LP_VAL_FLOAT, .f = -0.5 },
		{ .kind = LP_VAL_BIGINT, .str = "-170141183460469231731687303715884105728" },
		{ .kind = LP_VAL_NULL },
		{ .kind = LP_VAL_LIST, .items = items, .len = 2 },
		{ .kind = LP_VAL_BYTES, .str = "", .len = 0 },
		{ .kind = LP_VAL_BOOL, .u = 1 },
		{ .kind = LP_VAL_OBJECT, .type_name = "Cart" },
		{ .kind = LP_VAL_INT, .s = INT64_MIN },
		{ .kind = LP_VAL_ERROR, .str = "unbound" },
	};

	*v = (struct lp_value){ .kind = LP_VAL_INT, .s = (int64_t)i - 1 };
	if (is_python) {
		*v = kinds[i % LP_ARRAY_SIZE(kinds)];
		v->is_python = true;
		v->size = 8;
	}
}

static void evaluate(const struct lp_template *t)
{
	struct lp_value *values = calloc(t->n_fields + 1, sizeof(*values));
	struct lp_arena arena = { 0 };
	lp_auto(lp_buf_done) struct lp_buf b = { 0 };

	if (!values)
		return;
	for (size_t i = 0; i < t->n_fields; i++) {
		fill(&values[i], i, t->is_python);
		if (t->fields[i].kind == LP_FIELD_EVAL)
			lp_eval_run(t->fields[i].eval, values, &arena, &values[i]);
		lp_show(&b, &values[i], false);
	}
	lp_arena_done(&arena);
	free(values);
}

typedef int compile_fn(const char *text, struct lp_compiled **ret, struct lp_err *err);
typedef int verify_fn(const struct lp_insn *code, size_t n, struct lp_err *err);

static void compile(const char *text, compile_fn *fn, verify_fn *verify)
{
	struct lp_err err = { 0 };
	lp_auto(lp_compiled_free) struct lp_compiled *c = NULL;
	lp_auto(lp_buf_done) struct lp_buf b = { 0 };

	if (fn(text, &c, &err) < 0) {
		check_error(&err, text);
		return;
	}
	if (verify(c->code, c->n_code, NULL) < 0 ||
	    (c->enter && verify(c->enter, c->n_enter, NULL) < 0))
		abort();
	lp_program_print(&b, c->code, c->n_code);
	check_template(&c->template);
	evaluate(&c->template);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);

	if (!text)
		return 0;
	compile(text, fake_compile, lp_program_verify);
	compile(text, dynamic_compile, lp_program_verify_python);
	free(text);
	lp_arena_reset(&fake_arena);
	return 0;
}
