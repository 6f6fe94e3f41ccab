/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/python_judge.h
 *
 * python_judge - the exception that a thread has, which sites want its class, and the frame that it is
 * raised in.
 *
 * Classes are told by their full names, along the order of resolution: so they may be made at any time,
 * and by whatever module. The includer remembers what was found of a class.
 *
 * Besides what the others want, the includer supplies:
 *
 *	const struct lp_py_wanted *lp_py_wanted_at(struct lp_vm *vm, __u64 hash)	NULL: none
 */
#ifndef LP_BPF_PYTHON_JUDGE_H
#define LP_BPF_PYTHON_JUDGE_H

#define LP_PYVM_NAME_WIDTH 4u /* bytes of a character, at most */

/* Who wants a class whose full name ends in what was read? */
lp_inline void lp_pyvm_judge_end(struct lp_vm *vm)
{
	const struct lp_py_wanted *w = lp_py_wanted_at(vm, vm->py.name_hash);

	if (!w)
		return;
	vm->py.wanted |= w->sites;
	if (w->is_flow)
		vm->py.is_flow = 1;
}

lp_inline void lp_pyvm_judge_char(struct lp_vm *vm, __u32 c)
{
	vm->py.name_hash = (vm->py.name_hash ^ c) * LP_PY_NAME_PRIME;
}

/* The next character in vm->k, from the end. vm->py.found: one was a dot. */
static long lp_pyvm_judge_step(__u32 i, struct lp_step *step)
{
	struct lp_vm *vm = step->vm;
	__u32 width = vm->py.name_width & 7, at = (vm->py.name_len - 1 - i) * width;

	if (i >= vm->py.name_len)
		return 1;

	__u32 c = *(lp_word *)((char *)vm->k + lp_at_most(at, sizeof(vm->k) - 8));
	c = width == 1 ? c & 0xff : width == 2 ? c & 0xffff : c;
	if (c == '.') {
		lp_pyvm_judge_end(vm);
		vm->py.found = 1;
	}
	lp_pyvm_judge_char(vm, c);
	return 0;
}

lp_inline void lp_pyvm_judge_text(struct lp_vm *vm)
{
	struct lp_step step = { .vm = vm };

	lp_loop_seldom(LP_PY_NAME_TEXT_MAX, lp_pyvm_judge_step, &step);
}

/* A str that is (part of) a name: 1; 0: it is none, or longer than any that is wanted. */
lp_inline int lp_pyvm_judge_str(struct lp_vm *vm, __u64 str)
{
	const struct lp_pyvm_view *v = &vm->py.view[LP_VIEW_OTHER];

	if (!str || lp_pyvm_view(vm, LP_VIEW_OTHER, LP_PY_OBJECT, str) < 0 ||
	    v->kind != LP_KIND_STR || v->len > LP_PY_NAME_TEXT_MAX)
		return 0;

	__u64 bytes = v->len * v->width;
	bytes = lp_at_most(bytes, LP_PY_NAME_TEXT_MAX * LP_PYVM_NAME_WIDTH);
	if (lp_mem_read(vm->k, bytes, v->addr))
		return 0;
	vm->py.name_len = v->len;
	vm->py.name_width = v->width;
	lp_pyvm_judge_text(vm);
	return 1;
}

/* A class made by a class statement, or as one is: __qualname__ and __module__. */
lp_inline void lp_pyvm_judge_made(struct lp_vm *vm, const struct lp_py_runtime *rt, __u64 class)
{
	__u64 name;

	if (lp_pyvm_u64(vm, class + rt->layout.ht_qualname, &name) < 0 ||
	    !lp_pyvm_judge_str(vm, name))
		return;
	lp_pyvm_judge_end(vm);
	lp_pyvm_name(vm, "__module__", 0);
	if (lp_pyvm_class_find(vm, rt, class, LP_CLASSES_ALL) != 1)
		return;
	lp_pyvm_judge_char(vm, '.');
	if (lp_pyvm_judge_str(vm, vm->py.probe.value))
		lp_pyvm_judge_end(vm);
}

/* One that is part of the machine code: tp_name, where it has no dot of builtins. */
lp_inline void lp_pyvm_judge_static(struct lp_vm *vm, const struct lp_py_runtime *rt, __u64 class)
{
	static const char module[] = ".builtins";
	__u64 name;

	if (lp_pyvm_u64(vm, class + rt->layout.tp_name, &name) < 0)
		return;
	long n = lp_mem_read_str((char *)vm->k, LP_PY_NAME_TEXT_MAX, name);
	if (n < 1 || n >= LP_PY_NAME_TEXT_MAX)
		return;
	vm->py.name_len = n - 1;
	vm->py.name_width = 1;
	vm->py.found = 0;
	lp_pyvm_judge_text(vm);
	lp_pyvm_judge_end(vm);
	if (vm->py.found)
		return;
	lp_pyvm_judge_char(vm, '.');
	for (__u32 i = sizeof(module) - 1; i-- > 1;)
		lp_pyvm_judge_char(vm, module[i]);
	lp_pyvm_judge_end(vm);
}

