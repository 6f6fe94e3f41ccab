// SPDX-License-Identifier: GPL-2.0-only
/* What a record shows: first all of it is checked, so that it is known what expressions share, then
 * it is captured.
 */
#include <errno.h>
#include <string.h>

#include "expr/dynamic.h"

/* Programs that grow beyond this capture nothing more: a hit's steps are limited. */
#define CODE_MAX (LP_VM_STEPS_MAX - 128)

void lp_dyn_fields_done(struct lp_dyn_fields *f)
{
	lp_dyn_gen_done(&f->here);
	lp_dyn_gen_done(&f->enter);
	lp_vec_done(&f->items);
	lp_vec_done(&f->fields);
	lp_vec_done(&f->parts);
}

int lp_dyn_fields_status(const struct lp_dyn_fields *f)
{
	if (f->check.base.status)
		return f->check.base.status;
	return f->here.status ? f->here.status : f->enter.status;
}

static void no_memory(struct lp_dyn_fields *f)
{
	if (!f->check.base.status)
		f->check.base.status = lp_err_nomem(f->check.base.err);
}

static void add_item(struct lp_dyn_fields *f, const struct lp_dyn_item *item)
{
	if ((item->literal || item->t) && lp_vec_push(&f->items, *item) < 0)
		no_memory(f);
	if (item->t)
		item->t->refs++;
}

static void add_literal(struct lp_dyn_fields *f, const char *s, size_t len, bool optional)
{
	struct lp_dyn_item item = { .literal = lp_arena_strndup(&f->out->arena, s, len),
				    .len = len,
				    .is_part = true,
				    .optional = optional };

	if (!item.literal)
		no_memory(f);
	add_item(f, &item);
}

/* Checking */

static void check_part(struct lp_dyn_fields *f, const struct lp_text_part *part)
{
	struct lp_dyn_item item = { .format = &part->format,
				    .is_part = true,
				    .quoted = part->with_text };

	if (part->literal) {
		add_literal(f, part->literal, part->len, false);
		return;
	}
	item.t = lp_dyn_check_expr(&f->check, part->expr);
	/* the text and its records outlive neither the logpoint nor this */
	item.text = lp_arena_strdup(&f->out->arena, part->text);
	if (!item.t || !item.text)
		return;
	item.is_result = item.t->kind == LP_DYN_RESULT;
	if (part->with_text) {
		add_literal(f, part->text, strlen(part->text), false);
		add_literal(f, "=", 1, false);
	}
	add_item(f, &item);
}

struct each {
	struct lp_dyn_fields *f;
	bool is_local;
};

static int check_named(const struct lp_dynamic_name *n, void *arg)
{
	struct each *each = arg;
	struct lp_dyn_fields *f = each->f;
	struct lp_dyn_item item = { .t = lp_dyn_check_named(&f->check, n->name),
				    .is_part = !each->is_local,
				    .is_local = each->is_local,
				    .quoted = true,
				    .optional = true };

	if (!item.t)
		return lp_dyn_fields_status(f);
	item.text = item.t->name;
	if (!each->is_local) {
		char *label = lp_arena_fmt(&f->out->arena, " %s=", item.text);

		if (label)
			add_literal(f, label, strlen(label), true);
		else
			no_memory(f);
	}
	add_item(f, &item);
	return lp_dyn_fields_status(f);
}

static void check_all(struct lp_dyn_fields *f, bool is_local)
{
	enum lp_location_kind at = f->check.base.location;
	/* at the entry, the locals have no values yet */
	bool has_locals = at != LP_AT_ENTRY && at != LP_AT_CALL;
	bool is_return = at == LP_AT_RETURN && f->check.base.leave;
	struct lp_scope *scope = is_return ? f->check.base.leave : f->check.base.entry;
	struct each each = { .f = f, .is_local = is_local };

	scope->dynamic->each(scope, LP_EACH_ARGUMENTS | (has_locals ? LP_EACH_LOCALS : 0),
			     check_named, &each);
}

/* The value that a function returns, where nothing shows it yet. */
static void check_result(struct lp_dyn_fields *f, bool is_part)
{
	struct lp_dyn_item item = {
		.is_part = is_part, .quoted = true, .is_result = true, .hidden = !is_part
	};

	lp_vec_each (&f->items, shown)
		if (shown->is_result)
			return;
	item.t = lp_dyn_check_result(&f->check, NULL);
	if (is_part && item.t)
		add_literal(f, f->items.len ? " -> " : "-> ", f->items.len ? 4 : 3, false);
	add_item(f, &item);
}

void lp_dyn_fields_check(struct lp_dyn_fields *f, const struct lp_logpoint *lp)
{
	bool is_return = f->check.base.location == LP_AT_RETURN;

	for (size_t i = 0; i < lp->n_parts && !lp_dyn_fields_status(f); i++)
		check_part(f, &lp->parts[i]);
	if (!lp->has_template && !is_return && !lp_at_exception(f->check.base.location))
		check_all(f, false);
	if (lp->with_locals && (lp->has_template || is_return) && !lp_dyn_fields_status(f))
		check_all(f, true);
	if (f->check.base.leave && !lp_dyn_fields_status(f))
		check_result(f, !lp->has_template);
}

