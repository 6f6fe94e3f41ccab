// SPDX-License-Identifier: GPL-2.0-only
#include "native/module.h"

#include <dwarf.h>
#include <elfutils/libdwelf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "native/abbrevs.h"
#include "native/index.h"
#include "native/pieces.h"
#include "native/result.h"
#include "native/unpacked.h"
#include "target/debugfile.h"

/* The file's name as we can open it: below the root, if it is the same file there. */
static char *visible_path(int fd, const char *path, const char *root)
{
	lp_auto(lp_free) char *below = NULL;
	struct stat st, st_below;

	if (root && path[0] == '/' && asprintf(&below, "%s%s", root, path) >= 0 &&
	    fstat(fd, &st) == 0 && stat(below, &st_below) == 0 && st.st_dev == st_below.st_dev &&
	    st.st_ino == st_below.st_ino)
		return lp_take(below);
	return strdup(path);
}

static int check_kind(struct lp_module *m, struct lp_err *err)
{
	GElf_Ehdr ehdr;

	if (elf_kind(m->elf) != ELF_K_ELF || !gelf_getehdr(m->elf, &ehdr))
		return lp_err_set(err, ENOEXEC, "%s: not an ELF file: %s", m->path, elf_errmsg(-1));
	if (ehdr.e_type != ET_EXEC && ehdr.e_type != ET_DYN)
		return lp_err_set(err, ENOEXEC, "%s: neither a program nor a shared library",
				  m->path);
	m->type = ehdr.e_type;
	m->machine = ehdr.e_machine;
	return 0;
}

static int report(struct lp_module *m, struct lp_err *err)
{
	lp_auto(lp_free) char *visible = visible_path(m->fd, m->path, m->root);
	lp_auto(lp_close) int fd = fcntl(m->fd, F_DUPFD_CLOEXEC, 0);
	GElf_Addr bias;

	if (!visible)
		return lp_err_nomem(err);
	if (fd < 0)
		return lp_err_set(err, errno, "%s: %s", m->path, strerror(errno));

	m->dwfl = dwfl_begin(&m->callbacks);
	if (!m->dwfl)
		return lp_err_set(err, ENOMEM, "%s: %s", m->path, dwfl_errmsg(-1));
	dwfl_report_begin(m->dwfl);
	/* base 0 on top of p_vaddr: what libdw says are link addresses then */
	m->dwfl_module = dwfl_report_elf(m->dwfl, visible, visible, fd, 0, true);
	if (!m->dwfl_module)
		return lp_err_set(err, ENOEXEC, "%s: %s", m->path, dwfl_errmsg(-1));
	lp_take_fd(&fd);
	dwfl_report_end(m->dwfl, NULL, NULL);
	m->elf = dwfl_module_getelf(m->dwfl_module, &bias);
	if (!m->elf)
		return lp_err_set(err, ENOEXEC, "%s: %s", m->path, dwfl_errmsg(-1));
	if (bias != 0)
		return lp_err_set(err, ENOEXEC, "%s: program headers make no sense", m->path);
	return check_kind(m, err);
}

int lp_module_open(int fd, const char *path, const struct lp_module_opts *opts,
		   struct lp_module **ret, struct lp_err *err)
{
	lp_auto(lp_module_free) struct lp_module *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return lp_err_nomem(err);
	elf_version(EV_CURRENT);
	m->debug_fd = m->copy_fd = -1;
	m->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (m->fd < 0)
		return lp_err_set(err, errno, "%s: %s", path, strerror(errno));
	m->path = strdup(path);
	m->root = opts && opts->root ? strdup(opts->root) : NULL;
	m->debug_path = lp_debugfile_path_new(m->root);
	if (!m->path || !m->debug_path || (opts && opts->root && !m->root))
		return lp_err_nomem(err);
	m->callbacks = (Dwfl_Callbacks){
		.find_elf = lp_debugfile_find_no_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.section_address = dwfl_offline_section_address,
		.debuginfo_path = &m->debug_path,
	};
	r = report(m, err);
	if (r < 0)
		return r;
	*ret = lp_take(m);
	return 0;
}