/* Class i of the order of resolution at vm->py.base, up to one that is no failure. */
static long lp_pyvm_judge_class(__u32 i, struct lp_step *step)
{
	struct lp_vm *vm = step->vm;
	const struct lp_py_runtime *rt = lp_py_rt(vm);
	__u64 class, flags;

	if (!rt || i >= vm->py.count || lp_pyvm_u64(vm, vm->py.base + i * 8ull, &class) < 0 ||
	    lp_pyvm_u64(vm, class + rt->layout.tp_flags, &flags) < 0)
		return 1;
	vm->py.name_hash = LP_PY_NAME_SEED;
	if (flags & LP_PY_TP_HEAPTYPE)
		lp_pyvm_judge_made(vm, rt, class);
	else
		lp_pyvm_judge_static(vm, rt, class);
	return vm->py.is_flow != 0;
}

/* vm->py.wanted: which sites want an exception of that class. */
lp_global long lp_pyvm_judge(struct lp_vm *vm, __u64 type)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;
	struct lp_step step = { .vm = vm };
	__u64 mro;

	if (!rt)
		return 0;
	vm->py.wanted = 0;
	vm->py.is_flow = 0;
	vm->py.work = LP_PY_WORK_MAX;
	if (lp_pyvm_u64(vm, type + rt->layout.tp_mro, &mro) < 0 ||
	    lp_pyvm_u64(vm, mro + rt->layout.ob_size, &vm->py.count) < 0)
		return 0;
	vm->py.base = mro + rt->layout.tuple_items;
	lp_loop_seldom(LP_PY_MRO_MAX, lp_pyvm_judge_class, &step);
	if (!vm->py.is_flow) {
		vm->py.name_hash = 0;
		lp_pyvm_judge_end(vm);
	}
	return 0;
}

/* What exception is set in the thread vm->py.tstate: 1, and vm->py.raised, with its traceback; 0: none. */
lp_global long lp_pyvm_find_current(struct lp_vm *vm)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;
	__u64 type, value, flags;

	if (!rt)
		return 0;

	const struct lp_py_layout *l = &rt->layout;
	__u64 at = vm->py.tstate + l->tstate_exception;
	vm->py.is_raw = 0;
	vm->py.raised_tb = 0;
	if (l->minor >= 12) {
		if (lp_pyvm_u64(vm, at, &value) < 0 || !value ||
		    lp_pyvm_u64(vm, value + l->ob_type, &vm->py.raised_type) < 0)
			return 0;
		vm->py.raised = value;
		return 1;
	}
	if (lp_pyvm_u64(vm, at, &vm->py.raised_type) < 0 || !vm->py.raised_type ||
	    lp_pyvm_u64(vm, at + 8, &value) < 0 || lp_pyvm_u64(vm, at + 16, &vm->py.raised_tb) < 0)
		return 0;
	vm->py.raised = value;
	vm->py.is_raw = 1;
	if (!value)
		return 1;
	if (lp_pyvm_u64(vm, value + l->ob_type, &type) < 0 ||
	    lp_pyvm_u64(vm, type + l->tp_flags, &flags) < 0)
		return 0;
	if (flags & LP_PY_TP_EXCEPTION) { /* of a class below, maybe */
		vm->py.raised_type = type;
		vm->py.is_raw = 0;
	}
	return 1;
}

/* The same, of one that has not left a frame yet. */
lp_global long lp_pyvm_find_raised(struct lp_vm *vm)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;

	if (!rt || lp_pyvm_find_current(vm) != 1 || vm->py.raised_tb)
		return 0;

	__u64 traceback = 0;
	if (rt->layout.minor >= 12 &&
	    lp_pyvm_u64(vm, vm->py.raised + rt->layout.exc_traceback, &traceback) < 0)
		return 0;
	vm->py.raised_tb = LP_PYVM_NO_TB;
	return !traceback;
}

/* The frame object's frame, its code, and where it is. */
lp_global long lp_pyvm_raised_in(struct lp_vm *vm, __u64 frame)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;
	__u64 lasti;

	if (!rt)
		return 0;

	const struct lp_py_layout *l = &rt->layout;
	vm->py.frame = vm->py.code = vm->py.unit = 0;
	if (lp_pyvm_frame_of(vm, l, &frame) < 0 || lp_pyvm_code_of(vm, l, frame, &vm->py.code) < 0)
		return 0;
	lp_pyvm_find_units(vm, l);
	if (lp_pyvm_frame_at(vm, l, frame, vm->py.code, &lasti) < 0)
		return 0;
	vm->py.unit = vm->py.units + lasti;
	vm->py.frame = frame;
	return 1;
}

#endif
