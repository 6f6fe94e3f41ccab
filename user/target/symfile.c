// SPDX-License-Identifier: GPL-2.0-only
#include "target/symfile.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwelf.h>
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "target/debugfile.h"

struct lp_symfile {
	int fd;
	Elf *elf;
	char *path, *root, *debug_path;
	bool has_symtab;
	/* made when the debug file is asked for */
	bool debug_tried;
	Dwfl_Callbacks callbacks;
	Dwfl *dwfl;
	int debug_fd; /* of a file found by build-id */
	Elf *debug;   /* its, or dwfl's */
};

static Elf_Scn *find_section(Elf *elf, uint32_t type, const char *name, GElf_Shdr *ret)
{
	size_t names;

	if (elf_getshdrstrndx(elf, &names) < 0)
		return NULL;
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn));) {
		if (!gelf_getshdr(scn, ret))
			continue;
		const char *have = elf_strptr(elf, names, ret->sh_name);
		if (name ? have && !strcmp(have, name) : ret->sh_type == type)
			return scn;
	}
	return NULL;
}

int lp_symfile_open(int fd, const char *path, const char *root, struct lp_symfile **ret,
		    struct lp_err *err)
{
	lp_auto(lp_symfile_free) struct lp_symfile *s = calloc(1, sizeof(*s));
	GElf_Shdr sh;

	if (!s)
		return lp_err_nomem(err);
	elf_version(EV_CURRENT);
	s->debug_fd = -1;
	s->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (s->fd < 0)
		return lp_err_set(err, errno, "%s: %s", path, strerror(errno));
	/* a file below another root: the debug file beside it is there too */
	if (asprintf(&s->path, "%s%s", root, path) < 0)
		s->path = NULL;
	s->debug_path = lp_debugfile_path_new(root);
	s->root = strdup(root);
	if (!s->path || !s->root || !s->debug_path)
		return lp_err_nomem(err);
	s->elf = elf_begin(s->fd, ELF_C_READ_MMAP, NULL);
	if (!s->elf || elf_kind(s->elf) != ELF_K_ELF || gelf_getclass(s->elf) != ELFCLASS64)
		return lp_err_set(err, ENOEXEC, "%s: not a 64-bit ELF file", path);
	s->has_symtab = find_section(s->elf, SHT_SYMTAB, NULL, &sh);
	*ret = lp_take(s);
	return 0;
}

void lp_symfile_free(struct lp_symfile *s)
{
	if (!s)
		return;
	if (s->debug_fd >= 0 && s->debug)
		elf_end(s->debug);
	if (s->debug_fd >= 0)
		close(s->debug_fd);
	if (s->dwfl)
		dwfl_end(s->dwfl);
	if (s->elf)
		elf_end(s->elf);
	if (s->fd >= 0)
		close(s->fd);
	free(s->debug_path);
	free(s->root);
	free(s->path);
	free(s);
}

static int each_of(Elf *elf, uint32_t type, int (*fn)(const struct lp_elf_symbol *sym, void *arg),
		   void *arg)
{
	GElf_Shdr sh;
	GElf_Sym sym;
	Elf_Scn *scn = find_section(elf, type, NULL, &sh);
	Elf_Data *data = scn ? elf_getdata(scn, NULL) : NULL;

	if (!data || !sh.sh_entsize)
		return 0;
	for (int i = 0; gelf_getsym(data, i, &sym); i++) {
		const int kind = GELF_ST_TYPE(sym.st_info);

		if (sym.st_shndx == SHN_UNDEF || sym.st_shndx == SHN_ABS ||
		    (kind != STT_OBJECT && kind != STT_FUNC && kind != STT_NOTYPE))
			continue;
		struct lp_elf_symbol one = {
			.name = elf_strptr(elf, sh.sh_link, sym.st_name),
			.addr = sym.st_value,
			.size = sym.st_size,
			.is_code = kind == STT_FUNC,
		};
		int r = one.name && *one.name ? fn(&one, arg) : 0;
		if (r)
			return r;
	}
	return 0;
}

int lp_symfile_each(struct lp_symfile *s, int (*fn)(const struct lp_elf_symbol *sym, void *arg),
		    void *arg)
{
	int r = each_of(s->elf, SHT_DYNSYM, fn, arg);

	return r ? r : each_of(s->elf, SHT_SYMTAB, fn, arg);
}

/* The usual case by hand: libdwfl would read all of the debug information for its symbols. */
static bool open_by_build_id(struct lp_symfile *s, const char *root)
{
	const unsigned char *id;
	char path[PATH_MAX];
	ssize_t len = dwelf_elf_gnu_build_id(s->elf, (const void **)&id);
	GElf_Shdr sh;

	if (len < 2 || len > 64)
		return false;
	size_t n = (size_t)snprintf(path, sizeof(path), "%s" LP_DEBUG_DIR "/.build-id/%02x/", root,
				    id[0]);
	for (ssize_t i = 1; i < len && n < sizeof(path); i++)
		n += (size_t)snprintf(path + n, sizeof(path) - n, "%02x", id[i]);
	if (n < sizeof(path))
		n += (size_t)snprintf(path + n, sizeof(path) - n, ".debug");
	if (n >= sizeof(path))
		return false;
	s->debug_fd = open(path, O_RDONLY | O_CLOEXEC);
	s->debug = s->debug_fd >= 0 ? elf_begin(s->debug_fd, ELF_C_READ_MMAP, NULL) : NULL;
	if (s->debug && find_section(s->debug, SHT_SYMTAB, NULL, &sh))
		return true;
	if (s->debug)
		elf_end(s->debug);
	if (s->debug_fd >= 0)
		close(s->debug_fd);
	s->debug = NULL;
	s->debug_fd = -1;
	return false;
}

