/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/python_who.h
 *
 * python_who - who runs: the frames of the Python stack, the thread's name, the running asyncio task.
 */
#ifndef LP_BPF_PYTHON_WHO_H
#define LP_BPF_PYTHON_WHO_H

#define LP_PYVM_TRACEABLE_MAX 512	   /* bytes: what a function does before its first line */
#define LP_PYVM_NAME_EVERY    100000000ull /* ns */
#define LP_PYVM_NAME_LIMITS   LP_PY_CAPTURE(LP_STRING_DEFAULT, 1, 1)

/* Where a frame is: the byte offset of its latest instruction. */
lp_inline long lp_pyvm_frame_at(struct lp_vm *vm, const struct lp_py_layout *l, __u64 frame,
				__u64 code, __u64 *ret)
{
	__u64 last;

	if (l->lasti_unit) {
		if (lp_pyvm_get(vm, frame + l->frame_lasti, 4, &last) < 0)
			return -LP_ST_UNREADABLE;
		*ret = (__u64)(__s64)(__s32)last * l->lasti_unit;
		return 0;
	}
	if (lp_pyvm_u64(vm, frame + l->frame_lasti, &last) < 0)
		return -LP_ST_UNREADABLE;
	*ret = last - (code + l->code_code);
	return 0;
}

/* vm->py.units of vm->py.code: up to 3.10 they are in a bytes object. */
lp_inline void lp_pyvm_find_units(struct lp_vm *vm, const struct lp_py_layout *l)
{
	vm->py.units = vm->py.code + l->code_code;
	if (l->lasti_unit && lp_pyvm_u64(vm, vm->py.units, &vm->py.units) >= 0)
		vm->py.units += l->bytes_data;
}

/* C has called a loop that ends with the frame on record before `at`. */
lp_inline void lp_pyvm_entered(struct lp_vm *vm, __u32 at)
{
	if (!vm->py.n_frames)
		return;
	at -= sizeof(struct lp_py_frame);
	lp_opaque(at);
	if (at > LP_RECORD_MAX)
		return;

	lp_word *code = (lp_word *)(vm->rec + at);
	if ((*code & LP_PY_FRAME_LOOPS) < LP_PY_FRAME_LOOPS)
		++*code;
}

/* From 3.11 on a frame that has not got to its first line is none to Python itself, which has some that
 * never do: those that only make an instance.
 */
lp_inline int lp_pyvm_has_begun(struct lp_vm *vm, const struct lp_py_layout *l, __u64 code,
				__u64 owner, __u64 lasti)
{
	__u64 first;

	if (l->minor < 11 || owner == LP_PY_OWNED_BY_GENERATOR ||
	    (__s64)lasti >= LP_PYVM_TRACEABLE_MAX)
		return 1;
	return lp_pyvm_get(vm, code + l->code_firsttraceable, 4, &first) < 0 ||
	       (__s64)lasti >= (__s64)(first * 2);
}

/* Appends the frame vm->py.base to the block at the record's end, and goes to the one behind it. */
static long lp_pyvm_stack_step(__u32 i, struct lp_step *step)
{
	struct lp_vm *vm = step->vm;
	const struct lp_py_runtime *rt = lp_py_rt(vm);
	__u64 frame = vm->py.base, code, name, file, line, lasti, owner = 0, entered;
	__u32 at = vm->len;

	(void)i;
	if (!rt || !frame || !vm->py.limit)
		return 1;

	const struct lp_py_layout *l = &rt->layout;
	entered = l->minor < 11;
	if (at + sizeof(struct lp_py_frame) > vm->room) {
		vm->flags |= LP_RECF_CUT;
		return 1;
	}
	if (lp_pyvm_code_of(vm, l, frame, &code) < 0 ||
	    lp_pyvm_u64(vm, frame + l->frame_back, &vm->py.base) < 0)
		return 1;
	if (l->minor >= 11 && lp_pyvm_get(vm, frame + l->frame_owner, 1, &owner) < 0)
		return 1;
	if (owner >= LP_PY_OWNED_BY_C) {
		lp_pyvm_entered(vm, at);
		return 0;
	}
	/* 3.11 says it in the frame, is_entry, before its owner; earlier ones enter each */
	if (l->minor == 11 && lp_pyvm_get(vm, frame + l->frame_owner - 1, 1, &entered) < 0)
		return 1;
	if (lp_pyvm_frame_at(vm, l, frame, code, &lasti) < 0 ||
	    lp_pyvm_u64(vm, code + l->code_name, &name) < 0 ||
	    lp_pyvm_u64(vm, code + l->code_filename, &file) < 0 ||
	    lp_pyvm_get(vm, code + l->code_firstlineno, 4, &line) < 0)
		return 1;
	if (frame == vm->py.frame && vm->py.unit) { /* about to execute the site's unit */
		lasti = vm->py.unit - vm->py.units;
	} else if (!lp_pyvm_has_begun(vm, l, code, owner, lasti)) {
		if (entered & 1)
			lp_pyvm_entered(vm, at);
		return 0;
	}

	lp_opaque(at);
	if (at > LP_RECORD_MAX - sizeof(struct lp_py_frame))
		return 1;
	lp_word *to = (lp_word *)(vm->rec + at);
	to[0] = code | (entered & 1);
	to[1] = name;
	to[2] = file;
	to[3] = lasti;
	to[4] = (__u32)line;
	vm->len = at + sizeof(struct lp_py_frame);
	vm->frames[vm->py.n_frames++ & (LP_PY_FRAMES_MAX - 1)] = frame;
	vm->py.limit--;
	return 0;
}

