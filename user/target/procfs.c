// SPDX-License-Identifier: GPL-2.0-only
#include "target/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* A process with 65530 mappings (the default limit) of long paths stays below. */
#define PROCFS_MAX (64u << 20)
#define CHUNK	   16384

int lp_file_read(const char *path, size_t max, struct lp_buf *ret)
{
	lp_auto(lp_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t total = 0;

	if (fd < 0)
		return -errno;
	for (;;) {
		char *room = lp_buf_room(ret, CHUNK);
		if (!room)
			return -ENOMEM;

		ssize_t n = read(fd, room, CHUNK);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		ret->len += (size_t)n;
		ret->data[ret->len] = '\0';
		total += (size_t)n;
		if (!n)
			return 0;
		if (total > max)
			return -EFBIG;
	}
}

int lp_procfs_error(pid_t pid, const char *name, int code, struct lp_err *err)
{
	if (code == EACCES || code == EPERM)
		return lp_err_set(err, EPERM,
				  "process %d belongs to another user: CAP_SYS_PTRACE is missing "
				  "(run as root or as its user)",
				  (int)pid);
	if (code == ESRCH || (code == ENOENT && strcmp(name, "exe")))
		return lp_err_set(err, ESRCH, "no process %d", (int)pid);
	return lp_err_set(err, code, "/proc/%d/%s: %s", (int)pid, name, strerror(code));
}

int lp_procfs_read(pid_t pid, const char *name, struct lp_buf *ret, struct lp_err *err)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	int r = lp_file_read(path, PROCFS_MAX, ret);
	return r < 0 ? lp_procfs_error(pid, name, -r, err) : 0;
}

int lp_procfs_link(pid_t pid, const char *name, char ret[PATH_MAX], struct lp_err *err)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	ssize_t n = readlink(path, ret, PATH_MAX - 1);
	if (n < 0)
		return lp_procfs_error(pid, name, errno, err);
	ret[n] = '\0';
	return 0;
}
