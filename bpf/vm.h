/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/vm.h
 *
 * vm - the machine that runs a site's program (lp/program.h) at a hit.
 *
 * Plain C that compiles for BPF and for the host, where unit tests and fuzzing run it. The includer
 * supplies the outside world first, as static functions or macros:
 *
 *	long lp_mem_read(void *dst, __u32 len, __u64 addr)	0, or < 0: not resident or not there
 *	long lp_mem_read_str(char *dst, __u32 size, __u64 addr)	bytes with the terminator, or < 0
 *	long lp_mem_touch(__u64 addr)				0 once the page is resident, or < 0
 *	const struct lp_insn *lp_code(void)			of all sites; NULL: none
 *	const struct lp_insn *lp_code_at(all, __u32 index)	NULL outside
 *	struct lp_point *lp_point_at(__u32 id)			NULL outside
 *	__u64 lp_now(void), lp_pid_tgid(void), lp_thread_pointer(void); __u32 lp_cpu(void)
 *	__u64 lp_stack_end(void)				of the first thread
 *	void lp_comm(char *buf)					LP_COMM_LEN bytes
 *	lp_loop(n, fn, ctx)	fn(__u32 i, ctx) up to n times, until it returns 1
 *	lp_loop_seldom(n, fn, ctx)	the same, where few hits come to
 *	lp_record_max		bytes of one record
 *
 * and may supply, for a kernel that has no bounds for loops otherwise,
 *
 *	int lp_may_go_on(void)	0: the loop is over
 *	lp_point_of(vm)		lp_point_at(vm->point), without the stack
 *
 * Nothing here trusts a program: every register, offset and length is bounded where it is used. The
 * kernel's verifier must see the bound on the very register that is used, which is what lp_opaque()
 * is for.
 */
#ifndef LP_BPF_VM_H
#define LP_BPF_VM_H

#include "state.h"

#ifndef lp_point_of
#define lp_point_of(vm) lp_point_at((vm)->point)
#endif

#include "float.h"
#include "memory.h"
#include "capture.h"
#include "strings.h"
#include "gate.h"
#include "alone.h"

lp_inline __u64 lp_extend(__u64 v, __u32 n)
{
	__u32 drop = (64 - (n & 15) * 8) & 63;

	v <<= drop;
	return n & LP_SIGNED ? (__u64)((__s64)v >> drop) : v >> drop;
}

lp_inline __u64 lp_bits(__u64 v, __u64 spec)
{
	__u32 up = (64 - (__u32)(spec & 0xff) - (__u32)(spec >> 8 & 0xff)) & 63;
	__u32 down = (64 - (__u32)(spec >> 8 & 0xff)) & 63;

	v <<= up;
	return spec >> 16 & 1 ? (__u64)((__s64)v >> down) : v >> down;
}

/* BPF before version 4 has no signed division. */
lp_inline __u64 lp_divide(__u64 a, __u64 b, int is_signed, int remainder)
{
	int neg_a = is_signed && (__s64)a < 0, neg_b = is_signed && (__s64)b < 0;
	__u64 ua = neg_a ? -a : a, ub = neg_b ? -b : b;
	__u64 v = remainder ? ua % ub : ua / ub;

	return (remainder ? neg_a : neg_a != neg_b) ? -v : v;
}

lp_inline __u64 lp_vm_context(struct lp_vm *vm, __u32 which)
{
	switch (which) {
	case LP_CTX_PID:
		return vm->pid_tgid >> 32;
	case LP_CTX_TID:
		return (__u32)vm->pid_tgid;
	case LP_CTX_CPU:
		return lp_cpu();
	case LP_CTX_TIME:
		return vm->time ? vm->time : lp_now();
	case LP_CTX_BIAS:
		return vm->bias;
	case LP_CTX_TLS:
		return lp_thread_pointer();
	case LP_CTX_ELAPSED:
		return vm->elapsed;
	case LP_CTX_HIT:
		return vm->hit;
	case LP_CTX_SIGNAL:
		return vm->signal.number;
	case LP_CTX_CODE:
		return LP_SIGNAL_REASON(vm->signal.number, vm->signal.code);
	case LP_CTX_ADDR:
		return vm->signal.addr;
	case LP_CTX_SENDER:
		return vm->signal.sender;
	case LP_CTX_SIGNAL_HAS:
		return vm->signal.has;
	default:
		return 0;
	}
}

/* What an instruction computes from its registers alone: 1; -1 a division by zero; 0: it does
 * something else.
 */
