/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/python_attr.h
 *
 * python_attr - a.name as PyObject_GenericGetAttr, type's and module's own do it: data descriptors
 * of the class, the instance, the class. A method is given as the function that it is. What runs
 * code (a property, __getattr__) is RUNS_CODE.
 *
 * Besides what the others want, the includer supplies:
 *
 *	struct lp_pyvm_cache *lp_pyvm_cache_at(__u32 n)		one of this CPU's; NULL: none
 */
#ifndef LP_BPF_PYTHON_ATTR_H
#define LP_BPF_PYTHON_ATTR_H

#define LP_PYVM_VALID_TAG   (1ull << 19) /* Py_TPFLAGS_VALID_VERSION_TAG, asked up to 3.10 */
#define LP_PYVM_CALLABLE    LP_PYVM_HEAD /* of staticmethod and classmethod */
#define LP_NAME_CLASS	    0x5f7373616c635f5full /* "__class_" */
#define LP_PYVM_PLACE(o, t) ((__u64)(o) << 8 | (t))

/* Kinds of PyMemberDef (structmember.h). X(kind, number, bytes, signed) */
#define LP_PYVM_MEMBERS(X)                                                                         \
	X(SHORT, 0, 2, 1)                                                                          \
	X(INT, 1, 4, 1)                                                                            \
	X(LONG, 2, 8, 1)                                                                           \
	X(BYTE, 8, 1, 1)                                                                           \
	X(UBYTE, 9, 1, 0)                                                                          \
	X(USHORT, 10, 2, 0)                                                                        \
	X(UINT, 11, 4, 0)                                                                          \
	X(ULONG, 12, 8, 0)                                                                         \
	X(LONGLONG, 17, 8, 1)                                                                      \
	X(ULONGLONG, 18, 8, 0)                                                                     \
	X(SSIZE, 19, 8, 1)
enum {
	LP_MEMBER_FLOAT = 3,
	LP_MEMBER_DOUBLE = 4,
	LP_MEMBER_OBJECT = 6,
	LP_MEMBER_BOOL = 14,
	LP_MEMBER_OBJECT_EX = 16
};

#define LP_PYVM_MEMBER_KINDS 32u /* and some more */

/* As lp_extend() wants it, by the kind. 0: it is no int. Constants of 32 bytes would get a section of their own, which
 * libbpf takes for another.
 */
static const __u16 lp_pyvm_members[LP_PYVM_MEMBER_KINDS] = {
#define LP_PYVM_MEMBER(name, number, bytes, sgn) [number] = (bytes) | ((sgn) ? LP_SIGNED : 0),
	LP_PYVM_MEMBERS(LP_PYVM_MEMBER)
#undef LP_PYVM_MEMBER
};

lp_inline long lp_pyvm_member_int(struct lp_vm *vm, __u64 addr, __u32 kind)
{
	__u32 as = 0;
	__u64 v;

	if (kind < LP_PYVM_MEMBER_KINDS) {
		lp_opaque(kind); /* kernels before 6.13: the one that was compared may be a copy */
		as = lp_pyvm_members[kind & (LP_PYVM_MEMBER_KINDS - 1)];
	}
	if (!as)
		return -LP_ST_RUNS_CODE;
	if (lp_pyvm_get(vm, addr, as & ~LP_SIGNED, &v) < 0)
		return -LP_ST_UNREADABLE;
	v = lp_extend(v, as);
	lp_pyvm_result(vm, LP_PY_INT, v);
	return !(as & LP_SIGNED) && v >> 63 ? -LP_ST_TOO_BIG : 0;
}

