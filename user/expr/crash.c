// SPDX-License-Identifier: GPL-2.0-only
#include "expr/crash.h"

#include <errno.h>
#include <stdlib.h>

#include "base/signals.h"
#include "lp/record.h"

static struct lp_enumerator signals[] = {
#define SIGNAL(name, ends) { #name, name },
	LP_SIGNALS(SIGNAL)
#undef SIGNAL
};

static struct lp_enumerator codes[] = {
#define CODE(signal, name, code) { #name, (int64_t)LP_SIGNAL_REASON(signal, code) },
	LP_SIGNAL_CODES(CODE)
#undef CODE
};

const struct lp_type lp_type_signal = {
	.kind = LP_TYPE_ENUM,
	.is_signed = true,
	.complete = true,
	.size = 4,
	.name = "signal",
	.enumerators = signals,
	.n_enumerators = LP_ARRAY_SIZE(signals),
};

const struct lp_type lp_type_signal_code = {
	.kind = LP_TYPE_ENUM,
	.is_signed = true,
	.complete = true,
	.size = 4,
	.name = "code of a signal",
	.enumerators = codes,
	.n_enumerators = LP_ARRAY_SIZE(codes),
};

static int lookup(struct lp_scope *s, const char *name, size_t len, struct lp_var *ret,
		  struct lp_err *err)
{
	(void)s;
	(void)name;
	(void)len;
	(void)ret;
	(void)err;
	return -ENOENT;
}

static int locate(struct lp_scope *s, const struct lp_var *v, struct lp_emit *e, struct lp_loc *ret,
		  struct lp_err *err)
{
	(void)s;
	(void)v;
	(void)e;
	(void)err;
	*ret = (struct lp_loc){ .kind = LP_LOC_NONE, .why = LP_ST_NOT_IN_SCOPE };
	return 0;
}

static int find_type(struct lp_scope *s, const char *name, size_t len, const struct lp_type **ret,
		     struct lp_err *err)
{
	(void)s;
	(void)name;
	(void)len;
	(void)ret;
	(void)err;
	return -ENOENT;
}

static const struct lp_type *pointer_to(struct lp_scope *s, const struct lp_type *t)
{
	(void)s;
	(void)t;
	return &lp_type_void_ptr;
}

static int each(struct lp_scope *s, unsigned int what, int (*fn)(const struct lp_var *v, void *arg),
		void *arg)
{
	(void)s;
	(void)what;
	(void)fn;
	(void)arg;
	return 0;
}

static int result(struct lp_scope *s, struct lp_var *ret, struct lp_err *err)
{
	(void)s;
	(void)ret;
	return lp_err_set(err, ENOENT, "nothing is returned where a process ends");
}

static int numbered(struct lp_scope *s, unsigned int n, struct lp_var *ret, struct lp_err *err)
{
	(void)s;
	(void)n;
	(void)ret;
	return lp_err_set(err, ENOENT, "arguments by number are there in 'usdt' only");
}

static int caller(struct lp_scope *s, struct lp_emit *e, struct lp_loc *ret, struct lp_err *err)
{
	return locate(s, NULL, e, ret, err);
}

static void free_scope(struct lp_scope *s)
{
	free(s);
}

struct lp_scope *lp_crash_scope(void)
{
	static const struct lp_scope_ops ops = {
		.lookup = lookup,
		.locate = locate,
		.find_type = find_type,
		.pointer_to = pointer_to,
		.each = each,
		.result = result,
		.numbered = numbered,
		.caller = caller,
		.free = free_scope,
	};
	struct lp_scope *s = calloc(1, sizeof(*s));

	if (s)
		s->ops = &ops;
	return s;
}
