/* SPDX-License-Identifier: GPL-2.0-only */
/* user/sink/json_value.h
 *
 * json_value - values as JSON; json.c says how each looks.
 */
#ifndef LP_SINK_JSON_VALUE_H
#define LP_SINK_JSON_VALUE_H

#include "base/buf.h"
#include "base/value.h"

void lp_json_string(struct lp_buf *out, const char *s, size_t len, bool cut);

/* Errors are null. */
void lp_json_value(struct lp_buf *out, const struct lp_value *v);

/* Collects errors into ,"errors":{...} which the caller closes if n is not 0. */
struct lp_json_errors {
	struct lp_buf *out, *path;
	size_t n;
};

/* v and what is in it; name is how the user knows it. */
void lp_json_errors(struct lp_json_errors *e, const char *name, const struct lp_value *v);

#endif
