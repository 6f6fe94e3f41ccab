// SPDX-License-Identifier: GPL-2.0-only
/* Which rows of a line table are places: one hit each time that execution reaches the line.
 *
 * Optimised code interleaves lines, so one pass over a line can meet several runs of its rows.
 * A later run is no place of its own where control can only have fallen straight through to it
 * from an earlier one, in the same copy of the function: nothing jumps in between, and nothing
 * on the way jumps off for good. Where that can't be told (an indirect jump whose table isn't
 * found), the run is kept: a hit too many is seen, one too few is not. It is also kept where it
 * begins at the same column as the earlier one: that is the line once more, as in an unrolled loop.
 *
 * A run that does nothing but jump to another place of the line is none: at -O0 gcc begins
 * "while (n)" with a jump to where n is tested, and clang ends its body with one.
 *
 * Compilers mark the rows where a statement begins. Where a copy of the function has rows of the
 * line but none that is marked (g++ does that to "return v * by;"), the unmarked ones count.
 */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "native/lines.h"
#include "native/mention.h"
#include "native/place.h"

#define MAX_NAMED   8  /* files that a message lists */
#define MAX_DETOURS 64 /* places of one line in one copy that are looked at for mere jumps */

struct candidate {
	uint64_t addr, function; /* start of the function; UINT64_MAX: not known */
	size_t unit;
	int line;
	uint32_t node;
	uint32_t column;
	bool is_stmt;
};

struct candidates {
	LP_VEC(struct candidate);
};

#define ORDER(a, b)                                                                                \
	if ((a) != (b))                                                                            \
	return (a) < (b) ? -1 : 1

static int compare_candidate(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	ORDER(x->unit, y->unit);
	ORDER(x->node, y->node);
	ORDER(x->line, y->line);
	ORDER(x->function, y->function);
	ORDER(!x->is_stmt, !y->is_stmt);
	ORDER(x->addr, y->addr);
	return 0;
}

/* Are both in one copy of a function? Its cold part can lie elsewhere. */
static bool same_copy(const struct candidate *x, const struct candidate *y)
{
	return x->unit == y->unit && x->node == y->node && x->line == y->line &&
	       (x->node != LP_FUNC_TREE_NO_NODE || x->function == y->function);
}

/* Is y the same pass as x, which comes right before it? */
static bool same_pass(struct lp_module *m, const struct candidate *x, const struct candidate *y)
{
	const struct lp_flow *flow;

	if (!same_copy(x, y) || x->function != y->function)
		return false;
	if (x->addr == y->addr)
		return true;
	if (x->column != 0 && x->column == y->column)
		return false;
	return x->function != UINT64_MAX && lp_function_flow(m, x->addr, &flow, NULL) == 0 &&
	       lp_flow_falls_through(flow, x->addr, y->addr);
}

