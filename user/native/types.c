// SPDX-License-Identifier: GPL-2.0-only
#include "native/types.h"
#include "native/types_impl.h"

#include <string.h>

#define DEPTH_MAX 128 /* of types in types that are not members */

static const struct lp_type unknown = {
	.kind = LP_TYPE_UNKNOWN,
	.complete = true,
	.name = "?",
};

struct lp_types *lp_types_get(struct lp_module *m)
{
	if (m->types)
		return m->types;

	struct lp_types *ts = calloc(1, sizeof(*ts));
	if (!ts)
		return NULL;
	ts->dwarf = lp_module_dwarf(m);
	if (ts->dwarf && !(ts->names = lp_names_new(m))) {
		free(ts);
		return NULL;
	}
	m->types = ts;
	return ts;
}

void lp_types_free(struct lp_types *ts)
{
	if (!ts)
		return;
	lp_names_free(ts->names);
	lp_ptrmap_done(&ts->by_die);
	lp_ptrmap_done(&ts->pointers);
	lp_arena_done(&ts->arena);
	free(ts);
}

struct lp_names *lp_types_names(struct lp_types *ts)
{
	return ts->names;
}

struct lp_type_node *lp_types_node(struct lp_types *ts)
{
	struct lp_type_node *n = lp_arena_new(&ts->arena, struct lp_type_node);

	if (n) {
		n->types = ts;
		n->t.complete = true;
		n->t.provider = n;
	}
	return n;
}

bool lp_types_die(const struct lp_type *t, Dwarf_Die *ret)
{
	const struct lp_type_node *n = t->provider;

	if (!n || !n->die.addr)
		return false;
	*ret = n->die;
	return true;
}

/* Where a declarator goes into a name: "int (*)[4]", "void (*)(int)"; elsewhere at its end. */
static size_t declarator_at(const struct lp_type *t)
{
	const struct lp_type_node *n = t->provider;

	return n && n->declarator ? n->declarator : strlen(t->name);
}

static const char *decorate(struct lp_types *ts, struct lp_type_node *n, const struct lp_type *t,
			    const char *mark)
{
	size_t at = declarator_at(t), len = strlen(t->name);
	bool suffix = at < len;
	bool nested = suffix && t->name[at] == ')';
	char last = at ? t->name[at - 1] : ' ';
	const char *space = last == '*' || last == '&' || last == ' ' || last == '(' ? "" : " ";

	if (nested || !suffix) {
		n->declarator = suffix ? at + strlen(mark) : 0;
		return lp_arena_fmt(&ts->arena, "%.*s%s%s%s", (int)at, t->name, space, mark,
				    t->name + at);
	}
	n->declarator = at + 1 + strlen(mark);
	return lp_arena_fmt(&ts->arena, "%.*s(%s)%s", (int)at, t->name, mark, t->name + at);
}

/* The type of a DIE's DW_AT_type, NULL for void. */
static const struct lp_type *target_of(struct lp_type_node *n)
{
	const struct lp_type *t = lp_types_of_var(n->types, &n->die);

	return t ? t : &unknown;
}

static void make_base(struct lp_type_node *n)
{
	uint64_t encoding = 0, size = 0;
	const char *name = dwarf_diename(&n->die);

	lp_die_const(&n->die, DW_AT_encoding, &encoding);
	lp_die_const(&n->die, DW_AT_byte_size, &size);
	lp_types_make_base(n, name ? name : "?", (unsigned int)encoding, size);
}

static void make_pointer(struct lp_type_node *n)
{
	static const struct {
		unsigned int tag;
		enum lp_type_kind kind;
		const char *mark;
	} kinds[] = {
		{ DW_TAG_pointer_type, LP_TYPE_POINTER, "*" },
		{ DW_TAG_reference_type, LP_TYPE_REFERENCE, "&" },
		{ DW_TAG_rvalue_reference_type, LP_TYPE_REFERENCE, "&&" },
	};
	uint64_t size = 8;

	n->t.target = target_of(n);
	lp_die_const(&n->die, DW_AT_byte_size, &size);
	for (size_t i = 0; i < LP_ARRAY_SIZE(kinds); i++) {
		if (kinds[i].tag != (unsigned int)dwarf_tag(&n->die))
			continue;
		n->t.kind = kinds[i].kind;
		n->t.name = decorate(n->types, n, n->t.target, kinds[i].mark);
	}
	n->t.size = size;
	if (size != 8)
		n->t.kind = LP_TYPE_UNKNOWN;
}

