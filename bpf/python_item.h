/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/python_item.h
 *
 * python_item - parts of collections and text: items, slices, len(), in, startswith().
 */
#ifndef LP_BPF_PYTHON_ITEM_H
#define LP_BPF_PYTHON_ITEM_H

lp_inline int lp_pyvm_is_sequence(const struct lp_pyvm_view *v)
{
	return v->kind == LP_KIND_STR || v->kind == LP_KIND_BYTES || v->kind == LP_KIND_TUPLE ||
	       v->kind == LP_KIND_LIST;
}

/* Does the view's class find items as the builtin class does? dict, list and set have these methods by
 * name as well, and so a class statement's class another slot, whether it defines them or not.
 */
lp_global long lp_pyvm_keeps_items(struct lp_vm *vm, __u32 w, __u32 is_in)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;

	if (!rt)
		return -LP_ST_UNREADABLE;

	const struct lp_py_layout *l = &rt->layout;
	const struct lp_pyvm_view *v = &vm->py.view[w % LP_PYVM_VIEWS];
	if (v->exact)
		return 1;

	long r = is_in ? lp_pyvm_keeps_slot(vm, rt, v, l->tp_as_sequence, l->sq_contains)
		       : lp_pyvm_keeps_slot(vm, rt, v, l->tp_as_mapping, l->mp_subscript);

	if (r || (v->kind != LP_KIND_DICT && v->kind != LP_KIND_LIST && v->kind != LP_KIND_SET))
		return r;
	if (is_in)
		lp_pyvm_name(vm, "__contains__", rt->hash_contains);
	else
		lp_pyvm_name(vm, "__getitem__", rt->hash_getitem);
	r = lp_pyvm_mro_find(vm, v->type, LP_CLASSES_PYTHON);
	return r < 0 ? r : !r;
}

/* Where the operand begins in its object: a slice of a slice. */
lp_inline __u64 lp_pyvm_base_of(struct lp_vm *vm, __u32 reg)
{
	reg %= LP_VM_REGS;
	return vm->py.tags[reg] == LP_PY_SLICE ? vm->py.from[reg] : 0;
}

lp_inline void lp_pyvm_slice_result(struct lp_vm *vm, __u64 base, __u64 from, __u64 to)
{
	lp_pyvm_result(vm, LP_PY_SLICE, vm->py.view[LP_VIEW_A].obj);
	vm->py.out_from = base + from;
	vm->py.out_to = base + to;
}

/* What a[b] and a[b:c] are for, of a class that is none of the builtin ones. */
lp_inline long lp_pyvm_no_items(struct lp_vm *vm, const struct lp_py_runtime *rt,
				const struct lp_pyvm_view *v)
{
	const struct lp_py_layout *l = &rt->layout;
	__u64 mapping, sequence, meta, flags;

	if (v->kind == LP_KIND_INT || v->kind == LP_KIND_FLOAT || v->kind == LP_KIND_NONE ||
	    v->kind == LP_KIND_SET)
		return v->exact ? -LP_ST_WRONG_TYPE : -LP_ST_RUNS_CODE;
	if (lp_pyvm_slot(vm, v->type, l->tp_as_mapping, l->mp_subscript, &mapping) < 0 ||
	    lp_pyvm_slot(vm, v->type, l->tp_as_sequence, l->sq_item, &sequence) < 0 ||
	    lp_pyvm_u64(vm, v->type + l->ob_type, &meta) < 0 ||
	    lp_pyvm_u64(vm, v->type + l->tp_flags, &flags) < 0)
		return -LP_ST_UNREADABLE;
	/* of a class there may be a __class_getitem__ */
	return mapping || sequence || flags & LP_PY_TP_TYPE ? -LP_ST_RUNS_CODE : -LP_ST_WRONG_TYPE;
}