static Elf *find_debug(struct lp_symfile *s)
{
	Dwarf_Addr bias;

	s->callbacks = (Dwfl_Callbacks){
		.find_elf = lp_debugfile_find_no_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.section_address = dwfl_offline_section_address,
		.debuginfo_path = &s->debug_path,
	};
	s->dwfl = dwfl_begin(&s->callbacks);
	int fd = s->dwfl ? fcntl(s->fd, F_DUPFD_CLOEXEC, 0) : -1;
	if (fd < 0)
		return NULL;
	dwfl_report_begin(s->dwfl);
	Dwfl_Module *mod = dwfl_report_elf(s->dwfl, s->path, s->path, fd, 0, true);
	if (!mod)
		close(fd);
	dwfl_report_end(s->dwfl, NULL, NULL);
	Dwarf *dwarf = mod ? dwfl_module_getdwarf(mod, &bias) : NULL;
	/* a bias: laid out otherwise than its program, prelinked after the split */
	return dwarf && bias == 0 ? dwarf_getelf(dwarf) : NULL;
}

static Elf *debug_file(struct lp_symfile *s)
{
	if (!s->debug_tried) {
		s->debug_tried = true;
		if (!(*s->root && open_by_build_id(s, s->root)) && !open_by_build_id(s, ""))
			s->debug = find_debug(s);
	}
	return s->debug;
}

int lp_symfile_each_debug(struct lp_symfile *s,
			  int (*fn)(const struct lp_elf_symbol *sym, void *arg), void *arg)
{
	if (s->has_symtab || !debug_file(s))
		return 0;
	return each_of(s->debug, SHT_SYMTAB, fn, arg);
}

struct search {
	const char *name;
	struct lp_elf_symbol *ret;
};

static int match(const struct lp_elf_symbol *sym, void *arg)
{
	struct search *search = arg;

	if (strcmp(sym->name, search->name))
		return 0;
	*search->ret = *sym;
	return 1;
}

bool lp_symfile_find(struct lp_symfile *s, const char *name, struct lp_elf_symbol *ret)
{
	return lp_symfile_each(s, match, &(struct search){ .name = name, .ret = ret }) > 0;
}

bool lp_symfile_is_complete(struct lp_symfile *s)
{
	GElf_Shdr sh;

	return s->has_symtab || (debug_file(s) && find_section(s->debug, SHT_SYMTAB, NULL, &sh));
}

uint64_t lp_symfile_bias(struct lp_symfile *s, const struct lp_map *m)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t bias = m->start - m->offset;
	size_t n;
	GElf_Phdr ph;

	if (elf_getphdrnum(s->elf, &n) < 0)
		return bias;
	for (size_t i = 0; i < n && gelf_getphdr(s->elf, (int)i, &ph); i++) {
		uint64_t first = ph.p_offset & ~(page - 1);

		if (ph.p_type != PT_LOAD || m->offset < first ||
		    m->offset >= ph.p_offset + ph.p_filesz)
			continue;
		bias = m->start - (ph.p_vaddr - ph.p_offset + m->offset);
		/* two segments can share a page of the file */
		if (!(ph.p_flags & PF_X) == !m->exec)
			break;
	}
	return bias;
}

int lp_symfile_offset(struct lp_symfile *s, uint64_t addr, uint64_t *ret)
{
	size_t n;
	GElf_Phdr ph;

	if (elf_getphdrnum(s->elf, &n) < 0)
		return -ENOENT;
	for (size_t i = 0; i < n && gelf_getphdr(s->elf, (int)i, &ph); i++) {
		if (ph.p_type != PT_LOAD || addr < ph.p_vaddr || addr - ph.p_vaddr >= ph.p_filesz)
			continue;
		*ret = addr - ph.p_vaddr + ph.p_offset;
		return 0;
	}
	return -ENOENT;
}

const void *lp_symfile_section(struct lp_symfile *s, const char *name, uint64_t *ret_addr,
			       size_t *ret_len)
{
	GElf_Shdr sh;
	Elf_Scn *scn = find_section(s->elf, 0, name, &sh);
	Elf_Data *data = scn && sh.sh_type != SHT_NOBITS ? elf_rawdata(scn, NULL) : NULL;

	if (!data || !data->d_buf)
		return NULL;
	*ret_addr = sh.sh_addr;
	*ret_len = data->d_size;
	return data->d_buf;
}

/* .eh_frame_hdr (Linux Standard Base): a sorted table of {function, entry}, relative to itself */
struct frame_header {
	uint8_t version, frame_encoding, count_encoding, table_encoding;
	int32_t frame;
	uint32_t count;
	struct {
		int32_t function, entry;
	} table[];
};

int lp_symfile_frame(struct lp_symfile *s, uint64_t addr, uint64_t *ret_from, uint64_t *ret_to)
{
	uint64_t base;
	size_t len;
	const struct frame_header *h = lp_symfile_section(s, ".eh_frame_hdr", &base, &len);

	if (!h || len < sizeof(*h) || h->version != 1 || h->count_encoding != DW_EH_PE_udata4 ||
	    h->table_encoding != (DW_EH_PE_datarel | DW_EH_PE_sdata4) ||
	    h->count > (len - sizeof(*h)) / sizeof(h->table[0]))
		return -ENOENT;
	const size_t next = lp_partition_point(
		h->count, i, base + (uint64_t)(int64_t)h->table[i].function <= addr);
	if (next == 0 || next == h->count)
		return -ENOENT;
	*ret_from = base + (uint64_t)(int64_t)h->table[next - 1].function;
	*ret_to = base + (uint64_t)(int64_t)h->table[next].function;
	return 0;
}