static void make_member_pointer(struct lp_type_node *n)
{
	Dwarf_Die cls;
	const struct lp_type *of = NULL;

	n->t.kind = LP_TYPE_MEMBER_POINTER;
	n->t.target = target_of(n);
	/* a data member is an offset; a method is an address and an adjustment of `this` */
	n->t.size = lp_type_strip(n->t.target)->kind == LP_TYPE_FUNCTION ? 16 : 8;
	if (lp_die_ref(&n->die, DW_AT_containing_type, &cls))
		of = lp_types_of(n->types, &cls);

	const char *mark = lp_arena_fmt(&n->types->arena, "%s::*", of ? of->name : "?");
	if (mark)
		n->t.name = decorate(n->types, n, n->t.target, mark);
}

static void make_named(struct lp_type_node *n)
{
	n->t.kind = LP_TYPE_TYPEDEF;
	n->t.target = target_of(n);
	n->t.size = n->t.target->size;
	n->t.name = lp_types_qualified(n, NULL);
}

static void make_qualified(struct lp_type_node *n)
{
	static const struct {
		unsigned int tag;
		const char *word;
	} words[] = {
		{ DW_TAG_const_type, "const" },
		{ DW_TAG_volatile_type, "volatile" },
		{ DW_TAG_restrict_type, "restrict" },
		{ DW_TAG_atomic_type, "_Atomic" },
	};
	const char *word = "";

	for (size_t i = 0; i < LP_ARRAY_SIZE(words); i++)
		if (words[i].tag == (unsigned int)dwarf_tag(&n->die))
			word = words[i].word;

	const struct lp_type *of = n->t.target = target_of(n);
	size_t at = declarator_at(of);
	n->t.kind = LP_TYPE_TYPEDEF;
	n->t.size = of->size;
	/* what a pointer is itself stands behind its star */
	if (at > 0 && (of->name[at - 1] == '*' || of->name[at - 1] == '&')) {
		n->t.name = lp_arena_fmt(&n->types->arena, "%.*s%s%s", (int)at, of->name, word,
					 of->name + at);
		n->declarator = of->name[at] ? at + strlen(word) : 0;
		return;
	}
	const struct lp_type_node *inner = of->provider;
	n->t.name = lp_arena_fmt(&n->types->arena, "%s %s", word, of->name);
	n->declarator = inner && inner->declarator ? inner->declarator + strlen(word) + 1 : 0;
}

static void make_function(struct lp_type_node *n)
{
	const struct lp_type *result = target_of(n);
	size_t at = declarator_at(result), count = 0;
	const char *args = "";
	Dwarf_Die c;

	n->t.kind = LP_TYPE_FUNCTION;
	n->t.target = result;
	for (bool ok = lp_die_first(&n->die, &c); ok && args; ok = lp_die_next(&c)) {
		int tag = dwarf_tag(&c);
		if (tag != DW_TAG_formal_parameter && tag != DW_TAG_unspecified_parameters)
			continue;
		if (++count > 32) /* a name is for people */
			break;
		const struct lp_type *t = lp_types_of_var(n->types, &c);
		args = lp_arena_fmt(&n->types->arena, "%s%s%s", args, count > 1 ? ", " : "",
				    tag == DW_TAG_unspecified_parameters ? "..."
				    : t					 ? t->name
									 : "?");
	}
	if (!args)
		return;
	n->declarator = at + 1;
	n->t.name = lp_arena_fmt(&n->types->arena, "%.*s (%s)%s", (int)at, result->name,
				 count || !dwarf_hasattr(&n->die, DW_AT_prototyped) ? args : "void",
				 result->name + at);
}

static void make_unspecified(struct lp_type_node *n)
{
	const char *name = dwarf_diename(&n->die);

	n->t.name = name ? name : "void";
	n->t.kind = LP_TYPE_VOID;
	if (name && strstr(name, "nullptr")) {
		n->t.kind = LP_TYPE_POINTER;
		n->t.target = &lp_type_void;
		n->t.size = 8;
		n->t.name = "std::nullptr_t";
	}
}

