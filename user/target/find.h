/* SPDX-License-Identifier: GPL-2.0-only */
/* user/target/find.h
 *
 * find - which processes a target means: of an executable, of a cgroup, of a systemd unit.
 * A list is a moment's truth: processes come and go while it is made.
 */
#ifndef LP_TARGET_FIND_H
#define LP_TARGET_FIND_H

#include <limits.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/vec.h"

struct lp_pids {
	LP_VEC(pid_t);
};

/* Processes whose executable is this very file, kernel threads and our own left out. */
int lp_find_exe(dev_t dev, ino_t ino, struct lp_pids *ret, struct lp_err *err);

/* Processes in the cgroup's directory and all below it. */
int lp_find_cgroup(const char *dir, struct lp_pids *ret, struct lp_err *err);

/* The directory of a cgroup: as given, else below the cgroup2 mount. Its inode number is the id
 * by which the kernel knows it. -ENOENT: no such cgroup.
 */
int lp_cgroup_open(const char *path, char ret_dir[PATH_MAX], uint64_t *ret_id, struct lp_err *err);

/* The directory of a systemd unit's cgroup ("nginx" means "nginx.service"). -ENOENT: not running;
 * -EINVAL: several units of that name (of several users) run.
 */
int lp_unit_cgroup(const char *unit, char ret_dir[PATH_MAX], struct lp_err *err);

/* Where the cgroup2 hierarchy is mounted, from the text of /proc/self/mountinfo. -ENOENT. */
int lp_cgroup_mount(const char *mountinfo, char ret[PATH_MAX]);

#endif