lp_inline long lp_pyvm_sequence_item(struct lp_vm *vm, const struct lp_pyvm_view *a,
				     const struct lp_pyvm_view *b)
{
	__u64 i = b->bits, v;

	if (b->kind != LP_KIND_INT)
		return b->kind == LP_KIND_OTHER ? -LP_ST_RUNS_CODE : -LP_ST_WRONG_TYPE;
	if (b->big)
		return -LP_ST_NO_ITEM;
	if ((__s64)i < 0)
		i += a->len;
	if (i >= a->len)
		return -LP_ST_NO_ITEM;
	switch (a->kind) {
	case LP_KIND_BYTES:
		if (lp_pyvm_text_word(vm, LP_VIEW_A, i) < 0)
			return -LP_ST_UNREADABLE;
		lp_pyvm_result(vm, LP_PY_INT, vm->py.word & 0xff);
		return 0;
	case LP_KIND_STR:
		if (!a->obj)
			return -LP_ST_UNAVAILABLE;
		lp_pyvm_slice_result(vm, lp_pyvm_base_of(vm, vm->py.a), i, i + 1);
		return 0;
	default:
		if (lp_pyvm_u64(vm, a->addr + i * 8, &v) < 0)
			return -LP_ST_UNREADABLE;
		lp_pyvm_result(vm, LP_PY_OBJECT, v);
		return v ? 0 : -LP_ST_UNREADABLE;
	}
}

/* A class of its own may make up what is missing. */
lp_inline long lp_pyvm_missing(struct lp_vm *vm, const struct lp_py_runtime *rt,
			       const struct lp_pyvm_view *a)
{
	if (a->exact)
		return -LP_ST_NO_ITEM;
	lp_pyvm_name(vm, "__missing__", rt->hash_missing);

	long r = lp_pyvm_mro_find(vm, a->type, LP_CLASSES_ALL);
	return r < 0 ? r : r ? -LP_ST_RUNS_CODE : -LP_ST_NO_ITEM;
}

/* Not in the table: may another object equal it? */
lp_inline long lp_pyvm_absent(struct lp_vm *vm, const struct lp_py_runtime *rt, __u32 w)
{
	const struct lp_pyvm_view *v = &vm->py.view[w % LP_PYVM_VIEWS];
	long plain = v->kind == LP_KIND_OTHER ? lp_pyvm_compares_plainly(vm, rt, v) : 1;

	return plain < 0 ? plain : plain ? 0 : -LP_ST_RUNS_CODE;
}

/* View w in the dict or set of view v: 1, 0 or < 0. */
lp_inline long lp_pyvm_table_find(struct lp_vm *vm, const struct lp_py_runtime *rt,
				  const struct lp_pyvm_view *table, __u32 w)
{
	__u32 kind = vm->py.view[w % LP_PYVM_VIEWS].kind;

	if (table->kind == LP_KIND_SET && kind == LP_KIND_SET) /* by its frozen copy */
		return -LP_ST_TOO_BIG;

	long r = kind == LP_KIND_OTHER ? 0 : lp_pyvm_hash(vm, w);
	if (r < 0)
		return r;
	r = table->kind == LP_KIND_DICT ? lp_pyvm_dict_find(vm, &rt->layout, table->obj, w)
					: lp_pyvm_set_find(vm, table->obj, w);
	return r ? r : lp_pyvm_absent(vm, rt, w);
}

/* ARGS[b] */
lp_inline long lp_pyvm_args_item(struct lp_vm *vm)
{
	const struct lp_pyvm_view *b = &vm->py.view[LP_VIEW_B];
	__u64 object = vm->reg[vm->py.a % LP_VM_REGS];
	long r = lp_pyvm_operand(vm, LP_VIEW_B, vm->py.b);

	if (r < 0)
		return r;
	if (b->kind != LP_KIND_INT)
		return b->kind == LP_KIND_OTHER ? -LP_ST_RUNS_CODE : -LP_ST_WRONG_TYPE;
	if (!object || b->big || b->bits + 1 > 1) /* 0, -1 */
		return -LP_ST_NO_ITEM;
	lp_pyvm_result(vm, LP_PY_OBJECT, object);
	return 0;
}

