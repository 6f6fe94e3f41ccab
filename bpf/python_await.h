/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/python_await.h
 *
 * python_await - who awaits the running asyncio task, who awaits that one, and where: as it is at the hit.
 *
 * A task says itself which future it waits for. Who that is is found from the other end: what the
 * running task calls when it is done is the wake-up of a task that waits for it, or a function of
 * asyncio's own that has a future which somebody waits for in turn (gather(), wait(), wait_for(),
 * shield(), TaskGroup). Nobody counts who does not say that it waits for just that future. While a
 * task runs no other of its loop does: nothing moves.
 */
#ifndef LP_BPF_PYTHON_AWAIT_H
#define LP_BPF_PYTHON_AWAIT_H

#include "python_coro.h"

/* What the next step is about; one step is one instruction of the site's program. */
enum lp_pyvm_await_phase {
	LP_AWAIT_START,
	LP_AWAIT_WAY,	    /* the next future */
	LP_AWAIT_CALLBACKS, /* its list of them */
	LP_AWAIT_CALLBACK,  /* the next of them */
	LP_AWAIT_CELL,	    /* the next of that one's closure */
	LP_AWAIT_FUTURE,    /* is it one? */
	LP_AWAIT_NO_TASK,   /* one more way, unless it is a task */
	LP_AWAIT_PARENT,    /* of a TaskGroup */
	LP_AWAIT_COMPLETED, /* the future that it waits for */
	LP_AWAIT_TASK,	    /* does it wait? */
	LP_AWAIT_FOUND,	    /* all that there is */
	LP_AWAIT_BLOCK,	    /* of who has been found */
	LP_AWAIT_CORO,	    /* its coroutine */
	LP_AWAIT_FRAME,	    /* the next one */
	LP_AWAIT_CODE,	    /* the code of the next frame */
};

#define LP_AWAIT_CAPTURE 2
#define LP_AWAIT_LIMITS	 LP_PY_CAPTURE(LP_READ_MAX, 1, 1) /* names, and paths of files */

#define LP_PYVM_FILE 16u /* characters at the end of a path */

/* Files of asyncio, by the end of their paths. */
enum lp_pyvm_asyncio { LP_ASYNCIO_NOT, LP_ASYNCIO_TASKS, LP_ASYNCIO_GROUPS };

#define LP_PYVM_ASYNCIO	 0x2f6f69636e797361ull /* "asyncio/" */
#define LP_PYVM_TASKS_PY 0x79702e736b736174ull /* "tasks.py" */
#define LP_PYVM_IO_TASKG 0x676b7361742f6f69ull /* "io/taskg" */
#define LP_PYVM_ROUPS_PY 0x79702e7370756f72ull /* "roups.py" */

/* Which of them a function is from. */
lp_global int lp_pyvm_await_file(struct lp_vm *vm, __u64 function)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;
	__u64 at, c, low = 0, high = 0;

	if (!rt || lp_pyvm_u64(vm, function + rt->layout.func_code, &at) < 0 ||
	    lp_pyvm_u64(vm, at + rt->layout.code_filename, &at) < 0 ||
	    lp_pyvm_view(vm, LP_VIEW_A, LP_PY_OBJECT, at) < 0)
		return LP_ASYNCIO_NOT;

	const struct lp_pyvm_view *v = &vm->py.view[LP_VIEW_A];
	__u32 width = v->width;
	if (v->kind != LP_KIND_STR || v->len < LP_PYVM_FILE)
		return LP_ASYNCIO_NOT;
	at = v->addr + (v->len - LP_PYVM_FILE) * width;
	for (__u32 i = 0; i < LP_PYVM_FILE; i++) {
		if (lp_pyvm_get(vm, at + i * width, width, &c) < 0 || c > 0xff)
			return LP_ASYNCIO_NOT;
		low = low >> 8 | high << 56;
		high = high >> 8 | c << 56;
	}
	if (low == LP_PYVM_ASYNCIO && high == LP_PYVM_TASKS_PY)
		return LP_ASYNCIO_TASKS;
	return low == LP_PYVM_IO_TASKG && high == LP_PYVM_ROUPS_PY ? LP_ASYNCIO_GROUPS
								   : LP_ASYNCIO_NOT;
}