/* A member descriptor's value: of __slots__ most often. */
lp_inline long lp_pyvm_member(struct lp_vm *vm, const struct lp_py_runtime *rt, __u64 obj,
			      __u64 place)
{
	__u64 addr = obj + (place >> 8), v;
	__u32 kind = place & 0xff;

	switch (kind) {
	case LP_MEMBER_OBJECT:
	case LP_MEMBER_OBJECT_EX:
		if (lp_pyvm_u64(vm, addr, &v) < 0)
			return -LP_ST_UNREADABLE;
		if (!v && kind == LP_MEMBER_OBJECT_EX)
			return -LP_ST_NO_ATTR;
		lp_pyvm_result(vm, LP_PY_OBJECT, v ? v : rt->none);
		return 0;
	case LP_MEMBER_FLOAT:
	case LP_MEMBER_DOUBLE:
		if (lp_pyvm_get(vm, addr, kind == LP_MEMBER_FLOAT ? 4 : 8, &v) < 0)
			return -LP_ST_UNREADABLE;
		lp_pyvm_result(vm, LP_PY_FLOAT, kind == LP_MEMBER_FLOAT ? lp_f32_to_f64(v) : v);
		return 0;
	case LP_MEMBER_BOOL:
		if (lp_pyvm_get(vm, addr, 1, &v) < 0)
			return -LP_ST_UNREADABLE;
		lp_pyvm_result(vm, LP_PY_BOOL, v != 0);
		return 0;
	default:
		return lp_pyvm_member_int(vm, addr, kind);
	}
}

lp_inline int lp_pyvm_name_is_class(struct lp_vm *vm)
{
	return vm->py.view[LP_VIEW_NAME].len == 9 && lp_pyvm_text_word(vm, LP_VIEW_NAME, 0) >= 0 &&
	       vm->py.word == LP_NAME_CLASS && lp_pyvm_text_word(vm, LP_VIEW_NAME, 8) >= 0 &&
	       (vm->py.word & 0xff) == '_';
}

/* A field of a named tuple: item `index`. */
lp_inline long lp_pyvm_tuple_field(struct lp_vm *vm, const struct lp_py_layout *l, __u64 index)
{
	__u64 n, v;

	if (lp_pyvm_u64(vm, vm->py.object + l->ob_size, &n) < 0 || n >> 40)
		return -LP_ST_UNREADABLE;
	if (index >= n)
		return -LP_ST_NO_ITEM;
	if (lp_pyvm_u64(vm, vm->py.object + l->tuple_items + index * 8, &v) < 0 || !v)
		return -LP_ST_UNREADABLE;
	lp_pyvm_result(vm, LP_PY_OBJECT, v);
	return 0;
}

/* Its _tuplegetter, which knows the number. */
lp_inline long lp_pyvm_tuplegetter(struct lp_vm *vm, const struct lp_py_runtime *rt, __u64 descr)
{
	__u64 flags, index;

	if (lp_pyvm_u64(vm, vm->py.type + rt->layout.tp_flags, &flags) < 0 ||
	    lp_pyvm_u64(vm, descr + LP_PYVM_HEAD, &index) < 0)
		return -LP_ST_UNREADABLE;
	if (!(flags & LP_PY_TP_TUPLE)) /* TypeError */
		return -LP_ST_WRONG_TYPE;
	vm->py.place_how = LP_HOW_TUPLE;
	vm->py.probe.index = index;
	return lp_pyvm_tuple_field(vm, &rt->layout, index);
}

/* What BaseException has getters for, that do nothing but get. */
static const struct {
	__u64 word; /* its first eight bytes */
	__u32 len;
} lp_pyvm_exc_names[] = {
	{ 0x73677261ull, 4 },	       /* args */
	{ 0x5f65737561635f5full, 9 },  /* __cause__ */
	{ 0x7865746e6f635f5full, 11 }, /* __context__ */
	{ 0x6265636172745f5full, 13 }, /* __traceback__ */
};
#define LP_PYVM_EXC_NAMES (sizeof(lp_pyvm_exc_names) / sizeof(*lp_pyvm_exc_names))

