// SPDX-License-Identifier: GPL-2.0-only
/* Where functions are entered: from DWARF with every clone and inlined copy, then from the symbols
 * for what DWARF does not name (assembly, aliases, files without debug information).
 */
#include <dwarf.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "native/entries.h"
#include "native/die.h"
#include "native/scope_die.h"
#include "native/skim.h"

/* A function that has inlined copies, by its key. */
struct root {
	const void *key;
	const struct lp_unit *unit;
};

struct entry_search {
	struct lp_module *m;
	struct lp_name_pattern pattern;
	LP_VEC(struct root) roots;
	LP_VEC(uint64_t) dies;	  /* offsets of all functions of that name */
	struct lp_skim *far_dies; /* the same, where copies can be in other units; else NULL */
	bool anywhere;		  /* the copies can be in any unit */
	struct lp_entries *found;
	LP_VEC(struct lp_entry) of_symbols; /* what these add, in their order */
};

static bool linkage_matches(const struct entry_search *s, const struct lp_function *f)
{
	Dwarf_Die die = f->die;
	Dwarf_Attribute attr;

	if (!s->pattern.linkage)
		return false;
	const char *name = dwarf_formstring(dwarf_attr_integrate(&die, DW_AT_linkage_name, &attr));
	return name && !strcmp(name, s->pattern.text);
}

static bool function_matches(const struct entry_search *s, const struct lp_function *f)
{
	if (!lp_name_could_match(&s->pattern, f->last))
		return false;
	if (linkage_matches(s, f))
		return true;
	const char *name = lp_function_name(f);
	return name && lp_name_matches(&s->pattern, name);
}

static int take_function(const struct lp_function *f, void *arg)
{
	struct entry_search *s = arg;
	Dwarf_Die die = f->die;
	struct lp_entry e = { .die = dwarf_dieoffset(&die) };
	const struct root root = { lp_function_key(f), f->unit };

	if (!function_matches(s, f))
		return 0;
	s->found->declared = true;
	if (lp_vec_push(&s->dies, e.die) < 0)
		return -ENOMEM;
	if (lp_function_may_be_inlined(f) && lp_vec_push(&s->roots, root) < 0)
		return -ENOMEM;
	if (f->unit->partial || !lp_die_entry(s->m, &die, &e.vaddr))
		return 0;
	return lp_vec_push(s->found, e);
}

static int compare_root(const void *a, const void *b)
{
	const struct root *x = a, *y = b;

	return (uintptr_t)x->key < (uintptr_t)y->key ? -1 : (uintptr_t)x->key > (uintptr_t)y->key;
}

static int take_inlined(uint64_t entry, Dwarf_Off die, const void *key, void *arg)
{
	struct entry_search *s = arg;
	const struct root root = { .key = key };
	const struct lp_entry e = { entry, die, NULL, true };

	if (!bsearch(&root, s->roots.data, s->roots.len, sizeof(root), compare_root))
		return 0;
	return lp_vec_push(s->found, e);
}

static bool has_roots(const struct lp_unit *unit, void *arg)
{
	const struct entry_search *s = arg;

	lp_vec_each (&s->roots, root)
		if (root->unit == unit)
			return true;
	if (s->anywhere || !s->far_dies)
		return s->anywhere;
	const struct lp_span bytes = lp_unit_bytes(s->m, unit);
	return bytes.len == 0 || lp_skim_occurs(s->far_dies, NULL, bytes);
}

/* Link-time optimisation keeps what copies are made from apart from all code: a unit with copies has the offset of a
 * function that it names.
 */
static int look_in_others(struct entry_search *s)
{
	bool apart = false;

	lp_vec_each (&s->roots, root)
		apart |= !root->unit->has_code;
	if (!apart)
		return 0;
	s->far_dies = calloc(1, sizeof(*s->far_dies));
	if (!s->far_dies)
		return -ENOMEM;
	qsort(s->dies.data, s->dies.len, sizeof(*s->dies.data), lp_compare_u64);
	lp_vec_each (&s->dies, d) {
		const int r = lp_skim_add(s->far_dies, *d);

		if (r == -ENOMEM)
			return r;
		s->anywhere |= r < 0;
	}
	return 0;
}

static int find_inlined(struct entry_search *s)
{
	if (s->roots.len == 0)
		return 0;
	qsort(s->roots.data, s->roots.len, sizeof(*s->roots.data), compare_root);
	const int r = look_in_others(s);
	return r < 0 ? r : lp_inlined_each(s->m, has_roots, take_inlined, s);
}

static int compare_entry(const void *a, const void *b)
{
	const struct lp_entry *x = a, *y = b;

	if (x->vaddr != y->vaddr)
		return x->vaddr < y->vaddr ? -1 : 1;
	return (int)x->inlined - (int)y->inlined;
}

/* One entry an address, an out-of-line one where there is one. */
static void sort_entries(struct lp_entries *found)
{
	size_t kept = 0;

	if (found->len > 0)
		qsort(found->data, found->len, sizeof(*found->data), compare_entry);
	lp_vec_each (found, e)
		if (kept == 0 || found->data[kept - 1].vaddr != e->vaddr)
			found->data[kept++] = *e;
	found->len = kept;
}

