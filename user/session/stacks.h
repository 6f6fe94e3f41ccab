/* SPDX-License-Identifier: GPL-2.0-only */
/* user/session/stacks.h
 *
 * stacks - where every thread and every asyncio task of a process is now. Read from outside: nothing is
 * stopped, nothing is written. What changed while it was read is said in its place.
 */
#ifndef LP_SESSION_STACKS_H
#define LP_SESSION_STACKS_H

#include "base/arena.h"
#include "collect/event.h"
#include "expr/compile.h"
#include "session/inventory.h"

struct lp_python;
struct lp_registers;

struct lp_stacks_opts {
	bool locals;
	struct lp_limits limits; /* frames: of one stack */
};

struct lp_stack { /* innermost first */
	const struct lp_frame *frames;
	size_t n;
	bool changed; /* inside of the first there were others, which did not stay */
	bool cut;     /* there are more beyond the last */
};

struct lp_thread_stack {
	pid_t tid; /* 0: not known */
	const char *comm;
	char state; /* as in /proc/PID/stat; 0: not known */
	bool is_python, has_gil;
	long long interpreter;	 /* 0: the main one */
	const char *name, *task; /* Python's; NULL */
	struct lp_stack stack;
};

struct lp_task_stack {
	uint64_t id;
	const char *name, *state; /* "pending", "running", "done" */
	const char *waits_for;	  /* NULL */
	const char *function;	  /* that it is suspended in, be it a library's; NULL */
	pid_t tid;		  /* of the thread whose loop it belongs to; 0 */
	struct lp_stack stack;
	const uint64_t *awaits; /* ids */
	size_t n_awaits;
};

struct lp_process_stacks {
	pid_t pid;
	const char *comm, *python; /* its version; NULL */
	struct lp_thread_stack *threads;
	size_t n_threads;
	struct lp_task_stack *tasks;
	size_t n_tasks;
	bool cut;	       /* there were more than are looked at */
	const char *why;       /* some of Python's can't be had; NULL */
	const char *no_native; /* why there are no native frames; NULL */
};

/* py NULL: no interpreter in it; registers NULL: no native frames. Everything lives in the arena. -ESRCH: it has ended. */
int lp_stacks_read(struct lp_proc *p, struct lp_python *py, struct lp_registers *registers,
		   const struct lp_stacks_opts *o, struct lp_arena *arena,
		   struct lp_process_stacks *ret, struct lp_err *err);

#endif
