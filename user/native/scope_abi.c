// SPDX-License-Identifier: GPL-2.0-only
#include "native/scope_abi.h"

#include <string.h>

#include "native/scope_die.h"

#define DEPTH_MAX    16
#define ELEMENTS_MAX 16 /* no more fit into two eightbytes */

enum class {
	CLASS_NONE,
	CLASS_INTEGER,
	CLASS_SSE,
	CLASS_X87,
	CLASS_MEMORY,
	CLASS_REFERENCE, /* the address of a temporary */
	CLASS_UNKNOWN,
};

struct classes {
	enum class whole; /* MEMORY, REFERENCE, UNKNOWN, X87; else each eightbyte's counts */
	enum class eight[2];
	bool aligned16;
};

static void merge(struct classes *c, uint64_t offset, enum class k)
{
	enum class *e = &c->eight[offset / 8];

	if (*e == CLASS_NONE || k == CLASS_INTEGER)
		*e = k;
}

/* A class with a destructor or copying of its own is handed over by address. */
static bool is_own_copy(Dwarf_Die *child, const char *cls)
{
	const char *name = dwarf_diename(child);
	uint64_t defaulted = 0;
	Dwarf_Die c;
	int params = 0;
	bool by_reference = false;

	if (dwarf_tag(child) != DW_TAG_subprogram || !name)
		return false;
	if (lp_die_const(child, DW_AT_virtuality, &defaulted) && defaulted)
		return true;
	defaulted = 0;
	if (lp_die_const(child, DW_AT_defaulted, &defaulted) && defaulted == DW_DEFAULTED_in_class)
		return false;
	if (name[0] == '~')
		return true;
	if (!cls || strcmp(name, cls) != 0)
		return false;
	for (bool ok = lp_die_first(child, &c); ok; ok = lp_die_next(&c)) {
		Dwarf_Die type;
		if (dwarf_tag(&c) != DW_TAG_formal_parameter || lp_die_flag(&c, DW_AT_artificial))
			continue;
		int tag = lp_die_ref(&c, DW_AT_type, &type) ? dwarf_tag(&type) : 0;
		by_reference |= tag == DW_TAG_reference_type || tag == DW_TAG_rvalue_reference_type;
		params++;
	}
	return params == 1 && by_reference;
}

/* 1: by address, 0: by value, -1: look at the members. */
static int passing(const struct lp_type *t)
{
	uint64_t cc;
	Dwarf_Die die, c;

	if (!lp_types_die(t, &die))
		return -1;
	if (lp_die_const(&die, DW_AT_calling_convention, &cc)) {
		if (cc == DW_CC_pass_by_reference)
			return 1;
		if (cc == DW_CC_pass_by_value)
			return 0;
	}
	if (lp_lang_is_c(lp_die_lang(&die)))
		return 0;
	for (bool ok = lp_die_first(&die, &c); ok; ok = lp_die_next(&c))
		if (is_own_copy(&c, dwarf_diename(&die)))
			return 1;
	return -1;
}

static void classify(const struct lp_type *t, uint64_t offset, struct classes *c, int depth);

static void classify_struct(const struct lp_type *t, uint64_t offset, struct classes *c, int depth)
{
	int by = passing(t);

	if (lp_type_complete(t, NULL) < 0) {
		c->whole = CLASS_UNKNOWN;
		return;
	}
	if (by > 0) {
		c->whole = CLASS_REFERENCE;
		return;
	}
	if (t->size > 16)
		c->whole = CLASS_MEMORY;
	for (size_t i = 0; i < t->n_members && c->whole != CLASS_UNKNOWN; i++) {
		const struct lp_member *m = &t->members[i];
		uint64_t at = offset + m->bit_offset / 8;

		if (m->is_virtual || (m->name && !strncmp(m->name, "_vptr", 5))) {
			c->whole = CLASS_REFERENCE;
			return;
		}
		/* beyond two eightbytes only what forces an address still matters */
		if (t->size > 16 || c->whole == CLASS_MEMORY)
			at = 0;
		if (m->bit_size) {
			merge(c, at > 15 ? 15 : at, CLASS_INTEGER);
			continue;
		}
		classify(m->type, at, c, depth + 1);
	}
	if (t->size > 16 && c->whole != CLASS_REFERENCE && c->whole != CLASS_UNKNOWN)
		c->whole = CLASS_MEMORY;
}

