// SPDX-License-Identifier: GPL-2.0-only
/* What the kernel side's attribute look-ups need: the namespaces of the builtin types, which from 3.12 on
 * lie in the interpreter's state (Include/internal/pycore_typeobject.h), and the hashes of the names
 * that change what an operation means.
 */
#include <string.h>

#include "python/impl.h"

#define STATE_MAX (1u << 20) /* bytes of an interpreter's state that are looked at */
#define PAGE	  4096u

/* { type, two or three ints, tp_dict, ... }, by version */
static const struct {
	int minor;
	uint32_t size, dict;
} states[] = {
	{ 12, 40, 16 },
	{ 13, 48, 24 },
	{ 14, 48, 24 },
};

/* The number of a static builtin type, from 0 on: its tp_subclasses less 1. */
static int number_of(struct lp_python *py, uint64_t type, uint64_t *ret)
{
	int r = lp_py_u64(&py->memory.memory, type + py->runtime.layout.tp_subclasses, ret);

	return r < 0 || !*ret || *ret > 512 ? -1 : (*ret -= 1, 0);
}

/* Does the state of that number say that it is the type's, and does its dict look like one? */
static bool is_state(struct lp_python *py, uint64_t base, uint64_t type)
{
	struct lp_memory *m = &py->memory.memory;
	uint64_t number, of, dict;

	if (number_of(py, type, &number) < 0)
		return false;
	uint64_t state = base + number * py->runtime.static_type_size;
	return lp_py_u64(m, state, &of) >= 0 && of == type &&
	       lp_py_u64(m, state + py->runtime.static_type_dict, &dict) >= 0 &&
	       lp_py_is(m, &py->runtime.layout, dict, py->runtime.type_dict);
}

/* Looks for `object` as the first word of its state; others have to be where that puts them. */
static void find_states(struct lp_python *py)
{
	struct lp_py_runtime *rt = &py->runtime;
	struct lp_memory *m = &py->memory.memory;
	uint64_t interp, number, words[PAGE / 8];

	if (lp_py_main_interpreter(py, &interp) < 0 || number_of(py, rt->type_object, &number) < 0)
		return;
	for (uint64_t at = interp; at < interp + STATE_MAX; at += sizeof(words)) {
		if (m->read(m, at, words, sizeof(words)) < 0)
			return;
		for (size_t i = 0; i < LP_ARRAY_SIZE(words); i++) {
			uint64_t base = at + i * 8 - number * rt->static_type_size;

			if (words[i] == rt->type_object && is_state(py, base, rt->type_object) &&
			    is_state(py, base, rt->type_long) && is_state(py, base, rt->type_str)) {
				rt->static_types = base;
				return;
			}
		}
	}
}

static void hash_names(struct lp_python *py)
{
	struct lp_py_runtime *rt = &py->runtime;
	const struct {
		const char *name;
		__u64 *ret;
	} names[] = {
		{ "__class__", &rt->hash_class },
		{ "__getattribute__", &rt->hash_getattribute },
		{ "__getattr__", &rt->hash_getattr },
		{ "__asyncio_running_event_loop__", &rt->hash_running_loop },
		{ "__missing__", &rt->hash_missing },
		{ "__getitem__", &rt->hash_getitem },
		{ "__contains__", &rt->hash_contains },
		{ "__instancecheck__", &rt->hash_instancecheck },
	};

	for (size_t i = 0; i < LP_ARRAY_SIZE(names); i++)
		*names[i].ret = lp_python_hash(py, names[i].name, strlen(names[i].name), false);
}

void lp_py_find_statics(struct lp_python *py)
{
	hash_names(py);
	for (size_t i = 0; i < LP_ARRAY_SIZE(states); i++)
		if (states[i].minor == py->runtime.layout.minor) {
			py->runtime.static_type_size = states[i].size;
			py->runtime.static_type_dict = states[i].dict;
			find_states(py);
		}
}
