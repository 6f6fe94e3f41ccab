/* SPDX-License-Identifier: GPL-2.0-only */
/* user/python/lines.h
 *
 * lines - the tables of a code object: the line of each code unit, and what handles exceptions.
 * Bytes come from another process: what is cut short or nonsense ends the table there.
 *
 * Formats: 3.8, 3.9 Objects/lnotab_notes.txt; 3.10 PEP 626; 3.11 on Objects/locations.md and
 * exception_handling_notes.txt.
 */
#ifndef LP_PYTHON_LINES_H
#define LP_PYTHON_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lp_py_bytes {
	const uint8_t *data;
	size_t len;
};

struct lp_py_bytecode {
	int minor; /* 3.minor */
	int firstlineno;
	struct lp_py_bytes units;     /* two bytes each, the opcode first */
	struct lp_py_bytes linetable; /* co_lnotab, co_linetable */
	struct lp_py_bytes handlers;  /* co_exceptiontable, from 3.11 on */
};

struct lp_py_line {
	int line;   /* 0: none */
	bool first; /* of an entry of the table that names another line: up to 3.9 a line begins
		     * nowhere else, but for jumps back
		     */
};

/* ret has an item for each unit: b->units.len / 2. */
void lp_py_lines(const struct lp_py_bytecode *b, struct lp_py_line *ret);

/* Calls fn for each entry, innermost last: units [start, end) are handled at unit target. */
void lp_py_handlers(const struct lp_py_bytecode *b,
		    void (*fn)(uint32_t start, uint32_t end, uint32_t target, void *arg),
		    void *arg);

#endif
