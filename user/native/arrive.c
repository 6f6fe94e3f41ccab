// SPDX-License-Identifier: GPL-2.0-only
/* Compilers jump within one function alone, so that its parts are all that is to be looked at. Where
 * one of them has an indirect jump, it may lead to whatever the module's data has the address of, and to
 * what tables say, as numbers of four bytes that are added to their own address, which the code must name:
 * so much is read behind each address that is named as a table can have.
 */
#include "native/arrive.h"

#include <dwarf.h>
#include <errno.h>
#include <string.h>

#include "native/place.h"
#include "native/tree.h"

#define TABLE_MAX 4096 /* entries of a jump table */

void lp_arrivals_free(struct lp_arrivals *a)
{
	if (!a)
		return;
	lp_vec_done(&a->at);
	lp_vec_done(&a->parts);
	free(a);
}
LP_CLEANUP(struct lp_arrivals *, lp_arrivals_free)

static int add(struct lp_arrivals *a, uint64_t vaddr)
{
	if (vaddr < a->start || vaddr >= a->end)
		return 0;
	return lp_vec_push(&a->at, vaddr);
}

static int add_landing(uint64_t vaddr, void *arrivals)
{
	return add(arrivals, vaddr);
}

static bool is_assembly(struct lp_unit *unit)
{
	return dwarf_srclang(lp_unit_die(unit)) == DW_LANG_Mips_Assembler;
}

/* The parts of the function in the debug information that has the address; false: none has. */
static bool find_parts(struct lp_module *m, uint64_t vaddr, struct lp_arrivals *a)
{
	struct lp_unit *unit = lp_unit_find(m, vaddr);
	struct lp_func_tree *t = unit ? lp_unit_tree(m, unit) : NULL;
	uint32_t id = t ? lp_func_tree_at(t, vaddr) : LP_FUNC_TREE_NO_NODE;

	if (id == LP_FUNC_TREE_NO_NODE || unit->go || is_assembly(unit))
		return false;
	while (t->nodes.data[id].parent != LP_FUNC_TREE_NO_NODE)
		id = t->nodes.data[id].parent;
	const struct lp_func_tree_node *n = &t->nodes.data[id];
	for (uint32_t i = 0; i < n->n_ranges; i++)
		if (lp_vec_push(&a->parts, t->ranges.data[n->first_range + i]) < 0)
			return false;
	return true;
}

/* Numbers of four bytes behind an address that the code names: a table, or anything else. */
static int add_table(struct lp_module *m, struct lp_arrivals *a, uint64_t table)
{
	lp_auto(lp_free) int32_t *raw = malloc(TABLE_MAX * sizeof(*raw));
	int r = 0;

	if (!raw)
		return -ENOMEM;
	const size_t n = lp_module_bytes(m, table, raw, TABLE_MAX * sizeof(*raw)) / sizeof(*raw);
	for (size_t i = 0; i < n && r == 0; i++)
		r = add(a, table + (uint64_t)(int64_t)raw[i]);
	return r;
}

static int add_labels(struct lp_module *m, struct lp_arrivals *a)
{
	const struct lp_labels *labels = lp_labels_of(m);
	int r = 0;

	if (!labels)
		return -ENOMEM;
	lp_vec_each (&labels->at, at)
		if (r == 0)
			r = add(a, *at);
	return r;
}

/* What is named in code: addresses of the function itself, and of tables. */
static int add_named(struct lp_module *m, struct lp_arrivals *a, const struct lp_flow *f)
{
	int r = 0;

	lp_vec_each (&f->named, named) {
		if (r == 0)
			r = add(a, *named);
		if (r == 0 && !lp_module_is_code(m, *named))
			r = add_table(m, a, *named);
	}
	return r;
}

/* What one part of the function leads to. indirect: it is asked for what is named. */
static int add_part(struct lp_module *m, struct lp_arrivals *a, const struct lp_flow *f,
		    bool indirect)
{
	int r = 0;

	lp_vec_each (&f->insns, in)
		if (r == 0 && in->target)
			r = add(a, in->target);
	return r == 0 && indirect ? add_named(m, a, f) : r;
}

static bool jumps_anywhere(const struct lp_flow *f)
{
	lp_vec_each (&f->insns, in)
		if (in->kind == LP_INSTR_INDIRECT)
			return true;
	return false;
}

struct flows {
	LP_VEC(struct lp_flow);
};

static void flows_done(struct flows *flows)
{
	lp_vec_each (flows, f)
		lp_flow_done(f);
	lp_vec_done(flows);
}
LP_CLEANUP_DONE(struct flows, flows_done)

