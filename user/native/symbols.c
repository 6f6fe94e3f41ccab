// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <libiberty/demangle.h>
#include <string.h>

#include "native/index.h"
#include "native/names.h"

/* How far back a symbol is looked for that encloses others. */
#define MAX_ENCLOSED 256

/* libdwfl's section number for symbols of sections that are not loaded */
#define NOT_LOADED ((GElf_Word)-1)

static int binding_rank(const struct lp_symbol *s)
{
	static const int ranks[] = { [STB_LOCAL] = 2, [STB_GLOBAL] = 0, [STB_WEAK] = 1 };
	const unsigned int bind = GELF_ST_BIND(s->sym.st_info);

	return bind < LP_ARRAY_SIZE(ranks) ? ranks[bind] : 2;
}

#define ORDER(a, b)                                                                                \
	if ((a) != (b))                                                                            \
	return (a) < (b) ? -1 : 1

/* By address; of several names, the one that a reader of the program would know comes first. */
static int compare_symbol(const void *a, const void *b)
{
	const struct lp_symbol *x = a, *y = b;

	ORDER(x->start, y->start);
	ORDER(!x->function, !y->function);
	ORDER(x->sym.st_size == 0, y->sym.st_size == 0);
	ORDER(binding_rank(x), binding_rank(y));
	ORDER(strspn(x->name, "_"), strspn(y->name, "_"));
	ORDER(strlen(x->name), strlen(y->name));
	return strcmp(x->name, y->name);
}

/* "fopen@@GLIBC_2.2.5": a version is no part of the name */
static const char *name_without_version(struct lp_module *m, const char *name)
{
	const char *at = strchr(name, '@');

	return at && at != name ? lp_arena_strndup(&m->arena, name, (size_t)(at - name)) : name;
}

static int add_symbol(struct lp_module *m, struct lp_module_index *index, const char *name,
		      const GElf_Sym *sym, uint64_t addr)
{
	const int type = GELF_ST_TYPE(sym->st_info);
	struct lp_symbol s = { .start = addr, .end = addr + sym->st_size, .sym = *sym };

	if (!name || !*name || sym->st_shndx == SHN_UNDEF || sym->st_shndx == SHN_ABS)
		return 0;
	s.function = type == STT_FUNC || type == STT_GNU_IFUNC ||
		     (type == STT_NOTYPE && name[0] != '$' && name[0] != '.');
	if (s.function ? !lp_module_is_code(m, addr) : type != STT_OBJECT)
		return 0;
	if (s.end < s.start)
		s.end = s.start;
	s.sym.st_value = addr;
	s.name = name_without_version(m, name);
	if (!s.name)
		return -ENOMEM;
	return lp_vec_push(&index->symbols, s);
}

/* Hand-written assembly often gives no size: up to the next function, or the section's end. */
static void close_open_ends(struct lp_module *m, struct lp_module_index *index)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = index->symbols.len; i-- > 0;) {
		struct lp_symbol *s = &index->symbols.data[i];
		const struct lp_code_range *code;

		if (!s->function)
			continue;
		if (s->end == s->start && (code = lp_code_find(m, s->start)))
			s->end = next < code->range.end ? next : code->range.end;
		if (i > 0 && index->symbols.data[i - 1].start != s->start)
			next = s->start;
	}
}

struct lp_module_index *lp_module_symbols(struct lp_module *m)
{
	struct lp_module_index *index = lp_module_index_get(m);

	if (!index || index->symbols_tried)
		return index;

	int n = dwfl_module_getsymtab(m->dwfl_module);
	for (int i = 1; i < n; i++) {
		GElf_Sym sym;
		GElf_Addr addr;
		GElf_Word section;
		const char *name = dwfl_module_getsym_info(m->dwfl_module, i, &sym, &addr, &section,
							   NULL, NULL);

		/* what link-time optimisation leaves: offsets in .debug_info, no addresses */
		if (section == NOT_LOADED)
			continue;
		if (name && add_symbol(m, index, name, &sym, addr) < 0) {
			lp_vec_done(&index->symbols);
			return NULL;
		}
	}
	if (index->symbols.len > 0)
		qsort(index->symbols.data, index->symbols.len, sizeof(*index->symbols.data),
		      compare_symbol);
	close_open_ends(m, index);
	index->symbols_tried = true;
	return index;
}

struct lp_symbol *lp_symbol_find(struct lp_module *m, uint64_t vaddr, bool functions_only)
{
	struct lp_module_index *index = lp_module_symbols(m);
	size_t n = index ? lp_partition_point(index->symbols.len, i,
					      index->symbols.data[i].start <= vaddr)
			 : 0;
	struct lp_symbol *found = NULL;

