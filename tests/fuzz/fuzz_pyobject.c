// SPDX-License-Identifier: GPL-2.0-only
/* Objects in damaged memory: every reader ends, stays within its limits and gives an error or a
 * value. The first bytes choose the version and the object, the rest is the memory, over and over.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "python/object.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define BASE	 0x1000u
#define SPAN	 0x10000u /* readable addresses from BASE on */
#define TEXT_MAX 4096
#define READS	 200000u

struct damaged {
	struct lp_memory memory;
	const uint8_t *data;
	size_t len, reads;
};

/* Pointers made of any bytes shall often lead somewhere: addresses are taken modulo the span. */
static int damaged_read(struct lp_memory *memory, uint64_t addr, void *buf, size_t len)
{
	struct damaged *d = (struct damaged *)memory;
	uint8_t *out = buf;

	d->reads++;
	if (addr % 7 == 3 && len > 64)
		return -EFAULT;
	for (size_t i = 0; i < len; i++)
		out[i] = d->data[(addr + i) % SPAN % d->len];
	return 0;
}

static const struct lp_py_layout layouts[2] = {
#define LAYOUT(member, v8, v9, v10, v11, v12, v13, v14) [0].member = v8, [1].member = v13,
#define PUBLISHED(...)
#include "python/layouts.inc"
#undef LAYOUT
#undef PUBLISHED
};

static int count(uint64_t key, uint64_t value, void *arg)
{
	size_t *n = arg;

	if (!key || !value || ++*n > LP_PY_DICT_MAX)
		abort();
	return *n > 1000;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct damaged d = { .memory = { .read = damaged_read } };
	lp_auto(lp_buf_done) struct lp_buf text = { 0 };
	uint64_t values[2], length;
	int64_t number;
	size_t n = 0;

	if (len < 16)
		return 0;
	const struct lp_py_layout *l = &layouts[data[0] & 1];
	uint64_t object = BASE + data[1] * 8u;
	d.data = data + 2;
	d.len = len - 2;

	lp_py_text(&d.memory, l, object, TEXT_MAX, &text);
	if (text.len > TEXT_MAX * 4)
		abort();
	lp_buf_clear(&text);
	lp_py_bytes(&d.memory, l, object, TEXT_MAX, &text);
	if (text.len > TEXT_MAX)
		abort();
	lp_py_text_is(&d.memory, l, object, "name");
	lp_py_int(&d.memory, l, object, &number);
	if (lp_py_length(&d.memory, l, object, &length) == 0)
		lp_py_tuple_item(&d.memory, l, object, length - 1, values);
	lp_py_dict_each(&d.memory, l, object, count, &n);
	if (d.reads > READS)
		abort();
	return 0;
}
