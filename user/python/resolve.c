// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "expr/suggest.h"
#include "python/names.h"
#include "python/place.h"

#define MAX_NAMED 8    /* files in a message */
#define ADDED_MAX 4096 /* code objects in a new one's constants */

/* The code objects that are looked at: all, or those that are new. */
struct candidates {
	struct lp_python *py;
	const struct lp_py_codes *known; /* all, those that are new among them */
	LP_VEC(const struct lp_py_code *);
};

struct file_list {
	LP_VEC(const char *); /* interned: each once */
};

static bool has_file(const struct file_list *files, const char *file)
{
	lp_vec_each (files, f)
		if (*f == file)
			return true;
	return false;
}

static int find_files(const struct candidates *c, const char *wanted, struct file_list *ret)
{
	const char *last = NULL;

	lp_vec_each (c, code) {
		const char *file = (*code)->file;

		/* those of one module lie together for the most part */
		if (file == last || !lp_py_file_matches(wanted, file))
			continue;
		last = file;
		if (!has_file(ret, file) && lp_vec_push(ret, file) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int several_files(const struct file_list *files, const char *wanted, struct lp_err *err)
{
	lp_auto(lp_buf_done) struct lp_buf b = { 0 };

	for (size_t i = 0; i < files->len && i < MAX_NAMED; i++)
		lp_buf_fmt(&b, "%s%s", i ? ", " : "", files->data[i]);
	if (b.failed)
		return lp_err_nomem(err);
	return lp_err_set(err, EEXIST, "%zu files end in '%s': %s%s", files->len, wanted, b.data,
			  files->len > MAX_NAMED ? ", ..." : "");
}

/* A file of that name in another folder, or files of names that come near. */
static int no_such_file(const struct candidates *c, const char *wanted, struct lp_err *err)
{
	const char *slash = strrchr(wanted, '/'), *name = slash ? slash + 1 : wanted;
	struct lp_suggest near = { .wanted = name, .len = strlen(name) };
	lp_auto(lp_buf_done) struct lp_buf b = { 0 };
	struct file_list files = { 0 };

	if (slash && *name && find_files(c, name, &files) == 0 && files.len > 0)
		lp_buf_str(&b, files.data[0]);
	lp_vec_done(&files);
	lp_vec_each (c, code) {
		const char *end = strrchr((*code)->file, '/');
		const char *base = end ? end + 1 : (*code)->file;

		if (!b.len)
			lp_suggest_add(&near, base, true);
	}
	lp_suggest_print(&near, &b);
	if (b.failed)
		return lp_err_nomem(err);
	return lp_err_set(err, ENOENT,
			  "no Python code of process %d is from a file that ends in "
			  "'%s'%s%s",
			  c->py->pid, wanted, b.len ? "; there is " : "", b.len ? b.data : "");
}

/* The one file that is meant. */
static int choose_file(const struct candidates *c, const char *wanted, const char **ret,
		       struct lp_err *err)
{
	struct file_list files = { 0 };
	int r = find_files(c, wanted, &files);

	if (r < 0) {
		r = lp_err_nomem(err);
	} else if (files.len == 0) {
		r = no_such_file(c, wanted, err);
	} else {
		*ret = files.data[0];
		bool exact = false;
		lp_vec_each (&files, f)
			if (!strcmp(*f, wanted)) {
				*ret = *f;
				exact = true;
			}
		if (files.len > 1 && !exact)
			r = several_files(&files, wanted, err);
	}
	lp_vec_done(&files);
	return r;
}

static int no_code(const struct candidates *c, const char *path, int line, const char *wanted,
		   struct lp_err *err)
{
	int below = 0, above = 0;

	lp_vec_each (c, code) {
		struct lp_py_line_list lines = { 0 };

		if ((*code)->file != path || lp_py_code_lines(c->py, *code, &lines) < 0)
			continue;
		lp_vec_each (&lines, l) {
			if (l->line > 0 && l->line < line && l->line > below)
				below = l->line;
			if (l->line > line && (above == 0 || l->line < above))
				above = l->line;
		}
		lp_vec_done(&lines);
	}
	if (!below && !above)
		return lp_err_set(err, ESRCH, "line %d of %s has no code", line, wanted);
	if (below && above)
		return lp_err_set(err, ESRCH, "line %d of %s has no code; nearest: %d, %d", line,
				  wanted, below, above);
	return lp_err_set(err, ESRCH, "line %d of %s has no code; nearest: %d", line, wanted,
			  below ? below : above);
}

static int resolve_line(const struct candidates *c, const struct lp_location *at,
			struct lp_py_places *ret, struct lp_err *err)
{
	const char *path;
	int r;

	if (at->line <= 0)
		return lp_err_set(err, EINVAL, "lines count from 1");
	r = choose_file(c, at->file, &path, err);
	if (r < 0)
		return r;
	lp_vec_each (c, code)
		if (r == 0 && (*code)->file == path && (*code)->firstlineno <= (uint32_t)at->line)
			r = lp_py_place_lines(c->py, *code, at->line, ret);
	if (r == -ENOTSUP)
		return lp_err_set(
			err, ENOTSUP,
			"line %d of %s is executed in pieces, and the bytecode of Python 3.%d does "
			"not "
			"tell one that starts from one that goes on: use a line beside it",
			at->line, at->file, c->py->runtime.layout.minor);
	if (r < 0)
		return lp_err_nomem(err);
	return ret->len > 0 ? 0 : no_code(c, path, at->line, at->file, err);
}

/* Names that come near; of a class, its functions. */
static int unknown_function(const struct candidates *c, const char *name, struct lp_err *err)
{
	struct lp_suggest near = { .wanted = name, .len = strlen(name) };
	lp_auto(lp_buf_done) struct lp_buf b = { 0 };
	size_t n = 0;

	lp_vec_each (c, code) {
		const char *function = (*code)->function, *dot = strrchr(function, '.');

		if (!lp_py_code_is_function(*code))
			continue;
		if (!strncmp(function, name, near.len) && function[near.len] == '.' &&
		    !strchr(function + near.len + 1, '.') && n++ < MAX_NAMED)
			lp_buf_fmt(&b, "%s%s", n > 1 ? ", " : "", function);
		lp_suggest_add(&near, function, true);
		if (dot)
			lp_suggest_add(&near, dot + 1, true);
	}
	if (n == 0 && near.n > 0)
		lp_suggest_print(&near, &b);
	if (b.failed)
		return lp_err_nomem(err);
	return lp_err_set(err, ENOENT, "no function '%s' in the Python code of process %d%s%s",
			  name, c->py->pid, b.len ? "; there is " : "", b.len ? b.data : "");
}

#define NOT_STANDARD 8 /* more than any lp_py_match */

/* How well a name means this code object; 0: not at all. */
static unsigned int matches(const struct candidates *c, const struct lp_py_code *code,
			    const char *name)
{
	const enum lp_py_match how = lp_py_code_is_function(code)
					     ? lp_py_name_match(name, code->function, code->file)
					     : LP_PY_NO_MATCH;

	if (how == LP_PY_NO_MATCH ||
	    lp_py_file_is_standard(code->file, c->py->runtime.layout.minor))
		return how;
	return how + NOT_STANDARD;
}

/* How well the name means what it means, among all code objects that are known. */
static unsigned int best_match(const struct candidates *c, const char *name)
{
	unsigned int best = 0;
	bool any = false;

	/* most new code objects are not meant at all */
	lp_vec_each (c, code)
		any |= matches(c, *code, name) > 0;
	lp_vec_each (&c->known->all, code) {
		const unsigned int how = any ? matches(c, code, name) : 0;

		if (how > best)
			best = how;
	}
	return best;
}

static int resolve_function(const struct candidates *c, const struct lp_location *at,
			    struct lp_py_places *ret, struct lp_err *err)
{
	const unsigned int best = best_match(c, at->name);
	size_t found = 0;
	int r;

	lp_vec_each (c, code) {
		if (best == 0 || matches(c, *code, at->name) != best)
			continue;
		r = lp_py_place_function(c->py, *code, at->kind != LP_AT_ENTRY, ret);
		if (r == -ENOMEM)
			return lp_err_nomem(err);
		/* one that has gone meanwhile, or can't be understood, is not there */
		found += r == 0;
	}
	return found > 0 ? 0 : unknown_function(c, at->name, err);
}

static int resolve(const struct candidates *c, const struct lp_location *at,
		   struct lp_py_places *ret, struct lp_err *err)
{
	struct lp_py_places found = { 0 };
	int r;

	switch (at->kind) {
	case LP_AT_LINE:
		r = resolve_line(c, at, &found, err);
		break;
	case LP_AT_ENTRY:
	case LP_AT_RETURN:
	case LP_AT_CALL:
		r = resolve_function(c, at, &found, err);
		break;
	default:
		r = lp_err_set(err, ENOTSUP, "'%s' is no place in Python code", at->text);
	}
	if (r < 0) {
		lp_vec_done(&found);
		if (err && err->col == 0)
			err->col = at->col;
		return r;
	}
	*ret = found;
	return 0;
}

int lp_python_resolve(struct lp_python *py, const struct lp_location *location,
		      struct lp_py_places *ret, struct lp_err *err)
{
	struct candidates c = { .py = py };
	struct lp_py_codes *codes;
	int r = lp_py_codes_get(py, &codes, err);

	if (r < 0)
		return r;
	c.known = codes;
	if (lp_vec_reserve(&c, codes->all.len + 1) < 0)
		return lp_err_nomem(err);
	lp_vec_each (&codes->all, code)
		c.data[c.len++] = code;
	r = resolve(&c, location, ret, err);
	lp_vec_done(&c);
	return r;
}

/* A code object and those among its constants, and so on. */
static int gather(struct lp_python *py, struct lp_py_codes *codes, uint64_t addr,
		  struct lp_py_addrs *ret)
{
	if (lp_vec_push(ret, addr) < 0)
		return -ENOMEM;
	for (size_t done = 0; done < ret->len && ret->len < ADDED_MAX; done++) {
		const struct lp_py_layout *l = &py->runtime.layout;
		uint64_t consts;

		if (lp_py_u64(&py->memory.memory, ret->data[done] + l->code_consts, &consts) == 0 &&
		    lp_py_code_consts(py, consts, ret) < 0)
			return -ENOMEM;
	}
	return lp_py_codes_take(py, codes, ret, NULL);
}

int lp_python_resolve_in(struct lp_python *py, uint64_t code, const struct lp_location *location,
			 struct lp_py_places *ret, struct lp_err *err)
{
	struct candidates c = { .py = py };
	struct lp_py_addrs addrs = { 0 };
	struct lp_py_codes *codes;
	int r = lp_py_codes_get(py, &codes, err);

	if (r < 0)
		return r;
	c.known = codes;
	r = gather(py, codes, code, &addrs);
	lp_vec_each (&addrs, addr) {
		const struct lp_py_code *found = lp_py_code_at(codes, *addr);

		if (r == 0 && found)
			r = lp_vec_push(&c, found);
	}
	r = r < 0 ? lp_err_nomem(err) : resolve(&c, location, ret, err);
	lp_vec_done(&addrs);
	lp_vec_done(&c);
	return r;
}

int lp_py_choose_file(struct lp_python *py, struct lp_py_codes *codes, const char *wanted,
		      const char **ret, struct lp_err *err)
{
	struct candidates c = { .py = py };
	int r = 0;

	lp_vec_each (&codes->all, code)
		if (r == 0)
			r = lp_vec_push(&c, code);
	r = r < 0 ? lp_err_nomem(err) : choose_file(&c, wanted, ret, err);
	lp_vec_done(&c);
	return r;
}
