/* SPDX-License-Identifier: GPL-2.0-only */
/* user/base/memory.h
 *
 * memory - the target's memory, wherever it comes from: the live process (target/process.h) or
 * the blocks of a record (collect/decode.h). Value readers work over this alone.
 */
#ifndef LP_BASE_MEMORY_H
#define LP_BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

struct lp_memory {
	/* All of the len bytes at addr, or -EFAULT; *buf is undefined then. -ENODATA: the memory of
	 * a record, and this was not copied, so it is not known whether it can be read.
	 */
	int (*read)(struct lp_memory *m, uint64_t addr, void *buf, size_t len);

	/* The C string at addr: up to max bytes without its terminator. Returns the length and sets
	 * *ret_cut where no terminator was seen, or -EFAULT, -ENODATA.
	 */
	long (*read_string)(struct lp_memory *m, uint64_t addr, char *buf, size_t max,
			    int *ret_cut);
};

#endif
