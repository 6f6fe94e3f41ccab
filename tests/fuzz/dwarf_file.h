/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/fuzz/dwarf_file.h
 *
 * dwarf_file - an ELF file in memory with the debug information that a fuzz target wants.
 */
#ifndef LP_FUZZ_DWARF_FILE_H
#define LP_FUZZ_DWARF_FILE_H

#include <elf.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "native/index.h"
#include "native/types.h"

struct dwarf_file {
	struct lp_buf bytes;
	struct lp_module module;
};

static const char dwarf_file_names[] = "\0.debug_info\0.debug_abbrev\0.shstrtab\0.text";

static void dwarf_file_section(Elf64_Shdr *h, struct lp_buf *b, uint32_t name, const void *data,
			       size_t len)
{
	*h = (Elf64_Shdr){ .sh_name = name,
			   .sh_type = SHT_PROGBITS,
			   .sh_offset = b->len,
			   .sh_size = len,
			   .sh_addralign = 1 };
	lp_buf_add(b, data, len);
}

/* info: what follows the unit's header, of DWARF 5; abbrev: the whole section. */
static int dwarf_file_open(struct dwarf_file *f, const void *info, size_t info_len,
			   const void *abbrev, size_t abbrev_len)
{
	Elf64_Ehdr ehdr = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
					 ELFDATA2LSB, EV_CURRENT },
			    .e_type = ET_DYN,
			    .e_machine = EM_X86_64,
			    .e_version = EV_CURRENT,
			    .e_ehsize = sizeof(ehdr),
			    .e_shentsize = sizeof(Elf64_Shdr),
			    .e_shnum = 4,
			    .e_shstrndx = 3 };
	struct {
		uint32_t length;
		uint16_t version;
		uint8_t type, address_size;
		uint32_t abbrev;
	} __attribute__((packed)) header = { (uint32_t)info_len + 8, 5, 1, 8, 0 };
	lp_auto(lp_buf_done) struct lp_buf unit = { 0 };
	Elf64_Shdr sections[4] = { 0 };

	*f = (struct dwarf_file){ 0 };
	lp_buf_add(&unit, &header, sizeof(header));
	lp_buf_add(&unit, info, info_len);
	lp_buf_add(&f->bytes, &ehdr, sizeof(ehdr));
	dwarf_file_section(&sections[1], &f->bytes, 1, unit.data, unit.len);
	dwarf_file_section(&sections[2], &f->bytes, 13, abbrev, abbrev_len);
	dwarf_file_section(&sections[3], &f->bytes, 27, dwarf_file_names, sizeof(dwarf_file_names));
	sections[3].sh_type = SHT_STRTAB;
	while (f->bytes.len % 8)
		lp_buf_char(&f->bytes, 0);
	((Elf64_Ehdr *)f->bytes.data)->e_shoff = f->bytes.len;
	lp_buf_add(&f->bytes, sections, sizeof(sections));

	elf_version(EV_CURRENT);
	f->module.machine = EM_X86_64;
	f->module.type = ET_DYN;
	f->module.dwarf_tried = true;
	f->module.elf = elf_memory(f->bytes.data, f->bytes.len);
	f->module.dwarf = dwarf_begin_elf(f->module.elf, DWARF_C_READ, NULL);
	return f->module.dwarf ? 0 : -1;
}

static void dwarf_file_close(struct dwarf_file *f)
{
	lp_types_free(f->module.types);
	lp_module_index_free(f->module.index);
	lp_arena_done(&f->module.arena);
	dwarf_end(f->module.dwarf);
	elf_end(f->module.elf);
	lp_buf_done(&f->bytes);
}

#endif
