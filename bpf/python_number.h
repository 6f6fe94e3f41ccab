/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/python_number.h
 *
 * python_number - int of any size and float beside each other, exactly; int arithmetic within 64
 * bits.
 */
#ifndef LP_BPF_PYTHON_NUMBER_H
#define LP_BPF_PYTHON_NUMBER_H

#define LP_DIGIT_BITS 30 /* of a PyLong on 64-bit machines */

lp_inline long lp_pyvm_reverse(long relation)
{
	return relation == LP_REL_LESS	    ? LP_REL_GREATER
	       : relation == LP_REL_GREATER ? LP_REL_LESS
					    : relation;
}

lp_inline long lp_pyvm_order_signed(__s64 a, __s64 b)
{
	return a == b ? LP_REL_EQUAL : a < b ? LP_REL_LESS : LP_REL_GREATER;
}

/* Digit i of a view, from the least one on; 0 where it can't be read: vm->py.relation tells. */
lp_inline __u64 lp_pyvm_digit(struct lp_vm *vm, const struct lp_pyvm_view *v, __u64 i)
{
	__u64 d = 0;

	if (v->constant) {
		const struct lp_insn *in = lp_pyvm_data(vm, (v->addr + i * 4) >> 4);

		return in ? ((const __u32 *)in)[i & 3] : 0;
	}
	if (lp_pyvm_get(vm, v->addr + i * 4, 4, &d) < 0)
		vm->py.relation = -LP_ST_UNREADABLE;
	return d;
}

/* The same apart, as the stack of who asks for several is small. */
lp_global __u64 lp_pyvm_digit_of(struct lp_vm *vm, __u32 w, __u64 i)
{
	return vm ? lp_pyvm_digit(vm, &vm->py.view[w % LP_PYVM_VIEWS], i) : 0;
}

static long lp_pyvm_digits_step(__u32 i, struct lp_step *step)
{
	struct lp_vm *vm = step->vm;
	const struct lp_pyvm_view *a = &vm->py.view[vm->py.pair % LP_PYVM_VIEWS];
	const struct lp_pyvm_view *b = &vm->py.view[(vm->py.pair >> 8) % LP_PYVM_VIEWS];

	if (i >= a->len)
		return 1;

	__u64 x = lp_pyvm_digit(vm, a, a->len - 1 - i), y = lp_pyvm_digit(vm, b, b->len - 1 - i);
	if (vm->py.relation < 0)
		return 1;
	vm->py.relation = lp_pyvm_order(x, y);
	return x != y;
}

/* Two ints of which at least one is beyond 64 bits. */
lp_inline long lp_pyvm_big_relate(struct lp_vm *vm, __u32 pair)
{
	struct lp_step step = { .vm = vm };
	const struct lp_pyvm_view *a = &vm->py.view[pair % LP_PYVM_VIEWS];
	const struct lp_pyvm_view *b = &vm->py.view[(pair >> 8) % LP_PYVM_VIEWS];
	if (!a->big || (b->big && b->negative != a->negative))
		return a->big ? (a->negative ? LP_REL_LESS : LP_REL_GREATER)
			      : (b->negative ? LP_REL_GREATER : LP_REL_LESS);
	if (!b->big)
		return a->negative ? LP_REL_LESS : LP_REL_GREATER;

	long r = lp_pyvm_order(a->len, b->len);
	if (r == LP_REL_EQUAL) {
		if (a->len > LP_PY_DIGITS_MAX)
			return -LP_ST_TOO_BIG;
		vm->py.pair = pair;
		vm->py.relation = LP_REL_EQUAL;
		lp_loop_seldom(LP_PY_DIGITS_MAX, lp_pyvm_digits_step, &step);
		r = vm->py.relation;
	}
	return a->negative ? lp_pyvm_reverse(r) : r;
}

/* A finite double: magnitude 1.m * 2^exponent. */
struct lp_pyvm_double {
	__u64 mantissa; /* 53 bits; 0: zero or too small to matter beside an int but for its sign */
	__s32 exponent; /* of the leading bit */
	__u32 negative;
};

lp_inline struct lp_pyvm_double lp_pyvm_split_double(__u64 bits)
{
	__u32 e = bits >> 52 & 0x7ff;
	struct lp_pyvm_double d = {
		.mantissa = bits & ((1ull << 52) - 1),
		.exponent = (__s32)e - 1023,
		.negative = bits >> 63,
	};

	if (e)
		d.mantissa |= 1ull << 52;
	return d;
}