/* line 0: all lines. */
static int gather(struct lp_module *m, const struct lp_rows *rows, uint32_t path, int line,
		  struct candidates *ret)
{
	lp_vec_each (&rows->reached, r) {
		if (r->path != path || (line != 0 && r->line != line))
			continue;

		struct lp_unit *unit = &m->index->units.data[r->unit];
		struct lp_func_tree *tree = lp_unit_tree(m, unit);
		struct candidate c = {
			.addr = r->addr,
			.function = UINT64_MAX,
			.unit = r->unit,
			.line = r->line,
			.column = r->column,
			.is_stmt = r->is_stmt,
		};
		struct lp_range bounds;

		if (!tree)
			return -ENOMEM;
		if (lp_function_bounds(m, r->addr, &bounds) == 0)
			c.function = bounds.start;
		c.node = lp_node_of_line(m, tree, r->addr, rows->paths.data[path].path, r->line);
		if (lp_vec_push(ret, c) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Keeps unmarked rows only in copies that have no others. */
static void drop_unmarked(struct candidates *c)
{
	size_t kept = 0;

	for (size_t i = 0, n; i < c->len; i += n) {
		bool marked = false;

		for (n = 0; i + n < c->len && same_copy(&c->data[i], &c->data[i + n]); n++)
			marked |= c->data[i + n].is_stmt;
		for (size_t j = i; j < i + n; j++)
			if (!marked || c->data[j].is_stmt)
				c->data[kept++] = c->data[j];
	}
	c->len = kept;
}

static void drop_same_pass(struct lp_module *m, struct candidates *c)
{
	struct candidate previous = { 0 };
	size_t kept = 0;

	for (size_t i = 0; i < c->len; i++) {
		const struct candidate at = c->data[i];

		if (i == 0 || !same_pass(m, &previous, &at))
			c->data[kept++] = at;
		previous = at;
	}
	c->len = kept;
}

/* Does a place only jump to another one in the same group of candidates? */
static bool is_detour(struct lp_module *m, const struct candidate *at,
		      const struct candidate *group, size_t n)
{
	const struct lp_flow *flow;
	const struct lp_instr *in, *to;

	if (at->function == UINT64_MAX || lp_function_flow(m, at->addr, &flow, NULL) < 0)
		return false;
	in = lp_flow_at(flow, at->addr);
	if (!in || in->kind != LP_INSTR_JUMP)
		return false;
	for (size_t i = 0; i < n; i++) {
		to = group[i].addr == in->target ? lp_flow_at(flow, in->target) : NULL;
		if (to && to->kind != LP_INSTR_JUMP)
			return true;
	}
	return false;
}

static void drop_detours(struct lp_module *m, struct candidates *c)
{
	size_t kept = 0;

	for (size_t i = 0, n; i < c->len; i += n) {
		bool detour[MAX_DETOURS] = { false };

		for (n = 1; i + n < c->len && same_copy(&c->data[i], &c->data[i + n]); n++)
			;
		for (size_t j = 0; n > 1 && j < n && j < MAX_DETOURS; j++)
			detour[j] = is_detour(m, &c->data[i + j], &c->data[i], n);
		for (size_t j = 0; j < n; j++)
			if (j >= MAX_DETOURS || !detour[j])
				c->data[kept++] = c->data[i + j];
	}
	c->len = kept;
}

static void reduce(struct lp_module *m, struct candidates *c)
{
	if (c->len > 0)
		qsort(c->data, c->len, sizeof(*c->data), compare_candidate);
	drop_unmarked(c);
	drop_same_pass(m, c);
	drop_detours(m, c);
}

static int several_files(const struct lp_rows *rows, const char *file, struct lp_err *err)
{
	lp_auto(lp_buf_done) struct lp_buf b = { 0 };
	size_t n = 0;

	lp_vec_each (&rows->paths, p) {
		if (!p->has_code || n++ >= MAX_NAMED)
			continue;
		if (b.len > 0)
			lp_buf_str(&b, ", ");
		lp_buf_str(&b, p->path);
	}
	if (b.failed)
		return lp_err_nomem(err);
	return lp_err_set(err, EEXIST, "%zu files end in '%s': %s%s", n, file, b.data,
			  n > MAX_NAMED ? ", ..." : "");
}

/* A file of that name in another folder, for the message. */
static int no_such_file(struct lp_module *m, const char *file, struct lp_err *err)
{
	const struct lp_rows *rows;
	const char *slash = strrchr(file, '/');

	if (!lp_module_has_dwarf(m, NULL))
		return lp_err_set(err, ENOENT, "no lines are known of %s: no debug information",
				  m->path);
	if (slash && slash[1] && lp_rows_find(m, slash + 1, &rows, NULL) == 0 &&
	    rows->paths.len > 0)
		return lp_err_set(err, ENOENT, "no source file of %s ends in '%s'; there is %s",
				  m->path, file, rows->paths.data[0].path);
	return lp_err_set(err, ENOENT, "no source file of %s ends in '%s'", m->path, file);
}

/* The one file that is meant. */
static int choose_path(struct lp_module *m, const struct lp_rows *rows, const char *file,
		       uint32_t *ret, struct lp_err *err)
{
	size_t n = 0;

	if (rows->paths.len == 0)
		return no_such_file(m, file, err);
	*ret = 0;
	lp_vec_each (&rows->paths, p) {
		if (!p->has_code)
			continue;
		*ret = (uint32_t)(p - rows->paths.data);
		if (!strcmp(p->path, file))
			return 0;
		n++;
	}
	return n > 1 ? several_files(rows, file, err) : 0;
}

static int no_code(const struct lp_rows *rows, uint32_t path, int line, const char *file,
		   struct lp_err *err)
{
	int below = 0, above = 0;

	if (!rows->paths.data[path].has_code)
		return lp_err_set(err, ESRCH, "%s has no code of its own", file);
	lp_vec_each (&rows->reached, r) {
		if (r->path != path)
			continue;
		if (r->line < line && r->line > below)
			below = r->line;
		if (r->line > line && (above == 0 || r->line < above))
			above = r->line;
	}
	if (below && above)
		return lp_err_set(err, ESRCH, "line %d of %s has no code; nearest: %d, %d", line,
				  file, below, above);
	return lp_err_set(err, ESRCH, "line %d of %s has no code; nearest: %d", line, file,
			  below ? below : above);
}

int lp_resolve_line(struct lp_module *m, const struct lp_location *at, struct lp_places *ret,
		    struct lp_err *err)
{
	const struct lp_rows *rows;
	struct candidates c = { 0 };
	uint32_t path;
	int r;

	if (at->line <= 0)
		return lp_err_set(err, EINVAL, "lines count from 1");
	if (!lp_may_have_file(m, at->file))
		return lp_err_set(err, ENOENT, "no source file of %s ends in '%s'", m->path,
				  at->file);
	r = lp_rows_find(m, at->file, &rows, err);
	if (r == 0)
		r = choose_path(m, rows, at->file, &path, err);
	if (r < 0)
		return r;
	if (gather(m, rows, path, at->line, &c) < 0)
		r = lp_err_nomem(err);
	reduce(m, &c);
	if (r == 0 && c.len == 0)
		r = no_code(rows, path, at->line, at->file, err);
	for (size_t i = 0; r == 0 && i < c.len; i++) {
		struct lp_place p;

		r = lp_place_init(&p, m, c.data[i].addr, rows->paths.data[path].path, at->line,
				  err);
		if (r == 0 && lp_vec_push(ret, p) < 0)
			r = lp_err_nomem(err);
	}
	lp_vec_done(&c);
	return r;
}

static int compare_line(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	ORDER(x->line, y->line);
	ORDER(x->addr, y->addr);
	return 0;
}

static int tell_lines(struct candidates *c, int (*fn)(int line, size_t n_places, void *arg),
		      void *arg)
{
	int r = 0;

	if (c->len > 0)
		qsort(c->data, c->len, sizeof(*c->data), compare_line);
	for (size_t i = 0, n; r == 0 && i < c->len; i += n) {
		size_t places = 1;

		for (n = 1; i + n < c->len && c->data[i + n].line == c->data[i].line; n++)
			places += c->data[i + n].addr != c->data[i + n - 1].addr;
		r = fn(c->data[i].line, places, arg);
	}
	return r;
}

int lp_module_each_line(struct lp_module *m, const char *file,
			int (*fn)(int line, size_t n_places, void *arg), void *arg,
			const char **ret_path, struct lp_err *err)
{
	const struct lp_rows *rows;
	struct candidates c = { 0 };
	uint32_t path;
	int r;

	r = lp_rows_find(m, file, &rows, err);
	if (r == 0)
		r = choose_path(m, rows, file, &path, err);
	if (r < 0)
		return r;
	if (ret_path)
		*ret_path = rows->paths.data[path].path;
	r = gather(m, rows, path, 0, &c);
	reduce(m, &c);
	r = r < 0 ? lp_err_nomem(err) : tell_lines(&c, fn, arg);
	lp_vec_done(&c);
	return r;
}