/* The next phase, which needs to know a member of an object: it is in a->value then. */
lp_inline void lp_pyvm_await_ask(struct lp_pyvm_await *a, __u64 object, __u32 which, __u32 phase)
{
	a->of = object;
	a->which = which;
	a->asks = 1;
	a->phase = phase;
}

/* The class of C's whose objects have it at an offset; 0: none has. */
lp_inline __u64 lp_pyvm_await_class(struct lp_vm *vm, const struct lp_py_runtime *rt, __u32 which)
{
	__u64 future = 0;

	if (!rt->type_task || which == LP_OWN_PARENT || which == LP_OWN_COMPLETED)
		return 0;
	if (which == LP_OWN_CALLBACKS) /* every future has them */
		return lp_pyvm_u64(vm, rt->type_task + rt->layout.tp_base, &future) < 0 ? 0
											: future;
	return rt->type_task;
}

/* a->value; 0: there is none, or it is None. */
lp_inline void lp_pyvm_await_member(struct lp_vm *vm, const struct lp_py_runtime *rt)
{
	const struct lp_py_layout *l = &rt->layout;
	struct lp_pyvm_await *a = &vm->py.await;
	__u32 which = a->which;
	__u64 class = lp_pyvm_await_class(vm, rt, which), type, value = 0;

	a->asks = 0;
	a->is_c = class && lp_pyvm_u64(vm, a->of + l->ob_type, &type) >= 0 &&
		  lp_pyvm_is_subtype(vm, type, class) == 1;
	if (a->is_c) {
		__u32 at = which == LP_OWN_CORO	    ? l->task_coro
			   : which == LP_OWN_WAITER ? l->task_waiter
			   : which == LP_OWN_NAME   ? l->task_name
						    : LP_PY_FUTURE_CALLBACKS;

		if (lp_pyvm_u64(vm, a->of + at, &value) < 0)
			a->is_cut = 1;
	} else if (lp_pyvm_own(vm, a->of, which) == 1) {
		value = vm->py.probe.value;
	}
	a->value = value == rt->none ? 0 : value;
}

/* --- ways to who awaits a->task --- */

lp_inline void lp_pyvm_await_begin(struct lp_pyvm_await *a, __u64 task)
{
	a->task = a->ways[0] = task;
	a->n_ways = 1;
	a->way = 0;
	a->by = 0;
	a->others = a->flags = a->is_cut = 0;
	a->phase = LP_AWAIT_WAY;
}

lp_inline void lp_pyvm_await_way(struct lp_pyvm_await *a)
{
	__u32 way = a->way;

	lp_opaque(way);
	if (way >= a->n_ways || way >= LP_PY_WAYS_MAX) {
		a->phase = LP_AWAIT_FOUND;
		return;
	}
	a->future = a->ways[way];
	a->way = way + 1;
	lp_pyvm_await_ask(a, a->future, LP_OWN_CALLBACKS, LP_AWAIT_CALLBACKS);
}

/* C's have the first apart from the list of the others. */
lp_inline void lp_pyvm_await_callbacks(struct lp_vm *vm, const struct lp_py_runtime *rt)
{
	struct lp_pyvm_await *a = &vm->py.await;
	__u64 n = 0, list = a->value;

	a->first = a->items = 0;
	if ((a->is_c && lp_pyvm_u64(vm, a->future + LP_PY_FUTURE_CALLBACK0, &a->first) < 0) ||
	    (list && (lp_pyvm_u64(vm, list + rt->layout.ob_size, &n) < 0 ||
		      lp_pyvm_u64(vm, list + rt->layout.list_items, &a->items) < 0)))
		a->is_cut = 1;
	if (n > LP_PY_CALLBACKS_MAX) {
		n = LP_PY_CALLBACKS_MAX;
		a->is_cut = 1;
	}
	a->n_items = n;
	a->item = a->n_cells = a->cell = 0;
	a->phase = LP_AWAIT_CALLBACK;
}

