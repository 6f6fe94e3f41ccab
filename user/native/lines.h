/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/lines.h
 *
 * lines - from a source file's name to the addresses where its lines are reached, as the line
 * tables have them. What of that is a place is for reach.c to say.
 */
#ifndef LP_NATIVE_LINES_H
#define LP_NATIVE_LINES_H

#include "native/index.h"

/* A source file that was looked for. */
struct lp_source {
	const char *path; /* the module's */
	bool has_code;
};

/* An address where execution comes to a line from another one. */
struct lp_reached {
	uint64_t addr;
	int line;
	uint32_t path;	 /* index in paths */
	size_t unit;	 /* index in the module's units */
	uint32_t column; /* of the run's first row; 0: not known */
	bool is_stmt;	 /* a recommended place; else no row of that run is one */
};

struct lp_rows {
	LP_VEC(struct lp_source) paths; /* every file that ends in the name, at a slash */
	LP_VEC(struct lp_reached) reached;
};

/* All lines of what `file` may mean. Nothing found is no error. *ret is the module's, and good until
 * another file is looked for.
 */
int lp_rows_find(struct lp_module *m, const char *file, const struct lp_rows **ret,
		 struct lp_err *err);

/* Of a file's name without its folder, so that most units need not be read again for another file. Without the lowest
 * bit, that says something else.
 */
uint32_t lp_file_hash(const char *name);
#define LP_FILE_HAS_ROWS 1u /* that are code, or it is not known */

/* A unit's line table. -ENOENT: it has none. */
int lp_unit_lines(struct lp_module *m, struct lp_unit *unit, struct lp_linetable *ret);

/* Where a DIE is declared; *ret_file is the module's. -ENOENT: it does not say. */
int lp_die_decl(struct lp_module *m, Dwarf_Die *die, const char **ret_file, int *ret_line);

/* Where the frame of a function from low to high is complete: the row that says so (clang), else the second address
 * that has a row of its own (gcc); high where no row tells.
 */
uint64_t lp_module_prologue_end(struct lp_module *m, uint64_t low, uint64_t high);

/* Which of the rows of an address, from 0 on, is a statement of the line. -ENOENT: none. */
int lp_module_line_view(struct lp_module *m, uint64_t vaddr, int line, uint64_t *ret);

/* A path as the unit at an address has it in full, where it was only known in part. */
const char *lp_unit_path(struct lp_module *m, uint64_t vaddr, const char *path);

void lp_decl_files_free(struct lp_decl_files *d);
void lp_row_cache_free(struct lp_row_cache *c);
void lp_found_files_free(struct lp_found_files *f);

/* Whether a sequence's code is in the file at all. */
bool lp_sequence_is_live(struct lp_module *m, const struct lp_line_row *rows);

/* What follows the last slash. */
const char *lp_path_base(const char *path);

/* Does a path end in another, at a slash? */
bool lp_path_ends_in(const char *path, const char *end);

/* Do two paths name one file? Where a unit's folder is only known as "./build", one is the end of
 * the other.
 */
bool lp_path_is_same(const char *a, const char *b);

#endif
