// SPDX-License-Identifier: GPL-2.0-only
/* Looks through all writable memory for the types of code objects and functions. */
#include <errno.h>
#include <string.h>

#include "python/batch.h"
#include "python/code.h"
#include "python/stacks.h"

struct scan {
	uint64_t type_code, type_function;
	unsigned int at; /* of the type in an object */
	struct lp_py_addrs codes, functions;
};

static int note(struct scan *s, uint64_t addr, uint64_t type)
{
	if (type == s->type_code)
		return lp_vec_push(&s->codes, addr - s->at);
	if (type == s->type_function)
		return lp_vec_push(&s->functions, addr - s->at);
	return 0;
}

/* Four words a step: there are few that match. */
static int scan_piece(uint64_t addr, const uint8_t *data, size_t len, void *arg)
{
	struct scan *s = arg;
	const uint64_t a = s->type_code, b = s->type_function;
	const uint64_t *w = (const uint64_t *)(const void *)data;
	const size_t n = len / sizeof(*w);
	int r = 0;

	for (size_t i = 0; i + 4 <= n; i += 4) {
		if (((w[i] == a) | (w[i] == b) | (w[i + 1] == a) | (w[i + 1] == b) |
		     (w[i + 2] == a) | (w[i + 2] == b) | (w[i + 3] == a) | (w[i + 3] == b)) == 0)
			continue;
		for (size_t k = i; r == 0 && k < i + 4; k++)
			r = note(s, addr + k * sizeof(*w), w[k]);
		if (r < 0)
			return r;
	}
	return 0;
}

static void free_codes(void *codes)
{
	struct lp_py_codes *c = codes;

	if (!c)
		return;
	lp_vec_done(&c->all);
	lp_vec_each (&c->lines, l)
		lp_vec_done(&l->lines);
	lp_vec_done(&c->lines);
	lp_py_texts_done(&c->texts);
	free(c);
}

int lp_python_skip_scan(struct lp_python *py, struct lp_err *err)
{
	if (py->codes)
		return 0;
	struct lp_py_codes *c = py->codes = calloc(1, sizeof(*c));
	py->codes_free = free_codes;
	if (!c)
		return lp_err_nomem(err);
	c->is_partial = true;
	return 0;
}

int lp_python_scan(struct lp_python *py, struct lp_err *err)
{
	lp_auto(lp_maps_done) struct lp_maps maps = { 0 };
	struct scan s = {
		.type_code = py->runtime.type_code,
		.type_function = py->runtime.type_function,
		.at = py->runtime.layout.ob_type,
	};
	int r = lp_maps_read(py->pid, &maps, err);

	if (r < 0)
		return r;
	r = lp_python_skip_scan(py, err);
	if (r < 0)
		return r;
	struct lp_py_codes *c = py->codes;
	c->is_partial = false;
	r = lp_py_each_piece(py->pid, &maps, scan_piece, &s);
	c->all.len = 0;
	if (r == 0)
		r = lp_py_codes_take(py, c, &s.codes, &s.functions);
	lp_vec_done(&s.codes);
	lp_vec_done(&s.functions);
	return r < 0 ? lp_err_nomem(err) : 0;
}

int lp_py_codes_get(struct lp_python *py, struct lp_py_codes **ret, struct lp_err *err)
{
	const int r = py->codes ? 0 : lp_python_scan(py, err);

	*ret = py->codes;
	return r;
}