/* View NAME among these: where an exception has it; 0: it is none of them. */
lp_inline __u32 lp_pyvm_exc_offset(struct lp_vm *vm, const struct lp_py_layout *l)
{
	const __u32 at[] = { LP_PY_EXC_ARGS, l->exc_cause, l->exc_context, l->exc_traceback };
	__u32 len = vm->py.view[LP_VIEW_NAME].len;

	if (lp_pyvm_text_word(vm, LP_VIEW_NAME, 0) < 0)
		return 0;
	if (len < 8)
		vm->py.word &= (1ull << (len & 7) * 8) - 1;
	for (__u32 i = 0; i < LP_PYVM_EXC_NAMES; i++)
		if (len == lp_pyvm_exc_names[i].len && vm->py.word == lp_pyvm_exc_names[i].word)
			return at[i];
	return 0;
}

/* An attribute of an exception that is not made yet. */
lp_inline long lp_pyvm_raised_attr(struct lp_vm *vm, const struct lp_py_runtime *rt)
{
	__u64 value = vm->reg[vm->py.a % LP_VM_REGS], type, flags;
	long r = lp_pyvm_name_constant(vm, vm->py.imm);

	if (r < 0)
		return r;
	if (lp_pyvm_exc_offset(vm, &rt->layout) != LP_PY_EXC_ARGS)
		return -LP_ST_UNAVAILABLE;
	lp_pyvm_result(vm, LP_PY_ARGS, value == rt->none ? 0 : value);
	if (!vm->py.out)
		return 0;
	if (lp_pyvm_u64(vm, value + rt->layout.ob_type, &type) < 0 ||
	    lp_pyvm_u64(vm, type + rt->layout.tp_flags, &flags) < 0)
		return -LP_ST_UNREADABLE;
	if (flags & LP_PY_TP_TUPLE)
		vm->py.tag = LP_PY_OBJECT;
	return 0;
}

/* A descriptor that has the last word, whatever the instance has. */
lp_inline long lp_pyvm_data_descriptor(struct lp_vm *vm, const struct lp_py_runtime *rt,
				       __u64 descr, __u64 kind)
{
	const struct lp_py_layout *l = &rt->layout;
	__u64 def, type, offset;

	if (kind == rt->type_getset && vm->py.owner == rt->type_object &&
	    lp_pyvm_name_is_class(vm)) {
		lp_pyvm_result(vm, LP_PY_OBJECT, vm->py.type);
		return 0;
	}
	if (kind == rt->type_getset && vm->py.owner == rt->type_exception && vm->py.object) {
		offset = lp_pyvm_exc_offset(vm, l);
		if (!offset)
			return -LP_ST_RUNS_CODE;
		vm->py.place_how = LP_HOW_MEMBER;
		vm->py.probe.index = LP_PYVM_PLACE(offset, LP_MEMBER_OBJECT);
		return lp_pyvm_member(vm, rt, vm->py.object, vm->py.probe.index);
	}
	if (kind == rt->type_tuplegetter && kind && vm->py.object)
		return lp_pyvm_tuplegetter(vm, rt, descr);
	if (kind != rt->type_member || !vm->py.object)
		return -LP_ST_RUNS_CODE;
	if (lp_pyvm_u64(vm, descr + l->member_descr, &def) < 0 ||
	    lp_pyvm_get(vm, def + l->member_type, 4, &type) < 0 ||
	    lp_pyvm_u64(vm, def + l->member_offset, &offset) < 0 || offset >> 40 || type > 0xff)
		return -LP_ST_UNREADABLE;
	vm->py.place_how = LP_HOW_MEMBER;
	vm->py.probe.index = LP_PYVM_PLACE(offset, type);
	return lp_pyvm_member(vm, rt, vm->py.object, vm->py.probe.index);
}

