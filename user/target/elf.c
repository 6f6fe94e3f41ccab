// SPDX-License-Identifier: GPL-2.0-only
#include "target/elf.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCRIPT_LINE_MAX 256 /* kernel: BINPRM_BUF_SIZE */

#if defined(__x86_64__)
#define OUR_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define OUR_MACHINE EM_AARCH64
#endif

static bool read_at(int fd, void *buf, size_t len, uint64_t offset)
{
	return offset <= INT64_MAX && pread(fd, buf, len, (off_t)offset) == (ssize_t)len;
}

int lp_elf_info(int fd, struct lp_elf_info *ret, struct lp_err *err)
{
	Elf64_Ehdr eh;

	if (!read_at(fd, &eh, sizeof(eh), 0) || memcmp(eh.e_ident, ELFMAG, SELFMAG))
		return lp_err_set(err, ENOEXEC, "not an ELF file");
	if (eh.e_ident[EI_CLASS] != ELFCLASS64 || eh.e_machine != OUR_MACHINE)
		return lp_err_set(err, ENOEXEC, "a program for another machine or a 32-bit one");

	*ret = (struct lp_elf_info){ .fixed = eh.e_type == ET_EXEC };
	for (unsigned int i = 0; i < eh.e_phnum; i++) {
		Elf64_Phdr ph;

		if (!read_at(fd, &ph, sizeof(ph), eh.e_phoff + (uint64_t)i * sizeof(ph)))
			return lp_err_set(err, ENOEXEC, "a damaged ELF file");
		if (ph.p_type != PT_INTERP || ph.p_filesz < 2 || ph.p_filesz >= sizeof(ret->interp))
			continue;
		if (!read_at(fd, ret->interp, ph.p_filesz, ph.p_offset))
			return lp_err_set(err, ENOEXEC, "a damaged ELF file");
		ret->interp[ph.p_filesz] = '\0';
	}
	return 0;
}

int lp_script_interpreter(int fd, char ret[PATH_MAX])
{
	char line[SCRIPT_LINE_MAX + 1] = { 0 };

	if (pread(fd, line, SCRIPT_LINE_MAX, 0) < 3 || line[0] != '#' || line[1] != '!')
		return -ENOEXEC;

	const char *start = line + 2 + strspn(line + 2, " \t");
	size_t len = strcspn(start, " \t\n");
	if (!len)
		return -ENOEXEC;
	memcpy(ret, start, len);
	ret[len] = '\0';
	return 0;
}

static int try_command(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || access(path, X_OK) < 0)
		return -EACCES;
	return 0;
}

int lp_find_command(const char *command, const char *path, char ret[PATH_MAX], struct lp_err *err)
{
	int worst = -ENOENT;

	if (strchr(command, '/')) {
		snprintf(ret, PATH_MAX, "%s", command);
		int r = try_command(ret);
		return r < 0 ? lp_err_set(err, -r, "%s: %s", command, strerror(-r)) : 0;
	}

	for (const char *dir = path ? path : "/bin:/usr/bin"; dir;) {
		const char *end = strchrnul(dir, ':');
		int len = (int)(end - dir);
		int n = snprintf(ret, PATH_MAX, "%.*s/%s", len ? len : 1, len ? dir : ".", command);

		int r = n < PATH_MAX ? try_command(ret) : -ENOENT;
		if (r == 0)
			return 0;
		if (r == -EACCES)
			worst = r;
		dir = *end ? end + 1 : NULL;
	}
	return lp_err_set(err, -worst, "%s: %s", command,
			  worst == -ENOENT ? "command not found" : strerror(-worst));
}
