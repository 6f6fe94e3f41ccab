/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/float.h
 *
 * float - IEEE 754 by integers: BPF has no floating point. Values are bits. Conversions round to
 * nearest even, comparisons are false with NaN; exactly what the processor gives.
 */
#ifndef LP_BPF_FLOAT_H
#define LP_BPF_FLOAT_H

#define LP_F64_SIGN (1ull << 63)
#define LP_F64_INF  (0x7ffull << 52)

/* Without a branch: the verifier would follow each of 64 results. v != 0 */
lp_inline int lp_clz64(__u64 v)
{
	for (int half = 1; half < 64; half *= 2)
		v |= v >> half;
	v = ~v; /* a one for each leading zero: how many? */
	v -= v >> 1 & 0x5555555555555555;
	v = (v & 0x3333333333333333) + (v >> 2 & 0x3333333333333333);
	v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0f;
	return (int)(v * 0x0101010101010101 >> 56);
}

lp_inline __u64 lp_u64_to_f64(__u64 v, __u64 sign)
{
	if (!v)
		return sign;

	int shift = lp_clz64(v) & 63;
	__u64 top = v << shift; /* the leading one is bit 63; 11 bits are too many */
	__u64 rest = top & 0x7ff;
	__u64 bits = (top >> 11) + ((__u64)(1085 - shift) << 52);

	if (rest > 0x400 || (rest == 0x400 && bits & 1))
		bits++; /* a carry goes into the exponent, as it should */
	return sign | bits;
}

lp_inline __u64 lp_s64_to_f64(__u64 v)
{
	__u64 sign = v & LP_F64_SIGN;

	return lp_u64_to_f64(sign ? -v : v, sign);
}

lp_inline __u64 lp_f32_to_f64(__u32 v)
{
	__u64 sign = (__u64)(v >> 31) << 63, mant = v & 0x7fffff;
	__u32 exp = v >> 23 & 0xff;

	if (exp == 0xff) /* a NaN becomes quiet */
		return sign | LP_F64_INF | mant << 29 | (mant ? 1ull << 51 : 0);
	if (exp)
		return sign | (__u64)(exp + 896) << 52 | mant << 29;
	if (!mant)
		return sign;

	/* subnormal: normal as a double */
	int shift = (lp_clz64(mant) - 11) & 63;
	return sign | ((mant << shift) + ((__u64)(925 - shift) << 52));
}

lp_inline int lp_f64_nan(__u64 v)
{
	return (v & ~LP_F64_SIGN) > LP_F64_INF;
}

lp_inline int lp_f64_equal(__u64 a, __u64 b)
{
	if (lp_f64_nan(a) || lp_f64_nan(b))
		return 0;
	return a == b || !((a | b) & ~LP_F64_SIGN);
}

lp_inline __u64 lp_f64_order(__u64 v)
{
	return v & LP_F64_SIGN ? ~v : v | LP_F64_SIGN;
}

lp_inline int lp_f64_less(__u64 a, __u64 b)
{
	if (lp_f64_nan(a) || lp_f64_nan(b) || !((a | b) & ~LP_F64_SIGN))
		return 0;
	return lp_f64_order(a) < lp_f64_order(b);
}

#endif
