// SPDX-License-Identifier: GPL-2.0-only
/* What a copy is to be, and its contents. */
#include <errno.h>
#include <elfutils/libdwelf.h>
#include <gelf.h>
#include <string.h>
#include <zlib.h>

#include "base/io.h"
#include "base/parallel.h"
#include "native/unpacked_impl.h"

#define PIECE	     ((size_t)256 << 10) /* read and written at once: what a thread needs is twice that */
#define RATIO_MAX    1040		 /* deflate makes at most 1032 bytes of one */
#define ALIGNMENT    16
#define BUILD_ID_MAX 64

int lp_unpacked_pwrite(int fd, const void *data, size_t len, uint64_t at)
{
	for (size_t done = 0; done < len;) {
		const ssize_t n =
			pwrite(fd, (const char *)data + done, len - done, (off_t)(at + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		done += (size_t)n;
	}
	return 0;
}

int lp_unpacked_pread(int fd, void *data, size_t len, uint64_t at)
{
	return lp_io_read(fd, data, len, at) == len ? 0 : -errno;
}

static void elf_done(Elf **elf)
{
	elf_end(*elf);
}
LP_CLEANUP_DONE(Elf *, elf_done)

static bool name_from_build_id(struct lp_unpacked_plan *p, Elf *elf)
{
	const void *id;
	const ssize_t len = dwelf_elf_gnu_build_id(elf, &id);
	char hex[2 * BUILD_ID_MAX + 1] = "";

	if (len <= 0 || len > BUILD_ID_MAX)
		return false;
	for (ssize_t i = 0; i < len; i++)
		snprintf(hex + 2 * i, 3, "%02x", ((const uint8_t *)id)[i]);
	snprintf(p->name, sizeof(p->name), "%s-%llx-%llx.%09ld" LP_UNPACKED_SUFFIX, hex,
		 (unsigned long long)p->st.st_size, (unsigned long long)p->st.st_ctim.tv_sec,
		 p->st.st_ctim.tv_nsec);
	return true;
}

static bool is_inside(const struct lp_unpacked_plan *p, uint64_t at, uint64_t len)
{
	const uint64_t size = (uint64_t)p->st.st_size;

	return at <= size && len <= size - at;
}

/* A compressed section goes behind what is there so far. */
static int unpack_section(struct lp_unpacked_plan *p, Elf64_Shdr *sh)
{
	struct lp_unpacked_part part = { .from = sh->sh_offset + sizeof(Elf64_Chdr),
					 .len = sh->sh_size - sizeof(Elf64_Chdr),
					 .packed = true };
	Elf64_Chdr ch;

	if (sh->sh_size <= sizeof(ch) || !is_inside(p, sh->sh_offset, sh->sh_size) ||
	    lp_unpacked_pread(p->fd, &ch, sizeof(ch), sh->sh_offset) < 0 ||
	    ch.ch_type != ELFCOMPRESS_ZLIB || ch.ch_size / RATIO_MAX > part.len)
		return -ENOENT;
	part.to = (p->size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	part.size = ch.ch_size;
	p->size = part.to + part.size;
	sh->sh_flags &= ~(Elf64_Xword)SHF_COMPRESSED;
	sh->sh_offset = part.to;
	sh->sh_size = part.size;
	sh->sh_addralign = ch.ch_addralign;
	return lp_vec_push(&p->parts, part);
}

static int plan_sections(struct lp_unpacked_plan *p, Elf *elf, uint64_t min)
{
	uint64_t unpacked = 0;
	size_t names;

	if (elf_getshdrstrndx(elf, &names) < 0)
		return -ENOENT;
	for (Elf_Scn *scn = elf_getscn(elf, 0); scn; scn = elf_nextscn(elf, scn)) {
		const Elf64_Shdr *sh = elf64_getshdr(scn);
		const char *name = sh ? elf_strptr(elf, names, sh->sh_name) : NULL;

		if (!sh || lp_vec_push(&p->sections, *sh) < 0)
			return -ENOENT;
		if (name && !strcmp(name, ".gnu_debugaltlink"))
			return -ENOENT;
		if (sh->sh_type != SHT_NOBITS && (sh->sh_flags & SHF_COMPRESSED) && name &&
		    !strncmp(name, ".debug_", 7)) {
			Elf64_Shdr *made = &p->sections.data[p->sections.len - 1];

			if (unpack_section(p, made) < 0)
				return -ENOENT;
			unpacked += made->sh_size;
		}
	}
	return unpacked >= min && unpacked > 0 ? 0 : -ENOENT;
}

static int compare_part(const void *a, const void *b)
{
	const struct lp_unpacked_part *x = a, *y = b;

	return x->from < y->from ? -1 : x->from > y->from;
}

/* All else stays where it is. */
static int plan_rest(struct lp_unpacked_plan *p)
{
	const size_t n = p->parts.len;
	uint64_t at = 0;

	qsort(p->parts.data, n, sizeof(*p->parts.data), compare_part);
	for (size_t i = 0; i <= n; i++) {
		const uint64_t end = i < n ? p->parts.data[i].from : (uint64_t)p->st.st_size;
		const struct lp_unpacked_part rest = { at, end - at, at, end - at, false };

		if (end < at)
			return -ENOENT; /* they overlap */
		at = i < n ? end + p->parts.data[i].len : end;
		if (rest.len > 0 && lp_vec_push(&p->parts, rest) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int plan_file(struct lp_unpacked_plan *p, Elf *elf, uint64_t min)
{
	const Elf64_Ehdr *header = elf_kind(elf) == ELF_K_ELF ? elf64_getehdr(elf) : NULL;

	if (!header || header->e_ident[EI_DATA] != ELFDATA2LSB ||
	    header->e_shentsize != sizeof(Elf64_Shdr))
		return -ENOENT;
	p->header = *header;
	p->size = (uint64_t)p->st.st_size;
	int r = plan_sections(p, elf, min);
	if (r == 0)
		r = plan_rest(p);
	if (r < 0)
		return r;
	if (!name_from_build_id(p, elf))
		return -ENOENT;
	p->sections_at = (p->size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	p->header.e_shoff = p->sections_at;
	p->mark_at = p->sections_at + p->sections.len * sizeof(Elf64_Shdr);
	p->size = p->mark_at + sizeof(struct lp_unpacked_mark);
	return 0;
}

int lp_unpacked_plan_init(struct lp_unpacked_plan *p, int fd, uint64_t min)
{
	lp_auto(elf_done) Elf *elf = NULL;

	*p = (struct lp_unpacked_plan){ .fd = fd };
	elf_version(EV_CURRENT);
	if (fstat(fd, &p->st) < 0 || !S_ISREG(p->st.st_mode))
		return -ENOENT;
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	return elf ? plan_file(p, elf, min) : -ENOENT;
}

void lp_unpacked_plan_done(struct lp_unpacked_plan *p)
{
	lp_vec_done(&p->sections);
	lp_vec_done(&p->parts);
}

void lp_unpacked_mark_init(struct lp_unpacked_mark *mark, const struct lp_unpacked_plan *p,
			   uint64_t digest, const char *boot)
{
	*mark = (struct lp_unpacked_mark){
		.magic = "logpoint copy 2",
		.size = (uint64_t)p->st.st_size,
		.seconds = p->st.st_ctim.tv_sec,
		.nanoseconds = p->st.st_ctim.tv_nsec,
		.digest = digest,
	};
	snprintf(mark->boot, sizeof(mark->boot), "%s", boot);
}

struct writing {
	const struct lp_unpacked_plan *plan;
	int copy;
};

struct inflating {
	z_stream z;
	uint8_t in[PIECE], out[PIECE];
};

static void inflating_free(struct inflating *s)
{
	if (s)
		inflateEnd(&s->z);
	free(s);
}
LP_CLEANUP(struct inflating *, inflating_free)

/* What has been made so far goes to the copy, whenever there is a piece of it, and at the end. */
static int put(struct inflating *s, const struct lp_unpacked_part *part, int copy, bool end,
	       uint64_t *done)
{
	const size_t have = PIECE - s->z.avail_out;

	if (have > part->size - *done)
		return -EBADMSG;
	if (have < PIECE && !end)
		return 0;
	const int r = lp_unpacked_pwrite(copy, s->out, have, part->to + *done);
	*done += have;
	s->z.next_out = s->out;
	s->z.avail_out = PIECE;
	return r;
}

static int inflate_part(const struct writing *w, const struct lp_unpacked_part *part)
{
	lp_auto(inflating_free) struct inflating *s = calloc(1, sizeof(*s));
	uint64_t used = 0, done = 0;
	int r = 0, z = Z_OK;

	if (!s || inflateInit(&s->z) != Z_OK)
		return -ENOMEM;
	s->z.next_out = s->out;
	s->z.avail_out = PIECE;
	while (r == 0 && z != Z_STREAM_END) {
		if (s->z.avail_in == 0) {
			const size_t n = part->len - used < PIECE ? part->len - used : PIECE;

			if (n == 0)
				return -EBADMSG;
			r = lp_unpacked_pread(w->plan->fd, s->in, n, part->from + used);
			used += n;
			s->z.next_in = s->in;
			s->z.avail_in = (uInt)n;
		}
		if (r == 0) {
			z = inflate(&s->z, Z_NO_FLUSH);
			r = z == Z_OK || z == Z_STREAM_END
				    ? put(s, part, w->copy, z == Z_STREAM_END, &done)
				    : -EBADMSG;
		}
	}
	return r == 0 && done != part->size ? -EBADMSG : r;
}

static int copy_part(const struct writing *w, const struct lp_unpacked_part *part)
{
	lp_auto(lp_free) uint8_t *buf = malloc(PIECE);
	int r = buf ? 0 : -ENOMEM;

	for (uint64_t done = 0; r == 0 && done < part->len;) {
		const size_t n = part->len - done < PIECE ? part->len - done : PIECE;

		r = lp_unpacked_pread(w->plan->fd, buf, n, part->from + done);
		if (r == 0)
			r = lp_unpacked_pwrite(w->copy, buf, n, part->to + done);
		done += n;
	}
	return r;
}

static int write_part(size_t i, void *arg)
{
	const struct writing *w = arg;
	const struct lp_unpacked_part *part = &w->plan->parts.data[i];

	return part->packed ? inflate_part(w, part) : copy_part(w, part);
}

static int by_size(const void *a, const void *b)
{
	const struct lp_unpacked_part *x = a, *y = b;

	return x->size > y->size ? -1 : x->size < y->size;
}

int lp_unpacked_write(const struct lp_unpacked_plan *p, int copy)
{
	struct writing w = { p, copy };

	/* the largest is begun first: all else is done beside it */
	qsort(p->parts.data, p->parts.len, sizeof(*p->parts.data), by_size);
	int r = lp_parallel(p->parts.len, write_part, &w);
	if (r == 0)
		r = lp_unpacked_pwrite(copy, &p->header, sizeof(p->header), 0);
	if (r == 0)
		r = lp_unpacked_pwrite(copy, p->sections.data,
				       p->sections.len * sizeof(*p->sections.data), p->sections_at);
	return r;
}
