/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/python_who.h
 *
 * python_who - who runs: the frames of the Python stack, the thread's name, the running asyncio task.
 */
#ifndef LP_BPF_PYTHON_WHO_H
#define LP_BPF_PYTHON_WHO_H

#define LP_PYVM_OWNED_BY_C  3 /* a frame that is a seam to C, from 3.12 on: FRAME_OWNED_BY_CSTACK */
#define LP_PYVM_NAME_EVERY  100000000ull /* ns */
#define LP_PYVM_NAME_LIMITS LP_PY_CAPTURE(LP_STRING_DEFAULT, 1, 1)

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

/* Appends the frame vm->py.base to the block at the record's end, and goes to the one behind it. */
static long lp_pyvm_stack_step(__u32 i, struct lp_step *step)
{
	struct lp_vm *vm = step->vm;
	const struct lp_py_runtime *rt = lp_pyvm_rt(vm);
	__u64 frame = vm->py.base, code, name, file, line, lasti, owner = 0;
	__u32 at = vm->len;

	(void)i;
	if (!rt || !frame || !vm->py.limit)
		return 1;

	const struct lp_py_layout *l = &rt->layout;
	if (at + sizeof(struct lp_py_frame) > vm->room) {
		vm->flags |= LP_RECF_CUT;
		return 1;
	}
	if (lp_pyvm_u64(vm, frame + l->frame_code, &code) < 0 ||
	    lp_pyvm_u64(vm, frame + l->frame_back, &vm->py.base) < 0)
		return 1;
	if (l->minor >= 12 && lp_pyvm_get(vm, frame + l->frame_owner, 1, &owner) < 0)
		return 1;
	if (owner == LP_PYVM_OWNED_BY_C)
		return 0;
	code &= ~(__u64)l->frame_tags;
	if (lp_pyvm_frame_at(vm, l, frame, code, &lasti) < 0 ||
	    lp_pyvm_u64(vm, code + l->code_name, &name) < 0 ||
	    lp_pyvm_u64(vm, code + l->code_filename, &file) < 0 ||
	    lp_pyvm_get(vm, code + l->code_firstlineno, 4, &line) < 0)
		return 1;
	if (frame == vm->py.frame) /* about to execute the site's unit */
		lasti = vm->py.unit - vm->py.units;

	lp_opaque(at);
	if (at > LP_RECORD_MAX - sizeof(struct lp_py_frame))
		return 1;
	lp_word *to = (lp_word *)(vm->rec + at);
	to[0] = code;
	to[1] = name;
	to[2] = file;
	to[3] = lasti;
	to[4] = (__u32)line;
	vm->len = at + sizeof(struct lp_py_frame);
	vm->py.limit--;
	return 0;
}

/* CAP_PYSTACK */
lp_global long lp_pyvm_cap_stack(struct lp_vm *vm, __u32 max)
{
	struct lp_step step = { .vm = vm };
	const struct lp_py_runtime *rt = vm ? lp_pyvm_rt(vm) : 0;

	if (!rt)
		return 0;

	const struct lp_py_layout *l = &rt->layout;
	__u32 start = vm->len;
	if (lp_vm_block(vm, LP_SLOT_PYSTACK, LP_ST_OK, 0, 0, 0) < 0)
		return 0;
	vm->py.units = vm->py.code + l->code_code;
	if (l->lasti_unit && lp_pyvm_u64(vm, vm->py.code + l->code_code, &vm->py.units) >= 0)
		vm->py.units += l->bytes_data;
	vm->py.base = vm->py.frame;
	vm->py.limit = max < LP_PY_FRAMES_MAX ? max : LP_PY_FRAMES_MAX;
	lp_loop_seldom(LP_PY_FRAMES_MAX * 2, lp_pyvm_stack_step, &step);
	lp_opaque(start);
	if (start > LP_RECORD_MAX - sizeof(struct lp_block))
		return 0;

	struct lp_block *block = (void *)(vm->rec + start);
	block->len = vm->len - start - sizeof(*block);
	if (vm->py.base)
		block->flags = LP_BLKF_CUT;
	return 0;
}

/* The attribute _name of an object of a Python class: 1, in probe.value. */
lp_global long lp_pyvm_own_name(struct lp_vm *vm, __u64 object)
{
	const struct lp_py_runtime *rt = vm ? lp_pyvm_rt(vm) : 0;
	__u64 type, flags;

	if (!rt || lp_pyvm_u64(vm, object + rt->layout.ob_type, &type) < 0 ||
	    lp_pyvm_u64(vm, type + rt->layout.tp_flags, &flags) < 0)
		return -LP_ST_UNREADABLE;
	lp_pyvm_name(vm, "_name", 0);
	return lp_pyvm_instance_find(vm, rt, object, type, flags);
}

lp_inline void lp_pyvm_cap_name(struct lp_vm *vm, __u32 slot, __u64 object)
{
	vm->walk.value.tag = LP_PY_OBJECT;
	vm->walk.value.bits = object;
	vm->walk.value.from = vm->walk.value.to = 0;
	lp_cap_py(vm, slot, LP_PYVM_NAME_LIMITS);
}

/* The thread's own name, from time to time, as the reader remembers it: 1, in probe.value. */
lp_global long lp_pyvm_thread_name(struct lp_vm *vm)
{
	const struct lp_py_runtime *rt = vm ? lp_pyvm_rt(vm) : 0;
	struct lp_pyvm_thread *t = vm ? lp_pyvm_thread_of(vm->pid_tgid) : 0;

	if (!rt || !t || !rt->thread_active || vm->time - t->named < LP_PYVM_NAME_EVERY)
		return 0;
	if (lp_pyvm_view(vm, LP_VIEW_A, LP_PY_INT, vm->py.thread_id) < 0 ||
	    lp_pyvm_hash(vm, LP_VIEW_A) < 0 ||
	    lp_pyvm_dict_find(vm, &rt->layout, rt->thread_active, LP_VIEW_A) != 1 ||
	    lp_pyvm_own_name(vm, vm->py.probe.value) != 1)
		return 0;
	t->named = vm->time;
	return 1;
}

/* What finds the name is over before it is captured: up to 6.12 nested functions have 512 bytes of
 * stack in all, each a multiple of 32.
 */
lp_inline void lp_pyvm_cap_thread(struct lp_vm *vm)
{
	if (lp_pyvm_thread_name(vm) == 1)
		lp_pyvm_cap_name(vm, LP_SLOT_PYTHREAD, vm->py.probe.value);
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
lp_global long lp_pyvm_task_name(struct lp_vm *vm)
{
	const struct lp_py_runtime *rt = vm ? lp_pyvm_rt(vm) : 0;
	__u64 task, type;

	if (!rt)
		return 0;
	task = lp_pyvm_running_task(vm, rt);
	if (!task || lp_pyvm_u64(vm, task + rt->layout.ob_type, &type) < 0)
		return 0;
	if (rt->type_task && lp_pyvm_is_subtype(vm, type, rt->type_task) == 1) {
		if (lp_pyvm_u64(vm, task + rt->layout.task_name, &vm->py.out) < 0)
			return 0;
	} else {
		if (lp_pyvm_own_name(vm, task) != 1)
			return 0;
		vm->py.out = vm->py.probe.value;
	}
	return vm->py.out != 0;
}

/* CAP_PYTASK: no block where no task runs. */
lp_inline void lp_pyvm_cap_task(struct lp_vm *vm)
{
	if (lp_pyvm_task_name(vm) == 1)
		lp_pyvm_cap_name(vm, LP_SLOT_PYTASK, vm->py.out);
}

#endif
