// SPDX-License-Identifier: GPL-2.0-only
#include "target/memfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

void lp_memfile_done(struct lp_memfile *m)
{
	if (m->fd >= 0)
		close(m->fd);
	m->fd = -1;
}

static ssize_t read_pinned(const struct lp_memfile *m, uint64_t addr, void *buf, size_t len)
{
	const struct iovec local = { .iov_base = buf, .iov_len = len };
	const struct iovec remote = { .iov_base = (void *)(uintptr_t)addr, .iov_len = len };
	const ssize_t got = process_vm_readv(m->pid, &local, 1, &remote, 1, 0);

	return got < 0 && errno == ESRCH ? 0 : got;
}

static ssize_t read_file(struct lp_memfile *m, uint64_t addr, void *buf, size_t len)
{
	return m->fd < 0 ? 0 : pread(m->fd, buf, len, (off_t)addr);
}

static void open_file(struct lp_memfile *m)
{
	char path[64];

	lp_memfile_done(m);
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)m->pid);
	m->fd = open(path, O_RDONLY | O_CLOEXEC);
	m->is_refused = m->fd < 0 && errno == EACCES;
}

ssize_t lp_memfile_read(struct lp_memfile *m, uint64_t addr, void *buf, size_t len)
{
	const ssize_t got = read_file(m, addr, buf, len);

	if (got || !len)
		return got;
	/* that address space is gone */
	if (!m->is_refused)
		open_file(m);
	return m->is_refused ? read_pinned(m, addr, buf, len) : read_file(m, addr, buf, len);
}