/* Writing */

/* Gives an error without a place that of the expression. */
static void settle(struct lp_dyn_fields *f, const struct lp_dyn *t)
{
	struct lp_err *err = f->check.base.err;
	bool is_full = f->here.e.status == -EMFILE || f->enter.e.status == -EMFILE;

	if (is_full && !lp_dyn_fields_status(f))
		f->check.base.status = lp_err_at(
			err, EINVAL, t->col, t->width,
			"too complex: it needs more than %d intermediate values", LP_VM_REGS);
	else if (lp_dyn_fields_status(f) && err && !err->col) {
		err->col = t->col;
		err->width = t->width;
	}
}

static uint32_t add_field(struct lp_dyn_fields *f, const struct lp_field *field)
{
	if (lp_vec_push(&f->fields, *field) < 0) {
		no_memory(f);
		return 0;
	}
	return (uint32_t)f->fields.len - 1;
}

static void fix(struct lp_field *field, const char *why)
{
	field->kind = LP_FIELD_FIXED;
	field->fixed = (struct lp_value){ .kind = LP_VAL_ERROR, .str = why, .len = strlen(why) };
}

/* The value, or whether it is true; what was captured before is not captured again. */
static void capture(struct lp_dyn_fields *f, struct lp_dyn *t, bool truth, struct lp_field *field)
{
	bool in_enter = f->is_call && t->needs == LP_NEEDS_ENTRY;
	struct lp_dyn_gen *g = in_enter ? &f->enter : &f->here;

	if (t->redacted) {
		fix(field, "redacted");
		return;
	}
	if (!t->slot[truth]) {
		if (g->e.code.len > CODE_MAX || f->here.next_slot >= LP_SLOT_MAX - 1) {
			fix(field, "truncated");
			return;
		}
		uint16_t slot = f->here.next_slot++;
		lp_dyn_gen_capture(g, t, truth, slot, f->check.base.limits);
		settle(f, t);
		t->slot[truth] = slot + 1u;
	}
	field->kind = LP_FIELD_VALUE;
	field->slot = (uint16_t)(t->slot[truth] - 1);
	field->is_python = true;
	field->in_enter = in_enter;
}

static void set_meta(struct lp_dyn_fields *f, const struct lp_dyn *t, struct lp_field *field)
{
	field->kind = LP_FIELD_META;
	field->meta = t->meta;
	field->is_python = true;
	if (t->meta != LP_META_CALLER)
		return;
	field->slot = LP_SLOT_PYSTACK;
	f->has_caller = true;
}

static struct lp_eval *new_eval(struct lp_dyn_fields *f, enum lp_eval_kind kind,
				enum lp_operator op)
{
	struct lp_eval *e = lp_arena_new(&f->out->arena, struct lp_eval);

	if (!e) {
		no_memory(f);
		return NULL;
	}
	e->kind = kind;
	e->op = op;
	e->is_python = true;
	return e;
}

static struct lp_eval *eval_pair(struct lp_dyn_fields *f, enum lp_eval_kind kind,
				 enum lp_operator op, const struct lp_eval *a,
				 const struct lp_eval *b)
{
	bool has_one = kind == LP_EVAL_UNARY || kind == LP_EVAL_STEP;
	struct lp_eval *e = a && (b || has_one) ? new_eval(f, kind, op) : NULL;

	if (!e)
		return NULL;
	e->a = a;
	e->b = b;
	return e;
}

static struct lp_eval *eval_field(struct lp_dyn_fields *f, struct lp_dyn *t, bool truth)
{
	struct lp_eval *e = new_eval(f, LP_EVAL_FIELD, t->op);
	struct lp_field field = { .text = "", .hidden = true };

	if (!e)
		return NULL;
	if (t->kind == LP_DYN_META || t->kind == LP_DYN_CTX)
		set_meta(f, t, &field);
	else
		capture(f, t, truth, &field);
	e->field = add_field(f, &field);
	return e;
}

/* Can its value be a text or a big int of the logpoint? That lies in no memory of the program: the kernel
 * side can compare it, and the collector has it.
 */
static bool yields_constant(const struct lp_dyn *t)
{
	if (t->kind == LP_DYN_CONST)
		return t->type == LP_DYN_STR || t->type == LP_DYN_BYTES ||
		       t->constant.kind == LP_VAL_UINT || t->constant.kind == LP_VAL_BIGINT;
	if (t->kind == LP_DYN_COND)
		return yields_constant(t->b) || yields_constant(t->c);
	return t->kind == LP_DYN_BINARY && (t->op == LP_OPER_AND || t->op == LP_OPER_OR) &&
	       (yields_constant(t->a) || yields_constant(t->b));
}

/* Can the collector tell whether it is true? */
static bool truth_is_known(const struct lp_dyn *t)
{
	return t->computes || t->type != LP_DYN_ANY || t->kind == LP_DYN_META;
}

