/* SPDX-License-Identifier: GPL-2.0-only */
/* user/collect/event.h
 *
 * event - one finished record, decoded and rendered: what sinks print. Lives until emit() returns.
 */
#ifndef LP_COLLECT_EVENT_H
#define LP_COLLECT_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/value.h"

enum lp_frame_kind {
	LP_FRAME_CALL,
	LP_FRAME_FOLDED, /* n_folded frames of libraries */
	LP_FRAME_GAP,	 /* frames that could not be had */
	LP_FRAME_TASK,	 /* what is behind it is another task's: `function` says whose */
};

struct lp_frame {
	enum lp_frame_kind kind;
	uint32_t n_folded;
	bool is_library; /* not of the program itself */
	bool is_glue; /* of libraries, the interpreter, which runs Python: not worth to be told */
	bool is_loop; /* of its evaluation loop, for which frames of Python stand */
	uint8_t n_loops;      /* of Python: calls of it, by C code, that end with this frame */
	const char *function; /* NULL: not known */
	const char *file;
	int line;
	uint64_t addr;	    /* run-time address */
	const char *module; /* file name of the mapping; NULL */
	const struct lp_named *locals;
	size_t n_locals;
	bool has_locals; /* shown even where there are none */
};

/* A signal that ends the process. */
struct lp_crash {
	int number, code;
	const char *name, *code_name; /* NULL: it has none */
	bool has_code, has_addr, has_sender;
	uint64_t addr;
	pid_t sender;
	const char *abort; /* what the C library says of its own abort(); NULL */
	size_t abort_len;
	const uint64_t *registers; /* LP_MACH_REGS; NULL */
};

/* An exception of Python. */
struct lp_exception {
	const char *type;	 /* as traceback shows it: "ValueError", "shop.errors.OutOfStock" */
	struct lp_value message; /* str() of it, a STRING; an ERROR where that can't be had */
	struct lp_value args;
	struct lp_value members;      /* of a group, a TUPLE; NULL */
	const struct lp_value *notes; /* most often STRINGs */
	size_t n_notes;
	const struct lp_exception *cause, *context; /* NULL: none, or one that was shown already */
	bool chain_cut;				    /* the chain goes on */
	const struct lp_frame *stack;		    /* of its traceback, innermost first */
	size_t n_stack;
	bool stack_cut;
};

struct lp_event {
	uint64_t time;	/* CLOCK_REALTIME, ns */
	uint32_t point; /* lp_record.point */
	/* Of two events with the same number these are the same memory, which has not changed: logpoint,
	 * file, function, line, and names of values; 0: that isn't said.
	 */
	uint64_t plan;
	const char *logpoint; /* `as NAME`, else the location as typed */
	uint64_t hit;
	pid_t pid, tid;
	const char *comm;
	const char *thread, *task; /* NULL: none known */
	const char *file;	   /* NULL: not known */
	int line;		   /* 0: not known */
	const char *function;
	const char *message; /* the rendered template; may hold any bytes of the target */
	size_t message_len;
	const struct lp_named *values;
	size_t n_values;
	const struct lp_value *result; /* of return and call; NULL */
	bool has_elapsed;
	uint64_t elapsed;		      /* ns */
	const struct lp_exception *exception; /* NULL */
	const struct lp_frame *stack;
	size_t n_stack;
	bool stack_cut;
	const struct lp_crash *crash; /* NULL: it is none */
	bool cut;		      /* the record was full */
};

#endif
