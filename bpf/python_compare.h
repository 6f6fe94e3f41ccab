/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/python_compare.h
 *
 * python_compare - how two values stand to each other, and whether one is true. What a class
 * does by code of its own is RUNS_CODE: its slots are compared with those of the builtin type.
 */
#ifndef LP_BPF_PYTHON_COMPARE_H
#define LP_BPF_PYTHON_COMPARE_H

lp_inline __u64 lp_pyvm_builtin(const struct lp_py_runtime *rt, __u32 kind)
{
	return kind == LP_KIND_INT     ? rt->type_long
	       : kind == LP_KIND_FLOAT ? rt->type_float
	       : kind == LP_KIND_STR   ? rt->type_str
	       : kind == LP_KIND_BYTES ? rt->type_bytes
	       : kind == LP_KIND_TUPLE ? rt->type_tuple
	       : kind == LP_KIND_LIST  ? rt->type_list
	       : kind == LP_KIND_DICT  ? rt->type_dict
	       : kind == LP_KIND_SET   ? rt->type_set
				       : rt->type_object;
}

/* 1: objects of the view's class are compared as those of the builtin class (object: by identity). */
lp_inline long lp_pyvm_compares_plainly(struct lp_vm *vm, const struct lp_py_runtime *rt,
					const struct lp_pyvm_view *v)
{
	__u16 slot = rt->layout.tp_richcompare;
	__u64 own, builtin;

	if (v->kind == LP_KIND_NONE || (v->kind != LP_KIND_OTHER && v->exact))
		return 1;
	if (lp_pyvm_u64(vm, v->type + slot, &own) < 0 ||
	    lp_pyvm_u64(vm, lp_pyvm_builtin(rt, v->kind) + slot, &builtin) < 0)
		return -LP_ST_UNREADABLE;
	return own == builtin;
}

lp_inline int lp_pyvm_is_number(const struct lp_pyvm_view *v)
{
	return v->kind == LP_KIND_INT || v->kind == LP_KIND_FLOAT;
}

lp_inline long lp_pyvm_same_object(const struct lp_pyvm_view *v)
{
	switch (v->kind) {
	case LP_KIND_NONE:
	case LP_KIND_OTHER:
	case LP_KIND_DICT:
		return LP_REL_SAME;
	default:
		return LP_REL_EQUAL;
	}
}

lp_inline long lp_pyvm_containers_relate(const struct lp_pyvm_view *a, const struct lp_pyvm_view *b,
					 int is_equality)
{
	switch (a->kind) {
	case LP_KIND_NONE:
		return LP_REL_SAME;
	case LP_KIND_TUPLE:
	case LP_KIND_LIST:
		return is_equality && a->len != b->len ? LP_REL_UNEQUAL : LP_REL_ITEMS;
	case LP_KIND_DICT:
		return a->len != b->len ? LP_REL_UNEQUAL : a->len ? -LP_ST_TOO_BIG : LP_REL_SAME;
	case LP_KIND_SET:
		if (!is_equality)
			return -LP_ST_TOO_BIG; /* < is "a true subset of" */
		return a->len != b->len ? LP_REL_UNEQUAL : a->len ? -LP_ST_TOO_BIG : LP_REL_EQUAL;
	default:
		return LP_REL_UNEQUAL;
	}
}

/* enum lp_pyvm_relation of two views, or < 0. is_equality: only whether they are the same matters. */
lp_global long lp_pyvm_relate(struct lp_vm *vm, __u32 pair, __u32 is_equality)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;
	__u32 w0 = pair & 0xff, w1 = pair >> 8 & 0xff;

	if (!rt)
		return -LP_ST_UNREADABLE;

	const struct lp_pyvm_view *a = &vm->py.view[w0 % LP_PYVM_VIEWS];
	const struct lp_pyvm_view *b = &vm->py.view[w1 % LP_PYVM_VIEWS];
	long plain = lp_pyvm_compares_plainly(vm, rt, a);
	if (plain == 1)
		plain = lp_pyvm_compares_plainly(vm, rt, b);
	if (plain != 1)
		return plain ? plain : -LP_ST_RUNS_CODE;

	if (lp_pyvm_is_number(a) && lp_pyvm_is_number(b))
		return lp_pyvm_numbers_relate(vm, w0, w1);
	if (a->obj && a->obj == b->obj && a->addr == b->addr && a->len == b->len)
		return lp_pyvm_same_object(a);
	if (a->kind != b->kind)
		return LP_REL_UNEQUAL;
	if (a->kind == LP_KIND_STR || a->kind == LP_KIND_BYTES)
		return lp_pyvm_texts_relate(vm, w0, w1, is_equality);
	return lp_pyvm_containers_relate(a, b, is_equality);
}

