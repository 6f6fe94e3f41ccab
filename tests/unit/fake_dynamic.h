/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/unit/fake_dynamic.h
 *
 * fake_dynamic - a scope of a Python function without a Python: names in every kind of place.
 */
#ifndef LP_TESTS_FAKE_DYNAMIC_H
#define LP_TESTS_FAKE_DYNAMIC_H

#include <errno.h>
#include <string.h>

#include "expr/compile.h"
#include "expr/uses.h"

enum dynamic_place { IN_LOCAL, IN_CELL, IN_GLOBALS, IN_CLASS_BODY };

static const struct {
	struct lp_dynamic_name name;
	enum dynamic_place place;
	uint32_t n;
} dynamic_names[] = {
	{ { LP_VAR_ARGUMENT, "self" }, IN_LOCAL, 0 },
	{ { LP_VAR_ARGUMENT, "items" }, IN_LOCAL, 1 },
	{ { LP_VAR_ARGUMENT, "n" }, IN_LOCAL, 2 },
	{ { LP_VAR_ARGUMENT, "password" }, IN_LOCAL, 3 },
	{ { LP_VAR_LOCAL, "name" }, IN_LOCAL, 4 },
	{ { LP_VAR_LOCAL, "total" }, IN_CELL, 5 },
	{ { LP_VAR_LOCAL, "e" }, IN_LOCAL, 6 },
	{ { LP_VAR_GLOBAL, "LIMIT" }, IN_GLOBALS, 0 },
	{ { LP_VAR_GLOBAL, "shop" }, IN_GLOBALS, 0 },
	{ { LP_VAR_GLOBAL, "money" }, IN_GLOBALS, 0 },
	{ { LP_VAR_GLOBAL, "level" }, IN_GLOBALS, 0 },
	{ { LP_VAR_GLOBAL, "color" }, IN_GLOBALS, 0 },
	{ { LP_VAR_GLOBAL, "int" }, IN_GLOBALS, 0 },
	{ { LP_VAR_GLOBAL, "str" }, IN_GLOBALS, 0 },
	{ { LP_VAR_GLOBAL, "field" }, IN_CLASS_BODY, 0 },
};

static uint64_t dynamic_hash(struct lp_scope *s, const char *text, size_t len, bool is_bytes)
{
	uint64_t h = 7 + is_bytes;

	(void)s;
	for (size_t i = 0; i < len; i++)
		h = h * 31 + (unsigned char)text[i];
	return h;
}

static void dynamic_key(struct lp_scope *s, struct lp_emit *e, enum lp_op op, uint8_t r,
			const char *name, size_t len)
{
	struct lp_py_key key = { .hash = dynamic_hash(s, name, len, false),
				 .len = (uint32_t)len,
				 .is_ascii = 1 };

	lp_emit_key(e, op, r, 0, &key, name);
}

static int dynamic_load(struct lp_scope *s, const char *name, size_t len, struct lp_emit *e,
			uint8_t *ret_reg, struct lp_err *err)
{
	(void)err;
	for (size_t i = 0; i < LP_ARRAY_SIZE(dynamic_names); i++) {
		if (strlen(dynamic_names[i].name.name) != len ||
		    memcmp(dynamic_names[i].name.name, name, len) != 0)
			continue;

		uint8_t r = lp_emit_reg(e);
		uint32_t n = dynamic_names[i].n;
		if (dynamic_names[i].place == IN_LOCAL)
			lp_emit(e, PY_FAST, .dst = r, .n = n);
		else if (dynamic_names[i].place == IN_CELL)
			lp_emit(e, PY_CELL, .dst = r, .n = n);
		else if (dynamic_names[i].place == IN_GLOBALS)
			dynamic_key(s, e, LP_OP_PY_GLOBAL, r, name, len);
		else
			dynamic_key(s, e, LP_OP_PY_NAME, r, name, len);
		*ret_reg = r;
		return 0;
	}
	return -ENOENT;
}

static int dynamic_no_result(struct lp_scope *s, struct lp_emit *e, uint8_t *ret_reg,
			     struct lp_err *err)
{
	(void)s, (void)e, (void)ret_reg;
	return lp_err_set(err, ENOENT, "nothing is returned here");
}

static int dynamic_result(struct lp_scope *s, struct lp_emit *e, uint8_t *ret_reg,
			  struct lp_err *err)
{
	(void)s, (void)err;
	*ret_reg = lp_emit_reg(e);
	lp_emit(e, PY_RETURN, .dst = *ret_reg);
	return 0;
}

static int dynamic_each(struct lp_scope *s, unsigned int what,
			int (*fn)(const struct lp_dynamic_name *n, void *arg), void *arg)
{
	static const unsigned int of_kind[] = { [LP_VAR_ARGUMENT] = LP_EACH_ARGUMENTS,
						[LP_VAR_LOCAL] = LP_EACH_LOCALS,
						[LP_VAR_GLOBAL] = LP_EACH_GLOBALS };

	(void)s;
	for (size_t i = 0; i < LP_ARRAY_SIZE(dynamic_names); i++)
		if (of_kind[dynamic_names[i].name.kind] & what && fn(&dynamic_names[i].name, arg))
			return 1;
	return 0;
}

static void dynamic_free(struct lp_scope *s)
{
	(void)s;
}

static const struct lp_scope_ops dynamic_scope_ops = { .free = dynamic_free };
static const struct lp_dynamic_ops dynamic_entry_ops = { .load = dynamic_load,
							 .result = dynamic_no_result,
							 .hash = dynamic_hash,
							 .each = dynamic_each };
static const struct lp_dynamic_ops dynamic_leave_ops = {
	.load = dynamic_load, .result = dynamic_result, .hash = dynamic_hash, .each = dynamic_each
};
static struct lp_scope dynamic_entry = { .ops = &dynamic_scope_ops,
					 .dynamic = &dynamic_entry_ops,
					 .function = "Cart.total",
					 .file = "shop/cart.py",
					 .line = 88 };
static struct lp_scope dynamic_leave = { .ops = &dynamic_scope_ops,
					 .dynamic = &dynamic_leave_ops,
					 .function = "Cart.total",
					 .file = "shop/cart.py",
					 .line = 88 };

static inline int dynamic_compile(const char *text, struct lp_compiled **ret, struct lp_err *err)
{
	struct lp_limits limits = LP_LIMITS_DEFAULT;
	lp_auto(lp_logpoint_free) struct lp_logpoint *lp = NULL;
	int r = lp_logpoint_parse(text, &lp, err);

	if (r < 0)
		return r;
	limits.redact = lp_redact_default;
	bool is_function = lp->location.kind == LP_AT_RETURN || lp->location.kind == LP_AT_CALL;
	r = lp_compile(lp, &dynamic_entry, is_function ? &dynamic_leave : NULL, &limits, ret, err);
	if (r < 0)
		return r;
	/* told by the text alone, before anything was compiled */
	uint64_t uses = lp_program_uses((*ret)->code, (*ret)->n_code) |
			lp_program_uses((*ret)->enter, (*ret)->n_enter);
	if (uses & ~lp_logpoint_uses(lp))
		return lp_err_set(err, EPROTO, "instructions %#llx were not expected",
				  (unsigned long long)(uses & ~lp_logpoint_uses(lp)));
	return r;
}

#endif
