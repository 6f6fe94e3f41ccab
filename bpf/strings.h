/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/strings.h
 *
 * strings - the two string buffers: eight bytes at a time, and eight zero bytes behind each string,
 * so that its last word is comparable.
 */
#ifndef LP_BPF_STRINGS_H
#define LP_BPF_STRINGS_H

#define LP_STR_WORDS (LP_STRBUF_MAX / 8)

/* The length goes through memory: what the verifier knows of it ends there, so that it follows one
 * way from here on and not one for each length that a loop before can have found.
 */
lp_inline void lp_str_end(struct lp_vm *vm, __u32 k, __u32 found)
{
	volatile __u32 *klen = &vm->klen[k & 1];

	*klen = found;
	__u32 len = *klen;
	lp_opaque(len);
	if (len > LP_STRBUF_MAX)
		len = *klen = 0;
	*(lp_word *)(vm->k[k & 1] + len) = 0;
}

lp_inline long lp_vm_strld(struct lp_vm *vm, __u32 k, __u64 addr, __u32 max)
{
	__u8 cut;

	max = lp_at_most(max, LP_STRBUF_MAX);

	long n = lp_vm_read_str(vm, vm->k[k & 1], max, addr, &cut);
	if (n < 0)
		return lp_vm_raise(vm, LP_ST_UNREADABLE);
	lp_str_end(vm, k, n);
	return 0;
}

lp_inline long lp_vm_memld(struct lp_vm *vm, __u32 k, __u64 addr, __u64 want, __u32 max)
{
	__u32 len = want < max ? want : max;

	len = lp_at_most(len, LP_STRBUF_MAX);
	if (len && lp_vm_read(vm, vm->k[k & 1], len, addr) < 0)
		return lp_vm_raise(vm, LP_ST_UNREADABLE);
	lp_str_end(vm, k, len);
	return 0;
}

/* Bytes before the first that is zero, 8: none is. */
lp_inline __u32 lp_str_bytes(__u64 word)
{
	__u64 zero = (word - 0x0101010101010101) & ~word & 0x8080808080808080;

	return zero ? (__u32)(63 - lp_clz64(zero & -zero)) >> 3 : 8;
}

lp_inline long lp_vm_commld(struct lp_vm *vm, __u32 k)
{
	char *to = vm->k[k & 1];

	lp_comm(to);
	__u32 len = lp_str_bytes(*(lp_word *)to);
	if (len == 8)
		len += lp_str_bytes(*(lp_word *)(to + 8));
	lp_str_end(vm, k, len);
	return 0;
}

/* One instruction of constant data. */
static long lp_str_const(__u32 i, struct lp_step *step)
{
	struct lp_vm *vm = step->vm;
	__u32 at = i * sizeof(struct lp_insn), from = vm->off + i;

	lp_opaque(at);
	if (from >= vm->ninsn || at >= LP_STRBUF_MAX)
		return 1;

	const struct lp_insn *in = lp_code_at(step->code, vm->code + from);
	if (!in)
		return 1;

	lp_word *to = (lp_word *)(vm->k[vm->found & 1] + at);
	to[0] = ((const lp_word *)in)[0];
	to[1] = ((const lp_word *)in)[1];
	return 0;
}

lp_inline long lp_vm_strk(struct lp_step *step, __u32 k, __u32 len, __u32 at)
{
	struct lp_vm *vm = step->vm;

	if (len > LP_STRBUF_MAX)
		len = LP_STRBUF_MAX;
	vm->off = at;
	vm->found = k;
	lp_loop_seldom((len + sizeof(struct lp_insn) - 1) / sizeof(struct lp_insn), lp_str_const,
		       step);
	lp_str_end(vm, k, len);
	return 0;
}

/* The tail of the record serves as scratch. */
lp_inline long lp_vm_strlen(struct lp_vm *vm, __u64 addr, __u32 max, __u64 *ret)
{
	__u8 cut;

	max = lp_at_most(max, LP_READ_MAX);

	long n = lp_vm_read_str(vm, (char *)vm->rec + LP_RECORD_MAX, max, addr, &cut);
	if (n < 0)
		return -1;
	*ret = n;
	return 0;
}

