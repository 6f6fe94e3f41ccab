// SPDX-License-Identifier: GPL-2.0-only
#include "expr/fields.h"

#include <errno.h>
#include <string.h>

#include "expr/eval.h"

/* Programs that grow beyond this capture nothing more: a hit's steps are limited. */
#define CODE_MAX (LP_VM_STEPS_MAX - 128)

void lp_fields_done(struct lp_fields *f)
{
	lp_emit_done(&f->here.e);
	lp_emit_done(&f->enter.e);
	lp_vec_done(&f->fields);
	lp_vec_done(&f->parts);
}

int lp_fields_status(const struct lp_fields *f)
{
	if (f->check.status)
		return f->check.status;
	return f->here.status ? f->here.status : f->enter.status;
}

static void no_memory(struct lp_fields *f)
{
	if (!f->check.status)
		f->check.status = lp_err_nomem(f->check.err);
}

/* Gives an error without a place that of the expression. */
static void settle(struct lp_fields *f, const struct lp_tree *t)
{
	struct lp_err *err = f->check.err;
	bool is_full = f->here.e.status == -EMFILE || f->enter.e.status == -EMFILE;

	if (is_full && !lp_fields_status(f))
		f->check.status = lp_err_at(
			err, EINVAL, t->col, t->width,
			"too complex: it needs more than %d intermediate values", LP_VM_REGS);
	else if (lp_fields_status(f) && err && !err->col) {
		err->col = t->col;
		err->width = t->width;
	}
}

static uint32_t add_field(struct lp_fields *f, const struct lp_field *field)
{
	if (lp_vec_push(&f->fields, *field) < 0) {
		no_memory(f);
		return 0;
	}
	return (uint32_t)f->fields.len - 1;
}

static void add_literal(struct lp_fields *f, const char *s, size_t len)
{
	struct lp_part part = { .literal = s, .len = len };

	if (!s || lp_vec_push(&f->parts, part) < 0)
		no_memory(f);
}

static void add_part(struct lp_fields *f, uint32_t field, const struct lp_format *format,
		     bool quoted)
{
	struct lp_part part = { .field = field, .quoted = quoted };

	part.format.precision = -1;
	if (format)
		part.format = *format;
	if (lp_vec_push(&f->parts, part) < 0)
		no_memory(f);
}

static void fix(struct lp_field *field, enum lp_value_kind kind, const char *s)
{
	field->kind = LP_FIELD_FIXED;
	field->fixed = (struct lp_value){ .kind = kind, .str = s, .len = strlen(s) };
}

/* Where a tree is evaluated, and what it is captured for. */
static struct lp_gen *gen_of(struct lp_fields *f, const struct lp_tree *t)
{
	return f->is_call && t->needs == LP_NEEDS_ENTRY ? &f->enter : &f->here;
}

static void capture(struct lp_fields *f, const struct lp_tree *t, const struct lp_format *format,
		    struct lp_field *field)
{
	struct lp_gen *g = gen_of(f, t);
	const char *refused = lp_capture_refused(t);

	if (refused) {
		fix(field, LP_VAL_ERROR, refused);
		return;
	}
	if (g->e.code.len > CODE_MAX || f->here.next_slot >= LP_SLOT_MAX - 1) {
		fix(field, LP_VAL_ERROR, "truncated");
		return;
	}

	struct lp_capture cap = {
		.slot = f->here.next_slot++,
		.limits = f->check.limits,
		.want_string = format && format->type == 's',
		.want_pointer = format && format->type && strchr("pxXdob", format->type),
	};
	lp_capture_tree(g, t, &cap);
	settle(f, t);
	field->kind = LP_FIELD_VALUE;
	field->slot = cap.slot;
	field->type = cap.type;
	field->as_string = cap.as_string;
}

static void set_meta(struct lp_fields *f, const struct lp_tree *t, struct lp_field *field)
{
	if (t->meta == LP_META_CALLER)
		capture(f, t, NULL, field);
	if (field->kind != LP_FIELD_FIXED)
		field->kind = LP_FIELD_META;
	field->meta = t->meta;
}

static bool is_constant(const struct lp_tree *t)
{
	return t->kind == LP_TREE_INT || t->kind == LP_TREE_FLOAT || t->kind == LP_TREE_STRING;
}

