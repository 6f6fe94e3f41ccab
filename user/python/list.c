// SPDX-License-Identifier: GPL-2.0-only
/* What `logpoint list` shows of a process's Python code, and the line of a frame. */
#include <errno.h>
#include <string.h>

#include "python/place.h"

/* The interpreter's own, which no file has. */
static bool is_frozen(const char *file)
{
	return !strncmp(file, "<frozen ", 8);
}

/* What the compiler names itself, but for lambdas, is nobody's to look for. */
static bool is_listed(const struct lp_py_code *code)
{
	const char *dot = strrchr(code->function, '.');
	const char *last = dot ? dot + 1 : code->function;

	return lp_py_code_is_function(code) && !is_frozen(code->file) &&
	       (last[0] != '<' || !strcmp(last, "<lambda>"));
}

static int compare_function(const void *a, const void *b)
{
	const struct lp_py_function_info *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	if (r == 0)
		r = strcmp(x->file, y->file);
	return r ? r : (x->line > y->line) - (x->line < y->line);
}

int lp_python_each_function(struct lp_python *py,
			    int (*fn)(const struct lp_py_function_info *f, void *arg), void *arg,
			    struct lp_err *err)
{
	LP_VEC(struct lp_py_function_info) all = { 0 };
	struct lp_py_codes *codes;
	int r = lp_py_codes_get(py, &codes, err);

	if (r < 0)
		return r;
	lp_vec_each (&codes->all, code) {
		const struct lp_py_function_info made = {
			.name = code->function,
			.file = code->file,
			.line = (int)code->firstlineno,
			.is_generator =
				code->flags & (LP_PY_CO_GENERATOR | LP_PY_CO_ASYNC_GENERATOR),
			.is_coroutine = code->flags & LP_PY_CO_COROUTINE,
		};

		if (r == 0 && is_listed(code))
			r = lp_vec_push(&all, made);
	}
	if (r < 0)
		r = lp_err_nomem(err);
	else if (all.len > 0)
		qsort(all.data, all.len, sizeof(*all.data), compare_function);
	for (size_t i = 0; r == 0 && i < all.len; i++)
		if (i == 0 || compare_function(&all.data[i - 1], &all.data[i]) != 0)
			r = fn(&all.data[i], arg);
	lp_vec_done(&all);
	return r;
}

