// SPDX-License-Identifier: GPL-2.0-only
/* What is executed whenever an instruction is, with nothing in between. */
#include "python/flow.h"

#include <string.h>

#include "base/auto.h"

/* Up to 3.11 LOAD_FAST raises where its local is not bound; their numbers are the same from 3.8 on. */
#define CHECKED_MAX 11
enum { STORE_FAST = 125, DELETE_FAST = 126 };

static bool is_local(const struct lp_py_instr *in, uint8_t op, uint32_t local)
{
	return in->op == op && in->oparg == local;
}

static void reach(uint32_t *todo, size_t *n, bool *seen, uint32_t at)
{
	if (at == LP_PY_NOWHERE || seen[at])
		return;
	seen[at] = true;
	todo[(*n)++] = at;
}

/* Where one can come to from behind an instruction. With a store before it is stored, too: that may
 * let go of what was there, and a signal's handler may raise then.
 */
static void reach_next(const struct lp_py_flow *f, uint32_t from, bool stored, uint32_t *todo,
		       size_t *n, bool *seen)
{
	const struct lp_py_instr *in = &f->instrs.data[from];

	reach(todo, n, seen, in->handler);
	for (uint32_t i = 0; !stored && i < in->n_edges; i++)
		reach(todo, n, seen, f->edges.data[in->first_edge + i].to);
}

/* No way leads to the instruction on which the local is not bound. */
static bool is_bound(const struct lp_py_flow *f, uint32_t at, bool is_argument)
{
	const size_t n_instrs = f->instrs.len;
	const uint32_t local = f->instrs.data[at].oparg;
	lp_auto(lp_free) uint32_t *todo = calloc(n_instrs, sizeof(*todo));
	lp_auto(lp_free) bool *seen = calloc(n_instrs, sizeof(*seen));
	size_t n = 0;

	if (!todo || !seen)
		return false;
	if (!is_argument)
		reach(todo, &n, seen, 0);
	for (uint32_t i = 0; i < n_instrs; i++)
		if (is_local(&f->instrs.data[i], DELETE_FAST, local))
			reach_next(f, i, false, todo, &n, seen);
	while (n > 0) {
		const uint32_t from = todo[--n];

		reach_next(f, from, is_local(&f->instrs.data[from], STORE_FAST, local), todo, &n,
			   seen);
	}
	return !seen[at];
}

/* Nothing has happened behind it, and the next is executed. */
static bool is_still(const struct lp_py_flow *f, uint32_t at, uint32_t n_arguments)
{
	const struct lp_py_instr *in = &f->instrs.data[at];

	if (!lp_py_opcodes[f->minor - LP_PY_MINOR_MIN][in->op].still || in->n_edges != 1)
		return false;
	return in->kind != LP_PYOP_FAST || f->minor > CHECKED_MAX ||
	       is_bound(f, at, in->oparg < n_arguments);
}

size_t lp_py_flow_run(const struct lp_py_flow *f, uint32_t first, uint32_t n_arguments,
		      uint32_t ret[LP_PY_RUN_MAX])
{
	size_t n = 0;

	ret[n++] = first;
	while (n < LP_PY_RUN_MAX && is_still(f, ret[n - 1], n_arguments)) {
		const uint32_t next = f->edges.data[f->instrs.data[ret[n - 1]].first_edge].to;

		if (next != ret[n - 1] + 1 || f->instrs.data[next].n_in != 1)
			break;
		ret[n++] = next;
	}
	return n;
}
