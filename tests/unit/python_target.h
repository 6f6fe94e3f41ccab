/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/unit/python_target.h
 *
 * python_target - programs of real interpreters for tests. A program says what is true of it, line
 * by line on its standard output, and waits on its standard input. Interpreters are found, not
 * required.
 */
#ifndef LP_TEST_PYTHON_TARGET_H
#define LP_TEST_PYTHON_TARGET_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct python_target {
	pid_t pid;
	FILE *in, *out;
	char line[1024]; /* the latest line, without its end */
};

#define PYTHONS_MAX 16

/* Paths of the release builds of 3.8 and later: of LOGPOINT_PYTHONS (separated by spaces), pyenv
 * and /usr/bin, each file once.
 */
size_t python_find(char ret[PYTHONS_MAX][256]);

/* Starts `python -c script` (or any program, with script as its only argument after -c). */
void python_start(struct python_target *t, const char *python, const char *script);
void python_stop(struct python_target *t);

/* The next line; the test fails where there is none. */
const char *python_line(struct python_target *t);
/* The next line is "name value": the value, decimal. */
int64_t python_number(struct python_target *t, const char *name);
/* Lets a program that waits in input() go on. */
void python_go_on(struct python_target *t);

#endif
