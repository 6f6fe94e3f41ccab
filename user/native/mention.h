/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/mention.h
 *
 * mention - can a module know a name at all? Told from its tables of strings, of which only those
 * few are decompressed: libdw decompresses all sections when it opens a file, and most modules of
 * a process know nothing of what is looked for. A false "yes" costs time, "no" is never false.
 * What that relies on: gcc (gcc/dwarf2out.cc, find_string_form) puts names into .debug_str unless
 * they fit where their offset would be; clang and rustc put there all. Whatever looks otherwise
 * (Go, split DWARF, type units, dwz's shared files, "-fno-merge-debug-strings") is a "yes".
 */
#ifndef LP_NATIVE_MENTION_H
#define LP_NATIVE_MENTION_H

#include "native/module.h"
#include "native/naming.h"

struct lp_mentions;

bool lp_may_name_function(struct lp_module *m, const char *name);
bool lp_may_have_file(struct lp_module *m, const char *file);

/* Which units can have a DIE with one of the tags (LP_SKIM_TAG()) that is meant by the pattern; good until another one is
 * asked for. NULL: all.
 */
const struct lp_naming *lp_naming_of(struct lp_module *m, const struct lp_name_pattern *p,
				     uint64_t tags);

/* The same, also with the units that only declare one. */
const struct lp_naming *lp_naming_declared_of(struct lp_module *m, const struct lp_name_pattern *p,
					      uint64_t tags);

/* Where all that needs is in the file, and how names stand there; false: it is compressed, or nothing can be said. */
bool lp_naming_file_of(struct lp_module *m, struct lp_naming_file *ret,
		       struct lp_names_known *ret_functions, struct lp_names_known *ret_others);

/* A program, not a library: its users want to know what it has instead. */
bool lp_module_is_program(struct lp_module *m);

void lp_mentions_free(struct lp_mentions *s);

#endif