lp_inline long lp_pyvm_small_to_double(__s64 v, struct lp_pyvm_double d)
{
	__u64 whole = 0, part = d.mantissa;
	__u32 k = d.exponent;

	if (d.exponent >= 63) {
		if (d.negative && k == 63 && d.mantissa == 1ull << 52 && v == (__s64)(1ull << 63))
			return LP_REL_EQUAL;
		return d.negative ? LP_REL_GREATER : LP_REL_LESS;
	}
	if (d.exponent >= 52) {
		whole = d.mantissa << ((k - 52) & 63);
		part = 0;
	} else if (d.exponent >= 0) {
		whole = d.mantissa >> ((52 - k) & 63);
		part = d.mantissa & ((1ull << ((52 - k) & 63)) - 1);
	}

	__s64 t = d.negative ? -whole : whole;
	if (v != t)
		return v < t ? LP_REL_LESS : LP_REL_GREATER;
	return !part ? LP_REL_EQUAL : d.negative ? LP_REL_GREATER : LP_REL_LESS;
}

static long lp_pyvm_rest_step(__u32 i, struct lp_step *step)
{
	struct lp_vm *vm = step->vm;
	const struct lp_pyvm_view *a = &vm->py.view[vm->py.pair % LP_PYVM_VIEWS];

	if (i + 3ull >= a->len || vm->py.relation < 0)
		return 1;
	vm->py.rest |= lp_pyvm_digit(vm, a, i);
	return vm->py.rest != 0;
}

/* The magnitude of big int a beside that of d, which has the same number of bits. */
lp_inline long lp_pyvm_big_mantissa(struct lp_vm *vm, __u32 w, struct lp_pyvm_double d,
				    __u32 top_bits)
{
	struct lp_step step = { .vm = vm };
	const struct lp_pyvm_view *a = &vm->py.view[w % LP_PYVM_VIEWS];
	__u64 n = a->len;

	vm->py.pair = w;
	vm->py.relation = LP_REL_EQUAL;

	__u64 x = lp_pyvm_digit_of(vm, w, n - 1), y = lp_pyvm_digit_of(vm, w, n - 2),
	      z = lp_pyvm_digit_of(vm, w, n - 3);
	__u64 top = x << ((64 - top_bits) & 63) | y << ((34 - top_bits) & 63);

	vm->py.rest = 0;
	if (top_bits <= 4) {
		top |= z << ((4 - top_bits) & 63);
	} else {
		top |= z >> ((top_bits - 4) & 63);
		vm->py.rest = z & ((1ull << ((top_bits - 4) & 63)) - 1);
	}
	if (top != d.mantissa << 11)
		return vm->py.relation < 0 ? vm->py.relation : lp_pyvm_order(top, d.mantissa << 11);
	if (!vm->py.rest && vm->py.relation >= 0)
		lp_loop_seldom(LP_PY_DIGITS_MAX, lp_pyvm_rest_step, &step);
	if (vm->py.relation < 0)
		return vm->py.relation;
	return vm->py.rest ? LP_REL_GREATER : LP_REL_EQUAL;
}

/* View w, an int, beside the double. */
lp_inline long lp_pyvm_int_to_float(struct lp_vm *vm, __u32 w, __u64 bits)
{
	if (lp_f64_nan(bits))
		return LP_REL_UNORDERED;

	const struct lp_pyvm_view *a = &vm->py.view[w % LP_PYVM_VIEWS];
	struct lp_pyvm_double d = lp_pyvm_split_double(bits);
	if (d.exponent == 1024) /* infinite */
		return d.negative ? LP_REL_GREATER : LP_REL_LESS;
	if (!a->big)
		return lp_pyvm_small_to_double(a->bits, d);
	if (a->negative != d.negative || d.exponent < 63)
		return a->negative ? LP_REL_LESS : LP_REL_GREATER;
	if (a->len < 3 || a->len > LP_PY_DIGITS_MAX)
		return a->negative ? LP_REL_LESS : LP_REL_GREATER; /* no double is as big */

	vm->py.relation = LP_REL_EQUAL;
	__u64 first = lp_pyvm_digit_of(vm, w, a->len - 1);
	if (vm->py.relation < 0 || !first || first >> 30)
		return -LP_ST_UNREADABLE;
	__u32 top_bits = 64 - lp_clz64(first);
	long r = lp_pyvm_order((a->len - 1) * LP_DIGIT_BITS + top_bits, (__u64)d.exponent + 1);
	if (r == LP_REL_EQUAL)
		r = lp_pyvm_big_mantissa(vm, w, d, top_bits);
	return a->negative ? lp_pyvm_reverse(r) : r;
}

lp_inline long lp_pyvm_floats_relate(__u64 a, __u64 b)
{
	if (lp_f64_nan(a) || lp_f64_nan(b))
		return LP_REL_UNORDERED;
	if (lp_f64_equal(a, b))
		return LP_REL_EQUAL;
	return lp_f64_less(a, b) ? LP_REL_LESS : LP_REL_GREATER;
}

