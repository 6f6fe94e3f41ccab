/* SPDX-License-Identifier: GPL-2.0-only */
/* user/collect/collect.h
 *
 * collect - bytes to events: checks and decodes records, puts them in time order across CPUs,
 * renders, and hands finished events on. Trusts no byte of a record.
 */
#ifndef LP_COLLECT_H
#define LP_COLLECT_H

#include "base/arena.h"
#include "base/auto.h"
#include "base/err.h"
#include "base/memory.h"
#include "collect/event.h"
#include "expr/template.h"
#include "lp/record.h"

struct lp_py_frame;
struct lp_py_runtime;
struct lp_py_types;

/* The interpreter of a Python site. */
struct lp_py_info {
	const struct lp_py_runtime *runtime;
	struct lp_py_types *types;
	/* names that are not shown, and how they compare */
	const char *const *redact;
	bool (*is_redacted)(const char *const *names, const char *name, size_t len);
};

/* What a record of one site needs to be read; kept by the session, valid while records of the site
 * may come.
 */
struct lp_site_info {
	const char *logpoint;
	const char *file, *function;
	int line;
	uint64_t within; /* the function's or inlined copy's DIE; 0: not known */
	const struct lp_template *template;
	bool is_return;			 /* LEAVE: result and elapsed */
	const struct lp_py_info *python; /* NULL: native */
	uint32_t max_string, max_items, max_depth, max_frames;
	bool all_frames; /* those of libraries, too */
};

/* Names and unwinds addresses of a live process; given by the session. Any may be NULL. */
struct lp_symbolizer {
	/* name of the function or object at a run-time address; NULL */
	const char *(*symbol)(void *arg, pid_t pid, uint64_t addr);
	/* Frames from registers (LP_MACH_REGS) and a copy of len bytes of stack from sp on,
	 * inlined ones as frames of their own; their locals where asked for; the first is of the function
	 * `within`, as lp_site_info has it. How many; *ret_cut: there are more. What they point to lives
	 * until the next call.
	 */
	size_t (*unwind)(void *arg, pid_t pid, const uint64_t *regs, uint64_t sp, const void *stack,
			 size_t len, bool locals, uint64_t within, struct lp_frame *ret, size_t max,
			 bool *ret_cut);
	/* What is known of the interpreter of a process; NULL: it runs none. */
	const struct lp_py_info *(*python)(void *arg, pid_t pid);
	/* The memory of a process; NULL: it is gone. */
	struct lp_memory *(*memory)(void *arg, pid_t pid);
	/* Function, file and line of a Python frame; false: its code is gone. */
	bool (*python_frame)(void *arg, pid_t pid, const struct lp_py_frame *frame,
			     struct lp_frame *ret);
	/* Whose a frame of Python is, by its file: fills is_library. */
	void (*classify)(void *arg, pid_t pid, struct lp_frame *f);
	void *arg;
};

struct lp_collect;

struct lp_collect_ops {
	/* A finished event, in order. < 0 stops and is returned to the caller of feed or flush. */
	int (*event)(void *arg, const struct lp_event *ev, struct lp_err *err);
	/* Not a hit: fork, exec, exit, maps, retired; and COND_ERROR with its reason rendered. */
	int (*notice)(void *arg, const struct lp_record *rec, const char *text, struct lp_err *err);
};

int lp_collect_new(const struct lp_collect_ops *ops, void *arg, const struct lp_symbolizer *sym,
		   struct lp_collect **ret, struct lp_err *err);
void lp_collect_free(struct lp_collect *c);
LP_CLEANUP(struct lp_collect *, lp_collect_free)

/* No record of it is to come, nor waits to be handed on. */
void lp_collect_drop_site(struct lp_collect *c, uint32_t site);
int lp_collect_set_site(struct lp_collect *c, uint32_t site, const struct lp_site_info *info);

/* One record as it lies in the ring: checked, copied. -EPROTO: not a record. */
int lp_collect_feed(struct lp_collect *c, const void *record, size_t len, struct lp_err *err);

/* Hands on what is older than `before` (CLOCK_MONOTONIC, ns; UINT64_MAX: everything), in order. */
int lp_collect_flush(struct lp_collect *c, uint64_t before, struct lp_err *err);

#endif
