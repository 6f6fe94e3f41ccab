/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/python_locals.h
 *
 * python_locals - the variables of the frames of the stack and of tracebacks, and what they lead to: those
 * of all frames first, then what these point to, and so on, so that where the record is full each
 * frame has something.
 */
#ifndef LP_BPF_PYTHON_LOCALS_H
#define LP_BPF_PYTHON_LOCALS_H

/* The words at addr, of which the tuple `names` has the names, to the block at the record's end.
 * frame: its number; LP_PYVM_CELLS with it. < 0: there is no room.
 */
#define LP_PYVM_CELLS 0x80000000u
lp_global int lp_pyvm_variables(struct lp_vm *vm, __u64 addr, __u64 names, __u64 kinds, __u32 frame)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;
	__u64 n;

	if (!rt || lp_pyvm_u64(vm, names + rt->layout.ob_size, &n) < 0 || !n)
		return 0;

	__u32 at = vm->len, count = n > LP_PY_LOCALS_MAX ? LP_PY_LOCALS_MAX : (__u32)n;
	__u32 words = at + sizeof(struct lp_py_locals), cut = count != n;
	if (words + count * 8 > vm->py.locals_room)
		return -1;
	lp_opaque(at);
	lp_opaque(words);
	if (at > LP_RECORD_MAX || words > LP_RECORD_MAX)
		return -1;
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
	to->exception = vm->py.locals_turn;
	to->cells = frame >> 31;
	to->cut = cut;
	to->pad = 0;
	vm->len = words + count * 8;

	struct lp_py_run *run = lp_py_push(vm, LP_PW_OBJECTS, names, count, 0);
	if (run) {
		run->at = words;
		run->extra = kinds;
	}
	return 0;
}

/* The names of a frame's variables, and what kinds these are of: once in a recursion. */
lp_inline void lp_pyvm_copy_names(struct lp_vm *vm, const struct lp_py_layout *l,
				  struct lp_py_run *run, __u32 turn)
{
	const struct lp_py_run *before = &vm->walk.runs[(turn - 1) & (LP_PY_RUNS_MAX - 1)];
	__u32 n = run->left, is_same = turn && before->addr == run->addr;

