/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/unit/native_program.h
 *
 * native_program - small programs that a test compiles itself, and their modules. Each lies in a
 * folder of its own, removed by native_program_done() in teardown.
 */
#ifndef LP_TEST_NATIVE_PROGRAM_H
#define LP_TEST_NATIVE_PROGRAM_H

#include "native/native.h"

struct native_program {
	char dir[64];
	struct lp_module *module;
	struct lp_places places;
	size_t n_inlined;
	struct lp_err err;
};

void native_program_init(struct native_program *p);
void native_program_done(struct native_program *p);

/* That of the test that runs, from the one to the other. */
extern struct native_program program;
int native_setup(void **state);
int native_teardown(void **state);

/* A source file in the folder; also in a folder below it. */
void native_program_write(struct native_program *p, const char *name, const char *text);

/* Runs a shell command in the folder; the test fails where it fails. */
void native_program_run(struct native_program *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* First line of what a command prints, as a number in hex. */
uint64_t native_program_hex(struct native_program *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

bool native_program_has_tool(const char *tool);

/* Opens a file of the folder; the module before is closed. */
void native_program_open(struct native_program *p, const char *name);
void native_program_open_root(struct native_program *p, const char *name, const char *root);

/* Resolves "FILE:LINE", into p->places; errors go to p->err. */
int native_program_line(struct native_program *p, const char *file, int line);
int native_program_function(struct native_program *p, enum lp_location_kind kind, const char *name);
int native_program_location(struct native_program *p, const struct lp_location *at);

/* Address of a symbol, by nm. */
uint64_t native_program_symbol(struct native_program *p, const char *file, const char *name);

#endif
