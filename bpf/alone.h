/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/alone.h
 *
 * alone - parts of the machine as functions that the kernel verifies each by itself, once, however many
 * ways lead there. As one function with what calls them the whole takes 20 ms more of each start: each
 * branch is followed with the state of all functions that it is in.
 *
 * What can sleep is not for a program that must not, even where it is never reached (from 6.14 on): that
 * one has the same inlined, by `apart`, a constant. The includer may supply
 *
 *	lp_has(part)	0: no site asks for it (enum lp_vm_part), and it is left out
 */
#ifndef LP_BPF_ALONE_H
#define LP_BPF_ALONE_H

#ifndef lp_has
#define lp_has(part) 1
#endif

/* What is apart */
#define LP_APART_ALL	1
#define LP_APART_SELDOM 2 /* what few hits come to, or takes the verifier long */

lp_global long lp_alone_raise(struct lp_vm *vm, __u32 status)
{
	return vm ? lp_vm_raise(vm, status) : 1;
}

lp_inline long lp_do_raise(struct lp_vm *vm, __u32 status, int apart)
{
	return apart ? lp_alone_raise(vm, status) : lp_vm_raise(vm, status);
}

lp_global long lp_alone_word(struct lp_vm *vm, __u32 len, __u64 addr)
{
	return vm ? lp_vm_read_word(vm, len, addr, &vm->word, 1) : -1;
}

lp_inline long lp_do_word(struct lp_vm *vm, __u32 len, __u64 addr, __u64 *ret, int apart)
{
	if (!lp_has(LP_PART_WORDS))
		return -1;
	if (!apart)
		return lp_vm_read_word(vm, len, addr, ret, 0);
	if (lp_alone_word(vm, len, addr) < 0)
		return -1;
	*ret = vm->word;
	return 0;
}

lp_global long lp_alone_mem(struct lp_vm *vm, __u32 slot, __u64 addr, __u32 len, __u32 flags)
{
	return vm ? lp_cap_mem(vm, slot, addr, len, flags) : 0;
}

lp_inline long lp_do_mem(struct lp_vm *vm, __u32 slot, __u64 addr, __u32 len, __u32 flags,
			 int apart)
{
	__u64 word;

	if (len > 8 && lp_has(LP_PART_COPY))
		return apart ? lp_alone_mem(vm, slot, addr, len, flags)
			     : lp_cap_mem(vm, slot, addr, len, flags);
	if (lp_do_word(vm, len, addr, &word, apart) < 0)
		lp_vm_note(vm, slot, LP_ST_UNREADABLE, vm->fault);
	else
		lp_cap_word(vm, slot, word, len, flags, addr);
	return 0;
}

lp_global long lp_alone_str(struct lp_vm *vm, __u32 slot, __u64 addr, __u32 max)
{
	return vm ? lp_cap_str(vm, slot, addr, max) : 0;
}

/* < 0: not so. */
lp_global long lp_alone_text(struct lp_vm *vm, __u32 slot, __u64 addr, __u32 max)
{
	return vm ? lp_cap_text(vm, slot, addr, max) : -1;
}

lp_inline long lp_do_str(struct lp_vm *vm, __u32 slot, __u64 addr, __u32 max, int apart)
{
	if (!lp_has(LP_PART_TEXT))
		return 0;
	if (!apart)
		return lp_cap_str(vm, slot, addr, max);
	if (apart == LP_APART_SELDOM && !lp_alone_text(vm, slot, addr, max))
		return 0;
	return lp_alone_str(vm, slot, addr, max);
}

#ifdef LP_LEAN /* there are no such instructions */
#define lp_do_stack(vm, max, step, apart) ((void)(step), 1)
#define lp_do_string(vm, in, step, apart) 1
#else
/* An operation on floats (enum lp_op). */
lp_global long lp_alone_float(__u32 op, __u64 a, __u64 b)
{
	__u64 sign = op == LP_OP_S64TOF64 ? a & LP_F64_SIGN : 0;

	switch (op) {
	case LP_OP_F32TOF64:
		return lp_f32_to_f64((__u32)a);
	case LP_OP_S64TOF64:
	case LP_OP_U64TOF64:
		return lp_u64_to_f64(sign ? -a : a, sign);
	case LP_OP_FEQ:
		return lp_f64_equal(a, b);
	case LP_OP_FLT:
		return lp_f64_less(a, b);
	default: /* FLE */
		return lp_f64_less(a, b) || lp_f64_equal(a, b);
	}
}

static long lp_cap_stack_page(__u32 i, struct lp_step *step)
{
	(void)i;
	return lp_cap_page(step->vm, 1);
}

lp_global long lp_alone_stack(struct lp_vm *vm, __u32 max)
{
	struct lp_step step = { .vm = vm };

	return vm ? lp_cap_stack(vm, max, &step, lp_cap_stack_page) : 0;
}

lp_inline long lp_do_stack(struct lp_vm *vm, __u32 max, struct lp_step *step, int apart)
{
	return apart ? lp_alone_stack(vm, max) : lp_cap_stack(vm, max, step, lp_cap_stack_page);
}

/* at: of the instruction, among those of all sites */
lp_global long lp_alone_string(struct lp_vm *vm, __u32 at)
{
	struct lp_step step = { .vm = vm, .code = lp_code() };

	if (!vm || !step.code)
		return 1;

	const struct lp_insn *in = lp_code_at(step.code, at);
	return in ? lp_vm_string(vm, in, &step) : 1;
}

lp_inline long lp_do_string(struct lp_vm *vm, const struct lp_insn *in, struct lp_step *step,
			    int apart)
{
	return apart ? lp_alone_string(vm, vm->code + vm->pc - 1) : lp_vm_string(vm, in, step);
}
#endif

#endif