	run->values = is_same ? before->values
			      : (__u32)lp_py_copy(vm, run->addr + l->tuple_items, n * 8, 0);
	run->n = run->values ? n : 0;
	run->left = 0;
	if (run->extra && !is_same)
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
		lp_pyvm_copy_names(vm, &rt->layout, run, turn);
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

/* Up to 3.10 a frame has its locals, then its cells, then its free variables: all of them, or < 0: there is
 * no room.
 */
lp_inline int lp_pyvm_three_kinds(struct lp_vm *vm, const struct lp_py_layout *l, __u64 code,
				  __u64 addr, __u32 number)
{
	const __u16 members[] = { l->code_varnames, l->code_cellvars, l->code_freevars };
	__u32 len = vm->len, runs_in = vm->walk.runs_in;
	__u64 names, n;

	for (__u32 i = 0; i < 3; i++) {
		if (lp_pyvm_u64(vm, code + members[i], &names) < 0 ||
		    lp_pyvm_u64(vm, names + l->ob_size, &n) < 0)
			return 0;
		if (lp_pyvm_variables(vm, addr, names, 0, i ? number | LP_PYVM_CELLS : number) <
		    0) {
			vm->len = len;
			vm->walk.runs_in = runs_in;
			return -1;
		}
		addr += n * 8;
	}
	return 0;
}

/* Of one frame: of the stack number i, of a traceback, which has the outermost first, as many from its end. */
static long lp_pyvm_locals_step(__u32 i, struct lp_step *step)
{
	struct lp_vm *vm = step->vm;
	const struct lp_py_runtime *rt = lp_py_rt(vm);
	__u64 frame, code, names, kinds;
	int r = 0;

	i += vm->py.index;
	if (!rt || i >= vm->py.n_frames || i >= vm->py.limit || i >= LP_PY_FRAMES_MAX)
		return 1;
	if (vm->py.locals_turn)
		i = vm->py.n_frames - 1 - i;

	const struct lp_py_layout *l = &rt->layout;
	frame = vm->frames[i & (LP_PY_FRAMES_MAX - 1)];
	if (lp_pyvm_code_of(vm, l, frame, &code) < 0)
		return 0;
	if (l->minor < 11)
		r = lp_pyvm_three_kinds(vm, l, code, frame + l->frame_localsplus, i);
	else if (lp_pyvm_u64(vm, code + l->code_localsplusnames, &names) >= 0 &&
		 lp_pyvm_u64(vm, code + l->code_localspluskinds, &kinds) >= 0)
		r = lp_pyvm_variables(vm, frame + l->frame_localsplus, names, kinds, i);
	if (r < 0)
		vm->py.locals_full = 1;
	return r < 0;
}

/* The frame of the traceback at vm->py.base, to vm->frames; goes on to the next. */
static long lp_pyvm_left_step(__u32 i, struct lp_step *step)
{
	struct lp_vm *vm = step->vm;
	const struct lp_py_runtime *rt = lp_py_rt(vm);
	__u64 tb = vm->py.base, frame;

	(void)i;
	if (!rt || !tb || lp_pyvm_u64(vm, tb + LP_PYVM_TB_FRAME, &frame) < 0 ||
	    lp_pyvm_frame_of(vm, &rt->layout, &frame) < 0)
		return 1;
	vm->frames[vm->py.n_frames++ & (LP_PY_FRAMES_MAX - 1)] = frame;
	return lp_pyvm_u64(vm, tb + LP_PYVM_TB_NEXT, &vm->py.base) < 0;
}

/* The variables of the list of frames whose turn it is, if they are wanted. */
lp_inline void lp_pyvm_locals_list(struct lp_vm *vm, __u32 n, struct lp_step *step)
{
	const struct lp_py_runtime *rt = lp_py_rt(vm);
	__u32 turn = vm->py.locals_turn;
	__u32 lists = !turn	  ? LP_PY_LOCALS_STACK | LP_PY_LOCALS_CALLERS
		      : turn == 1 ? LP_PY_LOCALS_RAISED
				  : LP_PY_LOCALS_CHAIN;

	if (!rt || !(n & lists) || vm->py.locals_full)
		return;
	if (turn && lp_py_uses(LP_OP_CAP_PYEXC)) {
		vm->py.n_frames = 0;
		lp_pyvm_find_traceback(vm, rt, turn - 1, step);
		lp_loop_seldom(LP_PYVM_TB_MAX, lp_pyvm_left_step, step);
	}
	vm->py.limit = LP_PY_LOCALS_COUNT(n);
	vm->py.index = n & lists & LP_PY_LOCALS_CALLERS ? 1 : 0;
	lp_loop_seldom(LP_PY_FRAMES_MAX, lp_pyvm_locals_step, step);
}

/* All lists are there: the names, and what the variables lead to. */
lp_inline void lp_pyvm_locals_end(struct lp_vm *vm, struct lp_step *step)
{
	struct lp_py_walk *w = &vm->walk;
	struct lp_block *block = lp_vm_block_end(vm, vm->py.locals_at);

	if (!block)
		return;
	if (vm->py.locals_full) {
		block->flags = LP_BLKF_CUT;
		vm->flags |= LP_RECF_CUT;
	}
	vm->py.index = 0;
	lp_loop_seldom(LP_PY_NAMES_MAX, lp_pyvm_names_step, step);
	if (vm->py.index < w->runs_in) { /* what has no name is not copied */
		vm->flags |= LP_RECF_CUT;
		w->runs_in = vm->py.index;
	}
	lp_py_walk_on(vm, step);
}

/* CAP_PYLOCALS, a step: 1 where there is another list. */
lp_global int lp_pyvm_cap_locals(struct lp_vm *vm, __u64 imm, __u32 n)
{
	struct lp_step step = { .vm = vm };

	if (!vm)
		return 0;
	if (!vm->py.locals_turn) {
		vm->py.locals_at = vm->len;
		vm->py.locals_full = 0;
		/* the rest is for names and values */
		vm->py.locals_room = vm->len + (vm->room - vm->len) / 2;
		if (lp_vm_block(vm, LP_SLOT_PYLOCALS, LP_ST_OK, 0, 0, 0) < 0)
			return 0;
		lp_py_begin(&vm->walk, imm);
	}
	lp_pyvm_locals_list(vm, n, &step);
	if (lp_py_uses(LP_OP_CAP_PYEXC) && vm->py.locals_turn < vm->py.chain_n) {
		vm->py.locals_turn++;
		return 1;
	}
	vm->py.locals_turn = 0;
	lp_pyvm_locals_end(vm, &step);
	return 0;
}

#endif
