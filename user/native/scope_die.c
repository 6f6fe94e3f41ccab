// SPDX-License-Identifier: GPL-2.0-only
#include "native/scope_die.h"

#include <errno.h>
#include <stdlib.h>

#define ORIGIN_STEPS_MAX 16

bool lp_die_flag(Dwarf_Die *die, unsigned int at)
{
	Dwarf_Attribute mem;
	bool set = false;

	if (!lp_die_attr(die, at, &mem))
		return false;
	return dwarf_formflag(&mem, &set) == 0 && set;
}

bool lp_die_const(Dwarf_Die *die, unsigned int at, uint64_t *ret)
{
	Dwarf_Attribute mem;
	Dwarf_Word v;

	if (!lp_die_attr(die, at, &mem) || dwarf_formudata(&mem, &v) != 0)
		return false;
	*ret = v;
	return true;
}

bool lp_attr_number(Dwarf_Attribute *attr, int64_t *ret)
{
	Dwarf_Word u;
	Dwarf_Sword s;

	switch (dwarf_whatform(attr)) {
	case DW_FORM_sdata:
	case DW_FORM_implicit_const:
		if (dwarf_formsdata(attr, &s) != 0)
			return false;
		*ret = s;
		return true;
	case DW_FORM_udata:
	case DW_FORM_data1:
	case DW_FORM_data2:
	case DW_FORM_data4:
	case DW_FORM_data8:
		if (dwarf_formudata(attr, &u) != 0)
			return false;
		*ret = (int64_t)u;
		return true;
	default:
		return false;
	}
}

bool lp_die_ref(Dwarf_Die *die, unsigned int at, Dwarf_Die *ret)
{
	Dwarf_Attribute mem;

	return dwarf_attr(die, at, &mem) && dwarf_formref_die(&mem, ret);
}

void lp_die_origin(Dwarf_Die *die, Dwarf_Die *ret)
{
	Dwarf_Die at = *die, to;

	for (int i = 0; i < ORIGIN_STEPS_MAX; i++) {
		if (!lp_die_ref(&at, DW_AT_abstract_origin, &to) &&
		    !lp_die_ref(&at, DW_AT_specification, &to))
			break;
		at = to;
	}
	*ret = at;
}

bool lp_die_has_location(Dwarf_Die *die)
{
	return lp_die_attr(die, DW_AT_location, &(Dwarf_Attribute){ 0 }) ||
	       lp_die_attr(die, DW_AT_const_value, &(Dwarf_Attribute){ 0 });
}

/* Assigned after DWARF 5: https://dwarfstd.org/languages.html */
#define LANG_CXX_17 0x2a
#define LANG_CXX_20 0x2b
#define LANG_C17    0x2c
#define LANG_CXX_23 0x3a
#define LANG_C23    0x3e

int lp_die_lang(Dwarf_Die *die)
{
	Dwarf_Die unit;

	if (!dwarf_diecu(die, &unit, NULL, NULL))
		return 0;

	int lang = dwarf_srclang(&unit);
	return lang < 0 ? 0 : lang;
}

bool lp_tag_is_scope(int tag)
{
	switch (tag) {
	case DW_TAG_namespace:
	case DW_TAG_module:
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
	case DW_TAG_interface_type:
		return true;
	}
	return false;
}

bool lp_lang_is_c(int lang)
{
	return lang == DW_LANG_C || lang == DW_LANG_C89 || lang == DW_LANG_C99 ||
	       lang == DW_LANG_C11 || lang == LANG_C17 || lang == LANG_C23 ||
	       lang == DW_LANG_ObjC || lang == DW_LANG_Mips_Assembler;
}

bool lp_lang_is_cxx(int lang)
{
	return lang == DW_LANG_C_plus_plus || lang == DW_LANG_C_plus_plus_03 ||
	       lang == DW_LANG_C_plus_plus_11 || lang == DW_LANG_C_plus_plus_14 ||
	       lang == LANG_CXX_17 || lang == LANG_CXX_20 || lang == LANG_CXX_23 ||
	       lang == DW_LANG_ObjC_plus_plus;
}

static size_t slot_of(const struct lp_ptrmap *m, const void *key)
{
	size_t i = (size_t)(((uintptr_t)key * 0x9e3779b97f4a7c15ull) >> 20) & (m->cap - 1);

	while (m->keys[i] && m->keys[i] != key)
		i = (i + 1) & (m->cap - 1);
	return i;
}

void *lp_ptrmap_get(const struct lp_ptrmap *m, const void *key)
{
	return m->cap ? m->values[slot_of(m, key)] : NULL;
}

static int grow(struct lp_ptrmap *m)
{
	struct lp_ptrmap bigger = { .cap = m->cap ? m->cap * 2 : 64, .len = m->len };

	bigger.keys = calloc(bigger.cap, sizeof(*bigger.keys));
	bigger.values = calloc(bigger.cap, sizeof(*bigger.values));
	if (!bigger.keys || !bigger.values) {
		lp_ptrmap_done(&bigger);
		return -ENOMEM;
	}
	for (size_t i = 0; i < m->cap; i++) {
		if (!m->keys[i])
			continue;
		size_t at = slot_of(&bigger, m->keys[i]);
		bigger.keys[at] = m->keys[i];
		bigger.values[at] = m->values[i];
	}
	lp_ptrmap_done(m);
	*m = bigger;
	return 0;
}

int lp_ptrmap_put(struct lp_ptrmap *m, const void *key, void *value)
{
	if (m->len * 4 >= m->cap * 3 && grow(m) < 0)
		return -ENOMEM;

	size_t at = slot_of(m, key);
	if (!m->keys[at])
		m->len++;
	m->keys[at] = key;
	m->values[at] = value;
	return 0;
}

void lp_ptrmap_done(struct lp_ptrmap *m)
{
	free(m->keys);
	free(m->values);
	*m = (struct lp_ptrmap){ 0 };
}
