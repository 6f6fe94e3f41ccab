// SPDX-License-Identifier: GPL-2.0-only
/* The layout of a BPF ring buffer is the kernel's ABI (include/uapi/linux/bpf.h, kernel/bpf/ringbuf.c):
 * a page with the consumer's position, a page with the producer's, the data. It may be mapped twice
 * in a row, so that no record wraps; once takes half the memory.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "probe/ring.h"

int lp_ring_open(struct lp_ring *r, int fd, size_t size, struct lp_err *err)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

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

bool lp_ring_is_empty(const struct lp_ring *r)
{
	return __atomic_load_n(r->producer, __ATOMIC_ACQUIRE) == *r->consumer;
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

static void publish(struct lp_ring *r)
{
	__atomic_store_n(r->consumer, r->done, __ATOMIC_RELEASE);
	r->published = r->done;
}

/* The record before has been read. The next one; false: there is none, or it is being written. */
static bool advance(struct lp_ring *r)
{
	for (;;) {
		r->done = r->pos;
		if (r->done - r->published >= PUBLISH_BYTES)
			publish(r);
		if (r->pos >= r->end)
			return false;

		const uint8_t *head = r->data + (r->pos & (r->size - 1));
		uint32_t word = __atomic_load_n((const uint32_t *)head, __ATOMIC_ACQUIRE);
		uint32_t len = word & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

		if (word & BPF_RINGBUF_BUSY_BIT)
			return false;

		uint64_t start = r->pos + BPF_RINGBUF_HDR_SZ;
		r->pos = start + LP_ALIGN(len);
		if (word & BPF_RINGBUF_DISCARD_BIT)
			continue;
		r->next = record_at(r, start, len);
		r->len = len;
		if (r->next)
			return true;
	}
}

/* A heap: the first is the one whose next record is the oldest. */
struct heap {
	struct lp_ring *at[LP_RINGS_MAX];
	size_t n;
};

static void sift_down(struct heap *h, size_t i)
{
	struct lp_ring *r = h->at[i];

	for (size_t child; (child = 2 * i + 1) < h->n; i = child) {
		if (child + 1 < h->n && h->at[child + 1]->next->time < h->at[child]->next->time)
			child++;
		if (h->at[child]->next->time >= r->next->time)
			break;
		h->at[i] = h->at[child];
	}
	h->at[i] = r;
}

static void begin(struct lp_ring *rings, size_t n, struct heap *h)
{
	h->n = 0;
	for (size_t i = 0; i < n; i++) {
		struct lp_ring *r = &rings[i];

		r->pos = r->published = *r->consumer;
		/* what comes meanwhile is for the next time: targets could write as fast as we read */
		r->end = __atomic_load_n(r->producer, __ATOMIC_ACQUIRE);
		if (advance(r))
			h->at[h->n++] = r;
	}
	for (size_t i = h->n / 2; i-- > 0;)
		sift_down(h, i);
}

static uint64_t end(struct lp_ring *rings, size_t n, uint64_t now)
{
	uint64_t until = now;

	for (size_t i = 0; i < n; i++) {
		publish(&rings[i]);
		if (rings[i].done == rings[i].end)
			rings[i].read_until = now;
		if (rings[i].read_until < until)
			until = rings[i].read_until;
	}
	return until;
}

int lp_rings_drain(struct lp_ring *rings, size_t n, uint64_t now,
		   int (*fn)(const void *record, size_t len, void *arg), void *arg,
		   uint64_t *ret_until)
{
	struct heap h;
	int count = 0, r = 0;

	for (begin(rings, n, &h); h.n && r >= 0; count++) {
		struct lp_ring *oldest = h.at[0];

		r = fn(oldest->next, oldest->len, arg);
		if (!advance(oldest))
			h.at[0] = h.at[--h.n];
		if (h.n)
			sift_down(&h, 0);
	}
	*ret_until = end(rings, n, now);
	return r < 0 ? r : count;
}
