/* SPDX-License-Identifier: GPL-2.0-only */
/* user/python/value.h
 *
 * value - objects of CPython, as copied by a record or as they lie in the live process, to values.
 * Never fails: what can't be read is an LP_VAL_ERROR in its place, what was not copied is `...`.
 */
#ifndef LP_PYTHON_VALUE_H
#define LP_PYTHON_VALUE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/memory.h"
#include "base/value.h"
#include "lp/python.h"

struct lp_py_types; /* what is known of classes, by address */

struct lp_py_reader {
	struct lp_memory *memory; /* the record's blocks */
	struct lp_memory *live;	  /* the process: for classes, which stay as they are; NULL */
	struct lp_arena *arena;	  /* owns the values made */
	const struct lp_py_runtime *runtime;
	struct lp_py_types *types; /* NULL: nothing is remembered */
	uint32_t max_string, max_items, max_depth;
	/* names whose values are not shown, as lp_limits.redact, and how they compare, as
	 * lp_redacted(); NULL: all are shown
	 */
	const char *const *redact;
	bool (*is_redacted)(const char *const *names, const char *name, size_t len);
	/* where a frame is, as lp_python_frame(); NULL: suspended generators don't tell their line */
	bool (*line_of)(void *arg, const struct lp_py_frame *frame, const char **ret_function,
			const char **ret_file, int *ret_line);
	void *line_of_arg;
};

struct lp_py_types *lp_py_types_new(void);
void lp_py_types_free(struct lp_py_types *t);
LP_CLEANUP(struct lp_py_types *, lp_py_types_free)

void lp_py_read_value(const struct lp_py_reader *r, const struct lp_py_value *v,
		      struct lp_value *ret);

/* An exception of a record. */
struct lp_py_exception {
	const char *type; /* as traceback shows it: without builtins and __main__ */
	/* str() of it, a STRING; where that would be code of its own or of its arguments, or where they
	 * can't be had: an ERROR, and args
	 */
	struct lp_value message;
	struct lp_value args;	 /* a TUPLE */
	struct lp_value notes;	 /* a LIST; NULL: there are none */
	struct lp_value members; /* of a group, a TUPLE; NULL: it is none */
};

void lp_py_read_exception(const struct lp_py_reader *r, const struct lp_py_exc *e,
			  struct lp_py_exception *ret);

/* A name as the kernel side compares it (lp/pybody.h): what its table of names that are not shown
 * holds. 0: no name of Python's that it can compare: not UTF-8, or more than LP_PY_NAME_MAX
 * characters without '_' and '-'.
 */
uint64_t lp_py_name_hash(const char *name, size_t len);

/* The whole of a str that is a name, whatever max_string, in the arena; NULL: the record has it not. */
const char *lp_py_name_in(const struct lp_py_reader *r, uint64_t str);

/* What a record has of a frame's code: names, in the arena, and its table of lines. False: nothing. */
struct lp_buf;
struct lp_py_frame;
bool lp_py_code_in(const struct lp_py_reader *r, const struct lp_py_frame *f,
		   const char **ret_function, const char **ret_file, struct lp_buf *ret_table);
/* The line of the frame by such a table; 0: it has none. */
int lp_py_line_in(int minor, const struct lp_py_frame *f, const struct lp_buf *table);

#endif