/* A function of asyncio's: futures can be in its closure. */
lp_inline void lp_pyvm_await_closure(struct lp_vm *vm, const struct lp_py_layout *l, __u64 function)
{
	struct lp_pyvm_await *a = &vm->py.await;
	__u64 cells = 0, n = 0;

	if (lp_pyvm_await_file(vm, function) != LP_ASYNCIO_TASKS)
		return;
	if (lp_pyvm_u64(vm, function + l->func_code + LP_PY_CLOSURE_FROM_CODE(l->minor), &cells) <
		    0 ||
	    (cells && lp_pyvm_u64(vm, cells + l->ob_size, &n) < 0))
		a->is_cut = 1;
	a->cells = cells + l->tuple_items;
	a->n_cells = n < LP_PY_CALLBACKS_MAX ? n : LP_PY_CALLBACKS_MAX;
	a->cell = 0;
	a->phase = LP_AWAIT_CELL;
}

/* functools.partial(function, future) */
lp_inline void lp_pyvm_await_partial(struct lp_vm *vm, const struct lp_py_runtime *rt, __u64 object,
				     __u64 function)
{
	__u64 args, type, future;

	if (lp_pyvm_await_file(vm, function) == LP_ASYNCIO_TASKS &&
	    lp_pyvm_u64(vm, object + LP_PY_PARTIAL_ARGS, &args) >= 0 &&
	    lp_pyvm_u64(vm, args + rt->layout.ob_type, &type) >= 0 && type == rt->type_tuple &&
	    lp_pyvm_u64(vm, args + rt->layout.tuple_items, &future) >= 0)
		lp_pyvm_await_ask(&vm->py.await, future, LP_OWN_CALLBACKS, LP_AWAIT_FUTURE);
}

/* What a->future calls when it is done. */
lp_inline void lp_pyvm_await_called(struct lp_vm *vm, const struct lp_py_runtime *rt, __u64 object)
{
	struct lp_pyvm_await *a = &vm->py.await;
	__u64 type, first, self, of = 0;

	if (lp_pyvm_u64(vm, object + rt->layout.ob_type, &type) < 0 ||
	    lp_pyvm_u64(vm, object + LP_PYVM_HEAD, &first) < 0 ||
	    lp_pyvm_u64(vm, object + LP_PYVM_HEAD + 8, &self) < 0) {
		a->is_cut = 1;
		return;
	}
	if (type == rt->type_function) {
		lp_pyvm_await_closure(vm, &rt->layout, object);
		return;
	}
	if (type != rt->type_method && type != rt->type_cfunction) {
		lp_pyvm_u64(vm, first + rt->layout.ob_type, &of);
		if (of == rt->type_function) {
			lp_pyvm_await_partial(vm, rt, object, first);
			return;
		}
		self = first; /* the wrapper of a task's wake-up */
	}
	a->who = self;
	a->waits_for = a->future;
	if (type == rt->type_method && lp_pyvm_await_file(vm, first) == LP_ASYNCIO_GROUPS)
		lp_pyvm_await_ask(a, self, LP_OWN_PARENT, LP_AWAIT_PARENT);
	else
		lp_pyvm_await_ask(a, self, LP_OWN_WAITER, LP_AWAIT_TASK);
}

/* The list has tuples of a callback and its context. */
lp_inline void lp_pyvm_await_callback(struct lp_vm *vm, const struct lp_py_runtime *rt)
{
	struct lp_pyvm_await *a = &vm->py.await;
	__u64 object = a->first;
	__u32 i = a->item;

	if (i > a->n_items) {
		a->phase = LP_AWAIT_WAY;
		return;
	}
	a->item = i + 1;
	if (i && (lp_pyvm_u64(vm, a->items + 8 * (i - 1), &object) < 0 ||
		  lp_pyvm_u64(vm, object + rt->layout.tuple_items, &object) < 0))
		a->is_cut = 1;
	else if (object && object != rt->none)
		lp_pyvm_await_called(vm, rt, object);
}

