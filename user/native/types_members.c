// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "base/vec.h"
#include "native/types_impl.h"

#define MEMBERS_MAX    65536
#define DIMENSIONS_MAX 16

struct members {
	LP_VEC(struct lp_member) list;
};

/* Of a bit field, where it begins; DWARF 4's DW_AT_bit_offset counts from the most significant
 * bit of the unit of DW_AT_byte_size bytes at `start`.
 */
static bool bit_field(Dwarf_Die *die, uint64_t start, const struct lp_type *type, uint64_t width,
		      uint64_t *ret)
{
	uint64_t v, unit = type->size;

	if (lp_die_const(die, DW_AT_data_bit_offset, ret))
		return true;
	lp_die_const(die, DW_AT_byte_size, &unit);
	if (!lp_die_const(die, DW_AT_bit_offset, &v)) {
		*ret = start * 8;
		return true;
	}
	if (unit > 16 || v > unit * 8 || width > unit * 8 - v)
		return false;
	*ret = start * 8 + unit * 8 - v - width;
	return true;
}

/* DW_AT_data_member_location: a number, or the expression "plus_uconst N" of DWARF 2. False: only
 * known at run time.
 */
static bool member_start(Dwarf_Die *die, uint64_t *ret)
{
	Dwarf_Attribute mem;
	Dwarf_Op *ops;
	size_t n;
	int64_t number;

	*ret = 0;
	if (!lp_die_attr(die, DW_AT_data_member_location, &mem))
		return true;
	if (lp_attr_number(&mem, &number)) {
		*ret = (uint64_t)number;
		return number >= 0;
	}
	if (dwarf_getlocation(&mem, &ops, &n) != 0 || n != 1)
		return false;
	*ret = ops[0].number;
	return ops[0].atom == DW_OP_plus_uconst || ops[0].atom == DW_OP_constu;
}

static bool read_member(struct lp_types *ts, Dwarf_Die *die, struct lp_member *ret)
{
	uint64_t start, width = 0;
	bool is_base = dwarf_tag(die) == DW_TAG_inheritance, known = member_start(die, &start);

	*ret = (struct lp_member){
		.name = is_base ? NULL : dwarf_diename(die),
		.type = lp_types_of_var(ts, die),
		.is_base = is_base,
		.is_virtual = !known || (is_base && lp_die_flag(die, DW_AT_virtuality)),
		.is_artificial = lp_die_flag(die, DW_AT_artificial),
	};
	if (!ret->type || start > UINT32_MAX)
		return false;
	/* as libstdc++ and gcc name what has no name in the source */
	if (ret->name && !strncmp(ret->name, "_vptr", 5))
		ret->is_artificial = true;
	ret->bit_offset = start * 8;
	if (!lp_die_const(die, DW_AT_bit_size, &width) || width == 0)
		return true;
	if (width > 128 || !bit_field(die, start, ret->type, width, &ret->bit_offset))
		return false;
	ret->bit_size = (uint32_t)width;
	return true;
}

/* A static member has its place elsewhere. */
static bool is_member(Dwarf_Die *die)
{
	switch (dwarf_tag(die)) {
	case DW_TAG_inheritance:
		return true;
	case DW_TAG_member:
		return !dwarf_hasattr(die, DW_AT_external) &&
		       !dwarf_hasattr(die, DW_AT_declaration);
	default:
		return false;
	}
}

static int read_members(struct lp_type_node *n, struct lp_err *err)
{
	LP_VEC(struct lp_member) list = { 0 };
	struct lp_member m;
	Dwarf_Die c;
	int r = 0;

	for (bool ok = lp_die_first(&n->die, &c); ok && list.len < MEMBERS_MAX && r == 0;
	     ok = lp_die_next(&c))
		if (is_member(&c) && read_member(n->types, &c, &m))
			r = lp_vec_push(&list, m);
	if (r == 0 && list.len) {
		n->t.members =
			lp_arena_dup(&n->types->arena, list.data, list.len * sizeof(*list.data));
		r = n->t.members ? 0 : -ENOMEM;
	}
	if (r == 0)
		n->t.n_members = list.len;
	lp_vec_done(&list);
	return r < 0 ? lp_err_nomem(err) : 0;
}

static int complete_struct(struct lp_type *t, struct lp_err *err)
{
	struct lp_type_node *n = t->provider;
	int r = read_members(n, err);

	t->complete = r == 0;
	return r;
}