/* What an operator makes of a relation: 0, 1 or < 0. */
lp_inline long lp_pyvm_holds(__u32 op, long relation)
{
	int equal = relation == LP_REL_EQUAL || relation == LP_REL_SAME;
	int less = relation == LP_REL_LESS, greater = relation == LP_REL_GREATER;

	if (relation < 0)
		return relation;
	if (relation == LP_REL_ITEMS)
		return -LP_ST_TOO_BIG;
	if (op == LP_PY_EQ)
		return equal;
	if (op == LP_PY_NE)
		return !equal;
	if (relation == LP_REL_UNEQUAL || relation == LP_REL_SAME)
		return -LP_ST_WRONG_TYPE;
	switch (op) {
	case LP_PY_LT:
		return less;
	case LP_PY_LE:
		return less || equal;
	case LP_PY_GT:
		return greater;
	case LP_PY_GE:
		return greater || equal;
	default:
		return -LP_ST_WRONG_TYPE;
	}
}

/* Item i of the list or tuple in view w into view `to`. *ret: what is the same for the same object
 * alone.
 */
lp_inline long lp_pyvm_item_view(struct lp_vm *vm, __u32 w, __u64 i, __u32 to, __u64 *ret)
{
	if (vm->py.view[w % LP_PYVM_VIEWS].constant == LP_IN_REGISTERS) {
		__u32 reg = vm->py.view[w % LP_PYVM_VIEWS].addr >> (i & 15) * 4 & (LP_VM_REGS - 1);
		__u32 tag = vm->py.tags[reg];

		*ret = tag == LP_PY_OBJECT ? vm->reg[reg] : 1 + w;
		if (tag == LP_PY_SLICE)
			return -LP_ST_UNAVAILABLE;
		return lp_pyvm_is_own(tag) ? lp_pyvm_view_own(vm, to, reg)
					   : lp_pyvm_view(vm, to, tag, vm->reg[reg]);
	}

	long r = lp_pyvm_u64(vm, vm->py.view[w % LP_PYVM_VIEWS].addr + i * 8, ret);

	return r < 0 ? r : lp_pyvm_view(vm, to, LP_PY_OBJECT, *ret);
}

/* Items i of views A and B. 1: done, vm->py.count has the relation. */
static long lp_pyvm_items_step(__u32 i, struct lp_step *step)
{
	struct lp_vm *vm = step->vm;
	__u64 a = 0, b = 0;
	long r;

	if (i >= vm->py.view[LP_VIEW_A].len || i >= vm->py.view[LP_VIEW_B].len)
		return 1;
	r = lp_pyvm_spend(vm) ? 0 : -LP_ST_TOO_BIG;
	if (!r)
		r = lp_pyvm_item_view(vm, LP_VIEW_A, i, LP_VIEW_ITEM, &a);
	if (r >= 0)
		r = lp_pyvm_item_view(vm, LP_VIEW_B, i, LP_VIEW_OTHER, &b);
	if (r >= 0 && a == b)
		return 0;
	if (r >= 0)
		r = lp_pyvm_relate(vm, lp_pyvm_pair(LP_VIEW_ITEM, LP_VIEW_OTHER), vm->py.any);
	if (r == LP_REL_EQUAL || r == LP_REL_SAME)
		return 0;
	vm->py.out = r;
	return 1;
}

/* Views A and B, two lists or two tuples. */
lp_inline long lp_pyvm_items_relate(struct lp_vm *vm, int is_equality)
{
	struct lp_step step = { .vm = vm };
	__u64 m = vm->py.view[LP_VIEW_A].len, n = vm->py.view[LP_VIEW_B].len;

	if (m > LP_PY_ITEMS_MAX && n > LP_PY_ITEMS_MAX)
		return -LP_ST_TOO_BIG;
	vm->py.any = is_equality;
	vm->py.out = LP_REL_EQUAL;
	lp_loop_seldom(LP_PY_ITEMS_MAX + 1, lp_pyvm_items_step, &step);

	long r = vm->py.out;
	return r == LP_REL_EQUAL ? lp_pyvm_order(m, n) : r;
}

lp_inline void lp_pyvm_result(struct lp_vm *vm, __u32 tag, __u64 bits)
{
	vm->py.tag = tag;
	vm->py.out = bits;
}

/* Operands a and b of the instruction into the views of that name. */
lp_inline long lp_pyvm_operands(struct lp_vm *vm)
{
	long r = lp_pyvm_operand(vm, LP_VIEW_A, vm->py.a);

	return r < 0 ? r : lp_pyvm_operand(vm, LP_VIEW_B, vm->py.b);
}

/* An int of few digits beside a number of the program, as most conditions have it: the relation, or < 0: it
 * is something else.
 */
