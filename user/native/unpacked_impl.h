/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/unpacked_impl.h - what the parts of unpacked share. */
#ifndef LP_NATIVE_UNPACKED_IMPL_H
#define LP_NATIVE_UNPACKED_IMPL_H

#include <elf.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/vec.h"
#include "native/unpacked.h"

#define LP_UNPACKED_SUFFIX                                                                         \
	".logpoint" /* of the copies' names: nothing else in the folder is touched */

/* A part of the original, and where it comes to in the copy. */
struct lp_unpacked_part {
	uint64_t from, len; /* in the original */
	uint64_t to, size;  /* in the copy */
	bool packed;
};

/* The end of a copy, but for its digest. */
struct lp_unpacked_mark {
	char magic[16];
	uint64_t size; /* of the original */
	int64_t seconds, nanoseconds;
	uint64_t digest; /* how long it is that stands behind the mark; 0: there is none */
	char boot[40];	 /* its data may not be on the disk if this boot has ended; "": it is */
};

/* What the copy of a file is to be: only by that is one made and recognised. */
struct lp_unpacked_plan {
	int fd; /* the original, borrowed */
	struct stat st;
	char name[NAME_MAX + 1]; /* in the folder */
	Elf64_Ehdr header;
	LP_VEC(Elf64_Shdr) sections;
	LP_VEC(struct lp_unpacked_part) parts;
	uint64_t sections_at, mark_at, size; /* in the copy */
};

/* -ENOENT: it is not worth one. */
int lp_unpacked_plan_init(struct lp_unpacked_plan *p, int fd, uint64_t min);
void lp_unpacked_plan_done(struct lp_unpacked_plan *p);
LP_CLEANUP_DONE(struct lp_unpacked_plan, lp_unpacked_plan_done)

void lp_unpacked_mark_init(struct lp_unpacked_mark *mark, const struct lp_unpacked_plan *p,
			   uint64_t digest, const char *boot);

/* Writes all of it but the mark. -errno; -EBADMSG: the original is damaged. */
int lp_unpacked_write(const struct lp_unpacked_plan *p, int copy);

int lp_unpacked_pwrite(int fd, const void *data, size_t len, uint64_t at);
int lp_unpacked_pread(int fd, void *data, size_t len, uint64_t at);

#endif