/* A constant whose text lives as long as the template. */
static void fix_constant(struct lp_fields *f, const struct lp_tree *t, struct lp_value *ret)
{
	lp_value_of_constant(t, &f->out->arena, ret);
	if (ret->kind != LP_VAL_STRING)
		return;
	ret->str = lp_arena_dup(&f->out->arena, ret->str, ret->len);
	if (!ret->str)
		no_memory(f);
}

static struct lp_eval *new_eval(struct lp_fields *f, enum lp_eval_kind kind,
				const struct lp_tree *t)
{
	struct lp_eval *e = lp_arena_new(&f->out->arena, struct lp_eval);

	if (!e) {
		no_memory(f);
		return NULL;
	}
	e->kind = kind;
	e->op = t->op;
	e->type = t->type;
	return e;
}

/* A leaf: a field of its own, that only the computation sees. */
static struct lp_eval *eval_leaf(struct lp_fields *f, const struct lp_tree *t)
{
	struct lp_eval *e = new_eval(f, is_constant(t) ? LP_EVAL_CONSTANT : LP_EVAL_FIELD, t);
	struct lp_field field = { .text = "", .hidden = true };

	if (!e)
		return NULL;
	if (is_constant(t)) {
		fix_constant(f, t, &e->constant);
		return e;
	}
	if (t->has_meta && t->kind != LP_TREE_CTX)
		set_meta(f, t, &field);
	else
		capture(f, t, NULL, &field);
	e->field = add_field(f, &field);
	return e;
}

static struct lp_eval *eval_tree(struct lp_fields *f, const struct lp_tree *t)
{
	enum lp_eval_kind kind;

	if (!lp_tree_needs_eval(t))
		return eval_leaf(f, t);
	switch (t->kind) {
	case LP_TREE_CONVERT:
		kind = LP_EVAL_CONVERT;
		break;
	case LP_TREE_UNARY:
		kind = LP_EVAL_UNARY;
		break;
	case LP_TREE_BINARY:
		kind = LP_EVAL_BINARY;
		break;
	case LP_TREE_COND:
		kind = LP_EVAL_COND;
		break;
	default:
		lp_check_fail_at(&f->check, EINVAL, t->col, t->width,
				 "this cannot depend on floating-point arithmetic");
		return NULL;
	}

	struct lp_eval *e = new_eval(f, kind, t);
	if (!e)
		return NULL;
	e->a = eval_tree(f, t->a);
	e->b = t->b ? eval_tree(f, t->b) : NULL;
	e->c = t->c ? eval_tree(f, t->c) : NULL;
	return e->a && (!t->b || e->b) && (!t->c || e->c) ? e : NULL;
}

/* Makes the field of an expression and returns its number. */
static uint32_t make_field(struct lp_fields *f, const struct lp_tree *t, const char *text,
			   const struct lp_format *format, const struct lp_field *flags)
{
	struct lp_field field = *flags;

	field.text = text;
	field.type = t->type;
	if (t->redacted) {
		fix(&field, LP_VAL_ERROR, "redacted");
	} else if (t->has_meta) {
		set_meta(f, t, &field);
	} else if (is_constant(t)) {
		field.kind = LP_FIELD_FIXED;
		fix_constant(f, t, &field.fixed);
	} else if (lp_tree_needs_eval(t)) {
		field.kind = LP_FIELD_EVAL;
		field.eval = eval_tree(f, t);
	} else {
		capture(f, t, format, &field);
	}
	return add_field(f, &field);
}

static bool is_result(const struct lp_tree *t)
{
	return t->kind == LP_TREE_VAR && t->var.kind == LP_VAR_RESULT;
}

static const char *own_text(struct lp_fields *f, const char *s)
{
	const char *copy = lp_arena_strdup(&f->out->arena, s);

	if (!copy)
		no_memory(f);
	return copy ? copy : "";
}

static void add_expr(struct lp_fields *f, const struct lp_text_part *part)
{
	const struct lp_tree *t = lp_check_expr(&f->check, part->expr);

	if (!t)
		return;

	/* the text and its records outlive neither the logpoint nor this */
	const char *text = own_text(f, part->text);
	struct lp_field flags = { .is_result = is_result(t) };

	if (part->with_text) {
		add_literal(f, text, strlen(text));
		add_literal(f, "=", 1);
	}
	uint32_t field = make_field(f, t, text, &part->format, &flags);
	add_part(f, field, &part->format, part->with_text);
}

