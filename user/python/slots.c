// SPDX-License-Identifier: GPL-2.0-only
/* Reads the functions behind the slots of builtin types, by which a subclass that has its own is
 * told from one that inherits.
 */
#include <errno.h>
#include <string.h>

#include "python/impl.h"

#define NO_METHODS 0xffffu

/* member = *(*(type + methods) + slot); without methods *(type + slot) */
#define AT(member)   offsetof(struct lp_py_runtime, member)
#define SLOT(member) offsetof(struct lp_py_layout, member)
static const struct slot {
	size_t at, type, methods, slot;
} slots[] = {
	{ AT(type_getattr), AT(type_type), NO_METHODS, SLOT(tp_getattro) },
	{ AT(module_getattr), AT(type_module), NO_METHODS, SLOT(tp_getattro) },
	{ AT(long_compare), AT(type_long), NO_METHODS, SLOT(tp_richcompare) },
	{ AT(float_compare), AT(type_float), NO_METHODS, SLOT(tp_richcompare) },
	{ AT(str_compare), AT(type_str), NO_METHODS, SLOT(tp_richcompare) },
	{ AT(bytes_compare), AT(type_bytes), NO_METHODS, SLOT(tp_richcompare) },
	{ AT(tuple_compare), AT(type_tuple), NO_METHODS, SLOT(tp_richcompare) },
	{ AT(list_compare), AT(type_list), NO_METHODS, SLOT(tp_richcompare) },
	{ AT(object_compare), AT(type_object), NO_METHODS, SLOT(tp_richcompare) },
	{ AT(dict_subscript), AT(type_dict), SLOT(tp_as_mapping), SLOT(mp_subscript) },
	{ AT(list_subscript), AT(type_list), SLOT(tp_as_mapping), SLOT(mp_subscript) },
	{ AT(tuple_subscript), AT(type_tuple), SLOT(tp_as_mapping), SLOT(mp_subscript) },
	{ AT(str_subscript), AT(type_str), SLOT(tp_as_mapping), SLOT(mp_subscript) },
	{ AT(bytes_subscript), AT(type_bytes), SLOT(tp_as_mapping), SLOT(mp_subscript) },
	{ AT(dict_length), AT(type_dict), SLOT(tp_as_mapping), SLOT(mp_length) },
	{ AT(list_length), AT(type_list), SLOT(tp_as_mapping), SLOT(mp_length) },
	{ AT(tuple_length), AT(type_tuple), SLOT(tp_as_mapping), SLOT(mp_length) },
	{ AT(str_length), AT(type_str), SLOT(tp_as_mapping), SLOT(mp_length) },
	{ AT(bytes_length), AT(type_bytes), SLOT(tp_as_mapping), SLOT(mp_length) },
	{ AT(set_length), AT(type_set), SLOT(tp_as_sequence), SLOT(sq_length) },
	{ AT(dict_contains), AT(type_dict), SLOT(tp_as_sequence), SLOT(sq_contains) },
	{ AT(list_contains), AT(type_list), SLOT(tp_as_sequence), SLOT(sq_contains) },
	{ AT(tuple_contains), AT(type_tuple), SLOT(tp_as_sequence), SLOT(sq_contains) },
	{ AT(set_contains), AT(type_set), SLOT(tp_as_sequence), SLOT(sq_contains) },
	{ AT(str_contains), AT(type_str), SLOT(tp_as_sequence), SLOT(sq_contains) },
	{ AT(bytes_contains), AT(type_bytes), SLOT(tp_as_sequence), SLOT(sq_contains) },
};
#undef AT
#undef SLOT

/* tp_str of the class that a variable of the interpreter points to; BaseException is the first. */
static const struct {
	size_t at;
	const char *variable;
} exceptions[] = {
	{ offsetof(struct lp_py_runtime, str_exception), "PyExc_BaseException" },
	{ offsetof(struct lp_py_runtime, str_os_error), "PyExc_OSError" },
	{ offsetof(struct lp_py_runtime, str_key_error), "PyExc_KeyError" },
	{ offsetof(struct lp_py_runtime, str_import_error), "PyExc_ImportError" },
	{ offsetof(struct lp_py_runtime, str_syntax_error), "PyExc_SyntaxError" },
	{ offsetof(struct lp_py_runtime, str_encode_error), "PyExc_UnicodeEncodeError" },
	{ offsetof(struct lp_py_runtime, str_decode_error), "PyExc_UnicodeDecodeError" },
	{ offsetof(struct lp_py_runtime, str_translate_error), "PyExc_UnicodeTranslateError" },
	{ offsetof(struct lp_py_runtime, str_group), "PyExc_BaseExceptionGroup" },
};

