/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/python_soon.h
 *
 * python_soon - instructions that most programs are made of, and what these find most often: a local
 * variable, an attribute where it was the last time, a small int beside a number. They are executed one
 * after the other without the machine's loop (python.h), each as there. The first one that is or finds
 * something else is left to that.
 */
#ifndef LP_BPF_PYTHON_SOON_H
#define LP_BPF_PYTHON_SOON_H

#define LP_PYVM_SOON 12 /* instructions at once, where they are to be counted */

/* Of these a part of a program begins with. */
lp_inline int lp_pyvm_begins_soon(__u32 op)
{
	return op == LP_OP_TRY || op == LP_OP_IMM;
}

/* 1; 0: it is not for here. */
lp_inline int lp_pyvm_soon_fast(struct lp_vm *vm, const struct lp_py_layout *l, __u32 n, __u64 *ret)
{
	if (vm->py.fetched & LP_PY_FETCH_BLIND ||
	    lp_pyvm_u64(vm, vm->py.frame + l->frame_localsplus + (n & 0xffffff) * 8ull, ret) < 0)
		return 0;
	*ret &= ~(__u64)l->frame_tags;
	return *ret != 0;
}

/* The result is in vm->py.out, as of lp_pyvm_op_attr(). */
lp_global int lp_pyvm_soon_attr(struct lp_vm *vm, __u32 reg, __u32 n)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;
	const struct lp_pyvm_cache *c = lp_pyvm_cache_at(n % LP_PYVM_CACHES);

	if (!rt || !c || vm->py.tags[reg & (LP_VM_REGS - 1)] != LP_PY_OBJECT)
		return 0;

	const struct lp_py_layout *l = &rt->layout;
	vm->py.object = vm->reg[reg & (LP_VM_REGS - 1)];
	lp_pyvm_open(vm, l, vm->py.object);
	if (lp_pyvm_near(vm, vm->py.object + l->ob_type, 8, &vm->py.type) < 0)
		return 0;
	if (c->how != LP_HOW_VALUES || !lp_pyvm_leads_to_values(vm, l, c))
		return lp_pyvm_attr_again(vm, n) == 1;
	vm->py.tag = LP_PY_OBJECT;
	return lp_pyvm_fits(vm, l, c, n) &&
	       lp_pyvm_lone(vm, vm->py.before + l->values_array + c->index * 8, &vm->py.out) >= 0 &&
	       vm->py.out;
}

/* A comparison by operator `op`. */
lp_global int lp_pyvm_soon_compare(struct lp_vm *vm, __u32 a, __u32 b, __u32 op)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;
	long r = rt ? lp_pyvm_relate_soon(vm, rt, a & (LP_VM_REGS - 1), b & (LP_VM_REGS - 1)) : -1;

	if (r >= 0)
		r = lp_pyvm_holds(op, r);
	if (r < 0)
		return 0;
	lp_pyvm_result(vm, LP_PY_BOOL, r);
	return 1;
}

/* One that gives a value: 1 it has, into vm->py.out. */
lp_inline int lp_pyvm_soon_value(struct lp_vm *vm, const struct lp_py_runtime *rt,
				 const struct lp_insn *in, __u32 pc)
{
	const __u32 op = in->op;

	if (op == LP_OP_PY_INT || op == LP_OP_IMM) {
		lp_pyvm_result(vm, LP_PY_INT, in->imm);
		return 1;
	}
	if (op == LP_OP_PY_FAST) {
		vm->py.tag = LP_PY_OBJECT;
		return lp_pyvm_soon_fast(vm, &rt->layout, in->n, &vm->py.out);
	}
	if (op == LP_OP_PY_ATTR && lp_py_uses(LP_OP_PY_ATTR)) {
		vm->py.imm = in->imm;
		return lp_pyvm_soon_attr(vm, in->a, vm->code + pc);
	}
	return op == LP_OP_PY_COMPARE && lp_py_uses(LP_OP_PY_COMPARE) &&
	       lp_pyvm_soon_compare(vm, in->a, in->b, in->n);
}

/* 1 it is done, and the program goes on. */
lp_inline int lp_pyvm_soon_one(struct lp_vm *vm, const struct lp_py_runtime *rt,
			       const struct lp_insn *in, __u32 pc)
{
	const __u32 op = in->op, dst = in->dst & (LP_VM_REGS - 1);

	if (op <= LP_OP_GATE) {
		vm->pc = pc + 1;
		return lp_vm_control(vm, in, op, LP_APART_ALL) == 0;
	}
	if (!lp_pyvm_soon_value(vm, rt, in, pc))
		return 0;
	vm->pc = pc + 1;
	vm->reg[dst] = vm->py.out;
	vm->py.tags[dst] = vm->py.tag;
	return 1;
}

/* The instruction at vm->pc: 1 it is done, and there may be a next one. */
lp_inline int lp_pyvm_soon_next(struct lp_vm *vm, const struct lp_py_runtime *rt,
				const struct lp_insn *all)
{
	const __u32 pc = vm->pc;
	const struct lp_insn *in = pc < vm->ninsn ? lp_code_at(all, vm->code + pc) : 0;

	if (!in || !lp_pyvm_soon_one(vm, rt, in, pc)) {
		vm->pc = pc;
		return 0;
	}
	vm->py.steps++;
	return vm->outcome == LP_OUT_NONE;
}

/* From instruction pc on: 1 the program is over. Of rounds that are counted the verifier follows each. */
lp_global int lp_pyvm_soon(struct lp_vm *vm, __u32 pc)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;
	const struct lp_insn *all = lp_all_code();

	if (!rt)
		return 1;
	vm->pc = pc;
	if (lp_goes_on) {
		while (lp_may_go_on())
			if (!lp_pyvm_soon_next(vm, rt, all))
				break;
	} else {
		for (__u32 i = 0; i < LP_PYVM_SOON; i++)
			if (!lp_pyvm_soon_next(vm, rt, all))
				break;
	}
	return vm->outcome != LP_OUT_NONE;
}

#endif