lp_inline void lp_pyvm_await_cell(struct lp_vm *vm, const struct lp_py_layout *l)
{
	struct lp_pyvm_await *a = &vm->py.await;
	__u32 i = a->cell;
	__u64 cell, object;

	if (i >= a->n_cells) {
		a->phase = LP_AWAIT_CALLBACK;
		return;
	}
	a->cell = i + 1;
	if (lp_pyvm_u64(vm, a->cells + 8 * i, &cell) < 0 ||
	    lp_pyvm_u64(vm, cell + l->cell_ref, &object) < 0)
		a->is_cut = 1;
	else if (object)
		lp_pyvm_await_ask(a, object, LP_OWN_CALLBACKS, LP_AWAIT_FUTURE);
}

/* If it has callbacks it is a future. */
lp_inline void lp_pyvm_await_future(struct lp_pyvm_await *a)
{
	a->phase = LP_AWAIT_CELL;
	if (a->is_c || a->value)
		lp_pyvm_await_ask(a, a->of, LP_OWN_CORO, LP_AWAIT_NO_TASK);
}

/* Functions of 3.14 know the task that has called them as well. */
lp_inline void lp_pyvm_await_no_task(struct lp_pyvm_await *a)
{
	__u32 n = a->n_ways;

	a->phase = LP_AWAIT_CELL;
	if (a->value)
		return;
	for (__u32 i = 0; i < LP_PY_WAYS_MAX; i++)
		if (i < n && a->ways[i] == a->of)
			return;
	lp_opaque(n);
	if (n >= LP_PY_WAYS_MAX) {
		a->is_cut = 1;
		return;
	}
	a->ways[n] = a->of;
	a->n_ways = n + 1;
}

/* A TaskGroup wakes its parent through a future of its own. */
lp_inline void lp_pyvm_await_parent(struct lp_pyvm_await *a)
{
	a->phase = LP_AWAIT_CALLBACK;
	if (!a->value)
		return;
	a->who = a->value;
	lp_pyvm_await_ask(a, a->of, LP_OWN_COMPLETED, LP_AWAIT_COMPLETED);
}

lp_inline void lp_pyvm_await_completed(struct lp_pyvm_await *a)
{
	a->phase = LP_AWAIT_CALLBACK;
	if (!a->value)
		return;
	a->waits_for = a->value;
	lp_pyvm_await_ask(a, a->who, LP_OWN_WAITER, LP_AWAIT_TASK);
}

lp_inline void lp_pyvm_await_task(struct lp_pyvm_await *a)
{
	a->phase = LP_AWAIT_CALLBACK;
	if (a->value != a->waits_for)
		return;
	if (!a->by)
		a->by = a->who;
	else if (a->by != a->who)
		a->others++;
}

/* --- who has been found --- */

/* A struct lp_py_await, of which the flags and the number of frames come later. */
lp_inline long lp_pyvm_await_put(struct lp_vm *vm, __u64 task, __u64 name)
{
	__u8 *tail = lp_vm_tail(vm, sizeof(struct lp_py_await));
	struct lp_pyvm_await *a = &vm->py.await;

	if (!tail) {
		vm->flags |= LP_RECF_CUT;
		return -LP_ST_NO_ROOM;
	}

	lp_word *to = (lp_word *)tail;
	to[0] = task;
	to[1] = 0;
	to[2] = a->others;
	to[3] = LP_PY_OBJECT;
	to[4] = name;
	to[5] = to[6] = 0;
	a->start = vm->len;
	return lp_vm_block(vm, LP_SLOT_PYAWAIT, LP_ST_OK, 0, sizeof(struct lp_py_await), 0);
}

/* Is it a member of the chain? */
lp_inline int lp_pyvm_await_is_known(const struct lp_pyvm_await *a, __u64 task)
{
	for (__u32 i = 0; i < LP_PY_AWAITERS_MAX; i++)
		if (i < a->n_chain && a->chain[i] == task)
			return 1;
	return 0;
}