/* What an attribute found in a class is, asked for through the class or an instance. */
lp_inline long lp_pyvm_bind(struct lp_vm *vm, const struct lp_py_runtime *rt, __u64 attr,
			    __u64 kind, __u64 get)
{
	__u64 flags;

	if (kind == rt->type_staticmethod || kind == rt->type_classmethod) {
		if (lp_pyvm_u64(vm, attr + LP_PYVM_CALLABLE, &attr) < 0)
			return -LP_ST_UNREADABLE;
	} else if (get && kind != rt->type_function) {
		if (lp_pyvm_u64(vm, kind + rt->layout.tp_flags, &flags) < 0)
			return -LP_ST_UNREADABLE;
		if (flags & LP_PY_TP_HEAPTYPE) /* cached_property and the like */
			return -LP_ST_RUNS_CODE;
	}
	lp_pyvm_result(vm, LP_PY_OBJECT, attr);
	return 0;
}

/* What a class says of where its instances keep their attributes, beside its flags: where the pointer to the
 * dict is, or how long one is that has values behind it. A class that is made keeps it.
 */
lp_inline long lp_pyvm_class_place(struct lp_vm *vm, const struct lp_py_layout *l, __u64 type,
				   __u64 flags, __u64 *ret)
{
	*ret = 0;
	if (!l->managed_dict || !(flags & LP_PY_TP_MANAGED_DICT))
		return lp_pyvm_u64(vm, type + l->tp_dictoffset, ret);
	if (l->inline_values && flags & LP_PY_TP_INLINE_VALUES)
		return lp_pyvm_u64(vm, type + l->tp_basicsize, ret);
	return 0;
}

/* Where an object keeps its attributes: a dict, or values in the order of its class's keys. place: as
 * its class says.
 */
lp_inline long lp_pyvm_instance_place(struct lp_vm *vm, const struct lp_py_layout *l, __u64 obj,
				      __u64 type, __u64 flags, __u64 place, __u64 *ret_dict,
				      __u64 *ret_values)
{
	__u64 word = place;
	long r = 0;

	*ret_dict = *ret_values = 0;
	if (!l->managed_dict || !(flags & LP_PY_TP_MANAGED_DICT)) {
		if ((__s64)word < 0) { /* from the end of an object of variable size */
			__u64 basic, item, n;

			if (lp_pyvm_u64(vm, type + l->tp_basicsize, &basic) < 0 ||
			    lp_pyvm_u64(vm, type + l->tp_itemsize, &item) < 0 ||
			    lp_pyvm_u64(vm, obj + l->ob_size, &n) < 0)
				return -LP_ST_UNREADABLE;
			if (l->long_is_tagged && flags & LP_PY_TP_LONG)
				n >>= 3;
			n = (__s64)n < 0 ? -n : n;
			word += (basic + n * item + 7) & ~7ull;
		}
		return word ? lp_pyvm_u64(vm, obj + word, ret_dict) : 0;
	}
	if (l->inline_values && flags & LP_PY_TP_INLINE_VALUES) {
		if (lp_pyvm_get(vm, obj + place + l->values_valid, 1, &word) < 0)
			return -LP_ST_UNREADABLE;
		if (word) {
			*ret_values = obj + place + l->values_array;
			return 0;
		}
	}
	if (l->managed_values) {
		r = lp_pyvm_u64(vm, obj - l->managed_values, &word);
		if (r < 0 || word) {
			*ret_values = word + l->values_array;
			return r;
		}
	}
	r = lp_pyvm_u64(vm, obj - l->managed_dict, &word);
	if (l->managed_tagged && word & 1)
		*ret_values = word + 1 + l->values_array;
	else
		*ret_dict = word;
	return r;
}

