/* SPDX-License-Identifier: GPL-2.0-only */
/* user/expr/location.h
 *
 * location - the first word of a logpoint: where it hits. Parsed by expr/, resolved by native/.
 */
#ifndef LP_EXPR_LOCATION_H
#define LP_EXPR_LOCATION_H

#include <stdint.h>

enum lp_location_kind {
	LP_AT_LINE,    /* file, line */
	LP_AT_ENTRY,   /* name: a function, "ns::Cls::method", a glob "http_*" */
	LP_AT_RETURN,  /* name */
	LP_AT_CALL,    /* name */
	LP_AT_USDT,    /* provider, name */
	LP_AT_OFFSET,  /* name, offset: FUNCTION+OFFSET, in bytes */
	LP_AT_ADDRESS, /* offset: 0xADDRESS, run-time address */
	LP_AT_CRASH,   /* signals */
	LP_AT_RAISE,   /* not supported yet, as the rest */
	LP_AT_UNCAUGHT,
	LP_AT_WATCH,
};

struct lp_location {
	enum lp_location_kind kind;
	const char *text; /* as typed: "server.c:120", "entry handle" */
	int col;	  /* 1-based column of file/name in the logpoint, for errors */
	const char *file, *provider, *name;
	int line;
	uint64_t offset;
	uint64_t signals; /* LP_SIGNAL_BIT of each */
};

#endif
