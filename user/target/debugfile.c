// SPDX-License-Identifier: GPL-2.0-only
#include "target/debugfile.h"

#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"

#define BUILD_ID_MAX 64

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

/* A colon separates folders in a path: such a root can't be named. */
static bool is_ours(const char *root)
{
	return !root || !*root || !strcmp(root, "/") || strchr(root, ':');
}

char *lp_debugfile_path_new(const char *root)
{
	char *path;

	if (is_ours(root))
		return strdup(":.debug:" LP_DEBUG_DIR);
	return asprintf(&path, ":.debug:%s" LP_DEBUG_DIR ":" LP_DEBUG_DIR, root) < 0 ? NULL : path;
}

/* Of the same build-id, or -1. */
static int open_same(const struct lp_debugfile_wanted *w, const char *name)
{
	lp_auto(lp_close) int fd = open(name, O_RDONLY | O_CLOEXEC);
	const void *id;

	if (fd < 0)
		return -1;
	Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	const ssize_t len = elf ? dwelf_elf_gnu_build_id(elf, &id) : -1;
	const bool same = len > 0 && (size_t)len == w->build_id_len &&
			  !memcmp(id, w->build_id, w->build_id_len);
	elf_end(elf);
	return same ? lp_take_fd(&fd) : -1;
}

static int try(const struct lp_debugfile_wanted *w, char **ret_name, const char *format, ...)
{
	lp_auto(lp_free) char *name = NULL;
	va_list args;

	va_start(args, format);
	const int n = vasprintf(&name, format, args);
	va_end(args);
	if (n < 0) {
		name = NULL;
		return -1;
	}
	const int fd = open_same(w, name);
	if (fd >= 0)
		*ret_name = lp_take(name);
	return fd;
}

static int by_build_id(const struct lp_debugfile_wanted *w, const char *folder, char **ret_name)
{
	char hex[2 * BUILD_ID_MAX + 1] = "";

	for (size_t i = 0; i < w->build_id_len; i++)
		snprintf(hex + 2 * i, 3, "%02x", ((const uint8_t *)w->build_id)[i]);
	return try(w, ret_name, "%s/.build-id/%.2s/%s.debug", folder, hex, hex + 2);
}

/* Beside the file, then where folders of debug files have the same tree. */
static int by_name(const struct lp_debugfile_wanted *w, const char *const *folders, size_t n,
		   char **ret_name)
{
	const char *slash = strrchr(w->path, '/');
	lp_auto(lp_free) char *in = slash ? strndup(w->path, (size_t)(slash - w->path)) : NULL;
	lp_auto(lp_free) char *link = NULL;

	if (!in ||
	    asprintf(&link, "%s%s", w->link ? w->link : slash + 1, w->link ? "" : ".debug") < 0) {
		link = NULL;
		return -1;
	}
	int fd = try(w, ret_name, "%s/%s", in, link);
	if (fd < 0)
		fd = try(w, ret_name, "%s/.debug/%s", in, link);
	for (size_t i = 0; fd < 0 && i < n; i++)
		fd = try(w, ret_name, "%s/%s/%s", folders[i], in, link);
	return fd;
}

int lp_debugfile_open(const struct lp_debugfile_wanted *w, char **ret_name)
{
	lp_auto(lp_free) char *below = NULL;
	int fd = -1;

	if (w->build_id_len < 2 || w->build_id_len > BUILD_ID_MAX)
		return -1;
	if (!is_ours(w->root) && asprintf(&below, "%s" LP_DEBUG_DIR, w->root) < 0) {
		below = NULL;
		return -1;
	}
	const char *const folders[] = { below ? below : LP_DEBUG_DIR, LP_DEBUG_DIR };
	const size_t n = below ? 2 : 1;

	for (size_t i = 0; fd < 0 && i < n; i++)
		fd = by_build_id(w, folders[i], ret_name);
	return fd < 0 ? by_name(w, folders, n, ret_name) : fd;
}
