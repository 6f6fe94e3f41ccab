// SPDX-License-Identifier: GPL-2.0-only
#include "native/callers.h"

#include <dwarf.h>
#include <string.h>

#include "native/die.h"
#include "native/index.h"
#include "native/scope_die.h"
#include "native/tree.h"

#define CALL	 0xe8 /* call rel32 */
#define CALL_LEN 5
#define CHUNK	 65536

struct search {
	struct lp_module *m;
	uint64_t entry;
	LP_VEC(struct lp_caller) list;
	bool too_many;
};

/* A DIE's attribute of any of the names that standards and compilers have given it. */
static bool any_attr(Dwarf_Die *die, const unsigned int *names, Dwarf_Attribute *ret)
{
	for (; *names; names++)
		if (dwarf_attr(die, *names, ret))
			return true;
	return false;
}

static bool is_site(int tag)
{
	return tag == DW_TAG_call_site || tag == DW_TAG_GNU_call_site;
}

struct find_site {
	uint64_t after;
	Dwarf_Die *ret;
	bool found;
};

static int look_at_site(Dwarf_Die *die, int tag, void *arg)
{
	static const unsigned int names[] = { DW_AT_call_return_pc, DW_AT_low_pc, 0 };
	struct find_site *f = arg;
	Dwarf_Attribute attr;
	Dwarf_Addr after;

	if (f->found || tag == DW_TAG_subprogram)
		return 0;
	if (!is_site(tag))
		return 1;
	if (any_attr(die, names, &attr) && dwarf_formaddr(&attr, &after) == 0 &&
	    after == f->after) {
		*f->ret = *die;
		f->found = true;
	}
	return 0;
}

/* What the debug information says of the call that returns to c->after. */
static bool describe(struct lp_module *m, struct lp_caller *c)
{
	struct lp_unit *unit = lp_unit_find(m, c->after - 1);
	struct lp_func_tree *t = unit ? lp_unit_tree(m, unit) : NULL;
	struct find_site f = { .after = c->after, .ret = &c->site };
	const struct lp_die_visitor v = { .enter = look_at_site, .arg = &f };
	uint32_t id = t ? lp_func_tree_at(t, c->after - 1) : LP_FUNC_TREE_NO_NODE;

	while (id != LP_FUNC_TREE_NO_NODE && t->nodes.data[id].inlined)
		id = t->nodes.data[id].parent;
	return id != LP_FUNC_TREE_NO_NODE &&
	       dwarf_offdie(m->dwarf, t->nodes.data[id].die, &c->body) &&
	       lp_die_walk(&c->body, &v) == 0 && f.found;
}

static int add_call(struct search *s, uint64_t after)
{
	struct lp_caller c = { .after = after };

	if (s->list.len == LP_CALLERS_MAX)
		s->too_many = true;
	if (s->too_many || !describe(s->m, &c))
		return 0;
	return lp_vec_push(&s->list, c);
}

/* Any four bytes could be a call's distance, but hardly of a call that is described too. */
static int search_range(struct search *s, const struct lp_range *range)
{
	static const size_t overlap = CALL_LEN - 1;
	lp_auto(lp_free) uint8_t *code = malloc(CHUNK);
	int r = code ? 0 : -ENOMEM;

	for (uint64_t at = range->start; r == 0 && range->end - at >= CALL_LEN;) {
		size_t len = range->end - at < CHUNK ? range->end - at : CHUNK;

		if (lp_module_bytes(s->m, at, code, len) != len)
			break;
		for (size_t i = 0; r == 0 && i + CALL_LEN <= len; i++) {
			uint64_t after = at + i + CALL_LEN;
			int32_t distance;

			if (code[i] != CALL)
				continue;
			memcpy(&distance, code + i + 1, sizeof(distance));
			if (after + (uint64_t)(int64_t)distance == s->entry)
				r = add_call(s, after);
		}
		at += len - overlap;
	}
	return r;
}

static int look_for_tail(Dwarf_Die *die, int tag, void *arg)
{
	bool *tail = arg;

	if (tag == DW_TAG_subprogram)
		return 0;
	if (is_site(tag) &&
	    (lp_die_flag(die, DW_AT_call_tail_call) || lp_die_flag(die, DW_AT_GNU_tail_call)))
		*tail = true;
	return !is_site(tag);
}

/* Does the function never end by jumping to another one? One that did could, by way of others, be
 * jumped to itself: with the same return address, but other arguments than the call's.
 */
static bool ends_by_returning(Dwarf_Die *body)
{
	static const unsigned int told[] = { DW_AT_call_all_calls, DW_AT_call_all_tail_calls,
					     DW_AT_GNU_all_call_sites,
					     DW_AT_GNU_all_tail_call_sites, 0 };
	bool tail = false;
	const struct lp_die_visitor v = { .enter = look_for_tail, .arg = &tail };
	Dwarf_Attribute attr;

	return any_attr(body, told, &attr) && lp_die_walk(body, &v) == 0 && !tail;
}

static int search_module(struct search *s)
{
	struct lp_module_index *index = lp_module_index_get(s->m);
	int r = 0;

	/* fills index->code */
	if (!index || !lp_code_find(s->m, s->entry))
		return index ? 0 : -ENOMEM;
	for (size_t i = 0; r == 0 && i < index->code.len; i++)
		r = search_range(s, &index->code.data[i].range);
	return r;
}

const struct lp_callers *lp_callers_of(struct lp_module *m, Dwarf_Die *body)
{
	struct search s = { .m = m };
	struct lp_callers *made;

	if (m->machine != EM_X86_64 || !lp_module_dwarf(m) || !lp_die_entry(m, body, &s.entry))
		s.entry = 0;
	for (const struct lp_callers *c = m->callers; c; c = c->next)
		if (c->entry == s.entry)
			return c;
	made = lp_arena_new(&m->arena, struct lp_callers);
	if (!made)
		return NULL;
	int r = s.entry && ends_by_returning(body) ? search_module(&s) : 0;
	*made = (struct lp_callers){ .next = m->callers,
				     .entry = s.entry,
				     .list = lp_arena_dup(&m->arena, s.list.data,
							  s.list.len * sizeof(*s.list.data)),
				     .n = s.too_many ? 0 : s.list.len };
	lp_vec_done(&s.list);
	if (r < 0 || (made->n && !made->list))
		return NULL;
	return m->callers = made;
}

bool lp_caller_value(const struct lp_caller *c, unsigned int reg, const Dwarf_Die *parameter,
		     Dwarf_Attribute *ret)
{
	static const unsigned int values[] = { DW_AT_call_value, DW_AT_GNU_call_site_value, 0 };
	static const unsigned int whose[] = { DW_AT_call_parameter, DW_AT_abstract_origin, 0 };
	Dwarf_Die site = c->site, p, origin;
	Dwarf_Attribute attr;
	Dwarf_Op *ops;
	size_t n;

	for (bool ok = lp_die_first(&site, &p); ok; ok = lp_die_next(&p)) {
		if (dwarf_tag(&p) != DW_TAG_call_site_parameter &&
		    dwarf_tag(&p) != DW_TAG_GNU_call_site_parameter)
			continue;
		bool is_it;
		if (parameter)
			is_it = any_attr(&p, whose, &attr) && dwarf_formref_die(&attr, &origin) &&
				origin.addr == parameter->addr;
		else
			is_it = dwarf_attr(&p, DW_AT_location, &attr) &&
				dwarf_getlocation(&attr, &ops, &n) == 0 && n == 1 &&
				ops[0].atom == DW_OP_reg0 + reg;
		if (is_it)
			return any_attr(&p, values, ret);
	}
	return false;
}
