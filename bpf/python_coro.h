/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/python_coro.h
 *
 * python_coro - a coroutine that waits: its frame, and what it waits for, as _PyGen_yf() of each version
 * finds it (Objects/genobject.c; user/python/await.c does the same for `stacks`).
 */
#ifndef LP_BPF_PYTHON_CORO_H
#define LP_BPF_PYTHON_CORO_H

/* A generator's state while it waits (pycore_frame.h, FRAME_SUSPENDED*), and what tells an `await` from a
 * `yield`.
 */
#define LP_PYVM_SUSPENDED    -1
#define LP_PYVM_SUSPENDED_13 -2 /* in a `yield`, from 3.13 on, where the one above is an `await` */
#define LP_PYVM_YIELD_FROM   72 /* up to 3.10: the instruction that comes next */
#define LP_PYVM_IN_AWAIT     2	/* 3.11 and 3.12: the argument of RESUME, which comes next */
#define LP_PYVM_RESUME_PLACE 3	/* its bits that say so */

/* The frame of a generator that waits; 0: it does not wait. */
lp_inline __u64 lp_pyvm_await_frame(struct lp_vm *vm, const struct lp_py_layout *l, __u64 gen)
{
	__u64 frame = gen + l->gen_frame, state = 0, last = 0;
	__s32 is;

	if (l->minor <= 10 && (lp_pyvm_u64(vm, frame, &frame) < 0 || !frame))
		return 0;
	if (l->minor <= 9)
		return lp_pyvm_get(vm, gen + l->gen_running, 1, &state) < 0 || state ||
				       lp_pyvm_get(vm, frame + l->frame_lasti, 4, &last) < 0 ||
				       (__s32)last < 0
			       ? 0
			       : frame;
	if (lp_pyvm_get(vm, l->minor == 10 ? frame + l->frame_state : gen + l->gen_state, 1,
			&state) < 0)
		return 0;
	is = (__s8)state;
	return is == LP_PYVM_SUSPENDED || (l->minor >= 13 && is == LP_PYVM_SUSPENDED_13) ? frame
											 : 0;
}

/* Is it in an `await` or a `yield from`, not in a `yield`? */
lp_inline int lp_pyvm_is_in_await(struct lp_vm *vm, const struct lp_py_layout *l, __u64 gen,
				  __u64 code, __u64 lasti)
{
	__u64 unit = code + l->code_code;

	if (l->minor >= 13)
		return lp_pyvm_get(vm, gen + l->gen_state, 1, &unit) >= 0 &&
		       (__s8)unit == LP_PYVM_SUSPENDED;
	if (l->minor <= 10) {
		if (lp_pyvm_u64(vm, unit, &unit) < 0)
			return 0;
		unit += l->bytes_data;
	}
	if (lp_pyvm_get(vm, unit + lasti + 2, 2, &unit) < 0)
		return 0;
	return l->minor <= 10 ? (unit & 0xff) == LP_PYVM_YIELD_FROM
			      : (unit >> 8 & LP_PYVM_RESUME_PLACE) >= LP_PYVM_IN_AWAIT;
}

/* What a suspended frame has on top of its stack. */
lp_inline long lp_pyvm_stack_top(struct lp_vm *vm, const struct lp_py_layout *l, __u64 frame,
				 __u64 *ret)
{
	__u64 base = frame + l->frame_localsplus, top;
	__u32 is_depth = l->minor >= 10 && l->minor <= 13;

	if ((l->minor == 10 && lp_pyvm_u64(vm, frame + l->frame_stack, &base) < 0) ||
	    lp_pyvm_get(vm, frame + l->frame_stacktop, is_depth ? 4 : 8, &top) < 0)
		return -LP_ST_UNREADABLE;
	if (is_depth)
		top = base + 8 * top;
	if (lp_pyvm_u64(vm, top - 8, ret) < 0)
		return -LP_ST_UNREADABLE;
	*ret &= ~(__u64)l->frame_tags;
	return 0;
}

lp_inline int lp_pyvm_is_generator(const struct lp_py_runtime *rt, __u64 type)
{
	return type == rt->type_coroutine || type == rt->type_generator ||
	       (type == rt->type_async_generator && type);
}

#endif
