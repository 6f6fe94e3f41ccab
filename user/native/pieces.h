/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/pieces.h
 *
 * pieces - the bytes of a section, compressed or not, one piece after the other: what is looked at
 * once needs no memory for the whole.
 */
#ifndef LP_NATIVE_PIECES_H
#define LP_NATIVE_PIECES_H

#include <libelf.h>
#include <stdint.h>

#include "native/linetable.h"

/* Until fn returns something else than 0, which is returned. -ENOTSUP, -EBADMSG, -ENOMEM: it can't
 * be read, or not to its end.
 */
int lp_section_pieces(Elf *elf, Elf_Scn *scn, int (*fn)(const uint8_t *data, size_t len, void *arg),
		      void *arg);

/* All of a section of a file that libdw has opened, and has decompressed then; empty where it is not there. */
struct lp_span lp_section_named(Elf *elf, const char *name);

#endif
