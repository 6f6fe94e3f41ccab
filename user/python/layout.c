// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "python/impl.h"

#define COLUMNS (LP_PY_MINOR_MAX - LP_PY_MINOR_MIN + 1)
_Static_assert(COLUMNS == 7, "a column of layouts.inc for each version");

static const struct lp_py_layout layouts[COLUMNS] = {
#define LAYOUT(member, v8, v9, v10, v11, v12, v13, v14)                                            \
	[0].member = v8, [1].member = v9, [2].member = v10, [3].member = v11, [4].member = v12,    \
	[5].member = v13, [6].member = v14,
#define PUBLISHED(...)
#include "python/layouts.inc"
#undef LAYOUT
#undef PUBLISHED
};

/* Where the values of a layout are published, from the start of _PyRuntime on. */
static const struct {
	const char *name;
	size_t member;
	uint16_t at[2]; /* of 3.13, of 3.14 */
} published[] = {
#define LAYOUT(...)
#define PUBLISHED(member, v13, v14)                                                                \
	{ #member, offsetof(struct lp_py_layout, member), { v13, v14 } },
#include "python/layouts.inc"
#undef LAYOUT
#undef PUBLISHED
};

/* The start of _Py_DebugOffsets (Include/internal/pycore_debug_offsets.h), the same in all. */
struct debug_offsets {
	char cookie[8];
	uint64_t version, free_threaded;
};
#define COOKIE	      "xdebugpy"
#define PUBLISHED_MAX 1024

const struct lp_py_layout *lp_py_layout_of(int minor)
{
	if (minor < LP_PY_MINOR_MIN || minor > LP_PY_MINOR_MAX)
		return NULL;
	return &layouts[minor - LP_PY_MINOR_MIN];
}

/* Members of objects of which the first bytes alone are copied: what lies further out would be read elsewhere. */
static const struct {
	const char *prefix;
	uint16_t max;
} heads[] = {
	{ "code_code", LP_PY_NONE - 1 }, { "code_", LP_PY_CODE_HEAD - 8 },
	{ "str_", LP_PY_STR_HEAD - 8 },	 { "tuple_", LP_PY_STR_HEAD - 8 },
	{ "ob_", LP_PY_STR_HEAD - 8 },
};

static uint64_t max_of(const char *member)
{
	for (size_t i = 0; i < LP_ARRAY_SIZE(heads); i++)
		if (!strncmp(member, heads[i].prefix, strlen(heads[i].prefix)))
			return heads[i].max;
	return LP_PY_NONE - 1;
}

int lp_py_layout_published(struct lp_python *py, struct lp_err *err)
{
	struct lp_py_layout *l = &py->runtime.layout;
	unsigned char block[PUBLISHED_MAX];
	struct debug_offsets head;

	if (l->minor < 13)
		return 0;
	if (py->memory.memory.read(&py->memory.memory, py->runtime.runtime, block, sizeof(block)))
		return lp_err_set(err, EAGAIN, "%s is not loaded yet", py->file);
	memcpy(&head, block, sizeof(head));
	if (memcmp(head.cookie, COOKIE, sizeof(head.cookie)))
		return lp_err_set(err, ENOTSUP, "CPython %s: _PyRuntime has no debug offsets",
				  py->version);
	if (head.version >> 16 != py->hexversion >> 16)
		return lp_err_set(err, ENOTSUP,
				  "CPython %s: its debug offsets are of version 0x%08llx",
				  py->version, (unsigned long long)head.version);
	if (head.free_threaded)
		return lp_err_set(err, ENOTSUP,
				  "CPython %s is a free-threaded build: it keeps a copy of the "
				  "bytecode for each thread",
				  py->version);
	for (size_t i = 0; i < LP_ARRAY_SIZE(published); i++) {
		uint64_t value;

		memcpy(&value, block + published[i].at[l->minor - 13], sizeof(value));
		if (value > max_of(published[i].name))
			return lp_err_set(err, ENOTSUP,
					  "CPython %s: its debug offset of %s makes no sense",
					  py->version, published[i].name);
		uint16_t offset = (uint16_t)value;
		memcpy((char *)l + published[i].member, &offset, sizeof(offset));
	}
	return 0;
}