/* One word of "is k1 in k0 at vm->off?" */
static long lp_str_word(__u32 i, struct lp_step *step)
{
	struct lp_vm *vm = step->vm;
	__u32 at = i * 8, off = vm->off, len = vm->klen[1];

	if (at >= len) {
		vm->found = 1;
		return 1;
	}
	lp_opaque(at);
	lp_opaque(off);
	if (at >= LP_STRBUF_MAX || off > LP_STRBUF_MAX)
		return 1;

	__u32 drop = len - at < 8 ? 64 - 8 * (len - at) : 0;
	__u64 differ = *(lp_word *)((char *)vm->k + off + at) ^ *(lp_word *)(vm->k[1] + at);
	return differ << (drop & 63) != 0;
}

lp_inline __u64 lp_str_match(struct lp_vm *vm, __u32 off, struct lp_step *step)
{
	vm->off = off;
	vm->found = 0;
	lp_loop_seldom(LP_STR_WORDS + 1, lp_str_word, step);
	return vm->found;
}

static long lp_str_search(__u32 i, struct lp_step *step)
{
	struct lp_vm *vm = step->vm;

	if (i + vm->klen[1] > vm->klen[0])
		return 1;
	return lp_str_match(vm, i, step) != 0;
}

/* One word of "does k0 sort before k1?" */
static long lp_str_order(__u32 i, struct lp_step *step)
{
	struct lp_vm *vm = step->vm;
	__u32 at = i * 8;

	lp_opaque(at);
	if (at >= LP_STRBUF_MAX)
		return 1;

	__u64 a = at < vm->klen[0] ? *(lp_word *)(vm->k[0] + at) : 0;
	__u64 b = at < vm->klen[1] ? *(lp_word *)(vm->k[1] + at) : 0;
	if (a == b)
		return 0;
	vm->found = __builtin_bswap64(a) < __builtin_bswap64(b);
	vm->off = 1;
	return 1;
}

lp_inline __u64 lp_str_less(struct lp_vm *vm, struct lp_step *step)
{
	vm->off = 0; /* no difference yet */
	lp_loop_seldom(LP_STR_WORDS, lp_str_order, step);
	return vm->off ? vm->found : vm->klen[0] < vm->klen[1];
}

lp_inline __u64 lp_vm_compare(struct lp_vm *vm, __u32 op, struct lp_step *step)
{
	__u32 n0 = vm->klen[0], n1 = vm->klen[1];

	switch (op) {
	case LP_OP_STREQ:
		return n0 == n1 && lp_str_match(vm, 0, step);
	case LP_OP_STRLT:
		return lp_str_less(vm, step);
	case LP_OP_STRPRE:
		return n1 <= n0 && lp_str_match(vm, 0, step);
	case LP_OP_STRSUF:
		return n1 <= n0 && lp_str_match(vm, n0 - n1, step);
	default: /* STRHAS */
		vm->found = 0;
		lp_loop_seldom(LP_STRBUF_MAX + 1, lp_str_search, step);
		return vm->found;
	}
}

/* An instruction of strings: as lp_vm_do(). */
lp_inline long lp_vm_string(struct lp_vm *vm, const struct lp_insn *in, struct lp_step *step)
{
	__u64 a = vm->reg[in->a & (LP_VM_REGS - 1)], d;
	__u32 op = in->op, k = in->dst & 1;

	switch (op) {
	case LP_OP_STRLD:
		return lp_vm_strld(vm, k, a, in->n);
	case LP_OP_MEMLD:
		return lp_vm_memld(vm, k, a, vm->reg[in->b & (LP_VM_REGS - 1)], in->n);
	case LP_OP_COMMLD:
		return lp_vm_commld(vm, k);
	case LP_OP_STRK:
		return lp_vm_strk(step, k, in->n, (__u32)in->imm);
	case LP_OP_STRLEN:
		if (lp_vm_strlen(vm, a, in->n, &d) < 0)
			return lp_vm_raise(vm, LP_ST_UNREADABLE);
		break;
	default:
		d = lp_vm_compare(vm, op, step);
	}
	vm->reg[in->dst & (LP_VM_REGS - 1)] = d;
	return 0;
}

#endif