static int compare_path(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int lp_python_each_file(struct lp_python *py, int (*fn)(const char *path, void *arg), void *arg,
			struct lp_err *err)
{
	LP_VEC(const char *) all = { 0 };
	struct lp_py_codes *codes;
	int r = lp_py_codes_get(py, &codes, err);

	if (r < 0)
		return r;
	lp_vec_each (&codes->all, code)
		if (r == 0 && !is_frozen(code->file))
			r = lp_vec_push(&all, code->file);
	if (r < 0)
		r = lp_err_nomem(err);
	else if (all.len > 0)
		qsort(all.data, all.len, sizeof(*all.data), compare_path);
	for (size_t i = 0; r == 0 && i < all.len; i++)
		if (i == 0 || all.data[i - 1] != all.data[i])
			r = fn(all.data[i], arg);
	lp_vec_done(&all);
	return r;
}

/* Places by line; a file has no more lines than its code objects name. */
struct line_counts {
	LP_VEC(size_t); /* by line */
};

static int count_line(struct line_counts *counts, const struct lp_py_flow *flow, int line)
{
	struct lp_py_starts starts;
	int r;

	if (lp_vec_reserve(counts, (size_t)line + 1) < 0)
		return -ENOMEM;
	while (counts->len <= (size_t)line)
		counts->data[counts->len++] = 0;
	r = lp_py_flow_starts(flow, line, &starts);
	if (r == 0)
		counts->data[line] += starts.len;
	lp_vec_done(&starts);
	return r;
}

#define LINE_MAX_LISTED (1 << 24)

static int count_lines(struct lp_python *py, const struct lp_py_code *code,
		       struct line_counts *counts)
{
	lp_auto(lp_py_flow_done) struct lp_py_flow flow = { 0 };
	lp_auto(lp_free) bool *seen = NULL;
	uint64_t units;
	int r = lp_py_code_flow(py, code, &flow, &units), last = 0;

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	lp_vec_each (&flow.instrs, in)
		if (in->line > last && in->line < LINE_MAX_LISTED)
			last = in->line;
	seen = calloc((size_t)last + 1, sizeof(*seen));
	if (!seen)
		return -ENOMEM;
	lp_vec_each (&flow.instrs, in) {
		if (r < 0 || in->line <= 0 || in->line > last || seen[in->line])
			continue;
		seen[in->line] = true;
		r = count_line(counts, &flow, in->line);
	}
	return r;
}

int lp_python_each_line(struct lp_python *py, const char *file,
			int (*fn)(int line, size_t n_places, void *arg), void *arg,
			const char **ret_path, struct lp_err *err)
{
	struct line_counts counts = { 0 };
	struct lp_py_codes *codes;
	const char *path;
	int r = lp_py_codes_get(py, &codes, err);

	if (r == 0)
		r = lp_py_choose_file(py, codes, file, &path, err);
	if (r < 0)
		return r;
	lp_vec_each (&codes->all, code)
		if (r == 0 && code->file == path)
			r = count_lines(py, code, &counts);
	if (r < 0)
		r = lp_err_nomem(err);
	else if (ret_path)
		*ret_path = path;
	for (size_t line = 1; r == 0 && line < counts.len; line++)
		if (counts.data[line] > 0)
			r = fn((int)line, counts.data[line], arg);
	lp_vec_done(&counts);
	return r;
}

static bool is_same(const struct lp_py_code *code, const struct lp_py_frame *frame)
{
	return code->name == frame->name && code->filename == frame->filename &&
	       code->firstlineno == frame->firstlineno;
}

/* The code object of a frame, which may be newer than what is known. */
static const struct lp_py_code *code_of(struct lp_python *py, struct lp_py_codes *codes,
					const struct lp_py_frame *frame)
{
	const struct lp_py_code *code = lp_py_code_at(codes, frame->code);
	struct lp_py_addrs addrs = { 0 };

	if (code && is_same(code, frame))
		return code;
	if (lp_vec_push(&addrs, frame->code) == 0)
		lp_py_codes_take(py, codes, &addrs, NULL);
	lp_vec_done(&addrs);
	code = lp_py_code_at(codes, frame->code);
	return code && is_same(code, frame) ? code : NULL;
}

static int compare_lines(const void *a, const void *b)
{
	const struct lp_py_known_lines *x = a, *y = b;

	return x->code < y->code ? -1 : x->code > y->code;
}

/* The lines of a code object, remembered: the same frames are met again and again. */
static const struct lp_py_line_list *lines_of(struct lp_python *py, struct lp_py_codes *codes,
					      const struct lp_py_code *code)
{
	struct lp_py_known_lines made = { .code = code->addr,
					  .name = code->name,
					  .firstlineno = code->firstlineno };
	struct lp_py_known_lines *known =
		codes->lines.len == 0 ? NULL
				      : bsearch(&made, codes->lines.data, codes->lines.len,
						sizeof(made), compare_lines);

	if (known && known->name == code->name && known->firstlineno == code->firstlineno)
		return &known->lines;
	if (lp_py_code_lines(py, code, &made.lines) < 0)
		return NULL;
	if (known) {
		lp_vec_done(&known->lines);
		*known = made;
		return &known->lines;
	}
	if (lp_vec_push(&codes->lines, made) < 0) {
		lp_vec_done(&made.lines);
		return NULL;
	}
	qsort(codes->lines.data, codes->lines.len, sizeof(made), compare_lines);
	known = bsearch(&made, codes->lines.data, codes->lines.len, sizeof(made), compare_lines);
	return &known->lines;
}

bool lp_python_frame(struct lp_python *py, const struct lp_py_frame *frame,
		     const char **ret_function, const char **ret_file, int *ret_line)
{
	struct lp_py_codes *codes;
	const struct lp_py_code *code =
		lp_py_codes_get(py, &codes, NULL) == 0 ? code_of(py, codes, frame) : NULL;
	const struct lp_py_line_list *lines = code ? lines_of(py, codes, code) : NULL;

	if (!code)
		return false;
	*ret_function = code->function;
	*ret_file = code->file;
	*ret_line = lines && frame->lasti / 2 < lines->len ? lines->data[frame->lasti / 2].line : 0;
	return true;
}