lp_inline long lp_vm_value(struct lp_vm *vm, const struct lp_insn *in, __u32 op, __u64 *ret)
{
	__u64 a = vm->reg[in->a & (LP_VM_REGS - 1)];
	__u64 b = vm->reg[in->b & (LP_VM_REGS - 1)];
	__u64 imm = in->imm, d;

	switch (op) {
	case LP_OP_IMM:
		d = imm;
		break;
	case LP_OP_MOV:
		d = a;
		break;
	case LP_OP_REG:
		d = vm->mach[in->b & (LP_MACH_ROOM - 1)] + imm;
		break;
	case LP_OP_BITS:
		d = lp_bits(a, imm);
		break;
	case LP_OP_EXT:
		d = lp_extend(a, in->n);
		break;
	case LP_OP_CTX:
		d = lp_vm_context(vm, in->n);
		break;
	case LP_OP_ADD:
		d = a + b;
		break;
	case LP_OP_ADDI:
		d = a + imm;
		break;
	case LP_OP_SUB:
		d = a - b;
		break;
	case LP_OP_MUL:
		d = a * b;
		break;
	case LP_OP_MULI:
		d = a * imm;
		break;
#ifndef LP_LEAN
	case LP_OP_DIVS:
	case LP_OP_DIVU:
	case LP_OP_MODS:
	case LP_OP_MODU:
		if (!b)
			return -1;
		d = lp_divide(a, b, op == LP_OP_DIVS || op == LP_OP_MODS,
			      op == LP_OP_MODS || op == LP_OP_MODU);
		break;
#endif
	case LP_OP_AND:
		d = a & b;
		break;
	case LP_OP_OR:
		d = a | b;
		break;
	case LP_OP_XOR:
		d = a ^ b;
		break;
	case LP_OP_SHL:
		d = b > 63 ? 0 : a << (b & 63);
		break;
	case LP_OP_SHR:
		d = b > 63 ? 0 : a >> (b & 63);
		break;
	case LP_OP_SAR:
		d = (__u64)((__s64)a >> (b > 63 ? 63 : b & 63));
		break;
	case LP_OP_NEG:
		d = -a;
		break;
	case LP_OP_INV:
		d = ~a;
		break;
	case LP_OP_NOT:
		d = !a;
		break;
	case LP_OP_EQ:
		d = a == b;
		break;
	case LP_OP_NE:
		d = a != b;
		break;
	case LP_OP_LTS:
		d = (__s64)a < (__s64)b;
		break;
	case LP_OP_LES:
		d = (__s64)a <= (__s64)b;
		break;
	case LP_OP_LTU:
		d = a < b;
		break;
	case LP_OP_LEU:
		d = a <= b;
		break;
	case LP_OP_EQI:
		d = a == imm;
		break;
	case LP_OP_LTSI:
		d = (__s64)a < (__s64)imm;
		break;
	case LP_OP_LTUI:
		d = a < imm;
		break;
#ifndef LP_LEAN
	case LP_OP_F32TOF64:
	case LP_OP_S64TOF64:
	case LP_OP_U64TOF64:
	case LP_OP_FEQ:
	case LP_OP_FLT:
	case LP_OP_FLE:
		d = lp_alone_float(op, a, b);
		break;
#endif
	default:
		return 0;
	}
	*ret = d;
	return 1;
}

/* Jumps and what ends a program: 1 it is over, 0 it goes on, -1 the instruction is none of these. */
lp_inline long lp_vm_control(struct lp_vm *vm, const struct lp_insn *in, __u32 op, int apart)
{
	__u64 a = vm->reg[in->a & (LP_VM_REGS - 1)];

	switch (op) {
	case LP_OP_END:
		vm->outcome = LP_OUT_DONE;
		return 1;
	case LP_OP_JMP:
		return lp_vm_jump(vm, in->n);
	case LP_OP_JZ:
		return a ? 0 : lp_vm_jump(vm, in->n);
	case LP_OP_JNZ:
		return a ? lp_vm_jump(vm, in->n) : 0;
	case LP_OP_TRY:
		vm->slot = in->imm;
		vm->resume = in->n;
		return 0;
	case LP_OP_FAIL:
		vm->fault = 0;
		return lp_vm_raise(vm, in->imm);
	case LP_OP_CHECK:
		if (a)
			return 0;
		vm->outcome = LP_OUT_FILTERED;
		return 1;
	case LP_OP_GATE:
		if (apart != LP_APART_SELDOM)
			return lp_alone_gate(vm);
		return lp_vm_gate(vm, lp_point_of(vm));
	default:
		return -1;
	}
}

/* mixed, apart: constant, as those of lp_vm_do(). */
lp_inline long lp_vm_capture(struct lp_vm *vm, const struct lp_insn *in, __u32 op,
			     struct lp_step *step, int mixed, int apart)
{
	__u32 slot = LP_CAP_SLOT(in->n), len = LP_CAP_LEN(in->n), flags = 0;
	__u64 a = vm->reg[in->a & (LP_VM_REGS - 1)];
	__u64 m = vm->mach[in->b & (LP_MACH_ROOM - 1)];
	__u64 addr = a + in->imm;

