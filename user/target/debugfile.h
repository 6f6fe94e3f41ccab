/* SPDX-License-Identifier: GPL-2.0-only */
/* user/target/debugfile.h
 *
 * debugfile - where libdwfl looks for separate debug information of a file that it was given.
 */
#ifndef LP_TARGET_DEBUGFILE_H
#define LP_TARGET_DEBUGFILE_H

#include <elfutils/libdwfl.h>

#define LP_DEBUG_DIR "/usr/lib/debug"

/* Dwfl_Callbacks.find_elf: the main file is the one that was reported; never another. */
int lp_debugfile_find_no_elf(Dwfl_Module *mod, void **userdata, const char *name, Dwarf_Addr base,
			     char **file_name, Elf **elf);

/* Dwfl_Callbacks.debuginfo_path, to be freed: beside the file, then the target's own debug files below
 * root, then ours. root: NULL, "" and "/" are ours. NULL: out of memory.
 */
char *lp_debugfile_path_new(const char *root);

#endif
