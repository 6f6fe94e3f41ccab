// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "native/place.h"

static int resolve_address(struct lp_module *m, const struct lp_location *at, struct lp_places *ret,
			   struct lp_err *err)
{
	struct lp_place p;
	int r = lp_place_init(&p, m, at->offset, NULL, 0, err);

	if (r < 0)
		return r;
	return lp_vec_push(ret, p) < 0 ? lp_err_nomem(err) : 0;
}

static int resolve(struct lp_module *m, const struct lp_location *at, struct lp_places *ret,
		   size_t *ret_inlined, struct lp_err *err)
{
	switch (at->kind) {
	case LP_AT_LINE:
		return lp_resolve_line(m, at, ret, err);
	case LP_AT_ENTRY:
	case LP_AT_RETURN:
	case LP_AT_CALL:
	case LP_AT_OFFSET:
		return lp_resolve_function(m, at, ret, ret_inlined, err);
	case LP_AT_USDT:
		return lp_resolve_usdt(m, at, ret, err);
	case LP_AT_ADDRESS:
		return resolve_address(m, at, ret, err);
	default:
		return lp_err_set(err, ENOTSUP, "'%s' is no place in native code", at->text);
	}
}

int lp_module_resolve(struct lp_module *m, const struct lp_location *at, struct lp_places *ret,
		      size_t *ret_inlined, struct lp_err *err)
{
	struct lp_places found = { 0 };
	size_t inlined = 0;
	int r = resolve(m, at, &found, &inlined, err);

	if (r < 0) {
		lp_vec_done(&found);
		if (err && err->col == 0)
			err->col = at->col;
		return r;
	}
	lp_places_sort(&found);
	*ret = found;
	if (ret_inlined)
		*ret_inlined = inlined;
	return 0;
}
