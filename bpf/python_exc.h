/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/python_exc.h
 *
 * python_exc - the exception of a hit, and its chain of causes and contexts, each with its traceback.
 *
 * Besides what the others want, the includer supplies:
 *
 *	int lp_py_code_sent(struct lp_vm *vm, __u64 code)	was it sent, since it was made? It is now.
 */
#ifndef LP_BPF_PYTHON_EXC_H
#define LP_BPF_PYTHON_EXC_H

/* PyTracebackObject (Include/cpython/traceback.h), the same in 3.8 to 3.14 */
#define LP_PYVM_TB_NEXT	 LP_PYVM_HEAD
#define LP_PYVM_TB_FRAME (LP_PYVM_HEAD + 8)
#define LP_PYVM_TB_LASTI (LP_PYVM_HEAD + 16) /* an int; behind it tb_lineno */

#define LP_PYVM_TB_MAX	  64   /* frames of one traceback: the innermost */
#define LP_PYVM_TB_LOOK	  4096 /* that it may have, for these to be found */
#define LP_PYVM_CODES_MAX 32   /* code objects that are copied where the process may end now */

/* A code object's name, file and first line, and where in it, as the next frame of the block that is at
 * the record's end.
 */
lp_inline long lp_pyvm_put_frame(struct lp_vm *vm, const struct lp_py_layout *l, __u64 code,
				 __u64 lasti, __u32 line)
{
	__u64 name, file, first;
	__u32 at = vm->len;

	if (lp_pyvm_u64(vm, code + l->code_name, &name) < 0 ||
	    lp_pyvm_u64(vm, code + l->code_filename, &file) < 0 ||
	    lp_pyvm_get(vm, code + l->code_firstlineno, 4, &first) < 0)
		return -LP_ST_UNREADABLE;
	if (at + sizeof(struct lp_py_frame) > vm->room) {
		vm->flags |= LP_RECF_CUT;
		return -LP_ST_NO_ROOM;
	}
	lp_opaque(at);
	if (at > LP_RECORD_MAX - sizeof(struct lp_py_frame))
		return -LP_ST_NO_ROOM;

	lp_word *to = (lp_word *)(vm->rec + at);
	to[0] = code;
	to[1] = name;
	to[2] = file;
	to[3] = lasti;
	to[4] = (__u32)first | (__u64)line << 32;
	vm->len = at + sizeof(struct lp_py_frame);
	return 0;
}

/* A frame object's frame: from 3.11 on it lies elsewhere. */
lp_inline long lp_pyvm_frame_of(struct lp_vm *vm, const struct lp_py_layout *l, __u64 *frame)
{
	return l->pyframe_frame == LP_PY_NONE ? 0
					      : lp_pyvm_u64(vm, *frame + l->pyframe_frame, frame);
}

/* The traceback at vm->py.base: its frame; goes on to the next. */
static long lp_pyvm_tb_step(__u32 i, struct lp_step *step)
{
	struct lp_vm *vm = step->vm;
	const struct lp_py_runtime *rt = lp_py_rt(vm);
	__u64 tb = vm->py.base, frame, code, at;

	(void)i;
	if (!rt || !tb || lp_pyvm_u64(vm, tb + LP_PYVM_TB_FRAME, &frame) < 0 ||
	    lp_pyvm_u64(vm, tb + LP_PYVM_TB_LASTI, &at) < 0 ||
	    lp_pyvm_frame_of(vm, &rt->layout, &frame) < 0 ||
	    lp_pyvm_code_of(vm, &rt->layout, frame, &code) < 0 ||
	    lp_pyvm_put_frame(vm, &rt->layout, code, (__u64)(__s64)(__s32)at, at >> 32) < 0)
		return 1;
	vm->py.chain_frames++;
	return lp_pyvm_u64(vm, tb + LP_PYVM_TB_NEXT, &vm->py.base) < 0;
}

/* Its number in the chain + 1; 0: there is none; LP_PY_EXC_MAX + 1: there was no room. */
lp_inline __u32 lp_pyvm_chain_add(struct lp_vm *vm, const struct lp_py_runtime *rt, __u64 object)
{
	__u32 n = vm->py.chain_n;

	if (!object || object == rt->none)
		return 0;
	for (__u32 i = 0; i < LP_PY_EXC_MAX; i++)
		if (i < n && vm->py.chain[i] == object)
			return i + 1;
	lp_opaque(n);
	if (n >= LP_PY_EXC_MAX)
		return LP_PY_EXC_MAX + 1;
	vm->py.chain[n] = object;
	vm->py.chain_n = n + 1;
	return n + 1;
}