lp_inline long lp_pyvm_relate_soon(struct lp_vm *vm, const struct lp_py_runtime *rt, __u32 a,
				   __u32 b)
{
	const struct lp_py_layout *l = &rt->layout;
	__u64 obj = vm->reg[a], type, tag, digits;

	if (vm->py.tags[a] != LP_PY_OBJECT || vm->py.tags[b] != LP_PY_INT ||
	    lp_pyvm_u64(vm, obj + l->ob_type, &type) < 0 || type != rt->type_long ||
	    lp_pyvm_near(vm, obj + l->long_tag, 8, &tag) < 0 ||
	    lp_pyvm_near(vm, obj + l->long_digits, 4, &digits) < 0)
		return -1;
	if (l->long_is_tagged && tag >> 3 <= 1)
		tag = (1 - (tag & 3)) * (tag >> 3);
	if (tag + 1 > 2) /* -1, 0, 1: digits, with their sign */
		return -1;
	return lp_pyvm_order_signed(tag * digits, vm->reg[b]);
}

lp_global long lp_pyvm_op_compare(struct lp_vm *vm)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;

	if (!rt)
		return -LP_ST_UNREADABLE;

	__u32 op = vm->py.n;
	int is_equality = op == LP_PY_EQ || op == LP_PY_NE;
	long r = lp_pyvm_relate_soon(vm, rt, vm->py.a % LP_VM_REGS, vm->py.b % LP_VM_REGS);
	if (r >= 0) {
		r = lp_pyvm_holds(op, r);
		lp_pyvm_result(vm, LP_PY_BOOL, r);
		return r;
	}
	r = lp_pyvm_operands(vm);
	if (r < 0)
		return r;
	r = lp_pyvm_relate(vm, lp_pyvm_pair(LP_VIEW_A, LP_VIEW_B), is_equality);
	if (r == LP_REL_ITEMS)
		r = lp_pyvm_items_relate(vm, is_equality);
	r = lp_pyvm_holds(op, r);
	lp_pyvm_result(vm, LP_PY_BOOL, r);
	return r;
}

/* A slot of the view's class is what the builtin class has there. */
lp_inline long lp_pyvm_keeps_slot(struct lp_vm *vm, const struct lp_py_runtime *rt,
				  const struct lp_pyvm_view *v, __u16 group, __u16 slot)
{
	__u64 own, builtin;

	if (v->exact && v->kind != LP_KIND_OTHER)
		return 1;
	if (lp_pyvm_slot(vm, v->type, group, slot, &own) < 0 ||
	    lp_pyvm_slot(vm, lp_pyvm_builtin(rt, v->kind), group, slot, &builtin) < 0)
		return -LP_ST_UNREADABLE;
	return own == builtin;
}

/* An object of a class that is none of the builtin ones. */
lp_inline long lp_pyvm_object_truth(struct lp_vm *vm, const struct lp_py_runtime *rt,
				    const struct lp_pyvm_view *v)
{
	const struct lp_py_layout *l = &rt->layout;
	__u64 as_bool, mapping, sequence;

	if (v->type == rt->type_range) { /* range.length is an int */
		__u64 length;

		if (lp_pyvm_u64(vm, v->obj + LP_PYVM_RANGE_LENGTH, &length) < 0 ||
		    lp_pyvm_view(vm, LP_VIEW_ITEM, LP_PY_OBJECT, length) < 0)
			return -LP_ST_UNREADABLE;
		return vm->py.view[LP_VIEW_ITEM].bits || vm->py.view[LP_VIEW_ITEM].big;
	}
	if (lp_pyvm_slot(vm, v->type, l->tp_as_number, l->nb_bool, &as_bool) < 0 ||
	    lp_pyvm_slot(vm, v->type, l->tp_as_mapping, l->mp_length, &mapping) < 0 ||
	    lp_pyvm_slot(vm, v->type, l->tp_as_sequence, l->sq_length, &sequence) < 0)
		return -LP_ST_UNREADABLE;
	return as_bool || mapping || sequence ? -LP_ST_RUNS_CODE : 1;
}

lp_inline long lp_pyvm_truth(struct lp_vm *vm, const struct lp_py_runtime *rt,
			     const struct lp_pyvm_view *v)
{
	const struct lp_py_layout *l = &rt->layout;
	long plain = 1;

	if (v->kind == LP_KIND_OTHER)
		return lp_pyvm_object_truth(vm, rt, v);
	if (!v->exact)
		plain = lp_pyvm_keeps_slot(vm, rt, v, l->tp_as_number, l->nb_bool);
	if (!v->exact && plain == 1)
		plain = lp_pyvm_keeps_slot(vm, rt, v, l->tp_as_mapping, l->mp_length);
	if (!v->exact && plain == 1)
		plain = lp_pyvm_keeps_slot(vm, rt, v, l->tp_as_sequence, l->sq_length);
	if (plain != 1)
		return plain ? plain : -LP_ST_RUNS_CODE;
	switch (v->kind) {
	case LP_KIND_NONE:
		return 0;
	case LP_KIND_INT:
		return v->big || v->bits;
	case LP_KIND_FLOAT:
		return v->bits << 1 != 0;
	default:
		return v->len != 0;
	}
}

