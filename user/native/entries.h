/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/entries.h
 *
 * entries - where the functions that a name means are entered.
 */
#ifndef LP_NATIVE_ENTRIES_H
#define LP_NATIVE_ENTRIES_H

#include "native/functions.h"

struct lp_entry {
	uint64_t vaddr;
	Dwarf_Off die;	    /* 0: from a symbol */
	const char *symbol; /* its name where from a symbol */
	bool inlined;
};

struct lp_entries {
	LP_VEC(struct lp_entry); /* by address, each address once */
	size_t n_inlined;
	bool declared; /* DWARF knows the name, with code or without */
	bool ifunc;    /* the name stands for a choice among functions at load time */
};

/* Nothing found is no error. */
int lp_entries_find(struct lp_module *m, const char *name, struct lp_entries *ret,
		    struct lp_err *err);

#endif
