/* SPDX-License-Identifier: GPL-2.0-only */
/* user/base/io.h
 *
 * io - reads at a place in a file that a signal, or a piece that is short, does not end.
 */
#ifndef LP_BASE_IO_H
#define LP_BASE_IO_H

#include <stddef.h>
#include <stdint.h>

/* How many bytes there are, up to len. Where it is fewer errno says why: ENODATA at the file's end. */
size_t lp_io_read(int fd, void *buf, size_t len, uint64_t at);

#endif