static void classify_scalar(const struct lp_type *t, uint64_t offset, struct classes *c)
{
	enum class k = CLASS_INTEGER;

	if (t->kind == LP_TYPE_FLOAT || t->kind == LP_TYPE_COMPLEX)
		k = CLASS_SSE;
	if (t->kind == LP_TYPE_FLOAT && t->size == 16 && !t->is_quad)
		k = CLASS_X87;
	if (t->kind == LP_TYPE_COMPLEX && t->size == 32) {
		c->whole = t->is_quad ? CLASS_UNKNOWN : CLASS_X87;
		return;
	}
	uint64_t align = t->kind == LP_TYPE_COMPLEX ? t->size / 2
			 : t->size > 8		    ? (t->kind == LP_TYPE_MEMBER_POINTER ? 8 : 16)
						    : t->size;
	c->aligned16 |= align == 16;
	if (t->size == 0 || t->size > 16 || offset + t->size > 16)
		c->whole = t->size == 0 ? CLASS_UNKNOWN : CLASS_MEMORY;
	else if (align && offset % align)
		c->whole = CLASS_MEMORY; /* packed */
	else if (k == CLASS_X87)
		c->whole = CLASS_X87;
	else
		for (uint64_t at = offset; at < offset + t->size; at += 8)
			merge(c, at, k);
}

static void classify(const struct lp_type *type, uint64_t offset, struct classes *c, int depth)
{
	const struct lp_type *t = lp_type_strip(type);

	if (depth > DEPTH_MAX) {
		c->whole = CLASS_UNKNOWN;
		return;
	}
	switch (t->kind) {
	case LP_TYPE_BOOL:
	case LP_TYPE_CHAR:
	case LP_TYPE_INT:
	case LP_TYPE_FLOAT:
	case LP_TYPE_COMPLEX:
	case LP_TYPE_POINTER:
	case LP_TYPE_REFERENCE:
	case LP_TYPE_MEMBER_POINTER:
	case LP_TYPE_ENUM:
		classify_scalar(t, offset, c);
		break;
	case LP_TYPE_STRUCT:
	case LP_TYPE_UNION:
		classify_struct(t, offset, c, depth);
		break;
	case LP_TYPE_ARRAY:
		/* an array by itself can only be a vector */
		if (depth == 0)
			c->whole = CLASS_UNKNOWN;
		/* a flexible array member is not passed */
		if (depth == 0 || t->count == LP_TYPE_COUNT_UNKNOWN)
			break;
		for (uint64_t i = 0; i < t->count && i < ELEMENTS_MAX; i++)
			classify(t->target, t->size > 16 ? 0 : offset + i * t->target->size, c,
				 depth + 1);
		break;
	default:
		c->whole = CLASS_UNKNOWN;
	}
}

static struct classes classes_of(const struct lp_type *t)
{
	struct classes c = { 0 };

	classify(t, 0, &c, 0);
	return c;
}

struct assignment {
	unsigned int ints, vectors;
	uint64_t stack;
	bool lost; /* an earlier parameter's place is not known, so no later one's is */
};

static const uint8_t argument_regs[] = { 5, 4, 1, 2, 8, 9 }; /* rdi rsi rdx rcx r8 r9 */

static struct lp_abi_value on_stack(struct assignment *a, uint64_t size, bool aligned16)
{
	struct lp_abi_value v = { .kind = LP_ABI_STACK };

	/* compilers disagree on how __int128 is aligned there */
	if (aligned16 && a->stack % 16) {
		a->lost = true;
		return (struct lp_abi_value){ .kind = LP_ABI_UNKNOWN };
	}
	v.offset = (int64_t)a->stack;
	a->stack += (size + 7) & ~7ull;
	return v;
}

static struct lp_abi_value assign_regs(struct assignment *a, const struct classes *c, uint64_t size)
{
	struct lp_abi_value v = { .kind = LP_ABI_REGS };
	unsigned int ints = a->ints, vectors = a->vectors;

	/* a binary128 is one vector register */
	bool quad = c->eight[0] == CLASS_SSE && c->eight[1] == CLASS_SSE && c->aligned16;
	for (unsigned int i = 0; i < (size > 8 ? 2 : 1); i++) {
		if (c->eight[i] == CLASS_INTEGER) {
			if (ints >= LP_ARRAY_SIZE(argument_regs))
				return on_stack(a, size, c->aligned16);
			v.regs[v.n++] = argument_regs[ints++];
		} else {
			if (vectors >= 8)
				return on_stack(a, size, c->aligned16);
			vectors += !(quad && i == 1) && c->eight[i] == CLASS_SSE;
			v.regs[v.n++] = LP_ABI_VECTOR;
		}
	}
	a->ints = ints;
	a->vectors = vectors;
	return v;
}

