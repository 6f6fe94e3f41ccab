/* SPDX-License-Identifier: GPL-2.0-only */
/* user/target/debugfile.h
 *
 * debugfile - where separate debug information of a file is: where libdwfl looks, and a look of our own.
 */
#ifndef LP_TARGET_DEBUGFILE_H
#define LP_TARGET_DEBUGFILE_H

#include <elfutils/libdwfl.h>
#include <stddef.h>

#define LP_DEBUG_DIR "/usr/lib/debug"

/* Dwfl_Callbacks.find_elf: the main file is the one that was reported; never another. */
int lp_debugfile_find_no_elf(Dwfl_Module *mod, void **userdata, const char *name, Dwarf_Addr base,
			     char **file_name, Elf **elf);

/* Dwfl_Callbacks.debuginfo_path, to be freed: beside the file, then the target's own debug files below
 * root, then ours. root: NULL, "" and "/" are ours. NULL: out of memory.
 */
char *lp_debugfile_path_new(const char *root);

/* What is looked for: the debug information of a file. */
struct lp_debugfile_wanted {
	const char *path, *root; /* of the file, as we can open it; root as above */
	const char *link;	 /* its .gnu_debuglink; NULL: none */
	const void *build_id;
	size_t build_id_len;
};

/* The file of the same build-id, in the folders and the order of libdwfl, which would open it for good and decompress it, but
 * neither one without a build-id nor by debuginfod. *ret_name is malloc()ed. -1: there is none.
 */
int lp_debugfile_open(const struct lp_debugfile_wanted *w, char **ret_name);

#endif