	for (size_t tries = MAX_ENCLOSED; n-- > 0 && tries-- > 0;) {
		struct lp_symbol *s = &index->symbols.data[n];

		if (found && s->start != found->start)
			break;
		if (vaddr < s->end && (s->function || !functions_only))
			found = s;
	}
	return found;
}

const char *lp_symbol_readable(struct lp_module *m, struct lp_symbol *s)
{
	if (s->readable)
		return s->readable;

	lp_auto(lp_free) char *demangled = cplus_demangle(s->name, DMGL_AUTO | DMGL_ANSI);
	if (!demangled)
		return s->readable = s->name;
	char *clone = strstr(demangled, " [clone ");
	if (clone)
		*clone = '\0';
	s->readable = lp_arena_strdup(&m->arena, demangled);
	return s->readable ? s->readable : s->name;
}

const char *lp_module_symbol_at(struct lp_module *m, uint64_t vaddr, GElf_Sym *ret_sym)
{
	struct lp_symbol *s = lp_symbol_find(m, vaddr, true);

	if (!s)
		return NULL;
	*ret_sym = s->sym;
	ret_sym->st_size = s->end - s->start;
	return s->name;
}

const char *lp_module_symbol(struct lp_module *m, uint64_t vaddr, uint64_t *ret_offset)
{
	struct lp_symbol *s = lp_symbol_find(m, vaddr, false);

	if (!s)
		return NULL;
	*ret_offset = vaddr - s->start;
	return lp_symbol_readable(m, s);
}

int lp_module_symbol_offset(struct lp_module *m, const char *name, uint64_t *ret)
{
	struct lp_module_index *index = lp_module_symbols(m);

	if (!index)
		return -ENOMEM;
	lp_vec_each (&index->symbols, s)
		if (s->function && !strcmp(s->name, name))
			return lp_module_offset(m, s->start, ret);
	return -ENOENT;
}

/* Symbols by what their names begin with, and those whose names say it in another way. */
struct lp_symbol_names {
	struct by_hash {
		uint32_t hash; /* of the name up to its first dot */
		uint32_t symbol;
	} * plain;
	uint32_t *mangled;
	size_t n_plain, n_mangled;
};

void lp_symbol_names_free(struct lp_symbol_names *n)
{
	if (!n)
		return;
	free(n->plain);
	free(n->mangled);
	free(n);
}
LP_CLEANUP(struct lp_symbol_names *, lp_symbol_names_free)

static uint32_t hash_to_dot(const char *name)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (; *name && *name != '.'; name++)
		hash = (hash ^ (uint8_t)*name) * 16777619u;
	return hash;
}

static int compare_hash(const void *a, const void *b)
{
	const struct by_hash *x = a, *y = b;

	ORDER(x->hash, y->hash);
	ORDER(x->symbol, y->symbol);
	return 0;
}

static struct lp_symbol_names *names_new(const struct lp_module_index *index)
{
	lp_auto(lp_symbol_names_free) struct lp_symbol_names *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->plain = calloc(index->symbols.len + 1, sizeof(*n->plain));
	n->mangled = calloc(index->symbols.len + 1, sizeof(*n->mangled));
	if (!n->plain || !n->mangled)
		return NULL;
	for (uint32_t i = 0; i < index->symbols.len; i++) {
		const struct lp_symbol *s = &index->symbols.data[i];

		if (!s->function)
			continue;
		if (lp_name_is_mangled(s->name))
			n->mangled[n->n_mangled++] = i;
		else
			n->plain[n->n_plain++] = (struct by_hash){ hash_to_dot(s->name), i };
	}
	qsort(n->plain, n->n_plain, sizeof(*n->plain), compare_hash);
	return lp_take(n);
}

int lp_symbols_named(struct lp_module *m, const char *name,
		     int (*fn)(struct lp_symbol *s, void *arg), void *arg)
{
	struct lp_module_index *index = lp_module_symbols(m);
	const struct by_hash wanted = { .hash = hash_to_dot(name) };
	int r = 0;

	if (!index || (!index->symbol_names && !(index->symbol_names = names_new(index))))
		return -ENOMEM;

	const struct lp_symbol_names *n = index->symbol_names;
	size_t at = lp_partition_point(n->n_plain, i, compare_hash(&n->plain[i], &wanted) < 0);
	for (; r == 0 && at < n->n_plain && n->plain[at].hash == wanted.hash; at++)
		r = fn(&index->symbols.data[n->plain[at].symbol], arg);
	for (size_t i = 0; r == 0 && i < n->n_mangled; i++)
		r = fn(&index->symbols.data[n->mangled[i]], arg);
	return r;
}
