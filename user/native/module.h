/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/module.h
 *
 * module - one ELF file opened with libdwfl, for native/ alone. Reported at its own link
 * addresses, so that every bias of libdw is 0.
 */
#ifndef LP_NATIVE_MODULE_H
#define LP_NATIVE_MODULE_H

#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <gelf.h>

#include "base/arena.h"
#include "native/native.h"

struct lp_types; /* native/types.h: the cache of types */

struct lp_module {
	char *path;
	char *root;
	Dwfl *dwfl;
	Dwfl_Module *dwfl_module;
	Elf *elf;	       /* the main file: program headers, code, notes, dynamic symbols */
	Dwarf *dwarf;	       /* by lp_module_dwarf() */
	bool dwarf_tried;
	struct lp_arena arena; /* strings of places and the like; lives as long as the module */
	struct lp_types *types; /* by lp_types_get(); freed by lp_types_free() */
	struct lp_module_index *index; /* of lines and functions; freed by lp_module_index_free() */
};

/* Debug information, looked for at the first call; NULL where there is none. */
Dwarf *lp_module_dwarf(struct lp_module *m);

/* The compilation unit whose ranges contain vaddr, also where .debug_aranges is missing. -ENOENT. */
int lp_module_cu_at(struct lp_module *m, uint64_t vaddr, Dwarf_Die *ret);

/* The function symbol (.symtab, of the debug file too, else .dynsym) that contains vaddr. */
const char *lp_module_symbol_at(struct lp_module *m, uint64_t vaddr, GElf_Sym *ret_sym);

/* File offset of a link address through PT_LOAD; -ENOENT outside of the file. */
int lp_module_offset(struct lp_module *m, uint64_t vaddr, uint64_t *ret);

/* Bytes of the file at a link address; returns how many there were. */
size_t lp_module_bytes(struct lp_module *m, uint64_t vaddr, void *buf, size_t len);

#endif
