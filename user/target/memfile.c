// SPDX-License-Identifier: GPL-2.0-only
#include "target/memfile.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

void lp_memfile_done(struct lp_memfile *m)
{
	if (m->fd >= 0)
		close(m->fd);
	m->fd = -1;
}

static int open_memory(struct lp_memfile *m)
{
	char path[64];

	lp_memfile_done(m);
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)m->pid);
	m->fd = open(path, O_RDONLY | O_CLOEXEC);
	return m->fd;
}

ssize_t lp_memfile_read(struct lp_memfile *m, uint64_t addr, void *buf, size_t len)
{
	const ssize_t got = m->fd < 0 ? 0 : pread(m->fd, buf, len, (off_t)addr);

	/* 0: that address space is gone */
	if (got || !len || open_memory(m) < 0)
		return got;
	return pread(m->fd, buf, len, (off_t)addr);
}
