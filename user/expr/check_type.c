// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "expr/tree.h"

#define INT_TYPE(bytes, is_sign, text)                                                             \
	{                                                                                          \
		.kind = LP_TYPE_INT, .is_signed = (is_sign), .complete = true, .size = (bytes),    \
		.name = (text)                                                                     \
	}

static const struct lp_type type_schar = INT_TYPE(1, true, "signed char"),
			    type_uchar = INT_TYPE(1, false, "unsigned char"),
			    type_short = INT_TYPE(2, true, "short"),
			    type_ushort = INT_TYPE(2, false, "unsigned short");

/* x86-64 and arm64 Linux: LP64. Names that every program may use, declared or not. */
static const struct {
	const char *name;
	const struct lp_type *type;
} standard[] = {
	{ "int8_t", &type_schar },     { "uint8_t", &type_uchar },
	{ "int16_t", &type_short },    { "uint16_t", &type_ushort },
	{ "int32_t", &lp_type_int },   { "uint32_t", &lp_type_uint },
	{ "int64_t", &lp_type_long },  { "uint64_t", &lp_type_ulong },
	{ "size_t", &lp_type_ulong },  { "ssize_t", &lp_type_long },
	{ "intptr_t", &lp_type_long }, { "uintptr_t", &lp_type_ulong },
	{ "float", &lp_type_float },   { "double", &lp_type_double },
	{ "void", &lp_type_void },     { "bool", &lp_type_bool },
	{ "_Bool", &lp_type_bool },    { "char", &lp_type_char },
};

struct words {
	int is_signed, is_unsigned, is_short, is_long, is_char, is_int, others;
};

static void count_words(const struct lp_type_name *t, struct words *ret)
{
	const struct {
		const char *word;
		int *count;
	} known[] = {
		{ "signed", &ret->is_signed }, { "unsigned", &ret->is_unsigned },
		{ "short", &ret->is_short },   { "long", &ret->is_long },
		{ "char", &ret->is_char },     { "int", &ret->is_int },
	};

	for (const char *s = t->name; *s;) {
		size_t len = strcspn(s, " "), i = 0;

		while (i < LP_ARRAY_SIZE(known) &&
		       (strlen(known[i].word) != len || memcmp(known[i].word, s, len) != 0))
			i++;
		(*(i < LP_ARRAY_SIZE(known) ? known[i].count : &ret->others))++;
		s += len;
		s += strspn(s, " ");
	}
}

/* "long unsigned int" in any order; NULL where it is none of C's integers. */
static const struct lp_type *basic_type(const struct lp_type_name *t)
{
	struct words w = { 0 };

	count_words(t, &w);
	if (w.others || (w.is_signed && w.is_unsigned) || (w.is_short && w.is_long) ||
	    w.is_long > 2 || w.is_char > 1 || w.is_int > 1 || w.is_short > 1)
		return NULL;
	if (w.is_char && (w.is_short || w.is_long || w.is_int))
		return NULL;
	if (w.is_char)
		return w.is_unsigned ? &type_uchar : w.is_signed ? &type_schar : &lp_type_char;
	if (w.is_short)
		return w.is_unsigned ? &type_ushort : &type_short;
	if (w.is_long)
		return w.is_unsigned ? &lp_type_ulong : &lp_type_long;
	return w.is_unsigned ? &lp_type_uint : &lp_type_int;
}

static const struct lp_type *find_type(struct lp_check *c, const struct lp_type_name *t)
{
	struct lp_scope *scope = c->entry;
	const struct lp_type *type = basic_type(t);

	if (type)
		return type;

	int r = scope->ops->find_type(scope, t->name, t->len, &type, c->err);
	if (r == 0)
		return type;
	if (r != -ENOENT) {
		c->status = r;
		return NULL;
	}
	for (size_t i = 0; i < LP_ARRAY_SIZE(standard); i++)
		if (strcmp(standard[i].name, t->name) == 0)
			return standard[i].type;
	return NULL;
}

const struct lp_type *lp_check_type_name(struct lp_check *c, const struct lp_type_name *t,
					 bool must)
{
	const struct lp_type *type = find_type(c, t);

	if (!type && must)
		return lp_check_fail_at(c, ENOENT, t->col, t->width, "unknown type '%.*s'",
					t->len > 100 ? 100 : (int)t->len, t->name);
	for (int i = 0; type && i < t->stars; i++)
		type = lp_check_pointer_to(c, type);
	return c->status ? NULL : type;
}