lp_global long lp_pyvm_op_truth(struct lp_vm *vm)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;

	if (!rt)
		return -LP_ST_UNREADABLE;

	long r = lp_pyvm_operand(vm, LP_VIEW_A, vm->py.a);
	if (r >= 0)
		r = lp_pyvm_truth(vm, rt, &vm->py.view[LP_VIEW_A]);
	lp_pyvm_result(vm, LP_PY_BOOL, r);
	return r;
}

/* Slots of PyNumberMethods (Include/cpython/object.h), of operators: words from nb_add on. Of 64 bytes, as
 * compilers put those of 32 elsewhere, for linkers to merge, where the kernel does not find them.
 */
static const __u8 lp_pyvm_number_slots[64] = {
	[LP_PY_ADD] = 0,  [LP_PY_SUB] = 1,  [LP_PY_MUL] = 2,	   [LP_PY_MOD] = 3,
	[LP_PY_POW] = 5,  [LP_PY_SHL] = 11, [LP_PY_SHR] = 12,	   [LP_PY_AND] = 13,
	[LP_PY_XOR] = 14, [LP_PY_OR] = 15,  [LP_PY_FLOORDIV] = 29,
};
#define LP_PYVM_NB_NEGATIVE 6
#define LP_PYVM_NB_BOOL	    9
#define LP_PYVM_NB_INVERT   10

/* Does the view's class compute as int does? The slot of a class statement's operator, and of its
 * reflected one, is another.
 */
lp_inline long lp_pyvm_computes_plainly(struct lp_vm *vm, const struct lp_py_runtime *rt,
					const struct lp_pyvm_view *v)
{
	const struct lp_py_layout *l = &rt->layout;
	__u32 n = vm->py.n & 63, op = vm->py.op;
	__u32 slot = op == LP_OP_PY_NEG	  ? LP_PYVM_NB_NEGATIVE
		     : op == LP_OP_PY_INV ? LP_PYVM_NB_INVERT
					  : lp_pyvm_number_slots[n];

	return lp_pyvm_keeps_slot(vm, rt, v, l->tp_as_number,
				  l->nb_bool + (slot - LP_PYVM_NB_BOOL) * 8);
}

/* PY_ARITH, PY_NEG, PY_INV */
lp_global long lp_pyvm_op_arithmetic(struct lp_vm *vm)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;

	if (!rt)
		return -LP_ST_UNREADABLE;

	struct lp_pyvm_view *a = &vm->py.view[LP_VIEW_A], *b = &vm->py.view[LP_VIEW_B];
	__u32 op = vm->py.op == LP_OP_PY_NEG   ? LP_PY_SUB
		   : vm->py.op == LP_OP_PY_INV ? LP_PY_XOR
					       : vm->py.n;
	__s64 d = 0;
	long r = lp_pyvm_operand(vm, LP_VIEW_A, vm->py.a);
	if (r >= 0 && vm->py.op == LP_OP_PY_ARITH)
		r = lp_pyvm_operand(vm, LP_VIEW_B, vm->py.b);
	else if (r >= 0)
		r = lp_pyvm_view(vm, LP_VIEW_B, LP_PY_INT, vm->py.op == LP_OP_PY_INV ? ~0ull : 0);
	if (r < 0)
		return r;
	if (vm->py.op == LP_OP_PY_NEG && a->kind == LP_KIND_FLOAT && a->exact) {
		lp_pyvm_result(vm, LP_PY_FLOAT, a->bits ^ LP_F64_SIGN);
		return 0;
	}
	if (a->kind == LP_KIND_NONE || b->kind == LP_KIND_NONE)
		return -LP_ST_WRONG_TYPE;
	if (a->kind != LP_KIND_INT || b->kind != LP_KIND_INT)
		return -LP_ST_RUNS_CODE;
	r = lp_pyvm_computes_plainly(vm, rt, a);
	if (r == 1)
		r = lp_pyvm_computes_plainly(vm, rt, b);
	if (r != 1)
		return r < 0 ? r : -LP_ST_RUNS_CODE;
	if (a->big || b->big)
		return -LP_ST_TOO_BIG;

	if (vm->py.op == LP_OP_PY_NEG)
		r = lp_pyvm_calculate(vm, op, 0, a->bits, &d);
	else
		r = lp_pyvm_calculate(vm, op, a->bits, b->bits, &d);
	lp_pyvm_result(vm,
		       a->is_bool && b->is_bool && op >= LP_PY_AND && op <= LP_PY_XOR ? LP_PY_BOOL
										      : LP_PY_INT,
		       d);
	return r;
}

#endif