/* The list that add_note() makes: an attribute in the exception's own dict; 0: none. */
lp_inline __u64 lp_pyvm_exc_notes(struct lp_vm *vm, const struct lp_py_runtime *rt, __u64 object)
{
	__u64 dict;

	if (lp_pyvm_u64(vm, object + LP_PYVM_HEAD, &dict) < 0 || !dict)
		return 0;
	lp_pyvm_name(vm, "__notes__", 0);
	return lp_pyvm_dict_name(vm, &rt->layout, dict) == 1 ? vm->py.probe.value : 0;
}

/* What an exception that is made has: words of a struct lp_py_exc. */
lp_inline void lp_pyvm_exc_words(struct lp_vm *vm, const struct lp_py_runtime *rt, __u64 object,
				 lp_word *to)
{
	const struct lp_py_layout *l = &rt->layout;
	__u64 type = 0, args = 0, cause = 0, context = 0, suppress = 0;

	lp_pyvm_u64(vm, object + l->ob_type, &type);
	lp_pyvm_u64(vm, object + LP_PY_EXC_ARGS, &args);
	lp_pyvm_u64(vm, object + l->exc_context, &context);
	lp_pyvm_u64(vm, object + l->exc_cause, &cause);
	lp_pyvm_get(vm, object + l->exc_suppress, 1, &suppress);
	vm->py.raised_type = type;
	vm->py.chain_notes = lp_pyvm_exc_notes(vm, rt, object);

	__u32 a = lp_pyvm_chain_add(vm, rt, cause), b = lp_pyvm_chain_add(vm, rt, context);
	__u64 flags = suppress ? LP_PY_EXC_SUPPRESS : 0;
	if (a > LP_PY_EXC_MAX || b > LP_PY_EXC_MAX)
		flags |= LP_PY_EXC_CHAIN_CUT;
	to[0] = object;
	to[1] = type;
	to[2] = (a > LP_PY_EXC_MAX ? 0 : a) | (__u64)(b > LP_PY_EXC_MAX ? 0 : b) << 32;
	to[3] = flags;
	to[4] = LP_PY_OBJECT;
	to[5] = args;
	to[6] = to[7] = to[10] = to[11] = 0;
	to[8] = LP_PY_OBJECT;
	to[9] = vm->py.chain_notes;
}

/* One that is not made yet has no chain. */
lp_inline void lp_pyvm_exc_raw(struct lp_vm *vm, lp_word *to)
{
	vm->py.chain_notes = 0;
	to[0] = to[2] = to[7] = to[9] = to[10] = to[11] = 0;
	to[1] = to[6] = vm->py.raised_type;
	to[3] = LP_PY_EXC_UNNORMALISED;
	to[4] = LP_PY_RAISED;
	to[5] = vm->py.raised;
	to[8] = LP_PY_OBJECT;
}

/* vm->py.object goes ahead in a traceback, vm->py.base behind it. */
static long lp_pyvm_tb_ahead_step(__u32 i, struct lp_step *step)
{
	struct lp_vm *vm = step->vm;

	(void)i;
	if (!vm->py.object ||
	    lp_pyvm_u64(vm, vm->py.object + LP_PYVM_TB_NEXT, &vm->py.object) < 0 || !vm->py.object)
		return 1;
	vm->py.count++;
	return vm->py.count >= LP_PYVM_TB_MAX &&
	       lp_pyvm_u64(vm, vm->py.base + LP_PYVM_TB_NEXT, &vm->py.base) < 0;
}

/* vm->py.base: the traceback of number i of the chain, of which the innermost are left; 0: it has none.
 * Those before are in vm->py.count, if that is LP_PYVM_TB_MAX or more. Up to 3.11 the exception gets it
 * when it is caught.
 */
lp_inline void lp_pyvm_find_traceback(struct lp_vm *vm, const struct lp_py_runtime *rt, __u32 i,
				      struct lp_step *step)
{
	vm->py.base = vm->py.raised_tb & ~LP_PYVM_NO_TB;
	if ((i || !(vm->py.raised_tb || vm->py.is_raw)) &&
	    lp_pyvm_u64(vm, vm->py.chain[i % LP_PY_EXC_MAX] + rt->layout.exc_traceback,
			&vm->py.base) < 0)
		vm->py.base = 0;
	vm->py.object = vm->py.base;
	vm->py.count = 0;
	lp_loop_seldom(LP_PYVM_TB_LOOK, lp_pyvm_tb_ahead_step, step);
}

