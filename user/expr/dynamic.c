// SPDX-License-Identifier: GPL-2.0-only
#include "expr/dynamic.h"

#include <errno.h>
#include <math.h>

static bool is_true(const struct lp_value *v)
{
	switch (v->kind) {
	case LP_VAL_NULL:
		return false;
	case LP_VAL_STRING:
	case LP_VAL_BYTES:
		return v->len;
	case LP_VAL_BIGINT:
		return true;
	case LP_VAL_FLOAT:
		return fpclassify(v->f) != FP_ZERO;
	default:
		return v->u;
	}
}

static void too_complex(struct lp_dyn_fields *f, const struct lp_node *n)
{
	bool is_full = f->here.e.status == -EMFILE || f->enter.e.status == -EMFILE;

	if (is_full && !lp_dyn_fields_status(f))
		f->check.base.status = lp_err_at(
			f->check.base.err, EINVAL, n->col, n->width,
			"too complex: it needs more than %d intermediate values", LP_VM_REGS);
}

/* CHECK in the program where all that the condition reads is there. */
static void write_condition(struct lp_dyn_fields *f, const struct lp_node *n,
			    const struct lp_dyn *t)
{
	if (t->kind == LP_DYN_CONST && is_true(&t->constant))
		return;

	bool at_entry = f->is_call && !(t->needs & LP_NEEDS_LEAVE);
	struct lp_dyn_gen *g = at_entry ? &f->enter : &f->here;
	size_t try = lp_emit(&g->e, TRY, .imm = LP_SLOT_COND);
	uint8_t r = lp_dyn_gen_truth(g, t);

	lp_emit(&g->e, CHECK, .a = r);
	lp_dyn_gen_drop(g, r);
	lp_emit_land(&g->e, try);
	f->out->template.condition_in_enter = at_entry;
	too_complex(f, n);
}

uint32_t lp_python_frames(const struct lp_limits *limits)
{
	return limits->frames < LP_PY_FRAMES_MAX ? limits->frames : LP_PY_FRAMES_MAX;
}

uint64_t lp_python_limits(const struct lp_limits *limits)
{
	static const uint32_t max = LP_PY_CAPTURE_STRING(~0ull);
	uint32_t string = limits->string < max ? limits->string : max;
	uint32_t items = limits->items < max ? limits->items : max;
	uint32_t depth = limits->depth < 0xff ? limits->depth : 0xff;

	return LP_PY_CAPTURE(string, items, depth);
}

uint32_t lp_stack_size(const struct lp_limits *limits, uint32_t frame)
{
	return limits->frames < LP_STACK_MAX / frame ? limits->frames * frame : LP_STACK_MAX;
}

/* The caller's name is the second frame. */
static void write_stack(struct lp_dyn_fields *f, const struct lp_logpoint *lp)
{
	const struct lp_limits *limits = f->check.base.limits;
	uint32_t frames = lp->with_stack ? lp_python_frames(limits) : 0;

	if ((f->has_caller || lp_at_exception(lp->location.kind)) && frames < 2)
		frames = 2;
	if (frames)
		lp_emit(&f->here.e, CAP_PYSTACK, .n = frames);
	if (lp->with_stack) /* the native one beneath, in which C code can have called Python */
		lp_emit(&f->here.e, CAP_STACK, .n = lp_stack_size(limits, LP_FRAME_PYTHON));
	if (lp->with_stack && lp->with_locals)
		lp_emit(&f->here.e, CAP_PYLOCALS, .imm = lp_python_limits(limits));
}

static void write_exception(struct lp_dyn_fields *f)
{
	struct lp_emit *e = &f->here.e;
	uint8_t r = lp_emit_reg(e);

	lp_emit(e, PY_EXC, .dst = r);
	lp_emit(e, CAP_PYEXC, .a = r, .n = LP_CAP(LP_SLOT_PYEXC, sizeof(struct lp_py_exc)),
		.imm = lp_python_limits(f->check.base.limits));
	lp_emit_release(e, r);
}

