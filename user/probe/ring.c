// SPDX-License-Identifier: GPL-2.0-only
/* The layout of a BPF ring buffer is the kernel's ABI (include/uapi/linux/bpf.h, kernel/bpf/ringbuf.c):
 * a page with the consumer's position, a page with the producer's, the data. It may be mapped twice
 * in a row, so that no record wraps; once takes half the memory.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>

#include "probe/kernel.h"

int lp_ring_open(struct lp_ring *r, int fd, size_t size, struct lp_err *err)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	r->fd = fd;
	r->size = size;
	r->joined = malloc(LP_RECORD_MAX);
	if (!r->joined)
		return lp_err_nomem(err);

	void *p = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return lp_err_set(err, errno, "cannot map the ring buffer: %s", strerror(errno));
	r->consumer = p;

	p = mmap(NULL, page + size, PROT_READ, MAP_SHARED, fd, (off_t)page);
	if (p == MAP_FAILED)
		return lp_err_set(err, errno, "cannot map the ring buffer: %s", strerror(errno));
	r->producer = p;
	r->data = (const uint8_t *)p + page;
	return 0;
}

void lp_ring_close(struct lp_ring *r)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (r->producer)
		munmap((void *)r->producer, page + r->size);
	if (r->consumer)
		munmap(r->consumer, page);
	free(r->joined);
}

/* The len bytes at pos, in one piece. */
static const void *record_at(struct lp_ring *r, uint64_t pos, size_t len)
{
	size_t at = pos & (r->size - 1), first = r->size - at;

	if (len < sizeof(struct lp_record) || len > LP_RECORD_MAX)
		return NULL;
	if (len <= first)
		return r->data + at;
	memcpy(r->joined, r->data + at, first);
	memcpy(r->joined + first, r->data, len - first);
	return r->joined;
}

/* The producer looks at our position when it reserves: it is published seldom. */
#define PUBLISH_BYTES (64 * 1024)

int lp_kernel_drain(struct lp_kernel *k, int (*fn)(const void *record, size_t len, void *arg),
		    void *arg)
{
	struct lp_ring *ring = &k->ring;
	uint64_t pos = *ring->consumer, published = pos;
	/* what comes meanwhile is for the next time: targets could write as fast as we read */
	const uint64_t end = __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE);
	int n = 0, r = 0;

	while (r >= 0 && pos < end) {
		const uint8_t *head = ring->data + (pos & (ring->size - 1));
		uint32_t word = __atomic_load_n((const uint32_t *)head, __ATOMIC_ACQUIRE);
		uint32_t len = word & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

		if (word & BPF_RINGBUF_BUSY_BIT)
			break;

		uint64_t start = pos + BPF_RINGBUF_HDR_SZ;
		pos = start + LP_ALIGN(len);
		const struct lp_record *record = NULL;
		if (!(word & BPF_RINGBUF_DISCARD_BIT))
			record = record_at(ring, start, len);
		if (record && record->point != k->cost_point) {
			r = fn(record, len, arg);
			n++;
		}
		if (pos - published >= PUBLISH_BYTES) {
			__atomic_store_n(ring->consumer, pos, __ATOMIC_RELEASE);
			published = pos;
		}
	}
	__atomic_store_n(ring->consumer, pos, __ATOMIC_RELEASE);
	return r < 0 ? r : n;
}