	switch (op) {
	case LP_OP_CAP_REG:
		m = a;
		/* fall through */
	case LP_OP_CAP_MACH:
		return lp_cap_value(vm, slot, m, len);
	case LP_OP_CAP_HOLE:
		lp_vm_note(vm, slot, in->imm, len);
		return 0;
	case LP_OP_CAP_STACK:
		return lp_do_stack(vm, in->n, step, apart);
	case LP_OP_CAP_PYSTACK:
	case LP_OP_CAP_PYLOCALS:
		if (mixed)
			lp_cap_mixed(vm, in, op);
		return 0;
	case LP_OP_CAP_MEMM:
		addr = m + in->imm;
		/* fall through */
	case LP_OP_CAP_MEM:
	case LP_OP_CAP_MEMV:
		if (op == LP_OP_CAP_MEMV) {
			const __u64 want = vm->reg[in->b & (LP_VM_REGS - 1)];

			addr = a;
			if (want > len)
				flags = LP_BLKF_CUT;
			else
				len = want;
		}
		return lp_do_mem(vm, slot, addr, len, flags, apart);
	case LP_OP_CAP_STRPM:
		addr = m + in->imm;
		/* fall through */
	case LP_OP_CAP_STRP:
		if (lp_do_word(vm, sizeof(addr), addr, &addr, apart) < 0) {
			lp_vm_note(vm, slot, LP_ST_UNREADABLE, vm->fault);
			return 0;
		}
		break;
	case LP_OP_CAP_STRM:
		addr = m + in->imm;
		break;
	case LP_OP_CAP_STR:
		break;
	default: /* no such instruction */
		return 0;
	}
	return lp_do_str(vm, slot, addr, len, apart);
}

/* One instruction. Returns 1 when the program is over: vm->outcome says how. Constant, as what is called
 * here is loaded with each program, though the verifier may find that nothing gets there:
 *
 *	mixed	does the hit look at Python's frames?
 *	apart	as alone.h says
 */
lp_inline long lp_vm_do(struct lp_step *step, int mixed, int apart)
{
	struct lp_vm *vm = step->vm;
	__u32 pc = vm->pc;
	const struct lp_insn *in = pc < vm->ninsn ? lp_code_at(step->code, vm->code + pc) : 0;

	if (!in) {
		vm->outcome = LP_OUT_DONE;
		return 1;
	}
	vm->pc = pc + 1;

	__u32 op = in->op;
	if (op >= LP_OP_CAP_MEM)
		return lp_vm_capture(vm, in, op, step, mixed, apart);
	if (op >= LP_OP_STRLD)
		return lp_do_string(vm, in, step, apart);
	if (op <= LP_OP_GATE)
		return lp_vm_control(vm, in, op, apart) != 0; /* kernels before 6.3 want 0 or 1 */

	__u64 a = vm->reg[in->a & (LP_VM_REGS - 1)];
	__u64 loaded = 0, d;

	switch (op) {
	case LP_OP_LOADM:
		a = vm->mach[in->b & (LP_MACH_ROOM - 1)];
		/* fall through */
	case LP_OP_LOAD: {
		__u32 size = in->n & 15;

		if (lp_do_word(vm, size < 8 ? size : 8, a + in->imm, &loaded, apart) < 0)
			return lp_do_raise(vm, LP_ST_UNREADABLE, apart);
		d = lp_extend(loaded, in->n);
		break;
	}
	default:
		if (lp_has(LP_PART_VALUES) && lp_vm_value(vm, in, op, &d) > 0)
			break;
		vm->fault = 0;
		return lp_do_raise(vm, LP_ST_DIV_ZERO, apart);
	}
	vm->reg[in->dst & (LP_VM_REGS - 1)] = d;
	return 0;
}

/* The same by itself, where all is apart. */
lp_global long lp_alone_step(struct lp_vm *vm)
{
	struct lp_step step = { .vm = vm, .code = lp_code() };

	return vm && step.code ? lp_vm_do(&step, 0, LP_APART_ALL) : 1;
}

static inline long lp_vm_step(__u32 i, struct lp_step *step)
{
	long r = lp_alone_step(step->vm);

	(void)i;
	lp_opaque(r); /* the verifier knows nothing of it */
	return r != 0;
}

/* Whether it is over goes through memory: what the verifier knows of it ends there, and each instruction begins with
 * the same state.
 */
lp_inline void lp_vm_run_soon(struct lp_vm *vm)
{
	struct lp_step step = { .vm = vm, .code = lp_code() };

	if (!step.code)
		return;

	volatile __u8 *is_over = &vm->is_over;
	*is_over = 0;
	while (lp_may_go_on()) {
		if (lp_vm_do(&step, 0, LP_APART_SELDOM))
			*is_over = 1;
		if (*is_over)
			break;
	}
}

/* do_step: lp_vm_step(), or the same for hits that look at Python's frames. NULL: nothing is called for a step. */
lp_inline void lp_vm_run(struct lp_vm *vm, long (*do_step)(__u32 i, struct lp_step *step))
{
	struct lp_step step = { .vm = vm };

	if (!do_step) {
		lp_vm_run_soon(vm);
		return;
	}
	step.code = lp_code();
	if (step.code)
		lp_loop(LP_VM_STEPS_MAX, do_step, &step);
}

#endif
