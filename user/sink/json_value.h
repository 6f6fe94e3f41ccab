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

/* The name of an object's member and its colon, behind a comma unless it is the first. */
void lp_json_name(struct lp_buf *out, bool *first, const char *name);

/* A member: key is what comes before its value, as in ,"name": */
static inline void lp_json_put_number(struct lp_buf *out, const char *key, int64_t number)
{
	lp_buf_str(out, key);
	lp_buf_s64(out, number);
}

/* NULL: no member. */
static inline void lp_json_put_string(struct lp_buf *out, const char *key, const char *text)
{
	if (!text)
		return;
	lp_buf_str(out, key);
	lp_json_string(out, text, strlen(text), false);
}

/* "0x1f" */
static inline void lp_json_put_hex(struct lp_buf *out, const char *key, uint64_t number)
{
	lp_buf_str(out, key);
	lp_buf_char(out, '"');
	lp_buf_hex(out, number);
	lp_buf_char(out, '"');
}

/* Errors are null. */
void lp_json_value(struct lp_buf *out, const struct lp_value *v);

/* Collects errors into ,"errors":{...} which the caller closes if n is not 0. */
struct lp_json_errors {
	struct lp_buf *out, *path;
	size_t n;
};

/* v and what is in it; name is how the user knows it. */
void lp_json_walk_errors(struct lp_json_errors *e, const char *name, const struct lp_value *v);

/* The same: most values are neither an error nor have any in them. */
static inline void lp_json_errors(struct lp_json_errors *e, const char *name,
				  const struct lp_value *v)
{
	if (v->kind == LP_VAL_ERROR || (v->kind >= LP_VAL_LIST && v->kind <= LP_VAL_STRUCT))
		lp_json_walk_errors(e, name, v);
}

#endif
