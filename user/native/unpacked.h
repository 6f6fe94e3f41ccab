/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/unpacked.h
 *
 * unpacked - copies of ELF files without the compression of their debug sections, kept in the user's cache.
 * libdw decompresses all of them into memory each time that it opens a file; of a copy it reads the pages that
 * it needs. A copy is the file as it is, but with holes where compressed sections were: these lie behind it.
 *
 * Where: $LOGPOINT_CACHE (empty: nowhere), else $XDG_CACHE_HOME/logpoint, else ~/.cache/logpoint. Folder and
 * files are the user's alone. A copy belongs to the build-id, size and last change (ctime, which only the kernel sets: a
 * build-id and a size can be chosen, as in a container) of the original, has that time itself (so that one written to
 * later is not taken for good), and ends in a mark. It is linked into the folder only when it is whole. Until its
 * data is known to be on the disk it is good for this boot only.
 */
#ifndef LP_NATIVE_UNPACKED_H
#define LP_NATIVE_UNPACKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LP_UNPACKED_MIN	  (UINT64_C(8) << 20) /* bytes of debug sections that make a copy worth it */
#define LP_UNPACKED_TOTAL (UINT64_C(4) << 30) /* of all copies; the least recently used go first */

struct lp_unpacked_opts {
	const char *folder; /* made if it is not there */
	uint64_t min, total;
	bool make; /* a copy that is not there */
};

/* A descriptor of the copy of a file, to be closed, or -1: as the file is not worth one, shares debug information
 * with others (dwz), has no build-id, or for a reason that is told with -v. The file can always be used itself.
 */
int lp_unpacked_open(int fd, const char *path, const struct lp_unpacked_opts *opts);

/* The same, in the folder that the environment says and with the limits above. */
int lp_unpacked_open_default(int fd, const char *path, bool make);

struct lp_unpacked_state {
	char *folder; /* malloc()ed; NULL: there is none */
	char why[64]; /* then */
	size_t copies;
	uint64_t size; /* of all, on the disk */
};

/* What is there now, in the folder that the environment says. */
void lp_unpacked_state(struct lp_unpacked_state *ret);

#endif
