/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/gate.h
 *
 * gate - what is decided once the condition holds: hit clause, `after`, `max`, `rate`.
 * All counters are atomic: hits of one logpoint come from all CPUs at once.
 */
#ifndef LP_BPF_GATE_H
#define LP_BPF_GATE_H

#define LP_SECOND 1000000000ull

lp_inline int lp_hit_clause(const struct lp_point *p, __u64 hit)
{
	__u64 n = p->hit_n;

	switch (p->hit_op) {
	case LP_HIT_ANY:
		return 1;
	case LP_HIT_EQ:
		return hit == n;
	case LP_HIT_GT:
		return hit > n;
	case LP_HIT_GE:
		return hit >= n;
	case LP_HIT_LT:
		return hit < n;
	case LP_HIT_LE:
		return hit <= n;
	case LP_HIT_MOD:
		return n && hit % n == 0;
	default:
		return 0;
	}
}

/* At most `rate` in each second of the clock. The window's second only moves on. */
lp_inline int lp_rate_admits(struct lp_point *p, __u64 now)
{
	__u32 second = now / LP_SECOND;
	__u64 window = p->window;

	if ((__s32)(second - (__u32)(window >> 32)) > 0 &&
	    __sync_val_compare_and_swap(&p->window, window, (__u64)second << 32 | 1) == window)
		return 1;
	return (__u32)__sync_fetch_and_add(&p->window, 1) < p->rate;
}

/* Has that one logged? By itself, as alone.h says. */
lp_global int lp_alone_logged(__u32 id)
{
	const struct lp_point *p = lp_point_at(id);

	return p && p->logged;
}

/* p: vm->point */
lp_inline long lp_vm_gate(struct lp_vm *vm, struct lp_point *p)
{
	vm->outcome = LP_OUT_FILTERED;
	if (!p)
		return 1;
	vm->hit = __sync_fetch_and_add(&p->passed, 1) + 1;
	if (!lp_hit_clause(p, vm->hit))
		return 1;
	if (p->after != LP_POINT_NONE && !lp_alone_logged(p->after))
		return 1;
	if (p->max && p->tickets >= p->max)
		return 1;

	vm->time = lp_now();
	if (p->rate && !lp_rate_admits(p, vm->time)) {
		vm->outcome = LP_OUT_LIMITED;
		return 1;
	}
	if (p->max) {
		if (__sync_fetch_and_add(&p->tickets, 1) >= p->max) {
			__sync_fetch_and_add(&p->tickets, -1);
			return 1;
		}
		vm->ticket = 1;
	}
	vm->outcome = LP_OUT_NONE;
	if (vm->slot == LP_SLOT_COND) /* the condition is over */
		vm->slot = LP_SLOT_MEM;
	return 0;
}

/* By itself, as alone.h says. */
lp_global long lp_alone_gate(struct lp_vm *vm)
{
	return vm ? lp_vm_gate(vm, lp_point_at(vm->point)) : 1;
}

#endif
