/* SPDX-License-Identifier: GPL-2.0-only */
/* user/base/value.h
 *
 * value - one decoded value of the target, whatever its language: what readers (native/reader.h,
 * python) make and what sinks print. A tree in an arena, finished once made.
 */
#ifndef LP_BASE_VALUE_H
#define LP_BASE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum lp_value_kind {
	LP_VAL_ERROR,	/* str: why it could not be had, without brackets: "optimized out" */
	LP_VAL_NULL,	/* a null pointer, None */
	LP_VAL_BOOL,	/* u */
	LP_VAL_INT,	/* s */
	LP_VAL_UINT,	/* u */
	LP_VAL_BIGINT,	/* str: decimal digits */
	LP_VAL_FLOAT,	/* f; size is 4, 8 or 16: how many digits are meant */
	LP_VAL_COMPLEX, /* items: real, imaginary */
	LP_VAL_CHAR,	/* u: code */
	LP_VAL_STRING,	/* str, len: bytes, not terminated by meaning; cut: there was more */
	LP_VAL_BYTES,	/* the same, b'...' */
	LP_VAL_POINTER, /* u: address; str: symbol or NULL */
	LP_VAL_ENUM,	/* str: enumerator or "A | B", s: number; str NULL: no such enumerator */
	LP_VAL_LIST,	/* items: array, list */
	LP_VAL_TUPLE,	/* items */
	LP_VAL_SET,	/* items */
	LP_VAL_MAP,	/* items: key, value, key, value */
	LP_VAL_STRUCT,	/* items with names; type_name */
	LP_VAL_OBJECT,	/* opaque: type_name, u: address, str: text in place of it or NULL */
	LP_VAL_DEEPER,	/* below the depth limit: printed as ... */
};

struct lp_value {
	enum lp_value_kind kind;
	bool cut;	  /* string or collection: there was more */
	bool is_python;	  /* spelt as repr() does, see below */
	bool overrides;	  /* Python: of a class with operators of its own */
	bool is_foreign;  /* Python: of a class whose repr() may be code of its own */
	uint8_t size;	  /* bytes of a scalar in the target: width for hex and masks */
	const char *name; /* member within a STRUCT: NULL for an anonymous struct or union, "<Base>"
			   * for a base class */
	const char *type_name;
	union {
		int64_t s;
		uint64_t u;
		double f;
	};
	const char *str;
	size_t len; /* bytes of str, or number of items */
	struct lp_value *items;
};

/* Of Python: LIST, SET and MAP with a type_name are Name([...]), str is what follows the bracket
 * (a LIST's ", maxlen=3") or comes before it (a MAP's "..., "). TUPLE and STRUCT with a type_name
 * are Name(...), with the names of items that have one. ENUM: str is "Color.RED" and items the
 * value. STRING: WTF-8.
 */

struct lp_named {
	const char *name;      /* template expression as typed, name of a local */
	struct lp_value value; /* LP_VAL_ERROR goes under "errors" */
};

#endif
