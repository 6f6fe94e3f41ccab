/* SPDX-License-Identifier: GPL-2.0-only */
/* user/sink/formats.h
 *
 * formats - the sinks there are, for sink.c, and what those share that only write text: emit()
 * appends a whole record to s->out, the rest is sink.c's.
 */
#ifndef LP_SINK_FORMATS_H
#define LP_SINK_FORMATS_H

#include "sink/sink.h"

extern const struct lp_sink_ops lp_sink_text, lp_sink_json;

int lp_sink_open_plain(struct lp_sink *s, const char *arg, struct lp_err *err);
int lp_sink_flush_plain(struct lp_sink *s, struct lp_err *err);

#define lp_sink_add(out, literal) lp_buf_add((out), (literal), sizeof(literal) - 1)

#endif
