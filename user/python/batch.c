// SPDX-License-Identifier: GPL-2.0-only
#include "python/batch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>

#include "base/auto.h"
#include "target/maps.h"

#define BATCH 512 /* pieces of one system call; IOV_MAX is 1024 */
#define PAGE  4096
#define PIECE (1u << 20)

static void read_some(pid_t pid, const uint64_t *addrs, size_t n, size_t size, uint8_t *buf)
{
	struct iovec local = { .iov_base = buf, .iov_len = n * size }, remote[BATCH];
	size_t done = 0;

	memset(buf, 0, n * size);
	while (done < n) {
		for (size_t i = done; i < n; i++)
			remote[i - done] = (struct iovec){ (void *)(uintptr_t)addrs[i], size };
		local.iov_base = buf + done * size;
		local.iov_len = (n - done) * size;

		const ssize_t got = process_vm_readv(pid, &local, 1, remote, n - done, 0);
		const size_t whole = got > 0 ? (size_t)got / size : 0;
		done += whole;
		/* the one at which it stopped, and what was read of it */
		if (done < n)
			memset(buf + done++ * size, 0, size);
		if (got < 0 && errno == ESRCH)
			return;
	}
}

void lp_py_read_batch(pid_t pid, const uint64_t *addrs, size_t n, size_t size, void *buf)
{
	for (size_t i = 0; i < n; i += BATCH)
		read_some(pid, addrs + i, n - i < BATCH ? n - i : BATCH, size,
			  (uint8_t *)buf + i * size);
}

struct reading {
	pid_t pid;
	int pagemap; /* -1: all of it is read */
	uint8_t *buf;
	int (*fn)(uint64_t addr, const uint8_t *data, size_t len, void *arg);
	void *arg;
};

/* Bits of /proc/PID/pagemap: the page is in memory, or in swap. */
#define PAGE_IS_THERE (3ull << 62)

static int read_run(struct reading *r, uint64_t start, uint64_t end)
{
	while (start < end) {
		const size_t want = end - start < PIECE ? end - start : PIECE;
		struct iovec local = { .iov_base = r->buf, .iov_len = want };
		struct iovec remote = { .iov_base = (void *)(uintptr_t)start, .iov_len = want };
		const ssize_t got = process_vm_readv(r->pid, &local, 1, &remote, 1, 0);
		const int ret = got > 0 ? r->fn(start, r->buf, (size_t)got, r->arg) : 0;

		if (ret)
			return ret;
		/* a page that went away meanwhile is left out */
		start += got > 0 ? (uint64_t)got : PAGE;
		start -= start % PAGE;
	}
	return 0;
}

/* Reads the runs of pages that are there. A page that never was is none of the program's data, and
 * to read it would have the kernel make one.
 */
static int read_map(struct reading *r, uint64_t start, uint64_t end)
{
	uint64_t flags[PIECE / PAGE];
	int ret = 0;

	for (uint64_t at = start; ret == 0 && at < end;) {
		const size_t n =
			(end - at) / PAGE < PIECE / PAGE ? (end - at) / PAGE : PIECE / PAGE;
		const ssize_t got = r->pagemap < 0 ? -1
						   : pread(r->pagemap, flags, n * sizeof(*flags),
							   (off_t)(at / PAGE * sizeof(*flags)));

		if (got != (ssize_t)(n * sizeof(*flags)))
			memset(flags, 0xff, sizeof(flags));
		for (size_t i = 0, run; ret == 0 && i < n; i += run) {
			const bool there = flags[i] & PAGE_IS_THERE;

			for (run = 1; i + run < n && !(flags[i + run] & PAGE_IS_THERE) == !there;)
				run++;
			if (there)
				ret = read_run(r, at + i * PAGE, at + (i + run) * PAGE);
		}
		at += n * PAGE;
	}
	return ret;
}

/* Memory that objects can be in: no devices, nothing that is shared with the kernel. */
static bool is_data(const struct lp_map *m)
{
	return m->write && strncmp(m->path, "/dev/", 5) != 0 && strncmp(m->path, "[v", 2) != 0;
}

int lp_py_each_piece(pid_t pid, const struct lp_maps *maps,
		     int (*fn)(uint64_t addr, const uint8_t *data, size_t len, void *arg),
		     void *arg)
{
	lp_auto(lp_free) uint8_t *buf = malloc(PIECE);
	lp_auto(lp_close) int pagemap = -1;
	struct reading r = { .pid = pid, .buf = buf, .fn = fn, .arg = arg };
	char path[64];
	int ret = 0;

	if (!buf)
		return -ENOMEM;
	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	pagemap = r.pagemap = open(path, O_RDONLY | O_CLOEXEC);
	lp_vec_each (&maps->all, m)
		if (ret == 0 && is_data(m))
			ret = read_map(&r, m->start, m->end);
	return ret;
}