/* A function can be split in two: its head, inlined or not, calls the rest. It is entered in the
 * head, and not once more in the rest.
 */
static void drop_rests(struct lp_module *m, struct lp_entries *found)
{
	size_t kept = 0;

	for (size_t i = 0; i < found->len; i++) {
		const struct lp_entry e = found->data[i];
		const struct lp_symbol *s = e.inlined ? NULL : lp_symbol_find(m, e.vaddr, true);

		if (found->len > 1 && s && strstr(s->name, ".part."))
			continue;
		found->data[kept++] = e;
	}
	found->len = kept;
}

/* Length of a name without what compilers add to a copy's: "fill" of "fill.constprop.0". */
static size_t length_without_clone(const char *name)
{
	static const char *const suffixes[] = { "constprop.", "isra.", "part.", "lto_priv.",
						"llvm." };

	for (const char *dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.')) {
		if (dot == name)
			continue;
		for (size_t i = 0; i < LP_ARRAY_SIZE(suffixes); i++)
			if (!strncmp(dot + 1, suffixes[i], strlen(suffixes[i])))
				return (size_t)(dot - name);
	}
	return strlen(name);
}

static bool symbol_matches(struct entry_search *s, struct lp_symbol *sym)
{
	const struct lp_name_pattern *p = &s->pattern;

	if (strstr(sym->name, ".cold"))
		return false;
	if (!strcmp(sym->name, p->text))
		return true;
	if (lp_name_is_mangled(sym->name)) {
		const size_t word = strcspn(p->last, "<>=!+-*/%^&|~ ()[]");

		/* demangling is slow, and a mangled name has words in clear */
		if (!p->glob && !memmem(sym->name, strlen(sym->name), p->last, word))
			return false;
		return lp_name_matches(p, lp_symbol_readable(s->m, sym));
	}

	const size_t len = length_without_clone(sym->name);
	if (!p->glob)
		return len == strlen(p->text) && !strncmp(sym->name, p->text, len);
	lp_auto(lp_free) char *name = strndup(sym->name, len);
	return name && lp_name_matches(p, name);
}

static bool has_entry(const struct entry_search *s, uint64_t vaddr)
{
	const struct lp_entry key = { .vaddr = vaddr };
	const size_t at =
		lp_partition_point(s->found->len, i, compare_entry(&s->found->data[i], &key) < 0);

	return at < s->found->len && s->found->data[at].vaddr == vaddr &&
	       !s->found->data[at].inlined;
}

static int take_symbol(struct lp_symbol *sym, void *arg)
{
	struct entry_search *s = arg;

	if (!symbol_matches(s, sym))
		return 0;
	if (GELF_ST_TYPE(sym->sym.st_info) == STT_GNU_IFUNC) {
		s->found->ifunc |= !s->pattern.glob;
		return 0;
	}
	const struct lp_entry e = { .vaddr = sym->start, .symbol = lp_symbol_readable(s->m, sym) };
	return has_entry(s, e.vaddr) ? 0 : lp_vec_push(&s->of_symbols, e);
}

static int find_symbols(struct entry_search *s)
{
	struct lp_module_index *index = lp_module_symbols(s->m);
	int r = 0;

	if (!index)
		return -ENOMEM;
	if (!s->pattern.glob)
		r = lp_symbols_named(s->m, s->pattern.text, take_symbol, s);
	for (size_t i = 0; s->pattern.glob && r == 0 && i < index->symbols.len; i++)
		if (index->symbols.data[i].function)
			r = take_symbol(&index->symbols.data[i], s);
	for (size_t i = 0; r == 0 && i < s->of_symbols.len; i++)
		r = lp_vec_push(s->found, s->of_symbols.data[i]);
	return r;
}

int lp_entries_find(struct lp_module *m, const char *name, struct lp_entries *ret,
		    struct lp_err *err)
{
	struct lp_entries found = { 0 };
	struct entry_search s = { .m = m, .found = &found };
	int r;

	lp_name_pattern_init(&s.pattern, name);
	r = lp_functions_named(m, &s.pattern, take_function, &s);
	if (r == 0)
		r = find_inlined(&s);
	sort_entries(&found);
	if (r == 0)
		r = find_symbols(&s);
	if (r == 0 && found.len == 0 && !found.declared && !found.ifunc)
		r = lp_functions_declared(m, &s.pattern, take_function, &s);
	sort_entries(&found);
	drop_rests(m, &found);
	lp_vec_done(&s.roots);
	lp_vec_done(&s.dies);
	if (s.far_dies)
		lp_skim_done(s.far_dies);
	free(s.far_dies);
	lp_vec_done(&s.of_symbols);
	if (r < 0) {
		lp_vec_done(&found);
		return lp_err_nomem(err);
	}
	lp_vec_each (&found, e)
		found.n_inlined += e->inlined;
	*ret = found;
	return 0;
}
