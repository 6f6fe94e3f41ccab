/* SPDX-License-Identifier: GPL-2.0-only */
/* user/collect/plan.h
 *
 * plan - how the records of one site become events: worked out once, so that a record only fills
 * in values. Owns the values of the site's latest event.
 */
#ifndef LP_COLLECT_PLAN_H
#define LP_COLLECT_PLAN_H

#include "base/arena.h"
#include "base/buf.h"
#include "collect/collect.h"
#include "collect/decode.h"
#include "collect/places.h"
#include "collect/threads.h"

struct lp_py_reader;

struct lp_plan {
	const struct lp_site_info *info;
	uint64_t number;	 /* no other one has had it */
	size_t n_slots;		 /* slots that fields read */
	struct lp_value *values; /* one a field */
	struct lp_named *named;	 /* what the event shows as values, then its locals */
	uint32_t *named_field;
	size_t n_values, n_locals;
	bool *absent;		/* one a field: without a value in this record, and left out */
	struct lp_named *shown; /* those of `named` that this record has */
	const struct lp_value *result;
	bool *part_plain; /* one a part: needs no format */
	bool wants_stack;
};

/* Buffers that all plans of a collector share. */
struct lp_scratch {
	struct lp_arena arena;
	struct lp_buf message, text;
	struct lp_frame *frames;
	size_t n_frames;
	const char *task; /* the name of the latest hit's; NULL */
	char comm[LP_COMM_LEN + 1];
	struct lp_threads threads;
	struct lp_places places;
	struct lp_crash crash;
};

/* Who has hit, as Python sees it (NULL: not known, or native), and where. */
struct lp_who {
	const char *thread, *task;
	const char *function, *file;	      /* NULL: not known */
	int line;			      /* 0: not known */
	const struct lp_exception *exception; /* NULL: none */
};

int lp_plan_new(const struct lp_site_info *info, struct lp_plan **ret, struct lp_err *err);
void lp_plan_free(struct lp_plan *p);
LP_CLEANUP(struct lp_plan *, lp_plan_free)

/* Fills *ret from a decoded hit; it lives until the record or the scratch is used again. -ENOMEM. */
int lp_plan_event(struct lp_plan *p, struct lp_decoded *d, const struct lp_symbolizer *sym,
		  uint64_t realtime, struct lp_scratch *scratch, struct lp_event *ret,
		  struct lp_err *err);

/* fields.c: the values of all fields, in order. */
void lp_plan_read_fields(struct lp_plan *p, struct lp_decoded *d, const struct lp_symbolizer *sym,
			 const struct lp_who *who, const struct lp_crash *crash,
			 struct lp_arena *a);

/* crash.c: the signal of a record, and in words; false: it has none. */
bool lp_plan_read_crash(const struct lp_decoded *d, struct lp_arena *a, struct lp_crash *ret);
void lp_plan_show_crash(const struct lp_crash *c, struct lp_arena *a, struct lp_value *ret);

/* python.c: what the records of a Python site hold beside. */
void lp_plan_read_python(const struct lp_plan *p, struct lp_decoded *d,
			 const struct lp_symbolizer *sym, const struct lp_blocks *span,
			 bool in_enter, struct lp_arena *a, struct lp_value *ret);
/* -ENOMEM. */
int lp_plan_read_who(const struct lp_plan *p, struct lp_decoded *d, const struct lp_symbolizer *sym,
		     struct lp_scratch *scratch, struct lp_who *ret);
size_t lp_plan_python_stack(const struct lp_decoded *d, const struct lp_symbolizer *sym,
			    struct lp_frame *ret, size_t max, bool *ret_cut);
/* exception.c: what LP_SLOT_PYEXC blocks have, NULL where there are none; and as text, its chain in
 * the same line.
 */
const struct lp_exception *lp_plan_exception(const struct lp_template *t,
					     const struct lp_py_reader *r,
					     const struct lp_decoded *d,
					     const struct lp_symbolizer *sym,
					     struct lp_scratch *scratch);
void lp_plan_show_exception(struct lp_buf *out, const struct lp_exception *e);
/* python.c: code may be gone when the record's turn comes: what its frames need of it is read now. */
void lp_plan_meet_frames(const struct lp_record *rec, const struct lp_symbolizer *sym);
/* What the record has of these frames: their variables; of a process that is gone also where they are.
 * -ENOMEM.
 */
int lp_plan_read_frames(const struct lp_plan *p, const struct lp_py_info *info,
			struct lp_decoded *d, const struct lp_symbolizer *sym,
			struct lp_frame *frames, size_t n, struct lp_arena *a);
/* locals.c: the variables of frames, innermost first. Where some had no room, a last one called "..." says
 * so. -ENOMEM.
 */
struct lp_frame_list {
	uint32_t exception; /* number in the chain + 1, whose traceback they are; 0: the stack */
	struct lp_frame *frames;
	size_t n;
	size_t from, to; /* of these they are wanted */
};
int lp_plan_python_locals(const struct lp_py_reader *reader, const struct lp_decoded *d,
			  const struct lp_frame_list *list);

/* stack.c: into s->frames, with what is not to be shown left out; own: the logpoint's. -ENOMEM. */
int lp_plan_stack(const struct lp_plan *p, struct lp_decoded *d, const struct lp_symbolizer *sym,
		  struct lp_scratch *s, const struct lp_frame *own, size_t max, size_t *ret,
		  bool *ret_cut);
/* Room for n frames. -ENOMEM. */
int lp_scratch_frames(struct lp_scratch *s, size_t n);

/* Who awaits the task of the hit, s->task, and who awaits that one: of each a frame that says so
 * (LP_FRAME_TASK), then its own. How many; *ret_cut: there are more.
 */
size_t lp_plan_awaiters(const struct lp_plan *p, struct lp_decoded *d,
			const struct lp_symbolizer *sym, struct lp_scratch *s, struct lp_frame *ret,
			size_t max, bool *ret_cut);

/* The name of the function whose frame is the second. */
void lp_plan_python_caller(const struct lp_decoded *d, const struct lp_symbolizer *sym,
			   struct lp_value *ret);

#endif