/* CAP_PYSTACK */
lp_global long lp_pyvm_cap_stack(struct lp_vm *vm, __u32 max)
{
	struct lp_step step = { .vm = vm };
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;

	if (!rt)
		return 0;

	__u32 start = vm->len;
	vm->py.n_frames = 0;
	if (lp_vm_block(vm, LP_SLOT_PYSTACK, LP_ST_OK, 0, 0, 0) < 0)
		return 0;
	lp_pyvm_find_units(vm, &rt->layout);
	vm->py.base = vm->py.frame;
	vm->py.limit = max < LP_PY_FRAMES_MAX ? max : LP_PY_FRAMES_MAX;
	lp_loop_seldom(LP_PY_FRAMES_MAX * 2, lp_pyvm_stack_step, &step);

	struct lp_block *block = lp_vm_block_end(vm, start);
	if (block && vm->py.base)
		block->flags = LP_BLKF_CUT;
	return 0;
}

enum lp_pyvm_own {
	LP_OWN_NAME, /* of a thread, a task */
	LP_OWN_CORO, /* of a task */
	LP_OWN_WAITER,
	LP_OWN_CALLBACKS, /* of a future */
	LP_OWN_PARENT,	  /* of a TaskGroup */
	LP_OWN_COMPLETED,
};

lp_inline void lp_pyvm_own_name(struct lp_vm *vm, __u32 which)
{
	switch (which) {
	case LP_OWN_CORO:
		lp_pyvm_name(vm, "_coro", 0);
		break;
	case LP_OWN_WAITER:
		lp_pyvm_name(vm, "_fut_waiter", 0);
		break;
	case LP_OWN_CALLBACKS:
		lp_pyvm_name(vm, "_callbacks", 0);
		break;
	case LP_OWN_PARENT:
		lp_pyvm_name(vm, "_parent_task", 0);
		break;
	case LP_OWN_COMPLETED:
		lp_pyvm_name(vm, "_on_completed_fut", 0);
		break;
	}
}

/* An attribute of an object of a Python class: 1, in probe.value. */
lp_global long lp_pyvm_own(struct lp_vm *vm, __u64 object, __u32 which)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;
	__u64 type, flags;

	if (!rt || lp_pyvm_u64(vm, object + rt->layout.ob_type, &type) < 0 ||
	    lp_pyvm_u64(vm, type + rt->layout.tp_flags, &flags) < 0)
		return -LP_ST_UNREADABLE;
	lp_pyvm_name(vm, "_name", 0);
	if (lp_py_uses(LP_OP_CAP_PYAWAIT))
		lp_pyvm_own_name(vm, which);
	return lp_pyvm_instance_find(vm, rt, object, type, flags);
}

lp_inline void lp_pyvm_cap_name(struct lp_vm *vm, __u32 slot, __u64 object)
{
	vm->walk.value.tag = LP_PY_OBJECT;
	vm->walk.value.bits = object;
	vm->walk.value.from = vm->walk.value.to = 0;
	lp_cap_py(vm, slot, LP_PYVM_NAME_LIMITS);
}

