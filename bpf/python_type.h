/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/python_type.h
 *
 * python_type - classes: their namespaces along the order of resolution, isinstance().
 */
#ifndef LP_BPF_PYTHON_TYPE_H
#define LP_BPF_PYTHON_TYPE_H

/* A name that no program has, into view NAME. LP_PYVM_NOHASH: entries are looked at in turn. */
#define lp_pyvm_name(vm, text, hash_)                                                              \
	do {                                                                                       \
		struct lp_pyvm_view *v_ = &(vm)->py.view[LP_VIEW_NAME];                            \
		__builtin_memcpy((vm)->py.name, text, sizeof(text));                               \
		v_->kind = LP_KIND_STR;                                                            \
		v_->exact = 1;                                                                     \
		v_->constant = LP_IN_NAME;                                                         \
		v_->width = 1;                                                                     \
		v_->obj = v_->addr = v_->next = 0;                                                 \
		v_->len = sizeof(text) - 1;                                                        \
		v_->hash = (hash_) ? (hash_) : LP_PYVM_NOHASH;                                     \
	} while (0)

enum lp_pyvm_scope {
	LP_CLASSES_ALL,
	LP_CLASSES_PYTHON, /* only those made by a class statement */
};

/* 0: not to be had */
lp_inline long lp_pyvm_type_dict(struct lp_vm *vm, const struct lp_py_runtime *rt, __u64 type,
				 __u64 *ret)
{
	const struct lp_py_layout *l = &rt->layout;
	__u64 index;

	if (lp_pyvm_u64(vm, type + l->tp_dict, ret) < 0)
		return -LP_ST_UNREADABLE;
	if (*ret || !rt->static_types)
		return 0;
	if (lp_pyvm_u64(vm, type + l->tp_subclasses, &index) < 0 || index - 1 > 0xffff)
		return -LP_ST_UNREADABLE;
	return lp_pyvm_u64(
		vm, rt->static_types + (index - 1) * rt->static_type_size + rt->static_type_dict,
		ret);
}

/* Every attribute of `object` is a __name__, and none can be added. */
lp_inline int lp_pyvm_is_special(struct lp_vm *vm)
{
	return lp_pyvm_text_word(vm, LP_VIEW_NAME, 0) < 0 || (vm->py.word & 0xffff) == 0x5f5f;
}

/* View NAME in one class. */
lp_inline long lp_pyvm_class_find(struct lp_vm *vm, const struct lp_py_runtime *rt, __u64 type,
				  __u32 scope)
{
	__u64 dict, flags;

	if (type == rt->type_object && (scope == LP_CLASSES_PYTHON || !lp_pyvm_is_special(vm)))
		return 0;
	if (scope == LP_CLASSES_PYTHON) {
		if (lp_pyvm_u64(vm, type + rt->layout.tp_flags, &flags) < 0)
			return -LP_ST_UNREADABLE;
		if (!(flags & LP_PY_TP_HEAPTYPE))
			return 0;
	}
	if (lp_pyvm_type_dict(vm, rt, type, &dict) < 0)
		return -LP_ST_UNREADABLE;
	if (!dict)
		return -LP_ST_RUNS_CODE;

	__u64 keys, values;
	long r = lp_pyvm_dict_open(vm, &rt->layout, dict, &keys, &values);
	return r < 0 ? r : lp_pyvm_keys_name_run(vm, rt, keys, values);
}

/* Class i of the order of resolution at vm->py.base. */
static long lp_pyvm_mro_step(__u32 i, struct lp_step *step)
{
	struct lp_vm *vm = step->vm;
	const struct lp_py_runtime *rt = lp_py_rt(vm);
	__u64 class;

	if (!rt || i >= vm->py.count)
		return 1;
	vm->py.found = -LP_ST_UNREADABLE;
	if (lp_pyvm_u64(vm, vm->py.base + i * 8ull, &class) < 0)
		return 1;
	vm->py.owner = class;
	vm->py.found = lp_pyvm_class_find(vm, rt, class, vm->py.scope);
	return vm->py.found != 0;
}

/* View NAME in a class and those that it inherits from: 1 found, in probe.value, its class in owner;
 * 0 not; < 0.
 */
lp_global long lp_pyvm_mro_find(struct lp_vm *vm, __u64 type, __u32 scope)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;
	struct lp_step step = { .vm = vm };
	__u64 mro;

	if (!rt)
		return -LP_ST_UNREADABLE;
	if (lp_pyvm_u64(vm, type + rt->layout.tp_mro, &mro) < 0 ||
	    lp_pyvm_u64(vm, mro + rt->layout.ob_size, &vm->py.count) < 0)
		return -LP_ST_UNREADABLE;
	if (vm->py.count > LP_PY_MRO_MAX)
		return -LP_ST_TOO_BIG;
	vm->py.base = mro + rt->layout.tuple_items;
	vm->py.scope = scope;
	vm->py.found = 0;
	lp_loop_seldom(LP_PY_MRO_MAX, lp_pyvm_mro_step, &step);
	return vm->py.found;
}

