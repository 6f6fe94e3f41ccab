/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/arrive.h
 *
 * arrive - where in a function control can arrive other than from the instruction before: by jumps in
 * all of its parts, by jump tables and labels whose addresses are kept, where exceptions land. Rather too
 * many than too few. And whether others can know of what it has on its stack.
 */
#ifndef LP_NATIVE_ARRIVE_H
#define LP_NATIVE_ARRIVE_H

#include "native/index.h"
#include "native/insn.h"

struct lp_arrivals {
	uint64_t start, end;	       /* of the part that was asked for */
	LP_VEC(uint64_t) at;	       /* in it, ascending */
	LP_VEC(struct lp_range) parts; /* of the function: hot ones and cold ones lie apart */
	/* In front of that address nobody else can know one on its stack: the code has given none away
	 * where it is executed.
	 */
	uint64_t kept_until;
	bool known; /* false: nothing says who else may jump there (assembly, no debug information) */
};

/* Of the function that an address lies in; good until another one's are asked for. */
int lp_arrivals_of(struct lp_module *m, uint64_t vaddr, const struct lp_arrivals **ret,
		   struct lp_err *err);
void lp_arrivals_free(struct lp_arrivals *a);

/* landing.c: where exceptions that come to [part) land, wherever that is; -ENOTSUP: that can't be told. */
int lp_landings_find(struct lp_module *m, const struct lp_range *part,
		     int (*fn)(uint64_t vaddr, void *arg), void *arg);

/* labels.c: words in the module's data that are addresses of code: ascending. */
struct lp_labels {
	LP_VEC(uint64_t) at;
};
const struct lp_labels *lp_labels_of(struct lp_module *m);
void lp_labels_free(struct lp_labels *l);

#endif