static bool is_code(const struct lp_python *py, uint64_t addr)
{
	lp_vec_each (&py->maps.all, m)
		if (addr >= m->start && addr < m->end)
			return m->exec;
	return false;
}

static uint16_t offset_at(const struct lp_python *py, size_t member)
{
	uint16_t offset;

	memcpy(&offset, (const char *)&py->runtime.layout + member, sizeof(offset));
	return offset;
}

static int read_slot(struct lp_python *py, const struct slot *s, uint64_t *ret)
{
	struct lp_memory *m = &py->memory.memory;
	uint64_t base;

	memcpy(&base, (char *)&py->runtime + s->type, sizeof(base));
	if (s->methods != NO_METHODS && lp_py_u64(m, base + offset_at(py, s->methods), &base) < 0)
		return -EFAULT;
	return lp_py_u64(m, base + offset_at(py, s->slot), ret);
}

/* An entry of slotdefs (Objects/typeobject.c), which is not constant; as far as it tells. */
struct slotdef {
	uint64_t name;
	int32_t offset, pad;
	uint64_t function;
};

/* slot_tp_getattr_hook has no exported symbol; slotdefs has it beside "__getattr__". */
static bool is_getattr_hook(struct lp_python *py, const uint64_t *words)
{
	struct slotdef def;

	memcpy(&def, words, sizeof(def));
	return def.offset == py->runtime.layout.tp_getattro && is_code(py, def.function) &&
	       lp_py_cstring_is(&py->memory.memory, def.name, "__getattr__");
}

#define SLOTDEF_WORDS (sizeof(struct slotdef) / sizeof(uint64_t))

static int find_in(struct lp_python *py, uint64_t at, const uint64_t *words, size_t n, void *arg)
{
	const uint16_t offset = py->runtime.layout.tp_getattro;

	(void)at, (void)arg;
	for (size_t i = 0; i + SLOTDEF_WORDS <= n; i++)
		if ((uint32_t)words[i + 1] == offset && is_getattr_hook(py, words + i)) {
			py->runtime.slot_getattr_hook = words[i + 2];
			return 1;
		}
	return 0;
}

uint64_t lp_py_class_of_variable(struct lp_python *py, const char *variable)
{
	struct lp_elf_symbol sym;
	uint64_t class = 0;

	if (!lp_symfile_find(py->symbols, variable, &sym) ||
	    lp_py_u64(&py->memory.memory, sym.addr + py->bias, &class) < 0)
		return 0;
	return class;
}

static int note_variable(const struct lp_elf_symbol *sym, void *arg)
{
	uint64_t *variables = arg;

	if (strncmp(sym->name, "PyExc_", strlen("PyExc_")))
		return 0;
	for (size_t i = 0; i < LP_ARRAY_SIZE(exceptions); i++)
		if (!strcmp(sym->name, exceptions[i].variable))
			variables[i] = sym->addr;
	return 0;
}

/* All at once: there are many symbols. */
static void read_exceptions(struct lp_python *py)
{
	struct lp_memory *m = &py->memory.memory;
	uint64_t variables[LP_ARRAY_SIZE(exceptions)] = { 0 };

	lp_symfile_each(py->symbols, note_variable, variables);
	for (size_t i = 0; i < LP_ARRAY_SIZE(exceptions); i++) {
		uint64_t class, function;

		if (!variables[i] || lp_py_u64(m, variables[i] + py->bias, &class) < 0)
			continue;
		if (i == 0)
			py->runtime.type_exception = class;
		if (lp_py_u64(m, class + py->runtime.layout.tp_str, &function) >= 0)
			memcpy((char *)&py->runtime + exceptions[i].at, &function,
			       sizeof(function));
	}
}

int lp_py_read_slots(struct lp_python *py, struct lp_err *err)
{
	read_exceptions(py);
	for (size_t i = 0; i < LP_ARRAY_SIZE(slots); i++) {
		uint64_t function;

		if (read_slot(py, &slots[i], &function) < 0 || !is_code(py, function))
			return lp_err_set(err, ENOTSUP,
					  "CPython %s: the builtin types are not laid out as in a "
					  "release build",
					  py->version);
		memcpy((char *)&py->runtime + slots[i].at, &function, sizeof(function));
	}
	int r = lp_py_each_words(py, true, SLOTDEF_WORDS - 1, find_in, NULL);
	if (!r)
		r = lp_py_each_words(py, false, SLOTDEF_WORDS - 1, find_in, NULL);
	if (r < 0)
		return lp_err_nomem(err);
	return 0;
}