/* The definition of what this unit only declares, by its name. */
static const struct lp_type *definition_of(struct lp_type_node *n)
{
	struct lp_types *ts = n->types;
	const char *name = dwarf_diename(&n->die);
	Dwarf_Die die;

	if (!name || !ts->names)
		return NULL;

	const char *scope = lp_names_scope(ts->names, &n->die);
	if (scope[0])
		name = lp_arena_fmt(&ts->arena, "%s::%s", scope, name);
	if (!name || !lp_names_anywhere(ts->names, name, strlen(name), LP_NAME_TAG, &die))
		return NULL;

	const struct lp_type *def = lp_types_of(ts, &die);
	return def && def->kind == n->t.kind && def != &n->t ? def : NULL;
}

static int complete_declared(struct lp_type *t, struct lp_err *err)
{
	struct lp_type_node *n = t->provider;
	const struct lp_type *def = definition_of(n);

	if (!def || dwarf_hasattr(&((struct lp_type_node *)def->provider)->die, DW_AT_declaration))
		return lp_err_set(err, ENOENT, "'%s' is only declared, its members are not known",
				  t->name);

	int r = lp_type_complete(def, err);
	if (r < 0)
		return r;
	t->size = def->size;
	t->is_signed = def->is_signed;
	t->is_flags = def->is_flags;
	t->members = def->members;
	t->n_members = def->n_members;
	t->enumerators = def->enumerators;
	t->n_enumerators = def->n_enumerators;
	t->complete = true;
	return 0;
}

void lp_types_make_struct(struct lp_type_node *n)
{
	bool is_union = dwarf_tag(&n->die) == DW_TAG_union_type;

	n->t.kind = is_union ? LP_TYPE_UNION : LP_TYPE_STRUCT;
	n->t.complete = false;
	n->t.name = lp_types_qualified(n, is_union ? "union" : "struct");
	lp_die_const(&n->die, DW_AT_byte_size, &n->t.size);
	n->t.make_complete =
		dwarf_hasattr(&n->die, DW_AT_declaration) ? complete_declared : complete_struct;
}

static bool is_flag(uint64_t v, uint64_t bits)
{
	return (v & (v - 1)) == 0 || (v & ~bits) == 0;
}

/* Single bits, and masks of them; 0, 1, 2 in a row is more likely a numbering. */
static bool looks_like_flags(const struct lp_enumerator *e, size_t n)
{
	uint64_t bits = 0, max = 0;
	size_t singles = 0;
	bool zero = false;

	for (size_t i = 0; i < n; i++) {
		uint64_t v = (uint64_t)e[i].value;
		if (e[i].value < 0)
			return false;
		zero |= v == 0;
		max = v > max ? v : max;
		if (v && (v & (v - 1)) == 0 && !(bits & v)) {
			bits |= v;
			singles++;
		}
	}
	for (size_t i = 0; i < n; i++)
		if (!is_flag((uint64_t)e[i].value, bits))
			return false;
	return singles >= 2 && (max > 2 || !zero);
}

static int complete_enum(struct lp_type *t, struct lp_err *err)
{
	struct lp_type_node *n = t->provider;
	LP_VEC(struct lp_enumerator) list = { 0 };
	Dwarf_Attribute mem;
	Dwarf_Die c;
	int r = 0;

	for (bool ok = lp_die_first(&n->die, &c); ok && list.len < MEMBERS_MAX && r == 0;
	     ok = lp_die_next(&c)) {
		struct lp_enumerator e = { .name = dwarf_diename(&c) };
		if (dwarf_tag(&c) != DW_TAG_enumerator || !e.name ||
		    !dwarf_attr(&c, DW_AT_const_value, &mem) || !lp_attr_number(&mem, &e.value))
			continue;
		r = lp_vec_push(&list, e);
	}
	if (r == 0 && list.len) {
		t->enumerators =
			lp_arena_dup(&n->types->arena, list.data, list.len * sizeof(*list.data));
		r = t->enumerators ? 0 : -ENOMEM;
	}
	if (r == 0) {
		t->n_enumerators = list.len;
		t->is_flags = looks_like_flags(list.data, list.len);
		t->complete = true;
	}
	lp_vec_done(&list);
	return r < 0 ? lp_err_nomem(err) : 0;
}

/* From the underlying type where the enum names one, else from the values. */
static bool enum_is_signed(struct lp_type_node *n)
{
	Dwarf_Attribute mem;
	Dwarf_Die c, under;
	uint64_t encoding;
	int64_t v;

	if (lp_die_const(&n->die, DW_AT_encoding, &encoding))
		return encoding == DW_ATE_signed || encoding == DW_ATE_signed_char;
	if (lp_die_ref(&n->die, DW_AT_type, &under)) {
		const struct lp_type *t = lp_types_of(n->types, &under);
		return t && lp_type_strip(t)->is_signed;
	}
	for (bool ok = lp_die_first(&n->die, &c); ok; ok = lp_die_next(&c))
		if (dwarf_attr(&c, DW_AT_const_value, &mem) && lp_attr_number(&mem, &v) && v < 0)
			return true;
	return false;
}

