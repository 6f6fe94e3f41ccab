/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/unit/native_scoped.h
 *
 * native_scoped - one place of a small program and what is in scope there.
 */
#ifndef LP_TEST_NATIVE_SCOPED_H
#define LP_TEST_NATIVE_SCOPED_H

#include "native_program.h"

struct native_scoped {
	struct native_program program;
	const char *source;
	struct lp_scope *scope;
	struct lp_emit emit; /* of the last native_scoped_locate() */
};

/* As fixtures of a test: *state is the struct native_scoped. */
int native_scoped_setup(void **state);
int native_scoped_teardown(void **state);

/* Compiles source: "gcc -O2 -gdwarf-4". Replaces what was there. */
void native_scoped_build(struct native_scoped *s, const char *command, const char *source);

/* Opens the scope of a function's entry; of the line of the source that contains `mark`; right
 * after a return.
 */
void native_scoped_entry(struct native_scoped *s, const char *function);
void native_scoped_line(struct native_scoped *s, const char *mark);
void native_scoped_leave(struct native_scoped *s, const char *function);
void native_scoped_open(struct native_scoped *s, const struct lp_place *place,
			enum lp_scope_half half);

/* A name that must be in scope. */
struct lp_var native_scoped_var(struct native_scoped *s, const char *name);
bool native_scoped_has(struct native_scoped *s, const char *name);

struct lp_loc native_scoped_locate(struct native_scoped *s, const struct lp_var *v);
struct lp_loc native_scoped_where(struct native_scoped *s, const char *name);

#endif
