// SPDX-License-Identifier: GPL-2.0-only
#include "native/module.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "native/index.h"
#include "native/result.h"
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
	for (size_t i = 0; i < LP_MODULE_BLOCKS; i++)
		free(m->blocks[i]);
	if (m->dwfl)
		dwfl_end(m->dwfl);
	if (m->fd >= 0)
		close(m->fd);
	free(m->debug_path);
	free(m->root);
	free(m->path);
	free(m);
}

const char *lp_module_path(const struct lp_module *m)
{
	return m->path;
}

Dwarf *lp_module_dwarf(struct lp_module *m)
{
	Dwarf_Addr bias;

	if (!m->dwarf_tried) {
		m->dwarf_tried = true;
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

static size_t read_file(const struct lp_module *m, uint64_t offset, void *buf, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(m->fd, (char *)buf + done, len - done, (off_t)(offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return done;
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
	(*b)->len = read_file(m, start, (*b)->bytes, sizeof((*b)->bytes));
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
		return read_file(m, first, buf, len);
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