void lp_types_make_enum(struct lp_type_node *n)
{
	n->t.kind = LP_TYPE_ENUM;
	n->t.complete = false;
	n->t.name = lp_types_qualified(n, "enum");
	n->t.is_signed = enum_is_signed(n);
	lp_die_const(&n->die, DW_AT_byte_size, &n->t.size);
	n->t.make_complete =
		dwarf_hasattr(&n->die, DW_AT_declaration) ? complete_declared : complete_enum;
}

/* Elements of one dimension; unknown where a bound is missing or only known at run time. */
static uint64_t dimension(Dwarf_Die *sub, int lang)
{
	Dwarf_Attribute mem;
	int64_t lower = 0, upper;
	Dwarf_Sword def;

	if (dwarf_attr(sub, DW_AT_count, &mem))
		return lp_attr_number(&mem, &upper) && upper >= 0 ? (uint64_t)upper
								  : LP_TYPE_COUNT_UNKNOWN;
	if (!dwarf_attr(sub, DW_AT_upper_bound, &mem))
		return LP_TYPE_COUNT_UNKNOWN;
	/* "-1" of int a[0] comes as the largest number of its form, too */
	if (!lp_attr_number(&mem, &upper))
		return LP_TYPE_COUNT_UNKNOWN;
	if (dwarf_whatform(&mem) == DW_FORM_data4 && (uint64_t)upper == UINT32_MAX)
		upper = -1;
	if (dwarf_attr(sub, DW_AT_lower_bound, &mem)) {
		if (!lp_attr_number(&mem, &lower))
			return LP_TYPE_COUNT_UNKNOWN;
	} else if (dwarf_default_lower_bound(lang, &def) == 0) {
		lower = def;
	}
	if (upper < lower)
		return 0;
	return (uint64_t)upper - (uint64_t)lower + 1;
}

/* Makes n an array of t; the name gets this dimension before those of t. */
static bool make_dimension(struct lp_type_node *n, const struct lp_type *t, uint64_t count)
{
	const struct lp_type_node *inner = t->provider;
	bool suffix = inner && inner->declarator;
	size_t at = suffix ? inner->declarator : strlen(t->name);
	struct lp_arena *a = &n->types->arena;

	n->t.kind = LP_TYPE_ARRAY;
	n->t.target = t;
	n->t.count = count;
	if (count != LP_TYPE_COUNT_UNKNOWN && __builtin_mul_overflow(count, t->size, &n->t.size)) {
		n->t.count = LP_TYPE_COUNT_UNKNOWN;
		n->t.size = 0;
	}

	const char *space = suffix || (at && t->name[at - 1] == '*') ? "" : " ";
	n->declarator = at + strlen(space);
	const char *name =
		n->t.count == LP_TYPE_COUNT_UNKNOWN
			? lp_arena_fmt(a, "%.*s%s[]%s", (int)at, t->name, space, t->name + at)
			: lp_arena_fmt(a, "%.*s%s[%llu]%s", (int)at, t->name, space,
				       (unsigned long long)n->t.count, t->name + at);
	n->t.name = name;
	return name;
}

void lp_types_make_array(struct lp_type_node *n)
{
	const struct lp_type *t = lp_types_of_var(n->types, &n->die);
	uint64_t counts[DIMENSIONS_MAX], stride;
	int dims = 0, lang = lp_die_lang(&n->die);
	Dwarf_Die c;

	if (!t)
		return;
	for (bool ok = lp_die_first(&n->die, &c); ok && dims < DIMENSIONS_MAX; ok = lp_die_next(&c))
		if (dwarf_tag(&c) == DW_TAG_subrange_type)
			counts[dims++] = dimension(&c, lang);
	if (dims == 0)
		counts[dims++] = LP_TYPE_COUNT_UNKNOWN;
	/* elements that do not lie side by side are nothing that C has */
	if (lp_die_const(&n->die, DW_AT_byte_stride, &stride) && stride != t->size) {
		n->t.kind = LP_TYPE_UNKNOWN;
		n->t.name = "?";
		return;
	}
	for (int i = dims - 1; i > 0; i--) {
		struct lp_type_node *row = lp_types_node(n->types);
		if (!row || !make_dimension(row, t, counts[i]))
			return;
		t = &row->t;
	}
	make_dimension(n, t, counts[0]);
}
