// SPDX-License-Identifier: GPL-2.0-only
#include "expr/compile.h"

#include "expr/dynamic.h"
#include "expr/fields.h"

/* CHECK in the program where all that the condition reads is there. */
static void write_condition(struct lp_fields *f, const struct lp_node *n)
{
	const struct lp_tree *t = lp_check_condition(&f->check, n);

	f->check.in_condition = false;
	if (!t)
		return;
	if (t->kind == LP_TREE_INT && t->value)
		return;

	bool at_entry = f->is_call && !(t->needs & LP_NEEDS_LEAVE);
	struct lp_gen *g = at_entry ? &f->enter : &f->here;
	size_t try = lp_gen_try(g, LP_SLOT_COND);
	uint8_t r = lp_gen_truth(g, t);

	lp_emit(&g->e, CHECK, .a = r);
	lp_emit_release(&g->e, r);
	lp_gen_try_end(g, try);
	f->out->condition_never = g->never;
	if (g->e.status == -EMFILE)
		f->check.status = lp_err_at(
			f->check.err, EINVAL, n->col, n->width,
			"too complex: it needs more than %d intermediate values", LP_VM_REGS);
}

/* How much of the stack is copied: enough for the frames that are shown, as they usually are. One
 * that goes on beyond says that it is cut.
 */
static uint32_t stack_size(const struct lp_logpoint *lp, const struct lp_limits *limits)
{
	if (lp->location.kind == LP_AT_CRASH)
		return LP_STACK_MAX;
	return lp_stack_size(limits, LP_FRAME_USUAL);
}

static void write_captures(struct lp_fields *f, const struct lp_logpoint *lp)
{
	lp_emit(&f->here.e, GATE);
	if (lp->has_template)
		lp_fields_template(f, lp);
	else
		lp_fields_default(f);
	if (lp->with_locals && !lp_fields_status(f))
		lp_fields_locals(f, !lp->has_template);
	if (f->check.leave && !lp_fields_status(f))
		lp_fields_result(f);
	if (lp->with_stack) {
		lp_emit(&f->here.e, CAP_PYSTACK, .n = lp_python_frames(f->check.limits));
		lp_emit(&f->here.e, CAP_STACK, .n = stack_size(lp, f->check.limits));
	}
	if (lp->with_stack && lp->with_locals)
		lp_emit(&f->here.e, CAP_PYLOCALS, .imm = lp_python_limits(f->check.limits));
	lp_emit(&f->here.e, END);
}

static int hand_over_template(struct lp_fields *f, const struct lp_logpoint *lp)
{
	struct lp_compiled *out = f->out;
	struct lp_template *t = &out->template;

	t->n_parts = f->parts.len;
	t->parts = lp_arena_dup(&out->arena, f->parts.data, f->parts.len * sizeof(*t->parts));
	t->n_fields = f->fields.len;
	t->fields = lp_arena_dup(&out->arena, f->fields.data, f->fields.len * sizeof(*t->fields));
	t->with_stack = lp->with_stack;
	t->with_locals = lp->with_locals;
	return t->parts && t->fields ? 0 : lp_err_nomem(f->check.err);
}

static int hand_over_enter(struct lp_fields *f, struct lp_err *err)
{
	struct lp_compiled *out = f->out;

	if (!f->check.leave)
		return 0;
	lp_emit(&f->enter.e, END);

	int r = lp_emit_finish(&f->enter.e, &out->enter, &out->n_enter, err);
	return r < 0 ? r : lp_program_verify(out->enter, out->n_enter, err);
}

static int hand_over(struct lp_fields *f, const struct lp_logpoint *lp, struct lp_err *err)
{
	struct lp_compiled *out = f->out;
	int r = hand_over_template(f, lp);

	if (r == 0)
		r = hand_over_enter(f, err);
	if (r == 0)
		r = lp_emit_finish(&f->here.e, &out->code, &out->n_code, err);
	return r < 0 ? r : lp_program_verify(out->code, out->n_code, err);
}

static int compile(struct lp_fields *f, const struct lp_logpoint *lp, struct lp_err *err)
{
	if (f->is_call) {
		f->here.enter = &f->enter;
		lp_gen_reserve_keeps(&f->here);
		lp_gen_reserve_keeps(&f->enter);
		/* no flag is set yet: see keep() */
		lp_emit(&f->enter.e, IMM, .dst = LP_VM_REGS - 1);
	}
	if (lp->condition)
		write_condition(f, lp->condition);
	if (!lp_fields_status(f))
		write_captures(f, lp);

	int r = lp_fields_status(f);
	return r < 0 ? r : hand_over(f, lp, err);
}

int lp_compile(const struct lp_logpoint *lp, struct lp_scope *entry, struct lp_scope *leave,
	       const struct lp_limits *limits, struct lp_compiled **ret, struct lp_err *err)
{
	lp_auto(lp_compiled_free) struct lp_compiled *out = calloc(1, sizeof(*out));
	struct lp_err local = { 0 };

	if (!out)
		return lp_err_nomem(err);
	if (entry->dynamic) {
		int r = lp_dynamic_compile(lp, entry, leave, limits, out, err);

		if (r == 0)
			*ret = lp_take(out);
		return r;
	}

	struct lp_fields f = {
		.check = { .entry = entry,
			   .leave = leave,
			   .location = lp->location.kind,
			   .limits = limits,
			   .arena = &out->arena,
			   .err = &local },
		.here.err = &local,
		.enter.err = &local,
		.is_call = lp->location.kind == LP_AT_CALL && leave,
		.out = out,
	};
	int r = compile(&f, lp, &local);

	lp_fields_done(&f);
	if (r < 0) {
		if (err)
			*err = local;
		return r;
	}
	*ret = lp_take(out);
	return 0;
}

void lp_compiled_free(struct lp_compiled *c)
{
	if (!c)
		return;
	free(c->code);
	free(c->enter);
	lp_arena_done(&c->arena);
	free(c);
}
