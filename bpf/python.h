/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/python.h
 *
 * python - the machine for the programs of Python sites (lp/program.h, LP_PY_OPS): control and
 * plain values as vm.h has them, the rest by the python_*.h. Runs where nothing can sleep.
 *
 * All sites of one code unit run one after the other in one loop, as the verifier allows eight nested
 * calls only and the deepest, a comparison of texts in a hash table, takes all of them.
 *
 * Besides what the others want, the includer supplies:
 *
 *	const struct lp_py_site *lp_py_site_at(__u32 id), const struct lp_site *lp_site_at(__u32 id)
 *	const struct lp_insn *lp_all_code(void)	all sites' programs
 *	int lp_py_uses(op)	is there a program that has this instruction?
 */
#ifndef LP_BPF_PYTHON_H
#define LP_BPF_PYTHON_H

#include "hit.h"
#include "pywalk.h"
#include "python_read.h"
#include "python_text.h"
#include "python_number.h"
#include "python_compare.h"
#include "python_hash.h"
#include "python_dict.h"
#include "python_type.h"
#include "python_attr.h"
#include "python_item.h"
#include "python_frame.h"
#include "python_who.h"
#include "python_var.h"
#include "python_exc.h"
#include "python_await.h"
#include "python_judge.h"
#include "python_locals.h"
#include "python_codes.h"
#include "python_soon.h"

/* PY_TYPE, PY_IS and the constants */
lp_global long lp_pyvm_op_value(struct lp_vm *vm)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;
	long r;

	if (!rt)
		return -LP_ST_UNREADABLE;

	__u64 imm = vm->py.imm;

	switch (vm->py.op) {
	case LP_OP_PY_INT:
		lp_pyvm_result(vm, LP_PY_INT, imm);
		return 0;
	case LP_OP_PY_FLOAT:
		lp_pyvm_result(vm, LP_PY_FLOAT, imm);
		return 0;
	case LP_OP_PY_BOOL:
		lp_pyvm_result(vm, LP_PY_BOOL, vm->reg[vm->py.a % LP_VM_REGS] != 0);
		return 0;
	case LP_OP_PY_NONE:
		lp_pyvm_result(vm, LP_PY_OBJECT, rt->none);
		return 0;
	case LP_OP_PY_STR:
		lp_pyvm_result(vm, LP_PY_KEY, imm);
		return 0;
	case LP_OP_PY_BYTES:
		lp_pyvm_result(vm, LP_PY_BYTES, imm);
		return 0;
	case LP_OP_PY_BIG:
		lp_pyvm_result(vm, LP_PY_BIG, imm);
		return 0;
	case LP_OP_PY_TUPLE:
		lp_pyvm_result(vm, LP_PY_TUPLE, imm);
		vm->py.out_from = vm->py.n;
		return 0;
	case LP_OP_PY_OBJECT:
		lp_pyvm_result(vm, LP_PY_OBJECT, imm);
		return 0;
	case LP_OP_PY_TYPE:
		r = lp_pyvm_operand(vm, LP_VIEW_A, vm->py.a);
		lp_pyvm_result(vm, LP_PY_OBJECT, vm->py.view[LP_VIEW_A].type);
		return r;
	default:
		return -LP_ST_WRONG_TYPE;
	}
}

/* The object that a register is, 0: it is none of the target's. */
lp_inline __u64 lp_pyvm_object_of(struct lp_vm *vm, const struct lp_py_runtime *rt, __u32 reg)
{
	__u32 tag = vm->py.tags[reg % LP_VM_REGS];
	__u64 v = vm->reg[reg % LP_VM_REGS];

	return tag == LP_PY_OBJECT ? v : tag == LP_PY_BOOL ? (v ? rt->true_ : rt->false_) : 0;
}

/* None, bools, classes and the target's objects have an identity; what the program computes has none
 * that Python would promise.
 */
