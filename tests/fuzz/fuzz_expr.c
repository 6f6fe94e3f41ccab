// SPDX-License-Identifier: GPL-2.0-only
/* Any text as a logpoint: parsed, compiled against a scope with every kind of location. What comes
 * out must be a program that the verifier accepts, and a template whose fields exist; an error must
 * point into the text.
 */
#include <stdint.h>
#include <stdlib.h>

#include "../unit/fake_scope.h"
#include "base/buf.h"

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

		if ((!f->text && !f->is_result) || (f->kind == LP_FIELD_EVAL && !f->eval))
			abort();
	}
}

static void evaluate(const struct lp_template *t)
{
	struct lp_value *values = calloc(t->n_fields + 1, sizeof(*values));
	struct lp_arena arena = { 0 };

	if (!values)
		return;
	for (size_t i = 0; i < t->n_fields; i++) {
		values[i] = (struct lp_value){ .kind = LP_VAL_INT, .s = (int64_t)i - 1 };
		if (t->fields[i].kind == LP_FIELD_EVAL)
			lp_eval_run(t->fields[i].eval, values, &arena, &values[i]);
	}
	lp_arena_done(&arena);
	free(values);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lp_err err = { 0 };
	lp_auto(lp_compiled_free) struct lp_compiled *c = NULL;
	char *text = strndup((const char *)data, size);

	if (!text)
		return 0;
	if (fake_compile(text, &c, &err) < 0) {
		check_error(&err, text);
	} else {
		lp_auto(lp_buf_done) struct lp_buf b = { 0 };

		if (lp_program_verify(c->code, c->n_code, NULL) < 0 ||
		    (c->enter && lp_program_verify(c->enter, c->n_enter, NULL) < 0))
			abort();
		lp_program_print(&b, c->code, c->n_code);
		check_template(&c->template);
		evaluate(&c->template);
	}
	free(text);
	lp_arena_reset(&fake_arena);
	return 0;
}
