// SPDX-License-Identifier: GPL-2.0-only
/* Who awaits what: a coroutine's frame and what it is suspended in, as _PyGen_yf() of each version
 * finds it (Objects/genobject.c).
 */
#include <errno.h>
#include <string.h>

#include "python/opcode.h"
#include "python/stacks_impl.h"

#define FIRST_13	-3 /* FRAME_CREATED of 3.13 on; -2 before (pycore_frame.h) */
#define YIELDS_FROM	-1 /* FRAME_SUSPENDED_YIELD_FROM, from 3.13 on */
#define RESUME_IN_AWAIT 2  /* argument of RESUME: after a `yield from` or an `await` */
#define RESUME_PLACE	3  /* its bits that say so */

bool lp_py_is_generator(struct lp_memory *m, const struct lp_py_runtime *rt, uint64_t object)
{
	uint64_t type;

	return lp_py_type(m, &rt->layout, object, &type) == 0 &&
	       (type == rt->type_coroutine || type == rt->type_generator ||
		(rt->type_async_generator && type == rt->type_async_generator));
}

/* Up to 3.9 there is none: as 3.10's. */
static int old_state(struct lp_memory *m, const struct lp_py_layout *l, uint64_t gen,
		     uint64_t frame, int8_t *ret)
{
	uint32_t lasti;
	uint8_t running;

	if (lp_py_u8(m, gen + l->gen_running, &running) < 0 ||
	    lp_py_u32(m, frame + l->frame_lasti, &lasti) < 0)
		return -EFAULT;
	*ret = running ? 0 : (int32_t)lasti < 0 ? -2 : -1;
	return 0;
}

int lp_py_gen_state(struct lp_memory *m, const struct lp_py_layout *l, uint64_t gen,
		    enum lp_py_gen_state *ret, uint64_t *ret_frame)
{
	uint64_t frame = gen + l->gen_frame;
	int8_t state;
	int r = 0;

	*ret_frame = 0;
	if (l->minor <= 10 && lp_py_u64(m, gen + l->gen_frame, &frame) < 0)
		return -EFAULT;
	*ret = LP_PY_GEN_FINISHED;
	*ret_frame = frame;
	if (!frame)
		return 0;
	if (l->minor <= 9)
		r = old_state(m, l, gen, frame, &state);
	else
		r = lp_py_u8(m, l->minor == 10 ? frame + l->frame_state : gen + l->gen_state,
			     (uint8_t *)&state);
	if (r < 0)
		return r;
	if (state > 0)
		*ret_frame = 0;
	else if (state == 0)
		*ret = LP_PY_GEN_RUNNING;
	else
		*ret = state == (l->minor >= 13 ? FIRST_13 : FIRST_13 + 1) ? LP_PY_GEN_CREATED
									   : LP_PY_GEN_SUSPENDED;
	return 0;
}

/* The end of a suspended frame's value stack. */
static int stack_top(struct lp_memory *m, const struct lp_py_layout *l, uint64_t frame,
		     uint64_t *ret)
{
	const uint64_t at = frame + l->frame_stacktop;
	uint64_t base = frame + l->frame_localsplus, top;
	uint32_t depth;

	if (l->minor == 10 && lp_py_u64(m, frame + l->frame_stack, &base) < 0)
		return -EFAULT;
	if (l->minor >= 10 && l->minor <= 13) {
		if (lp_py_u32(m, at, &depth) < 0 || depth == 0 || depth > INT16_MAX)
			return -EFAULT;
		top = base + 8ull * depth;
	} else if (lp_py_u64(m, at, &top) < 0 || top < 8) {
		return -EFAULT;
	}
	if (lp_py_u64(m, top - 8, ret) < 0)
		return -EFAULT;
	*ret &= ~(uint64_t)l->frame_tags;
	return 0;
}

