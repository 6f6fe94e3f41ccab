/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/python_hash.h
 *
 * python_hash - hash() of keys that the program makes or reads: int, float, None, tuple, as
 * Objects/longobject.c, Python/pyhash.c and Objects/tupleobject.c have it (since 3.8). str and bytes
 * keep theirs; where it has not been computed yet, it is not known.
 */
#ifndef LP_BPF_PYTHON_HASH_H
#define LP_BPF_PYTHON_HASH_H

#define LP_HASH_BITS	61
#define LP_HASH_MODULUS ((1ull << LP_HASH_BITS) - 1)
#define LP_HASH_INF	314159
#define LP_HASH_NONE	0xfca86420ull /* of None from 3.12 on */

/* xxHash's primes */
#define LP_HASH_P1 11400714785074694791ull
#define LP_HASH_P2 14029467366897019727ull
#define LP_HASH_P5 2870177450012600261ull

lp_inline __u64 lp_pyvm_hash_signed(__u64 hash, int negative)
{
	if (negative)
		hash = -hash;
	return hash == ~0ull ? ~1ull : hash;
}

lp_inline __u64 lp_pyvm_hash_rotate(__u64 x, __u32 by)
{
	return (x << (by & 63) & LP_HASH_MODULUS) | x >> ((LP_HASH_BITS - by) & 63);
}

lp_inline __u64 lp_pyvm_hash_pointer(__u64 address)
{
	__u64 hash = address >> 4 | address << 60;

	return hash == ~0ull ? ~1ull : hash;
}

/* vm->py.top is the hash of the digits above. */
static long lp_pyvm_hash_digit(__u32 i, struct lp_step *step)
{
	struct lp_vm *vm = step->vm;
	const struct lp_pyvm_view *v = &vm->py.view[vm->py.pair % LP_PYVM_VIEWS];

	if (i >= v->len || vm->py.relation < 0)
		return 1;

	__u64 x = lp_pyvm_hash_rotate(vm->py.top, LP_DIGIT_BITS);
	x += lp_pyvm_digit(vm, v, v->len - 1 - i);
	vm->py.top = x >= LP_HASH_MODULUS ? x - LP_HASH_MODULUS : x;
	return 0;
}

lp_inline long lp_pyvm_hash_int(struct lp_vm *vm, __u32 w, __u64 *ret)
{
	struct lp_step step = { .vm = vm };
	const struct lp_pyvm_view *v = &vm->py.view[w % LP_PYVM_VIEWS];

	if (!v->big) {
		int negative = (__s64)v->bits < 0;

		*ret = lp_pyvm_hash_signed((negative ? -v->bits : v->bits) % LP_HASH_MODULUS,
					   negative);
		return 0;
	}
	if (v->len > LP_PY_DIGITS_MAX)
		return -LP_ST_TOO_BIG;
	vm->py.pair = w;
	vm->py.top = 0;
	vm->py.relation = LP_REL_EQUAL;
	lp_loop_seldom(LP_PY_DIGITS_MAX, lp_pyvm_hash_digit, &step);
	*ret = lp_pyvm_hash_signed(vm->py.top, v->negative);
	return vm->py.relation < 0 ? vm->py.relation : 0;
}

/* A NaN's depends on where it lies: not known. */
lp_inline long lp_pyvm_hash_float(__u64 bits, __u64 *ret)
{
	struct lp_pyvm_double d = lp_pyvm_split_double(bits);

	if (lp_f64_nan(bits))
		return -LP_ST_UNAVAILABLE;
	if (d.exponent == 1024) {
		*ret = d.negative ? -(__u64)LP_HASH_INF : LP_HASH_INF;
		return 0;
	}
	/* mantissa * 2^e; a subnormal has the exponent of the least normal */
	__s32 e = (d.exponent == -1023 ? -1022 : d.exponent) - 52 + 61 * 32;
	*ret = lp_pyvm_hash_signed(
		lp_pyvm_hash_rotate(d.mantissa % LP_HASH_MODULUS, (__u32)e % LP_HASH_BITS),
		d.negative);
	return 0;
}

lp_global long lp_pyvm_hash_scalar(struct lp_vm *vm, __u32 w)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;

	if (!rt)
		return -LP_ST_UNREADABLE;

	struct lp_pyvm_view *v = &vm->py.view[w % LP_PYVM_VIEWS];

	switch (v->kind) {
	case LP_KIND_NONE:
		v->hash = rt->layout.minor >= 12 ? LP_HASH_NONE : lp_pyvm_hash_pointer(rt->none);
		return 0;
	case LP_KIND_INT:
		return lp_pyvm_hash_int(vm, w, &v->hash);
	case LP_KIND_FLOAT:
		return lp_pyvm_hash_float(v->bits, &v->hash);
	case LP_KIND_STR:
		return 0;
	case LP_KIND_BYTES:
		return v->mutable ? -LP_ST_WRONG_TYPE : 0;
	case LP_KIND_LIST:
	case LP_KIND_DICT:
		return -LP_ST_WRONG_TYPE;
	case LP_KIND_SET:
		return v->type == rt->type_set ? -LP_ST_WRONG_TYPE : -LP_ST_TOO_BIG;
	default:
		return -LP_ST_TOO_BIG; /* a tuple in a tuple, or by the object's own means */
	}
}

/* Does a program look something up in tables? Else that is done for what names threads alone. */
lp_inline int lp_pyvm_looks_up(void)
{
	return lp_py_uses(LP_OP_PY_ITEM) || lp_py_uses(LP_OP_PY_IN);
}

lp_inline long lp_pyvm_hash_tuple(struct lp_vm *vm, __u32 w)
{
	struct lp_pyvm_view *v = &vm->py.view[w % LP_PYVM_VIEWS];
	__u64 n = v->len, acc = LP_HASH_P5, item;

	if (n > LP_PY_TUPLE_MAX)
		return -LP_ST_TOO_BIG;
	for (__u32 i = 0; i < LP_PY_TUPLE_MAX; i++) {
		if (i >= n)
			break;

		long r = lp_pyvm_item_view(vm, w, i, LP_VIEW_SUB, &item);
		if (r >= 0)
			r = lp_pyvm_hash_scalar(vm, LP_VIEW_SUB);
		if (r < 0)
			return r;
		if (vm->py.view[LP_VIEW_SUB].hash == LP_PYVM_NOHASH)
			return -LP_ST_TOO_BIG; /* a str that nobody has hashed */
		acc += vm->py.view[LP_VIEW_SUB].hash * LP_HASH_P2;
		acc = (acc << 31 | acc >> 33) * LP_HASH_P1;
	}
	acc += n ^ (LP_HASH_P5 ^ 3527539ull);
	v->hash = acc == ~0ull ? 1546275796ull : acc;
	return 0;
}

/* The hash of view w, into it. LP_PYVM_NOHASH: it has none yet. */
lp_global long lp_pyvm_hash(struct lp_vm *vm, __u32 w)
{
	if (!vm)
		return -LP_ST_UNREADABLE;
	if (lp_pyvm_looks_up() && vm->py.view[w % LP_PYVM_VIEWS].kind == LP_KIND_TUPLE)
		return lp_pyvm_hash_tuple(vm, w);
	return lp_pyvm_hash_scalar(vm, w);
}

#endif