void lp_module_free(struct lp_module *m)
{
	if (!m)
		return;
	lp_types_free(m->types);
	lp_calls_free(m->calls);
	lp_module_index_free(m->index);
	lp_arena_done(&m->arena);
	if (m->copy) {
		dwarf_end(m->dwarf);
		elf_end(m->copy);
		close(m->copy_fd);
	}
	for (size_t i = 0; i < LP_MODULE_BLOCKS; i++)
		free(m->blocks[i]);
	if (m->dwfl)
		dwfl_end(m->dwfl);
	if (m->debug_fd >= 0)
		close(m->debug_fd);
	if (m->fd >= 0)
		close(m->fd);
	free(m->debug_file);
	free(m->debug_path);
	free(m->root);
	free(m->path);
	free(m);
}

const char *lp_module_path(const struct lp_module *m)
{
	return m->path;
}

static int find_debug_file(struct lp_module *m)
{
	lp_auto(lp_free) char *visible = visible_path(m->fd, m->path, m->root);
	GElf_Word crc;
	struct lp_debugfile_wanted wanted = { .path = visible,
					      .root = m->root,
					      .link = dwelf_elf_gnu_debuglink(m->elf, &crc) };
	const ssize_t len = dwelf_elf_gnu_build_id(m->elf, &wanted.build_id);

	wanted.build_id_len = len > 0 ? (size_t)len : 0;
	return visible ? lp_debugfile_open(&wanted, &m->debug_file) : -1;
}

int lp_module_debug_fd(struct lp_module *m)
{
	if (!m->debug_tried) {
		m->debug_tried = true;
		m->debug_fd = find_debug_file(m);
	}
	return m->debug_fd;
}

static bool first_load(Elf *elf, GElf_Phdr *ret)
{
	size_t n;

	if (elf_getphdrnum(elf, &n) < 0)
		return false;
	for (size_t i = 0; i < n && gelf_getphdr(elf, (int)i, ret); i++)
		if (ret->p_type == PT_LOAD)
			return true;
	return false;
}

static void note_split(uint64_t tag, uint64_t attr, uint64_t form, void *arg)
{
	bool *split = arg;

	(void)tag;
	(void)form;
	*split |= attr == DW_AT_dwo_name || attr == DW_AT_GNU_dwo_name;
}

/* libdw looks for the files that the rest is in (.dwo) beside the one that it has opened, too. */
bool lp_elf_is_split(Elf *elf)
{
	bool split = false;

	return !lp_abbrevs_each(lp_section_named(elf, ".debug_abbrev"), true, note_split, &split) ||
	       split;
}

static Dwarf *open_copy(struct lp_module *m, int original)
{
	lp_auto(lp_close) int fd =
		original < 0 ? -1 : lp_unpacked_open_default(original, m->path, true);
	GElf_Phdr main, debug;

	if (fd < 0)
		return NULL;
	Elf *elf = elf_begin(fd, ELF_C_READ_MMAP_PRIVATE, NULL);
	if (elf)
		lp_digest_open(&m->digest, elf);
	/* one that is laid out otherwise is for libdwfl to tell; there is no digest of one that is split */
	Dwarf *dwarf = elf && first_load(m->elf, &main) && first_load(elf, &debug) &&
				       main.p_vaddr == debug.p_vaddr &&
				       (m->digest.tail || !lp_elf_is_split(elf))
			       ? dwarf_begin_elf(elf, DWARF_C_READ, NULL)
			       : NULL;
	if (!dwarf) {
		m->digest = (struct lp_digest){ 0 };
		elf_end(elf);
		return NULL;
	}
	m->copy = elf;
	m->copy_fd = lp_take_fd(&fd);
	return dwarf;
}

bool lp_elf_has_dwarf(Elf *elf)
{
	size_t names;
	GElf_Shdr sh;

	if (elf_getshdrstrndx(elf, &names) < 0)
		return false;
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn));) {
		const char *name =
			gelf_getshdr(scn, &sh) ? elf_strptr(elf, names, sh.sh_name) : NULL;

		if (name && sh.sh_type != SHT_NOBITS &&
		    (!strcmp(name, ".debug_info") || !strcmp(name, ".debug_line") ||
		     !strcmp(name, ".debug_frame")))
			return true;
	}
	return false;
}