lp_global long lp_pyvm_op_item(struct lp_vm *vm)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;

	if (!rt)
		return -LP_ST_UNREADABLE;

	const struct lp_pyvm_view *a = &vm->py.view[LP_VIEW_A], *b = &vm->py.view[LP_VIEW_B];
	if (vm->py.tags[vm->py.a % LP_VM_REGS] == LP_PY_ARGS && lp_py_uses(LP_OP_PY_EXC))
		return lp_pyvm_args_item(vm);
	long r = lp_pyvm_operands(vm);
	if (r < 0)
		return r;
	if (a->kind != LP_KIND_DICT && !lp_pyvm_is_sequence(a))
		return lp_pyvm_no_items(vm, rt, a);
	r = lp_pyvm_keeps_items(vm, LP_VIEW_A, 0);
	if (r != 1)
		return r < 0 ? r : -LP_ST_RUNS_CODE;
	if (a->kind != LP_KIND_DICT)
		return lp_pyvm_sequence_item(vm, a, b);
	r = lp_pyvm_table_find(vm, rt, a, LP_VIEW_B);
	if (r < 0)
		return r;
	if (!r)
		return lp_pyvm_missing(vm, rt, a);
	lp_pyvm_result(vm, LP_PY_OBJECT, vm->py.probe.value);
	return 0;
}

/* One end of a slice, 0..len. */
lp_inline long lp_pyvm_bound(struct lp_vm *vm, __u32 reg, __u64 open, __u64 len, __u64 *ret)
{
	const struct lp_pyvm_view *b = &vm->py.view[LP_VIEW_B];

	*ret = open;
	if (reg == LP_PY_OPEN)
		return 0;

	long r = lp_pyvm_operand(vm, LP_VIEW_B, reg);
	if (r < 0 || b->kind == LP_KIND_NONE)
		return r < 0 ? r : 0;
	if (b->kind != LP_KIND_INT)
		return b->kind == LP_KIND_OTHER ? -LP_ST_RUNS_CODE : -LP_ST_WRONG_TYPE;

	__s64 i = b->bits;
	if (b->big)
		i = b->negative ? 0 : len;
	else if (i < 0)
		i = -(__u64)i > len ? 0 : i + len;
	*ret = (__u64)i > len ? len : (__u64)i;
	return 0;
}

lp_global long lp_pyvm_op_slice(struct lp_vm *vm)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;

	if (!rt)
		return -LP_ST_UNREADABLE;

	const struct lp_pyvm_view *a = &vm->py.view[LP_VIEW_A];
	__u64 from, to;
	long r = lp_pyvm_operand(vm, LP_VIEW_A, vm->py.a);
	if (r < 0)
		return r;
	if (a->kind == LP_KIND_DICT)
		return -LP_ST_RUNS_CODE;
	if (!lp_pyvm_is_sequence(a))
		return lp_pyvm_no_items(vm, rt, a);
	r = lp_pyvm_keeps_items(vm, LP_VIEW_A, 0);
	if (r != 1)
		return r < 0 ? r : -LP_ST_RUNS_CODE;
	if (!a->obj)
		return -LP_ST_UNAVAILABLE;
	r = lp_pyvm_bound(vm, vm->py.b, 0, a->len, &from);
	if (r >= 0)
		r = lp_pyvm_bound(vm, vm->py.n, a->len, a->len, &to);
	if (r < 0)
		return r;
	lp_pyvm_slice_result(vm, lp_pyvm_base_of(vm, vm->py.a), from, to < from ? from : to);
	return 0;
}

