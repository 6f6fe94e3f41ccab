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
#include "native/digest.h"
#include "native/native.h"

struct lp_types;	/* native/types.h: the cache of types */
struct lp_calls;	/* native/result.h: calls by unit */
struct lp_callers;	/* native/callers.h: who calls a function */
struct lp_module_index; /* native/index.h: symbols, units, lines */

/* Of the file, as lp_module_bytes() has read it: who looks something up in a table reads what lies near. */
#define LP_MODULE_BLOCK	 16384
#define LP_MODULE_BLOCKS 8
struct lp_module_block {
	uint64_t start; /* a multiple of its size */
	size_t len;	/* less where the file ends */
	uint8_t bytes[LP_MODULE_BLOCK];
};

struct lp_module {
	char *path;
	char *root;
	int fd; /* our own, for lp_module_bytes() */
	struct lp_module_block
		*blocks[LP_MODULE_BLOCKS]; /* by number, modulo; NULL: not used yet */
	Dwfl *dwfl;
	Dwfl_Module *dwfl_module;
	Dwfl_Callbacks callbacks;
	char *debug_path;	 /* where callbacks look: libdwfl's syntax */
	Elf *elf;		 /* the main file: program headers, code, notes, dynamic symbols */
	GElf_Half type, machine; /* ET_EXEC or ET_DYN; EM_... */
	Dwarf *dwarf;		 /* by lp_module_dwarf() */
	Elf *copy; /* that of a copy without compression: native/unpacked.h; else NULL */
	int copy_fd;
	struct lp_digest digest; /* of the copy */
	int debug_fd;		 /* by lp_module_debug_fd() */
	char *debug_file;	 /* its name */
	bool debug_tried;
	bool dwarf_tried;
	struct lp_arena arena;	/* strings of places and the like; lives as long as the module */
	struct lp_types *types; /* by lp_types_get(); freed by lp_types_free() */
	struct lp_calls *calls; /* by lp_result_kept(); freed by lp_calls_free() */
	struct lp_callers *callers;    /* in the arena; by lp_callers_of() */
	struct lp_module_index *index; /* freed by lp_module_index_free() */
};

void lp_types_free(struct lp_types *types);

/* Debug information, looked for at the first call; NULL where there is none. */
Dwarf *lp_module_dwarf(struct lp_module *m);

/* The file with the debug information of one that has none itself, as far as it is known by its build-id; the module's. -1:
 * libdwfl may still find one.
 */
int lp_module_debug_fd(struct lp_module *m);

/* The compilation unit whose ranges contain vaddr, also where .debug_aranges is missing. -ENOENT.
 */
int lp_module_cu_at(struct lp_module *m, uint64_t vaddr, Dwarf_Die *ret);

/* The function symbol (.symtab, of the debug file too, else .dynsym) that contains vaddr; st_value
 * is its start, st_size its size, up to the next one where the file gives none. NULL: none.
 */
const char *lp_module_symbol_at(struct lp_module *m, uint64_t vaddr, GElf_Sym *ret_sym);

/* The source line that an instruction belongs to; *ret_file is the module's. Where several begin
 * at that very address, the first of them with `first`, else the last, whose code it is. -ENOENT.
 */
int lp_module_line_at(struct lp_module *m, uint64_t vaddr, bool first, const char **ret_file,
		      int *ret_line);
/* A file by its number in the line table of the unit that vaddr is in; the module's. NULL. */
const char *lp_module_file(struct lp_module *m, uint64_t vaddr, uint64_t file);

/* Is it in an executable section (in an executable segment, where a file has no sections)? */
bool lp_module_is_code(struct lp_module *m, uint64_t vaddr);

/* Bytes of the file at a link address; returns how many there were. */
size_t lp_module_bytes(struct lp_module *m, uint64_t vaddr, void *buf, size_t len);

/* Has it debug information of its own? libdwfl looks no further then. */
bool lp_elf_has_dwarf(Elf *elf);

/* Is a part of its debug information in other files (.dwo)? */
bool lp_elf_is_split(Elf *elf);

#endif
