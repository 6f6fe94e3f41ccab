/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/python_var.h
 *
 * python_var - a variable by its name, in whatever code the frame runs.
 */
#ifndef LP_BPF_PYTHON_VAR_H
#define LP_BPF_PYTHON_VAR_H

#define LP_PYVM_VARS_MAX  1024 /* names of one code object */
#define LP_PYVM_OPTIMIZED 0x1u /* CO_OPTIMIZED */
#define LP_PYVM_FUNCTION  0x3u /* and CO_NEWLOCALS: locals are not in a dict */

/* Name i of the tuple at vm->py.base. */
static long lp_pyvm_var_step(__u32 i, struct lp_step *step)
{
	struct lp_vm *vm = step->vm;
	const struct lp_py_runtime *rt = lp_py_rt(vm);
	__u64 key;

	if (!rt || i >= vm->py.count)
		return 1;
	vm->py.found = -LP_ST_UNREADABLE;
	if (lp_pyvm_u64(vm, vm->py.base + i * 8ull, &key) < 0)
		return 1;
	vm->py.found = lp_pyvm_name_matches(vm, rt, key);
	vm->py.index = i;
	return vm->py.found != 0;
}

/* View NAME among the names of the tuple that the code has there: 1, in vm->py.index, 0 or < 0. How many
 * there are is in vm->py.count.
 */
static __attribute__((noinline)) long lp_pyvm_var_find(struct lp_vm *vm, __u32 at)
{
	const struct lp_py_runtime *rt = lp_py_rt(vm);
	struct lp_step step = { .vm = vm };
	__u64 tuple;

	if (!rt || lp_pyvm_u64(vm, vm->py.code + at, &tuple) < 0 ||
	    lp_pyvm_u64(vm, tuple + rt->layout.ob_size, &vm->py.count) < 0)
		return -LP_ST_UNREADABLE;
	vm->py.base = tuple + rt->layout.tuple_items;
	vm->py.found = 0;
	vm->py.probe.in_turn = vm->py.view[LP_VIEW_NAME].hash == LP_PYVM_NOHASH;
	lp_loop_seldom(LP_PYVM_VARS_MAX, lp_pyvm_var_step, &step);
	return vm->py.found;
}

/* Where in localsplus view NAME is; *ret_cell: in a cell there. 1, 0 or < 0. */
lp_inline long lp_pyvm_var_place(struct lp_vm *vm, const struct lp_py_layout *l, __u64 *ret,
				 __u32 *ret_cell)
{
	__u64 first = 0, kinds, kind;
	long r;

	*ret_cell = 1;
	if (l->code_localsplusnames != LP_PY_NONE) { /* from 3.11 on */
		r = lp_pyvm_var_find(vm, l->code_localsplusnames);
		*ret = vm->py.index;
		if (r != 1)
			return r;
		if (lp_pyvm_u64(vm, vm->py.code + l->code_localspluskinds, &kinds) < 0 ||
		    lp_pyvm_get(vm, kinds + l->bytes_data + *ret, 1, &kind) < 0)
			return -LP_ST_UNREADABLE;
		*ret_cell = kind & (LP_PY_KIND_CELL | LP_PY_KIND_FREE);
		return 1;
	}
	/* an argument that is in a cell is among the others, too */
	if (lp_pyvm_get(vm, vm->py.code + l->code_nlocals, 4, &first) < 0)
		return -LP_ST_UNREADABLE;
	r = lp_pyvm_var_find(vm, l->code_cellvars);
	if (!r) {
		first += vm->py.count;
		r = lp_pyvm_var_find(vm, l->code_freevars);
	}
	if (!r) {
		first = 0;
		*ret_cell = 0;
		r = lp_pyvm_var_find(vm, l->code_varnames);
	}
	*ret = first + vm->py.index;
	return r;
}

/* PY_VAR */
lp_global long lp_pyvm_op_var(struct lp_vm *vm)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;
	__u64 flags, at, v;
	__u32 is_cell;

	if (!rt)
		return -LP_ST_UNREADABLE;

	const struct lp_py_layout *l = &rt->layout;
	long r = lp_pyvm_name_constant(vm, vm->py.imm);
	if (r < 0)
		return r;
	if (lp_pyvm_get(vm, vm->py.code + l->code_flags, 4, &flags) < 0)
		return -LP_ST_UNREADABLE;
	int is_function = (flags & LP_PYVM_FUNCTION) == LP_PYVM_FUNCTION;
	r = is_function ? lp_pyvm_var_place(vm, l, &at, &is_cell) : 0;
	if (r < 0)
		return r;
	if (!r)
		return lp_pyvm_by_name(vm, rt, !is_function);
	if (lp_pyvm_u64(vm, vm->py.frame + l->frame_localsplus + at * 8, &v) < 0)
		return -LP_ST_UNREADABLE;
	v &= ~(__u64)l->frame_tags;
	if (is_cell && v && lp_pyvm_cell(vm, rt, &v) < 0)
		return -LP_ST_UNREADABLE;
	return lp_pyvm_object_result(vm, v, LP_ST_UNBOUND);
}

#endif
