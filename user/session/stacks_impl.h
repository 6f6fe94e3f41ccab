/* SPDX-License-Identifier: GPL-2.0-only */
/* user/session/stacks_impl.h
 *
 * stacks_impl - what the parts of stacks share.
 */
#ifndef LP_SESSION_STACKS_IMPL_H
#define LP_SESSION_STACKS_IMPL_H

#include "base/vec.h"
#include "native/unwind.h"
#include "probe/registers.h"
#include "python/stacks.h"
#include "session/stacks.h"

/* A thread as the kernel knows it, and what was copied of it. */
struct os_thread {
	pid_t tid, own_tid; /* as we and as the process itself know it */
	char comm[LP_COMM_LEN];
	char state;
	uint64_t switches; /* how often it has left a CPU */

	struct lp_py_thread *python; /* NULL */
	bool is_settled;	     /* it did not run while it was read */
	bool has_native;
	uint64_t regs[LP_MACH_REGS];
	char *stack; /* len bytes from the stack pointer on */
	size_t len;
};

struct os_threads {
	LP_VEC(struct os_thread); /* by tid */
};

struct stacks {
	struct lp_proc *proc;
	struct lp_python *py;		/* NULL */
	struct lp_registers *registers; /* NULL */
	const struct lp_stacks_opts *o;
	struct lp_arena *arena;
	struct os_threads os;
	struct lp_py_threads threads;
	struct lp_py_types *types;
	struct lp_unwinder *unwinder;
	struct lp_frame *native; /* room for the native frames of one stack */
};

/* -ESRCH: the process has ended. */
int stacks_list_threads(pid_t pid, struct os_threads *ret, struct lp_err *err);
/* Has it slept all the time since it was listed? If not, it is listed again. */
bool stacks_slept(pid_t pid, struct os_thread *t);

/* stacks_settle.c: reads the stacks of all threads, Python's and native ones, each as of one moment. -ENOMEM.
 * Where native ones can't be had s->registers is NULL then, and err says why.
 */
int stacks_settle(struct stacks *s, struct lp_err *err);
/* Is it what a thread of the kernel's runs? If not, that is not known, or is in another interpreter, too. */
bool stacks_has_thread(const struct stacks *s, const struct lp_py_thread *py);

/* stacks_python.c: the frames of a Python stack. -ENOMEM. */
int stacks_python(struct stacks *s, struct lp_py_stack *stack, struct lp_frame **ret,
		  size_t *ret_n);
int stacks_tasks(struct stacks *s, struct lp_process_stacks *ret, struct lp_err *err);

/* Folds what is a library's, in place, and cuts what is too much. */
void stacks_finish(struct stacks *s, struct lp_frame *frames, size_t n, bool changed, bool cut,
		   struct lp_stack *ret);

#endif
