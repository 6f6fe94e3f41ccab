// SPDX-License-Identifier: GPL-2.0-only
#include "native/location_tls.h"

#include <errno.h>
#include <string.h>

static bool tls_segment(Elf *elf, GElf_Phdr *ret)
{
	size_t n;

	if (elf_getphdrnum(elf, &n) != 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (gelf_getphdr(elf, (int)i, ret) && ret->p_type == PT_TLS)
			return true;
	return false;
}

struct dynamic {
	bool is_pie; /* DF_1_PIE */
	bool is_glibc;
};

static void look_at_names(Elf *elf, Elf_Data *data, size_t strings, size_t n, struct dynamic *ret)
{
	GElf_Dyn dyn;

	for (size_t i = 0; i < n && gelf_getdyn(data, (int)i, &dyn); i++) {
		if (dyn.d_tag == DT_FLAGS_1 && (dyn.d_un.d_val & DF_1_PIE))
			ret->is_pie = true;
		if (dyn.d_tag != DT_NEEDED && dyn.d_tag != DT_SONAME)
			continue;
		const char *name = elf_strptr(elf, strings, dyn.d_un.d_val);
		if (name && (!strcmp(name, "libc.so.6") || !strcmp(name, "ld-linux-x86-64.so.2")))
			ret->is_glibc = true;
	}
}

/* GOT slots of the module's own TLS block, as its relocations say. A slot of a symbol that another
 * module may define instead is none of them.
 */
static bool slot_of(Elf *elf, const GElf_Shdr *shdr, const GElf_Rela *rela, uint64_t offset,
		    struct lp_tls *ret)
{
	size_t kind = GELF_R_TYPE(rela->r_info), index = GELF_R_SYM(rela->r_info);
	Elf_Scn *scn = elf_getscn(elf, shdr->sh_link);
	uint64_t start = 0;
	GElf_Sym sym;

	if (kind != R_X86_64_TPOFF64 && kind != R_X86_64_DTPMOD64)
		return false;
	if (index != 0) {
		if (!scn || !gelf_getsym(elf_getdata(scn, NULL), (int)index, &sym) ||
		    sym.st_shndx == SHN_UNDEF)
			return false;
		bool own = GELF_ST_BIND(sym.st_info) == STB_LOCAL ||
			   GELF_ST_VISIBILITY(sym.st_other) != STV_DEFAULT;
		if (!own && sym.st_value != offset)
			return false;
		start = sym.st_value;
	}
	ret->slot = rela->r_offset;
	ret->kind = kind == R_X86_64_TPOFF64 ? LP_TLS_OFFSET : LP_TLS_MODULE;
	ret->disp = (int64_t)(kind == R_X86_64_TPOFF64 ? offset - start - (uint64_t)rela->r_addend
						       : offset);
	return true;
}

static bool find_slot(Elf *elf, uint64_t offset, struct lp_tls *ret)
{
	Elf_Scn *scn = NULL;

	while ((scn = elf_nextscn(elf, scn)) != NULL) {
		GElf_Shdr shdr;
		GElf_Rela rela;

		if (!gelf_getshdr(scn, &shdr) || shdr.sh_type != SHT_RELA || !shdr.sh_entsize ||
		    !(shdr.sh_flags & SHF_ALLOC))
			continue;

		Elf_Data *data = elf_getdata(scn, NULL);
		size_t n = data ? data->d_size / shdr.sh_entsize : 0;
		for (size_t i = 0; i < n && gelf_getrela(data, (int)i, &rela); i++)
			if (slot_of(elf, &shdr, &rela, offset, ret))
				return true;
	}
	return false;
}

static struct dynamic dynamic_of(Elf *elf)
{
	struct dynamic d = { 0 };
	Elf_Scn *scn = NULL;

	while ((scn = elf_nextscn(elf, scn)) != NULL) {
		GElf_Shdr shdr;
		if (!gelf_getshdr(scn, &shdr) || shdr.sh_type != SHT_DYNAMIC || !shdr.sh_entsize)
			continue;
		Elf_Data *data = elf_getdata(scn, NULL);
		if (data)
			look_at_names(elf, data, shdr.sh_link, data->d_size / shdr.sh_entsize, &d);
	}
	return d;
}

int lp_tls_find(struct lp_module *m, uint64_t offset, struct lp_tls *ret)
{
	struct dynamic d = dynamic_of(m->elf);
	GElf_Phdr tls;

	if (m->machine != EM_X86_64 || !tls_segment(m->elf, &tls) || offset >= tls.p_memsz)
		return -ENOENT;
	if (m->type == ET_EXEC || d.is_pie) {
		/* the block ends at the thread pointer, which is aligned as the segment wants */
		uint64_t align = tls.p_align ? tls.p_align : 1;
		uint64_t pad = (0 - tls.p_vaddr - tls.p_memsz) & (align - 1);
		*ret = (struct lp_tls){ .kind = LP_TLS_FIXED,
					.disp = (int64_t)(offset - tls.p_memsz - pad) };
		return 0;
	}

	struct lp_tls found;
	if (!find_slot(m->elf, offset, &found) || (found.kind == LP_TLS_MODULE && !d.is_glibc))
		return -ENOENT;
	*ret = found;
	return 0;
}
