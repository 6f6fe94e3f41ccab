// SPDX-License-Identifier: GPL-2.0-only
#include "target/process.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "target/pages.h"
#include "target/procfs.h"

#define PF_KTHREAD 0x00200000u /* include/linux/sched.h */

int lp_process_parse_stat(const char *text, struct lp_process_info *ret)
{
	const char *open = strchr(text, '('), *close = strrchr(text, ')');
	unsigned int flags;
	unsigned long long start;
	int parent;

	if (!open || !close || close < open || close[1] != ' ')
		return -EINVAL;

	/* proc_pid_stat(5): state 3, ppid 4, flags 9, starttime 22 */
	if (sscanf(close + 2,
		   "%c %d %*d %*d %*d %*d %u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
		   "%*d %*d %llu",
		   &ret->state, &parent, &flags, &start) != 4)
		return -EINVAL;
	ret->parent = parent;
	ret->kernel_thread = flags & PF_KTHREAD;
	ret->start_time = start;
	snprintf(ret->comm, sizeof(ret->comm), "%.*s", (int)(close - open - 1), open + 1);
	return 0;
}

/* Threads can be addressed below /proc too: a user who copied one from `top -H` wants to know. */
static int check_not_thread(pid_t pid, struct lp_err *err)
{
	lp_auto(lp_buf_done) struct lp_buf status = { 0 };
	int tgid;

	int r = lp_procfs_read(pid, "status", &status, err);
	if (r < 0)
		return r;
	const char *line = strstr(status.data, "\nTgid:");
	if (line && sscanf(line, " Tgid: %d", &tgid) == 1 && tgid != pid)
		return lp_err_set(err, EINVAL, "%d is a thread of process %d: use -p %d", (int)pid,
				  tgid, tgid);
	return 0;
}

static int check_program(pid_t pid, struct lp_err *err)
{
	unsigned char ident[EI_NIDENT] = { 0 };
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	lp_auto(lp_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return lp_procfs_error(pid, "exe", errno, err);
	if (pread(fd, ident, sizeof(ident), 0) == sizeof(ident) && ident[EI_CLASS] == ELFCLASS32)
		return lp_err_set(err, EINVAL,
				  "process %d is a 32-bit program: only 64-bit ones are supported",
				  (int)pid);
	return 0;
}

int lp_process_check(pid_t pid, struct lp_process_info *ret, struct lp_err *err)
{
	lp_auto(lp_buf_done) struct lp_buf stat = { 0 };
	struct lp_process_info info = { .pid = pid };

	int r = lp_procfs_read(pid, "stat", &stat, err);
	if (r == -ESRCH)
		return lp_err_set(err, EINVAL, "no process %d", (int)pid);
	if (r < 0)
		return r;
	if (lp_process_parse_stat(stat.data, &info) < 0)
		return lp_err_set(err, EIO, "/proc/%d/stat is not understood", (int)pid);
	if (info.kernel_thread)
		return lp_err_set(err, EINVAL, "process %d (%s) is a thread of the kernel",
				  (int)pid, info.comm);
	if (info.state == 'Z' || info.state == 'X')
		return lp_err_set(err, EINVAL, "process %d (%s) has ended already", (int)pid,
				  info.comm);

	r = check_not_thread(pid, err);
	if (r >= 0)
		r = check_program(pid, err);
	if (r == -ESRCH)
		return lp_err_set(err, EINVAL, "process %d (%s) has just ended", (int)pid,
				  info.comm);
	if (r < 0)
		return r;
	*ret = info;
	return 0;
}

int lp_process_pidfd(pid_t pid, struct lp_err *err)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0); /* close-on-exec by itself */

	if (fd < 0)
		return lp_err_set(err, errno, "pidfd of process %d: %s", (int)pid, strerror(errno));
	return fd;
}

/* On overlayfs and btrfs stat(2) gives other devices than mappings have. There the kernel's word that the
 * path still leads to the file has to do.
 */
