/* SPDX-License-Identifier: GPL-2.0-only */
/* user/target/memfile.h
 *
 * memfile - the memory of a running process, by /proc/PID/mem. process_vm_readv() pins what it reads, and
 * where a forked process still shares pages with its parent the kernel makes copies of them first
 * (since 5.19). That is memory which the target would not need, and meanwhile the pages can't be read by
 * our own programs in the kernel. So it is for those alone to whom the file is closed: CAP_SYS_PTRACE is
 * enough for it, and not for another user's file.
 * Pages that the process has protected from itself are read like others.
 */
#ifndef LP_TARGET_MEMFILE_H
#define LP_TARGET_MEMFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/auto.h"

/* Opened when it is first read, and anew when the process has executed another program. */
struct lp_memfile {
	pid_t pid;
	int fd;		 /* -1: not open */
	bool is_refused; /* and can't be opened */
};

static inline struct lp_memfile lp_memfile_of(pid_t pid)
{
	return (struct lp_memfile){ .pid = pid, .fd = -1 };
}

void lp_memfile_done(struct lp_memfile *m);
LP_CLEANUP_DONE(struct lp_memfile, lp_memfile_done)

/* The bytes that were read, from addr on; fewer than len where what follows can't be; < 0: none can;
 * 0: the process has ended, or is not ours.
 */
ssize_t lp_memfile_read(struct lp_memfile *m, uint64_t addr, void *buf, size_t len);

#endif
