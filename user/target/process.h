/* SPDX-License-Identifier: GPL-2.0-only */
/* user/target/process.h
 *
 * process - one running process, seen through /proc: who it is, the files that it runs, its
 * memory. Never stops it, never writes to it.
 */
#ifndef LP_TARGET_PROCESS_H
#define LP_TARGET_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/memory.h"
#include "lp/limits.h"
#include "target/maps.h"
#include "target/memfile.h"

struct lp_process_info {
	pid_t pid;
	char comm[LP_COMM_LEN];
	char state; /* as in /proc/PID/stat: R S D T Z ... */
	pid_t parent;
	uint64_t start_time; /* clock ticks since boot: with pid it names the process for good */
	bool kernel_thread;
};

/* From the text of /proc/PID/stat. -EINVAL where it is not one; no message. */
int lp_process_parse_stat(const char *text, struct lp_process_info *ret);

/* Is this a process that can be logged? -EINVAL: no such process, a thread's id, a kernel thread,
 * a zombie, a 32-bit program; -EPERM: another user's.
 */
int lp_process_check(pid_t pid, struct lp_process_info *ret, struct lp_err *err);

/* A descriptor that polls readable when the process has ended. -ESRCH. */
int lp_process_pidfd(pid_t pid, struct lp_err *err);

/* The very file that is mapped, also where it was deleted or replaced. Returns a descriptor;
 * -EPERM: the path leads elsewhere by now, and these privileges don't reach the mapped one.
 */
int lp_process_open_map(pid_t pid, const struct lp_map *m, struct lp_err *err);

/* "/proc/PID/root" where the process's files are not ours (chroot, mount namespace), else "". */
void lp_process_root(pid_t pid, char ret[64]);

/* The memory of the live process. */
struct lp_process_memory {
	struct lp_memory memory;
	struct lp_memfile file;
	struct lp_pages *pages; /* NULL until they are kept for the first time */
	bool keeps;		/* else every reading is of now */
};
void lp_process_memory_init(struct lp_process_memory *m, pid_t pid);
void lp_process_memory_done(struct lp_process_memory *m);

/* From now on what has been read once is as it was then, until the call of forget. -ENOMEM. */
int lp_process_memory_keep(struct lp_process_memory *m);
void lp_process_memory_forget(struct lp_process_memory *m);

#endif
