/* SPDX-License-Identifier: GPL-2.0-only */
/* user/python/batch.h
 *
 * batch - many pieces of a process's memory at once.
 */
#ifndef LP_PYTHON_BATCH_H
#define LP_PYTHON_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Reads `size` bytes at each of n addresses into buf, one behind the other. What can't be read, or
 * not as much, is zeroed in place.
 */
void lp_py_read_batch(pid_t pid, const uint64_t *addrs, size_t n, size_t size, void *buf);

/* Goes through the writable memory that is there, piece by piece; what was never touched is left
 * out. data is aligned to 8 and good until fn returns. fn != 0 stops and is returned. -ESRCH...
 */
struct lp_maps;
int lp_py_each_piece(pid_t pid, const struct lp_maps *maps,
		     int (*fn)(uint64_t addr, const uint8_t *data, size_t len, void *arg),
		     void *arg);

#endif
