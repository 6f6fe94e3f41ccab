// SPDX-License-Identifier: GPL-2.0-only
/* Finds the code of the evaluation loop: what reads a code unit from elsewhere executes nothing.
 *
 * That is _PyEval_EvalFrameDefault, in several pieces where the compiler has split it (.cold,
 * .part.N, .lto_priv.N, bolt's .org.0), and from 3.14 on, in builds whose handlers call each other
 * (--with-tail-call-interp), all of _TAIL_CALL_*. The pieces have no exported symbols: they come
 * from .symtab, the debug file, or are told by the jumps that lead to them.
 */
#include <errno.h>
#include <string.h>

#include "python/impl.h"

#define LOOP_SYMBOL "_PyEval_EvalFrameDefault"
#define TAIL_SYMBOL "_TAIL_CALL_"
#define LOOP_MIN    (16u << 10) /* bytes; the smallest loops are twice that */
#define LOOP_MAX    (1u << 20)
#define GAP	    64u /* bytes between handlers: padding */
#define PIECES_MAX  64	/* functions that the loop jumps to */
#define JUMPS_MIN   8	/* that make one of them a piece of it */

struct piece {
	uint64_t from, to;
	size_t jumps;
};

struct pieces {
	LP_VEC(struct piece);
	bool failed;
};

static void add_piece(struct pieces *p, uint64_t from, uint64_t to)
{
	if (to > from && to - from <= LOOP_MAX &&
	    lp_vec_push(p, ((struct piece){ .from = from, .to = to })) < 0)
		p->failed = true;
}

static int collect(const struct lp_elf_symbol *sym, void *arg)
{
	const size_t loop = strlen(LOOP_SYMBOL), tail = strlen(TAIL_SYMBOL);

	if (!sym->is_code)
		return 0;
	if ((!strncmp(sym->name, LOOP_SYMBOL, loop) &&
	     (!sym->name[loop] || sym->name[loop] == '.')) ||
	    !strncmp(sym->name, TAIL_SYMBOL, tail))
		add_piece(arg, sym->addr, sym->addr + sym->size);
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct piece *p = a, *q = b;

	return p->from < q->from ? -1 : p->from > q->from;
}

/* Sorted, without overlap, neighbours as one. */
static void merge(struct pieces *p)
{
	size_t n = 0;

	if (p->len)
		qsort(p->data, p->len, sizeof(*p->data), compare);
	lp_vec_each (p, one) {
		struct piece *last = n ? &p->data[n - 1] : NULL;

		if (last && one->from <= last->to + GAP)
			last->to = one->to > last->to ? one->to : last->to;
		else
			p->data[n++] = *one;
	}
	p->len = n;
}

#ifdef __x86_64__
/* The target of a direct jump at p, conditional or not; 0: none begins here. */
static uint64_t jump_target(const unsigned char *p, uint64_t addr)
{
	const int skip = p[0] == 0xe9 ? 1 : p[0] == 0x0f && (p[1] & 0xf0) == 0x80 ? 2 : 0;
	int32_t offset;

	if (!skip)
		return 0;
	memcpy(&offset, p + skip, sizeof(offset));
	return addr + (uint64_t)skip + 4 + (uint64_t)(int64_t)offset;
}

/* Bytes are looked at, not instructions: what is no jump leads anywhere, and not often to the same
 * function. A piece that was split off is jumped into at many places; a function is jumped to at
 * its start.
 */
static void follow_jumps(struct lp_python *py, struct pieces *p, uint64_t from, uint64_t to)
{
	lp_auto(lp_free) unsigned char *code = malloc(to - from);
	struct lp_memory *m = &py->memory.memory;
	struct piece found[PIECES_MAX];
	size_t n = 0, i;

	if (!code || m->read(m, from + py->bias, code, to - from) < 0)
		return;
	for (uint64_t at = 0; at + 6 <= to - from; at++) {
		uint64_t target = jump_target(code + at, from + at), first, end;

		if (!target || (target >= from && target < to) ||
		    lp_symfile_frame(py->symbols, target, &first, &end) < 0 || target >= end)
			continue;
		for (i = 0; i < n && found[i].from != first; i++)
			;
		if (i == n && n < PIECES_MAX)
			found[n++] = (struct piece){ .from = first, .to = end };
		if (i < n && target != first)
			found[i].jumps++;
	}
	for (i = 0; i < n; i++)
		if (found[i].jumps >= JUMPS_MIN)
			add_piece(p, found[i].from, found[i].to);
}
#else
static void follow_jumps(struct lp_python *py, struct pieces *p, uint64_t from, uint64_t to)
{
	(void)py;
	(void)p;
	(void)from;
	(void)to;
}
#endif

