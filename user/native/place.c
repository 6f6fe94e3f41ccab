// SPDX-License-Identifier: GPL-2.0-only
#include "native/place.h"

#include <dwarf.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "native/die.h"
#include "native/lines.h"

static int bounds_of_die(struct lp_module *m, uint64_t vaddr, struct lp_range *ret)
{
	struct lp_unit *unit = lp_unit_find(m, vaddr);
	struct lp_func_tree *t = unit ? lp_unit_tree(m, unit) : NULL;
	uint32_t id = t ? lp_func_tree_at(t, vaddr) : LP_FUNC_TREE_NO_NODE;

	if (id == LP_FUNC_TREE_NO_NODE)
		return -ENOENT;
	while (t->nodes.data[id].parent != LP_FUNC_TREE_NO_NODE)
		id = t->nodes.data[id].parent;

	const struct lp_func_tree_node *n = &t->nodes.data[id];
	for (uint32_t i = 0; i < n->n_ranges; i++) {
		*ret = t->ranges.data[n->first_range + i];
		if (vaddr >= ret->start && vaddr < ret->end)
			return 0;
	}
	return -ENOENT;
}

int lp_function_bounds(struct lp_module *m, uint64_t vaddr, struct lp_range *ret)
{
	const struct lp_symbol *s = lp_symbol_find(m, vaddr, true);

	if (!s)
		return bounds_of_die(m, vaddr, ret);
	*ret = (struct lp_range){ s->start, s->end };
	return 0;
}

int lp_function_flow(struct lp_module *m, uint64_t vaddr, const struct lp_flow **ret,
		     struct lp_err *err)
{
	struct lp_module_index *index = lp_module_index_get(m);
	struct lp_range range;
	int r;

	if (index && !index->flows)
		index->flows = calloc(LP_KEPT_FLOWS, sizeof(*index->flows));
	if (!index || !index->flows)
		return lp_err_nomem(err);
	r = lp_function_bounds(m, vaddr, &range);
	if (r < 0)
		return lp_err_set(err, ENOENT, "%s: no function is known at 0x%" PRIx64, m->path,
				  vaddr);

	/* functions begin at multiples of 16 for the most part */
	struct lp_flow *f = &index->flows[(range.start ^ range.start >> 4) % LP_KEPT_FLOWS];
	*ret = f;
	if (f->end > f->start && f->start == range.start && f->end >= range.end)
		return 0;
	lp_flow_done(f);
	*f = (struct lp_flow){ 0 };
	return lp_flow_init(f, m, range.start, range.end, err);
}

int lp_place_check(struct lp_module *m, uint64_t vaddr, struct lp_err *err)
{
	const struct lp_flow *flow;
	uint64_t offset;
	int r;

	if (!lp_module_is_code(m, vaddr) || lp_module_offset(m, vaddr, &offset) < 0)
		return lp_err_set(err, EINVAL, "%s: 0x%" PRIx64 " is not in its code", m->path,
				  vaddr);
	r = lp_function_flow(m, vaddr, &flow, err);
	if (r == -ENOENT)
		return lp_err_set(err, EINVAL,
				  "%s: no function is known around 0x%" PRIx64
				  ": whether an instruction begins there can't be told",
				  m->path, vaddr);
	if (r < 0)
		return r;

	const struct lp_instr *in = lp_flow_at(flow, vaddr);
	if (!in || in->kind == LP_INSTR_BAD)
		return lp_err_set(err, EINVAL, "%s: no valid instruction at 0x%" PRIx64, m->path,
				  vaddr);
	if (in->addr != vaddr)
		return lp_err_set(err, EINVAL,
				  "0x%" PRIx64 " is inside the instruction at 0x%" PRIx64, vaddr,
				  in->addr);
	return 0;
}

/* The line that a function is declared in; 0: in another file, or not known. */
static int declared_in(struct lp_module *m, Dwarf_Off offset, const char *file)
{
	const char *declared;
	Dwarf_Die die;
	int line;

	if (!dwarf_offdie(m->dwarf, offset, &die) || lp_die_decl(m, &die, &declared, &line) < 0)
		return 0;
	return lp_path_is_same(declared, file) ? line : 0;
}

uint32_t lp_node_of_line(struct lp_module *m, struct lp_func_tree *t, uint64_t vaddr,
			 const char *file, int line)
{
	const uint32_t innermost = lp_func_tree_at(t, vaddr);
	uint32_t best = innermost;
	int best_line = 0;

	if (!file || innermost == LP_FUNC_TREE_NO_NODE ||
	    t->nodes.data[innermost].parent == LP_FUNC_TREE_NO_NODE)
		return innermost;
	/* functions do not overlap in the source: it is the last one that begins before the line */
	for (uint32_t id = innermost; id != LP_FUNC_TREE_NO_NODE; id = t->nodes.data[id].parent) {
		const int declared = declared_in(m, t->nodes.data[id].die, file);

		if (declared > best_line && declared <= line) {
			best_line = declared;
			best = id;
		}
	}
	return best;
}

void lp_place_set_function(struct lp_place *p, struct lp_module *m, Dwarf_Off offset, bool inlined)
{
	Dwarf_Die die;

	if (!dwarf_offdie(m->dwarf, offset, &die))
		return;
	p->function = lp_die_qualified_name(m, &die);
	p->function_die = offset;
	p->inlined = inlined;
}

int lp_place_init(struct lp_place *p, struct lp_module *m, uint64_t vaddr, const char *file,
		  int line, struct lp_err *err)
{
	struct lp_place made = { .vaddr = vaddr, .file = file, .line = line };
	int r = lp_place_check(m, vaddr, err);

	if (r < 0)
		return r;
	if (line == 0)
		lp_module_line_at(m, vaddr, false, &made.file, &made.line);
	lp_module_offset(m, vaddr, &made.offset);

	struct lp_unit *unit = lp_unit_find(m, vaddr);
	if (unit) {
		struct lp_func_tree *t = lp_unit_tree(m, unit);
		uint32_t id;

		if (!t)
			return lp_err_nomem(err);
		id = lp_node_of_line(m, t, vaddr, line ? file : NULL, line);
		if (id != LP_FUNC_TREE_NO_NODE)
			lp_place_set_function(&made, m, t->nodes.data[id].die,
					      t->nodes.data[id].inlined);
		made.no_return_probe = unit->go;
	}
	struct lp_symbol *s = made.function ? NULL : lp_symbol_find(m, vaddr, true);
	if (s)
		made.function = lp_symbol_readable(m, s);
	*p = made;
	return 0;
}

static int compare_place(const void *a, const void *b)
{
	const struct lp_place *x = a, *y = b;

	return x->vaddr < y->vaddr ? -1 : x->vaddr > y->vaddr;
}

void lp_places_sort(struct lp_places *places)
{
	size_t kept = 0;

	if (places->len > 0)
		qsort(places->data, places->len, sizeof(*places->data), compare_place);
	lp_vec_each (places, p)
		if (kept == 0 || places->data[kept - 1].vaddr != p->vaddr)
			places->data[kept++] = *p;
	places->len = kept;
}