/* View NAME among the attributes of an object itself: 1, in probe.value, 0 or < 0. */
lp_inline long lp_pyvm_instance_find(struct lp_vm *vm, const struct lp_py_runtime *rt, __u64 obj,
				     __u64 type, __u64 flags)
{
	const struct lp_py_layout *l = &rt->layout;
	__u64 dict, values, keys, place;

	if (lp_pyvm_class_place(vm, l, type, flags, &place) < 0 ||
	    lp_pyvm_instance_place(vm, l, obj, type, flags, place, &dict, &values) < 0)
		return -LP_ST_UNREADABLE;
	if (values) {
		if (lp_pyvm_u64(vm, type + l->ht_cached_keys, &keys) < 0)
			return -LP_ST_UNREADABLE;
		vm->py.place_how = LP_HOW_VALUES;
		return lp_pyvm_keys_name(vm, keys, values);
	}
	vm->py.place_how = LP_HOW_DICT;
	return dict ? lp_pyvm_dict_name(vm, l, dict) : 0;
}

/* 0: attributes of the class are found in the usual way; 1: but __getattr__ is asked in the end. */
lp_inline long lp_pyvm_attr_hooks(struct lp_vm *vm, const struct lp_py_runtime *rt, __u64 type)
{
	__u64 getattr;

	if (lp_pyvm_u64(vm, type + rt->layout.tp_getattro, &getattr) < 0)
		return -LP_ST_UNREADABLE;
	if (getattr == rt->generic_getattr || getattr == rt->type_getattr ||
	    getattr == rt->module_getattr)
		return 0;
	if (!getattr || getattr != rt->slot_getattr_hook)
		return -LP_ST_RUNS_CODE;

	lp_pyvm_name(vm, "__getattribute__", rt->hash_getattribute);
	long r = lp_pyvm_mro_find(vm, type, LP_CLASSES_PYTHON);
	return r < 0 ? r : r ? -LP_ST_RUNS_CODE : 1;
}

/* The object's own: of a class what it inherits, of a module its namespace. 1, 0 or < 0; *ret_done
 * 1: the result is there.
 */
lp_inline long lp_pyvm_own_attr(struct lp_vm *vm, const struct lp_py_runtime *rt, __u64 flags)
{
	__u64 obj = vm->py.object, kind, get;

	if (!obj)
		return 0;
	if (!(flags & LP_PY_TP_TYPE)) {
		long r = lp_pyvm_instance_find(vm, rt, obj, vm->py.type, flags);

		if (r == 1)
			lp_pyvm_result(vm, LP_PY_OBJECT, vm->py.probe.value);
		return r;
	}

	long r = lp_pyvm_mro_find(vm, obj, LP_CLASSES_ALL);
	if (r <= 0)
		return r;
	__u64 attr = vm->py.probe.value;
	if (lp_pyvm_u64(vm, attr + rt->layout.ob_type, &kind) < 0 ||
	    lp_pyvm_u64(vm, kind + rt->layout.tp_descr_get, &get) < 0)
		return -LP_ST_UNREADABLE;
	r = lp_pyvm_bind(vm, rt, attr, kind, get);
	return r < 0 ? r : 1;
}

/* A module's __getattr__ is in its namespace. */
lp_inline long lp_pyvm_no_attr(struct lp_vm *vm, const struct lp_py_runtime *rt)
{
	__u64 dict;

	if (vm->py.type != rt->type_module || !vm->py.object)
		return -LP_ST_NO_ATTR;
	lp_pyvm_name(vm, "__getattr__", rt->hash_getattr);
	if (lp_pyvm_u64(vm, vm->py.object + rt->layout.module_dict, &dict) < 0)
		return -LP_ST_UNREADABLE;
	long r = lp_pyvm_dict_name(vm, &rt->layout, dict);
	return r < 0 ? r : r ? -LP_ST_RUNS_CODE : -LP_ST_NO_ATTR;
}

