/* SPDX-License-Identifier: GPL-2.0-only */
/* user/expr/location.h
 *
 * location - the first word of a logpoint: where it hits. Parsed by expr/, resolved by native/ and
 * python/.
 */
#ifndef LP_EXPR_LOCATION_H
#define LP_EXPR_LOCATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum lp_location_kind {
	LP_AT_LINE,	/* file, line */
	LP_AT_ENTRY,	/* name: a function, "ns::Cls::method", a glob "http_*" */
	LP_AT_RETURN,	/* name */
	LP_AT_CALL,	/* name */
	LP_AT_USDT,	/* provider, name */
	LP_AT_OFFSET,	/* name, offset: FUNCTION+OFFSET, in bytes */
	LP_AT_ADDRESS,	/* offset: 0xADDRESS, run-time address */
	LP_AT_CRASH,	/* signals */
	LP_AT_RAISE,	/* types */
	LP_AT_UNCAUGHT, /* types */
	LP_AT_WATCH,	/* not supported yet */
};

static inline bool lp_at_exception(enum lp_location_kind kind)
{
	return kind == LP_AT_RAISE || kind == LP_AT_UNCAUGHT;
}

/* "ValueError", "shop.errors.OutOfStock" */
struct lp_class_name {
	const char *text;
	int col;
};

struct lp_location {
	enum lp_location_kind kind;
	const char *text; /* as typed: "server.c:120", "entry handle" */
	int col;	  /* 1-based column of file/name in the logpoint, for errors */
	const char *file, *provider, *name;
	int line;
	uint64_t offset;
	struct lp_class_name *types; /* none: every exception */
	size_t n_types;
	uint64_t signals; /* LP_SIGNAL_BIT of each */
};

#endif