/* The thread's own name: 1, in probe.value. */
lp_inline long lp_pyvm_thread_name(struct lp_vm *vm, const struct lp_py_runtime *rt)
{
	if (!rt->thread_active)
		return 0;
	if (lp_pyvm_view(vm, LP_VIEW_A, LP_PY_INT, vm->py.thread_id) < 0 ||
	    lp_pyvm_hash(vm, LP_VIEW_A) < 0 ||
	    lp_pyvm_dict_find(vm, &rt->layout, rt->thread_active, LP_VIEW_A) != 1 ||
	    lp_pyvm_own(vm, vm->py.probe.value, LP_OWN_NAME) != 1)
		return 0;
	return 1;
}

/* The event loop that runs in this thread; 0: none. */
lp_inline __u64 lp_pyvm_running_loop(struct lp_vm *vm, const struct lp_py_runtime *rt)
{
	const struct lp_py_layout *l = &rt->layout;
	__u64 loop = 0, dict;

	if (l->tstate_loop != LP_PY_NONE)
		return lp_pyvm_u64(vm, vm->py.tstate + l->tstate_loop, &loop) < 0 ? 0 : loop;
	if (lp_pyvm_u64(vm, vm->py.tstate + l->tstate_dict, &dict) < 0 || !dict)
		return 0;
	lp_pyvm_name(vm, "__asyncio_running_event_loop__", rt->hash_running_loop);
	if (lp_pyvm_dict_name(vm, l, dict) != 1)
		return 0;
	loop = vm->py.probe.value;
	if (l->holder_loop != LP_PY_NONE && lp_pyvm_u64(vm, loop + l->holder_loop, &loop) < 0)
		return 0;
	return loop;
}

lp_inline __u64 lp_pyvm_running_task(struct lp_vm *vm, const struct lp_py_runtime *rt)
{
	const struct lp_py_layout *l = &rt->layout;
	__u64 task, loop;

	if (l->tstate_task != LP_PY_NONE)
		return lp_pyvm_u64(vm, vm->py.tstate + l->tstate_task, &task) < 0 ? 0 : task;
	loop = rt->current_tasks ? lp_pyvm_running_loop(vm, rt) : 0;
	if (!loop || loop == rt->none || lp_pyvm_view(vm, LP_VIEW_B, LP_PY_OBJECT, loop) < 0)
		return 0;
	vm->py.view[LP_VIEW_B].kind = LP_KIND_OTHER; /* by identity */
	return lp_pyvm_dict_find(vm, l, rt->current_tasks, LP_VIEW_B) == 1 ? vm->py.probe.value : 0;
}

/* The name of the task that runs, into vm->py.out: 1, 0 where there is none. */
lp_inline long lp_pyvm_task_name(struct lp_vm *vm, const struct lp_py_runtime *rt)
{
	__u64 task, type;

	task = lp_pyvm_running_task(vm, rt);
	vm->py.task = task;
	if (!task || lp_pyvm_u64(vm, task + rt->layout.ob_type, &type) < 0)
		return 0;
	if (rt->type_task && lp_pyvm_is_subtype(vm, type, rt->type_task) == 1) {
		if (lp_pyvm_u64(vm, task + rt->layout.task_name, &vm->py.out) < 0)
			return 0;
	} else {
		if (lp_pyvm_own(vm, task, LP_OWN_NAME) != 1)
			return 0;
		vm->py.out = vm->py.probe.value;
	}
	return vm->py.out != 0;
}

/* The name of the thread, in probe.value, or of the task, in vm->py.out: 1, 0 none. */
lp_global long lp_pyvm_find_who(struct lp_vm *vm, __u32 who)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;

	if (!rt)
		return 0;
	return who == LP_PY_THREAD ? lp_pyvm_thread_name(vm, rt)
	       : who == LP_PY_TASK ? lp_pyvm_task_name(vm, rt)
				   : 0;
}

/* Is the thread's name to be sent again? From time to time, as the reader remembers it. */
lp_global int lp_pyvm_name_due(struct lp_vm *vm)
{
	struct lp_pyvm_thread *t = vm ? lp_pyvm_thread_of(vm->pid_tgid) : 0;

	if (!t || vm->time - t->named < LP_PYVM_NAME_EVERY)
		return 0;
	t->named = vm->time;
	if (lp_pyvm_is_known(vm))
		vm->known.named = vm->time;
	return 1;
}

