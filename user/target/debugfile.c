// SPDX-License-Identifier: GPL-2.0-only
#include "target/debugfile.h"

#include <stdio.h>
#include <string.h>

int lp_debugfile_find_no_elf(Dwfl_Module *mod, void **userdata, const char *name, Dwarf_Addr base,
			     char **file_name, Elf **elf)
{
	(void)mod;
	(void)userdata;
	(void)name;
	(void)base;
	(void)file_name;
	(void)elf;
	return -1;
}

char *lp_debugfile_path_new(const char *root)
{
	char *path;

	/* a colon separates folders there: such a root can't be named */
	if (!root || !*root || !strcmp(root, "/") || strchr(root, ':'))
		return strdup(":.debug:" LP_DEBUG_DIR);
	return asprintf(&path, ":.debug:%s" LP_DEBUG_DIR ":" LP_DEBUG_DIR, root) < 0 ? NULL : path;
}