/* is_asked: whether it is true will be asked. */
static const struct lp_eval *eval_tree(struct lp_dyn_fields *f, struct lp_dyn *t, bool is_asked);

/* a == one of items[from, to): halves, so that no tree is high */
static const struct lp_eval *eval_any(struct lp_dyn_fields *f, struct lp_dyn *t, size_t from,
				      size_t to)
{
	if (to - from == 1)
		return eval_pair(f, LP_EVAL_BINARY, LP_OPER_EQ, eval_tree(f, t->a, false),
				 eval_tree(f, t->items[from], false));

	size_t middle = from + (to - from) / 2;
	return eval_pair(f, LP_EVAL_BINARY, LP_OPER_OR, eval_any(f, t, from, middle),
			 eval_any(f, t, middle, to));
}

static const struct lp_eval *eval_items(struct lp_dyn_fields *f, struct lp_dyn *t)
{
	const struct lp_eval *any;

	if (t->n_items) {
		any = eval_any(f, t, 0, t->n_items);
	} else {
		struct lp_eval *none = new_eval(f, LP_EVAL_CONSTANT, t->op);

		if (none)
			none->constant = (struct lp_value){ .kind = LP_VAL_BOOL,
							    .is_python = true,
							    .size = 8 };
		any = none;
	}
	return t->op == LP_OPER_NOT_IN ? eval_pair(f, LP_EVAL_UNARY, LP_OPER_NOT, any, NULL) : any;
}

static const struct lp_eval *eval_operation(struct lp_dyn_fields *f, struct lp_dyn *t)
{
	bool is_logic = t->op == LP_OPER_AND || t->op == LP_OPER_OR || t->op == LP_OPER_NOT;
	struct lp_eval *e;

	switch (t->kind) {
	case LP_DYN_UNARY:
		return eval_pair(f, LP_EVAL_UNARY, t->op, eval_tree(f, t->a, is_logic), NULL);
	case LP_DYN_BINARY:
		return eval_pair(f, LP_EVAL_BINARY, t->op, eval_tree(f, t->a, is_logic),
				 eval_tree(f, t->b, is_logic));
	case LP_DYN_ANY_OF:
		return eval_items(f, t);
	case LP_DYN_STEP:
		e = eval_pair(f, LP_EVAL_STEP, t->op, eval_tree(f, t->a, false),
			      eval_tree(f, t->b, false));
		if (e)
			e->constant = t->constant;
		return e;
	default:
		break;
	}
	e = eval_pair(f, LP_EVAL_COND, t->op, eval_tree(f, t->a, true), eval_tree(f, t->b, true));
	if (e)
		e->c = eval_tree(f, t->c, true);
	return e && e->c ? e : NULL;
}

static const struct lp_eval *eval_tree(struct lp_dyn_fields *f, struct lp_dyn *t, bool is_asked)
{
	struct lp_eval *e;

	if (t->kind == LP_DYN_CONST) {
		e = new_eval(f, LP_EVAL_CONSTANT, t->op);
		if (e)
			e->constant = t->constant;
		return e;
	}
	if (t->computes || yields_constant(t))
		return eval_operation(f, t);
	e = eval_field(f, t, false);
	if (e && is_asked && !truth_is_known(t))
		e->truth = eval_field(f, t, true);
	return e;
}

static uint32_t make_field(struct lp_dyn_fields *f, const struct lp_dyn_item *item)
{
	struct lp_dyn *t = item->t;
	struct lp_field field = { .text = item->text,
				  .hidden = item->hidden,
				  .is_local = item->is_local,
				  .is_result = item->is_result,
				  .optional = item->optional };

	if (t->redacted) {
		fix(&field, "redacted");
	} else if (t->kind == LP_DYN_META || t->kind == LP_DYN_CTX) {
		set_meta(f, t, &field);
	} else if (t->kind == LP_DYN_CONST) {
		field.kind = LP_FIELD_FIXED;
		field.fixed = t->constant;
	} else if (t->computes || yields_constant(t)) {
		field.kind = LP_FIELD_EVAL;
		field.eval = eval_tree(f, t, false);
	} else {
		capture(f, t, false, &field);
	}
	return add_field(f, &field);
}

static void add_part(struct lp_dyn_fields *f, const struct lp_part *part)
{
	if (lp_vec_push(&f->parts, *part) < 0)
		no_memory(f);
}

void lp_dyn_fields_write(struct lp_dyn_fields *f)
{
	for (size_t i = 0; i < f->items.len && !lp_dyn_fields_status(f); i++) {
		const struct lp_dyn_item *item = &f->items.data[i];
		struct lp_part part = { .literal = item->literal,
					.len = item->len,
					.quoted = item->quoted,
					.optional = item->optional && item->literal };

		part.format.precision = -1;
		if (item->format)
			part.format = *item->format;
		if (item->t)
			part.field = make_field(f, item);
		if (item->is_part)
			add_part(f, &part);
	}

	/* an optional label belongs to the field after it */
	for (size_t i = 0; i + 1 < f->parts.len; i++)
		if (f->parts.data[i].optional)
			f->parts.data[i].field = f->parts.data[i + 1].field;
}
