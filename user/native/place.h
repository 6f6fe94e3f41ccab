/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/place.h
 *
 * place - an address becomes a place: checked to be the start of an instruction, with its offset
 * in the file and the function that it belongs to.
 */
#ifndef LP_NATIVE_PLACE_H
#define LP_NATIVE_PLACE_H

#include "native/insn.h"
#include "native/tree.h"

/* The function that an address lies in: symbol, else DIE. -ENOENT where nothing says. */
int lp_function_bounds(struct lp_module *m, uint64_t vaddr, struct lp_range *ret);

/* The code of the function that an address lies in; good until another one's is asked for. */
int lp_function_flow(struct lp_module *m, uint64_t vaddr, const struct lp_flow **ret,
		     struct lp_err *err);

/* -EINVAL where vaddr is no code, or not the start of an instruction. */
int lp_place_check(struct lp_module *m, uint64_t vaddr, struct lp_err *err);

/* The node at an address that a line of a file belongs to: where an inlined function begins, its
 * caller's line may be at the same address. file NULL: the innermost.
 */
uint32_t lp_node_of_line(struct lp_module *m, struct lp_func_tree *t, uint64_t vaddr,
			 const char *file, int line);

/* Checked, with offset, function and, of `node` or the innermost one, its DIE. file and line are
 * kept as they are; line 0: looked up.
 */
int lp_place_init(struct lp_place *p, struct lp_module *m, uint64_t vaddr, const char *file,
		  int line, struct lp_err *err);

/* Makes a place that of a given function or inlined copy. */
void lp_place_set_function(struct lp_place *p, struct lp_module *m, Dwarf_Off die, bool inlined);

/* In address order, each address once. */
void lp_places_sort(struct lp_places *places);

int lp_resolve_line(struct lp_module *m, const struct lp_location *at, struct lp_places *ret,
		    struct lp_err *err);
int lp_resolve_function(struct lp_module *m, const struct lp_location *at, struct lp_places *ret,
			size_t *ret_inlined, struct lp_err *err);
int lp_resolve_usdt(struct lp_module *m, const struct lp_location *at, struct lp_places *ret,
		    struct lp_err *err);

#endif