static void make_unknown(struct lp_type_node *n)
{
	const char *name = dwarf_diename(&n->die);

	n->t.kind = LP_TYPE_UNKNOWN;
	n->t.name = name ? name : "?";
	lp_die_const(&n->die, DW_AT_byte_size, &n->t.size);
}

static const struct {
	unsigned int tag;
	void (*make)(struct lp_type_node *n);
} makers[] = {
	{ DW_TAG_base_type, make_base },
	{ DW_TAG_pointer_type, make_pointer },
	{ DW_TAG_reference_type, make_pointer },
	{ DW_TAG_rvalue_reference_type, make_pointer },
	{ DW_TAG_ptr_to_member_type, make_member_pointer },
	{ DW_TAG_array_type, lp_types_make_array },
	{ DW_TAG_structure_type, lp_types_make_struct },
	{ DW_TAG_class_type, lp_types_make_struct },
	{ DW_TAG_union_type, lp_types_make_struct },
	{ DW_TAG_enumeration_type, lp_types_make_enum },
	{ DW_TAG_typedef, make_named },
	{ DW_TAG_template_alias, make_named },
	{ DW_TAG_const_type, make_qualified },
	{ DW_TAG_volatile_type, make_qualified },
	{ DW_TAG_restrict_type, make_qualified },
	{ DW_TAG_atomic_type, make_qualified },
	{ DW_TAG_subroutine_type, make_function },
	{ DW_TAG_subprogram, make_function },
	{ DW_TAG_unspecified_type, make_unspecified },
};

static struct lp_type_node *make(struct lp_types *ts, Dwarf_Die *die)
{
	void (*fn)(struct lp_type_node * n) = make_unknown;
	struct lp_type_node *n = lp_types_node(ts);

	if (!n || lp_ptrmap_put(&ts->by_die, die->addr, n) < 0)
		return NULL;
	n->die = *die;
	for (size_t i = 0; i < LP_ARRAY_SIZE(makers); i++)
		if (makers[i].tag == (unsigned int)dwarf_tag(die))
			fn = makers[i].make;

	ts->depth++;
	fn(n);
	ts->depth--;
	return n->t.name ? n : NULL;
}

const struct lp_type *lp_types_of(struct lp_types *ts, Dwarf_Die *die)
{
	struct lp_type_node *n = lp_ptrmap_get(&ts->by_die, die->addr);
	Dwarf_Die unit_type;

	if (n) /* without a name it is being made: a type that consists of itself */
		return n->t.name ? &n->t : &unknown;
	if (ts->depth >= DEPTH_MAX)
		return &unknown;
	/* a type unit of its own holds the definition */
	if (dwarf_hasattr(die, DW_AT_signature) && lp_die_ref(die, DW_AT_signature, &unit_type) &&
	    unit_type.addr != die->addr) {
		ts->depth++;
		const struct lp_type *t = lp_types_of(ts, &unit_type);
		ts->depth--;
		return t;
	}

	n = make(ts, die);
	return n ? &n->t : NULL;
}

const struct lp_type *lp_types_of_var(struct lp_types *ts, Dwarf_Die *die)
{
	Dwarf_Attribute mem;
	Dwarf_Die type;

	if (!lp_die_attr(die, DW_AT_type, &mem))
		return &lp_type_void;
	if (!dwarf_formref_die(&mem, &type))
		return &unknown;
	return lp_types_of(ts, &type);
}

const struct lp_type *lp_types_pointer_to(struct lp_types *ts, const struct lp_type *t)
{
	struct lp_type_node *n = lp_ptrmap_get(&ts->pointers, t);

	if (n)
		return &n->t;
	n = lp_types_node(ts);
	if (!n)
		return NULL;
	n->t.kind = LP_TYPE_POINTER;
	n->t.target = t;
	n->t.size = 8;
	n->t.name = decorate(ts, n, t, "*");
	if (!n->t.name || lp_ptrmap_put(&ts->pointers, t, n) < 0)
		return NULL;
	return &n->t;
}
