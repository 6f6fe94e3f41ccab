/* SPDX-License-Identifier: GPL-2.0-only */
/* user/sink/frame.h
 *
 * frame - a frame of a stack as text and as JSON, the same in a record and in `logpoint stacks`.
 */
#ifndef LP_SINK_FRAME_H
#define LP_SINK_FRAME_H

#include "base/buf.h"
#include "collect/event.h"

/* In what follows `scratch` is memory that is used again; where it has failed, so has out. */

/* Text on one line, escaped: handle server.c:42 [n=7, buf="GET"]; 0x7f3a10 (libfoo.so);
 * ... 12 library frames; ... where frames are missing.
 */
void lp_frame_text(struct lp_buf *out, struct lp_buf *scratch, const struct lp_frame *f);
/* " server.c:42"; NULL and 0: not known. */
void lp_frame_place_text(struct lp_buf *out, const char *file, int line);

#define LP_FRAME_GAP_JSON "{\"function\":\"...\"}"

enum {
	LP_FRAME_WITH_ERRORS = 1, /* those of its locals; else they are told elsewhere */
	LP_FRAME_WITH_MODULE = 2, /* also of one with a name */
};

/* {"function","file","line","locals":{},"errors":{}}; {"address","module",...}; {"folded":12};
 * {"task":"..."}
 */
void lp_frame_json(struct lp_buf *out, struct lp_buf *scratch, const struct lp_frame *f,
		   unsigned int with);
/* {"n":7}, without what could not be had. */
void lp_named_json(struct lp_buf *out, const struct lp_named *named, size_t n);

#endif
