/* SPDX-License-Identifier: GPL-2.0-only */
/* user/target/procfs.h
 *
 * procfs - reading files below /proc/PID, with messages that say what lacks.
 */
#ifndef LP_TARGET_PROCFS_H
#define LP_TARGET_PROCFS_H

#include <limits.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/* The whole file, appended. -ESRCH: no such process; -EPERM: not ours to see. */
int lp_procfs_read(pid_t pid, const char *name, struct lp_buf *ret, struct lp_err *err);

/* Where a link of /proc/PID leads. -ENOENT for a kernel thread's exe. */
int lp_procfs_link(pid_t pid, const char *name, char ret[PATH_MAX], struct lp_err *err);

/* The error for errno `code` at /proc/PID/name. */
int lp_procfs_error(pid_t pid, const char *name, int code, struct lp_err *err);

/* A whole regular or virtual file, appended; at most max bytes. -errno without a message. */
int lp_file_read(const char *path, size_t max, struct lp_buf *ret);

#endif
