// SPDX-License-Identifier: GPL-2.0-only
/* Ints of more than 64 bits in the text: decimal digits here, digits of 30 bits in the program. */
#include <errno.h>
#include <string.h>

#include "expr/dynamic.h"

#define DIGIT_BITS 30
#define TEXT_MAX   (LP_PY_DIGITS_MAX * 10) /* a digit has nine decimal ones, and something */

static unsigned int value_of(char c)
{
	return c <= '9' ? (unsigned int)(c - '0') : (unsigned int)(c | 0x20) - 'a' + 10;
}

/* How many digits it has, lowest first; 0: too many. */
static size_t parse(const char *text, size_t len, unsigned int base, uint32_t *digits)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		uint64_t carry = value_of(text[i]);

		for (size_t k = 0; k < n; k++) {
			carry += (uint64_t)digits[k] * base;
			digits[k] = (uint32_t)(carry & ((1u << DIGIT_BITS) - 1));
			carry >>= DIGIT_BITS;
		}
		if (carry && n == LP_PY_DIGITS_MAX)
			return 0;
		if (carry)
			digits[n++] = (uint32_t)carry;
	}
	return n;
}

static const char *to_decimal(struct lp_arena *a, uint32_t *digits, size_t n, size_t *ret_len)
{
	char text[TEXT_MAX];
	size_t at = sizeof(text);

	while (n) {
		uint64_t rest = 0;

		for (size_t i = n; i-- > 0;) {
			rest = rest << DIGIT_BITS | digits[i];
			digits[i] = (uint32_t)(rest / 10);
			rest %= 10;
		}
		while (n && !digits[n - 1])
			n--;
		text[--at] = (char)('0' + rest);
	}
	*ret_len = sizeof(text) - at;
	return lp_arena_strndup(a, text + at, *ret_len);
}

struct lp_dyn *lp_dyn_check_big(struct lp_dyn_check *c, const struct lp_node *n)
{
	struct lp_value v = { .kind = LP_VAL_BIGINT, .size = 8 };
	uint32_t digits[LP_PY_DIGITS_MAX];
	size_t count = parse(n->name, n->len, (unsigned int)n->value, digits);

	if (!count)
		return lp_check_fail(&c->base, n, "an int has at most %d bits here",
				     LP_PY_DIGITS_MAX * DIGIT_BITS);
	v.str = to_decimal(c->base.arena, digits, count, &v.len);
	if (!v.str) {
		c->base.status = lp_err_nomem(c->base.err);
		return NULL;
	}
	return lp_dyn_constant(c, n, &v);
}

struct lp_dyn *lp_dyn_negate_big(struct lp_dyn_check *c, const struct lp_node *n,
				 const struct lp_value *of)
{
	struct lp_value v = *of;

	if (of->str[0] == '-') {
		v.str++;
		v.len--;
	} else {
		v.str = lp_arena_fmt(c->base.arena, "-%s", of->str);
		v.len++;
	}
	if (!v.str) {
		c->base.status = lp_err_nomem(c->base.err);
		return NULL;
	}
	return lp_dyn_constant(c, n, &v);
}

void lp_dyn_emit_big(struct lp_dyn_gen *g, uint8_t dst, const struct lp_value *v)
{
	uint32_t digits[LP_PY_DIGITS_MAX] = { (uint32_t)v->u & ((1u << DIGIT_BITS) - 1),
					      (uint32_t)(v->u >> 30) & ((1u << DIGIT_BITS) - 1),
					      (uint32_t)(v->u >> 60) };
	struct lp_py_key key = { 0 };
	size_t n = 3;

	if (v->kind == LP_VAL_BIGINT) {
		key.hash = v->str[0] == '-';
		n = parse(v->str + key.hash, v->len - key.hash, 10, digits);
	}
	key.len = (uint32_t)(n * sizeof(*digits));
	lp_emit_key(&g->e, LP_OP_PY_BIG, dst, 0, &key, (const char *)digits);
}