/* Two views that are INT or FLOAT. */
lp_inline long lp_pyvm_numbers_relate(struct lp_vm *vm, __u32 w0, __u32 w1)
{
	const struct lp_pyvm_view *a = &vm->py.view[w0 % LP_PYVM_VIEWS];
	const struct lp_pyvm_view *b = &vm->py.view[w1 % LP_PYVM_VIEWS];

	if (a->kind == LP_KIND_INT && b->kind == LP_KIND_INT) {
		if (!a->big && !b->big)
			return lp_pyvm_order_signed(a->bits, b->bits);
		return lp_pyvm_big_relate(vm, lp_pyvm_pair(w0, w1));
	}
	if (a->kind == LP_KIND_INT)
		return lp_pyvm_int_to_float(vm, w0, b->bits);
	if (b->kind == LP_KIND_INT)
		return lp_pyvm_reverse(lp_pyvm_int_to_float(vm, w1, a->bits));
	return lp_pyvm_floats_relate(a->bits, b->bits);
}

lp_inline long lp_pyvm_multiply(__s64 a, __s64 b, __s64 *ret)
{
	__u64 ua = a < 0 ? -(__u64)a : (__u64)a, ub = b < 0 ? -(__u64)b : (__u64)b;
	int negative = (a < 0) != (b < 0);

	if (ua && ub > ((1ull << 63) - !negative) / ua)
		return -LP_ST_TOO_BIG;
	*ret = negative ? -(ua * ub) : ua * ub;
	return 0;
}

/* The sign of the remainder is that of the divisor. */
lp_inline long lp_pyvm_divide(__s64 a, __s64 b, int remainder, __s64 *ret)
{
	if (!b)
		return -LP_ST_DIV_ZERO;
	if (b == -1 && a == (__s64)(1ull << 63)) {
		*ret = 0;
		return remainder ? 0 : -LP_ST_TOO_BIG;
	}

	__s64 q = lp_divide(a, b, 1, 0), r = lp_divide(a, b, 1, 1);
	if (r && (r < 0) != (b < 0)) {
		r += b;
		q--;
	}
	*ret = remainder ? r : q;
	return 0;
}

lp_inline long lp_pyvm_shift(__s64 a, __s64 n, int left, __s64 *ret)
{
	if (n < 0) /* ValueError */
		return -LP_ST_WRONG_TYPE;
	if (!left) {
		*ret = a >> (n > 63 ? 63 : n & 63);
		return 0;
	}
	*ret = n > 63 ? 0 : (__s64)((__u64)a << (n & 63));
	return n > 63 ? (a ? -LP_ST_TOO_BIG : 0) : *ret >> (n & 63) == a ? 0 : -LP_ST_TOO_BIG;
}

/* a ** b. With a negative exponent it is a float, which is not computed here. */
lp_global long lp_pyvm_power(struct lp_vm *vm, __s64 a, __s64 b)
{
	__s64 v = 1;

	if (!vm || b < 0)
		return !a && vm ? -LP_ST_DIV_ZERO : -LP_ST_UNAVAILABLE;
	if (a == 0 || a == 1 || a == -1)
		b = !b ? 0 : b & 1 ? 1 : 2;
	if (b > 63) /* of 2 and more */
		return -LP_ST_TOO_BIG;
	for (__u32 i = 0; i < 63; i++) {
		if (i >= (__u64)b)
			break;
		if (lp_pyvm_multiply(v, a, &v) < 0)
			return -LP_ST_TOO_BIG;
	}
	vm->py.word = v;
	return 0;
}

lp_inline long lp_pyvm_calculate(struct lp_vm *vm, __u32 op, __s64 a, __s64 b, __s64 *ret)
{
	__u64 ua = a, ub = b, d;
	long r;

	switch (op) {
	case LP_PY_ADD:
		d = ua + ub;
		*ret = d;
		return ((ua ^ d) & (ub ^ d)) >> 63 ? -LP_ST_TOO_BIG : 0;
	case LP_PY_SUB:
		d = ua - ub;
		*ret = d;
		return ((ua ^ ub) & (ua ^ d)) >> 63 ? -LP_ST_TOO_BIG : 0;
	case LP_PY_MUL:
		return lp_pyvm_multiply(a, b, ret);
	case LP_PY_FLOORDIV:
	case LP_PY_MOD:
		return lp_pyvm_divide(a, b, op == LP_PY_MOD, ret);
	case LP_PY_AND:
		*ret = a & b;
		return 0;
	case LP_PY_OR:
		*ret = a | b;
		return 0;
	case LP_PY_XOR:
		*ret = a ^ b;
		return 0;
	case LP_PY_SHL:
	case LP_PY_SHR:
		return lp_pyvm_shift(a, b, op == LP_PY_SHL, ret);
	case LP_PY_POW:
		r = lp_pyvm_power(vm, a, b);
		*ret = vm->py.word;
		return r;
	default:
		return -LP_ST_WRONG_TYPE;
	}
}

#endif
