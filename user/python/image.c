// SPDX-License-Identifier: GPL-2.0-only
/* What the file of an interpreter tells of it before a process runs it. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "python/impl.h"

static uint32_t version_of(struct lp_symfile *symbols, int fd)
{
	struct lp_elf_symbol sym;
	uint64_t offset, version;

	if (!lp_symfile_find(symbols, "Py_Version", &sym))
		return lp_py_version_in_text(symbols);
	if (lp_symfile_offset(symbols, sym.addr, &offset) < 0 ||
	    pread(fd, &version, sizeof(version), (off_t)offset) != sizeof(version))
		return 0;
	return (uint32_t)version;
}

int lp_python_layout_in(int fd, const char *path, struct lp_py_layout *ret)
{
	lp_auto(lp_symfile_free) struct lp_symfile *symbols = NULL;
	struct lp_elf_symbol sym;

	if (lp_symfile_open(fd, path, "", &symbols, NULL) < 0 ||
	    !lp_symfile_find(symbols, "_PyRuntime", &sym))
		return -ENOENT;
	const uint32_t version = version_of(symbols, fd);
	const struct lp_py_layout *l =
		version >> 24 == 3 ? lp_py_layout_of(version >> 16 & 0xff) : NULL;
	if (!l)
		return -ENOTSUP;
	*ret = *l;
	return 0;
}