lp_global long lp_pyvm_op_is(struct lp_vm *vm)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;

	if (!rt)
		return -LP_ST_UNREADABLE;

	__u64 a = lp_pyvm_object_of(vm, rt, vm->py.a), b = lp_pyvm_object_of(vm, rt, vm->py.b);

	if (!a && !b)
		return -LP_ST_UNAVAILABLE;
	if (!a || !b) {
		__u64 other = a ? a : b;

		if (other != rt->none && other != rt->true_ && other != rt->false_)
			return -LP_ST_UNAVAILABLE;
	}
	lp_pyvm_result(vm, LP_PY_BOOL, a == b);
	return 0;
}

/* An instruction of LP_PY_OPS that gives a value: into vm->py.out. What no logpoint of the session uses
 * is not there: the kernel would take its time to verify it.
 */
#define CASE(op_, fn)                                                                              \
	case LP_OP_PY_##op_:                                                                       \
		if (!lp_py_uses(LP_OP_PY_##op_))                                                   \
			break;                                                                     \
		return fn;
lp_inline long lp_pyvm_evaluate(struct lp_vm *vm)
{
	switch (vm->py.op) {
		CASE(FAST, lp_pyvm_op_frame(vm))
		CASE(CELL, lp_pyvm_op_frame(vm))
		CASE(RETURN, lp_pyvm_op_frame(vm))
		CASE(CONST, lp_pyvm_op_frame(vm))
		CASE(NAME, lp_pyvm_op_name(vm))
		CASE(GLOBAL, lp_pyvm_op_name(vm))
		CASE(VAR, lp_pyvm_op_var(vm))
		CASE(EXC, lp_pyvm_op_exc(vm))
		CASE(WHO, lp_pyvm_op_who(vm))
		CASE(KEEP, lp_pyvm_op_keep(vm))
		CASE(ATTR, lp_pyvm_op_attr(vm))
		CASE(ITEM, lp_pyvm_op_item(vm))
		CASE(SLICE, lp_pyvm_op_slice(vm))
		CASE(LEN, lp_pyvm_op_len(vm))
		CASE(TRUTH, lp_pyvm_op_truth(vm))
		CASE(COMPARE, lp_pyvm_op_compare(vm))
		CASE(IS, lp_pyvm_op_is(vm))
		CASE(IN, lp_pyvm_op_in(vm))
		CASE(ISINSTANCE, lp_pyvm_op_isinstance(vm))
		CASE(STARTS, lp_pyvm_op_affix(vm))
		CASE(ENDS, lp_pyvm_op_affix(vm))
		CASE(ARITH, lp_pyvm_op_arithmetic(vm))
		CASE(NEG, lp_pyvm_op_arithmetic(vm))
		CASE(INV, lp_pyvm_op_arithmetic(vm))
	default:
		return lp_pyvm_op_value(vm);
	}
	return -LP_ST_UNAVAILABLE;
}
#undef CASE

/* A capture. The walk takes registers with a tag as they are, constants aside. */
lp_inline void lp_pyvm_capture(struct lp_vm *vm)
{
	__u32 reg = vm->py.a % LP_VM_REGS, slot = LP_CAP_SLOT(vm->py.n);
	long r;

	switch (vm->py.op) {
	case LP_OP_CAP_PYSTACK:
		if (lp_py_uses(LP_OP_CAP_PYSTACK))
			lp_pyvm_cap_stack(vm, vm->py.n);
		break;
	case LP_OP_CAP_PYTASK:
		lp_pyvm_cap_task(vm);
		break;
	case LP_OP_CAP_PYAWAIT:
		if (!lp_py_uses(LP_OP_CAP_PYAWAIT))
			break;
		r = lp_pyvm_await_next(vm);
		if (r)
			vm->pc = vm->py.pc; /* again: there is more */
		if (r == LP_AWAIT_CAPTURE)
			lp_cap_py(vm, LP_SLOT_MEM, LP_AWAIT_LIMITS);
		vm->walk.whole = LP_WHOLE_NOT;
		break;
	case LP_OP_CAP_PYEXC:
		if (!lp_py_uses(LP_OP_CAP_PYEXC))
			break;
		if (lp_pyvm_exc_next(vm)) {
			vm->pc = vm->py.pc; /* again: there is more */
			lp_cap_py(vm, LP_SLOT_MEM, vm->py.imm);
		}
		vm->walk.whole = LP_WHOLE_NOT;
		break;
	case LP_OP_CAP_PYLOCALS:
		if (lp_py_uses(LP_OP_CAP_PYLOCALS) && lp_pyvm_cap_locals(vm, vm->py.imm, vm->py.n))
			vm->pc = vm->py.pc; /* again: there is another list */
		break;
	default:
		vm->walk.value.tag = vm->py.tags[reg];
		vm->walk.value.bits = vm->reg[reg];
		vm->walk.value.from = vm->py.from[reg];
		vm->walk.value.to = vm->py.to[reg];
		lp_cap_py(vm, slot, vm->py.imm);
	}
}

lp_inline long lp_pyvm_python_op(struct lp_vm *vm, const struct lp_insn *in, __u32 pc)
{
	__u32 dst = in->dst & (LP_VM_REGS - 1);

	vm->py.pc = pc;
	vm->py.op = in->op;
	vm->py.a = in->a;
	vm->py.b = in->b;
	vm->py.n = in->n;
	vm->py.imm = in->imm;
	if (in->op >= LP_OP_CAP_PY) {
		lp_pyvm_capture(vm);
		return 0;
	}

	long r = lp_pyvm_evaluate(vm);
	if (r < 0) {
		vm->fault = pc;
		return lp_vm_raise(vm, -r);
	}
	vm->reg[dst] = vm->py.out;
	vm->py.tags[dst] = vm->py.tag;
	vm->py.from[dst] = vm->py.out_from;
	vm->py.to[dst] = vm->py.out_to;
	return 0;
}

/* A plain value that is computed is an int, or a float: so Python's operations can go on with it. */
lp_inline long lp_pyvm_plain_op(struct lp_vm *vm, const struct lp_insn *in, __u32 op)
{
	__u32 dst = in->dst & (LP_VM_REGS - 1), a = in->a & (LP_VM_REGS - 1);
	__u64 d;
	long r = lp_vm_control(vm, in, op, LP_APART_ALL);

	if (r >= 0)
		return r;
	r = lp_vm_value(vm, in, op, &d);
	if (r < 0) {
		vm->fault = 0;
		return lp_vm_raise(vm, LP_ST_DIV_ZERO);
	}
	if (!r)
		return 0;
	vm->reg[dst] = d;
	lp_blur(vm, op);
	if (op == LP_OP_MOV) {
		vm->py.tags[dst] = vm->py.tags[a];
		vm->py.from[dst] = vm->py.from[a];
		vm->py.to[dst] = vm->py.to[a];
	} else {
		vm->py.tags[dst] =
			op == LP_OP_F32TOF64 || op == LP_OP_S64TOF64 || op == LP_OP_U64TOF64
				? LP_PY_FLOAT
				: LP_PY_INT;
	}
	return 0;
}

/* One page of stack, by what can't sleep. */
static long lp_pyvm_stack_page(__u32 i, struct lp_step *step)
{
	(void)i;
	return lp_cap_page(step->vm, 0);
}

/* CAP_STACK */
lp_global int lp_pyvm_cap_native(struct lp_vm *vm, __u32 max)
{
	struct lp_step step = { .vm = vm };

	if (vm)
		lp_cap_stack(vm, max, &step, lp_pyvm_stack_page);
	return 0;
}

/* Captures of what is no Python value. */
lp_inline void lp_pyvm_plain_capture(struct lp_vm *vm, const struct lp_insn *in, __u32 op)
{
	__u32 slot = LP_CAP_SLOT(in->n), len = LP_CAP_LEN(in->n);

	if (op == LP_OP_CAP_REG)
		lp_cap_value(vm, slot, vm->reg[in->a & (LP_VM_REGS - 1)], len);
	else if (op == LP_OP_CAP_HOLE)
		lp_vm_note(vm, slot, in->imm, len);
	else if (op == LP_OP_CAP_STACK && lp_py_uses(LP_OP_CAP_PYSTACK))
		lp_pyvm_cap_native(vm, in->n);
}

/* The key of the stash is the frame, whichever thread runs it. */
lp_inline void lp_pyvm_call_key(struct lp_vm *vm, __u64 sp)
{
	vm->mach[LP_MACH_SP] = sp;
	vm->pid_tgid &= ~0xffffffffull;
}

/* The program of the site that runs is over. */
lp_global long lp_pyvm_finish(struct lp_vm *vm)
{
	if (!vm)
		return 0;
	__u64 pid_tgid = vm->pid_tgid, sp = vm->mach[LP_MACH_SP];

	if (vm->py.kind == LP_SITE_ENTER) {
		for (__u32 i = 0; i < LP_VM_KEEP; i++)
			vm->carry.tags[i] = vm->py.tags[LP_VM_REGS - LP_VM_KEEP + i];
		lp_pyvm_call_key(vm, vm->py.frame);
		lp_enter(vm, vm->py.stash);
		vm->pid_tgid = pid_tgid;
		vm->mach[LP_MACH_SP] = sp;
		return 0;
	}
	lp_finish(vm);
	return 0;
}

lp_inline int lp_pyvm_return_half(struct lp_vm *vm)
{
	__u64 pid_tgid = vm->pid_tgid, sp = vm->mach[LP_MACH_SP];

	lp_pyvm_call_key(vm, vm->py.frame + 8);
	int r = lp_resume(vm, vm->py.stash);
	vm->pid_tgid = pid_tgid;
	vm->mach[LP_MACH_SP] = sp;
	if (r < 0) {
		lp_count(vm, lost[LP_LOSS_STASH]);
		return -1;
	}
	for (__u32 i = 0; i < LP_VM_KEEP; i++)
		vm->py.tags[LP_VM_REGS - LP_VM_KEEP + i] = vm->carry.tags[i];
	return 0;
}

/* Is a unit of a line that is entered at several of them no new start of it? */
lp_inline int lp_pyvm_follows(struct lp_vm *vm, const struct lp_py_site *site)
{
	const struct lp_pyvm_latest *l = &vm->py.latest;

	if (vm->py.is_fresh) {
		vm->py.is_fresh = 0;
		lp_pyvm_latest_get(vm, site);
		lp_pyvm_latest_put(vm, site);
	}
	return site->flags & LP_PY_SITE_FOLLOWS && l->flags & LP_PY_SITE_LEADS &&
	       LP_PY_SITE_LINE(l->flags) == LP_PY_SITE_LINE(site->flags) && l->code == site->code &&
	       l->unit < site->unit;
}

/* Is the site at the unit that is about to be executed, or wants the exception? */
lp_inline int lp_pyvm_is_here(struct lp_vm *vm, const struct lp_py_layout *l,
			      const struct lp_py_site *site)
{
	if (site->flags & LP_PY_SITE_TRAP)
		return vm->py.wanted >> (site->stack_base & 63) & 1;
	return site->unit == vm->py.unit && lp_pyvm_same_code(vm, l, site);
}

/* The next site of this unit: 1 there is none; else vm->py.running says whether it runs. */
lp_global long lp_pyvm_begin(struct lp_vm *vm)
{
	if (!vm || !vm->py.next)
		return 1;

	__u32 id = vm->py.next - 1;
	const struct lp_py_site *py = lp_py_site_at(id);
	const struct lp_site *site = lp_site_at(id);
	const struct lp_py_runtime *rt = lp_py_rt(vm);
	if (!py || !site || !rt)
		return 1;
	vm->py.next = vm->py.is_alone ? 0 : py->next;
	if (!lp_pyvm_is_here(vm, &rt->layout, py))
		return 0;
	lp_comm(vm->comm);
	lp_prepare(vm, site, id);
	if (!(py->flags & LP_PY_SITE_TRAP) && lp_pyvm_follows(vm, py))
		return 0;
	vm->py.chain_n = vm->py.locals_turn = 0;
	vm->py.await.phase = LP_AWAIT_START;
	vm->py.n_codes = py->unit == LP_PY_AT_UNCAUGHT ? LP_PYVM_CODES_MAX : 0;
	vm->py.stack_base = py->stack_base;
	vm->py.kind = site->kind;
	vm->py.stash = site->pair;
	vm->py.steps = 0;
	vm->py.work = LP_PY_WORK_MAX;
	vm->walk.serial++;
	if (vm->py.kind == LP_SITE_ENTER) {
		vm->len = 0;
		vm->room = LP_STASH_MAX;
	} else if (vm->py.kind == LP_SITE_LEAVE && lp_pyvm_return_half(vm) < 0) {
		return 0;
	}
	vm->py.running = 1;
	return 0;
}

/* One instruction of the site that runs, or the next site. */
static long lp_pyvm_step(__u32 i, struct lp_step *step)
{
	struct lp_vm *vm = step->vm;
	long r = 1;

	(void)i;
	if (!vm->py.running) {
		r = lp_pyvm_begin(vm);
		lp_opaque(r); /* the verifier knows nothing of it */
		if (r || !vm->py.running)
			return r != 0;
		r = 1;
	}

	const __u32 pc = vm->pc;
	const struct lp_insn *in = pc < vm->ninsn ? lp_code_at(step->code, vm->code + pc) : 0;
	if (!in) {
		vm->outcome = LP_OUT_DONE;
	} else if (vm->outcome == LP_OUT_NONE && vm->py.steps++ < LP_VM_STEPS_MAX) {
		__u32 op = in->op;

		r = 0;
		vm->pc = pc + 1;
		if (lp_pyvm_begins_soon(op))
			r = lp_pyvm_soon(vm, pc);
		else if (op >= LP_OP_PY_INT)
			r = lp_pyvm_python_op(vm, in, pc);
		else if (op >= LP_OP_CAP_MEM)
			lp_pyvm_plain_capture(vm, in, op);
		else
			r = lp_pyvm_plain_op(vm, in, op);
	}
	if (r) {
		if (vm->outcome == LP_OUT_DONE && vm->py.kind != LP_SITE_ENTER)
			lp_pyvm_cap_thread(vm);
		lp_pyvm_finish(vm);
		vm->py.running = 0;
		return !vm->py.next;
	}
	return 0;
}

/* All sites from vm->py.next on, for the unit vm->py.unit in the frame that was found. */
lp_inline void lp_pyvm_run(struct lp_vm *vm)
{
	struct lp_step step = { .vm = vm, .code = lp_all_code() };

	vm->py.running = 0;
	vm->py.is_fresh = 1;
	lp_loop(LP_PY_CHAIN_MAX * LP_VM_STEPS_MAX, lp_pyvm_step, &step);
}

/* The thread, its frame, and whether it is about to execute the unit: 1. flags: of the site. Of those that a
 * probe in the evaluation loop serves (STEPS) a CALLED one has said the frame.
 */
lp_global long lp_pyvm_arrive(struct lp_vm *vm, __u64 unit, __u64 ip, __u32 flags)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;
	struct lp_pyvm_thread *t = 0;

	if (!rt)
		return 0;
	lp_pyvm_forget(vm);
	vm->py.unit = unit;
	if (lp_pyvm_meet_thread(vm, rt))
		return 0;
	if (flags & LP_PY_SITE_CALLED)
		return lp_pyvm_called(vm, rt);
	if (lp_pyvm_find_frame(vm, &rt->layout) < 0)
		return 0;
	if (lp_pyvm_looks_back(&rt->layout, flags))
		t = lp_pyvm_thread_of(vm->pid_tgid);
	return flags & LP_PY_SITE_STEPS ? lp_pyvm_begins(vm, &rt->layout, unit, t, flags)
					: lp_pyvm_about_to(vm, &rt->layout, unit, t, ip, flags);
}

#endif