void lp_fields_template(struct lp_fields *f, const struct lp_logpoint *lp)
{
	for (size_t i = 0; i < lp->n_parts && !lp_fields_status(f); i++) {
		const struct lp_text_part *part = &lp->parts[i];

		if (part->literal)
			add_literal(f, lp_arena_dup(&f->out->arena, part->literal, part->len),
				    part->len);
		else
			add_expr(f, part);
	}
}

struct each {
	struct lp_fields *f;
	bool is_local;
};

static int add_var(const struct lp_var *v, void *arg)
{
	struct each *each = arg;
	struct lp_fields *f = each->f;
	struct lp_field flags = { .is_local = each->is_local };

	if (!v->name || v->kind == LP_VAR_CONSTANT)
		return 0;

	const struct lp_tree *t = lp_check_var(&f->check, f->check.entry, v);
	if (!t)
		return lp_fields_status(f);

	const char *name = own_text(f, v->name);
	if (!each->is_local) {
		if (f->parts.len)
			add_literal(f, " ", 1);
		add_literal(f, name, strlen(name));
		add_literal(f, "=", 1);
	}
	uint32_t field = make_field(f, t, name, NULL, &flags);
	if (!each->is_local)
		add_part(f, field, NULL, true);
	return lp_fields_status(f);
}

static bool is_at_entry(const struct lp_fields *f)
{
	return f->check.location == LP_AT_ENTRY || f->check.location == LP_AT_CALL;
}

static void add_vars(struct lp_fields *f, bool is_local)
{
	struct each each = { .f = f, .is_local = is_local };
	/* at the entry, the locals have no values yet */
	unsigned int what = LP_EACH_ARGUMENTS | (is_at_entry(f) ? 0 : LP_EACH_LOCALS);

	f->check.entry->ops->each(f->check.entry, what, add_var, &each);
}

/* The arguments of a static probe, which have no names. */
static void add_numbered(struct lp_fields *f)
{
	struct each each = { .f = f };

	for (unsigned int i = 1; !lp_fields_status(f); i++) {
		char name[16];
		struct lp_var v;

		if (f->check.entry->ops->numbered(f->check.entry, i, &v, NULL) < 0)
			break;
		snprintf(name, sizeof(name), "$%u", i);
		v.name = own_text(f, name);
		if (add_var(&v, &each) < 0)
			break;
	}
}

/* $return; NULL where nothing is returned. */
static const struct lp_tree *result(struct lp_fields *f)
{
	struct lp_scope *leave = f->check.leave;
	struct lp_var v;

	if (!leave || leave->ops->result(leave, &v, NULL) < 0)
		return NULL;

	const struct lp_tree *t = lp_check_var(&f->check, leave, &v);
	return t && !lp_capture_refused(t) ? t : NULL;
}

static uint32_t result_field(struct lp_fields *f, const struct lp_tree *t, bool hidden)
{
	struct lp_field flags = { .is_result = true, .hidden = hidden };

	return make_field(f, t, NULL, NULL, &flags);
}

/* What has happened, in words. */
static void add_crash(struct lp_fields *f)
{
	struct lp_field field = { .kind = LP_FIELD_META, .meta = LP_META_CRASH };

	add_part(f, add_field(f, &field), NULL, false);
}

void lp_fields_default(struct lp_fields *f)
{
	if (f->check.location == LP_AT_CRASH)
		add_crash(f);
	else if (f->check.location == LP_AT_USDT)
		add_numbered(f);
	else if (f->check.location != LP_AT_RETURN)
		add_vars(f, false);

	const struct lp_tree *t = result(f);
	if (!t || lp_fields_status(f))
		return;
	add_literal(f, f->parts.len ? " -> " : "-> ", f->parts.len ? 4 : 3);
	add_part(f, result_field(f, t, false), NULL, true);
}

void lp_fields_locals(struct lp_fields *f, bool has_shown)
{
	if (f->check.location == LP_AT_RETURN || (has_shown && f->check.location != LP_AT_USDT))
		return;
	add_vars(f, true);
}

void lp_fields_result(struct lp_fields *f)
{
	for (size_t i = 0; i < f->fields.len; i++)
		if (f->fields.data[i].is_result)
			return;

	const struct lp_tree *t = result(f);
	if (t && !lp_fields_status(f))
		result_field(f, t, true);
}
