/* SPDX-License-Identifier: GPL-2.0-only */
/* user/target/maps.h
 *
 * maps - what a process has mapped: /proc/PID/maps (proc(5)), parsed.
 * Lines that do not look like the kernel's are skipped; nothing else of the text is trusted.
 */
#ifndef LP_TARGET_MAPS_H
#define LP_TARGET_MAPS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"

struct lp_map {
	uint64_t start, end;
	uint64_t offset; /* of start, in the file */
	dev_t dev;	 /* as the kernel says; on some filesystems not what stat(2) says */
	ino_t ino;	 /* 0: no file */
	bool exec, write;
	bool deleted;	  /* the path led elsewhere or nowhere when the map was read */
	const char *path; /* in the process's mount namespace; "[vdso]"; "" for anonymous memory */
};

struct lp_maps {
	LP_VEC(struct lp_map) all;
	struct lp_buf text; /* owns the paths */
};

void lp_maps_done(struct lp_maps *m);
LP_CLEANUP_DONE(struct lp_maps, lp_maps_done)

/* Takes m->text apart, in place. -ENOMEM. */
int lp_maps_parse(struct lp_maps *m, struct lp_err *err);

/* -ESRCH: no such process (any more); -EPERM: not ours to see. */
int lp_maps_read(pid_t pid, struct lp_maps *ret, struct lp_err *err);

/* What the kernel itself calls a file, which on overlayfs and btrfs is not what fstat(2) says: as in mappings. */
int lp_maps_identify(int fd, dev_t *ret_dev, ino_t *ret_ino, struct lp_err *err);

/* A mapping of a file from which code can run: not the vdso, not anonymous memory. */
bool lp_map_is_code(const struct lp_map *m);

#endif
