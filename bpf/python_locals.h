/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/python_locals.h
 *
 * python_locals - the variables of the frames that CAP_PYSTACK has found, and what they lead to: those of
 * all frames first, then what these point to, and so on, so that where the record is full each
 * frame has something.
 */
#ifndef LP_BPF_PYTHON_LOCALS_H
#define LP_BPF_PYTHON_LOCALS_H

/* The words at addr, of which the tuple `names` has the names, to the block at the record's end.
 * frame: its number; LP_PYVM_CELLS with it.
 */
#define LP_PYVM_CELLS 0x80000000u
lp_global int lp_pyvm_variables(struct lp_vm *vm, __u64 addr, __u64 names, __u64 kinds, __u32 frame)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;
	__u64 n;

	if (!rt || lp_pyvm_u64(vm, names + rt->layout.ob_size, &n) < 0 || !n)
		return 0;

	__u32 at = vm->len, count = n > LP_PY_LOCALS_MAX ? LP_PY_LOCALS_MAX : (__u32)n;
	__u32 words = at + sizeof(struct lp_py_locals);
	if (count != n || words + count * 8 > vm->room) {
		vm->flags |= LP_RECF_CUT;
		return 0;
	}
	lp_opaque(at);
	lp_opaque(words);
	if (at > LP_RECORD_MAX || words > LP_RECORD_MAX)
		return 0;
	count = lp_at_most(count, LP_PY_LOCALS_MAX);
	if (lp_mem_read(vm->rec + words, count * 8, addr))
		return 0;
	if (vm->py.n_late)
		lp_late_record(vm, words, addr, count * 8);

	struct lp_py_locals *to = (void *)(vm->rec + lp_at_most(at, LP_RECORD_MAX));
	to->names = names;
	to->kinds = kinds;
	to->frame = frame & ~LP_PYVM_CELLS;
	to->n = count;
	to->cells = frame >> 31;
	to->pad = 0;
	vm->len = words + count * 8;

	struct lp_py_run *run = lp_py_push(vm, LP_PW_OBJECTS, names, count, 0);
	if (run) {
		run->at = words;
		run->extra = kinds;
	}
	return 0;
}

/* The names of a frame's variables, and what kinds these are of. */
lp_inline void lp_pyvm_copy_names(struct lp_vm *vm, const struct lp_py_layout *l,
				  struct lp_py_run *run)
{
	__u32 n = run->left;

	run->values = lp_py_copy(vm, run->addr + l->tuple_items, n * 8, 0);
	run->n = run->values ? n : 0;
	run->left = 0;
	if (run->extra)
		lp_py_copy(vm, run->extra + l->bytes_data, n, 0);
}

/* One variable of the frame whose turn it is: not to be looked at where its name is not to be shown. Then
 * the next frame's turn comes.
 */
static long lp_pyvm_names_step(__u32 i, struct lp_step *step)
{
	struct lp_vm *vm = step->vm;
	const struct lp_py_runtime *rt = lp_py_rt(vm);
	__u32 turn = vm->py.index;

	(void)i;
	if (!rt || turn >= vm->walk.runs_in)
		return 1;

	struct lp_py_run *run = &vm->walk.runs[turn & (LP_PY_RUNS_MAX - 1)];
	__u32 k = run->i, at = run->at + k * 8;
	if (run->left) {
		lp_pyvm_copy_names(vm, &rt->layout, run);
	} else if (k >= run->n) {
		run->i = 0;
		vm->py.index = turn + 1;
	} else {
		__u64 object = lp_py_word(vm, at) & ~(__u64)rt->layout.frame_tags;

		run->i = k + 1;
		if (object && lp_py_name(vm, lp_py_word(vm, run->values + k * 8)))
			object = rt->none;
		*(lp_word *)(vm->rec + lp_at_most(at, LP_RECORD_MAX)) = object;
	}
	return 0;
}

/* Up to 3.10 a frame has its locals, then its cells, then its free variables. */
lp_inline void lp_pyvm_three_kinds(struct lp_vm *vm, const struct lp_py_layout *l, __u64 code,
				   __u64 addr, __u32 number)
{
	const __u16 members[] = { l->code_varnames, l->code_cellvars, l->code_freevars };
	__u64 names, n;

	for (__u32 i = 0; i < 3; i++) {
		if (lp_pyvm_u64(vm, code + members[i], &names) < 0 ||
		    lp_pyvm_u64(vm, names + l->ob_size, &n) < 0)
			return;
		lp_pyvm_variables(vm, addr, names, 0, i ? number | LP_PYVM_CELLS : number);
		addr += n * 8;
	}
}

/* Of one frame. */
static long lp_pyvm_locals_step(__u32 i, struct lp_step *step)
{
	struct lp_vm *vm = step->vm;
	const struct lp_py_runtime *rt = lp_py_rt(vm);
	__u64 frame, code, names, kinds;

	i += vm->py.index;
	if (!rt || i >= vm->py.n_frames || i >= LP_PY_FRAMES_MAX)
		return 1;

	const struct lp_py_layout *l = &rt->layout;
	frame = vm->frames[i & (LP_PY_FRAMES_MAX - 1)];
	if (lp_pyvm_code_of(vm, l, frame, &code) < 0)
		return 0;
	if (l->minor < 11)
		lp_pyvm_three_kinds(vm, l, code, frame + l->frame_localsplus, i);
	else if (lp_pyvm_u64(vm, code + l->code_localsplusnames, &names) >= 0 &&
		 lp_pyvm_u64(vm, code + l->code_localspluskinds, &kinds) >= 0)
		lp_pyvm_variables(vm, frame + l->frame_localsplus, names, kinds, i);
	return 0;
}

/* CAP_PYLOCALS, from frame number `first` on. */
lp_global int lp_pyvm_cap_locals(struct lp_vm *vm, __u64 imm, __u32 first)
{
	struct lp_step step = { .vm = vm };

	if (!vm || first >= vm->py.n_frames)
		return 0;

	struct lp_py_walk *w = &vm->walk;
	__u32 start = vm->len;
	if (lp_vm_block(vm, LP_SLOT_PYLOCALS, LP_ST_OK, 0, 0, 0) < 0)
		return 0;
	lp_py_begin(w, imm);
	vm->py.index = first;
	lp_loop_seldom(LP_PY_FRAMES_MAX, lp_pyvm_locals_step, &step);
	if (!lp_vm_block_end(vm, start))
		return 0;
	vm->py.index = 0;
	lp_loop_seldom(LP_PY_NAMES_MAX, lp_pyvm_names_step, &step);
	if (vm->py.index < w->runs_in) { /* what has no name is not copied */
		vm->flags |= LP_RECF_CUT;
		w->runs_in = vm->py.index;
	}
	lp_py_walk_on(vm, &step);
	return 0;
}

#endif
