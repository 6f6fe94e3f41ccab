// SPDX-License-Identifier: GPL-2.0-only
#include "python/batch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "target/maps.h"
#include "target/memfile.h"

#define PAGE  4096
#define PIECE (1u << 17) /* looked through while it is in the cache */

void lp_py_read_batch(pid_t pid, const uint64_t *addrs, size_t n, size_t size, void *buf)
{
	lp_auto(lp_memfile_done) struct lp_memfile file = lp_memfile_of(pid);
	uint8_t *to = buf;
	ssize_t got = -1;

	memset(buf, 0, n * size);
	for (size_t i = 0; i < n && got; i++, to += size) {
		got = lp_memfile_read(&file, addrs[i], to, size);
		if (got != (ssize_t)size)
			memset(to, 0, size);
	}
}

struct reading {
	struct lp_memfile file;
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
		const ssize_t got = lp_memfile_read(&r->file, start, r->buf, want);
		const int ret = got > 0 ? r->fn(start, r->buf, (size_t)got, r->arg) : 0;

		if (ret || !got)
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
	struct reading r = { .file = lp_memfile_of(pid), .buf = buf, .fn = fn, .arg = arg };
	char path[64];
	int ret = 0;

	if (!buf)
		return -ENOMEM;
	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	pagemap = r.pagemap = open(path, O_RDONLY | O_CLOEXEC);
	lp_vec_each (&maps->all, m)
		if (ret == 0 && is_data(m))
			ret = read_map(&r, m->start, m->end);
	lp_memfile_done(&r.file);
	return ret;
}