/* What finds the name is over before it is captured: up to 6.12 nested functions have 512 bytes of stack
 * in all, each a multiple of 32.
 */
lp_inline void lp_pyvm_cap_thread(struct lp_vm *vm)
{
	if (lp_pyvm_is_known(vm) && vm->time - vm->known.named < LP_PYVM_NAME_EVERY)
		return;
	if (lp_pyvm_name_due(vm) && lp_pyvm_find_who(vm, LP_PY_THREAD) == 1)
		lp_pyvm_cap_name(vm, LP_SLOT_PYTHREAD, vm->py.probe.value);
}

/* Texts of PY_WHO, behind what a record may have: conditions come before captures. */
#define LP_PYVM_COMM_AT (LP_RECORD_MAX + 1024u)
#define LP_PYVM_TASK_AT (LP_PYVM_COMM_AT + 64u)

lp_inline void lp_pyvm_text_result(struct lp_vm *vm, __u32 at, __u32 len)
{
	lp_pyvm_result(vm, LP_PY_TEXT, LP_PY_TEXT_AT(at, len, 1, 0));
}

/* A name that is a number n: "Task-n", made only when somebody asks (asyncio.tasks). */
lp_inline long lp_pyvm_task_text(struct lp_vm *vm)
{
	struct lp_pyvm_view *v = &vm->py.view[LP_VIEW_A];
	__u32 at = LP_PYVM_TASK_AT + 32;
	long r = lp_pyvm_view(vm, LP_VIEW_A, LP_PY_OBJECT, vm->py.out);
	if (r < 0)
		return r;
	lp_pyvm_result(vm, LP_PY_OBJECT, v->obj);
	if (v->kind != LP_KIND_INT)
		return 0;

	__u64 n = v->bits;
	for (__u32 i = 0; i < 20; i++) {
		vm->rec[LP_PYVM_TASK_AT + 31 - i] = '0' + n % 10;
		at--;
		n /= 10;
		if (!n)
			break;
	}
	at = lp_at_most(at - 5, LP_PYVM_TASK_AT + 32);
	*(lp_word *)(vm->rec + LP_PYVM_COMM_AT + 32) = 0x2d6b736154ull; /* "Task-" */
	for (__u32 i = 0; i < 5; i++)
		vm->rec[at + i] = vm->rec[LP_PYVM_COMM_AT + 32 + i];
	lp_pyvm_text_result(vm, at, LP_PYVM_TASK_AT + 32 - at);
	return 0;
}

lp_inline long lp_pyvm_comm(struct lp_vm *vm)
{
	__u32 n = 0;

	lp_comm((char *)vm->rec + LP_PYVM_COMM_AT);
	for (; n < LP_COMM_LEN; n++) {
		__u8 c = vm->rec[LP_PYVM_COMM_AT + n];

		if (!c)
			break;
		if (c >> 7) /* not ASCII: bytes, of which no str is known */
			return -LP_ST_UNAVAILABLE;
	}
	lp_pyvm_text_result(vm, LP_PYVM_COMM_AT, n);
	return 0;
}

/* The function whose code that is, or the file that it is in. */
lp_inline long lp_pyvm_of_code(struct lp_vm *vm, const struct lp_py_layout *l, __u64 code,
			       __u32 who)
{
	__u32 name = l->code_qualname == LP_PY_NONE ? l->code_name : l->code_qualname;
	__u64 text;

	if (lp_pyvm_u64(vm, code + (who == LP_PY_FILE ? l->code_filename : name), &text) < 0 ||
	    !text)
		return -LP_ST_UNREADABLE;
	lp_pyvm_result(vm, LP_PY_OBJECT, text);
	return 0;
}

/* Is the frame one of the program, which has got to its first line? Unless that can't be read. */
lp_global int lp_pyvm_is_frame(struct lp_vm *vm, __u64 frame)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;
	__u64 owner, code, lasti;

	if (!rt || rt->layout.minor < 11 ||
	    lp_pyvm_get(vm, frame + rt->layout.frame_owner, 1, &owner) < 0)
		return 1;
	if (owner >= LP_PY_OWNED_BY_C)
		return 0;
	return lp_pyvm_code_of(vm, &rt->layout, frame, &code) < 0 ||
	       lp_pyvm_frame_at(vm, &rt->layout, frame, code, &lasti) < 0 ||
	       lp_pyvm_has_begun(vm, &rt->layout, code, owner, lasti);
}