Dwarf *lp_module_dwarf(struct lp_module *m)
{
	Dwarf_Addr bias;

	if (!m->dwarf_tried) {
		m->dwarf_tried = true;
		m->dwarf = open_copy(m, lp_elf_has_dwarf(m->elf) ? m->fd : lp_module_debug_fd(m));
		if (m->dwarf)
			return m->dwarf;
		m->dwarf = dwfl_module_getdwarf(m->dwfl_module, &bias);
		/* a debug file laid out otherwise than its program: prelinked after the split */
		if (m->dwarf && bias != 0)
			m->dwarf = NULL;
	}
	return m->dwarf;
}

bool lp_module_has_dwarf(struct lp_module *m, const char **ret_path)
{
	Dwarf *dwarf = lp_module_dwarf(m);
	const char *main_path = NULL, *debug_path = NULL;
	Dwarf_CU *cu = NULL;

	/* also call frame information alone makes a Dwarf */
	if (!dwarf || dwarf_get_units(dwarf, NULL, &cu, NULL, NULL, NULL, NULL) != 0)
		return false;
	if (ret_path) {
		dwfl_module_info(m->dwfl_module, NULL, NULL, NULL, NULL, NULL, &main_path,
				 &debug_path);
		if (m->copy && !lp_elf_has_dwarf(m->elf))
			debug_path = m->debug_file;
		*ret_path = debug_path ? debug_path : main_path;
	}
	return true;
}

/* The loaded segment whose bytes in the file include vaddr. */
static bool find_segment(struct lp_module *m, uint64_t vaddr, GElf_Phdr *ret)
{
	size_t n;

	if (elf_getphdrnum(m->elf, &n) < 0)
		return false;
	for (size_t i = 0; i < n && gelf_getphdr(m->elf, (int)i, ret); i++)
		if (ret->p_type == PT_LOAD && vaddr >= ret->p_vaddr &&
		    vaddr - ret->p_vaddr < ret->p_filesz)
			return true;
	return false;
}

int lp_module_offset(struct lp_module *m, uint64_t vaddr, uint64_t *ret)
{
	GElf_Phdr ph;

	if (!find_segment(m, vaddr, &ph))
		return -ENOENT;
	*ret = vaddr - ph.p_vaddr + ph.p_offset;
	return 0;
}

/* That offset is in; NULL: no memory. */
static const struct lp_module_block *block_at(struct lp_module *m, uint64_t offset)
{
	const uint64_t start = offset - offset % LP_MODULE_BLOCK;
	struct lp_module_block **b = &m->blocks[start / LP_MODULE_BLOCK % LP_MODULE_BLOCKS];

	if (*b && (*b)->start == start)
		return *b;
	if (!*b && !(*b = malloc(sizeof(**b))))
		return NULL;
	(*b)->start = start;
	(*b)->len = lp_io_read(m->fd, (*b)->bytes, sizeof((*b)->bytes), start);
	return *b;
}

size_t lp_module_bytes(struct lp_module *m, uint64_t vaddr, void *buf, size_t len)
{
	size_t done = 0, n;
	GElf_Phdr ph;

	if (!find_segment(m, vaddr, &ph))
		return 0;
	const uint64_t skip = vaddr - ph.p_vaddr, first = ph.p_offset + skip;
	if (len > ph.p_filesz - skip)
		len = ph.p_filesz - skip;
	if (len > LP_MODULE_BLOCK)
		return lp_io_read(m->fd, buf, len, first);
	for (; done < len; done += n) {
		const struct lp_module_block *b = block_at(m, first + done);
		const uint64_t at = b ? first + done - b->start : 0;

		if (!b || at >= b->len)
			break;
		n = len - done < b->len - at ? len - done : b->len - at;
		memcpy((char *)buf + done, b->bytes + at, n);
	}
	return done;
}

uint64_t lp_module_bias(const struct lp_module *m, uint64_t map_start, uint64_t map_offset)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t bias = map_start - map_offset;
	size_t n;
	GElf_Phdr ph;

	if (elf_getphdrnum(m->elf, &n) < 0)
		return bias;
	for (size_t i = 0; i < n && gelf_getphdr(m->elf, (int)i, &ph); i++) {
		uint64_t first = ph.p_offset & ~(page - 1);

		if (ph.p_type != PT_LOAD || map_offset < first ||
		    map_offset >= ph.p_offset + ph.p_filesz)
			continue;
		bias = map_start - (ph.p_vaddr - ph.p_offset + map_offset);
		/* two segments can share a page of the file: code is what we are asked about */
		if (ph.p_flags & PF_X)
			break;
	}
	return bias;
}
