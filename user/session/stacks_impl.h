/* SPDX-License-Identifier: GPL-2.0-only */
/* user/session/stacks_impl.h
 *
 * stacks_impl - what the parts of stacks share.
 */
#ifndef LP_SESSION_STACKS_IMPL_H
#define LP_SESSION_STACKS_IMPL_H

#include "base/vec.h"
#include "python/stacks.h"
#include "session/stacks.h"

/* A thread as the kernel knows it. */
struct os_thread {
	pid_t tid, own_tid; /* as we and as the process itself know it */
	char comm[LP_COMM_LEN];
	char state;
	uint64_t switches; /* how often it has left a CPU */
};

struct os_threads {
	LP_VEC(struct os_thread); /* by tid */
};

struct stacks {
	struct lp_proc *proc;
	struct lp_python *py; /* NULL */
	const struct lp_stacks_opts *o;
	struct lp_arena *arena;
	struct os_threads os;
	struct lp_py_threads threads;
	struct lp_py_types *types;
};

/* -ESRCH: the process has ended. */
int stacks_list_threads(pid_t pid, struct os_threads *ret, struct lp_err *err);
/* Has it slept all the time since it was listed? */
bool stacks_slept(pid_t pid, const struct os_thread *t);

/* The entries of a Python stack. -ENOMEM. */
int stacks_python(struct stacks *s, struct lp_py_stack *stack, struct lp_stack *ret);
int stacks_tasks(struct stacks *s, struct lp_process_stacks *ret, struct lp_err *err);

/* Is it code of a library: standard, installed, of the system, of the interpreter? */
bool stacks_is_library(const struct stacks *s, const struct lp_frame *f);

/* Folds what is a library's, and cuts what is too much. -ENOMEM. */
struct stacks_entries {
	LP_VEC(struct lp_stack_entry);
};
int stacks_finish(struct stacks *s, struct stacks_entries *e, struct lp_stack *ret);

#endif