/* The first address in front of `end` that is jumped to from behind it or from another part; else `end`. */
static uint64_t reached_later(const struct lp_arrivals *a, const struct flows *flows,
			      const struct lp_flow *part, uint64_t end)
{
	uint64_t first = end;

	lp_vec_each (flows, f)
		lp_vec_each (&f->insns, in)
			if ((f != part || in->addr >= end) && in->target >= a->start &&
			    in->target < first && in->target < a->end)
				first = in->target;
	return first;
}

/* How much of the part is executed only before an address on the stack is given away: what comes behind
 * that, and what is jumped to from there or from other parts, can be executed later.
 */
static uint64_t kept_until(const struct lp_arrivals *a, const struct flows *flows, size_t landings)
{
	const struct lp_flow *part = NULL;
	bool has_frame = false, gives = false;
	uint64_t end = 0;

	lp_vec_each (flows, f)
		has_frame = has_frame || f->has_frame;
	lp_vec_each (flows, f) {
		const uint64_t at = !has_frame || f->gives_stack < f->gives_frame ? f->gives_stack
										  : f->gives_frame;

		gives = gives || at != UINT64_MAX;
		if (f->start == a->start) {
			part = f;
			end = at;
		}
	}
	if (!gives)
		return UINT64_MAX;
	if (!part)
		return 0;
	for (size_t i = landings; i < a->at.len; i++)
		end = a->at.data[i] < end ? a->at.data[i] : end;
	for (uint64_t first; (first = reached_later(a, flows, part, end)) < end;)
		end = first;
	return end;
}

/* An indirect jump in one part may use a table that another one names. */
static int look_at_parts(struct lp_module *m, struct lp_arrivals *a, struct lp_err *err)
{
	lp_auto(flows_done) struct flows flows = { 0 };
	bool indirect = false;
	int r = 0;

	for (size_t i = 0; i < a->parts.len && r >= 0; i++) {
		const struct lp_range *part = &a->parts.data[i];

		if (lp_vec_push(&flows, (struct lp_flow){ 0 }) < 0)
			return lp_err_nomem(err);
		r = lp_flow_init(&flows.data[i], m, part->start, part->end, err);
		indirect = indirect || (r >= 0 && jumps_anywhere(&flows.data[i]));
	}
	for (size_t i = 0; i < flows.len && r >= 0; i++)
		r = add_part(m, a, &flows.data[i], indirect);
	/* where tables lead to is anywhere, as landings are */
	const size_t landings = indirect ? 0 : a->at.len;
	if (r >= 0 && indirect)
		r = add_labels(m, a);
	for (size_t i = 0; i < a->parts.len && r >= 0; i++)
		r = lp_landings_find(m, &a->parts.data[i], add_landing, a);
	if (r >= 0)
		a->kept_until = kept_until(a, &flows, landings);
	return r == -ENOMEM ? lp_err_nomem(err) : r;
}

static bool covers(const struct lp_arrivals *a, uint64_t vaddr)
{
	lp_vec_each (&a->parts, part)
		if (vaddr >= part->start && vaddr < part->end)
			return true;
	return false;
}

int lp_arrivals_of(struct lp_module *m, uint64_t vaddr, const struct lp_arrivals **ret,
		   struct lp_err *err)
{
	lp_auto(lp_arrivals_free) struct lp_arrivals *a = calloc(1, sizeof(*a));
	struct lp_range range;

	if (!a || !lp_module_index_get(m))
		return lp_err_nomem(err);
	int r = lp_function_bounds(m, vaddr, &range);
	if (r < 0)
		return lp_err_set(err, ENOENT, "%s: no function is known there", m->path);
	if (m->index->arrivals && m->index->arrivals->start == range.start &&
	    m->index->arrivals->end == range.end) {
		*ret = m->index->arrivals;
		return 0;
	}
	a->start = range.start;
	a->end = range.end;
	a->known = find_parts(m, vaddr, a);
	if (!a->known || !covers(a, vaddr))
		a->known = false, a->parts.len = 0;
	if (!a->known && lp_vec_push(&a->parts, range) < 0)
		return lp_err_nomem(err);
	r = look_at_parts(m, a, err);
	if (r == -ENOTSUP)
		a->known = false;
	else if (r < 0)
		return r;
	if (a->at.len > 0)
		qsort(a->at.data, a->at.len, sizeof(*a->at.data), lp_compare_u64);
	lp_arrivals_free(m->index->arrivals);
	*ret = m->index->arrivals = lp_take(a);
	return 0;
}