/* 0: the chain ends here. */
lp_inline int lp_pyvm_await_found(struct lp_vm *vm)
{
	struct lp_pyvm_await *a = &vm->py.await;
	__u32 n = a->n_chain;

	lp_opaque(n);
	if (a->by && n < LP_PY_AWAITERS_MAX && a->steps < LP_PY_AWAIT_STEPS) {
		lp_pyvm_await_ask(a, a->by, LP_OWN_NAME, LP_AWAIT_BLOCK);
		return 1;
	}
	if (a->by || a->is_cut)
		lp_pyvm_await_put(vm, 0, 0);
	return 0;
}

/* One that is on the chain already ends it, without its frames. */
lp_inline int lp_pyvm_await_block(struct lp_vm *vm)
{
	struct lp_pyvm_await *a = &vm->py.await;
	__u32 n = a->n_chain;

	a->flags = a->is_cut ? LP_PY_AWAIT_MANY : 0;
	a->n_frames = 0;
	a->is_last = lp_pyvm_await_is_known(a, a->by);
	if (lp_pyvm_await_put(vm, a->by, a->value) < 0)
		return 0;
	a->name = a->value;
	lp_opaque(n);
	if (n < LP_PY_AWAITERS_MAX) {
		a->chain[n] = a->by;
		a->n_chain = n + 1;
	}
	lp_pyvm_await_ask(a, a->by, LP_OWN_CORO, LP_AWAIT_CORO);
	return 1;
}

/* a->object: what stands for a coroutine (coroutine.__await__(), asend()) has it as its first member, and is of
 * the interpreter's own. 1: goes on; 0: that is the end; < 0: of what can be had.
 */
lp_inline long lp_pyvm_await_other(struct lp_vm *vm, const struct lp_py_runtime *rt, __u64 type)
{
	struct lp_pyvm_await *a = &vm->py.await;
	__u64 flags, first, of;

	if (lp_pyvm_u64(vm, type + rt->layout.tp_flags, &flags) < 0)
		return -LP_ST_UNREADABLE;
	if (flags & LP_PY_TP_HEAPTYPE || lp_pyvm_u64(vm, a->object + LP_PYVM_HEAD, &first) < 0 ||
	    lp_pyvm_u64(vm, first + rt->layout.ob_type, &of) < 0 || !lp_pyvm_is_generator(rt, of))
		return 0;
	a->object = first;
	return 1;
}

/* The frame of the coroutine a->object, and what that awaits: as lp_pyvm_await_other(). */
lp_inline long lp_pyvm_await_step(struct lp_vm *vm, const struct lp_py_runtime *rt)
{
	const struct lp_py_layout *l = &rt->layout;
	struct lp_pyvm_await *a = &vm->py.await;
	__u64 gen = a->object, type, frame, code, lasti;

	if (!gen)
		return 0;
	if (lp_pyvm_u64(vm, gen + l->ob_type, &type) < 0)
		return -LP_ST_UNREADABLE;
	if (!lp_pyvm_is_generator(rt, type))
		return lp_pyvm_await_other(vm, rt, type);
	if (a->n_frames >= LP_PY_CORO_MAX)
		return -LP_ST_NO_ROOM;
	frame = lp_pyvm_await_frame(vm, l, gen);
	if (!frame || lp_pyvm_code_of(vm, l, frame, &code) < 0 ||
	    lp_pyvm_frame_at(vm, l, frame, code, &lasti) < 0)
		return -LP_ST_UNREADABLE;
	if (lp_pyvm_put_frame(vm, l, code, lasti, 0) < 0)
		return -LP_ST_NO_ROOM;
	a->n_frames++;
	if (!lp_pyvm_is_in_await(vm, l, gen, code, lasti))
		return 0;
	return lp_pyvm_stack_top(vm, l, frame, &a->object) < 0 ? -LP_ST_UNREADABLE : 1;
}

/* What is to be captured next. */
lp_inline long lp_pyvm_await_value(struct lp_vm *vm, __u64 object, enum lp_py_whole whole)
{
	vm->walk.value.tag = LP_PY_OBJECT;
	vm->walk.value.bits = object;
	vm->walk.value.from = vm->walk.value.to = 0;
	vm->walk.whole = whole;
	return LP_AWAIT_CAPTURE;
}