lp_inline long lp_pyvm_attr_slowly(struct lp_vm *vm, const struct lp_py_runtime *rt)
{
	__u64 descr = 0, kind = 0, get = 0, set = 0, flags;
	const struct lp_py_layout *l = &rt->layout;
	__u64 type = vm->py.type;
	long hooks = lp_pyvm_attr_hooks(vm, rt, type);
	if (hooks < 0)
		return hooks;
	long r = lp_pyvm_name_constant(vm, vm->py.imm);
	if (r >= 0)
		r = lp_pyvm_mro_find(vm, type, LP_CLASSES_ALL);
	if (r < 0)
		return r;
	if (r) {
		descr = vm->py.probe.value;
		if (lp_pyvm_u64(vm, descr + l->ob_type, &kind) < 0 ||
		    lp_pyvm_u64(vm, kind + l->tp_descr_get, &get) < 0 ||
		    lp_pyvm_u64(vm, kind + l->tp_descr_set, &set) < 0)
			return -LP_ST_UNREADABLE;
		if (get && set)
			return lp_pyvm_data_descriptor(vm, rt, descr, kind);
	}
	if (lp_pyvm_u64(vm, type + l->tp_flags, &flags) < 0)
		return -LP_ST_UNREADABLE;
	r = lp_pyvm_own_attr(vm, rt, flags);
	if (r)
		return r < 0 ? r : 0;
	vm->py.place_how = 0;
	if (descr)
		return lp_pyvm_bind(vm, rt, descr, kind, get);
	return hooks ? -LP_ST_RUNS_CODE : lp_pyvm_no_attr(vm, rt);
}

/* The version of a class, that changes with whatever it or its bases have; 0: it has none. */
lp_inline __u32 lp_pyvm_type_version(struct lp_vm *vm, const struct lp_py_layout *l, __u64 type)
{
	__u64 version, flags;

	if (lp_pyvm_lone(vm, type + l->tp_version_tag, &version) < 0)
		return 0;
	if (l->minor > 10)
		return (__u32)version;
	return lp_pyvm_u64(vm, type + l->tp_flags, &flags) >= 0 && flags & LP_PYVM_VALID_TAG
		       ? version
		       : 0;
}

/* Entry `index` of an instance's dict, if its key still is the name. 1, 0 or < 0. */
lp_inline long lp_pyvm_dict_again(struct lp_vm *vm, const struct lp_py_runtime *rt, __u64 dict,
				  const struct lp_pyvm_cache *c)
{
	const struct lp_py_layout *l = &rt->layout;
	struct lp_pyvm_probe *p = &vm->py.probe;
	__u64 keys, values;

	if (lp_pyvm_dict_open(vm, l, dict, &keys, &values) < 0 ||
	    lp_pyvm_keys_open(vm, l, keys) < 0 || c->index >= p->count)
		return 0;
	p->in_turn = 1;
	p->index = c->index;
	p->values = values;
	if (lp_pyvm_dict_entry(vm, p) || p->key != c->key || !p->value ||
	    lp_pyvm_name_constant(vm, vm->py.imm) < 0 || lp_pyvm_name_matches(vm, rt, p->key) != 1)
		return 0;
	lp_pyvm_result(vm, LP_PY_OBJECT, p->value);
	return 1;
}

/* Is what instruction n has found last of the class vm->py.type, and as that is now? */
lp_inline int lp_pyvm_fits(struct lp_vm *vm, const struct lp_py_layout *l,
			   const struct lp_pyvm_cache *c, __u32 n)
{
	return c->type == vm->py.type && c->insn == n && c->pid == vm->pid_tgid >> 32 &&
	       c->version == lp_pyvm_type_version(vm, l, c->type);
}

/* Is it among values that the word before the object's head leads to? Up to 3.12. */
lp_inline int lp_pyvm_leads_to_values(const struct lp_vm *vm, const struct lp_py_layout *l,
				      const struct lp_pyvm_cache *c)
{
	return vm->py.before && l->managed_values && c->flags & LP_PY_TP_MANAGED_DICT;
}

