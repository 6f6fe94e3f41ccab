/* SPDX-License-Identifier: GPL-2.0-only */
/* user/python/stacks_impl.h
 *
 * stacks_impl - what reading of threads and of tasks share. Works over the memory alone.
 */
#ifndef LP_PYTHON_STACKS_IMPL_H
#define LP_PYTHON_STACKS_IMPL_H

#include "python/impl.h"
#include "python/stacks.h"

#define LP_PY_FIRST_MEMBER 16 /* of an object, behind PyObject */

/* Where a stack's frames begin: the innermost frame, 0 where there is none. < 0: can't be read. */
struct lp_py_walk {
	struct lp_memory *memory;
	const struct lp_py_runtime *runtime;
	int (*innermost)(struct lp_py_walk *w, uint64_t *ret);
	uint64_t arg;
};

/* One frame and, in *ret_back, its caller's. -ENOENT: it is none of the program: a seam to C, or, from 3.11 on,
 * one that has not got to its first line, as those never do that only make an instance; n_loops is set.
 */
int lp_py_frame_read(struct lp_memory *m, const struct lp_py_runtime *rt, uint64_t frame,
		     struct lp_py_stack_frame *ret, uint64_t *ret_back);

/* Reads the stack until it was the same `looks` times, or a few times; then what of it stayed.
 * -ENOMEM.
 */
int lp_py_stack_read(struct lp_py_walk *w, unsigned int looks, struct lp_py_stack *ret);
void lp_py_stack_done(struct lp_py_stack *s);
LP_CLEANUP_DONE(struct lp_py_stack, lp_py_stack_done)

/* Leaves the n outermost frames. */
void lp_py_stack_keep(struct lp_py_stack *s, size_t n);
/* What of `now` was the same in `before`, from the outermost frame on; an innermost one can have gone on. */
size_t lp_py_stack_common(const struct lp_py_stack *before, const struct lp_py_stack *now);

/* --- generators and coroutines: await.c --- */

enum lp_py_gen_state {
	LP_PY_GEN_CREATED,
	LP_PY_GEN_SUSPENDED,
	LP_PY_GEN_RUNNING,
	LP_PY_GEN_FINISHED,
};

bool lp_py_is_generator(struct lp_memory *m, const struct lp_py_runtime *rt, uint64_t object);
/* Where the frame of a generator is and what it does; *ret_frame 0: it has none any more, or, with -EFAULT,
 * that can't be read.
 */
int lp_py_gen_state(struct lp_memory *m, const struct lp_py_layout *l, uint64_t gen,
		    enum lp_py_gen_state *ret, uint64_t *ret_frame);

/* The frames of a coroutine and of what it awaits, innermost first, and the object that the innermost
 * waits for; 0: none. -EBUSY: one of them runs.
 */
int lp_py_await_chain(struct lp_memory *m, const struct lp_py_runtime *rt, uint64_t coro,
		      struct lp_py_stack *ret, uint64_t *ret_object);

/* --- attributes of instances: attribute.c --- */

/* The objects under names among the attributes of an object: 0 in ret[i] where there is none. */
int lp_py_attributes(struct lp_python *py, uint64_t object, const char *const *names, size_t n,
		     uint64_t *ret);
/* What a variable of a frame holds. -ENOENT: there is none of that name, or it is unbound. locals.c */
int lp_py_frame_local(struct lp_python *py, const struct lp_py_stack_frame *f, const char *name,
		      uint64_t *ret);
/* A str, or the number n of a task as "Task-n"; NULL. */
const char *lp_py_name_of(struct lp_python *py, uint64_t object, struct lp_arena *arena);
/* tp_name of its type; "" where it can't be read. */
void lp_py_type_name(struct lp_memory *m, const struct lp_py_layout *l, uint64_t object,
		     char ret[64]);
/* Is the type or one that it is made from `base`? */
bool lp_py_is_made_from(struct lp_memory *m, const struct lp_py_layout *l, uint64_t object,
			uint64_t base);

#endif