/* The function whose frame called this one. */
lp_inline long lp_pyvm_caller(struct lp_vm *vm, const struct lp_py_layout *l)
{
	__u64 frame = vm->py.frame, code;

	for (__u32 i = 0; i < 4; i++) {
		if (lp_pyvm_u64(vm, frame + l->frame_back, &frame) < 0)
			return -LP_ST_UNREADABLE;
		if (!frame)
			return -LP_ST_UNAVAILABLE;
		if (lp_pyvm_is_frame(vm, frame))
			break;
	}
	if (lp_pyvm_code_of(vm, l, frame, &code) < 0)
		return -LP_ST_UNREADABLE;
	return lp_pyvm_of_code(vm, l, code, LP_PY_CALLER);
}

/* What was found of the thread or the task, as a value; or who it is else. */
lp_global long lp_pyvm_who_is(struct lp_vm *vm, __u32 is_found)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;

	if (!rt)
		return -LP_ST_UNREADABLE;
	switch (vm->py.n) {
	case LP_PY_COMM:
		return lp_pyvm_comm(vm);
	case LP_PY_FUNC:
	case LP_PY_FILE:
		return lp_pyvm_of_code(vm, &rt->layout, vm->py.code, vm->py.n);
	case LP_PY_THREAD:
		lp_pyvm_result(vm, LP_PY_OBJECT, vm->py.probe.value);
		return is_found ? 0 : -LP_ST_UNAVAILABLE;
	case LP_PY_TASK:
		if (is_found)
			return lp_pyvm_task_text(vm);
		lp_pyvm_result(vm, LP_PY_OBJECT, rt->none);
		return 0;
	default:
		return lp_pyvm_caller(vm, &rt->layout);
	}
}

/* PY_WHO */
lp_inline long lp_pyvm_op_who(struct lp_vm *vm)
{
	return lp_pyvm_who_is(vm, lp_pyvm_find_who(vm, vm->py.n) == 1);
}

/* PY_KEEP: what is an object's own is copied into the stash. */
lp_global long lp_pyvm_op_keep(struct lp_vm *vm)
{
	struct lp_pyvm_view *v = vm ? &vm->py.view[LP_VIEW_A] : 0;

	if (!v)
		return -LP_ST_UNREADABLE;

	long r = lp_pyvm_operand(vm, LP_VIEW_A, vm->py.a);
	if (r < 0)
		return r;
	if (!v->exact)
		return -LP_ST_RUNS_CODE;
	switch (v->kind) {
	case LP_KIND_NONE:
		lp_pyvm_result(vm, LP_PY_OBJECT, v->obj);
		return 0;
	case LP_KIND_INT:
		lp_pyvm_result(vm, v->is_bool ? LP_PY_BOOL : LP_PY_INT, v->bits);
		return v->big ? -LP_ST_TOO_BIG : 0;
	case LP_KIND_FLOAT:
		lp_pyvm_result(vm, LP_PY_FLOAT, v->bits);
		return 0;
	case LP_KIND_STR:
	case LP_KIND_BYTES:
		break;
	default:
		return -LP_ST_UNAVAILABLE;
	}

	__u64 size = v->len * v->width, width = v->width, len = v->len;
	__u32 is_bytes = v->kind == LP_KIND_BYTES, at = sizeof(struct lp_block);
	if (size > LP_STRBUF_MAX || v->constant)
		return -LP_ST_TOO_BIG;
	if (size)
		at = lp_py_copy(vm, v->addr, size, 0);
	if (!at)
		return -LP_ST_TOO_BIG;
	/* the return finds the stash behind its record's header */
	lp_pyvm_result(vm, LP_PY_TEXT,
		       LP_PY_TEXT_AT(at + sizeof(struct lp_record), len, width, is_bytes));
	return 0;
}

/* CAP_PYTASK: no block where no task runs. */
lp_inline void lp_pyvm_cap_task(struct lp_vm *vm)
{
	if (lp_pyvm_find_who(vm, LP_PY_TASK) == 1)
		lp_pyvm_cap_name(vm, LP_SLOT_PYTASK, vm->py.out);
}

#endif
