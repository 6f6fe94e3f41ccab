// SPDX-License-Identifier: GPL-2.0-only
#include "native/die.h"

#include <dwarf.h>
#include <errno.h>
#include <search.h>
#include <string.h>

#include "base/buf.h"
#include "native/index.h"
#include "native/scope_die.h"

static int walk(Dwarf_Die *parent, unsigned int depth, const struct lp_die_visitor *v)
{
	Dwarf_Die die;
	Dwarf_Off at;

	if (depth > LP_DIE_DEPTH || dwarf_child(parent, &die) != 0)
		return 0;
	do {
		const int tag = dwarf_tag(&die);

		at = dwarf_dieoffset(&die);
		int r = v->enter(&die, tag, v->arg);
		if (r > 0) {
			r = walk(&die, depth + 1, v);
			if (v->leave)
				v->leave(&die, tag, v->arg);
		}
		if (r < 0)
			return r;
		/* a sibling that lies before would be an endless loop */
	} while (dwarf_siblingof(&die, &die) == 0 && dwarf_dieoffset(&die) > at);
	return 0;
}

int lp_die_walk(Dwarf_Die *die, const struct lp_die_visitor *v)
{
	return walk(die, 0, v);
}

int lp_die_path(Dwarf_Die *die, Dwarf_Die ret[LP_DIE_DEPTH])
{
	const Dwarf_Off at = dwarf_dieoffset(die);
	Dwarf_Die next;
	int n = 0;

	if (!dwarf_diecu(die, &ret[0], NULL, NULL))
		return -ENOENT;
	while (dwarf_dieoffset(&ret[n]) < at) {
		if (n + 1 == LP_DIE_DEPTH || dwarf_child(&ret[n], &ret[n + 1]) != 0)
			return -ENOENT;
		n++;
		/* offsets ascend; where they do not, what is looked for is not found */
		while (dwarf_siblingof(&ret[n], &next) == 0 && dwarf_dieoffset(&next) <= at &&
		       dwarf_dieoffset(&next) > dwarf_dieoffset(&ret[n]))
			ret[n] = next;
	}
	return dwarf_dieoffset(&ret[n]) == at ? n : -ENOENT;
}

static bool first_range(struct lp_module *m, Dwarf_Die *die, struct lp_range *ret)
{
	Dwarf_Addr base;
	ptrdiff_t next = 0;

	while ((next = dwarf_ranges(die, next, &base, &ret->start, &ret->end)) > 0)
		if (ret->start < ret->end && lp_module_is_code(m, ret->start))
			return true;
	return false;
}

bool lp_die_entry(struct lp_module *m, Dwarf_Die *die, uint64_t *ret)
{
	struct lp_range first;
	Dwarf_Attribute attr;
	Dwarf_Word offset;

	if (!first_range(m, die, &first))
		return false;
	*ret = first.start;
	if (dwarf_lowpc(die, ret) == 0 && lp_module_is_code(m, *ret))
		first.start = *ret;
	if (dwarf_attr(die, DW_AT_entry_pc, &attr)) {
		if (dwarf_whatform(&attr) == DW_FORM_addr || dwarf_whatform(&attr) == DW_FORM_addrx)
			dwarf_formaddr(&attr, ret);
		else if (dwarf_formudata(&attr, &offset) == 0)
			*ret = first.start + offset;
	}
	return lp_module_is_code(m, *ret);
}

static const char *part_name(Dwarf_Die *die)
{
	const char *name = dwarf_diename(die);

	return name ? name : dwarf_tag(die) == DW_TAG_namespace ? "(anonymous namespace)" : NULL;
}

/* In these languages functions stand at the top, and looking for what encloses one is slow. */
static bool is_flat(Dwarf_Die *die)
{
	switch (lp_die_lang(die)) {
	case DW_LANG_C:
	case DW_LANG_C89:
	case DW_LANG_C99:
	case DW_LANG_C11:
	case DW_LANG_Mips_Assembler:
	case DW_LANG_Go:
		return true;
	}
	return false;
}

static const char *make_qualified(struct lp_module *m, Dwarf_Die *origin)
{
	lp_auto(lp_buf_done) struct lp_buf b = { 0 };
	Dwarf_Die scopes[LP_DIE_DEPTH];
	const int n = is_flat(origin) ? 0 : lp_die_path(origin, scopes);

	for (int i = 1; i < n; i++) {
		const int tag = dwarf_tag(&scopes[i]);
		const char *part = NULL;

		if (tag == DW_TAG_subprogram) { /* can stand apart from where it is declared */
			part = lp_die_qualified_name(m, &scopes[i]);
			if (part)
				lp_buf_clear(&b);
		} else if (lp_tag_is_scope(tag) || tag == DW_TAG_enumeration_type) {
			part = part_name(&scopes[i]);
		}
		if (part) {
			lp_buf_str(&b, part);
			lp_buf_str(&b, "::");
		}
	}
	lp_buf_str(&b, dwarf_diename(origin));
	return b.failed ? NULL : lp_arena_strndup(&m->arena, b.data, b.len);
}

static int compare_name(const void *a, const void *b)
{
	const struct lp_qualified_name *x = a, *y = b;

	return (uintptr_t)x->origin < (uintptr_t)y->origin
		       ? -1
		       : (uintptr_t)x->origin > (uintptr_t)y->origin;
}

const char *lp_die_name_in(struct lp_module *m, Dwarf_Die *die, const char *scope)
{
	struct lp_module_index *index = lp_module_index_get(m);
	const struct lp_qualified_name key = { .origin = die->addr };
	const char *last = dwarf_diename(die);

	if (!index || !last)
		return NULL;
	void *known = tfind(&key, &index->names, compare_name);
	if (known)
		return (*(struct lp_qualified_name **)known)->name;

	struct lp_qualified_name *made = lp_arena_new(&m->arena, struct lp_qualified_name);
	if (!made)
		return NULL;
	made->origin = die->addr;
	made->name = scope ? lp_arena_fmt(&m->arena, "%s%s", scope, last) : make_qualified(m, die);
	if (!made->name || !tsearch(made, &index->names, compare_name))
		return NULL;
	return made->name;
}

const char *lp_die_qualified_name(struct lp_module *m, Dwarf_Die *die)
{
	Dwarf_Die origin;

	lp_die_origin(die, &origin);
	return lp_die_name_in(m, &origin, NULL);
}
