/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/linetable.h
 *
 * linetable - one line number program (.debug_line, DWARF 2 to 5) as it stands in the file.
 *
 * Beside libdw's for two reasons. Sequences stay apart: libdw sorts the rows of all of them
 * together, and those of functions that the linker dropped (which begin at address 0) would fall
 * between live ones. And the table of files is read without running the program, so that looking
 * for one file in thousands of units costs next to nothing.
 * Facts: DWARF 5, sections 6.2.2 to 6.2.5. Hostile input gives -EBADMSG, never a crash.
 */
#ifndef LP_NATIVE_LINETABLE_H
#define LP_NATIVE_LINETABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/vec.h"

struct lp_span {
	const uint8_t *data;
	size_t len;
};

/* Sections, decompressed, in this machine's byte order. */
struct lp_line_sections {
	struct lp_span line, line_str, str;
};

struct lp_line_file {
	const char *name; /* as in the table; may be absolute */
	uint64_t dir;	  /* index in dirs */
};

struct lp_linetable {
	uint16_t version;
	uint8_t min_length, line_range, opcode_base;
	int8_t line_base;
	bool default_is_stmt;
	const uint8_t *opcode_lengths; /* of standard opcode i: [i - 1] */
	struct lp_span program;
	const char *comp_dir;		   /* borrowed; may be NULL */
	LP_VEC(const char *) dirs;	   /* by the numbers that files use */
	LP_VEC(struct lp_line_file) files; /* by the numbers that rows and DIEs use */
};

struct lp_line_row {
	uint64_t addr;
	uint32_t file;
	int32_t line; /* 0: of no line */
	uint32_t column;
	bool is_stmt;
	bool prologue_end; /* a breakpoint at the function belongs here */
	bool end;	   /* the first byte after the sequence */
};

/* The table at an offset of .debug_line; strings stay in the sections. */
int lp_linetable_init(struct lp_linetable *t, const struct lp_line_sections *s, uint64_t offset,
		      const char *comp_dir);
void lp_linetable_done(struct lp_linetable *t);
LP_CLEANUP_DONE(struct lp_linetable, lp_linetable_done)

/* Full path of a file, normalised: "/src/app/server.c"; malloc()ed. NULL: no such file. */
char *lp_linetable_path(const struct lp_linetable *t, uint64_t file);

/* Takes "//", "." and ".." out of a path, in place. */
void lp_path_normalise(char *path);

/* Calls fn with the rows of each sequence, in the order of the program; the last is its end.
 * What fn returns, where not 0, stops and is returned. -EBADMSG where the program is broken: the
 * sequences before that have been given.
 */
int lp_linetable_run(const struct lp_linetable *t,
		     int (*fn)(const struct lp_line_row *rows, size_t n, void *arg), void *arg);

#endif
