// SPDX-License-Identifier: GPL-2.0-only
#include "native/tables.h"

#include <string.h>

#include "native/module.h"

static const char *const table_names[LP_TABLES] = {
	".debug_str",	  ".debug_line_str", ".debug_line",  ".debug_abbrev",
	".debug_aranges", ".debug_info",     ".debug_names", ".symtab",
	".strtab",	  ".dynsym",	     ".dynstr",
};

static void note_section(struct lp_tables *t, Elf_Scn *scn, const char *name)
{
	static const char *const odd[] = { ".zdebug_", ".debug_types", ".debug_sup",
					   ".gnu_debugaltlink", ".gnu_debugdata" };

	for (size_t i = 0; i < LP_TABLES; i++)
		if (!strcmp(name, table_names[i]))
			t->sections[i] = scn;
	for (size_t i = 0; i < LP_ARRAY_SIZE(odd); i++)
		t->odd |= !strncmp(name, odd[i], strlen(odd[i]));
	t->addresses |= !strcmp(name, ".debug_addr");
}

bool lp_tables_open(struct lp_tables *t, int fd, bool copy)
{
	size_t names;
	GElf_Shdr sh;

	t->fd = fd;
	t->elf = fd < 0 ? NULL : elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (!t->elf || elf_getshdrstrndx(t->elf, &names) < 0)
		return false;
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(t->elf, scn));) {
		const char *name =
			gelf_getshdr(scn, &sh) ? elf_strptr(t->elf, names, sh.sh_name) : NULL;

		if (!name)
			return false;
		if (sh.sh_type != SHT_NOBITS)
			note_section(t, scn, name);
	}
	t->has_dwarf = lp_elf_has_dwarf(t->elf);
	t->is_copy = copy;
	if (copy)
		lp_digest_open(&t->digest, t->elf);
	return true;
}

void lp_tables_close(struct lp_tables *t)
{
	if (t->elf)
		elf_end(t->elf);
	if (t->fd >= 0)
		close(t->fd);
	*t = (struct lp_tables){ .fd = -1 };
}

bool lp_tables_read(struct lp_tables *t, enum lp_table table, struct lp_span *ret)
{
	Elf_Scn *scn = t->sections[table];
	GElf_Shdr sh;

	*ret = (struct lp_span){ (const uint8_t *)"", 0 };
	if (!scn)
		return true;
	if (!gelf_getshdr(scn, &sh) ||
	    ((sh.sh_flags & SHF_COMPRESSED) && elf_compress(scn, 0, 0) < 0))
		return false;
	const Elf_Data *data = elf_getdata(scn, NULL);
	if (!data || (!data->d_buf && data->d_size > 0))
		return false;
	if (data->d_size > 0)
		*ret = (struct lp_span){ data->d_buf, data->d_size };
	return true;
}

bool lp_tables_place(const struct lp_tables *t, enum lp_table table, uint64_t *ret,
		     uint64_t *ret_len)
{
	GElf_Shdr sh;

	if (!t->sections[table] || !gelf_getshdr(t->sections[table], &sh) ||
	    (sh.sh_flags & SHF_COMPRESSED))
		return false;
	*ret = sh.sh_offset;
	*ret_len = sh.sh_size;
	return true;
}