static void write_halves(struct lp_dyn_fields *f, const struct lp_logpoint *lp,
			 const struct lp_dyn *condition)
{
	if (f->is_call) {
		f->here.enter = &f->enter;
		lp_dyn_gen_begin(&f->enter, f->check.latest, LP_NEEDS_ENTRY);
		lp_dyn_gen_begin(&f->here, f->check.latest, LP_NEEDS_LEAVE);
		/* no flag is set yet: which values of the entry there are */
		lp_emit(&f->enter.e, IMM, .dst = LP_VM_REGS - 1);
	} else {
		lp_dyn_gen_begin(&f->here, f->check.latest, 0);
	}
	if (condition)
		write_condition(f, lp->condition, condition);
	lp_emit(&f->here.e, GATE);
	lp_emit(&f->here.e, CAP_PYTASK, .n = LP_CAP(LP_SLOT_PYTASK, sizeof(struct lp_py_value)));
	if (lp_at_exception(lp->location.kind)) {
		/* where it was raised is said also where there is no room for the rest */
		write_stack(f, lp);
		write_exception(f);
	}
	if (!lp_dyn_fields_status(f))
		lp_dyn_fields_write(f);
	if (!lp_at_exception(lp->location.kind))
		write_stack(f, lp);
	lp_emit(&f->here.e, END);
	if (f->check.base.leave)
		lp_emit(&f->enter.e, END);
}

static int hand_over_names(struct lp_dyn_fields *f)
{
	struct lp_template *t = &f->out->template;
	struct lp_arena *a = &f->out->arena;

	t->names = lp_arena_dup(a, f->here.names.data, f->here.names.len * sizeof(*t->names));
	t->n_names = f->here.names.len;
	t->enter_names =
		lp_arena_dup(a, f->enter.names.data, f->enter.names.len * sizeof(*t->enter_names));
	t->n_enter_names = f->enter.names.len;
	return t->names && t->enter_names ? 0 : lp_err_nomem(f->check.base.err);
}

static int hand_over_template(struct lp_dyn_fields *f, const struct lp_logpoint *lp)
{
	struct lp_template *t = &f->out->template;
	struct lp_arena *a = &f->out->arena;

	t->n_parts = f->parts.len;
	t->parts = lp_arena_dup(a, f->parts.data, f->parts.len * sizeof(*t->parts));
	t->n_fields = f->fields.len;
	t->fields = lp_arena_dup(a, f->fields.data, f->fields.len * sizeof(*t->fields));
	t->with_stack = lp->with_stack;
	t->with_locals = lp->with_locals;
	t->is_python = true;
	t->has_exception = lp_at_exception(lp->location.kind);
	t->shows_exception = t->has_exception && !lp->has_template;
	return t->parts && t->fields ? hand_over_names(f) : lp_err_nomem(f->check.base.err);
}

static int hand_over_code(struct lp_emit *e, struct lp_insn **ret, size_t *ret_n,
			  struct lp_err *err)
{
	int r = lp_emit_finish(e, ret, ret_n, err);

	return r < 0 ? r : lp_program_verify_python(*ret, *ret_n, err);
}

static int compile(struct lp_dyn_fields *f, const struct lp_logpoint *lp)
{
	struct lp_compiled *out = f->out;
	struct lp_dyn *condition =
		lp->condition ? lp_dyn_check_condition(&f->check, lp->condition) : NULL;

	if (!lp_dyn_fields_status(f))
		lp_dyn_fields_check(f, lp);
	if (!lp_dyn_fields_status(f))
		write_halves(f, lp, condition);

	int r = lp_dyn_fields_status(f);
	if (r == 0)
		r = hand_over_template(f, lp);
	if (r == 0 && f->check.base.leave)
		r = hand_over_code(&f->enter.e, &out->enter, &out->n_enter, f->check.base.err);
	if (r == 0)
		r = hand_over_code(&f->here.e, &out->code, &out->n_code, f->check.base.err);
	out->enter_optional = lp->location.kind == LP_AT_RETURN && !f->check.uses_elapsed;
	return r;
}

int lp_dynamic_compile(const struct lp_logpoint *lp, struct lp_scope *entry, struct lp_scope *leave,
		       const struct lp_limits *limits, struct lp_compiled *out, struct lp_err *err)
{
	struct lp_err local = { 0 };
	struct lp_dyn_fields f = {
		.check = { .base = { .entry = entry,
				     .leave = leave,
				     .location = lp->location.kind,
				     .limits = limits,
				     .arena = &out->arena,
				     .err = &local },
			   .text = lp->text },
		.here = { .scope = entry, .err = &local },
		.enter = { .scope = entry, .err = &local },
		.is_call = lp->location.kind == LP_AT_CALL && leave,
		.out = out,
	};
	int r = compile(&f, lp);

	lp_dyn_fields_done(&f);
	if (r < 0 && err)
		*err = local;
	return r;
}
