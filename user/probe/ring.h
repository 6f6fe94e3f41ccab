/* SPDX-License-Identifier: GPL-2.0-only */
/* user/probe/ring.h
 *
 * ring - BPF ring buffers, read in place and merged. What is written to one of them lies there in the
 * order of writing, which is nearly that of time.
 */
#ifndef LP_PROBE_RING_H
#define LP_PROBE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "lp/limits.h"
#include "lp/record.h"

struct lp_ring {
	uint64_t *consumer;	  /* ours to write */
	const uint64_t *producer; /* the page before data */
	const uint8_t *data; /* once, not twice: a record at the end is put together in `joined` */
	size_t size;
	uint8_t *joined;
	uint64_t read_until; /* all that was written before has been read */

	/* while it is read: positions; the record that is next */
	uint64_t pos, end, done, published;
	const struct lp_record *next;
	size_t len;
};

/* fd: of a map, which is not needed any more. */
int lp_ring_open(struct lp_ring *r, int fd, size_t size, struct lp_err *err);
void lp_ring_close(struct lp_ring *r);
bool lp_ring_is_empty(const struct lp_ring *r);

/* n <= LP_RINGS_MAX. fn gets each record as it lies there, of those that come next in each ring the oldest;
 * what is written meanwhile is left for the next time. fn < 0 stops and is returned, else how many they
 * were. *ret_until: all that was written before has been read. now: before the call.
 */
int lp_rings_drain(struct lp_ring *rings, size_t n, uint64_t now,
		   int (*fn)(const void *record, size_t len, void *arg), void *arg,
		   uint64_t *ret_until);

#endif