/* As last time for this class: 1 and the result; 0: has to be found out. */
lp_global long lp_pyvm_attr_again(struct lp_vm *vm, __u32 n)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;
	const struct lp_pyvm_cache *c = lp_pyvm_cache_at(n % LP_PYVM_CACHES);
	__u64 dict, values, v;

	if (!rt || !c)
		return 0;

	const struct lp_py_layout *l = &rt->layout;
	__u64 type = vm->py.type;
	if (!lp_pyvm_fits(vm, l, c, n))
		return 0;
	if (c->how == LP_HOW_MEMBER)
		return lp_pyvm_member(vm, rt, vm->py.object, c->index) >= 0;
	if (c->how == LP_HOW_TUPLE)
		return lp_pyvm_tuple_field(vm, l, c->index) >= 0;
	dict = 0;
	values = vm->py.before + l->values_array;
	if (!lp_pyvm_leads_to_values(vm, l, c) &&
	    lp_pyvm_instance_place(vm, l, vm->py.object, type, c->flags, c->place, &dict, &values) <
		    0)
		return 0;
	if (c->how == LP_HOW_DICT)
		return dict ? lp_pyvm_dict_again(vm, rt, dict, c) : 0;
	if (!values || lp_pyvm_lone(vm, values + c->index * 8, &v) < 0 || !v)
		return 0;
	lp_pyvm_result(vm, LP_PY_OBJECT, v);
	return 1;
}

lp_inline void lp_pyvm_attr_remember(struct lp_vm *vm, const struct lp_py_layout *l, __u32 n)
{
	struct lp_pyvm_cache *c = lp_pyvm_cache_at(n % LP_PYVM_CACHES);
	__u32 version = lp_pyvm_type_version(vm, l, vm->py.type);
	__u64 flags, place;

	if (!c || !version || lp_pyvm_u64(vm, vm->py.type + l->tp_flags, &flags) < 0 ||
	    lp_pyvm_class_place(vm, l, vm->py.type, flags, &place) < 0)
		return;
	c->type = 0;
	c->version = version;
	c->insn = n;
	c->pid = vm->pid_tgid >> 32;
	c->how = vm->py.place_how;
	c->key = vm->py.probe.key;
	c->index = vm->py.probe.index;
	c->flags = flags;
	c->place = place;
	c->type = vm->py.type;
}

/* Reads an object together with what lies before its head: where its attributes are. */
lp_inline void lp_pyvm_open(struct lp_vm *vm, const struct lp_py_layout *l, __u64 obj)
{
	const __u64 at = obj - (l->managed_values ? l->managed_values : l->managed_dict);

	if (!l->managed_dict || l->inline_values || lp_pyvm_u64(vm, at, &vm->py.before) < 0)
		vm->py.before = 0;
}

lp_global long lp_pyvm_op_attr(struct lp_vm *vm)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;

	if (!rt)
		return -LP_ST_UNREADABLE;

	__u32 n = vm->code + vm->py.pc, tag = vm->py.tags[vm->py.a % LP_VM_REGS];
	if (tag == LP_PY_RAISED && lp_py_uses(LP_OP_PY_EXC))
		return lp_pyvm_raised_attr(vm, rt);
	if (tag == LP_PY_OBJECT) {
		vm->py.object = vm->reg[vm->py.a % LP_VM_REGS];
		lp_pyvm_open(vm, &rt->layout, vm->py.object);
		if (lp_pyvm_near(vm, vm->py.object + rt->layout.ob_type, 8, &vm->py.type) < 0)
			return -LP_ST_UNREADABLE;
		if (lp_pyvm_attr_again(vm, n) == 1)
			return 0;
	} else {
		long r = lp_pyvm_operand(vm, LP_VIEW_A, vm->py.a);

		if (r < 0)
			return r;
		vm->py.object = 0;
		vm->py.type = vm->py.view[LP_VIEW_A].type;
	}
	vm->py.place_how = 0;

	long r = lp_pyvm_attr_slowly(vm, rt);
	if (r >= 0 && vm->py.place_how && vm->py.object)
		lp_pyvm_attr_remember(vm, &rt->layout, n);
	return r;
}

#endif
