// SPDX-License-Identifier: GPL-2.0-only
/* Attributes of live instances, by name. */
#include <errno.h>
#include <string.h>

#include "python/stacks_impl.h"
#include "python/value_impl.h"

#define ATTRIBUTES_MAX 256 /* of one object */
#define NAME_CHARS     256

int lp_py_attributes(struct lp_python *py, uint64_t object, const char *const *names, size_t n,
		     uint64_t *ret)
{
	struct lp_memory *m = &py->memory.memory;
	lp_auto(lp_arena_done) struct lp_arena arena = { 0 };

	if (!py->types)
		py->types = lp_py_types_new();
	const struct lp_py_reader reader = { .memory = m,
					     .live = m,
					     .arena = &arena,
					     .runtime = &py->runtime,
					     .types = py->types,
					     .max_items = ATTRIBUTES_MAX };
	struct lp_pv p = { .r = &reader, .l = &py->runtime.layout, .types = py->types };
	struct lp_pv_fields fields = { 0 };
	uint64_t type;

	memset(ret, 0, n * sizeof(*ret));
	if (!py->types)
		return -ENOMEM;
	if (lp_py_type(m, p.l, object, &type) < 0)
		return -EFAULT;
	lp_pv_types_trim(py->types);

	struct lp_pv_class *c = lp_pv_class(&p, type);
	int r = c ? lp_pv_fields(&p, object, c, &fields) : -EFAULT;
	lp_vec_each (&fields, f)
		for (size_t i = 0; i < n; i++)
			if (!strcmp(f->name, names[i]))
				ret[i] = f->value;
	lp_vec_done(&fields);
	return r < 0 ? r : 0;
}

const char *lp_py_name_of(struct lp_python *py, uint64_t object, struct lp_arena *arena)
{
	struct lp_memory *m = &py->memory.memory;
	const struct lp_py_layout *l = &py->runtime.layout;
	lp_auto(lp_buf_done) struct lp_buf text = { 0 };
	int64_t number;

	if (!object)
		return NULL;
	if (lp_py_int(m, l, object, &number) == 0)
		return lp_arena_fmt(arena, "Task-%lld", (long long)number);

	int r = lp_py_text(m, l, object, NAME_CHARS, &text);
	if (r == -E2BIG)
		return "...";
	return r < 0 ? NULL : lp_arena_strndup(arena, text.data ? text.data : "", text.len);
}

void lp_py_type_name(struct lp_memory *m, const struct lp_py_layout *l, uint64_t object,
		     char ret[64])
{
	uint64_t type, name;
	int cut;

	long n = lp_py_type(m, l, object, &type) < 0 || lp_py_u64(m, type + l->tp_name, &name) < 0
			 ? 0
			 : m->read_string(m, name, ret, 63, &cut);
	ret[n > 0 ? n : 0] = '\0';
}

bool lp_py_is_made_from(struct lp_memory *m, const struct lp_py_layout *l, uint64_t object,
			uint64_t base)
{
	uint64_t type = 0;

	if (!base || lp_py_type(m, l, object, &type) < 0)
		return false;
	for (int i = 0; type && type != base && i < LP_PY_BASES_MAX; i++)
		if (lp_py_u64(m, type + l->tp_base, &type) < 0)
			return false;
	return type == base;
}
