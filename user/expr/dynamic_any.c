// SPDX-License-Identifier: GPL-2.0-only
/* Code for one value against several: `in` a list, isinstance, startswith, endswith. */
#include <errno.h>

#include "expr/dynamic.h"

struct jumps {
	LP_VEC(size_t) list;
};

static void add_jump(struct lp_dyn_gen *g, struct jumps *j, uint8_t r)
{
	size_t at = lp_emit(&g->e, JNZ, .a = r);

	if (lp_vec_push(&j->list, at) < 0 && !g->status)
		g->status = lp_err_nomem(g->err);
}

/* r = a against one item */
static void gen_test(struct lp_dyn_gen *g, const struct lp_dyn *t, uint8_t a,
		     const struct lp_dyn *item, uint8_t r, struct jumps *j)
{
	static const struct {
		enum lp_op op;
		const char *name;
	} tests[] = {
		[LP_DYN_ANY_OF] = { LP_OP_PY_COMPARE, "==" },
		[LP_DYN_ISINSTANCE] = { LP_OP_PY_ISINSTANCE, "isinstance" },
		[LP_DYN_STARTS] = { LP_OP_PY_STARTS, "startswith" },
		[LP_DYN_ENDS] = { LP_OP_PY_ENDS, "endswith" },
	};
	uint8_t b = lp_dyn_gen_value(g, item);
	size_t first = g->e.code.len;

	/* the same object is always in, whatever it is equal to */
	if (t->kind == LP_DYN_ANY_OF && item->kind != LP_DYN_CONST && item->kind != LP_DYN_TUPLE) {
		lp_emit(&g->e, PY_IS, .dst = r, .a = a, .b = b);
		add_jump(g, j, r);
	}
	lp_emit_op(&g->e,
		   (struct lp_insn){ .op = (uint8_t)tests[t->kind].op, .dst = r, .a = a, .b = b });
	lp_dyn_gen_names(g, first, tests[t->kind].name);
	lp_dyn_gen_drop(g, b);
}

uint8_t lp_dyn_gen_items(struct lp_dyn_gen *g, const struct lp_dyn *t)
{
	uint8_t a = lp_dyn_gen_value(g, t->a), r = lp_emit_reg(&g->e);
	struct jumps found = { 0 };

	if (!t->n_items) {
		lp_emit(&g->e, IMM, .dst = r);
		lp_emit(&g->e, PY_BOOL, .dst = r, .a = r);
	}
	for (size_t i = 0; i < t->n_items && !g->status && !g->e.status; i++) {
		gen_test(g, t, a, t->items[i], r, &found);
		if (i + 1 < t->n_items)
			add_jump(g, &found, r);
	}
	lp_vec_each (&found.list, at)
		lp_emit_land(&g->e, *at);
	lp_vec_done(&found.list);
	lp_dyn_gen_drop(g, a);
	if (t->op == LP_OPER_NOT_IN)
		lp_dyn_gen_invert(g, r);
	return r;
}