int lp_py_find_loop(struct lp_python *py, struct lp_err *err)
{
	struct pieces p = { 0 };
	uint64_t size = 0;
	int r = 0;

	lp_symfile_each(py->symbols, collect, &p);
	if (p.len && !lp_symfile_is_complete(py->symbols))
		follow_jumps(py, &p, p.data[0].from, p.data[0].to);
	else
		lp_symfile_each_debug(py->symbols, collect, &p);
	merge(&p);

	lp_vec_each (&p, one)
		size += one->to - one->from;
	if (p.failed)
		r = lp_err_nomem(err);
	else if (size < LOOP_MIN)
		r = lp_err_set(err, ENOTSUP, "CPython %s: its evaluation loop is not found in %s%s",
			       py->version, py->file,
			       p.len ? ", of which only the start has a symbol: install its "
				       "debug symbols"
				     : "");
	else if (p.len > LP_PY_RANGES_MAX)
		r = lp_err_set(err, ENOTSUP,
			       "CPython %s: its evaluation loop lies in %zu pieces, at most %d "
			       "are followed",
			       py->version, p.len, LP_PY_RANGES_MAX);
	for (size_t i = 0; r == 0 && i < p.len; i++) {
		py->runtime.loop[i][0] = p.data[i].from + py->bias;
		py->runtime.loop[i][1] = p.data[i].to + py->bias;
	}
	lp_vec_done(&p);
	return r;
}

struct maker {
	const char *name;
	int first_minor; /* of the versions that make every code object through it */
};

/* Objects/codeobject.c; up to 3.10 the compiler and marshal call the public one. */
static const struct maker makers[] = {
	{ "_PyCode_New", 11 },
	{ "PyCode_NewWithPosOnlyArgs", 8 },
};

static int match_maker(const struct lp_elf_symbol *sym, void *arg)
{
	struct lp_elf_symbol *ret = arg;
	const size_t len = strlen(ret->name);

	/* .lto_priv.0 is the function under another name; .cold is not its start */
	if (!sym->is_code || strncmp(sym->name, ret->name, len) ||
	    (sym->name[len] && strncmp(sym->name + len, ".lto_priv.", 10)) ||
	    strstr(sym->name, ".cold"))
		return 0;
	*ret = *sym;
	return 1;
}

static int match_function(const struct lp_elf_symbol *sym, void *arg)
{
	struct lp_elf_symbol *ret = arg;

	if (!sym->is_code || strcmp(sym->name, ret->name))
		return 0;
	*ret = *sym;
	return 1;
}

/* so: what follows from it that there is none. */
static int find_offset(struct lp_python *py, const char *name,
		       int (*match)(const struct lp_elf_symbol *sym, void *arg), const char *so,
		       uint64_t *ret, struct lp_err *err)
{
	struct lp_elf_symbol sym = { .name = name };

	if (lp_symfile_each(py->symbols, match, &sym) <= 0 &&
	    lp_symfile_each_debug(py->symbols, match, &sym) <= 0)
		return lp_err_set(err, ENOENT, "CPython %s: %s has no symbol %s%s", py->version,
				  py->file, name, so);
	if (lp_symfile_offset(py->symbols, sym.addr, ret) < 0)
		return lp_err_set(err, ENOENT, "%s: %s lies outside of its code", py->file, name);
	return 0;
}

int lp_python_code_maker(struct lp_python *py, uint64_t *ret_offset, struct lp_err *err)
{
	const struct maker *maker = makers;

	while (py->runtime.layout.minor < maker->first_minor)
		maker++;
	return find_offset(py, maker->name, match_maker,
			   ", so modules that are imported later can't be noticed: install its "
			   "debug symbols",
			   ret_offset, err);
}

int lp_python_function_offset(struct lp_python *py, const char *name, uint64_t *ret,
			      struct lp_err *err)
{
	return find_offset(py, name, match_function, "", ret, err);
}