/* len() of an object of a class that is none of the builtin ones. */
lp_inline long lp_pyvm_object_len(struct lp_vm *vm, const struct lp_py_runtime *rt,
				  const struct lp_pyvm_view *v)
{
	const struct lp_py_layout *l = &rt->layout;
	__u64 mapping, sequence, n;

	if (v->type == rt->type_range) {
		if (lp_pyvm_u64(vm, v->obj + LP_PYVM_RANGE_LENGTH, &n) < 0 ||
		    lp_pyvm_view(vm, LP_VIEW_ITEM, LP_PY_OBJECT, n) < 0)
			return -LP_ST_UNREADABLE;
		lp_pyvm_result(vm, LP_PY_INT, vm->py.view[LP_VIEW_ITEM].bits);
		return vm->py.view[LP_VIEW_ITEM].big ? -LP_ST_TOO_BIG : 0;
	}
	if (lp_pyvm_slot(vm, v->type, l->tp_as_mapping, l->mp_length, &mapping) < 0 ||
	    lp_pyvm_slot(vm, v->type, l->tp_as_sequence, l->sq_length, &sequence) < 0)
		return -LP_ST_UNREADABLE;
	if (sequence && sequence == rt->set_length) {
		if (lp_pyvm_u64(vm, v->obj + l->set_used, &n) < 0)
			return -LP_ST_UNREADABLE;
		lp_pyvm_result(vm, LP_PY_INT, n);
		return 0;
	}
	return mapping || sequence ? -LP_ST_RUNS_CODE : -LP_ST_WRONG_TYPE;
}

lp_global long lp_pyvm_op_len(struct lp_vm *vm)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;

	if (!rt)
		return -LP_ST_UNREADABLE;

	const struct lp_py_layout *l = &rt->layout;
	const struct lp_pyvm_view *a = &vm->py.view[LP_VIEW_A];
	if (vm->py.tags[vm->py.a % LP_VM_REGS] == LP_PY_ARGS) {
		lp_pyvm_result(vm, LP_PY_INT, vm->reg[vm->py.a % LP_VM_REGS] != 0);
		return 0;
	}
	long r = lp_pyvm_operand(vm, LP_VIEW_A, vm->py.a);
	if (r < 0)
		return r;
	if (a->kind == LP_KIND_OTHER)
		return lp_pyvm_object_len(vm, rt, a);
	if (a->kind == LP_KIND_NONE || a->kind == LP_KIND_INT || a->kind == LP_KIND_FLOAT)
		return a->exact ? -LP_ST_WRONG_TYPE : -LP_ST_RUNS_CODE;
	r = lp_pyvm_keeps_slot(vm, rt, a, l->tp_as_sequence, l->sq_length);
	if (r == 1)
		r = lp_pyvm_keeps_slot(vm, rt, a, l->tp_as_mapping, l->mp_length);
	if (r != 1)
		return r < 0 ? r : -LP_ST_RUNS_CODE;
	lp_pyvm_result(vm, LP_PY_INT, a->len);
	return 0;
}

/* Item i of view B: 1 it is view A, or the end; vm->py.out says which. */
static long lp_pyvm_in_step(__u32 i, struct lp_step *step)
{
	struct lp_vm *vm = step->vm;
	__u64 item = 0;
	long r;

	if (i >= vm->py.view[LP_VIEW_B].len)
		return 1;
	r = lp_pyvm_spend(vm) ? lp_pyvm_u64(vm, vm->py.view[LP_VIEW_B].addr + i * 8ull, &item)
			      : -LP_ST_TOO_BIG;
	if (r >= 0 && item && item == vm->py.view[LP_VIEW_A].obj) {
		vm->py.out = 1;
		return 1;
	}
	if (r >= 0)
		r = lp_pyvm_view(vm, LP_VIEW_ITEM, LP_PY_OBJECT, item);
	if (r >= 0)
		r = lp_pyvm_relate(vm, lp_pyvm_pair(LP_VIEW_A, LP_VIEW_ITEM), 1);
	if (r == LP_REL_ITEMS)
		r = lp_pyvm_tuples_match(vm, LP_VIEW_A);
	else if (r >= 0)
		r = r == LP_REL_EQUAL || r == LP_REL_SAME;
	vm->py.out = r;
	return r != 0;
}

lp_inline long lp_pyvm_in_items(struct lp_vm *vm)
{
	struct lp_step step = { .vm = vm };

	vm->py.out = 0;
	lp_loop_seldom(LP_PY_ITEMS_MAX, lp_pyvm_in_step, &step);
	if (!vm->py.out && vm->py.view[LP_VIEW_B].len > LP_PY_ITEMS_MAX)
		return -LP_ST_TOO_BIG;
	return vm->py.out;
}