/* After the last frame the block is done, and the name can be copied. */
lp_inline long lp_pyvm_await_frames(struct lp_vm *vm, const struct lp_py_runtime *rt)
{
	struct lp_pyvm_await *a = &vm->py.await;
	long r = a->is_last ? 0 : lp_pyvm_await_step(vm, rt);

	if (r == 1)
		return 1;
	if (r < 0)
		a->flags |= LP_PY_AWAIT_FRAMES_CUT;
	a->phase = LP_AWAIT_CODE;

	struct lp_block *block = lp_vm_block_end(vm, a->start);
	if (block)
		((lp_word *)(block + 1))[1] = a->n_frames | (__u64)a->flags << 32;
	a->codes_at = a->start + sizeof(*block) + sizeof(struct lp_py_await);
	return lp_pyvm_await_value(vm, a->name, LP_WHOLE_NOT);
}

/* The code of the frames, where the reader does not know it; then who awaits that task. */
lp_inline long lp_pyvm_await_code(struct lp_vm *vm, const struct lp_py_layout *l)
{
	struct lp_pyvm_await *a = &vm->py.await;
	__u64 code;

	if (!a->n_frames) {
		lp_pyvm_await_begin(a, a->by);
		return !a->is_last;
	}
	code = lp_py_word(vm, a->codes_at);
	a->codes_at += sizeof(struct lp_py_frame);
	a->n_frames--;
	return lp_pyvm_code_is_due(vm, l, code) ? lp_pyvm_await_value(vm, code, LP_WHOLE_CODE) : 1;
}

/* One more step; 0: there is no task. */
lp_inline int lp_pyvm_await_count(struct lp_pyvm_await *a, __u64 task)
{
	if (a->phase == LP_AWAIT_START) {
		if (!task)
			return 0;
		a->n_chain = a->steps = a->asks = 0;
		lp_pyvm_await_begin(a, task);
	}
	if (a->steps++ >= LP_PY_AWAIT_STEPS && a->phase < LP_AWAIT_FOUND) {
		a->phase = LP_AWAIT_FOUND;
		a->is_cut = 1;
		a->asks = 0;
	}
	return 1;
}

/* CAP_PYAWAIT, a step: 0: done; 1: there is more, LP_AWAIT_CAPTURE: and vm->walk.value is to be captured. */
lp_global long lp_pyvm_await_next(struct lp_vm *vm)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;

	if (!rt)
		return 0;

	struct lp_pyvm_await *a = &vm->py.await;
	if (!lp_pyvm_await_count(a, vm->py.task))
		return 0;
	if (a->asks)
		lp_pyvm_await_member(vm, rt);
	switch (a->phase) {
	case LP_AWAIT_WAY:
		lp_pyvm_await_way(a);
		break;
	case LP_AWAIT_CALLBACKS:
		lp_pyvm_await_callbacks(vm, rt);
		break;
	case LP_AWAIT_CALLBACK:
		lp_pyvm_await_callback(vm, rt);
		break;
	case LP_AWAIT_CELL:
		lp_pyvm_await_cell(vm, &rt->layout);
		break;
	case LP_AWAIT_FUTURE:
		lp_pyvm_await_future(a);
		break;
	case LP_AWAIT_NO_TASK:
		lp_pyvm_await_no_task(a);
		break;
	case LP_AWAIT_PARENT:
		lp_pyvm_await_parent(a);
		break;
	case LP_AWAIT_COMPLETED:
		lp_pyvm_await_completed(a);
		break;
	case LP_AWAIT_TASK:
		lp_pyvm_await_task(a);
		break;
	case LP_AWAIT_FOUND:
		return lp_pyvm_await_found(vm);
	case LP_AWAIT_BLOCK:
		return lp_pyvm_await_block(vm);
	case LP_AWAIT_CORO:
		a->object = a->value;
		a->phase = LP_AWAIT_FRAME;
		break;
	case LP_AWAIT_FRAME:
		return lp_pyvm_await_frames(vm, rt);
	default: /* CODE */
		return lp_pyvm_await_code(vm, &rt->layout);
	}
	return 1;
}

#endif
