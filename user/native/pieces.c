// SPDX-License-Identifier: GPL-2.0-only
#include "native/pieces.h"

#include <errno.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/auto.h"

#define PIECE (64u << 10) /* fits the second-level cache */

static void inflate_done(z_stream *z)
{
	inflateEnd(z);
}
LP_CLEANUP_DONE(z_stream, inflate_done)

static int inflate_pieces(const Elf_Data *raw, size_t skip,
			  int (*fn)(const uint8_t *data, size_t len, void *arg), void *arg)
{
	lp_auto(inflate_done) z_stream z = { 0 };
	lp_auto(lp_free) uint8_t *buf = malloc(PIECE);
	int r = Z_OK;

	if (!buf || inflateInit(&z) != Z_OK)
		return -ENOMEM;
	z.next_in = (Bytef *)raw->d_buf + skip;
	z.avail_in = (uInt)(raw->d_size - skip);
	while (r != Z_STREAM_END) {
		z.next_out = buf;
		z.avail_out = PIECE;
		r = inflate(&z, Z_NO_FLUSH);
		if (r != Z_OK && r != Z_STREAM_END)
			return -EBADMSG;

		const int stop = fn(buf, PIECE - z.avail_out, arg);
		if (stop)
			return stop;
	}
	return 0;
}

static int plain_pieces(const Elf_Data *raw, int (*fn)(const uint8_t *data, size_t len, void *arg),
			void *arg)
{
	int stop = 0;

	for (size_t at = 0; at < raw->d_size && !stop; at += PIECE) {
		const size_t left = raw->d_size - at;

		stop = fn((const uint8_t *)raw->d_buf + at, left < PIECE ? left : PIECE, arg);
	}
	return stop;
}

int lp_section_pieces(Elf *elf, Elf_Scn *scn, int (*fn)(const uint8_t *data, size_t len, void *arg),
		      void *arg)
{
	GElf_Shdr sh;
	GElf_Chdr ch;

	if (!gelf_getshdr(scn, &sh))
		return -EBADMSG;
	if (sh.sh_type == SHT_NOBITS)
		return 0;

	const Elf_Data *raw = elf_rawdata(scn, NULL);
	if (!raw)
		return -EBADMSG;
	if (!(sh.sh_flags & SHF_COMPRESSED))
		return plain_pieces(raw, fn, arg);

	if (!gelf_getchdr(scn, &ch))
		return -EBADMSG;
	const size_t skip =
		gelf_getclass(elf) == ELFCLASS32 ? sizeof(Elf32_Chdr) : sizeof(Elf64_Chdr);
	if (ch.ch_type != ELFCOMPRESS_ZLIB || raw->d_size < skip || raw->d_size > UINT32_MAX)
		return -ENOTSUP;
	return inflate_pieces(raw, skip, fn, arg);
}

struct lp_span lp_section_named(Elf *elf, const char *name)
{
	size_t names;
	GElf_Shdr sh;

	if (elf_getshdrstrndx(elf, &names) < 0)
		return (struct lp_span){ 0 };
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn));) {
		const char *s = gelf_getshdr(scn, &sh) ? elf_strptr(elf, names, sh.sh_name) : NULL;

		if (!s || sh.sh_type == SHT_NOBITS)
			continue;
		/* libdw has decompressed it when it was opened; ".zdebug" is the old name for that */
		if (strcmp(s, name) != 0 && !(s[1] == 'z' && !strcmp(s + 2, name + 1)))
			continue;
		Elf_Data *data = elf_getdata(scn, NULL);
		if (!data || !data->d_buf || (sh.sh_flags & SHF_COMPRESSED))
			continue;
		return (struct lp_span){ data->d_buf, data->d_size };
	}
	return (struct lp_span){ 0 };
}