lp_inline long lp_pyvm_in_text(struct lp_vm *vm, const struct lp_pyvm_view *a,
			       const struct lp_pyvm_view *b)
{
	if (b->kind == LP_KIND_BYTES && a->kind == LP_KIND_INT) {
		if (a->big || a->bits > 0xff) /* ValueError */
			return -LP_ST_WRONG_TYPE;
		((lp_word *)vm->py.name)[0] = a->bits;
		vm->py.view[LP_VIEW_A].constant = LP_IN_NAME;
		vm->py.view[LP_VIEW_A].width = 1;
		vm->py.view[LP_VIEW_A].len = 1;
		vm->py.view[LP_VIEW_A].addr = 0;
		return lp_pyvm_text_find(vm);
	}
	if (a->kind != b->kind)
		return a->kind == LP_KIND_OTHER ? -LP_ST_RUNS_CODE : -LP_ST_WRONG_TYPE;
	return lp_pyvm_text_find(vm);
}

lp_global long lp_pyvm_op_in(struct lp_vm *vm)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;

	if (!rt)
		return -LP_ST_UNREADABLE;

	const struct lp_pyvm_view *a = &vm->py.view[LP_VIEW_A], *b = &vm->py.view[LP_VIEW_B];
	long r = lp_pyvm_operands(vm);
	if (r < 0)
		return r;
	if (b->kind == LP_KIND_NONE || lp_pyvm_is_number(b))
		return b->exact ? -LP_ST_WRONG_TYPE : -LP_ST_RUNS_CODE;
	if (b->kind == LP_KIND_OTHER)
		return -LP_ST_RUNS_CODE;
	r = lp_pyvm_keeps_items(vm, LP_VIEW_B, 1);
	if (r != 1)
		return r < 0 ? r : -LP_ST_RUNS_CODE;
	if (b->kind == LP_KIND_STR || b->kind == LP_KIND_BYTES)
		r = lp_pyvm_in_text(vm, a, b);
	else if (b->kind == LP_KIND_DICT || b->kind == LP_KIND_SET)
		r = lp_pyvm_table_find(vm, rt, b, LP_VIEW_A);
	else
		r = lp_pyvm_in_items(vm);
	lp_pyvm_result(vm, LP_PY_BOOL, r);
	return r;
}

/* PY_STARTS, PY_ENDS */
lp_global long lp_pyvm_op_affix(struct lp_vm *vm)
{
	if (!vm)
		return -LP_ST_UNREADABLE;

	const struct lp_pyvm_view *a = &vm->py.view[LP_VIEW_A], *b = &vm->py.view[LP_VIEW_B];
	int at_end = vm->py.op == LP_OP_PY_ENDS;
	long r = lp_pyvm_operands(vm);
	if (r < 0)
		return r;
	if (a->kind != LP_KIND_STR && a->kind != LP_KIND_BYTES)
		return a->kind == LP_KIND_OTHER ? -LP_ST_RUNS_CODE : -LP_ST_NO_ATTR;
	if (!a->exact)
		return -LP_ST_RUNS_CODE;

	__u64 n = b->len, items = b->addr, item;
	__u32 w = LP_VIEW_B;
	int is_tuple = b->kind == LP_KIND_TUPLE;
	if (is_tuple && n > LP_PY_TUPLE_MAX)
		return -LP_ST_TOO_BIG;
	r = 0;
	for (__u32 i = 0; i < LP_PY_TUPLE_MAX; i++) {
		if (i >= (is_tuple ? n : 1))
			break;
		if (is_tuple) {
			w = LP_VIEW_ITEM;
			if (lp_pyvm_u64(vm, items + i * 8, &item) < 0)
				return -LP_ST_UNREADABLE;
			r = lp_pyvm_view(vm, w, LP_PY_OBJECT, item);
			if (r < 0)
				return r;
		}
		if (vm->py.view[w].kind != a->kind)
			return -LP_ST_WRONG_TYPE;
		r = lp_pyvm_text_affix(vm, LP_VIEW_A, w, at_end);
		if (r)
			break;
	}
	lp_pyvm_result(vm, LP_PY_BOOL, r);
	return r;
}

#endif
