/* SPDX-License-Identifier: GPL-2.0-only */
/* user/target/symfile.h
 *
 * symfile - the symbols of one mapped ELF file: its own (.dynsym, .symtab) and, when asked for,
 * those of its separate debug file (build-id, .gnu_debuglink, below the root that the process has).
 * Addresses are link addresses. What a symbol means is the caller's.
 */
#ifndef LP_TARGET_SYMFILE_H
#define LP_TARGET_SYMFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/err.h"
#include "target/maps.h"

struct lp_symfile;

struct lp_elf_symbol {
	const char *name; /* belongs to the file */
	uint64_t addr, size;
	bool is_code;
};

/* Duplicates fd. path: for messages and for .gnu_debuglink; root: lp_process_root() or "".
 * -ENOEXEC.
 */
int lp_symfile_open(int fd, const char *path, const char *root, struct lp_symfile **ret,
		    struct lp_err *err);
void lp_symfile_free(struct lp_symfile *s);
LP_CLEANUP(struct lp_symfile *, lp_symfile_free)

/* Every symbol that is defined here and has an address, .dynsym first; may repeat. fn != 0 stops
 * and is returned.
 */
int lp_symfile_each(struct lp_symfile *s, int (*fn)(const struct lp_elf_symbol *sym, void *arg),
		    void *arg);
/* The same of the debug file; nothing where there is none or where .symtab is here. */
int lp_symfile_each_debug(struct lp_symfile *s,
			  int (*fn)(const struct lp_elf_symbol *sym, void *arg), void *arg);

/* One of its own, by name. */
bool lp_symfile_find(struct lp_symfile *s, const char *name, struct lp_elf_symbol *ret);

/* Has it, or has its debug file, the complete table of symbols (.symtab)? */
bool lp_symfile_is_complete(struct lp_symfile *s);

/* Run-time address - link address, by any mapping of the file. */
uint64_t lp_symfile_bias(struct lp_symfile *s, const struct lp_map *m);
/* Where in the file the link address is. -ENOENT. */
int lp_symfile_offset(struct lp_symfile *s, uint64_t addr, uint64_t *ret);

/* Bytes of a section of the file; NULL: none of that name. They belong to the symfile. */
const void *lp_symfile_section(struct lp_symfile *s, const char *name, uint64_t *ret_addr,
			       size_t *ret_len);

/* The piece of a function that includes addr, by call frame information: from where to where the
 * next begins. -ENOENT.
 */
int lp_symfile_frame(struct lp_symfile *s, uint64_t addr, uint64_t *ret_from, uint64_t *ret_to);

#endif
