/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/tables.h
 *
 * tables - the sections of one file that names are in, each decompressed when it is first asked for: libdw does that with
 * all, and at once.
 */
#ifndef LP_NATIVE_TABLES_H
#define LP_NATIVE_TABLES_H

#include <gelf.h>

#include "native/digest.h"
#include "native/linetable.h"

/* Behind the symbols are their names. */
enum lp_table {
	LP_TABLE_STR,
	LP_TABLE_LINE_STR,
	LP_TABLE_LINE,
	LP_TABLE_ABBREV,
	LP_TABLE_ARANGES,
	LP_TABLE_INFO,
	LP_TABLE_NAMES,
	LP_TABLE_SYMBOLS,
	LP_TABLE_SYMBOL_NAMES,
	LP_TABLE_DYNAMIC_SYMBOLS,
	LP_TABLE_DYNAMIC_SYMBOL_NAMES,
	LP_TABLES
};

struct lp_tables {
	int fd; /* -1: not open */
	Elf *elf;
	Elf_Scn *sections[LP_TABLES];
	bool has_dwarf; /* libdw looks no further then */
	bool odd;	/* has sections from which other names can come */
	bool addresses; /* and addresses apart, as names can be: .debug_addr */
	bool is_copy;	/* in the cache, without compression */
	struct lp_digest digest;
};

/* Takes fd: that of a copy in the cache, or of any file. false: it can't be read. */
bool lp_tables_open(struct lp_tables *t, int fd, bool copy);
void lp_tables_close(struct lp_tables *t);

/* false: it can't be read. A table that is not there is empty. */
bool lp_tables_read(struct lp_tables *t, enum lp_table table, struct lp_span *ret);

/* Where it is in the file. false: it is compressed, or not there. */
bool lp_tables_place(const struct lp_tables *t, enum lp_table table, uint64_t *ret,
		     uint64_t *ret_len);

#endif
