// SPDX-License-Identifier: GPL-2.0-only
/* Code objects of any bytes: units, line table, exception table. What is found lies within the code
 * and every line comes to an end, in time.
 */
#include <stdlib.h>
#include <string.h>

#include "python/flow.h"

#define LINES_MAX 8 /* that are looked for in one input */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first two bytes say how long the tables are. Copies, so that reads beyond are seen. */
static uint8_t *take(const uint8_t **data, size_t *size, size_t want, struct lp_py_bytes *ret)
{
	const size_t len = want < *size ? want : *size;
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		abort();
	memcpy(copy, *data, len);
	*data += len;
	*size -= len;
	*ret = (struct lp_py_bytes){ copy, len };
	return copy;
}

static void look(const struct lp_py_flow *f, int line, size_t n_units)
{
	struct lp_py_starts starts;

	if (lp_py_flow_starts(f, line, &starts, NULL) < 0)
		return;
	lp_vec_each (&starts, s)
		if (s->unit >= n_units)
			abort();
	lp_vec_done(&starts);
}

static void follow(const struct lp_py_flow *f, uint32_t first)
{
	uint32_t run[LP_PY_RUN_MAX];
	const size_t n = lp_py_flow_run(f, first, 0, run);

	for (size_t i = 0; i < n; i++)
		if (run[i] != first + i || run[i] >= f->instrs.len)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lp_py_bytecode b = { .firstlineno = 10 };
	struct lp_py_flow f = { 0 };

	if (size < 3)
		return 0;
	b.minor = LP_PY_MINOR_MIN + data[0] % (LP_PY_MINOR_MAX - LP_PY_MINOR_MIN + 1);
	const size_t table = data[1], handlers = data[2];
	data += 3;
	size -= 3;
	uint8_t *const lines = take(&data, &size, table, &b.linetable);
	uint8_t *const exceptions = take(&data, &size, handlers, &b.handlers);
	uint8_t *const units = take(&data, &size, size, &b.units);

	if (lp_py_flow_init(&f, &b) == 0) {
		int looked = 0, last = 0;

		lp_vec_each (&f.instrs, in) {
			if (in->line == last || looked++ == LINES_MAX)
				continue;
			last = in->line;
			look(&f, in->line, b.units.len / 2);
			follow(&f, (uint32_t)(in - f.instrs.data));
		}
		lp_py_flow_done(&f);
	}
	free(lines);
	free(exceptions);
	free(units);
	return 0;
}
