/* SPDX-License-Identifier: GPL-2.0-only */
/* user/python/stacks.h
 *
 * stacks - every thread and every asyncio task of a live interpreter, with their frames, read from
 * outside while it goes on.
 *
 * What is read is read again: a stack counts as far as it was the same each time, from the outermost
 * frame on; where it moved inside of that it is `changed`. Every walk is bounded, every pointer is
 * checked before it is followed. Strings live in the arena that was given.
 */
#ifndef LP_PYTHON_STACKS_H
#define LP_PYTHON_STACKS_H

#include "base/arena.h"
#include "python/python.h"
#include "python/value.h"

#define LP_PY_WALK_MAX	4096  /* frames of one stack */
#define LP_PY_TASKS_MAX 65536 /* tasks of one interpreter */
#define LP_PY_AWAIT_MAX 64    /* tasks that one awaits, by gather() and the like */

struct lp_py_stack_frame {
	uint64_t addr; /* of the frame */
	struct lp_py_frame at;
	bool is_generator; /* or coroutine: the frame is part of its object */
	bool is_begun;	   /* else it is about to execute its first instruction */
	/* evaluation loops that C code has called for it, and for those outside of it that are none to Python yet */
	uint8_t n_loops;
};

struct lp_py_stack { /* innermost first */
	LP_VEC(struct lp_py_stack_frame) frames;
	bool changed; /* there were others inside of the innermost, which did not stay */
	bool cut;     /* there are more outside of the outermost */
};

struct lp_py_thread {
	uint64_t tstate;
	uint64_t interp;     /* its PyInterpreterState */
	int64_t interpreter; /* that one's number; 0: the main one */
	uint64_t ident;	     /* threading.get_ident(): the thread's pthread_self() */
	pid_t tid;	     /* as the process itself knows it, from 3.11 on; 0: not known */
	bool has_gil;
	const char *name;    /* threading.Thread.name; NULL */
	uint64_t loop, task; /* asyncio: what runs in it; 0 */
	struct lp_py_stack stack;
};

struct lp_py_threads {
	LP_VEC(struct lp_py_thread);
	bool cut;
};

void lp_py_threads_done(struct lp_py_threads *t);
LP_CLEANUP_DONE(struct lp_py_threads, lp_py_threads_done)

/* All threads of all interpreters of the process; stacks are empty. -EFAULT: the list can't be read
 * or moved each time.
 */
int lp_python_threads(struct lp_python *py, struct lp_arena *arena, struct lp_py_threads *ret,
		      struct lp_err *err);

/* How often a stack has to be read the same. A thread that is known not to have run meanwhile needs no
 * second look.
 */
enum { LP_PY_LOOKS_STILL = 1, LP_PY_LOOKS_RUNNING = 8 };
int lp_python_thread_stack(struct lp_python *py, struct lp_py_thread *t, unsigned int looks);

/* From keep on memory that has been read once is as it was then, until forget: for what is known to stay
 * as it is. py may be NULL. -ENOMEM.
 */
int lp_python_keep(struct lp_python *py);
void lp_python_forget(struct lp_python *py);

enum lp_py_task_state { LP_PY_TASK_PENDING, LP_PY_TASK_RUNNING, LP_PY_TASK_DONE };

struct lp_py_task {
	uint64_t addr, loop; /* 0: not known */
	enum lp_py_task_state state;
	const char *name;
	const char *waits_for;	  /* the class of the future that it waits for; NULL */
	struct lp_py_stack stack; /* of its coroutines */
	const uint64_t *awaits;	  /* addresses of the tasks that it waits for */
	size_t n_awaits;
};

struct lp_py_tasks {
	LP_VEC(struct lp_py_task);
	bool cut;
};

void lp_py_tasks_done(struct lp_py_tasks *t);
LP_CLEANUP_DONE(struct lp_py_tasks, lp_py_tasks_done)

/* The tasks that asyncio knows, none where it is not imported. A task that runs has the frames of
 * its thread, whose stack has to be read.
 */
int lp_python_tasks(struct lp_python *py, const struct lp_py_threads *threads,
		    struct lp_arena *arena, struct lp_py_tasks *ret, struct lp_err *err);

/* Variables of a frame, in the order of the code object. -ESTALE: the frame is no longer where it was; -ENOMEM; -EFAULT. One that changed while it was read is an error
 * in place.
 */
int lp_python_locals(struct lp_python *py, const struct lp_py_stack_frame *frame,
		     const struct lp_py_reader *reader, struct lp_named **ret, size_t *ret_n);

/* Code objects are taken from frames alone from now on, not looked for through the memory, which takes
 * long. Up to 3.10 functions then have their plain names.
 */
int lp_python_skip_scan(struct lp_python *py, struct lp_err *err);

#endif
