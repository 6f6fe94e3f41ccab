// SPDX-License-Identifier: GPL-2.0-only
#include "expr/type.h"

#include <errno.h>
#include <string.h>

/* A chain of typedefs this long is a loop in hostile debug information. */
#define TYPEDEFS_MAX 256

const struct lp_type lp_type_int = {
	.kind = LP_TYPE_INT, .is_signed = true, .complete = true, .size = 4, .name = "int"
};
const struct lp_type lp_type_uint = {
	.kind = LP_TYPE_INT, .complete = true, .size = 4, .name = "unsigned int"
};
const struct lp_type lp_type_long = {
	.kind = LP_TYPE_INT, .is_signed = true, .complete = true, .size = 8, .name = "long"
};
const struct lp_type lp_type_ulong = {
	.kind = LP_TYPE_INT, .complete = true, .size = 8, .name = "unsigned long"
};
const struct lp_type lp_type_bool = {
	.kind = LP_TYPE_BOOL, .complete = true, .size = 1, .name = "bool"
};
const struct lp_type lp_type_char = {
	.kind = LP_TYPE_CHAR, .is_signed = true, .complete = true, .size = 1, .name = "char"
};
const struct lp_type lp_type_float = {
	.kind = LP_TYPE_FLOAT, .is_signed = true, .complete = true, .size = 4, .name = "float"
};
const struct lp_type lp_type_double = {
	.kind = LP_TYPE_FLOAT, .is_signed = true, .complete = true, .size = 8, .name = "double"
};
const struct lp_type lp_type_void = { .kind = LP_TYPE_VOID, .complete = true, .name = "void" };
const struct lp_type lp_type_void_ptr = { .kind = LP_TYPE_POINTER,
					  .complete = true,
					  .size = 8,
					  .name = "void *",
					  .target = &lp_type_void };
const struct lp_type lp_type_char_ptr = { .kind = LP_TYPE_POINTER,
					  .complete = true,
					  .size = 8,
					  .name = "char *",
					  .target = &lp_type_char };

int lp_type_complete(const struct lp_type *t, struct lp_err *err)
{
	if (t->complete)
		return 0;
	if (!t->make_complete)
		return lp_err_set(err, ENOENT, "'%s' is only declared here", t->name);
	return t->make_complete((struct lp_type *)t, err);
}

const struct lp_type *lp_type_strip(const struct lp_type *t)
{
	for (int i = 0; t->kind == LP_TYPE_TYPEDEF && i < TYPEDEFS_MAX; i++) {
		lp_type_complete(t, NULL);
		if (!t->target)
			break;
		t = t->target;
	}
	return t;
}

bool lp_type_is_integer(const struct lp_type *t)
{
	t = lp_type_strip(t);
	return t->kind == LP_TYPE_BOOL || t->kind == LP_TYPE_CHAR || t->kind == LP_TYPE_INT ||
	       t->kind == LP_TYPE_ENUM;
}

bool lp_type_is_scalar(const struct lp_type *t)
{
	t = lp_type_strip(t);
	return lp_type_is_integer(t) || t->kind == LP_TYPE_FLOAT || t->kind == LP_TYPE_POINTER;
}

bool lp_type_is_string(const struct lp_type *t)
{
	t = lp_type_strip(t);
	if (t->kind != LP_TYPE_POINTER && t->kind != LP_TYPE_ARRAY)
		return false;
	lp_type_complete(t, NULL);
	if (!t->target)
		return false;

	const struct lp_type *target = lp_type_strip(t->target);
	return target->kind == LP_TYPE_CHAR && target->size == 1;
}
