/* SPDX-License-Identifier: GPL-2.0-only */
/* user/collect/places.h
 *
 * places - where frames are, by their code objects as records have brought them: the first exception
 * in one has its names and its table of lines along, those after it have not. What the process has now
 * may be other code, or gone.
 */
#ifndef LP_COLLECT_PLACES_H
#define LP_COLLECT_PLACES_H

#include <stdint.h>

#include "base/buf.h"
#include "base/vec.h"
#include "collect/collect.h"
#include "lp/python.h"

struct lp_py_reader;

struct lp_code_known {
	uint32_t pid;
	struct lp_py_frame frame; /* its code, names and first line */
	char *function, *file;
	struct lp_buf table;
};

struct lp_places {
	LP_VEC(struct lp_code_known) all; /* by process and address */
};

void lp_places_done(struct lp_places *p);
/* Function, file and line of a frame, in the reader's arena: from this record, one before it, or else
 * the process; left as they are where they are not known.
 */
void lp_places_find(struct lp_places *p, const struct lp_py_reader *r, uint32_t pid,
		    const struct lp_symbolizer *sym, const struct lp_py_frame *frame,
		    struct lp_frame *ret);
/* The process has ended, or runs another program. */
void lp_places_forget(struct lp_places *p, uint32_t pid);

#endif
