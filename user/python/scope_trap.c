// SPDX-License-Identifier: GPL-2.0-only
/* Names where an exception is raised: whatever code that is, so that the kernel side looks for them. */
#include <errno.h>
#include <string.h>

#include "python/impl.h"

struct trap_scope {
	struct lp_scope scope;
	struct lp_python *py;
};

static struct trap_scope *of(struct lp_scope *scope)
{
	return (struct trap_scope *)scope;
}

static void scope_free(struct lp_scope *scope)
{
	free(of(scope));
}

static uint64_t scope_hash(struct lp_scope *scope, const char *text, size_t len, bool is_bytes)
{
	return lp_python_hash(of(scope)->py, text, len, is_bytes);
}

static int scope_load(struct lp_scope *scope, const char *name, size_t len, struct lp_emit *e,
		      uint8_t *ret_reg, struct lp_err *err)
{
	struct lp_py_key key = {
		.hash = scope_hash(scope, name, len, false),
		.len = (uint32_t)len,
		.is_ascii = true,
	};

	if (len > LP_PY_NAME_TEXT_MAX)
		return lp_err_set(err, EINVAL, "a name of more than %d bytes", LP_PY_NAME_TEXT_MAX);
	for (size_t i = 0; i < len; i++)
		key.is_ascii &= (unsigned char)name[i] < 0x80;
	*ret_reg = lp_emit_reg(e);
	lp_emit_key(e, LP_OP_PY_VAR, *ret_reg, 0, &key, name);
	return 0;
}

static int scope_result(struct lp_scope *scope, struct lp_emit *e, uint8_t *ret_reg,
			struct lp_err *err)
{
	(void)scope;
	(void)e;
	(void)ret_reg;
	return lp_err_set(err, ENOENT, "nothing is returned where an exception is raised");
}

static int scope_each(struct lp_scope *scope, unsigned int what,
		      int (*fn)(const struct lp_dynamic_name *n, void *arg), void *arg)
{
	(void)scope;
	(void)what;
	(void)fn;
	(void)arg;
	return 0;
}

static const struct lp_scope_ops scope_ops = { .free = scope_free };

static const struct lp_dynamic_ops dynamic_ops = {
	.load = scope_load,
	.result = scope_result,
	.hash = scope_hash,
	.each = scope_each,
};

int lp_python_trap_scope_open(struct lp_python *py, struct lp_scope **ret, struct lp_err *err)
{
	struct trap_scope *s = calloc(1, sizeof(*s));

	if (!s)
		return lp_err_nomem(err);
	s->py = py;
	s->scope = (struct lp_scope){ .ops = &scope_ops, .dynamic = &dynamic_ops };
	*ret = &s->scope;
	return 0;
}
