// SPDX-License-Identifier: GPL-2.0-only
/* Slices with a step, of what was captured without one: where that was cut, so is the result, and what
 * begins at the end is not known.
 */
#include <string.h>

#include "base/utf8.h"
#include "expr/eval_number.h"

/* Which of n items is the k-th. */
static size_t pick(size_t n, int64_t step, size_t k)
{
	return step < 0 ? n - 1 - k * -(uint64_t)step : k * (uint64_t)step;
}

static size_t count_of(size_t n, int64_t step)
{
	uint64_t by = step < 0 ? -(uint64_t)step : (uint64_t)step;

	return n ? (n - 1) / by + 1 : 0;
}

static void step_items(const struct lp_value *v, int64_t step, struct lp_arena *a,
		       struct lp_value *ret)
{
	size_t n = count_of(v->len, step);
	struct lp_value *items = lp_arena_array(a, struct lp_value, n + 1);

	if (!items) {
		lp_number_error(ret, "out of memory");
		return;
	}
	for (size_t k = 0; k < n; k++)
		items[k] = v->items[pick(v->len, step, k)];
	*ret = *v;
	ret->items = items;
	ret->len = n;
}

/* is_bytes: each is a character. */
static void step_text(const struct lp_value *v, int64_t step, bool is_bytes, struct lp_arena *a,
		      struct lp_value *ret)
{
	uint32_t *starts = lp_arena_array(a, uint32_t, v->len + 1);
	char *text = lp_arena_alloc(a, v->len + 1);
	size_t n = 0, len = 0;

	if (!starts || !text) {
		lp_number_error(ret, "out of memory");
		return;
	}
	for (size_t at = 0; at < v->len;) {
		uint32_t c;
		size_t width = is_bytes ? 1 : lp_utf8_decode(v->str + at, v->len - at, &c);

		if (!width) { /* half of a pair, which a str may have */
			lp_number_error(ret, "not computed: a lone surrogate");
			return;
		}
		starts[n++] = (uint32_t)at;
		at += width;
	}
	starts[n] = (uint32_t)v->len;
	for (size_t k = 0; k < count_of(n, step); k++) {
		size_t i = pick(n, step, k), width = starts[i + 1] - starts[i];

		memcpy(text + len, v->str + starts[i], width);
		len += width;
	}
	*ret = *v;
	ret->str = text;
	ret->len = len;
}

void lp_eval_step(const struct lp_value *v, int64_t step, struct lp_arena *a, struct lp_value *ret)
{
	if (v->kind == LP_VAL_ERROR)
		*ret = *v;
	else if (v->cut && step < 0)
		lp_number_error(ret, "truncated");
	else if (v->kind == LP_VAL_LIST || v->kind == LP_VAL_TUPLE)
		step_items(v, step, a, ret);
	else if (v->kind == LP_VAL_STRING || v->kind == LP_VAL_BYTES)
		step_text(v, step, v->kind == LP_VAL_BYTES, a, ret);
	else
		lp_number_error(ret, "not computed: a step");
}
