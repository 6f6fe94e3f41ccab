// SPDX-License-Identifier: GPL-2.0-only
/* Integers as values of their types. */
#include <string.h>

#include "expr/type.h"

/* "A | B": every bit of v must have a name. */
static const char *flags_text(struct lp_arena *a, const struct lp_type *t, uint64_t v, size_t *len)
{
	uint64_t left = v;
	size_t room = 0;

	for (size_t i = 0; i < t->n_enumerators; i++) {
		uint64_t bit = (uint64_t)t->enumerators[i].value;
		if (bit && (bit & (bit - 1)) == 0 && (left & bit)) {
			left &= ~bit;
			room += strlen(t->enumerators[i].name) + 3;
		}
	}
	if (left || !room)
		return NULL;

	char *text = lp_arena_alloc(a, room);
	size_t n = 0;
	for (size_t i = 0; text && i < t->n_enumerators; i++) {
		uint64_t bit = (uint64_t)t->enumerators[i].value;
		const char *name = t->enumerators[i].name;
		if (!bit || (bit & (bit - 1)) != 0 || !(v & bit))
			continue;
		v &= ~bit;
		if (n) {
			memcpy(text + n, " | ", 3);
			n += 3;
		}
		memcpy(text + n, name, strlen(name));
		n += strlen(name);
	}
	*len = n;
	return text;
}

static void enum_value(const struct lp_type *t, uint64_t v, struct lp_arena *a,
		       struct lp_value *ret)
{
	ret->kind = LP_VAL_ENUM;
	if (lp_type_complete(t, NULL) < 0)
		return;
	for (size_t i = 0; i < t->n_enumerators; i++)
		if ((uint64_t)t->enumerators[i].value == v) {
			ret->str = t->enumerators[i].name;
			ret->len = strlen(ret->str);
			return;
		}
	if (t->is_flags)
		ret->str = flags_text(a, t, v, &ret->len);
}

void lp_type_value(const struct lp_type *t, uint64_t v, struct lp_arena *a, struct lp_value *ret)
{
	ret->size = (uint8_t)t->size;
	ret->u = v;
	switch (t->kind) {
	case LP_TYPE_BOOL:
		ret->kind = LP_VAL_BOOL;
		break;
	case LP_TYPE_CHAR:
		ret->kind = LP_VAL_CHAR;
		/* a code, also of the bytes that a signed char calls negative */
		if (t->size < 8)
			ret->u = v & ((1ull << 8 * t->size) - 1);
		break;
	case LP_TYPE_POINTER:
		ret->kind = v ? LP_VAL_POINTER : LP_VAL_NULL;
		break;
	case LP_TYPE_ENUM:
		enum_value(t, v, a, ret);
		break;
	default:
		ret->kind = t->is_signed ? LP_VAL_INT : LP_VAL_UINT;
		break;
	}
}