/* The block of the exception whose turn it is. */
lp_inline long lp_pyvm_exc_block(struct lp_vm *vm, const struct lp_py_runtime *rt)
{
	struct lp_step step = { .vm = vm };
	__u8 *to = lp_vm_tail(vm, sizeof(struct lp_py_exc));
	__u32 start = vm->len;

	if (!to) {
		vm->flags |= LP_RECF_CUT;
		return -LP_ST_NO_ROOM;
	}
	if (vm->py.is_raw)
		lp_pyvm_exc_raw(vm, (lp_word *)to);
	else
		lp_pyvm_exc_words(vm, rt, vm->py.chain[vm->py.chain_i % LP_PY_EXC_MAX],
				  (lp_word *)to);
	lp_vm_block(vm, LP_SLOT_PYEXC, LP_ST_OK, 0, sizeof(struct lp_py_exc), 0);
	vm->py.chain_frames = 0;
	vm->py.frames_at = vm->len;
	vm->py.last_code = 0;
	lp_pyvm_find_traceback(vm, rt, vm->py.chain_i, &step);
	if (vm->py.base)
		lp_loop_seldom(LP_PYVM_TB_MAX, lp_pyvm_tb_step, &step);

	struct lp_block *block = lp_vm_block_end(vm, start);
	if (!block)
		return -LP_ST_NO_ROOM;
	lp_word *flags = (lp_word *)(block + 1) + 3;
	*flags = (__u32)*flags | (__u64)vm->py.chain_frames << 32;
	if (vm->py.base || vm->py.count >= LP_PYVM_TB_MAX)
		*flags |= LP_PY_EXC_FRAMES_CUT;
	return 0;
}

/* Are the code's names and lines to be sent? Once, as the reader remembers them; each time that of a
 * module or a class, which is freed when it has run: another may come to lie there.
 */
lp_inline int lp_pyvm_code_is_due(struct lp_vm *vm, const struct lp_py_layout *l, __u64 code)
{
	__u64 flags;

	if (!code || lp_pyvm_get(vm, code + l->code_flags, 4, &flags) < 0)
		return 0;
	return !(flags & LP_PYVM_OPTIMIZED) || !lp_py_code_sent(vm, code);
}

/* The innermost frame of the block whose code is not copied yet. */
lp_inline void lp_pyvm_exc_code(struct lp_vm *vm)
{
	struct lp_py_value *value = &vm->walk.value;

	vm->py.chain_frames--;
	value->tag = LP_PY_OBJECT;
	value->from = value->to = 0;
	value->bits = lp_py_word(vm, vm->py.frames_at + vm->py.chain_frames *
								(__u32)sizeof(struct lp_py_frame));
	vm->walk.whole = LP_WHOLE_CODE;
	if (value->bits == vm->py.last_code) /* a recursion */
		value->tag = LP_PY_INT;
	else
		vm->py.n_codes--;
	vm->py.last_code = value->bits;
}

/* CAP_PYEXC, a step: a block of one exception, or what it leads to: 1 and what is to be captured, in
 * vm->walk.value; 0: done.
 */
lp_global long lp_pyvm_exc_next(struct lp_vm *vm)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;

	if (!rt)
		return 0;
	if (!vm->py.chain_n) {
		vm->py.chain_n = 1;
		vm->py.chain_i = vm->py.chain_phase = 0;
		vm->py.chain[0] = vm->py.raised;
		vm->py.chain_frames = 0;
		if (lp_pyvm_code_is_due(vm, &rt->layout, vm->py.code)) {
			vm->walk.value.tag = LP_PY_OBJECT;
			vm->walk.value.bits = vm->py.code;
			vm->walk.whole = LP_WHOLE_CODE;
			return 1;
		}
	}

	if (vm->py.chain_frames && vm->py.n_codes) {
		lp_pyvm_exc_code(vm);
		return 1;
	}

	struct lp_py_value *value = &vm->walk.value;
	__u32 phase = vm->py.chain_phase;
	vm->py.chain_phase = phase + 1;
	value->tag = LP_PY_OBJECT;
	value->from = value->to = 0;
	vm->walk.whole = LP_WHOLE_EXCEPTIONS;
	if (phase == 0) {
		if (vm->py.chain_i >= vm->py.chain_n || lp_pyvm_exc_block(vm, rt) < 0)
			return 0;
		value->bits = vm->py.raised_type;
	} else if (phase == 1) {
		value->bits = vm->py.chain[vm->py.chain_i % LP_PY_EXC_MAX];
	} else {
		value->bits = vm->py.chain_notes;
		vm->py.chain_i++;
		vm->py.chain_phase = 0;
	}
	return 1;
}

/* PY_EXC */
lp_inline long lp_pyvm_op_exc(struct lp_vm *vm)
{
	lp_pyvm_result(vm, vm->py.is_raw ? LP_PY_RAISED : LP_PY_OBJECT, vm->py.raised);
	if (vm->py.is_raw)
		vm->py.out_from = vm->py.raised_type;
	return 0;
}

#endif