static struct lp_abi_value assign(struct assignment *a, const struct lp_type *t)
{
	struct classes c = classes_of(t);
	const struct lp_type *stripped = lp_type_strip(t);

	if (a->lost || c.whole == CLASS_UNKNOWN) {
		a->lost = true;
		return (struct lp_abi_value){ .kind = LP_ABI_UNKNOWN };
	}
	if (c.whole == CLASS_REFERENCE) {
		if (a->ints < LP_ARRAY_SIZE(argument_regs))
			return (struct lp_abi_value){ .kind = LP_ABI_POINTER,
						      .n = 1,
						      .regs = { argument_regs[a->ints++] } };
		struct lp_abi_value v = on_stack(a, 8, false);
		v.kind = LP_ABI_POINTER_ON_STACK;
		return v;
	}
	if (c.whole == CLASS_MEMORY || c.whole == CLASS_X87)
		return on_stack(a, stripped->size, c.aligned16 || c.whole == CLASS_X87);
	if (c.eight[0] == CLASS_NONE && c.eight[1] == CLASS_NONE)
		return (struct lp_abi_value){ .kind = LP_ABI_NOTHING };
	return assign_regs(a, &c, stripped->size);
}

struct lp_abi_value lp_abi_parameter(struct lp_types *ts, Dwarf_Die *function, size_t index)
{
	const struct lp_type *result = lp_types_of_var(ts, function);
	struct lp_abi_value v = { .kind = LP_ABI_UNKNOWN };
	struct assignment a = { 0 };
	size_t at = 0;
	Dwarf_Die c;

	if (!result)
		return v;
	if (lp_type_strip(result)->kind != LP_TYPE_VOID) {
		struct lp_abi_value r = lp_abi_result(result);
		if (r.kind == LP_ABI_UNKNOWN)
			return v;
		/* the address for a result in memory is a hidden first argument */
		a.ints = r.kind == LP_ABI_POINTER;
	}
	for (bool ok = lp_die_first(function, &c); ok; ok = lp_die_next(&c)) {
		const struct lp_type *t;

		if (dwarf_tag(&c) != DW_TAG_formal_parameter)
			continue;
		const char *name = dwarf_diename(&c);
		/* constructors of virtual bases have arguments that only some copies take */
		if (name && (!strcmp(name, "__in_chrg") || !strcmp(name, "__vtt_parm")))
			return (struct lp_abi_value){ .kind = LP_ABI_UNKNOWN };
		t = lp_types_of_var(ts, &c);
		if (!t)
			return (struct lp_abi_value){ .kind = LP_ABI_UNKNOWN };
		v = assign(&a, t);
		if (at++ == index)
			return v;
	}
	return (struct lp_abi_value){ .kind = LP_ABI_UNKNOWN };
}

struct lp_abi_value lp_abi_result(const struct lp_type *t)
{
	static const uint8_t result_regs[] = { 0, 1 }; /* rax rdx */
	struct classes c = classes_of(t);
	struct lp_abi_value v = { .kind = LP_ABI_REGS };
	unsigned int ints = 0;
	uint64_t size = lp_type_strip(t)->size;

	if (c.whole == CLASS_UNKNOWN)
		return (struct lp_abi_value){ .kind = LP_ABI_UNKNOWN };
	if (c.whole == CLASS_MEMORY || c.whole == CLASS_REFERENCE)
		return (struct lp_abi_value){ .kind = LP_ABI_POINTER, .n = 1 };
	if (c.whole == CLASS_X87) {
		/* a struct of one is, a larger one is not; what else it holds decides */
		if (!lp_type_is_scalar(t) && lp_type_strip(t)->kind != LP_TYPE_COMPLEX)
			return (struct lp_abi_value){ .kind = LP_ABI_UNKNOWN };
		v.regs[0] = v.regs[1] = LP_ABI_VECTOR;
		v.n = 2;
		return v;
	}
	if (c.eight[0] == CLASS_NONE && c.eight[1] == CLASS_NONE)
		return (struct lp_abi_value){ .kind = LP_ABI_NOTHING };
	for (unsigned int i = 0; i < (size > 8 ? 2 : 1); i++)
		v.regs[v.n++] = c.eight[i] == CLASS_INTEGER ? result_regs[ints++] : LP_ABI_VECTOR;
	return v;
}
