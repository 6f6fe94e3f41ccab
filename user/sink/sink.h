/* SPDX-License-Identifier: GPL-2.0-only */
/* user/sink/sink.h
 *
 * sink - where finished events go.
 * Gets decoded events, in order, on one thread. May buffer; flush() leaves nothing behind. Keeps the
 * newest in memory instead, if it is told to, until they are asked for. Never sees kernel records
 * (collect/) and never prints errors.
 */
#ifndef LP_SINK_H
#define LP_SINK_H

#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"
#include "collect/event.h"
#include "sink/keep.h"
#include "sink/late.h"

struct lp_sink;

struct lp_sink_ops {
	const char *name; /* as in --format=NAME */
	size_t state_size;
	int (*open)(struct lp_sink *s, const char *arg, struct lp_err *err);
	int (*emit)(struct lp_sink *s, const struct lp_event *ev, struct lp_err *err);
	int (*flush)(struct lp_sink *s, struct lp_err *err);
	void (*close)(struct lp_sink *s); /* also after a failed open() */
};

/* Of one record: where in lp_sink.out. */
struct lp_sink_end {
	size_t at;
	uint32_t point;
};

struct lp_sink {
	const struct lp_sink_ops *ops;
	int fd;		 /* where text goes; the caller's */
	size_t flush_at; /* bytes in out that are written */
	bool color;
	struct lp_buf out;		 /* not yet written */
	LP_VEC(struct lp_sink_end) ends; /* of the records that end in it */
	bool broken;			 /* writing has failed, which has been said */
	struct lp_keep kept;
	struct lp_late late; /* than what is being dumped */
	_Alignas(16) char state[];
};

/* spec: "text", "json", "name:argument". An unknown format lists those there are. */
int lp_sink_new(const char *spec, int fd, bool color, struct lp_sink **ret, struct lp_err *err);
void lp_sink_free(struct lp_sink *s);
LP_CLEANUP(struct lp_sink *, lp_sink_free)

/* Once writing has failed nothing more is written, and flushing is no error again. */
int lp_sink_emit(struct lp_sink *s, const struct lp_event *ev, struct lp_err *err);
int lp_sink_flush(struct lp_sink *s, struct lp_err *err);

/* For lp_sink_keep(): `size` bytes of memory, at most. */
int lp_sink_keep_last(struct lp_sink *s, size_t size, struct lp_err *err);
/* As it would be emitted now, which is when it can be told what its values are; but not written.
 * `waits`: in line, behind what is kept. -EAGAIN, without a message: there is no room in line, where others
 * stand already.
 */
int lp_sink_keep(struct lp_sink *s, const struct lp_event *ev, bool waits, struct lp_err *err);
/* The chosen of what is kept are emitted, oldest first, by lp_sink_dump(): *ret_n of them, also where
 * it fails, by about `bytes`; *ret_more: there is more to be done. Meanwhile what comes has to wait.
 */
void lp_sink_dump_begin(struct lp_sink *s, const struct lp_keep_choice *choice);
int lp_sink_dump(struct lp_sink *s, size_t bytes, uint64_t *ret_n, bool *ret_more,
		 struct lp_err *err);
/* The first in line; false: there is none. */
bool lp_sink_waiting(const struct lp_sink *s, uint32_t *ret_point);
/* It is emitted, else kept, and stands there no longer; where that fails it does. */
int lp_sink_next(struct lp_sink *s, bool emitted, struct lp_err *err);
/* Kept records of a logpoint for which newer ones have come. */
uint64_t lp_sink_overwritten(const struct lp_sink *s, uint32_t point);

/* Records of a logpoint that were emitted or kept, but are not wholly written. */
uint64_t lp_sink_unwritten(const struct lp_sink *s, uint32_t point);

#endif