/* Is it suspended in an `await` or a `yield from`, not in a `yield`? */
static bool is_in_await(struct lp_memory *m, const struct lp_py_runtime *rt, uint64_t gen,
			const struct lp_py_frame *frame)
{
	const struct lp_py_layout *l = &rt->layout;
	uint64_t units = frame->code + l->code_code;
	uint8_t unit[2];

	if (l->minor >= 13) {
		uint8_t state;

		return lp_py_u8(m, gen + l->gen_state, &state) == 0 && (int8_t)state == YIELDS_FROM;
	}
	if (l->minor <= 10 && lp_py_u64(m, frame->code + l->code_code, &units) < 0)
		return false;
	if (l->minor <= 10)
		units += l->bytes_data;
	if (m->read(m, units + frame->lasti + sizeof(unit), unit, sizeof(unit)) < 0)
		return false;

	const struct lp_py_opcode *op = &lp_py_opcodes[l->minor - LP_PY_MINOR_MIN][unit[0]];
	if (l->minor <= 10)
		return op->name && !strcmp(op->name, "YIELD_FROM");
	return op->kind == LP_PYOP_RESUME && (unit[1] & RESUME_PLACE) >= RESUME_IN_AWAIT;
}

/* Objects that stand for the coroutine or future that is their first member. */
static bool stands_for(struct lp_memory *m, const struct lp_py_layout *l, uint64_t object)
{
	static const char *const names[] = { "coroutine_wrapper", "async_generator_asend",
					     "async_generator_athrow", "anext_awaitable",
					     "_asyncio.FutureIter" };
	char name[64];

	lp_py_type_name(m, l, object, name);
	for (size_t i = 0; i < LP_ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static void reverse(struct lp_py_stack *s)
{
	for (size_t i = 0; i < s->frames.len / 2; i++) {
		struct lp_py_stack_frame f = s->frames.data[i];

		s->frames.data[i] = s->frames.data[s->frames.len - 1 - i];
		s->frames.data[s->frames.len - 1 - i] = f;
	}
}

/* 1: goes on with *object; 0: that is its end. */
static int step(struct lp_memory *m, const struct lp_py_runtime *rt, uint64_t *object,
		struct lp_py_stack *ret)
{
	const struct lp_py_layout *l = &rt->layout;
	enum lp_py_gen_state state;
	struct lp_py_stack_frame f;
	uint64_t frame, back;

	if (!lp_py_is_generator(m, rt, *object)) {
		if (!stands_for(m, l, *object))
			return 0;
		return lp_py_u64(m, *object + LP_PY_FIRST_MEMBER, object) < 0 ? -EFAULT
		       : *object					      ? 1
									      : -EFAULT;
	}

	const uint64_t gen = *object;
	int r = lp_py_gen_state(m, l, gen, &state, &frame);
	*object = 0;
	if (r < 0 || state == LP_PY_GEN_FINISHED)
		return r;
	if (state == LP_PY_GEN_RUNNING)
		return -EBUSY;
	r = lp_py_frame_read(m, rt, frame, &f, &back);
	if (r < 0)
		return -EFAULT;
	f.is_generator = true;
	f.is_begun &= state == LP_PY_GEN_SUSPENDED;
	if (lp_vec_push(&ret->frames, f) < 0)
		return -ENOMEM;
	if (!f.is_begun || !is_in_await(m, rt, gen, &f.at))
		return 0;
	return stack_top(m, l, frame, object) < 0 ? -EFAULT : 1;
}

int lp_py_await_chain(struct lp_memory *m, const struct lp_py_runtime *rt, uint64_t coro,
		      struct lp_py_stack *ret, uint64_t *ret_object)
{
	int r = 1;

	ret->frames.len = 0;
	for (size_t i = 0; r == 1 && coro; i++) {
		if (i == LP_PY_WALK_MAX)
			return -EFAULT;
		r = step(m, rt, &coro, ret);
	}
	if (r < 0)
		return r;
	reverse(ret);
	*ret_object = coro;
	return 0;
}