static bool same_file(int fd, const struct lp_map *m)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_ino == m->ino && (st.st_dev == m->dev || !m->deleted);
}

/* map_files needs CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE (Linux 5.9), but leads to the mapped file
 * whatever has become of its path; exe needs less, and does so for the executable.
 */
int lp_process_open_map(pid_t pid, const struct lp_map *m, struct lp_err *err)
{
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "/proc/%d/map_files/%llx-%llx", (int)pid,
		 (unsigned long long)m->start, (unsigned long long)m->end);
	int fd = open(path, O_RDONLY | O_CLOEXEC), code = errno;
	if (fd >= 0)
		return fd;

	snprintf(path, sizeof(path), "/proc/%d/root%s", (int)pid, m->path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0 && same_file(fd, m))
		return fd;
	if (fd >= 0)
		close(fd);

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && same_file(fd, m))
		return fd;
	if (fd >= 0)
		close(fd);

	if (code != EPERM && code != EACCES)
		return lp_err_set(err, code, "%s of process %d: %s", m->path, (int)pid,
				  strerror(code));
	return lp_err_set(err, EPERM,
			  "%s: the file was replaced since process %d loaded it; reading the "
			  "loaded one needs CAP_CHECKPOINT_RESTORE",
			  m->path, (int)pid);
}

static bool same_link(pid_t pid, const char *name)
{
	char theirs[64], ours[64];
	struct stat a, b;

	snprintf(theirs, sizeof(theirs), "/proc/%d/%s", (int)pid, name);
	snprintf(ours, sizeof(ours), "/proc/self/%s", name);
	return stat(theirs, &a) < 0 || stat(ours, &b) < 0 ||
	       (a.st_dev == b.st_dev && a.st_ino == b.st_ino);
}

void lp_process_root(pid_t pid, char ret[64])
{
	ret[0] = '\0';
	if (!same_link(pid, "root") || !same_link(pid, "ns/mnt"))
		snprintf(ret, 64, "/proc/%d/root", (int)pid);
}

static int memory_read(struct lp_memory *memory, uint64_t addr, void *buf, size_t len)
{
	struct lp_process_memory *m = (struct lp_process_memory *)memory;

	if (m->keeps)
		return lp_pages_read(m->pages, addr, buf, len);
	return lp_memfile_read(&m->file, addr, buf, len) == (ssize_t)len ? 0 : -EFAULT;
}

/* Page by page: what lies behind the terminator may not be mapped. */
static long memory_read_string(struct lp_memory *memory, uint64_t addr, char *buf, size_t max,
			       int *ret_cut)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), len = 0;

	while (len < max) {
		size_t want = page - (addr + len) % page;
		if (want > max - len)
			want = max - len;

		int r = memory_read(memory, addr + len, buf + len, want);
		if (r < 0 && !len)
			return r;
		if (r < 0)
			break;
		const char *end = memchr(buf + len, '\0', want);
		if (end) {
			*ret_cut = 0;
			return end - buf;
		}
		len += want;
	}
	*ret_cut = 1;
	return (long)len;
}

void lp_process_memory_init(struct lp_process_memory *m, pid_t pid)
{
	*m = (struct lp_process_memory){
		.memory = { .read = memory_read, .read_string = memory_read_string },
		.file = lp_memfile_of(pid),
	};
}

void lp_process_memory_done(struct lp_process_memory *m)
{
	lp_pages_free(m->pages);
	lp_memfile_done(&m->file);
	m->pages = NULL;
	m->keeps = false;
}

int lp_process_memory_keep(struct lp_process_memory *m)
{
	lp_process_memory_forget(m);
	if (!m->pages)
		m->pages = lp_pages_new(&m->file);
	m->keeps = m->pages;
	return m->pages ? 0 : -ENOMEM;
}

void lp_process_memory_forget(struct lp_process_memory *m)
{
	if (m->keeps)
		lp_pages_forget(m->pages);
	m->keeps = false;
}