lp_global long lp_pyvm_is_subtype(struct lp_vm *vm, __u64 type, __u64 class)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;
	__u64 mro, n, base;

	if (!rt)
		return -LP_ST_UNREADABLE;
	if (type == class)
		return 1;
	if (lp_pyvm_u64(vm, type + rt->layout.tp_mro, &mro) < 0 ||
	    lp_pyvm_u64(vm, mro + rt->layout.ob_size, &n) < 0)
		return -LP_ST_UNREADABLE;
	if (n > LP_PY_MRO_MAX)
		return -LP_ST_TOO_BIG;
	for (__u32 i = 0; i < LP_PY_MRO_MAX; i++) {
		if (i >= n)
			break;
		if (lp_pyvm_u64(vm, mro + rt->layout.tuple_items + i * 8, &base) < 0)
			return -LP_ST_UNREADABLE;
		if (base == class)
			return 1;
	}
	return 0;
}

#define LP_NAME_ABCMETA 0x006174654d434241ull /* "ABCMeta", with its terminator */

/* A class whose metaclass has an __instancecheck__ of its own: 1, 0: no. ABCMeta's says yes to
 * subclasses, and to what has been registered.
 */
lp_inline long lp_pyvm_checks_itself(struct lp_vm *vm, const struct lp_py_runtime *rt, __u64 meta,
				     int is_subtype)
{
	__u64 name, word;

	if (meta == rt->type_type)
		return 0;
	lp_pyvm_name(vm, "__instancecheck__", rt->hash_instancecheck);
	long r = lp_pyvm_mro_find(vm, meta, LP_CLASSES_PYTHON);
	if (r <= 0 || !is_subtype)
		return r;
	if (lp_pyvm_u64(vm, vm->py.owner + rt->layout.tp_name, &name) < 0 ||
	    lp_pyvm_u64(vm, name, &word) < 0)
		return -LP_ST_UNREADABLE;
	return word != LP_NAME_ABCMETA;
}

/* Has the class of view A a __class__ of its own, which isinstance() would ask? */
lp_inline long lp_pyvm_has_other_class(struct lp_vm *vm, const struct lp_py_runtime *rt)
{
	const struct lp_pyvm_view *a = &vm->py.view[LP_VIEW_A];
	__u64 getattr;

	if (a->exact && a->kind != LP_KIND_OTHER)
		return 0;
	if (lp_pyvm_u64(vm, a->type + rt->layout.tp_getattro, &getattr) < 0)
		return -LP_ST_UNREADABLE;
	if (getattr != rt->generic_getattr && getattr != rt->slot_getattr_hook &&
	    getattr != rt->type_getattr && getattr != rt->module_getattr)
		return 1;
	lp_pyvm_name(vm, "__class__", rt->hash_class);
	return lp_pyvm_mro_find(vm, a->type, LP_CLASSES_PYTHON);
}

/* isinstance(view A, class): 1, 0 or < 0. */
lp_global long lp_pyvm_is_instance(struct lp_vm *vm, __u64 class)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;
	__u64 meta, flags;

	if (!rt)
		return -LP_ST_UNREADABLE;
	if (vm->py.view[LP_VIEW_A].type == class)
		return 1;
	if (lp_pyvm_u64(vm, class + rt->layout.ob_type, &meta) < 0 ||
	    lp_pyvm_u64(vm, meta + rt->layout.tp_flags, &flags) < 0)
		return -LP_ST_UNREADABLE;
	if (!(flags & LP_PY_TP_TYPE)) /* int | str, typing's, or TypeError */
		return -LP_ST_RUNS_CODE;

	long is_subtype = lp_pyvm_is_subtype(vm, vm->py.view[LP_VIEW_A].type, class);
	if (is_subtype < 0)
		return is_subtype;
	long r = lp_pyvm_checks_itself(vm, rt, meta, is_subtype);
	if (!r && !is_subtype)
		r = lp_pyvm_has_other_class(vm, rt);
	return r < 0 ? r : r ? -LP_ST_RUNS_CODE : is_subtype;
}

lp_global long lp_pyvm_op_isinstance(struct lp_vm *vm)
{
	if (!vm)
		return -LP_ST_UNREADABLE;

	const struct lp_pyvm_view *b = &vm->py.view[LP_VIEW_B];
	long r = lp_pyvm_operands(vm);
	if (r < 0)
		return r;
	if (!b->obj)
		return -LP_ST_WRONG_TYPE;
	if (b->kind != LP_KIND_TUPLE) {
		r = lp_pyvm_is_instance(vm, b->obj);
		lp_pyvm_result(vm, LP_PY_BOOL, r);
		return r;
	}
	if (b->len > LP_PY_TUPLE_MAX)
		return -LP_ST_TOO_BIG;

	__u64 n = b->len, items = b->addr, class;
	for (__u32 i = 0; i < LP_PY_TUPLE_MAX; i++) {
		if (i >= n)
			break;
		if (lp_pyvm_u64(vm, items + i * 8, &class) < 0)
			return -LP_ST_UNREADABLE;
		r = lp_pyvm_is_instance(vm, class);
		if (r)
			break;
		r = 0;
	}
	lp_pyvm_result(vm, LP_PY_BOOL, n ? r : 0);
	return n ? r : 0;
}

#endif
