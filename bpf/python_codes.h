/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/python_codes.h
 *
 * python_codes - what names the frames that CAP_PYSTACK has found, where the process will not be there
 * to be asked: the names of their code objects and the table of their lines.
 */
#ifndef LP_BPF_PYTHON_CODES_H
#define LP_BPF_PYTHON_CODES_H

/* Of one frame. */
static long lp_pyvm_code_step(__u32 i, struct lp_step *step)
{
	struct lp_vm *vm = step->vm;
	const struct lp_py_runtime *rt = lp_py_rt(vm);
	__u64 code;
	__u32 is_new;

	if (!rt || i >= vm->py.n_frames || i >= LP_PY_FRAMES_MAX)
		return 1;

	const struct lp_py_layout *l = &rt->layout;
	if (lp_pyvm_code_of(vm, l, vm->frames[i & (LP_PY_FRAMES_MAX - 1)], &code) < 0)
		return 0;
	lp_py_find(vm, code, &is_new);
	if (!is_new)
		return 0;
	/* co_filename and co_name are neighbours */
	lp_py_push_words(vm, lp_py_copy(vm, code + l->code_filename, 16, 0), 2, 0);
	lp_py_code_lines(vm, l, code);
	return 0;
}

/* Of all frames. imm: LP_PY_CAPTURE() */
lp_global int lp_pyvm_cap_codes(struct lp_vm *vm, __u64 imm)
{
	struct lp_step step = { .vm = vm };

	if (!vm)
		return 0;
	lp_py_begin(&vm->walk, imm);
	lp_loop_seldom(LP_PY_FRAMES_MAX, lp_pyvm_code_step, &step);
	lp_py_walk_on(vm, &step);
	return 0;
}

#endif
